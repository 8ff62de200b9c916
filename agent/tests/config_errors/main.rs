//! What a configuration becomes: the plan, and every problem at once.

mod any_value;
mod files;
mod forms;
mod fragments;
mod import_vars;
mod logs;
mod many_entries;
mod monitors;
mod options;
mod other_logs;
mod places;
mod rules;
mod session;
mod sharp_edges_of_monitors;
mod single_run;
mod variables;
mod whole;
mod workers;

use {builtin_monitors as _, local_monitors as _};

use std::path::PathBuf;
use std::sync::Arc;

use scalyr_agent::config::load::from_text;
use scalyr_agent::config::plan::{MonitorPlan, Plan};
use scalyr_agent::config::{Report, Severity, Surroundings, build};
use scalyr_monitor::registry::{Environment, Registry};

fn registry() -> Registry {
    Registry::linked().unwrap_or_else(|clashes| panic!("{clashes:?}"))
}

fn environment(variables: &[(&str, &str)]) -> Arc<Environment> {
    Arc::new(Environment::new(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))))
}

fn built_with(text: &str, variables: &[(&str, &str)]) -> std::result::Result<(Plan, Report), Report> {
    let environment = environment(variables);
    let loaded = from_text(text, PathBuf::from("/etc/agent.json"), &environment)?;
    let registry = registry();
    build(&loaded, &Surroundings { registry: &registry, environment: &environment, host_name: "web1.example.com" })
}

/// The plan and its report; `text` is what stands beside a key and without the implicit monitors.
fn plan(text: &str) -> (Plan, String) {
    let text = format!(
        "{{ api_key: 'k', implicit_metric_monitor: false, implicit_agent_process_metrics_monitor: false, {text} }}"
    );
    match built_with(&text, &[]) {
        Ok((plan, report)) => (plan, report.to_string()),
        Err(report) => panic!("{report}"),
    }
}

fn fatal(text: &str) -> String {
    match built_with(text, &[]) {
        Ok((plan, _)) => panic!("a plan was made: {plan:?}"),
        Err(report) => {
            assert_eq!(report.worst(), Some(Severity::Fatal));
            report.to_string()
        }
    }
}

/// The names and intervals of the monitors of these entries, in seconds, with these variables.
fn intervals(entries: &str, variables: &[(&str, &str)]) -> (Vec<(String, f64)>, String) {
    let text = format!(
        "{{ api_key: 'k', implicit_metric_monitor: false, implicit_agent_process_metrics_monitor: false, \
         global_monitor_sample_interval: 20, monitors: [{entries}] }}"
    );
    let (plan, report) = built_with(&text, variables).unwrap_or_else(|report| panic!("{report}"));
    let interval = |monitor: &MonitorPlan| (monitor.name(), monitor.sample_interval.as_secs_f64());
    (plan.monitors.iter().map(interval).collect(), report.to_string())
}
