//! Monitors that panic, fail, hang and flood: each on a real thread, with real files, beside one that behaves.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod steady;

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use scalyr_agent::config::own_files::OwnFiles;
use scalyr_agent::config::plan::{AgentLogPlan, MonitorPlan, Rotation};
use scalyr_agent::config::{RunRequest, monitor_plan_for_run};
use scalyr_agent::monitors::back_off::RestartPolicy;
use scalyr_agent::monitors::contribution;
use scalyr_agent::monitors::instance::{Instance, Refused, Surroundings, construct};
use scalyr_agent::monitors::panic_place;
use scalyr_agent::monitors::runner::{MonitorHandle, stop_all};
use scalyr_agent::monitors::state::{MonitorSnapshot, Phase};
use scalyr_agent::own_logs::agent_log::AgentLog;
use scalyr_agent::own_logs::metric_log::{InstanceLog, MetricLogs};
use scalyr_agent::threads::Threads;
use scalyr_monitor::prelude::*;
use scalyr_monitor::registry::{Declared, Registration, Registry};
use scalyr_monitor::rules::SeriesBudget;
use scalyr_monitor::{Clock, LogFiles, Logger, Timestamp};
use steady::Steady;

/// Emits a line and panics, in every second sample.
#[scalyr_monitor(name = "panicking")]
struct Panicking {
    /// Samples since it was built.
    #[metric]
    turns: Metric<u64>,

    count: u64,
}

const PANIC_LINE: u32 = line!() + 7;

impl Monitor for Panicking {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        self.count += 1;
        out.emit(self.turns, self.count);
        if self.count == 2 {
            panic!("sample {} is too much", self.count);
        }
        Ok(())
    }
}

/// Fails in every second sample.
#[scalyr_monitor(name = "failing")]
struct Failing {
    count: u64,
}

impl Monitor for Failing {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        self.count += 1;
        out.line("before");
        if self.count.is_multiple_of(2) { Err(Error::new("the server is down")) } else { Ok(()) }
    }
}

/// Wants another log each time it is built, and ends after one line.
#[scalyr_monitor(name = "wavering")]
struct Wavering {}

static WAVERED: AtomicU64 = AtomicU64::new(0);

impl Monitor for Wavering {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        let round = WAVERED.fetch_add(1, Ordering::SeqCst);
        if round > 0 {
            context.log_config = LogConfig::new(format!("wavering{round}.log")).attribute("round", round);
        }
        Ok(())
    }

    fn run(&mut self, run: &mut Run) -> Result<()> {
        if run.next() {
            run.sample(|out| {
                out.line("one");
                Ok(())
            });
        }
        Ok(())
    }
}

/// Hangs in its first sample until it is released.
#[scalyr_monitor(name = "hanging")]
struct Hanging {}

static RELEASED: AtomicBool = AtomicBool::new(false);

impl Monitor for Hanging {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        out.line("emitted before");
        out.flush();
        while !RELEASED.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        out.line("emitted too late");
        Ok(())
    }
}

/// Hangs in its first sample until it is let go.
#[scalyr_monitor(name = "stuck")]
struct Stuck {}

static UNSTUCK: AtomicBool = AtomicBool::new(false);

impl Monitor for Stuck {
    fn gather_sample(&mut self, _: &mut Sample) -> Result<()> {
        while !UNSTUCK.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

/// Emits far more than anybody wants.
#[scalyr_monitor(name = "flooding")]
struct Flooding {}

impl Monitor for Flooding {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        (0..20_000).for_each(|number| out.line(&format!("a line that nobody reads, number {number}")));
        Ok(())
    }
}

/// Runs its own loop, badly: returns, fails, returns …
#[scalyr_monitor(name = "returning")]
struct Returning {
    /// Whether it fails instead of just returning.
    #[config(default = false)]
    fails: bool,
}

impl Monitor for Returning {
    fn run(&mut self, _: &mut Run) -> Result<()> {
        if self.fails { Err(Error::new("cannot listen")) } else { Ok(()) }
    }
}

/// Does in `initialize` what its option says.
#[scalyr_monitor(name = "beginning")]
struct Beginning {
    /// `panic`, `refuse`, `disable`, `spin`, `usurp` or `move`.
    #[config(required)]
    how: String,
}

impl Monitor for Beginning {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        match self.how.as_str() {
            "panic" => panic!("no beginning"),
            "refuse" => return Err(Error::new("host and hosts contradict each other")),
            "disable" => context.disabled = true,
            "spin" => context.sample_interval = Duration::ZERO,
            "usurp" => context.log_config.path = "sub/../agent.log".into(),
            _ => {
                context.log_config.path = "elsewhere.log".into();
                context.server_attributes.insert("zone".into(), "b".into());
            }
        }
        Ok(())
    }
}

