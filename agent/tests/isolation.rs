//! "One of my monitors is broken." The others, and the shipping of logs, must not notice.
#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod steady;

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scalyr_agent::cli::configuration;
use scalyr_agent::monitors::panic_place;
use scalyr_agent::receiver::{Arrival, Observer, Options, Receiver};
use scalyr_agent::status::Snapshot;
use scalyr_agent::supervisor::{Edge, Supervisor};
use scalyr_agent::threads::Threads;
use scalyr_monitor::prelude::*;
use scalyr_monitor::registry::Environment;
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(60);

/// Panics in the middle of each sample.
#[scalyr_monitor(name = "panics")]
pub struct Panics {
    /// Emitted before the panic.
    #[metric]
    before: Metric<u64>,

    samples: u64,
}

impl Monitor for Panics {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        self.samples += 1;
        out.emit(self.before, self.samples);
        panic!("the sensor fell off");
    }
}

/// Returns an error from each sample.
#[scalyr_monitor(name = "fails")]
pub struct Fails {
    /// Emitted before the error.
    #[metric]
    before: Metric<u64>,
}

impl Monitor for Fails {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        out.emit(self.before, 1);
        Err(Error::new("the sensor answers nonsense"))
    }
}

/// Never comes back from its first sample.
#[scalyr_monitor(name = "hangs")]
pub struct Hangs {
    /// Emitted before it hangs.
    #[metric]
    before: Metric<u64>,
}

impl Monitor for Hangs {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        out.emit(self.before, 1);
        loop {
            std::thread::sleep(Duration::from_secs(60));
        }
    }
}

/// Emits far more than its log may take.
#[scalyr_monitor(name = "floods")]
pub struct Floods {
    /// One of very many.
    #[metric]
    drop: Metric<u64>,
}

impl Monitor for Floods {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        (0..50_000).for_each(|n| out.emit(self.drop, n));
        Ok(())
    }
}

/// Trusts in its drop that it was initialised, as it is not when the configuration is merely read.
#[scalyr_monitor(name = "closes")]
pub struct Closes {
    opened: Option<u64>,
}

impl Monitor for Closes {
    fn initialize(&mut self, _: &mut Context) -> Result<()> {
        self.opened = Some(1);
        Ok(())
    }
}

impl Drop for Closes {
    fn drop(&mut self) {
        self.opened.take().expect("opened in initialize");
    }
}

/// Floods the agent's own log, and panics in its third sample.
#[scalyr_monitor(name = "chatters")]
pub struct Chatters {
    samples: u64,
}

impl Monitor for Chatters {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        (0..5_000).for_each(|n| out.logger().warn(format_args!("chatter chatter chatter {n}")));
        self.samples += 1;
        assert!(self.samples < 3, "it has gone hoarse");
        Ok(())
    }
}

/// Panics when others have been flooding for a while.
#[scalyr_monitor(name = "panics_later")]
pub struct PanicsLater {
    samples: u64,
}

impl Monitor for PanicsLater {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        self.samples += 1;
        assert!(self.samples < 5, "the cable came loose");
        out.logger().info(format_args!("sample {}", self.samples));
        Ok(())
    }
}

/// Registers, changes and withdraws log files as fast as it can.
#[scalyr_monitor(name = "registers")]
pub struct Registers {
    files: Option<LogFiles>,
}

impl Monitor for Registers {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        self.files = Some(context.log_files().clone());
        Ok(())
    }

    fn gather_sample(&mut self, _: &mut Sample) -> Result<()> {
        let files = self.files.as_ref().unwrap();
        for n in 0..2_000 {
            let path = format!("flood-{}.log", n % 100);
            files.register(LogConfig::new(&path))?;
            files.update(LogConfig::new(&path).attribute("turn", n))?;
            files.withdraw(&path)?;
        }
        Ok(())
    }
}

/// How many events of each log file have arrived.
type Arrived = Arc<Mutex<BTreeMap<String, Vec<String>>>>;

