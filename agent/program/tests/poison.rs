//! "There is something in one line that the server will not take. What else do I lose?" Nothing (`wire-protocol.md`
//! section 9: it says no more than `badParam`, as it does of a wrong key).

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod story;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use story::{
    AgentProcess, Event, Lines, ReceiverProcess, Scratch, assert_each_once, end_well, say, wait_until, write_config,
};

const PATIENCE: Duration = Duration::from_secs(180);
/// All together.
const EVENTS: u64 = 100_000;
/// The largest requests that the service takes.
const REQUEST: u64 = 5_900_000;
/// What one such event may cost: a request is halved some 17 times, each time one half is refused and the other one
/// accepted; two probes, and the event itself once more. Some more where the reading is slower than the sending: then
/// requests are not full.
const MOST_PER_EVENT: u64 = 60;

/// Appends an event that the server refuses; where in the file it stands.
fn poison(path: &Path, text: &str) -> (u64, u64) {
    let begin = fs::metadata(path).map_or(0, |file| file.len());
    OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    (begin, begin + text.len() as u64)
}

fn of(receiver: &mut ReceiverProcess, name: &str) -> Vec<Event> {
    receiver.events().iter().filter(|event| event.logfile.ends_with(name)).cloned().collect()
}

/// A receiver that refuses such events. It is slow at first, so that what follows the first request fills full ones.
fn strict_receiver(scratch: &Scratch) -> ReceiverProcess {
    ReceiverProcess::start_with(scratch, "receiver", &["--fault", "1*delay:3s+poison:POISON,poison:POISON"])
}

/// Requests beyond those that the same events would have needed, at the most.
fn extra_requests(status: &Value, receiver: &ReceiverProcess) -> u64 {
    let session = &status["sessions"][0];
    let sent = session["requests_sent"].as_u64().unwrap() + session["probes_sent"].as_u64().unwrap();
    assert_eq!(session["requests_resent"], 0, "{session}");
    // The first one is smaller than the others, and the last one.
    sent - (receiver.summary()["body_bytes"].as_u64().unwrap() / REQUEST).min(sent)
}

/// The lines of the agent log about events that were dropped.
fn told(scratch: &Scratch) -> Vec<String> {
    let log = fs::read_to_string(scratch.path("log/agent.log")).unwrap();
    log.lines().filter(|line| line.contains("Dropped")).map(str::to_owned).collect()
}

#[test]
fn one_poisoned_line_in_a_hundred_thousand_costs_that_line_alone() {
    let scratch = Scratch::new();
    let mut receiver = strict_receiver(&scratch);
    let log = scratch.path("app.log");
    let mut lines = Lines::new(&log, 20);
    lines.append(62_345);
    let (begin, end) = poison(&log, "a POISONED line\n");
    lines.append(EVENTS - 1 - lines.written());
    let logs = json!([{ "path": log, "copy_from_start": true }]);
    let config = write_config(&scratch, &receiver.url(), logs, json!({ "max_allowed_request_size": REQUEST }));
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("all others have arrived", PATIENCE, || receiver.events().len() as u64 >= EVENTS - 1);
    let status = end_well(&mut agent, PATIENCE);
    assert_eq!(receiver.events().len() as u64, EVENTS - 1);
    assert_each_once(receiver.events(), EVENTS - 1);

    let size = fs::metadata(&log).unwrap().len();
    let totals = &status["totals"];
    assert_eq!(totals["dropped"], json!({ "refused": { "bytes": end - begin, "lines": 1 } }));
    assert_eq!(totals["accepted"], json!({ "bytes": size - (end - begin), "lines": EVENTS - 1 }));
    assert_eq!((&totals["read"], &totals["skipped"]), (&json!(size), &json!({})));
    let session = &status["sessions"][0];
    assert_eq!((&session["events_refused"], &session["state"]), (&json!(1), &json!("ok")), "{session}");
    let told = told(&scratch);
    let place = format!("Dropped 1 event that {} refuses", receiver.url());
    assert!(told.len() == 1 && told[0].contains(&place), "{told:?}");
    assert!(told[0].contains(&format!("{}, bytes {begin} to {end}; ", log.display())), "{told:?}");
    let extra = extra_requests(&status, &receiver);
    say(&format!("{extra} requests more than without it"));
    assert!(extra <= MOST_PER_EVENT, "{extra} requests: {session}");
}

#[test]
fn a_poisoned_line_and_a_poisoned_group_in_two_files_cost_nothing_but_themselves() {
    let scratch = Scratch::new();
    let mut receiver = strict_receiver(&scratch);
    let (app, web) = (scratch.path("app.log"), scratch.path("web.log"));
    let (mut of_app, mut of_web) = (Lines::new(&app, 20), Lines::new(&web, 20));
    of_app.append(30_000);
    let (group_begin, group_end) = poison(&app, "Exception: a\n  at POISON\n  at c\n");
    of_app.append(EVENTS / 2 - 1 - of_app.written());
    of_web.append(7);
    let (line_begin, line_end) = poison(&web, "POISON\n");
    of_web.append(EVENTS / 2 - 1 - of_web.written());
    let groups = json!([{ "start": "^Exception", "continueThrough": "^\\s+at" }]);
    let logs = json!([
        { "path": app, "copy_from_start": true, "lineGroupers": groups },
        { "path": web, "copy_from_start": true },
    ]);
    let config = write_config(&scratch, &receiver.url(), logs, json!({ "max_allowed_request_size": REQUEST }));
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("all others have arrived", PATIENCE, || receiver.events().len() as u64 >= EVENTS - 2);
    let status = end_well(&mut agent, PATIENCE);
    assert_eq!(receiver.events().len() as u64, EVENTS - 2);
    for (name, lines) in [("app.log", &of_app), ("web.log", &of_web)] {
        assert_each_once(&of(&mut receiver, name), lines.written());
    }

    for file in status["files"].as_array().unwrap() {
        let is_app = file["path"].as_str().unwrap().ends_with("app.log");
        // A group is one event.
        let bytes = if is_app { group_end - group_begin } else { line_end - line_begin };
        assert_eq!(file["dropped"], json!({ "refused": { "bytes": bytes, "lines": 1 } }), "{file}");
        assert_eq!(file["accepted"]["lines"], EVENTS / 2 - 1, "{file}");
    }
    assert_eq!(status["sessions"][0]["events_refused"], 2);
    // The second one is told of when the agent stops: at most one such line a minute.
    let told = told(&scratch);
    assert_eq!(told.len(), 2, "{told:?}");
    for (path, begin, end) in [(&app, group_begin, group_end), (&web, line_begin, line_end)] {
        let place = format!(" of {}, bytes {begin} to {end}; ", path.display());
        assert_eq!(told.iter().filter(|line| line.contains(&place)).count(), 1, "{told:?}");
    }
    let extra = extra_requests(&status, &receiver);
    say(&format!("{extra} requests more than without them"));
    assert!(extra <= 2 * MOST_PER_EVENT, "{extra} requests");
}