/// Panics when it is asked to stop, and again when it is dropped.
#[scalyr_monitor(name = "clinging")]
struct Clinging {}

impl Monitor for Clinging {
    fn run(&mut self, run: &mut Run) -> Result<()> {
        run.stop().on_stop(|| panic!("I do not want to"));
        while run.next() {
            run.sample(|_| Ok(()));
        }
        Ok(())
    }
}

impl Drop for Clinging {
    fn drop(&mut self) {
        panic!("nor do I want to go");
    }
}

/// Fails at once and leaves something on its stop that panics when nobody calls it.
#[scalyr_monitor(name = "littering")]
struct Littering {}

struct Litter;

impl Drop for Litter {
    fn drop(&mut self) {
        panic!("never called");
    }
}

impl Monitor for Littering {
    fn run(&mut self, run: &mut Run) -> Result<()> {
        let litter = Litter;
        run.stop().on_stop(move || std::mem::forget(litter));
        Err(Error::new("the port is taken"))
    }
}

/// Tells everything that a server answered: in a failed sample, and in the end of its run.
#[scalyr_monitor(name = "longwinded")]
struct Longwinded {}

impl Monitor for Longwinded {
    fn run(&mut self, run: &mut Run) -> Result<()> {
        let answer = || Error::new(format!("the server said: {}", "x".repeat(200 * 1024)));
        if run.next() {
            run.sample(|_| Err(answer()));
        }
        Err(answer())
    }
}

/// Asks for no rest at all between its samples, and at last for an endless one.
#[scalyr_monitor(name = "restless")]
struct Restless {}

impl Monitor for Restless {
    fn run(&mut self, run: &mut Run) -> Result<()> {
        for _ in 0..4 {
            run.set_interval(Duration::ZERO);
            if !run.next() {
                return Ok(());
            }
            run.sample(|out| {
                out.line("here");
                Ok(())
            });
        }
        run.set_interval(Duration::MAX);
        while run.next() {
            run.sample(|_| Ok(()));
        }
        Ok(())
    }
}

/// Takes as long for a sample as the test says, by moving its clock.
#[scalyr_monitor(name = "slow")]
struct Slow {
    samples: usize,
}

/// Seconds that each sample takes; the last one goes on until it is released.
const SLOW: [u64; 4] = [0, 250, 110, 0];
static SLOW_CLOCK: OnceLock<Clock> = OnceLock::new();

impl Monitor for Slow {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        context.sample_interval = Duration::from_secs(100);
        Ok(())
    }

    fn run(&mut self, run: &mut Run) -> Result<()> {
        let clock = SLOW_CLOCK.get().unwrap();
        while self.samples < SLOW.len() && run.next() {
            run.sample(|_| {
                clock.advance(Duration::from_secs(SLOW[self.samples]));
                self.samples += 1;
                Ok(())
            });
            // Up to the next turn, so that nobody waits for it.
            clock.advance(Duration::from_secs(100));
        }
        run.stop().wait(PATIENCE);
        Ok(())
    }
}

/// Fails at once, and hangs when it is built anew, until it is let go.
#[scalyr_monitor(name = "relapsing")]
struct Relapsing {}

static RELAPSED: AtomicBool = AtomicBool::new(false);
static RECOVERED: AtomicBool = AtomicBool::new(false);

