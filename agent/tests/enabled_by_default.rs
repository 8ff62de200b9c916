//! A monitor that runs although no entry of `monitors` names it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::sync::Arc;

use scalyr_agent::config::load::from_text;
use scalyr_agent::config::plan::MonitorPlan;
use scalyr_agent::config::{Surroundings, build};
use scalyr_monitor::Monitor;
use scalyr_monitor::registry::{Environment, Registration, Registry};

struct Volunteer;

impl Monitor for Volunteer {}

scalyr_monitor::__private::inventory::submit! {
    Registration {
        name: "volunteer",
        module: Some("old.volunteer"),
        krate: "volunteers",
        version: "1.0.0",
        doc: "Runs by itself.",
        declared_options: &[],
        declared_metrics: &[],
        log_fields: &[],
        enabled_by_default: true,
        construct: |_| Some(Box::new(Volunteer)),
    }
}

/// Name, origin and whether it is disabled, of each monitor that this text leads to; and what is odd about it.
fn monitors(text: &str) -> (Vec<(String, String, bool)>, String) {
    let text = format!(
        "{{ api_key: 'k', implicit_metric_monitor: false, implicit_agent_process_metrics_monitor: false, {text} }}"
    );
    let environment = Arc::new(Environment::default());
    let loaded = from_text(&text, PathBuf::from("/etc/agent.json"), &environment).unwrap();
    let registry = Registry::linked().unwrap();
    let surroundings = Surroundings { registry: &registry, environment: &environment, host_name: "web1" };
    let (plan, report) = build(&loaded, &surroundings).unwrap();
    let told = |monitor: &MonitorPlan| (monitor.name(), monitor.origin.clone(), monitor.disabled);
    (plan.monitors.iter().map(told).collect(), report.to_string())
}

#[test]
fn it_runs_when_no_entry_names_it() {
    let by_default = "enabled_by_default of crate volunteers".to_owned();
    assert_eq!(monitors("monitors: []"), (vec![("volunteer()".to_owned(), by_default, false)], String::new()));
}

#[test]
fn an_entry_takes_its_place_by_either_name_and_can_switch_it_off() {
    let of_entry = |disabled| (vec![("volunteer()".to_owned(), "monitors[0]".to_owned(), disabled)], String::new());
    assert_eq!(monitors("monitors: [{ module: 'old.volunteer', disabled: true }]"), of_entry(true));
    assert_eq!(monitors("monitors: [{ module: 'volunteer' }]"), of_entry(false));
}

#[test]
fn an_entry_that_is_refused_names_it_too() {
    let (monitors, report) = monitors("monitors: [{ module: 'volunteer', id: [] }]");
    assert!(monitors.is_empty() && report.contains("monitors[0].id: must be a text"), "{report}");
}
