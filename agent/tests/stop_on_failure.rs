//! "Without this monitor the agent is of no use: stop it, and let systemd start it again." A process of its own.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use scalyr_agent::cli;
use scalyr_agent::receiver::{Options, Receiver};
use scalyr_agent::threads::Threads;
use scalyr_monitor::prelude::*;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);

/// Fails in one of several ways, once its trigger is there.
#[scalyr_monitor(name = "vital")]
pub struct Vital {
    /// `panic`, `error`, `return`, `hang`, or `refuse` at once.
    #[config(required)]
    how: String,

    /// The file that it waits for.
    #[config(required)]
    trigger: String,
}

impl Monitor for Vital {
    fn initialize(&mut self, _: &mut Context) -> Result<()> {
        if self.how == "refuse" { Err(Error::new("there is nothing to watch")) } else { Ok(()) }
    }

    fn run(&mut self, run: &mut Run) -> Result<()> {
        while !run.stop().wait(Duration::from_millis(20)) {
            if Path::new(&self.trigger).exists() {
                return match self.how.as_str() {
                    "panic" => panic!("out of paper"),
                    "error" => Err(Error::new("out of ink")),
                    "hang" => loop {
                        run.sample(|out| {
                            out.line("it hangs now");
                            out.flush();
                            std::thread::sleep(PATIENCE);
                            Ok(())
                        });
                    },
                    _ => Ok(()),
                };
            }
        }
        Ok(())
    }
}

const CONFIG: &str = "STOP_ON_FAILURE_TEST";

/// Not a test of its own: the process that the others start.
#[test]
#[ignore = "started by the tests of this file"]
#[expect(clippy::disallowed_methods, reason = "the other tests tell it what to run, and read its exit code")]
fn process() {
    let arguments = ["agent", "start", "--no-fork", "-c", &std::env::var(CONFIG).unwrap()].map(Into::into);
    let succeeded = cli::run(arguments) == ExitCode::SUCCESS;
    std::process::exit(if succeeded { 0 } else { 1 });
}

/// An agent as a process, with a log file that it ships and a vital monitor.
struct Story {
    directory: tempfile::TempDir,
    receiver: Receiver,
    process: Child,
}

fn spawn(directory: &Path) -> Child {
    let output = |name: &str| fs::File::create(directory.join(name)).unwrap();
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "process", "--ignored", "--nocapture"])
        .env(CONFIG, directory.join("agent.json"))
        .stdout(output("stdout"))
        .stderr(output("stderr"))
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

