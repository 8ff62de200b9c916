//! Of the layout of requests, of the times of events, and of not sending at all.

use scalyr_agent::config::plan::BodyForm;

use super::built_with;

#[test]
fn the_old_forms_of_a_request_are_there_for_whoever_asks_and_the_one_without_logs_wins() {
    for (keys, form) in [
        ("", BodyForm::Lean),
        ("repeat_log_attributes: true", BodyForm::Repeated),
        ("disable_logfile_addevents_format: true", BodyForm::WithoutLogs),
        ("repeat_log_attributes: true, disable_logfile_addevents_format: true", BodyForm::WithoutLogs),
        ("repeat_log_attributes: 'true'", BodyForm::Repeated),
    ] {
        let workers = "workers: [{ id: 'eu', api_key: 'l' }]";
        let (plan, report) = built_with(&format!("{{ api_key: 'k', {workers}, {keys} }}"), &[]).unwrap();
        assert!(plan.sessions.len() >= 2 && plan.sessions.iter().all(|session| session.body_form == form), "{keys}");
        let told = report.to_string();
        assert!(!told.contains("repeat_log") && !told.contains("disable_logfile"), "{told}");
    }
    let by_variable = [("SCALYR_REPEAT_LOG_ATTRIBUTES", "true"), ("SCALYR_ENFORCE_MONOTONIC_TIMESTAMPS", "true")];
    let (plan, _) = built_with("{ api_key: 'k' }", &by_variable).unwrap();
    assert_eq!((plan.sessions[0].body_form, plan.sessions[0].monotonic_times), (BodyForm::Repeated, true));
}

#[test]
fn times_are_left_alone_and_everything_is_sent_unless_asked_otherwise() {
    let (by_default, _) = built_with("{ api_key: 'k' }", &[]).unwrap();
    assert!(!by_default.sessions[0].monotonic_times && !by_default.sessions[0].sends_nothing);
    let text = "{ api_key: 'k', enforce_monotonic_timestamps: true, disable_send_requests: true }";
    let (plan, report) = built_with(text, &[]).unwrap();
    assert!(plan.sessions[0].monotonic_times && plan.sessions[0].sends_nothing);
    let told = report.to_string();
    assert!(
        told.contains("disable_send_requests: is true: what is read is thrown away and never sent, also later"),
        "{told}"
    );
}