impl Monitor for Relapsing {
    fn initialize(&mut self, _: &mut Context) -> Result<()> {
        while RELAPSED.load(Ordering::Relaxed) && !RECOVERED.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn run(&mut self, run: &mut Run) -> Result<()> {
        if RELAPSED.swap(true, Ordering::Relaxed) {
            run.stop().wait(PATIENCE);
            return Ok(());
        }
        Err(Error::new("the first time never works"))
    }
}

/// The server of this monitor is down, then another one is, then all is well.
#[scalyr_monitor(name = "recovering")]
struct Recovering {
    samples: u64,
}

impl Monitor for Recovering {
    fn gather_sample(&mut self, _: &mut Sample) -> Result<()> {
        self.samples += 1;
        match self.samples {
            1..=4 => Err(Error::new("a is down")),
            5..=6 => Err(Error::new("b is down")),
            _ => Ok(()),
        }
    }
}

/// A directory with an agent log, and what the agent lends to monitors.
struct Agent {
    directory: tempfile::TempDir,
    surroundings: Surroundings,
    metric_logs: MetricLogs,
    threads: Threads,
}

fn agent() -> Agent {
    agent_at(Clock::system())
}

fn agent_at(clock: Clock) -> Agent {
    panic_place::install();
    let directory = tempfile::tempdir().unwrap();
    let free = Rotation { max_bytes: 0, backups: 2 };
    let plan = AgentLogPlan { rotation: free, debug_level: 0, stdout_severity: None };
    let log = AgentLog::open(directory.path(), plan, clock.clone(), None).unwrap();
    let logger = Logger::new(Arc::new(log), "core");
    let restart = RestartPolicy {
        first: Duration::from_millis(10),
        longest: Duration::from_millis(50),
        healthy: Duration::from_secs(60),
    };
    let surroundings = Surroundings {
        clock,
        logger: logger.clone(),
        log_files: LogFiles::none(),
        contribution: contribution::none(),
        log_path: directory.path().to_owned(),
        restart,
        rate_series: SeriesBudget::default(),
        monitors: None,
    };
    Agent { directory, surroundings, metric_logs: MetricLogs::new(logger), threads: Threads::new() }
}

/// The plan of an entry with these options.
fn plan(registration: &'static Registration, options: serde_json::Value) -> MonitorPlan {
    let options = if options.is_null() { serde_json::json!({}) } else { options };
    let request = RunRequest {
        module: registration.name,
        config_text: &options.to_string(),
        sample_interval: Duration::from_millis(100),
        agent_config: None,
    };
    let planned = monitor_plan_for_run(&request, &Registry::linked().unwrap(), &Arc::default());
    planned.unwrap_or_else(|report| panic!("{report}")).monitor
}

impl Agent {
    fn construct<M: Declared>(&self, entry: serde_json::Value) -> Result<Instance, Refused> {
        let mut plan = plan(M::registration(), entry);
        plan.own_files = OwnFiles::new(self.directory.path(), &self.directory.path().join("data"));
        construct(&plan, &self.surroundings)
    }

    fn run(&self, instance: Instance) -> MonitorHandle {
        let log = self.metric_logs.open(&instance.log_config.path, instance.plan.rotation).unwrap();
        let clock = self.surroundings.clock.clone();
        let output = Arc::new(InstanceLog::new(log, &instance.plan.name(), instance.plan.write_limit, clock));
        MonitorHandle::start(instance, output, &self.surroundings, None, &self.threads).unwrap()
    }

    fn start<M: Declared>(&self) -> MonitorHandle {
        self.run(self.construct::<M>(serde_json::Value::Null).unwrap())
    }

    fn stop(&self, monitors: &[MonitorHandle], budget: Duration) -> Vec<String> {
        stop_all(monitors, budget, &self.surroundings.clock, &self.surroundings.logger)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.directory.path().join(name)).unwrap_or_default()
    }
}