#[test]
fn broken_monitors_disturb_neither_the_others_nor_the_shipping_of_logs() {
    panic_place::install();
    let directory = tempfile::tempdir().unwrap();
    let (threads, clock) = (Threads::new(), Clock::system());
    let arrived = Arrived::default();
    let observed = Arc::clone(&arrived);
    let observer: Observer = Arc::new(move |arrival: &Arrival<'_, '_>| note(&observed, arrival));
    let options = Options { observer: Some(observer), ..Options::default() };
    let receiver = Receiver::start(options, &threads, &clock).unwrap();
    let supervisor = start_agent(
        directory.path(),
        &receiver.url(),
        &["panics", "fails", "hangs", "floods", "closes", "steady"],
        &clock,
    );

    let mut log = OpenOptions::new().append(true).create(true).open(directory.path().join("app.log")).unwrap();
    for n in 0..100 {
        writeln!(log, "line {n}").unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    let of = |name: &str| {
        let arrived = arrived.lock().unwrap();
        arrived.iter().find(|(path, _)| path.ends_with(name)).map_or(Vec::new(), |(_, lines)| lines.clone())
    };
    wait_until("the log and the steady monitor's samples have arrived", || {
        of("app.log").len() == 100 && of("steady.log").len() >= 10
    });
    wait_until("the broken ones are told apart", || {
        let snapshot = supervisor.snapshot();
        let monitor = |name: &str| snapshot.monitors.iter().find(|monitor| monitor.name == name).unwrap();
        monitor("panics()").panics >= 2
            && monitor("panics()").restarts >= 1
            && monitor("fails()").failed_samples >= 5
            && monitor("hangs()").sample_running_secs.is_some_and(|seconds| seconds > 1.0)
            && monitor("floods()").lines_dropped > 40_000
            && monitor("steady()").errors == 0
    });
    wait_until("one that rests after a failure counts as dead", || {
        let snapshot = supervisor.snapshot();
        snapshot.dead_monitors == 1 && snapshot.running_monitors == snapshot.monitors.len() - 1
    });
    let snapshot: Snapshot = supervisor.snapshot();
    assert_eq!(snapshot.refused.len(), 0, "{:?}", snapshot.refused);
    let [problem] = snapshot.config_problems.as_slice() else { panic!("{:?}", snapshot.config_problems) };
    assert!(problem.contains("the monitor closes panicked at agent/tests/isolation.rs:"), "{problem}");
    assert!(problem.starts_with("warning: ") && problem.ends_with("when it was dropped"), "{problem}");

    let stopped = supervisor.stop();
    assert_eq!(stopped.left_behind, ["hangs()"]);
    assert!(stopped.drained && stopped.totals.reconciles(), "{stopped:?}");
    // What the broken ones emitted before they broke is there, and the gap in the flood is told. (A sample leaves in
    // one go, so that of the one that hangs never left.)
    assert!(!of("panics.log").is_empty() && !of("fails.log").is_empty());
    assert!(of("floods.log").iter().any(|line| line.contains("skipped writing")));

    let agent_log = fs::read_to_string(directory.path().join("log/agent.log")).unwrap();
    assert!(agent_log.contains("the sensor fell off"), "{agent_log}");
    assert!(agent_log.contains("tests/isolation.rs:"), "the panic's place is told: {agent_log}");
    assert!(agent_log.contains("the sensor answers nonsense"), "{agent_log}");
}

#[test]
fn a_monitor_that_floods_the_agent_log_hides_nobody_elses_words() {
    panic_place::install();
    let directory = tempfile::tempdir().unwrap();
    let supervisor =
        start_agent(directory.path(), "http://127.0.0.1:9", &["chatters", "panics_later"], &Clock::system());
    wait_until("both have panicked", || supervisor.snapshot().monitors.iter().all(|monitor| monitor.panics >= 1));
    let skipped = supervisor.snapshot().agent_log.skipped_by_component;
    assert!(skipped.get("monitor:chatters()").is_some_and(|lines| *lines > 10_000), "{skipped:?}");
    assert_eq!(skipped.len(), 1, "only the flood was cut: {skipped:?}");
    supervisor.stop();

    let log = fs::read_to_string(directory.path().join("log/agent.log")).unwrap();
    let has = |component: &str, text: &str| {
        log.lines().any(|line| line.contains(&format!("[{component}]")) && line.contains(text))
    };
    assert!(has(
        "monitor:panics_later()",
        "[error=\"failedMonitor\"] The monitor panicked at agent/tests/isolation.rs:"
    ));
    assert!(has("monitor:panics_later()", "the cable came loose") && has("monitor:panics_later()", "] sample 4"));
    assert!(has("monitor:chatters()", "it has gone hoarse"), "its end is told although its share is used up");
    assert!(has("core", "The agent has stopped"));
}

#[test]
fn a_monitor_that_floods_the_agent_with_log_files_holds_up_neither_the_others_nor_the_stop() {
    panic_place::install();
    let directory = tempfile::tempdir().unwrap();
    let (threads, clock) = (Threads::new(), Clock::system());
    let receiver = Receiver::start(Options::default(), &threads, &clock).unwrap();
    let supervisor = start_agent(directory.path(), &receiver.url(), &["registers", "steady"], &clock);
    let path = directory.path().join("app.log");
    let mut log = OpenOptions::new().append(true).create(true).open(&path).unwrap();
    let path = path.to_string_lossy().into_owned();
    for n in 1..=5 {
        writeln!(log, "line {n}").unwrap();
        let has_arrived =
            receiver.wait_until(PATIENCE, |summary| summary.files.get(&path).is_some_and(|file| file.events == n));
        assert!(has_arrived, "line {n}: {:?}", receiver.summary());
    }
    let registers = |snapshot: &Snapshot| snapshot.monitors.iter().find(|m| m.name == "registers()").unwrap().samples;
    wait_until("it has flooded on", || registers(&supervisor.snapshot()) >= 3);
    let begin = clock.monotonic();
    let stopped = supervisor.stop();
    assert!(stopped.drained && stopped.totals.reconciles(), "{stopped:?}");
    assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
}

fn note(arrived: &Arrived, arrival: &Arrival<'_, '_>) {
    let mut arrived = arrived.lock().unwrap();
    for event in &arrival.request.events {
        let line = String::from_utf8_lossy(&event.message).into_owned();
        arrived.entry(arrival.request.logfile(event).into_owned()).or_default().push(line);
    }
}

fn start_agent(directory: &Path, server: &str, monitors: &[&str], clock: &Clock) -> Supervisor {
    let monitors: Vec<_> = monitors.iter().map(|module| json!({ "module": module, "sample_interval": 0.2 })).collect();
    let config = json!({
        "api_key": "isolation",
        "scalyr_server": server,
        "allow_http": true,
        "agent_log_path": directory.join("log"),
        "agent_data_path": directory.join("data"),
        "implicit_metric_monitor": false,
        "implicit_agent_process_metrics_monitor": false,
        "logs": [{ "path": directory.join("app.log") }],
        "monitors": monitors,
    });
    let file = directory.join("agent.json");
    fs::write(&file, config.to_string()).unwrap();
    // As the key in it asks for.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let environment = Arc::new(Environment::default());
    let (plan, report) = configuration::read(&file, &environment).unwrap();
    let edge = Edge { config_file: file, report, options: Vec::new(), clock: clock.clone(), stdout: None };
    Supervisor::start(plan, edge).unwrap()
}

#[track_caller]
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Clock::system().monotonic();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
