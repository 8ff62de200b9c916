//! "The clock was set, or the machine slept. What became of my logs?" Nothing: only the order of bytes in a file counts.
//!
//! A whole agent within this process, on a clock of the test: setting the machine's clock needs root and hits everything
//! else on it. What the kernel stamps on files goes on with the true time, as it does when a clock is set.
#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scalyr_agent::cli::configuration;
use scalyr_agent::receiver::{Arrival, Observer, Options, Receiver};
use scalyr_agent::supervisor::{Edge, Supervisor};
use scalyr_agent::threads::Threads;
use scalyr_monitor::registry::Environment;
use scalyr_monitor::{Clock, Timestamp};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(60);
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// A receiver, a folder, and an agent on a clock that goes as long as something is waited for.
struct Story {
    directory: tempfile::TempDir,
    clock: Clock,
    receiver: Receiver,
    came: Arc<Mutex<Vec<String>>>,
    agent: Option<Supervisor>,
    written: Vec<String>,
}

impl Story {
    fn new() -> Self {
        let came = Arc::<Mutex<Vec<String>>>::default();
        let into = Arc::clone(&came);
        let observer: Observer = Arc::new(move |arrival: &Arrival<'_, '_>| {
            let line = |message: &[u8]| String::from_utf8_lossy(message).into_owned();
            into.lock().unwrap().extend(arrival.request.events.iter().map(|event| line(&event.message)));
        });
        let options = Options { observer: Some(observer), ..Options::default() };
        let receiver = Receiver::start(options, &Threads::new(), &Clock::system()).unwrap();
        let clock = Clock::manual(Clock::system().now());
        Self { directory: tempfile::tempdir().unwrap(), clock, receiver, came, agent: None, written: Vec::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn start(&mut self) {
        let config = json!({
            "api_key": "clock",
            "scalyr_server": self.receiver.url(),
            "allow_http": true,
            "agent_log_path": self.path("log"),
            "agent_data_path": self.path("data"),
            "implicit_metric_monitor": false,
            "implicit_agent_process_metrics_monitor": false,
            "implicit_agent_log_collection": false,
            // With all that the old agent gave up by the clock, as its users have it in their files.
            "copy_staleness_threshold": 900,
            "max_allowed_checkpoint_age": 900,
            // Pauses behind failures are waited for in true time.
            "max_error_request_spacing_interval": 0.2,
            "logs": [{ "path": self.path("*.log") }],
        });
        let file = self.path("agent.json");
        fs::write(&file, config.to_string()).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let (plan, report) = configuration::read(&file, &Arc::new(Environment::default())).unwrap();
        let clock = self.clock.clone();
        let edge = Edge { config_file: file, report, options: Vec::new(), clock, stdout: None };
        self.agent = Some(Supervisor::start(plan, edge).unwrap());
    }

    /// Stops the agent; every byte of this run has its outcome, and none was skipped.
    fn stop(&mut self) {
        let agent = self.agent.take().unwrap();
        // Time goes on while it stops: its deadlines are on the same clock.
        let clock = self.clock.clone();
        let stopped = agent.stop();
        clock.advance(Duration::from_millis(20));
        assert!(stopped.drained && stopped.totals.reconciles(), "{stopped:?}");
        assert!(stopped.totals.skipped.is_empty() && stopped.totals.dropped.is_empty(), "{stopped:?}");
    }

    fn append(&mut self, name: &str) {
        let line = format!("line {} of {name}\n", self.written.len());
        let mut file = OpenOptions::new().append(true).create(true).open(self.path(name)).unwrap();
        file.write_all(line.as_bytes()).unwrap();
        self.written.push(line);
    }

    /// Waits until all that was written has come, while the clock goes on, and until it is acknowledged.
    #[track_caller]
    fn all_have_come_once(&self) {
        let begin = Clock::system().monotonic();
        loop {
            let came = self.came.lock().unwrap().clone();
            let pending = self.agent.as_ref().unwrap().snapshot().totals.pending;
            if came.len() >= self.written.len() && pending == 0 {
                let sorted = |mut lines: Vec<String>| {
                    lines.sort();
                    lines
                };
                return assert_eq!(sorted(came), sorted(self.written.clone()));
            }
            assert!(begin.elapsed() < PATIENCE, "{pending} bytes are pending, {came:?} of {:?}", self.written);
            std::thread::sleep(Duration::from_millis(5));
            self.clock.advance(Duration::from_millis(20));
        }
    }

    /// How many requests have failed so far.
    fn failures(&self) -> u64 {
        self.agent.as_ref().unwrap().snapshot().sessions.iter().map(|session| session.requests_failed).sum()
    }

    /// Waits while the clock goes on, two hundred times as fast as the true one.
    #[track_caller]
    fn waits_until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let begin = Clock::system().monotonic();
        while !condition(self) {
            assert!(begin.elapsed() < PATIENCE, "waited in vain until {what}");
            std::thread::sleep(Duration::from_millis(5));
            self.clock.advance(Duration::from_secs(1));
        }
    }

    /// Sets the wall clock, so many milliseconds from where it stands.
    fn step(&self, millis: i64) {
        self.clock.set(Timestamp::from_millis(self.clock.now().as_millis() + millis));
    }
}

#[test]
fn a_clock_that_is_set_back_or_forth_neither_skips_nor_repeats_a_line() {
    let mut story = Story::new();
    story.append("a.log");
    story.written.clear();
    story.start();
    for step in [0, -HOUR, 2 * DAY, -30 * DAY, 28 * DAY, HOUR] {
        story.step(step);
        for name in ["a.log", "b.log", "a.log"] {
            story.append(name);
            story.all_have_come_once();
        }
    }
    story.step(-story.clock.now().as_millis());
    story.append("a.log");
    story.append("new-in-1970.log");
    story.all_have_come_once();
    story.stop();
}

#[test]
fn a_machine_that_slept_for_a_week_goes_on_where_it_was() {
    let mut story = Story::new();
    story.start();
    for _ in 0..3 {
        story.append("a.log");
        story.all_have_come_once();
        // What is written just before it falls asleep is there when it wakes up.
        story.append("a.log");
        story.append("b.log");
        story.clock.advance(Duration::from_secs(7 * 24 * 3_600));
        story.append("a.log");
        story.all_have_come_once();
    }
    story.stop();
}

#[test]
fn positions_of_a_clock_that_was_set_back_or_forth_between_two_runs_hold() {
    let mut story = Story::new();
    for step in [0, -HOUR, 2 * DAY, -30 * DAY, 28 * DAY] {
        story.step(step);
        story.start();
        story.append("a.log");
        story.all_have_come_once();
        story.stop();
        story.append("a.log");
    }
    story.start();
    story.all_have_come_once();
    story.stop();
}

#[test]
fn a_file_that_came_while_no_agent_ran_is_read_whole_although_the_clock_was_set_meanwhile() {
    for step in [-HOUR, HOUR, -30 * DAY, 30 * DAY] {
        let mut story = Story::new();
        story.step(-step);
        story.start();
        story.append("a.log");
        story.all_have_come_once();
        story.stop();
        story.append("b.log");
        // Now it is right.
        story.step(step);
        story.start();
        story.append("b.log");
        story.all_have_come_once();
        story.stop();
    }
}

/// The Python agent gave everything up after 15 minutes without a success, and all that was written meanwhile.
#[test]
fn sharp_edge_2_an_outage_of_a_week_ends_with_every_line_delivered() {
    let mut story = Story::new();
    story.start();
    story.append("a.log");
    story.all_have_come_once();
    for fault in ["http:503:html", "status:error/server/backoff", "cut"] {
        story.receiver.faults().set(fault.parse().unwrap());
        for day in 0..7 {
            story.append("a.log");
            story.append(&format!("{fault} {day}.log").replace(['/', ':'], "-"));
            let failed = story.failures();
            story.waits_until("it was tried again", |story| story.failures() > failed);
            story.clock.advance(Duration::from_secs(24 * 3_600));
        }
        // The last word of an outage: nothing was given up, and everything that was read waits.
        let totals = story.agent.as_ref().unwrap().snapshot().totals;
        assert!(totals.skipped.is_empty() && totals.dropped.is_empty() && totals.pending > 0, "{totals:?}");
        story.receiver.faults().set("".parse().unwrap());
        story.waits_until("it works again", |story| story.agent.as_ref().unwrap().snapshot().totals.pending == 0);
        story.all_have_come_once();
    }
    story.stop();
}

/// The Python agent measured its pauses with the wall clock: set back by an hour behind a failure, it sent nothing for
/// that hour.
#[test]
fn sharp_edge_3_a_clock_that_is_set_during_a_failure_holds_nothing_up() {
    let mut story = Story::new();
    story.start();
    for step in [-HOUR, HOUR, -30 * DAY, 2 * DAY] {
        story.append("a.log");
        story.all_have_come_once();
        story.receiver.faults().set("http:503".parse().unwrap());
        story.append("a.log");
        let failed = story.failures();
        story.waits_until("it fails", |story| story.failures() > failed);
        story.step(step);
        story.append("b.log");
        story.receiver.faults().set("".parse().unwrap());
        // Within the patience of the story four minutes go by, not an hour.
        story.all_have_come_once();
    }
    story.stop();
}
