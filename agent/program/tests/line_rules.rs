//! "Each of my logs has rules of its own, and the agent was stopped and killed in between. Did every line arrive as the
//! rules say, and did any secret leave the host?"

mod story;

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use rand::RngExt;
use rustix::process::Signal;
use serde_json::json;
use story::{
    AgentProcess, Event, ReceiverProcess, Scratch, assert_repeats_are_numbered_alike, end_well, seeded_rng, wait_until,
    write_config,
};

const PATIENCE: Duration = Duration::from_secs(120);
const ROUNDS: usize = 9;
const T: &str = "2026-01-31T12:00:00.123456789Z";
/// Of the search that the failing rule gives up.
const WITHHELD: &str = "[201 bytes withheld: redaction_rules[2] of ";

/// A log: what is written to it, and what is to arrive.
struct Log {
    path: PathBuf,
    expected: Vec<String>,
    /// What of the last record is not written yet.
    rest: Vec<u8>,
}

impl Log {
    /// Writes the rest of the last record, and of this one all but a few bytes.
    fn write(&mut self, record: &str, expected: &[String], keep: usize) {
        self.rest.extend_from_slice(record.as_bytes());
        let end = self.rest.len() - keep.min(record.len());
        let written: Vec<u8> = self.rest.drain(..end).collect();
        let mut file = OpenOptions::new().append(true).open(&self.path).expect("the story made it");
        file.write_all(&written).expect("a few bytes have room");
        self.expected.extend_from_slice(expected);
    }
}

/// A record of a log, and what is to arrive of it.
fn record(log: &str, number: usize) -> (String, Vec<String>) {
    match log {
        "json" if number % 10 == 9 => (format!("no json {number}\n"), vec![format!("no json {number}\n")]),
        "json" => (
            format!("{{\"log\":\"json \\u00e9 {number}\\n\",\"time\":\"{T}\",\"pod\":\"p\"}}\n"),
            vec![format!("json é {number}\n")],
        ),
        "cri" => (
            format!("{T} stdout P cri {number} \n{T} stderr F err {number}\n{T} stdout P of \n{T} stdout F parts\n"),
            vec![format!("err {number}\n"), format!("cri {number} of parts\n")],
        ),
        "groups" => (
            format!("group {number}\n  at {number}\n  at last\n"),
            vec![format!("group {number}\n  at {number}\n  at last\n")],
        ),
        "sampled" => (format!("debug {number}\nnoise\nkeep {number}\n"), vec![format!("keep {number}\n")]),
        "redacted" if number % 10 == 9 => (format!("{}\n", "a".repeat(200)), vec![]),
        "redacted" => (
            format!("{number} password=hidden{number} user=bob\n"),
            vec![format!("{number} password=*** user=226ff5109bd130a56bf811461137d7c7\n")],
        ),
        _ => unreachable!("{log} is no log of this story"),
    }
}

