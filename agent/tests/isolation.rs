//! "One of my monitors is broken." The others, and the shipping of logs, must not notice.
#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
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

/// Does what it should.
#[scalyr_monitor(name = "steady")]
pub struct Steady {
    /// Counts samples.
    #[metric]
    beat: Metric<u64>,

    count: u64,
}

impl Monitor for Steady {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        self.count += 1;
        out.emit(self.beat, self.count);
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
    let supervisor = start_agent(directory.path(), &receiver.url(), &clock);

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

fn note(arrived: &Arrived, arrival: &Arrival<'_, '_>) {
    let mut arrived = arrived.lock().unwrap();
    for event in &arrival.request.events {
        let line = String::from_utf8_lossy(&event.message).into_owned();
        arrived.entry(arrival.request.logfile(event).into_owned()).or_default().push(line);
    }
}

fn start_agent(directory: &Path, server: &str, clock: &Clock) -> Supervisor {
    let monitors: Vec<_> = ["panics", "fails", "hangs", "floods", "closes", "steady"]
        .iter()
        .map(|module| json!({ "module": module, "sample_interval": 0.2 }))
        .collect();
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
    let environment = Arc::new(Environment::default());
    let (plan, report) = configuration::read(&file, &environment).unwrap();
    let edge = Edge { config_file: file, report, clock: clock.clone(), stdout: None };
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
