//! The entries of `monitors`: their modules, names and logs, and which of them run.

use expect_test::expect;
use scalyr_agent::config::Severity;
use scalyr_monitor::prelude::*;

use super::{built_with, fatal, intervals, plan, registry};

/// Like a monitor of somebody else's package, with the same short name as the agent's own.
#[scalyr_monitor(name = "other_coin", module = "other.coin")]
struct OtherCoin {
    /// Which coin.
    #[config(default = "euro")]
    currency: String,
}

impl Monitor for OtherCoin {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        out.line(&self.currency);
        Ok(())
    }
}

#[test]
fn monitors_have_the_names_of_the_python_agent() {
    let (plan, report) = plan(
        r#"monitors: [
            { module: "coin" },
            { module: "other.coin", id: 2 },
            { module: "coin", sample_interval: 5, log_path: "mine.log", monitor_log_write_rate: -1 },
            { module: "scalyr_agent.builtin_monitors.test_monitor", gauss_mean: 1, id: 1.5 },
            { module: "test_monitor", gauss_mean: 1, id: true },
        ]"#,
    );
    let monitors: Vec<_> = plan
        .monitors
        .iter()
        .map(|m| (m.name(), m.metric_log.display().to_string(), m.sample_interval.as_secs(), m.write_limit.is_some()))
        .collect();
    assert_eq!(
        monitors,
        [
            ("coin(1)".to_owned(), "coin.log".to_owned(), 30, true),
            ("coin(2)".to_owned(), "coin.log".to_owned(), 30, true),
            ("coin(3)".to_owned(), "mine.log".to_owned(), 5, false),
            ("test_monitor(1.5)".to_owned(), "test_monitor.log".to_owned(), 30, true),
            ("test_monitor(True)".to_owned(), "test_monitor.log".to_owned(), 30, true),
        ]
    );
    assert_eq!(report, "");
}