#[test]
fn sharp_edges_11_12_18_and_30_five_logs_with_rules_of_all_sorts_arrive_as_these_say_whatever_ends_the_agent() {
    let scratch = Scratch::new();
    let mut chance = seeded_rng();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let path = |name: &str| scratch.path(&format!("{name}.log"));
    let logs = json!([
        { "path": path("json"), "copy_from_start": true, "parse_format": "json" },
        { "path": path("cri"), "copy_from_start": true, "parse_format": "cri" },
        { "path": path("groups"), "copy_from_start": true,
          "lineGroupers": [{ "start": "^\\S", "continueThrough": "^\\s" }] },
        { "path": path("sampled"), "copy_from_start": true, "sampling_rules": [
            { "match_expression": "^noise", "sampling_rate": 0 }, { "match_expression": "^debug", "sampling_rate": 0.5 }] },
        { "path": path("redacted"), "copy_from_start": true, "redaction_rules": [
            { "match_expression": "password=\\S+", "replacement": "password=***" },
            { "match_expression": "user=(\\w+)", "replacement": "user=\\H1", "hash_salt": "salt!" },
            { "match_expression": "^(a|aa)+$\\1b", "replacement": "" }] },
    ]);
    let mut files: BTreeMap<&str, Log> = ["json", "cri", "groups", "sampled", "redacted"]
        .map(|name| {
            fs::write(path(name), "").unwrap();
            (name, Log { path: path(name), expected: Vec::new(), rest: Vec::new() })
        })
        .into();
    // What has no end yet waits, however slow the machine is.
    let extra = json!({ "line_completion_wait_time": 3600, "max_allowed_request_size": 5000 });
    let config = write_config(&scratch, &receiver.url(), logs, extra);
    let mut agent = AgentProcess::start(&scratch, &config);
    let mut number = 0;
    let mut has_killed = false;
    for round in 0..ROUNDS {
        for _ in 0..chance.random_range(20..60) {
            for (name, log) in &mut files {
                let (record, expected) = record(name, number);
                log.write(&record, &expected, chance.random_range(0..30));
            }
            number += 1;
        }
        match round % 3 {
            0 => {
                agent.kill();
                has_killed = true;
            }
            1 => assert_eq!(agent.stop(PATIENCE), Some(0)),
            _ => {
                wait_until("the agent runs", PATIENCE, || agent.status().is_some());
                agent.process().signal(Signal::HUP);
                thread::sleep(Duration::from_millis(chance.random_range(0..300)));
                continue;
            }
        }
        agent = AgentProcess::start(&scratch, &config);
        thread::sleep(Duration::from_millis(chance.random_range(0..600)));
    }
    for log in files.values_mut() {
        log.write("", &[], 0);
    }
    // Ends the last group; it stays open itself.
    files.get_mut("groups").unwrap().write("end\n", &[], 0);
    // What rules cannot do is told by this run, too.
    files.get_mut("json").unwrap().write("no json at last\n", &["no json at last\n".to_owned()], 0);
    files.get_mut("redacted").unwrap().write(&record("redacted", 9).0, &[], 0);

    assert!(has_killed);
    wait_until("everything has arrived", PATIENCE, || {
        let arrived: HashSet<String> = receiver.events().iter().map(message).collect();
        files.values().all(|log| log.expected.iter().all(|line| arrived.contains(line)))
    });
    let status = end_well(&mut agent, PATIENCE);
    let (repeated, withheld): (Vec<Event>, Vec<Event>) =
        receiver.events().iter().cloned().partition(|event| !message(event).contains("bytes withheld"));
    assert_repeats_are_numbered_alike(&repeated);
    let of_rules = |name: &str| status["totals"][name].as_u64().unwrap();
    assert!(of_rules("failed_rules") > 0 && of_rules("unparsed_lines") > 0, "{status}");
    let mut numbers = HashSet::new();
    for event in &withheld {
        assert!(message(event).starts_with(WITHHELD), "{}", event.text());
        numbers.insert((event.si.clone(), event.sn));
    }
    assert_eq!(numbers.len(), 1 + (0..number).filter(|number| number % 10 == 9).count(), "a marker for each failure");
    for (name, log) in &files {
        let mut known = HashSet::new();
        let arrived: Vec<String> = (repeated.iter())
            .filter(|event| event.logfile == log.path.display().to_string())
            .map(message)
            .filter(|line| known.insert(line.clone()))
            .collect();
        let (debug, arrived): (Vec<String>, Vec<String>) =
            arrived.into_iter().partition(|line| line.starts_with("debug"));
        assert_eq!(&arrived, &log.expected, "{name}");
        assert_eq!(!debug.is_empty(), *name == "sampled", "{name}: {debug:?}");
        assert!(debug.len() < number, "half of {number}: {}", debug.len());
    }
    let all: String = receiver.events().iter().map(message).collect();
    let log = fs::read_to_string(scratch.path("log/agent.log")).unwrap();
    for told in [&all, &log, &status.to_string()] {
        assert!(!told.contains("hidden") && !told.contains("salt!") && !told.contains(&"a".repeat(50)));
    }
    // Told of each entry, in every run that met such a line.
    assert!(log.contains("sampling or redaction rules failed at this many of its lines"), "{log}");
    assert!(log.contains("lines that are not in the format that it says (parse_format)"), "{log}");
}

fn message(event: &Event) -> String {
    String::from_utf8_lossy(&event.message).into_owned()
}
