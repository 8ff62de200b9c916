//! What `--run-monitor` makes of an entry: the same as the daemon, and what has no effect there.

use std::path::PathBuf;
use std::time::Duration;

use expect_test::expect;
use scalyr_agent::config::load::from_text;
use scalyr_agent::config::{RunRequest, monitor_plan_for_run};

use super::{environment, plan, registry};

#[test]
fn each_monitor_is_planned_alike_by_the_daemon_and_by_run_monitor() {
    let (registry, environment) = (registry(), environment(&[]));
    assert!(registry.iter().count() >= 2);
    for registration in registry.iter() {
        for options in
            ["{}", "{ no_such_option: 1 }", "{ sample_interval: 7, log_path: 'x.log' }", "{ sample_interval: 0 }"]
        {
            let request = RunRequest {
                module: registration.name,
                config_text: options,
                sample_interval: Duration::from_secs(30),
                agent_config: None,
            };
            let alone = monitor_plan_for_run(&request, &registry, &environment);
            let entry = options.replacen('{', &format!("{{ module: '{}', ", registration.name), 1);
            let (daemon, _) =
                plan(&format!("global_monitor_sample_interval_enable_jitter: false, monitors: [{entry}]"));
            let shown = |plan: &scalyr_agent::config::plan::MonitorPlan| {
                let mut options: Vec<_> = plan.entry.keys().cloned().collect();
                options.sort();
                (
                    format!("{:?}", (plan.name(), plan.sample_interval, plan.jitter, plan.write_limit, plan.rotation)),
                    options,
                )
            };
            assert_eq!(alone.ok().map(|run| shown(&run.monitor)), daemon.monitors.first().map(shown), "{entry}");
        }
    }
}

#[test]
fn run_monitor_takes_jitter_and_rotation_from_the_agents_configuration() {
    let (registry, environment) = (registry(), environment(&[]));
    let text = "{ agent_log_path: 'logs', log_rotation_backup_count: 7, no_such_key: 1 }";
    let loaded = from_text(text, PathBuf::from("/etc/agent.json"), &environment).unwrap_or_else(|r| panic!("{r}"));
    let request = RunRequest {
        module: "coin",
        config_text: "{ id: 'x' }",
        sample_interval: Duration::from_secs(5),
        agent_config: Some(&loaded),
    };
    let run = monitor_plan_for_run(&request, &registry, &environment).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!((run.monitor.jitter, run.monitor.rotation.backups), (true, 7));
    assert_eq!((run.monitor.name().as_str(), run.monitor.sample_interval.as_secs()), ("coin(x)", 5));
    assert_eq!((run.log_path, run.report.to_string()), (PathBuf::from("/etc/logs"), String::new()));
}

#[test]
fn a_bad_run_is_refused_with_every_reason() {
    let refusal = |module: &str, text: &str| {
        let request =
            RunRequest { module, config_text: text, sample_interval: Duration::from_secs(5), agent_config: None };
        match monitor_plan_for_run(&request, &registry(), &environment(&[])) {
            Ok(run) => panic!("{run:?}"),
            Err(report) => report.to_string(),
        }
    };
    let all = [
        refusal("coin", "{ gauss_mean: 11, gauss_stddev: 'x', sample_interval: 0 }"),
        refusal("cion", "{ a: 1 b: 2 }"),
        refusal("coin", "[1]"),
        refusal("coin", "{ id: {} }"),
    ];
    expect![[r#"
        refused: -c:1:55  sample_interval: 0 is below the minimum 0.1
        refused: -c:1:15  gauss_mean: 11 is above the maximum 10
        refused: -c:1:33  gauss_stddev: "x" is not a number
        error: -c:1:8: expected a comma, a line break or `}`, found `b`
        refused: --run-monitor: "cion" is no monitor of this agent; did you mean `coin`? A crate that was added since this binary was built is linked by `cargo xtask link` and a new build (from outside: `cargo agent`), or for a host by a new package (`cargo xtask package`); if it is one of your own in Python: Python monitors are not run, but ported: docs/writing-a-monitor.md, section "From a Python monitor"
        error: -c: must be an object, { ... }, but is a list
        refused: -c:1:7  id: must be a text, a number, true or false, but is an object
    "#]]
    .assert_eq(&all.concat());
}

#[test]
fn what_has_no_effect_on_a_single_run_is_named() {
    let (registry, environment) = (registry(), environment(&[("SCALYR_ID", "a"), ("SCALYR_SAMPLE_INTERVAL", "1")]));
    let report = |text: &str| {
        let request = RunRequest {
            module: "coin",
            config_text: text,
            sample_interval: Duration::from_secs(5),
            agent_config: None,
        };
        let run = monitor_plan_for_run(&request, &registry, &environment).unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(run.monitor.short_name, "coin");
        run.report.to_string()
    };
    expect![[r#"
        warning: -c:1:11  module: "test_monitor" is ignored: --run-monitor runs coin
        warning: -c:1:100  log_path: has no effect with --run-monitor: all lines go to standard output, without a limit
        warning: -c:1:87  log_rotation_max_bytes: has no effect with --run-monitor: all lines go to standard output, without a limit
        warning: -c:1:60  monitor_log_write_rate: has no effect with --run-monitor: all lines go to standard output, without a limit
    "#]]
    .assert_eq(&report(
        "{ module: 'test_monitor', id: 'b', monitor_log_write_rate: 5, log_rotation_max_bytes: 9, log_path: 'x.log' }",
    ));
    assert_eq!(report("{ module: 'coin', id: 'b', disabled: false, sample_interval: 1 }"), "");
    let disabled = "warning: -c:1:22  disabled: has no effect with --run-monitor: the monitor was asked for by name\n";
    assert_eq!(report("{ id: 'b', disabled: true }"), disabled);
}
