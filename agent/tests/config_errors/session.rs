//! Of the way to the server: the key, how much goes when and how, and who the host says it is.

use std::path::PathBuf;
use std::time::Duration;

use expect_test::expect;
use scalyr_agent::config::load::from_text;
use scalyr_agent::config::plan::Compression;

use super::{built_with, environment, fatal, plan};

#[test]
fn a_key_that_cannot_be_used_is_fatal_and_says_what_to_do() {
    let texts =
        ["{}", "{ api_key: null }", "{ api_key: ' ' }", "{ api_key: 'REPLACE_THIS' }", "{ api_key: [1] }", "[]", ""];
    let all: String = texts.iter().map(|text| format!("{text}\n{}", fatal(text))).collect();
    expect![[r#"
        {}
        error: /etc/agent.json  api_key: is missing: set it to a "Log Write Access" key of your account
        { api_key: null }
        error: /etc/agent.json:1:12  api_key: is missing: set it to a "Log Write Access" key of your account
        { api_key: ' ' }
        error: /etc/agent.json:1:12  api_key: is empty: set it to a "Log Write Access" key of your account
        { api_key: 'REPLACE_THIS' }
        error: /etc/agent.json:1:12  api_key: is still the placeholder REPLACE_THIS: set it to a "Log Write Access" key of your account
        { api_key: [1] }
        error: /etc/agent.json:1:12  api_key: must be a text, but is a list
        []
        error: /etc/agent.json: must be an object, { ... }, but is a list

        error: /etc/agent.json: is empty; it must hold an object, { ... }
    "#]].assert_eq(&all.replace(
        "warning: /etc/agent.json  implicit_agent_process_metrics_monitor: the monitor linux_process_metrics that it runs is not built yet; `implicit_agent_process_metrics_monitor: false` ends this warning\n",
        "",
    ));
}

#[test]
fn the_key_is_never_shown() {
    let key = "wEiRd_SeCrEt_KeY-";
    for text in [
        format!("{{ api_key: '{key}' }}"),
        format!("{{ api_key: '{key}', api_key: '{key}', max_line_size: [] }}"),
        format!("{{ api_key: ['{key}'] }}"),
        format!("{{ api_key: '{key}\\n{key}' }}"),
        format!("{{ api_key: '{key}' scalyr_server: 'x' }}"),
        format!("{{ api_key: '{key} }}"),
        format!("{{ api_key: {key} }}"),
        format!("{{ api_key: 'k', scalyr_server: 'https://{key}:{key}@host' }}"),
        format!("{{ api_key: 'k', http_proxy: 'https://{key}:{key}@host', workers: [{{ api_key: '{key}' }}] }}"),
    ] {
        let variables = [("SCALYR_API_KEY", key), ("scalyr_https_proxy", key)];
        let shown = format!("{:?}", built_with(&text, &variables));
        assert!(!shown.contains(key), "{shown}");
        let displayed = built_with(&text, &variables).map_or_else(|r| r.to_string(), |(_, r)| r.to_string());
        assert!(!displayed.contains(key), "{displayed}");
        let loaded = format!("{:?}", from_text(&text, PathBuf::from("/a"), &environment(&variables)));
        assert!(!loaded.contains(key), "{loaded}");
    }
}

#[test]
fn what_the_user_wrote_is_respected_under_unlimited() {
    let pacing = |text: &str| plan(text).0.sessions[0].pacing;
    assert_eq!(pacing("").max_request_size, 5_900_000);
    assert_eq!(pacing("").min_spacing, Duration::ZERO);
    assert_eq!(pacing("max_allowed_request_size: 2000000").max_request_size, 2_000_000);
    assert_eq!(pacing("min_request_spacing_interval: 2.5").min_spacing, Duration::from_millis(2500));
    assert_eq!(pacing("max_send_rate_enforcement: 'legacy'").max_request_size, 1_048_576);
    assert_eq!(pacing("max_send_rate_enforcement: 'legacy'").min_spacing, Duration::from_secs(1));
    assert_eq!(pacing("disable_max_send_rate_enforcement_overrides: true").max_request_size, 1_048_576);
    assert_eq!(plan("max_send_rate_enforcement: 'legacy'").0.tail.max_existing_log_offset_size, 104_857_600);
    assert_eq!(plan("max_log_offset_size: 7").0.tail.max_log_offset_size, 7);
    let (plan, report) = plan("max_send_rate_enforcement: '5 MB/s'");
    assert_eq!(plan.sessions[0].pacing.max_request_size, 5_900_000);
    assert!(report.contains("max_send_rate_enforcement: \"5 MB/s\" is not honoured yet"), "{report}");
}

#[test]
fn compression_falls_back_to_deflate_by_name() {
    let compression = |text: &str| (plan(text).0.sessions[0].compression, plan(text).1);
    assert_eq!(compression("compression_level: 3").0, Compression::Deflate(3));
    assert_eq!(compression("compression_type: 'none'").0, Compression::None);
    let (kind, report) = compression("compression_type: 'zstandard', compression_level: 19");
    assert_eq!(kind, Compression::Deflate(6));
    assert!(report.contains("zstandard is not built yet; deflate is used"), "{report}");
    let (kind, report) = compression("compression_level: 12");
    assert_eq!(kind, Compression::Deflate(6));
    assert!(report.contains("compression_level: 12 is outside 1 to 9"), "{report}");
}

#[test]
fn the_host_names_itself_unless_the_user_does() {
    let host = |text: &str| plan(text).0.sessions[0].server_attributes["serverHost"].clone();
    assert_eq!(host(""), "web1.example.com");
    assert_eq!(host("strip_domain_from_default_server_host: true"), "web1");
    assert_eq!(host("server_attributes: { serverHost: 'mine' }"), "mine");
}