impl Story {
    fn begin(monitor: Value) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        let receiver = Receiver::start(Options::default(), &Threads::new(), &Clock::system()).unwrap();
        fs::write(place("app.log"), "the one line\n").unwrap();
        let mut entry = json!({ "module": "vital", "id": "v", "trigger": place("trigger") });
        entry.as_object_mut().unwrap().extend(monitor.as_object().unwrap().clone());
        let config = json!({
            "api_key": "vital",
            "scalyr_server": receiver.url(),
            "allow_http": true,
            "agent_log_path": place("log"),
            "agent_data_path": place("data"),
            "implicit_metric_monitor": false,
            "implicit_agent_process_metrics_monitor": false,
            "logs": [{ "path": place("app.log"), "copy_from_start": true }],
            "monitors": [entry],
        });
        fs::write(place("agent.json"), config.to_string()).unwrap();
        let process = spawn(directory.path());
        Self { directory, receiver, process }
    }

    /// Starts the agent again.
    fn start(&mut self) {
        self.process = spawn(self.directory.path());
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.directory.path().join(name)).unwrap_or_default()
    }

    fn positions(&self) -> String {
        let data = fs::read_dir(self.directory.path().join("data")).unwrap().map(|entry| entry.unwrap().path());
        let is_positions = |path: &PathBuf| path.to_string_lossy().contains("positions.");
        data.filter(is_positions).map(|path| fs::read_to_string(path).unwrap()).collect()
    }

    fn line_has_arrived(&self) -> bool {
        let log = self.directory.path().join("app.log").to_string_lossy().into_owned();
        self.receiver.wait_until(PATIENCE, |summary| summary.files.get(&log).is_some_and(|file| file.events == 1))
    }

    #[expect(clippy::disallowed_methods, reason = "a deadline of the test itself")]
    fn wait_until(&self, holds: impl Fn(&Self) -> bool) {
        let begin = Instant::now();
        while !holds(self) {
            assert!(begin.elapsed() < PATIENCE, "waited in vain: {}", self.read("stdout"));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a deadline of the test itself")]
    fn exit_code(&mut self) -> Option<i32> {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status.code();
            }
            assert!(begin.elapsed() < PATIENCE, "it still runs: {}", self.read("stdout"));
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        // Fails only when it has ended, which is what is wanted.
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

// monitor-framework.md, sharp edge 6
#[test]
fn a_vital_monitor_that_fails_ends_the_agent_in_order_and_with_a_failure() {
    for (how, cause) in [
        ("panic", "The monitor panicked at agent/tests/stop_on_failure.rs:"),
        ("error", "The monitor failed: out of ink"),
        ("return", "The monitor ended without being asked to"),
    ] {
        let mut story = Story::begin(json!({ "how": how, "stop_agent_on_failure": true }));
        assert!(story.line_has_arrived(), "{}", story.read("stdout"));
        fs::write(story.directory.path().join("trigger"), "").unwrap();
        assert_eq!(story.exit_code(), Some(1), "{how}");
        let log = story.read("log/agent.log");
        let starting = "Starting monitor vital(v); the agent stops when it fails (stop_agent_on_failure)\n";
        assert!(log.contains(starting), "{log}");
        let told = log.lines().find(|line| line.contains("[error=\"failedAgentMain\"]")).expect(&log);
        assert!(told.contains(" ERROR [core] ") && told.contains("Monitor vital(v) (short hash "), "{told}");
        assert!(told.contains(cause), "{told}");
        assert!(log.lines().last().unwrap().ends_with("The agent has stopped"), "{log}");
        assert!(story.read("stderr").contains(cause), "{}", story.read("stderr"));
        let positions = story.positions();
        assert!(positions.contains("app.log"), "{positions}");
    }
}

#[test]
fn a_vital_monitor_that_refuses_to_begin_ends_the_agent_with_a_failure() {
    let mut story = Story::begin(json!({ "how": "refuse", "stop_agent_on_failure": true }));
    assert_eq!(story.exit_code(), Some(1));
    let log = story.read("log/agent.log");
    let told = log.lines().find(|line| line.contains("[error=\"failedAgentMain\"]")).expect(&log);
    assert!(told.contains("Monitor vital(v) (short hash ") && told.contains("is refused and has stop_agent"), "{told}");
    assert!(log.contains("there is nothing to watch") && log.contains("The agent has stopped"), "{log}");
}

#[test]
fn an_entry_that_is_wrong_keeps_the_agent_from_starting_when_it_is_vital() {
    let mut story = Story::begin(json!({ "how": 1, "stop_agent_on_failure": true, "sample_interval": "x" }));
    assert_eq!(story.exit_code(), Some(1));
    let told = "monitors[0].stop_agent_on_failure: is set, and vital(v) is refused";
    assert!(story.read("stderr").contains(told), "{}", story.read("stderr"));
}

#[test]
fn an_agent_ends_on_a_signal_although_a_sample_hangs() {
    let mut story = Story::begin(json!({ "how": "hang", "stop_agent_on_failure": true }));
    fs::write(story.directory.path().join("trigger"), "").unwrap();
    assert!(story.line_has_arrived(), "{}", story.read("stdout"));
    story.wait_until(|story| story.read("log/vital.log").contains("it hangs now"));
    let pid = Pid::from_raw(story.process.id().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(story.exit_code(), Some(0), "it was asked to stop, and did");
    let log = story.read("log/agent.log");
    assert!(log.contains(" Monitor vital(v) did not stop within 2 s and is left behind\n"), "{log}");
    assert!(
        log.lines().last().unwrap().ends_with("The agent has stopped") && !log.contains("failedAgentMain"),
        "{log}"
    );
    let positions = story.positions();
    assert!(positions.contains("app.log"), "{positions}");
}

#[test]
fn after_a_vital_failure_the_next_start_goes_on_where_this_one_ended() {
    let mut story = Story::begin(json!({ "how": "error", "stop_agent_on_failure": true }));
    assert!(story.line_has_arrived(), "{}", story.read("stdout"));
    fs::write(story.directory.path().join("trigger"), "").unwrap();
    assert_eq!(story.exit_code(), Some(1));
    fs::remove_file(story.directory.path().join("trigger")).unwrap();
    let log = story.directory.path().join("app.log");
    let mut file = fs::OpenOptions::new().append(true).open(&log).unwrap();
    file.write_all(b"after the failure\n").unwrap();
    story.start();
    let log = log.to_string_lossy().into_owned();
    let arrived =
        story.receiver.wait_until(PATIENCE, |summary| summary.files.get(&log).is_some_and(|file| file.events >= 2));
    assert!(arrived, "{}", story.read("stdout"));
    assert_eq!(story.receiver.summary().files[&log].events, 2, "no line comes twice");
}
