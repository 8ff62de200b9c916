//! `--run-monitor` is stopped by a signal, whatever its monitor is doing. Each case is a process of its own: this
//! test program, started again.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use scalyr_agent::cli::run_monitor::{Request, run};
use scalyr_agent::config::{RunRequest, monitor_plan_for_run};
use scalyr_agent::threads::Threads;
use scalyr_monitor::prelude::*;
use scalyr_monitor::registry::Registry;

/// Emits a line, then hangs for a long time.
#[scalyr_monitor(name = "hanging")]
struct Hanging {}

impl Monitor for Hanging {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        out.line("hanging");
        out.flush();
        std::thread::sleep(Duration::from_secs(600));
        Ok(())
    }
}

/// Hangs while it initialises.
#[scalyr_monitor(name = "hanging_at_once")]
struct HangingAtOnce {}

impl Monitor for HangingAtOnce {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        context.logger().info("hanging");
        std::thread::sleep(Duration::from_secs(600));
        Ok(())
    }
}

/// Emits a line now and then.
#[scalyr_monitor(name = "calm")]
struct Calm {}

impl Monitor for Calm {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        out.line("calm");
        Ok(())
    }
}

/// Fills the pipe to a reader who does not read.
#[scalyr_monitor(name = "unread")]
struct Unread {}

impl Monitor for Unread {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        loop {
            out.line("unread");
        }
    }
}

const WHICH: &str = "RUN_MONITOR_SIGNALS_TEST";

/// Not a test of its own: the process that the others start.
#[test]
#[ignore = "started by the tests of this file"]
#[expect(clippy::disallowed_methods, reason = "the other tests tell it what to run, and read its exit code")]
fn process() {
    let request = RunRequest {
        module: &std::env::var(WHICH).unwrap(),
        config_text: "{}",
        sample_interval: Duration::from_millis(100),
        agent_config: None,
    };
    let planned = monitor_plan_for_run(&request, &Registry::linked().unwrap(), &Arc::default());
    let planned = planned.unwrap_or_else(|report| panic!("{report}"));
    let request = Request {
        plan: planned.monitor,
        log_path: PathBuf::from("."),
        debug_level: 0,
        samples: None,
        added_entries: planned.added_entries,
    };
    let out = Box::new(std::io::stdout());
    let code = run(request, Clock::system(), &Threads::new(), out, &mut std::io::stderr());
    std::process::exit(code.into());
}

/// A process that runs the monitor, and what it prints.
fn start(which: &str) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "process", "--ignored", "--nocapture"])
        .env(WHICH, which)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    (child, out)
}

/// Reads lines until one ends as said.
fn read_until(out: &mut impl BufRead, end: &str) {
    let mut line = String::new();
    while !line.ends_with(&format!("{end}\n")) {
        line.clear();
        assert!(out.read_line(&mut line).unwrap() > 0, "ended before `{end}`");
    }
}

/// Sends the signal and waits for the end; returns the exit code and how long it took.
fn stop(child: &mut Child, signal: Signal) -> (Option<i32>, Duration) {
    let clock = Clock::system();
    let began = clock.monotonic();
    kill_process(Pid::from_child(child), signal).unwrap();
    let code = child.wait().unwrap().code();
    (code, clock.monotonic() - began)
}

/// A signal ends the run within a second, and the run's own patience adds up to 0.9 s of that. What is measured here,
/// from the sending of the signal to the end of the process, includes what a machine of two processors that is busy
/// with other tests needs to start the threads and to reap the process: so much more, and no more, is allowed.
const SOON: Duration = Duration::from_secs(2);

#[test]
fn either_signal_ends_it_with_a_word_of_farewell() {
    for signal in [Signal::INT, Signal::TERM] {
        let (mut child, mut out) = start("calm");
        read_until(&mut out, "calm");
        let (code, took) = stop(&mut child, signal);
        assert_eq!(code, Some(0));
        assert!(took < SOON, "{took:?}");
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        let lines: Vec<&str> = rest.lines().skip_while(|line| line.ends_with("[calm()] calm")).collect();
        assert_eq!(lines[0], "Signal received, stopping monitor...");
        let last = lines.last().unwrap();
        assert!(last.contains(" INFO [monitor:calm()] [") && last.ends_with("] Monitor has finished"), "{rest}");
    }
}

#[test]
fn a_monitor_that_hangs_does_not_keep_it() {
    for which in ["hanging", "hanging_at_once"] {
        let (mut child, mut out) = start(which);
        read_until(&mut out, " hanging");
        let (code, took) = stop(&mut child, Signal::TERM);
        assert_eq!(code, Some(0), "{which}");
        assert!(took < SOON, "{which} took {took:?}");
        read_until(&mut out, "Signal received, stopping monitor...");
    }
}

#[test]
fn a_reader_who_does_not_read_does_not_keep_it() {
    let (mut child, mut out) = start("unread");
    read_until(&mut out, " unread");
    // The pipe and the buffer of this side are full when the process writes no more: its thread waits in the kernel.
    let wchan = format!("/proc/{}/task", child.id());
    let waits = || {
        let tasks = std::fs::read_dir(&wchan).unwrap();
        tasks.flatten().any(|task| {
            let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            name.trim() == "unread()" && stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('S'))
        })
    };
    let mut waited_for = 0;
    while !(waits() && waits() && waits()) {
        waited_for += 1;
        assert!(waited_for < 4_000, "it never filled the pipe");
        std::thread::sleep(Duration::from_millis(5));
    }
    let (code, took) = stop(&mut child, Signal::INT);
    assert_eq!(code, Some(0));
    assert!(took < SOON, "{took:?}");
}

#[test]
fn a_reader_who_goes_away_ends_it() {
    let (mut child, mut out) = start("calm");
    read_until(&mut out, "calm");
    drop(out);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
