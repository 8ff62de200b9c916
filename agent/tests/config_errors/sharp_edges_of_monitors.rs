//! The sharp edges of `monitor-framework.md` that concern the configuration, each with the better behaviour. Those that
//! show only while monitors run are found by `monitor-framework.md, sharp edge` in the other tests.

use expect_test::expect;
use scalyr_agent::config::{Kind, Report, Severity};
use scalyr_monitor::prelude::*;

use super::{built_with, plan};

/// Has options of its own.
#[scalyr_monitor(name = "edgy")]
struct Edgy {
    /// Whether it is quiet.
    #[config(default = false)]
    quiet: bool,
    /// From the environment as well.
    #[config(default = 1, env = "SCALYR_EDGY_LEVEL")]
    level: u8,
    /// What it looks at.
    #[config(default = vec![])]
    names: Vec<String>,
}

impl Monitor for Edgy {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        out.line(&format!("{} {} {:?}", self.quiet, self.level, self.names));
        Ok(())
    }
}

fn report(entries: &str, variables: &[(&str, &str)]) -> Report {
    let text = format!(
        "{{ api_key: 'k', implicit_metric_monitor: false, implicit_agent_process_metrics_monitor: false, \
         monitors: [{entries}] }}"
    );
    built_with(&text, variables).map_or_else(|report| report, |(_, report)| report)
}

// monitor-framework.md, sharp edge 1 (that it is not started, and shown: supervisor/tests.rs, added_monitors.rs)
#[test]
fn a_disabled_entry_is_planned_as_one() {
    let (plan, report) = plan("monitors: [{ module: 'coin', disabled: true }, { module: 'coin', disabled: 'off' }]");
    assert_eq!(plan.monitors.iter().map(|monitor| monitor.disabled).collect::<Vec<_>>(), [true, false]);
    assert!(!report.contains("refused"), "{report}");
}

// monitor-framework.md, sharp edge 2
#[test]
fn a_log_path_is_honoured_and_the_default_is_the_old_one() {
    let (plan, _) = plan("monitors: [{ module: 'coin', log_path: '/m/coins.log' }, { module: 'coin', log_path: '' }]");
    let logs: Vec<_> = plan.monitors.iter().map(|monitor| monitor.metric_log.display().to_string()).collect();
    assert_eq!(logs, ["/m/coins.log", "coin.log"]);
}

