//! "One of my monitors is broken." What it looks like in `status`; and when it takes the whole agent with it, the service
//! manager starts the agent again, and no line is lost.
#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod broken_agent;
mod monitors;
#[path = "../story/mod.rs"]
mod story;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use story::{
    Event, Lines, ReceiverProcess, Scratch, Service, agent_command, missing_and_repeated, status, unit_arguments,
    unit_value, write_config,
};

const PATIENCE: Duration = Duration::from_secs(120);
/// As the unit starts it, with a limit of its memory in KiB.
fn command(config: &Path, limit: Option<u32>) -> Command {
    broken_agent::command(&unit_arguments(), config, limit)
}

/// An agent with one log file, and these monitors.
fn configure(scratch: &Scratch, receiver: &ReceiverProcess, monitors: Value) -> (std::path::PathBuf, Lines) {
    let log = scratch.path("app.log");
    let logs = json!([{ "path": log, "copy_from_start": true }]);
    let config = write_config(scratch, &receiver.url(), logs, json!({ "monitors": monitors }));
    (config, Lines::new(&log, 20))
}

fn of_log(receiver: &mut ReceiverProcess) -> Vec<Event> {
    receiver.events().iter().filter(|event| event.logfile.ends_with("/app.log")).cloned().collect()
}

/// Waits until each line of the log has arrived.
#[track_caller]
fn wait_for_log(service: &mut Service<'_>, receiver: &mut ReceiverProcess, written: u64) {
    let what = format!("{written} lines have arrived");
    service.wait_until(&what, PATIENCE, |_| missing_and_repeated(&of_log(receiver), written).missing.is_empty());
}

fn monitor<'v>(status: &'v Value, name: &str) -> &'v Value {
    let monitors = status["monitors"].as_array().unwrap();
    monitors.iter().find(|monitor| monitor["name"] == name).unwrap_or_else(|| panic!("no {name} in {status}"))
}

#[test]
fn status_tells_what_is_wrong_with_each_broken_monitor_and_the_others_work_on() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let entry = |how: &str| json!({ "module": "broken", "id": how, "how": how, "sample_interval": 0.2 });
    let monitors = ["hang", "panic", "fail", "flood", "well"].map(entry);
    let (config, mut lines) = configure(&scratch, &receiver, json!(monitors));
    let mut service = Service::start(&scratch, Some(Duration::from_secs(30)), || command(&config, None));
    service.wait_until("the agent is ready", PATIENCE, |service| service.is_ready);
    lines.append(1000);
    wait_for_log(&mut service, &mut receiver, lines.written());

    let mut last = Value::Null;
    let told_apart = |status: &Value| {
        let (hangs, fails) = (monitor(status, "broken(hang)"), monitor(status, "broken(fail)"));
        hangs["sample_running_secs"].as_f64().is_some_and(|seconds| seconds > 6.0)
            && monitor(status, "broken(panic)")["panics"].as_u64() >= Some(1)
            && monitor(status, "broken(panic)")["state"] == "backing_off"
            && fails["failed_samples"].as_u64() >= Some(3)
            && monitor(status, "broken(flood)")["lines_dropped"].as_u64() >= Some(40_000)
            && monitor(status, "broken(well)")["samples"].as_u64() >= Some(10)
    };
    service.wait_until("each is told apart", PATIENCE, |_| {
        last = status(&config).unwrap_or_default();
        !last.is_null() && told_apart(&last)
    });
    for (name, state) in [("hang", "running"), ("fail", "running"), ("flood", "running"), ("well", "running")] {
        assert_eq!(monitor(&last, &format!("broken({name})"))["state"], state, "{name}");
    }
    let (panics, fails) = (monitor(&last, "broken(panic)"), monitor(&last, "broken(fail)"));
    assert!(panics["last_failure"].as_str().unwrap().contains("the sensor fell off"), "{panics}");
    assert!(panics["restart_in_secs"].as_f64().is_some_and(|seconds| seconds > 0.0), "{panics}");
    assert!(fails["errors"].as_u64() >= Some(3) && fails["panics"] == 0, "{fails}");
    let well = monitor(&last, "broken(well)");
    assert_eq!((&well["errors"], &well["lines_dropped"]), (&json!(0), &json!(0)), "{well}");
    assert_eq!(last["dead_monitors"], 1, "the one that rests after its panic");
    let troubles = last["troubles"].to_string();
    assert!(troubles.contains("1 of 5 monitors should run and do not"), "{troubles}");
    service
        .wait_until("the service manager is told, too", PATIENCE, |service| service.line.contains("1 of 5 monitors"));

    let text = text_status(&config);
    // What is told of one stands on its line and those behind it, as the layout has it.
    let of = |name: &str| {
        let (_, behind) = text.split_once(&format!("broken({name})")).unwrap_or_else(|| panic!("no {name} in {text}"));
        behind.split("broken(").next().unwrap_or(behind).to_owned()
    };
    let (hangs, panics, fails, floods, well) = (of("hang"), of("panic"), of("fail"), of("flood"), of("well"));
    assert!(hangs.contains("its sample has been running for "), "{hangs}");
    assert!(panics.contains("the sensor fell off") && panics.contains(" panics, restarted "), "{panics}");
    assert!(fails.contains(" errors") && !fails.contains(" 0 errors"), "{fails}");
    assert!(floods.contains(" lines dropped"), "{floods}");
    assert!(well.contains(" 0 errors") && !well.contains(" dropped"), "{well}");

    // cli-and-service.md, sharp edge 20
    let threads: Vec<String> = service.process().cpu_of_threads().into_keys().collect();
    assert!(["tail", "agent"].iter().all(|name| threads.iter().any(|thread| thread == name)), "{threads:?}");
    let pid = service.process().id();
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    assert_eq!(children, "", "there is one process");
    assert_eq!((service.starts, service.ends.len()), (1, 0), "a monitor that hangs is no reason for the watchdog");
    assert_eq!(service.stop(PATIENCE), Some(0));
    assert_eq!(service.heard.last().map(String::as_str), Some("STOPPING=1"));
}