/// Waits until the condition holds, with a deadline that only a broken program misses.
#[track_caller]
fn wait_for(monitor: &MonitorHandle, condition: impl Fn(&MonitorSnapshot) -> bool) -> MonitorSnapshot {
    for _ in 0..4_000 {
        let snapshot = monitor.snapshot();
        if condition(&snapshot) {
            return snapshot;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("waited in vain: {:?}", monitor.snapshot());
}

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_panic_is_logged_with_its_place_and_the_monitor_is_built_anew() {
    let agent = agent();
    let monitor = agent.start::<Panicking>();
    let snapshot = wait_for(&monitor, |snapshot| snapshot.panics >= 2 && snapshot.restarts >= 2);
    assert_eq!(agent.stop(&[monitor], PATIENCE), Vec::<String>::new());
    assert!(snapshot.samples >= 4 && snapshot.failed_samples >= 2, "{snapshot:?}");
    assert!(snapshot.errors >= 2, "{snapshot:?}");

    let log = agent.read("agent.log");
    let place = format!(
        " ERROR [monitor:panicking()] [scalyr_agent.monitors.runner:{}] [error=\"failedMonitor\"] The monitor panicked \
         at agent/tests/bad_monitors.rs:{PANIC_LINE}:13: sample 2 is too much\n",
        log.split("monitors.runner:").nth(1).unwrap().split(']').next().unwrap()
    );
    assert!(log.contains(&place), "{log}\nhas no\n{place}");
    assert!(log.ends_with(" Monitor has finished\n"), "{log}");

    let turns: Vec<String> =
        agent.read("panicking.log").lines().map(|line| line.rsplit_once(' ').unwrap().1.to_owned()).collect();
    assert_eq!(turns[..4], ["1", "2", "1", "2"], "the line before a panic is written, and state starts anew");
}

#[test]
fn another_log_config_after_a_failure_is_not_used_and_that_is_told_once() {
    let agent = agent();
    let monitor = agent.start::<Wavering>();
    wait_for(&monitor, |snapshot| snapshot.restarts >= 3);
    agent.stop(&[monitor], PATIENCE);
    let log = agent.read("agent.log");
    let path = agent.directory.path().join("wavering.log");
    let told = format!(
        " When it was built anew after a failure, the monitor gave another log_config (path, attributes); its log {} is \
         kept as at its first start\n",
        path.display()
    );
    assert_eq!(log.matches(&told).count(), 1, "{log}");
    assert_eq!(log.matches("another log_config").count(), 1, "{log}");
    let lines = agent.read("wavering.log").lines().count();
    assert!(lines >= 3, "all runs write into it: {lines}");
    assert!(!agent.directory.path().join("wavering1.log").exists());
}

#[test]
fn a_failed_sample_counts_once_and_the_next_one_is_taken() {
    let agent = agent();
    let monitor = agent.start::<Failing>();
    wait_for(&monitor, |snapshot| snapshot.samples >= 4);
    let monitors = [monitor];
    agent.stop(&monitors, PATIENCE);
    let snapshot = monitors[0].snapshot();
    assert_eq!(snapshot.failed_samples, snapshot.samples / 2);
    assert_eq!(snapshot.errors, snapshot.failed_samples);
    assert_eq!(snapshot.lines_emitted, snapshot.samples, "lines before an error are written");
    assert_eq!((snapshot.restarts, snapshot.state), (0, Phase::Stopped));
    assert!(agent.read("agent.log").contains("Failed to gather sample: the server is down\n"));
    assert_eq!(agent.read("failing.log").lines().count() as u64, snapshot.samples);
}

#[test]
fn the_same_error_is_told_once_and_counted_each_time_and_its_end_is_told() {
    let agent = agent();
    let monitor = agent.start::<Recovering>();
    wait_for(&monitor, |snapshot| snapshot.samples >= 8);
    let monitors = [monitor];
    agent.stop(&monitors, PATIENCE);
    let snapshot = monitors[0].snapshot();
    assert_eq!((snapshot.failed_samples, snapshot.errors), (6, 6), "{snapshot:?}");
    assert_eq!(snapshot.last_failure.as_deref(), Some("Failed to gather sample: b is down"));
    let log = agent.read("agent.log");
    assert_eq!(log.matches("Failed to gather sample: a is down\n").count(), 1, "{log}");
    assert_eq!(log.matches("Failed to gather sample: b is down\n").count(), 1, "{log}");
    let end = log.lines().find(|line| line.contains("Samples work again, after 6 have failed in ")).expect(&log);
    assert!(end.ends_with("; 4 failed samples with a text as before were not logged"), "{end}");
}

#[test]
fn a_slow_sample_is_told_and_counted_and_the_turns_that_it_misses_are_left_out() {
    let clock = Clock::manual(Timestamp::from_millis(0));
    let agent = agent_at(clock.clone());
    SLOW_CLOCK.set(clock).unwrap();
    let monitor = agent.start::<Slow>();
    let snapshot = wait_for(&monitor, |snapshot| snapshot.samples as usize == SLOW.len());
    // 0 s: turn at 0. 250 s: turn at 100, over at 350, next one at 450 (of 200 and on): 200 is taken late, 300 and 400
    // are left out. 110 s: from 450 to 560, next at 660: 500 late, 600 left out.
    assert_eq!((snapshot.slow_samples, snapshot.missed_samples), (2, 3), "{snapshot:?}");
    assert_eq!(snapshot.last_sample_secs, Some(0.0));
    assert_eq!(snapshot.sample_interval_secs, 100.0);
    agent.stop(&[monitor], PATIENCE);
    let log = agent.read("agent.log");
    let told: Vec<_> =
        log.lines().filter_map(|line| line.split_once("] A sample took ").map(|(_, text)| text)).collect();
    assert_eq!(told, ["250.0 s, longer than its interval of 100 s; 2 turns left out"], "once in five minutes: {log}");
}

#[test]
fn a_sample_that_hangs_is_told_once() {
    let clock = Clock::manual(Timestamp::from_millis(0));
    let agent = agent_at(clock.clone());
    let monitor = agent.start::<Stuck>();
    wait_for(&monitor, |snapshot| snapshot.sample_running_secs.is_some());
    clock.advance(Duration::from_secs(59));
    monitor.look_after();
    assert!(!agent.read("agent.log").contains("A sample has been running"), "not before a minute is over");
    clock.advance(Duration::from_secs(2));
    monitor.look_after();
    monitor.look_after();
    assert_eq!(monitor.snapshot().sample_running_secs, Some(61.0));
    UNSTUCK.store(true, Ordering::Relaxed);
    wait_for(&monitor, |snapshot| snapshot.samples >= 1);
    assert!(agent.stop(&[monitor], PATIENCE).is_empty());
    let log = agent.read("agent.log");
    let told = " A sample has been running for 61 s; the monitor takes no other one until it ends\n";
    assert_eq!(log.matches(told).count(), 1, "{log}");
    assert!(log.contains(" The sample that hung has ended after 61 s\n"), "{log}");
}

#[test]
fn a_monitor_that_hangs_when_it_is_built_anew_is_told_once() {
    let clock = Clock::manual(Timestamp::from_millis(0));
    let agent = agent_at(clock.clone());
    let monitor = agent.start::<Relapsing>();
    wait_for(&monitor, |snapshot| snapshot.restarts == 1);
    clock.advance(Duration::from_secs(61));
    monitor.look_after();
    monitor.look_after();
    assert_eq!(monitor.snapshot().state, Phase::BackingOff);
    RECOVERED.store(true, Ordering::Relaxed);
    wait_for(&monitor, |snapshot| snapshot.state == Phase::Running);
    monitor.look_after();
    assert!(agent.stop(&[monitor], PATIENCE).is_empty());
    let log = agent.read("agent.log");
    let told = " The monitor has been initialising itself for 61 s after a failure; it does not run until that ends\n";
    assert_eq!(log.matches(told).count(), 1, "{log}");
}

#[test]
fn a_monitor_with_stop_agent_on_failure_is_not_started_again_and_tells_why() {
    let agent = agent();
    let run = |entry| agent.run(agent.construct::<Returning>(entry).unwrap());
    let returned = run(serde_json::json!({ "stop_agent_on_failure": true }));
    let failed = run(serde_json::json!({ "stop_agent_on_failure": "true", "fails": true }));
    let other = run(serde_json::json!({ "stop_agent_on_failure": "false" }));
    let panicking = agent.construct::<Panicking>(serde_json::json!({ "stop_agent_on_failure": true })).unwrap();
    let panicking = agent.run(panicking);
    for (monitor, cause) in [
        (&returned, "The monitor ended without being asked to"),
        (&failed, "The monitor failed: cannot listen"),
        (&panicking, "The monitor panicked at agent/tests/bad_monitors.rs:"),
    ] {
        let snapshot = wait_for(monitor, |snapshot| snapshot.state == Phase::Failed);
        assert!(monitor.wait(PATIENCE) && snapshot.stop_agent_on_failure && snapshot.state.is_dead());
        let fatal = monitor.fatal_failure().unwrap();
        let named = format!("Monitor {} (short hash {}) has failed", snapshot.name, snapshot.short_hash);
        assert!(fatal.starts_with(&named) && fatal.contains(cause), "{fatal}");
        assert_eq!(snapshot.restarts, 0);
    }
    wait_for(&other, |snapshot| snapshot.restarts >= 1);
    assert_eq!(other.fatal_failure(), None, "the text \"false\" means false");
    let healthy = agent.run(agent.construct::<Steady>(serde_json::json!({ "stop_agent_on_failure": true })).unwrap());
    wait_for(&healthy, |snapshot| snapshot.samples >= 1);
    let monitors = [healthy, other];
    agent.stop(&monitors, PATIENCE);
    assert_eq!(monitors[0].fatal_failure(), None, "it was asked to stop");
}

#[test]
fn counters_go_on_over_a_new_beginning() {
    let agent = agent();
    let monitor = agent.start::<Panicking>();
    let first = wait_for(&monitor, |snapshot| snapshot.restarts >= 1 && snapshot.samples >= 2);
    let later = wait_for(&monitor, |snapshot| snapshot.restarts >= 3);
    agent.stop(&[monitor], PATIENCE);
    assert!(later.samples > first.samples && later.lines_emitted >= later.samples, "{later:?}");
    assert!(later.errors >= 3 && later.errors == later.panics, "one error for each panic: {later:?}");
}

#[test]
fn a_hanging_monitor_is_seen_and_left_behind_and_its_late_lines_do_no_harm() {
    let agent = agent();
    let monitor = agent.start::<Hanging>();
    wait_for(&monitor, |snapshot| snapshot.sample_running_secs.is_some_and(|seconds| seconds > 0.05));
    let steady = agent.start::<Steady>();
    wait_for(&steady, |snapshot| snapshot.samples >= 2);
    let monitors = [monitor, steady];
    assert_eq!(agent.stop(&monitors, Duration::from_millis(300)), ["hanging()"]);
    assert_eq!(monitors[0].snapshot().state, Phase::LeftBehind);
    assert_eq!(monitors[1].snapshot().state, Phase::Stopped);
    assert!(agent.read("agent.log").contains("Monitor hanging() did not stop within 0.3 s and is left behind"));

    RELEASED.store(true, Ordering::Relaxed);
    assert!(monitors[0].wait(PATIENCE));
    let snapshot = monitors[0].snapshot();
    assert_eq!((snapshot.lines_emitted, snapshot.lines_dropped), (2, 1));
    let log = agent.read("hanging.log");
    assert!(log.ends_with(" emitted before\n"), "{log}");
}

#[test]
fn a_flood_is_cut_to_its_limit_and_the_gap_is_told() {
    let agent = agent();
    let monitor = agent.start::<Flooding>();
    let steady = agent.start::<Steady>();
    wait_for(&monitor, |snapshot| snapshot.samples >= 2);
    wait_for(&steady, |snapshot| snapshot.samples >= 2 && snapshot.lines_dropped == 0);
    let monitors = [monitor, steady];
    agent.stop(&monitors, PATIENCE);
    let snapshot = monitors[0].snapshot();
    let log = agent.read("flooding.log");
    let is_notice = |line: &&str| line.contains("skipped writing ");
    let told: u64 = log
        .lines()
        .filter(is_notice)
        .map(|line| line.split("writing ").nth(1).unwrap().split(' ').next().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(told, snapshot.lines_dropped, "each dropped line is told of in the log itself");
    let written = log.lines().filter(|line| !is_notice(line)).count() as u64;
    assert_eq!(written + snapshot.lines_dropped, snapshot.lines_emitted);
    assert!(log.len() < 200_000, "{} bytes", log.len());
}

#[test]
fn a_monitor_that_returns_or_fails_is_started_again() {
    let agent = agent();
    let returning = agent.start::<Returning>();
    let failing = agent.run(agent.construct::<Returning>(serde_json::json!({ "fails": true })).unwrap());
    wait_for(&returning, |snapshot| snapshot.restarts >= 2);
    let snapshot = wait_for(&failing, |snapshot| snapshot.restarts >= 2 && snapshot.restart_in_secs.is_some());
    assert_eq!(snapshot.state, Phase::BackingOff);
    assert_eq!(snapshot.last_failure.as_deref(), Some("The monitor failed: cannot listen"));
    agent.stop(&[returning, failing], PATIENCE);
    let log = agent.read("agent.log");
    assert!(log.contains("[error=\"failedMonitor\"] The monitor ended without being asked to\n"), "{log}");
    assert!(log.contains("[error=\"failedMonitor\"] The monitor failed: cannot listen\n"), "{log}");
}

#[test]
fn a_bad_beginning_refuses_the_entry_and_says_why() {
    let agent = agent();
    let problem = |how: &str| {
        agent.construct::<Beginning>(serde_json::json!({ "how": how })).unwrap_err().to_string().replace('\n', "|")
    };
    let head = "Invalid configuration of monitor beginning() (--run-monitor)|  ";
    assert!(problem("panic").starts_with(&format!("{head}initialising panicked at agent/tests/bad_monitors.rs:")));
    assert!(problem("panic").ends_with(": no beginning"));
    assert_eq!(problem("refuse"), format!("{head}host and hosts contradict each other"));
    assert_eq!(problem("spin"), format!("{head}sample_interval: 0 s is too short; the least is 0.1 s"));
    let usurped = problem("usurp");
    assert!(usurped.starts_with(&format!("{head}the metric log would be ")), "{usurped}");
    assert!(usurped.contains("/agent.log, which is the agent's own log; name another file"), "{usurped}");
    let mut without = plan(Beginning::registration(), serde_json::json!({ "how": "move" }));
    without.entry.remove("how");
    let missing = construct(&without, &agent.surroundings).unwrap_err().to_string();
    assert!(missing.contains("\n  how: "), "{missing}");
}

#[test]
fn what_a_monitor_changes_at_its_beginning_counts() {
    let agent = agent();
    let moved = agent.construct::<Beginning>(serde_json::json!({ "how": "move" })).unwrap();
    assert_eq!(moved.log_config.path, agent.directory.path().join("elsewhere.log"));
    assert_eq!(moved.server_attributes["zone"], "b");

    let disabled = agent.construct::<Beginning>(serde_json::json!({ "how": "disable" })).unwrap();
    let monitor = agent.run(disabled);
    assert!(monitor.is_finished());
    assert_eq!(monitor.snapshot().state, Phase::Disabled);
    // The one on which it is dropped ends by itself.
    wait_for(&monitor, |_| agent.threads.running() == 0);
}

#[test]
fn a_panic_while_stopping_is_caught_too() {
    let agent = agent();
    let monitor = agent.start::<Clinging>();
    wait_for(&monitor, |snapshot| snapshot.samples >= 1);
    assert_eq!(agent.stop(&[monitor], PATIENCE), Vec::<String>::new());
    let deadline = (0..4_000).find(|_| {
        let log = agent.read("agent.log");
        std::thread::sleep(Duration::from_millis(5));
        log.contains("Stopping the monitor panicked at ") && log.contains("Dropping the monitor panicked at ")
    });
    assert!(deadline.is_some(), "{}", agent.read("agent.log"));
}

#[test]
fn what_a_monitor_leaves_on_its_stop_dies_with_the_run_and_the_monitor_is_started_again() {
    let agent = agent();
    let monitor = agent.start::<Littering>();
    let snapshot = wait_for(&monitor, |snapshot| snapshot.restarts >= 3);
    assert_eq!(snapshot.last_failure.as_deref(), Some("The monitor failed: the port is taken"));
    assert!(agent.stop(&[monitor], PATIENCE).is_empty());
    let log = agent.read("agent.log");
    assert!(
        log.contains("Dropping what the monitor left on its stop panicked at agent/tests/bad_monitors.rs:"),
        "{log}"
    );
    assert!(log.ends_with(" Monitor has finished\n"), "{log}");
}

#[test]
fn a_monitor_that_never_ran_is_dropped_without_harm() {
    let agent = agent();
    drop(agent.construct::<Clinging>(serde_json::Value::Null).unwrap());
    let log = agent.read("agent.log");
    let line = "[monitor:clinging()] [scalyr_agent.monitors.guarded:";
    assert!(
        log.contains(line) && log.contains("Dropping the monitor panicked at agent/tests/bad_monitors.rs:"),
        "{log}"
    );
}

#[test]
fn a_monitor_that_asks_for_no_rest_gets_a_tenth_of_a_second_and_for_an_endless_one_a_hundred_years() {
    let agent = agent();
    let began = agent.surroundings.clock.monotonic();
    let monitor = agent.start::<Restless>();
    wait_for(&monitor, |snapshot| snapshot.samples >= 5);
    let took = agent.surroundings.clock.monotonic() - began;
    assert!(took >= Duration::from_millis(400), "five samples in {took:?}");
    let monitors = [monitor];
    assert!(agent.stop(&monitors, PATIENCE).is_empty());
    let snapshot = monitors[0].snapshot();
    assert_eq!((snapshot.samples, snapshot.panics, snapshot.last_failure), (5, 0, None), "none in the endless rest");
    let log = agent.read("agent.log");
    assert!(log.contains("] The monitor asked for a sample interval of 0 s; it gets 0.1 s\n"), "{log}");
    assert_eq!(log.matches("The monitor asked for a sample interval").count(), 2, "{log}");
}

#[test]
fn a_very_long_error_is_in_the_log_with_its_beginning() {
    let agent = agent();
    let monitor = agent.start::<Longwinded>();
    let snapshot = wait_for(&monitor, |snapshot| snapshot.restarts >= 1);
    assert!(agent.stop(&[monitor], PATIENCE).is_empty());
    let failure = snapshot.last_failure.unwrap();
    assert!(failure.len() < 8_300 && failure.ends_with("x… (192 KiB more)"), "{} bytes", failure.len());
    let log = agent.read("agent.log");
    assert!(log.contains("] Failed to gather sample: the server said: xxx"), "{log}");
    assert!(log.contains("[error=\"failedMonitor\"] The monitor failed: the server said: xxx"), "{log}");
    assert!(log.lines().all(|line| line.len() < 8_500), "{log}");
}

#[test]
fn a_line_that_a_panic_tears_is_left_out_and_the_whole_ones_stay() {
    struct Torn;
    impl scalyr_monitor::MetricValue for Torn {
        fn write(&self, out: &mut String) {
            out.push_str("half a");
            panic!("value");
        }
    }
    struct Kept(Arc<Mutex<String>>);
    impl scalyr_monitor::sample::LineSink for Kept {
        fn write_lines(&mut self, lines: &scalyr_monitor::Lines) {
            self.0.lock().unwrap().push_str(lines.text());
        }
    }
    panic_place::install();
    let kept = Arc::new(Mutex::new(String::new()));
    let clock = Clock::manual(Timestamp::from_millis(0));
    let mut sample = Sample::new("a", "", clock, Logger::none(), Box::new(Kept(Arc::clone(&kept))));
    assert!(
        panic_place::watch(|| {
            sample.line("whole");
            sample.emit_dynamic("torn", &Torn, &[]);
        })
        .is_err()
    );
    drop(sample);
    assert_eq!(*kept.lock().unwrap(), "1970-01-01 00:00:00.000Z [a()] whole\n");
}
