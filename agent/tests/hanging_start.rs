//! "One of my monitors hangs while it starts." The agent starts all the same.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use scalyr_agent::cli::configuration;
use scalyr_agent::monitors::state::Phase;
use scalyr_agent::receiver::{Options, Receiver};
use scalyr_agent::supervisor::{Edge, Supervisor};
use scalyr_agent::threads::Threads;
use scalyr_monitor::prelude::*;
use scalyr_monitor::registry::Environment;
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(60);

/// Never comes back from `initialize`.
#[scalyr_monitor(name = "hangs_at_once")]
pub struct HangsAtOnce {}

impl Monitor for HangsAtOnce {
    fn initialize(&mut self, _: &mut Context) -> Result<()> {
        loop {
            std::thread::sleep(Duration::from_secs(60));
        }
    }
}

/// Says that it must not run, and never comes back from its drop.
#[scalyr_monitor(name = "clings")]
pub struct Clings {
    began: bool,
}

impl Monitor for Clings {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        (self.began, context.disabled) = (true, true);
        Ok(())
    }
}

impl Drop for Clings {
    fn drop(&mut self) {
        if self.began {
            // Nobody stops it.
            Stop::new().wait(Duration::MAX);
        }
    }
}

/// Does what it should.
#[scalyr_monitor(name = "beats")]
pub struct Beats {
    /// Always 1.
    #[metric]
    beat: Metric<u64>,
}

impl Monitor for Beats {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        out.emit(self.beat, 1);
        Ok(())
    }
}

#[test]
fn a_monitor_that_hangs_while_it_initialises_keeps_neither_the_agent_nor_the_others_from_their_work() {
    let directory = tempfile::tempdir().unwrap();
    let (threads, clock) = (Threads::new(), Clock::system());
    let receiver = Receiver::start(Options::default(), &threads, &clock).unwrap();
    let log = directory.path().join("app.log");
    fs::write(&log, "before the start\n").unwrap();
    let config = json!({
        "api_key": "hanging start",
        "scalyr_server": receiver.url(),
        "allow_http": true,
        "agent_log_path": directory.path().join("log"),
        "agent_data_path": directory.path().join("data"),
        "implicit_metric_monitor": false,
        "implicit_agent_process_metrics_monitor": false,
        "implicit_agent_log_collection": false,
        "logs": [{ "path": log }],
        "monitors": [
            { "module": "hangs_at_once" },
            { "module": "beats", "sample_interval": 0.2 },
        ],
    });
    let config_file = directory.path().join("agent.json");
    fs::write(&config_file, config.to_string()).unwrap();
    let (plan, report) = configuration::read(&config_file, &Arc::new(Environment::default())).unwrap();

    // Written while the agent still waits for the one that hangs: its place in the log was taken before.
    let late = log.clone();
    threads
        .spawn("writer", move || {
            std::thread::sleep(Duration::from_secs(2));
            writeln!(OpenOptions::new().append(true).open(late).unwrap(), "during the start").unwrap();
        })
        .unwrap();
    let edge = Edge { config_file, report, options: Vec::new(), clock, stdout: None };
    let supervisor = Supervisor::start(plan, edge).unwrap();

    let snapshot = supervisor.snapshot();
    assert_eq!(snapshot.refused.len(), 1, "{:?}", snapshot.refused);
    assert!(snapshot.refused[0].why.contains("hangs_at_once()"), "{:?}", snapshot.refused);
    let app_log = log.to_string_lossy().into_owned();
    let arrived = receiver.wait_until(PATIENCE, |summary| {
        let events = |path: &str| summary.files.get(path).map_or(0, |file| file.events);
        events(&app_log) == 1 && summary.events >= 5
    });
    assert!(arrived, "{:?}", receiver.summary());
    assert!(supervisor.stop().drained);
}

#[test]
fn a_monitor_that_disables_itself_and_hangs_when_it_is_dropped_keeps_nobody_from_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let config = json!({
        "api_key": "clinging",
        "scalyr_server": "http://127.0.0.1:9",
        "allow_http": true,
        "agent_log_path": directory.path().join("log"),
        "agent_data_path": directory.path().join("data"),
        "implicit_metric_monitor": false,
        "implicit_agent_process_metrics_monitor": false,
        "monitors": [{ "module": "clings" }],
    });
    let config_file = directory.path().join("agent.json");
    fs::write(&config_file, config.to_string()).unwrap();
    let (plan, report) = configuration::read(&config_file, &Arc::new(Environment::default())).unwrap();
    let (done, started) = crossbeam_channel::bounded(1);
    let start = move || {
        let edge = Edge { config_file, report, options: Vec::new(), clock: Clock::system(), stdout: None };
        _ = done.send(Supervisor::start(plan, edge).unwrap());
    };
    Threads::new().spawn("start", start).unwrap();
    let supervisor = started.recv_timeout(PATIENCE).expect("it starts");
    let monitors = supervisor.snapshot().monitors;
    assert_eq!((monitors.len(), monitors[0].state), (1, Phase::Disabled));
    assert!(supervisor.stop().left_behind.is_empty());
}
