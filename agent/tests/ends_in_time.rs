//! "It hangs somewhere. Does it end when I stop it?" A process of its own, with a monitor that does hang.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "deadlines of the test itself, and what its process is told to run")]

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use scalyr_agent::cli;
use scalyr_monitor::prelude::*;
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(60);
const CONFIG: &str = "ENDS_IN_TIME_TEST";

/// Hangs, and writes a file when it begins to.
#[scalyr_monitor(name = "stuck")]
pub struct Stuck {
    /// `initialize` or `sample`.
    #[config(required)]
    place: String,

    /// The file that it writes.
    #[config(required)]
    sign: String,
}

impl Stuck {
    fn hang(&self, place: &str) {
        if self.place == place {
            fs::write(&self.sign, "").unwrap();
            std::thread::sleep(10 * PATIENCE);
        }
    }
}

impl Monitor for Stuck {
    fn initialize(&mut self, _: &mut Context) -> Result<()> {
        self.hang("initialize");
        Ok(())
    }

    fn gather_sample(&mut self, _: &mut Sample) -> Result<()> {
        self.hang("sample");
        Ok(())
    }
}

/// Not a test of its own: the process that the others start.
#[test]
#[ignore = "started by the tests of this file"]
fn process() {
    let arguments = ["agent", "start", "--no-fork", "-c", &std::env::var(CONFIG).unwrap()].map(Into::into);
    let succeeded = cli::run(arguments) == ExitCode::SUCCESS;
    std::process::exit(if succeeded { 0 } else { 1 });
}

/// A stop of an agent whose monitor hangs there, within five seconds; what its log says.
fn ends_in_time(place: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let config = json!({
        "api_key": "stuck",
        "scalyr_server": "http://127.0.0.1:9",
        "allow_http": true,
        "agent_log_path": at("log"),
        "agent_data_path": at("data"),
        "implicit_metric_monitor": false,
        "implicit_agent_process_metrics_monitor": false,
        "monitors": [{ "module": "stuck", "place": place, "sign": at("sign") }],
    });
    fs::write(at("agent.json"), config.to_string()).unwrap();
    let output = |name: &str| fs::File::create(at(name)).unwrap();
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "process", "--ignored", "--nocapture"])
        .env(CONFIG, at("agent.json"))
        .stdout(output("stdout"))
        .stderr(output("stderr"))
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let begin = Instant::now();
    while !at("sign").exists() {
        assert!(begin.elapsed() < PATIENCE, "it does not hang: {}", read(&at("stdout")));
        std::thread::sleep(Duration::from_millis(5));
    }
    kill_process(Pid::from_child(&process), Signal::TERM).unwrap();
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = process.try_wait().unwrap() {
            break status;
        }
        if begin.elapsed() > PATIENCE {
            process.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(begin.elapsed() < Duration::from_secs(5), "{place}: {:?}", begin.elapsed());
    assert_eq!(status.code(), Some(0), "{place}: {}", read(&at("stderr")));
    assert!(!at("log/agent.pid").exists());
    read(&at("log/agent.log"))
}

#[test]
fn a_sample_that_hangs_is_left_behind() {
    let log = ends_in_time("sample");
    assert!(log.contains("Monitor stuck() did not stop within 2 s and is left behind"), "{log}");
    assert!(log.lines().last().unwrap().ends_with("The agent has stopped"), "{log}");
}

#[test]
fn a_monitor_that_hangs_while_the_agent_starts_does_not_delay_its_stop() {
    let log = ends_in_time("initialize");
    assert!(!log.contains("did not initialise within"), "{log}");
    assert!(log.lines().last().unwrap().ends_with("The agent has stopped"), "{log}");
}