// monitor-framework.md, sharp edge 3
#[test]
fn an_id_is_given_once_and_automatic_ones_stay_clear_of_it() {
    let (plan, report) = plan(
        "monitors: [{ module: 'coin', id: 2 }, { module: 'coin' }, { module: 'coin', id: 'a' }, { module: 'coin', id: 'a' }]",
    );
    assert_eq!(
        plan.monitors.iter().map(|monitor| monitor.name()).collect::<Vec<_>>(),
        ["coin(2)", "coin(5)", "coin(a)"]
    );
    expect![[r#"
        warning: /etc/agent.json:1:134  monitors[1]: its automatic id 2 is given to another entry; it gets 5
        refused: /etc/agent.json:1:205  monitors[3].id: "a" is the id of monitors[2] too; this monitor does not run; give each coin its own
    "#]]
    .assert_eq(&report);
}

// monitor-framework.md, sharp edge 6 (that the exit status is 1: stop_on_failure.rs)
#[test]
fn whether_the_agent_stops_with_a_monitor_is_read_once_and_in_words() {
    for (value, stops, is_conversion) in [
        ("'false'", false, true),
        ("'f'", false, true),
        ("'no'", false, true),
        ("''", false, false),
        ("false", false, false),
        ("'TRUE'", true, false),
        ("1", true, false),
    ] {
        let entry = format!("{{ module: 'coin', stop_agent_on_failure: {value} }}");
        let (plan, _) = plan(&format!("monitors: [{entry}]"));
        assert_eq!(plan.monitors[0].stop_agent_on_failure, stops, "{value}");
        let report = report(&entry, &[]);
        let told = report.problems().iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>();
        assert_eq!(told.len(), usize::from(is_conversion), "{value}: {told:?}");
        assert!(
            told.iter().all(|told| told.ends_with("is read as false; the Python agent took it as true")),
            "{told:?}"
        );
    }
}

// monitor-framework.md, sharp edge 7
#[test]
fn each_refusal_names_its_monitor_and_the_others_run() {
    let (plan, report) = plan(
        "monitors: [
            { module: 'coin', id: 'a', gauss_mean: 11, sample_interval: 'x' },
            { module: 'scalyr_agent.builtin_monitors.test_monitor' },
            { module: 'coin', id: 'b' },
        ]",
    );
    assert_eq!(plan.monitors.iter().map(|monitor| monitor.name()).collect::<Vec<_>>(), ["coin(b)"]);
    expect![[r#"
        refused: /etc/agent.json:2:73  monitors[0].sample_interval: "x" is not a number; coin(a) does not run
        refused: /etc/agent.json:2:52  monitors[0].gauss_mean: 11 is above the maximum 10; coin(a) does not run
        refused: /etc/agent.json:3:13  monitors[1].gauss_mean: required, but not given; test_monitor() does not run
    "#]]
    .assert_eq(&report);
}

// monitor-framework.md, sharp edge 9
#[test]
fn only_declared_variables_reach_a_monitor_and_the_others_are_named() {
    let variables = [("SCALYR_EDGY_LEVEL", "7"), ("SCALYR_QUIET", "true"), ("SCALYR_MONITOR_LOG_WRITE_RATE", "5")];
    let told = report("{ module: 'edgy' }", &variables);
    expect![[r#"
        warning: environment  SCALYR_MONITOR_LOG_WRITE_RATE: is not read for entries of `monitors`; write `monitor_log_write_rate` into each of them
        warning: /etc/agent.json:1:107  monitors[0].quiet: the environment variable SCALYR_QUIET is not read for this option; set it in the entry
    "#]]
    .assert_eq(&told.to_string());
    assert!(told.problems().iter().all(|problem| problem.kind == Kind::Obsolete));
    let conflict = report("{ module: 'edgy', level: 3 }", &variables[..1]);
    assert_eq!(conflict.problems()[0].kind, Kind::Conflict);
}

// monitor-framework.md, sharp edge 10
#[test]
fn words_for_true_and_false_mean_the_same_everywhere_and_others_are_refused() {
    for (word, flag) in [("yes", true), ("On", true), ("1", true), ("no", false), ("0", false), ("FALSE", false)] {
        let (plan, _) = plan(&format!("monitors: [{{ module: 'edgy', quiet: '{word}', disabled: '{word}' }}]"));
        assert_eq!(plan.monitors[0].disabled, flag, "{word}");
        // To monitors all but `true` were false.
        let report = report(&format!("{{ module: 'edgy', quiet: '{word}' }}"), &[]);
        let kinds: Vec<_> = report.problems().iter().map(|problem| problem.kind).collect();
        assert_eq!(kinds, if flag { vec![Kind::Conversion] } else { vec![] }, "{word}");
        assert!(report.problems().iter().all(|problem| problem.is_error_in_check()));
    }
    let refused = report("{ module: 'edgy', quiet: 'maybe' }", &[]);
    assert_eq!(refused.worst(), Some(Severity::Refused));
    let cut = report("{ module: 'edgy', names: \"'a,b'\" }", &[]);
    assert_eq!(cut.problems()[0].kind, Kind::Conversion);
}

// monitor-framework.md, sharp edge 11
#[test]
fn an_interval_that_would_spin_is_refused() {
    for interval in ["0", "-1", "0.05", "'0'"] {
        let report = report(&format!("{{ module: 'coin', sample_interval: {interval} }}"), &[]).to_string();
        assert!(report.contains("is below the minimum 0.1; coin() does not run"), "{report}");
    }
}

// monitor-framework.md, sharp edge 16 (that each is held to its own: own_logs/metric_log.rs)
#[test]
fn each_instance_has_the_limits_of_its_own_entry() {
    let (plan, _) = plan(
        "monitors: [{ module: 'coin', monitor_log_write_rate: 10, monitor_log_max_write_burst: 20 },
            { module: 'coin', monitor_log_write_rate: 30 }, { module: 'coin', monitor_log_write_rate: -1 }]",
    );
    let limits: Vec<_> =
        plan.monitors.iter().map(|monitor| monitor.write_limit.map(|limit| (limit.rate, limit.burst))).collect();
    assert_eq!(limits, [Some((10, 20)), Some((30, 100_000)), None]);
}

#[test]
fn each_problem_of_an_option_says_what_sort_it_is() {
    let report = report(
        "{ module: 'edgy', quiet: [], level: 300, namse: 1 }, { module: 'test_monitor' }, { module: 'cion' }, \
         { module: 'apache_monitor' }, { module: 'coin', id: 1 }, { module: 'coin', id: 1 }, {}",
        &[],
    );
    let kind = |path: &str| {
        let mut found = report.problems().iter().filter(|problem| problem.place.path == path);
        found.next().unwrap_or_else(|| panic!("{path}: {report}")).kind
    };
    for (path, expected) in [
        ("monitors[0].quiet", Kind::Type),
        ("monitors[0].level", Kind::Range),
        ("monitors[0].namse", Kind::UnknownKey),
        ("monitors[1].gauss_mean", Kind::Missing),
        ("monitors[2].module", Kind::Reference),
        ("monitors[3].module", Kind::NotBuilt),
        ("monitors[5].id", Kind::Conflict),
        ("monitors[6].module", Kind::Missing),
    ] {
        assert_eq!(kind(path), expected, "{path}");
    }
}
