//! How the spelling of `module`, and of what `--run-monitor` is given, leads to the name of an instance.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use expect_test::expect;
use scalyr_agent::config::load::from_text;
use scalyr_agent::config::plan::Plan;
use scalyr_agent::config::{RunPlan, RunRequest, Surroundings, build, monitor_plan_for_run};
use scalyr_agent::monitors::state::short_hash_of;
use scalyr_monitor::prelude::*;
use scalyr_monitor::registry::{Environment, Registry};

/// Rain.
#[scalyr_monitor(name = "rain_gauge", module = "weather.rain_meter")]
struct RainGauge {
    /// So much.
    #[metric]
    level: Metric<f64>,
}

impl Monitor for RainGauge {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        out.emit(self.level, 1.0);
        Ok(())
    }
}

/// What these members lead to, and what is odd about them.
fn plan(members: &str) -> (Plan, String) {
    let text = format!(
        "{{ api_key: 'k', implicit_metric_monitor: false, implicit_agent_process_metrics_monitor: false,\n{members} }}"
    );
    let environment = Arc::new(Environment::default());
    let loaded = from_text(&text, PathBuf::from("/etc/agent.json"), &environment).unwrap();
    let registry = Registry::linked().unwrap();
    let surroundings = Surroundings { registry: &registry, environment: &environment, host_name: "web1" };
    let (plan, report) = build(&loaded, &surroundings).unwrap();
    (plan, report.to_string())
}

fn run(module: &str, config_text: &str) -> std::result::Result<RunPlan, String> {
    let request = RunRequest { module, config_text, sample_interval: Duration::from_secs(5), agent_config: None };
    monitor_plan_for_run(&request, &Registry::linked().unwrap(), &Arc::new(Environment::default()))
        .map_err(|report| report.to_string())
}

#[test]
fn a_monitor_has_one_name_however_its_dashes_are_written() {
    let (plan, report) = plan(
        r#"calculate_rate_metric_names: ["rain_gauge:level"],
        monitors: [{ module: "rain-gauge" }, { module: "rain_gauge" }, { module: "weather.rain-meter" }]"#,
    );
    let known: Vec<_> = plan
        .monitors
        .iter()
        .map(|monitor| (monitor.name(), monitor.metric_log.as_path(), short_hash_of(monitor)))
        .collect();
    let log = Path::new("rain_gauge.log");
    assert_eq!(
        known.iter().map(|(name, log, _)| (name.as_str(), *log)).collect::<Vec<_>>(),
        [("rain_gauge(1)", log), ("rain_gauge(2)", log), ("rain_gauge(3)", log)]
    );
    let (spelled, _) = self::plan(r#"monitors: [{ module: "rain_gauge", id: 1 }]"#);
    assert_eq!(known[0].2, short_hash_of(&spelled.monitors[0]));
    expect![[r#"
        warning: /etc/agent.json:3:30  monitors[0].module: "rain-gauge" is the monitor `rain_gauge`; write `rain_gauge`
        warning: /etc/agent.json:3:82  monitors[2].module: "weather.rain-meter" is the monitor `rain_gauge`; write `rain_gauge`
    "#]]
    .assert_eq(&report);
}

#[test]
fn an_exact_name_or_module_leads_to_the_text_behind_its_last_dot() {
    let (plan, report) = plan(r#"monitors: [{ module: "rain_gauge" }, { module: "weather.rain_meter" }]"#);
    let known: Vec<_> = plan.monitors.iter().map(|monitor| (monitor.name(), monitor.metric_log.as_path())).collect();
    let of = |name: &str, log: &'static str| (name.to_owned(), Path::new(log));
    assert_eq!(known, [of("rain_gauge()", "rain_gauge.log"), of("rain_meter()", "rain_meter.log")]);
    assert_eq!(report, "");
}

#[test]
fn a_rate_that_is_for_another_spelling_is_named() {
    let (_, report) =
        plan(r#"calculate_rate_metric_names: ["rain-gauge:level"], monitors: [{ module: "rain_gauge" }]"#);
    expect![[r#"
        warning: /etc/agent.json:2:31  calculate_rate_metric_names[0]: "rain-gauge" is the monitor `rain_gauge`, and so written it has no effect; write `rain_gauge:level`
    "#]]
    .assert_eq(&report);
}

#[test]
fn the_name_of_the_folder_runs_the_monitor_under_its_own() {
    for text in ["{}", "{ module: 'rain_gauge' }", "{ module: 'rain-gauge' }"] {
        let run = run("rain-gauge", text).unwrap();
        assert_eq!((run.monitor.name(), run.report.to_string()), ("rain_gauge()".to_owned(), String::new()), "{text}");
    }
    assert_eq!(run("weather.rain_meter", "{}").unwrap().monitor.name(), "rain_meter()");
}

#[test]
fn what_is_no_monitor_may_be_a_crate_that_is_not_linked_yet() {
    let told = |module: &str| run(module, "{}").unwrap_err();
    expect![[r#"
        refused: --run-monitor: "rain_guage" is no monitor of this agent; did you mean `rain_gauge`? A crate that was added since this binary was built is linked by `cargo xtask link` and a new build (from outside: `cargo agent`), or for a host by a new package (`cargo xtask package`); if it is one of your own in Python: Python monitors are not run, but ported: docs/writing-a-monitor.md, section "From a Python monitor"
    "#]]
    .assert_eq(&told("rain_guage"));
    expect![[r#"
        refused: --run-monitor: "rain-guage" is no monitor of this agent; did you mean `rain_gauge`? A crate that was added since this binary was built is linked by `cargo xtask link` and a new build (from outside: `cargo agent`), or for a host by a new package (`cargo xtask package`)
    "#]]
    .assert_eq(&told("rain-guage"));
    assert!(!told("scalyr_agent.builtin_monitors.rain").contains("crate"));
}

#[test]
fn a_file_instead_of_an_entry_is_told_how_to_be_given() {
    let directory = tempfile::tempdir().unwrap();
    let bare = directory.path().join("bare");
    std::fs::write(&bare, "{}").unwrap();
    let told = |text: &str| run("rain_gauge", text).unwrap_err();
    for (text, quoted) in [
        ("/tmp/x.json", "/tmp/x.json"),
        ("./x", "./x"),
        ("x.json", "x.json"),
        ("../it's here.json", "'../it'\\''s here.json'"),
        (bare.to_str().unwrap(), bare.to_str().unwrap()),
    ] {
        assert_eq!(
            told(text),
            format!(
                "error: -c: takes the entry itself, {{ ... }}, not the name of a file; for what stands in one: -c \"$(cat \
                 {quoted})\"\n"
            )
        );
    }
    for text in ["{ x.json", "// x.json", "/* x.json", " /tmp/x.json", "[1]", "x"] {
        assert!(!told(text).contains("cat"), "{text}");
    }
    assert!(run("rain_gauge", "// nothing\n{}").is_ok());
}
