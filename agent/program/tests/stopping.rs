//! "I stopped it. When is it gone, and what did the signals do?"

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod story;

use std::fs;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use story::{AgentProcess, ReceiverProcess, Scratch, agent, end_well, now, run, wait_until, write_config};

const PATIENCE: Duration = Duration::from_secs(60);
/// What an agent has from the signal to the end of its process.
const IN_TIME: Duration = Duration::from_secs(5);

/// Stops the agent while its server does what `fault` says; how long that took.
#[track_caller]
fn stops_in_time(fault: &str) {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start_with(&scratch, "receiver", &["--fault", fault]);
    let log = scratch.path("app.log");
    fs::write(&log, "one\n").unwrap();
    let entries = json!([{ "path": log, "copy_from_start": true }]);
    let config = write_config(&scratch, &receiver.url(), entries, json!({}));
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("a request is on its way", PATIENCE, || receiver.summary()["requests"].as_u64() > Some(0));
    let begin = now();
    assert_eq!(agent.stop(PATIENCE), Some(0));
    assert!(begin.elapsed() < IN_TIME, "{fault}: {:?}", begin.elapsed());
    // Nothing is lost.
    receiver.set_faults("");
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("the line has arrived", PATIENCE, || receiver.events().iter().any(|event| event.text() == "one"));
    end_well(&mut agent, PATIENCE);
}

#[test]
fn an_agent_ends_in_time_although_its_server_stalls() {
    stops_in_time("stall");
}

#[test]
fn an_agent_ends_in_time_although_its_server_answers_late() {
    stops_in_time("late:30s");
}

#[test]
fn further_signals_do_not_cut_the_orderly_end_short_and_a_foreground_agent_that_is_stopped_ends_with_0() {
    let scratch = Scratch::new();
    let config = write_config(&scratch, "http://127.0.0.1:9", json!([]), json!({}));
    let mut process = AgentProcess::start(&scratch, &config);
    wait_until("the agent runs", PATIENCE, || process.status().is_some());
    let stopped = run(agent(&["stop"], &config));
    assert_eq!((stopped.code, stopped.err.as_str()), (Some(0), ""), "{stopped:?}");
    assert_eq!(process.process().wait(PATIENCE), Some(0));
    assert!(!scratch.path("log/agent.pid").exists());

    for signals in [[Signal::TERM; 3], [Signal::INT, Signal::TERM, Signal::INT], [Signal::QUIT; 3]] {
        let mut process = AgentProcess::start(&scratch, &config);
        wait_until("the agent runs", PATIENCE, || process.status().is_some());
        for signal in signals {
            if process.process().ended().is_none() {
                process.process().signal(signal);
            }
        }
        assert_eq!(process.process().wait(PATIENCE), Some(0));
        let log = fs::read_to_string(scratch.path("log/agent.log")).unwrap();
        assert!(log.lines().last().unwrap().ends_with("The agent has stopped"), "{log}");
        assert!(!scratch.path("log/agent.pid").exists());
    }
}

#[test]
fn no_other_signal_ends_the_agent_and_each_is_told_once() {
    let scratch = Scratch::new();
    let config = write_config(&scratch, "http://127.0.0.1:9", json!([]), json!({ "debug_level": 1 }));
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("the agent runs", PATIENCE, || agent.status().is_some());
    let told = |what: &str| fs::read_to_string(scratch.path("log/agent.log")).unwrap().matches(what).count();
    let idle = [
        (Signal::USR2, "SIGUSR2"),
        (Signal::ALARM, "SIGALRM"),
        (Signal::VTALARM, "SIGVTALRM"),
        (Signal::PROF, "SIGPROF"),
        (Signal::IO, "SIGIO"),
        (Signal::POWER, "SIGPWR"),
        (Signal::STKFLT, "SIGSTKFLT"),
        (Signal::XCPU, "SIGXCPU"),
        (Signal::XFSZ, "SIGXFSZ"),
    ];
    for (signal, name) in idle {
        agent.process().signal(signal);
        wait_until(&format!("{name} is told"), PATIENCE, || told(&format!("{name} came; ")) == 1);
        agent.process().signal(signal);
    }
    agent.process().signal(Signal::PIPE);
    agent.process().signal(Signal::USR1);
    for times in 1..=2 {
        agent.process().signal(Signal::HUP);
        wait_until("SIGHUP is told", PATIENCE, || told("SIGHUP: reading the configuration again") == times);
    }
    for (_, name) in idle {
        assert_eq!(told(&format!("{name} came; ")), 1, "{name}");
    }
    assert!(agent.status().is_some() && scratch.path("log/agent.pid").exists());
    assert_eq!(agent.stop(PATIENCE), Some(0));
}

#[test]
fn a_stop_while_the_agent_starts_is_not_lost() {
    let scratch = Scratch::new();
    let receiver = ReceiverProcess::start_with(&scratch, "receiver", &["--fault", "stall"]);
    let more = json!({ "check_remote_if_no_tty": true });
    let config = write_config(&scratch, &receiver.url(), json!([]), more);
    let mut agent = AgentProcess::start(&scratch, &config);
    // It asks the server, which does not answer.
    wait_until("the server is asked", PATIENCE, || receiver.summary()["requests"].as_u64() > Some(0));
    let begin = now();
    assert_eq!(agent.stop(PATIENCE), Some(0));
    assert!(begin.elapsed() < IN_TIME, "{:?}", begin.elapsed());
    assert!(!scratch.path("log/agent.pid").exists());
}

#[test]
fn an_agent_that_does_not_react_is_killed_and_its_pid_file_goes_too() {
    let scratch = Scratch::new();
    let config = write_config(&scratch, "http://127.0.0.1:9", json!([]), json!({}));
    let mut process = AgentProcess::start(&scratch, &config);
    wait_until("the agent runs", PATIENCE, || process.status().is_some());
    process.process().signal(Signal::STOP);
    let stopped = run(agent(&["stop"], &config));
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    assert_eq!(stopped.out, "Sending signal to terminate agent.\nAgent has stopped.\n");
    assert!(stopped.err.contains("is killed"), "{stopped:?}");
    assert_eq!(process.process().wait(PATIENCE), None);
    assert!(!scratch.path("log/agent.pid").exists());
}
