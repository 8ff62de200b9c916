//! A monitor that panics while its options are read, or when it is let go: no command dies of it, and the place is
//! told. Each command is a process of its own: this test program, started again.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use scalyr_monitor::prelude::*;
use serde_json::json;

/// Panics while it is built.
#[scalyr_monitor(name = "stillborn")]
struct Stillborn {
    state: Fragile,
}

struct Fragile;

impl Default for Fragile {
    fn default() -> Self {
        panic!("no sensor here")
    }
}

impl Monitor for Stillborn {
    fn gather_sample(&mut self, _: &mut Sample) -> Result<()> {
        let Fragile = &self.state;
        Ok(())
    }
}

/// Panics whenever it is dropped.
#[scalyr_monitor(name = "undroppable")]
struct Undroppable {}

impl Monitor for Undroppable {}

impl Drop for Undroppable {
    fn drop(&mut self) {
        panic!("nobody drops me");
    }
}

const ARGUMENTS: &str = "PANICS_WHILE_READING_TEST";

/// Not a test of its own: the process that the others start.
#[test]
#[ignore = "started by the tests of this file"]
#[expect(clippy::disallowed_methods, reason = "the other tests tell it what to run, and read its exit code")]
fn process() {
    let arguments = std::env::var(ARGUMENTS).unwrap();
    let arguments = std::iter::once("agent").chain(arguments.split('\n')).map(OsString::from);
    let code = scalyr_agent::cli::run(arguments);
    let code = (0..=255).find(|number| ExitCode::from(*number) == code).unwrap();
    std::process::exit(code.into());
}

/// Runs a command; its exit code and what it prints to stderr.
fn agent(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "process", "--ignored", "--nocapture"])
        .env(ARGUMENTS, arguments.join("\n"))
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn configuration(directory: &Path) -> String {
    let config = json!({
        "api_key": "k",
        "agent_log_path": directory.join("log"),
        "agent_data_path": directory.join("data"),
        "implicit_metric_monitor": false,
        "implicit_agent_process_metrics_monitor": false,
        "monitors": [{ "module": "stillborn" }, { "module": "undroppable" }],
    });
    let file = directory.join("agent.json");
    fs::write(&file, config.to_string()).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn status_answers_beside_monitors_that_panic_and_prints_no_raw_panic() {
    let directory = tempfile::tempdir().unwrap();
    let (code, err) = agent(&["status", "-c", &configuration(directory.path())]);
    assert_eq!(code, Some(4), "{err}");
    assert!(err.starts_with("The agent does not appear to be running"), "{err}");
    assert!(!err.contains("thread '"), "{err}");
}

#[test]
fn run_monitor_tells_the_place_of_a_panic_while_options_are_read() {
    let (code, err) = agent(&["--run-monitor", "stillborn"]);
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("the monitor stillborn panicked at agent/tests/panics_while_reading.rs:"), "{err}");
    assert!(err.contains("no sensor here while it read this entry") && !err.contains("thread '"), "{err}");
}

#[test]
fn run_monitor_runs_what_panics_when_it_is_dropped() {
    let (code, err) = agent(&["--run-monitor", "undroppable", "-s", "0.1", "--samples", "1"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(err.contains("the monitor undroppable panicked at agent/tests/panics_while_reading.rs:"), "{err}");
    assert!(!err.contains("thread '"), "{err}");
}
