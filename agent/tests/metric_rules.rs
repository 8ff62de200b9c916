//! "I do not want this metric, and of that one the rate": from the configuration to the lines.
#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

use {builtin_monitors as _, local_monitors as _};

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use expect_test::expect;
use scalyr_agent::cli::run_monitor::{Request, run};
use scalyr_agent::config::load::{Loaded, from_text};
use scalyr_agent::config::{RunRequest, Surroundings, build, monitor_plan_for_run};
use scalyr_agent::threads::Threads;
use scalyr_monitor::prelude::*;
use scalyr_monitor::registry::{Environment, Registry};

/// Counts requests of two kinds; a minute goes by in each sample.
#[scalyr_monitor(name = "counter")]
pub struct Counter {
    /// Requests so far.
    #[metric]
    requests: Metric<u64, Kind<'static>>,

    /// Requests that wait.
    #[metric]
    queue: Metric<u64>,

    samples: u64,
}

#[derive(Fields)]
struct Kind<'k> {
    /// What was asked for.
    kind: &'k str,
}

impl Monitor for Counter {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        out.emit_with(self.requests, self.samples * 60, Kind { kind: "read" });
        out.emit_with(self.requests, self.samples * 6, Kind { kind: "write" });
        out.emit(self.queue, self.samples);
        self.samples += 1;
        out.clock().advance(Duration::from_secs(60));
        Ok(())
    }
}

#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn loaded(text: &str) -> Loaded {
    from_text(text, PathBuf::from("/etc/agent.json"), &Environment::default())
        .unwrap_or_else(|report| panic!("{report}"))
}

/// What two samples write with `-c` and, if there is one, `-a`; and the warnings before.
fn run_counter(config_text: &str, agent_config: Option<&str>) -> String {
    let agent_config = agent_config.map(loaded);
    let request = RunRequest {
        module: "counter",
        config_text,
        sample_interval: Duration::from_millis(100),
        agent_config: agent_config.as_ref(),
    };
    let planned = monitor_plan_for_run(&request, &Registry::linked().unwrap(), &Arc::default());
    let mut planned = planned.unwrap_or_else(|report| panic!("{report}"));
    // What a sample moves the clock by, so that none is too slow.
    (planned.monitor.sample_interval, planned.monitor.jitter) = (Duration::from_secs(60), false);
    let (clock, out) = (Clock::manual(Timestamp::from_millis(1_767_225_600_000)), Output::default());
    let request = Request {
        plan: planned.monitor,
        log_path: PathBuf::from("."),
        debug_level: 0,
        samples: Some(2),
        added_entries: planned.added_entries,
    };
    let mut err = Vec::new();
    assert_eq!(run(request, clock, &Threads::new(), Box::new(out.clone()), &mut err), 0, "{err:?}");
    format!("{}{}", planned.report, String::from_utf8(out.0.lock().unwrap().clone()).unwrap())
}

/// The warnings of a configuration with these further members.
fn warnings(members: &str) -> String {
    let text = format!(
        "{{ api_key: 'k', implicit_metric_monitor: false, implicit_agent_process_metrics_monitor: false, {members} }}"
    );
    let (environment, registry) = (Arc::new(Environment::default()), Registry::linked().unwrap());
    let surroundings = Surroundings { registry: &registry, environment: &environment, host_name: "host" };
    let built = build(&loaded(&text), &surroundings);
    built.map_or_else(|report| panic!("{report}"), |(_, report)| report.to_string())
}

#[test]
fn a_blacklist_and_a_rate_act_without_a_configuration_of_the_agent() {
    let lines =
        run_counter("{ metric_name_blacklist: 'queue', calculate_rate_metric_names: ['counter:requests'] }", None);
    let (told, metrics): (Vec<_>, Vec<_>) =
        lines.lines().map(|line| &line[11..]).partition(|line| line.contains(" INFO "));
    // Behind the end it may be told how many were held back.
    assert_eq!(told.iter().filter(|line| line.contains("`metric_name_blacklist`")).count(), 1, "{told:#?}");
    assert!(told[0].starts_with("00:00:00.000Z INFO [monitor:counter()] "), "{told:#?}");
    assert!(told[0].contains("The metric \"queue\" is on the `metric_name_blacklist`"), "{told:#?}");
    assert_eq!(
        metrics,
        [
            r#"00:00:00.000Z [counter()] requests 0 kind="read""#,
            r#"00:00:00.000Z [counter()] requests 0 kind="write""#,
            r#"00:01:00.000Z [counter()] requests 60 kind="read""#,
            r#"00:01:00.000Z [counter()] requests_rate 1.0 kind="read""#,
            r#"00:01:00.000Z [counter()] requests 6 kind="write""#,
            r#"00:01:00.000Z [counter()] requests_rate 0.1 kind="write""#,
        ]
    );
}