#[test]
fn a_module_that_is_none_is_told_from_one_that_is_still_to_come() {
    let (plan, report) = plan(
        r#"monitors: [
            { module: "apache_monitor" },
            { module: "scalyr_agent.builtin_monitors.redis_monitor" },
            { module: "scalyr_agent.builtin_monitors.cion" },
            { module: "acme.queue_depth" },
            { module: "acme.apache_monitor" },
            { module: "acme.coin" },
            { module: "garbage_monitor" },
            { module: "scalyr_agent.builtin_monitors.windows_event_log_monitor" },
            { module: "windows_process_metrics" },
            { module: "windows_system_metrics" },
            { module: "acme.garbage_monitor" },
        ]"#,
    );
    let all: Vec<_> = registry().iter().map(|registration| format!("`{}`", registration.name)).collect();
    let report = report.replace(&all.join(", "), "ALL");
    assert!(plan.monitors.iter().all(|monitor| !monitor.origin.starts_with("monitors[")), "{plan:?}");
    expect![[r#"
        refused: /etc/agent.json:2:23  monitors[0].module: "apache_monitor" is a monitor of the Python agent that is not built yet; apache_monitor(1) does not run
        refused: /etc/agent.json:3:23  monitors[1].module: "scalyr_agent.builtin_monitors.redis_monitor" is a monitor of the Python agent that is not built yet; redis_monitor() does not run
        refused: /etc/agent.json:4:23  monitors[2].module: "scalyr_agent.builtin_monitors.cion" is no monitor of this agent; cion() does not run; did you mean `coin`?
        refused: /etc/agent.json:5:23  monitors[3].module: "acme.queue_depth" is no monitor of this agent; it has ALL; queue_depth() does not run; a crate that was added since this binary was built is linked by `cargo xtask link` and a new build (from outside: `cargo agent`), or for a host by a new package (`cargo xtask package`); Python monitors are not run, but ported: docs/writing-a-monitor.md, section "From a Python monitor"
        refused: /etc/agent.json:6:23  monitors[4].module: "acme.apache_monitor" is no monitor of this agent; it has ALL; apache_monitor(2) does not run; a crate that was added since this binary was built is linked by `cargo xtask link` and a new build (from outside: `cargo agent`), or for a host by a new package (`cargo xtask package`); Python monitors are not run, but ported: docs/writing-a-monitor.md, section "From a Python monitor"
        refused: /etc/agent.json:7:23  monitors[5].module: "acme.coin" is no monitor of this agent; coin() does not run; did you mean `coin`? A crate that was added since this binary was built is linked by `cargo xtask link` and a new build (from outside: `cargo agent`), or for a host by a new package (`cargo xtask package`); Python monitors are not run, but ported: docs/writing-a-monitor.md, section "From a Python monitor"
        refused: /etc/agent.json:8:23  monitors[6].module: "garbage_monitor" is a monitor of the Python agent that looks into the memory of Python, in which this agent is not written; garbage_monitor(1) does not run; remove the entry; the memory, threads and files of the agent are measured by `linux_process_metrics` with `pid: "$$"`, which runs without an entry
        refused: /etc/agent.json:9:23  monitors[7].module: "scalyr_agent.builtin_monitors.windows_event_log_monitor" is a monitor of the Python agent that is for Windows, and this agent runs on Linux; windows_event_log_monitor() does not run; remove the entry
        refused: /etc/agent.json:10:23  monitors[8].module: "windows_process_metrics" is a monitor of the Python agent that is for Windows, and this agent runs on Linux; windows_process_metrics() does not run; `linux_process_metrics` measures processes here
        refused: /etc/agent.json:11:23  monitors[9].module: "windows_system_metrics" is a monitor of the Python agent that is for Windows, and this agent runs on Linux; windows_system_metrics() does not run; `linux_system_metrics` measures the host here
        refused: /etc/agent.json:12:23  monitors[10].module: "acme.garbage_monitor" is no monitor of this agent; it has ALL; garbage_monitor(2) does not run; a crate that was added since this binary was built is linked by `cargo xtask link` and a new build (from outside: `cargo agent`), or for a host by a new package (`cargo xtask package`); Python monitors are not run, but ported: docs/writing-a-monitor.md, section "From a Python monitor"
    "#]].assert_eq(&report);
}

#[test]
fn a_bare_name_that_is_no_monitor_may_be_a_python_monitor_of_the_user() {
    let (_, report) = plan("monitors: [{ module: 'random_coin_monitor' }]");
    assert!(report.contains("did you mean `coin`"), "{report}");
    assert!(report.contains("docs/writing-a-monitor.md, section \"From a Python monitor\""), "{report}");
    assert!(report.find("`coin`") < report.find("docs/"), "{report}");
}

#[test]
fn ids_of_every_kind_become_the_names_of_the_python_agent() {
    for (entries, names) in [
        ("{ module: 'coin' }", vec!["coin()"]),
        ("{ module: 'coin', id: null }", vec!["coin()"]),
        ("{ module: 'coin', id: '' }", vec!["coin()"]),
        ("{ module: 'coin', id: 1.5 }, { module: 'coin', id: true }", vec!["coin(1.5)", "coin(True)"]),
        ("{ module: 'coin', id: 'x y' }, { module: 'coin', id: 'a(b)' }", vec!["coin(x y)", "coin(a(b))"]),
        ("{ module: 'coin', id: 'first' }, { module: 'coin' }", vec!["coin(first)", "coin(2)"]),
    ] {
        let (found, report) = intervals(entries, &[]);
        assert_eq!(found.into_iter().map(|(name, _)| name).collect::<Vec<_>>(), names);
        assert_eq!(report, "");
    }
}

#[test]
fn automatic_ids_that_are_given_elsewhere_are_moved_with_a_warning() {
    let (plan, report) = plan("monitors: [{ module: 'coin', id: 2 }, { module: 'coin' }]");
    assert_eq!(plan.monitors.iter().map(|monitor| monitor.name()).collect::<Vec<_>>(), ["coin(2)", "coin(3)"]);
    assert_eq!(
        report,
        "warning: /etc/agent.json:1:134  monitors[1]: its automatic id 2 is given to another entry; it gets 3\n"
    );
}

#[test]
fn an_entry_can_be_disabled_and_is_read_all_the_same() {
    let (built, report) = plan("monitors: [{ module: 'coin', disabled: true }, { module: 'coin', disabled: 'no' }]");
    assert_eq!(built.monitors.iter().map(|monitor| monitor.disabled).collect::<Vec<_>>(), [true, false]);
    assert!(report.contains("monitors[1].disabled: \"no\" is read as false"), "{report}");
    let (built, report) = plan("monitors: [{ module: 'coin', disabled: true, gauss_mean: 11 }]");
    assert!(built.monitors.is_empty() && report.contains("gauss_mean: 11 is above the maximum 10"), "{report}");
}

#[test]
fn a_monitor_that_the_agent_must_not_run_without_is_fatal_when_it_is_refused() {
    let text = |flag: &str| {
        format!(
            "{{ api_key: 'k', implicit_metric_monitor: false, implicit_agent_process_metrics_monitor: false, \
             monitors: [{{ module: 'coin', gauss_mean: 11, stop_agent_on_failure: {flag} }}] }}"
        )
    };
    expect![[r#"
        refused: /etc/agent.json:1:137  monitors[0].gauss_mean: 11 is above the maximum 10; coin() does not run
        error: /etc/agent.json:1:164  monitors[0].stop_agent_on_failure: is set, and coin() is refused; mend it, or set `stop_agent_on_failure: false`
    "#]].assert_eq(&fatal(&text("true")));
    let (plan, report) = built_with(&text("'false'"), &[]).unwrap();
    assert!(plan.monitors.is_empty() && report.worst() == Some(Severity::Refused), "{report}");
    let (plan, _) = built_with(&text("true").replace("11", "1"), &[]).unwrap();
    assert!(plan.monitors[0].stop_agent_on_failure);
}

/// Like a monitor whose author did not think of the agent's own log.
#[scalyr_monitor(name = "agent")]
struct Namesake {}

impl Monitor for Namesake {}

#[test]
fn a_metric_log_among_the_agents_own_files_is_refused() {
    let (plan, report) = plan(
        "agent_log_path: '/var/log/a', agent_data_path: '/var/lib/a', monitors: [
            { module: 'coin', log_path: 'agent.log' },
            { module: 'coin', log_path: 'x/../agent_debug.log.2' },
            { module: 'coin', log_path: '../../lib/a/positions.7.journal' },
            { module: 'agent' },
            { module: 'agent', log_path: 'namesake.log' },
            { module: 'coin' },
        ]",
    );
    let names: Vec<_> = plan.monitors.iter().map(|monitor| monitor.metric_log.to_str().unwrap_or_default()).collect();
    assert_eq!(names, ["namesake.log", "coin.log"]);
    let lines: Vec<_> = report.lines().collect();
    assert_eq!(lines.len(), 4, "{report}");
    for (index, (line, file)) in lines
        .iter()
        .zip([
            "/var/log/a/agent.log",
            "/var/log/a/agent_debug.log.2",
            "/var/lib/a/positions.7.journal",
            "/var/log/a/agent.log",
        ])
        .enumerate()
    {
        assert!(line.contains(&format!("monitors[{index}].log_path")), "{line}");
        assert!(line.contains(&format!("the metric log would be {file}, which is ")), "{line}");
    }
}