fn text_status(config: &Path) -> String {
    let output = agent_command().args(["status", "-v", "-c"]).arg(config).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// A monitor takes the agent with it three times; the service manager starts it again, and what was written meanwhile
/// arrives whole. How the first process ended.
fn survive(how: &str, options: Value, limit: Option<u32>) -> String {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let trigger = scratch.path("trigger");
    let mut entry = json!({ "module": "deadly", "id": "d", "how": how, "trigger": trigger });
    entry.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    let (config, mut lines) = configure(&scratch, &receiver, json!([entry]));
    let mut service = Service::start(&scratch, None, || command(&config, limit));
    for death in 1..=3 {
        service.wait_until("the agent is ready", PATIENCE, |service| service.is_ready);
        lines.append(5000);
        fs::write(&trigger, "").unwrap();
        service.wait_until("the monitor takes the agent with it", PATIENCE, |service| {
            lines.append(10);
            service.ends.len() == death
        });
        // Nobody is there to read these.
        lines.append(1000);
    }
    service.wait_until("it is there again", PATIENCE, |service| service.is_ready && service.starts == 4);
    wait_for_log(&mut service, &mut receiver, lines.written());
    let ends = service.ends.clone();
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:?}");
    assert_eq!(service.stop(PATIENCE), Some(0));
    ends[0].clone()
}

#[test]
fn a_monitor_that_aborts_ends_the_process_and_no_line_is_lost() {
    assert!(survive("abort", json!({}), None).contains("SIGABRT"));
}

#[test]
fn a_monitor_that_takes_all_the_memory_ends_the_process_and_no_line_is_lost() {
    assert!(survive("memory", json!({}), Some(4 << 20)).contains("SIGABRT"));
}

// cli-and-service.md, sharp edge 17
#[test]
fn a_monitor_that_the_agent_stops_with_ends_it_with_1_so_that_it_is_started_again() {
    assert_eq!(survive("fail", json!({ "stop_agent_on_failure": true }), None), "exit status: 1");
}

#[test]
fn an_agent_that_stands_still_is_ended_by_the_watchdog_and_started_again() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let (config, mut lines) = configure(&scratch, &receiver, json!([]));
    let watchdog = Duration::from_secs(10);
    let mut service = Service::start(&scratch, Some(watchdog), || command(&config, None));
    service.wait_until("it is fed", PATIENCE, |service| {
        service.heard.iter().filter(|message| *message == "WATCHDOG=1").count() >= 3
    });
    assert_eq!(service.heard[0], "READY=1", "before anything else");
    assert_eq!(service.starts, 1);
    service.process().signal(Signal::STOP);
    lines.append(1000);
    service.wait_until("it was started again", PATIENCE, |service| service.starts == 2 && service.is_ready);
    assert!(service.ends[0].contains("SIGABRT"), "{:?}", service.ends);
    wait_for_log(&mut service, &mut receiver, lines.written());

    service.heard.clear();
    service.process().signal(Signal::HUP);
    service.wait_until("it was reloaded", PATIENCE, |service| {
        let mut heard = service.heard.iter().filter(|message| *message != "WATCHDOG=1");
        heard.next().is_some_and(|message| message.starts_with("RELOADING=1\nMONOTONIC_USEC="))
            && heard.next().is_some_and(|message| message == "READY=1")
    });
    assert_eq!(unit_value("ExecReload"), "/bin/kill -HUP $MAINPID");
    assert_eq!(service.stop(PATIENCE), Some(0));
    assert_eq!(service.line, "stopping: the last lines are sent");
}