#[test]
fn the_agents_own_list_and_that_of_the_entry_act_together() {
    let agent = "{ global_monitor_sample_interval_enable_jitter: false, \
                 calculate_rate_metric_names: ['counter:requests:kind=write', 'other:queue'] }";
    expect![[r#"
        2026-01-01 00:00:00.000Z [counter()] requests 0 kind="read"
        2026-01-01 00:00:00.000Z [counter()] requests 0 kind="write"
        2026-01-01 00:00:00.000Z [counter()] queue 0
        2026-01-01 00:01:00.000Z [counter()] requests 60 kind="read"
        2026-01-01 00:01:00.000Z [counter()] requests 6 kind="write"
        2026-01-01 00:01:00.000Z [counter()] requests_rate 0.1 kind="write"
        2026-01-01 00:01:00.000Z [counter()] queue 1
        2026-01-01 00:01:00.000Z [counter()] queue_rate 0.01667
    "#]]
    .assert_eq(&run_counter("{ calculate_rate_metric_names: 'counter:queue' }", Some(agent)));
}

#[test]
fn what_cannot_act_is_named_with_what_could() {
    expect![[r#"
        warning: /etc/agent.json:1:126  calculate_rate_metric_names[0]: "requests" has no colon; an entry is `<monitor>:<metric>` or `<monitor>:<metric>:<field>=<value>`. It has no effect
        warning: /etc/agent.json:1:138  calculate_rate_metric_names[1]: "counter:" names no metric behind its colon; an entry is `<monitor>:<metric>` or `<monitor>:<metric>:<field>=<value>`. It has no effect
        warning: /etc/agent.json:1:150  calculate_rate_metric_names[2]: ":queue" names no monitor before its colon; an entry is `<monitor>:<metric>` or `<monitor>:<metric>:<field>=<value>`. It has no effect
        warning: /etc/agent.json:1:192  calculate_rate_metric_names[5]: "counter:requests:read" has a filter without `=`; an entry is `<monitor>:<metric>` or `<monitor>:<metric>:<field>=<value>`. It has no effect
        warning: /etc/agent.json:1:160  calculate_rate_metric_names[3]: there is no monitor `conter`, so this has no effect; did you mean `counter`?
        warning: /etc/agent.json:1:176  calculate_rate_metric_names[4]: `counter` declares no metric `queu`; did you mean `queue`?
        warning: /etc/agent.json:1:217  calculate_rate_metric_names[6]: the metric `requests` has no extra field `kid`, so this has no effect; it has `kind`
        warning: /etc/agent.json:1:246  calculate_rate_metric_names[7]: the metric `queue` has no extra field `kind`, so this has no effect; it has none
        warning: /etc/agent.json:1:273  calculate_rate_metric_names[8]: there is no monitor `a.counter`, so this has no effect; did you mean `counter`?
        warning: /etc/agent.json:1:429  monitors[0].metric_name_blacklist[0]: `counter` declares no metric `reqests`; did you mean `requests`?
        warning: /etc/agent.json:1:440  monitors[0].metric_name_blacklist[1]: "a b" never stands in the log, where it is `a_b`; it has no effect; write `a_b`
        warning: /etc/agent.json:1:525  monitors[0].calculate_rate_metric_names[1]: "queue" has no colon; an entry is `<monitor>:<metric>` or `<monitor>:<metric>:<field>=<value>`. It has no effect; did you mean `counter:queue`?
        warning: /etc/agent.json:1:509  monitors[0].calculate_rate_metric_names[0]: is for the monitor `coin`, but stands in an entry of `counter`, where it has no effect; write `counter:uniform`, or put it into the `calculate_rate_metric_names` of the whole configuration
        warning: /etc/agent.json:1:534  monitors[0].calculate_rate_metric_names[2]: `queue` is in `metric_name_blacklist` too: of such a metric no rate is written either
        warning: /etc/agent.json:1:669  monitors[1].monitor_log_flush_delay: has no effect: each sample is written to the metric log in one go, at its end
        warning: /etc/agent.json:1:635  monitors[1].calculate_rate_metric_names: "queue" has no colon; an entry is `<monitor>:<metric>` or `<monitor>:<metric>:<field>=<value>`. It has no effect; did you mean `counter:queue`?
    "#]]
    .assert_eq(&warnings(
        "calculate_rate_metric_names: ['requests', 'counter:', ':queue', 'conter:queue', 'counter:queu', \
         'counter:requests:read', 'counter:requests:kid=read', 'counter:queue:kind=read', 'a.counter:queue', \
         'apache_monitor:x', 'coin:uniform', 'linux_system_metrics:made.up.at.run.time'], \
         monitors: [{ module: 'counter', metric_name_blacklist: ['reqests', 'a b', 'queue', 'requests_rate', 'x'], \
         calculate_rate_metric_names: ['coin:uniform', 'queue', 'counter:queue', 'counter:requests:kind=a:b=c'] }, \
         { module: 'counter', calculate_rate_metric_names: 'queue', monitor_log_flush_delay: 5 }]",
    ));
}
