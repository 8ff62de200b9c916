//! What the Python agent got wrong, told with a whole agent where no smaller test shows it (`log-copying.md` section 15).
#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod story;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use story::{AgentProcess, ReceiverProcess, Scratch, end_well, wait_until, write_config};

const PATIENCE: Duration = Duration::from_secs(120);

fn append(path: &Path, text: &str) {
    OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

/// The messages that came, sorted.
fn messages(receiver: &mut ReceiverProcess) -> Vec<String> {
    let mut messages: Vec<String> =
        receiver.events().iter().map(|event| String::from_utf8_lossy(&event.message).into_owned()).collect();
    messages.sort();
    messages
}

/// The Python agent handed a file over before its rules were attached; with debugging on, that took long enough.
#[test]
fn sharp_edge_11_no_line_leaves_before_the_rules_of_its_file_are_there() {
    const FILES: usize = 100;
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let logs = json!([{
        "path": scratch.path("app*.log"),
        "copy_from_start": true,
        "redaction_rules": [{ "match_expression": "secret", "replacement": "kept" }],
        "sampling_rules": [{ "match_expression": "never", "sampling_rate": 0 }],
    }]);
    let write = |round: usize| {
        for n in 0..FILES {
            append(&scratch.path(&format!("app{round}-{n}.log")), &format!("secret {round} {n}\nnever secret\n"));
        }
    };
    // Files that are there when the agent starts, and files that come while it runs.
    let config = write_config(&scratch, &receiver.url(), logs, json!({ "debug_level": 5 }));
    for start in 0..2 {
        write(2 * start);
        let mut agent = AgentProcess::start(&scratch, &config);
        wait_until("the agent runs", PATIENCE, || agent.status().is_some());
        write(2 * start + 1);
        wait_until("a line of each file", PATIENCE, || receiver.events().len() >= 2 * FILES * (start + 1));
        end_well(&mut agent, PATIENCE);
    }
    let mut expected: Vec<String> =
        (0..4).flat_map(|round| (0..FILES).map(move |n| format!("kept {round} {n}\n"))).collect();
    expected.sort();
    assert_eq!(messages(&mut receiver), expected);
}

/// The Python agent took a CR at the end of what is there for the end of the line.
#[test]
fn sharp_edge_16_a_line_whose_last_byte_is_a_cr_so_far_is_not_complete() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let (log, other) = (scratch.path("app.log"), scratch.path("other.log"));
    let entries = json!([{ "path": log }, { "path": other }]);
    let config = write_config(&scratch, &receiver.url(), entries, json!({ "line_completion_wait_time": 600 }));
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("the agent runs", PATIENCE, || agent.status().is_some());
    append(&log, "first\r\nx\r");
    wait_until("the first line", PATIENCE, || receiver.events().len() == 1);
    // Another file is read later than this one was: had the CR ended its line, that would have come by then.
    for n in 1..=3 {
        append(&other, "y\n");
        wait_until("a line of the other file", PATIENCE, || receiver.events().len() == 1 + n);
    }
    append(&log, "\n");
    wait_until("the rest", PATIENCE, || receiver.events().len() >= 5);
    end_well(&mut agent, PATIENCE);
    assert_eq!(messages(&mut receiver), ["first\r\n", "x\r\n", "y\n", "y\n", "y\n"]);
}

/// The Python agent kept one position for both of them.
#[test]
fn sharp_edge_29_two_workers_that_copy_one_file_have_a_position_each() {
    let scratch = Scratch::new();
    let mut receivers =
        [ReceiverProcess::start(&scratch, "receiver"), ReceiverProcess::start(&scratch, "other-receiver")];
    let log = scratch.path("app.log");
    let entries = json!([{ "path": log }, { "path": log, "worker_id": "eu" }]);
    let workers = json!({ "workers": [{ "id": "eu", "api_key": "another", "server_url": receivers[1].url() }] });
    let config = write_config(&scratch, &receivers[0].url(), entries, workers);
    let mut expected: Vec<String> = Vec::new();
    append(&log, "before anybody looked\n");
    for round in 0..3 {
        let mut agent = AgentProcess::start(&scratch, &config);
        wait_until("the agent follows the file for both", PATIENCE, || {
            agent.status().is_some_and(|status| status["files"].as_array().is_some_and(|files| files.len() == 2))
        });
        append(&log, &format!("{round} a\n{round} b\n"));
        expected.extend([format!("{round} a\n"), format!("{round} b\n")]);
        for receiver in &mut receivers {
            wait_until("each has the lines", PATIENCE, || receiver.events().len() >= expected.len());
        }
        if round == 1 {
            // The second one is stalled: it is behind when the agent is killed, the first one is not.
            receivers[1].freeze();
            append(&log, "late\n");
            expected.push("late\n".to_owned());
            wait_until("the first has it", PATIENCE, || receivers[0].events().len() >= expected.len());
            wait_until("and its position", PATIENCE, || {
                let pending = |file: &serde_json::Value| file["lag_bytes"] != 0;
                agent.status().is_some_and(|status| {
                    status["files"]
                        .as_array()
                        .is_some_and(|files| files.iter().filter(|file| pending(file)).count() == 1)
                })
            });
            agent.kill();
            receivers[1].thaw();
        } else {
            end_well(&mut agent, PATIENCE);
        }
    }
    expected.sort();
    for receiver in &mut receivers {
        let mut came = messages(receiver);
        // Only the three lines whose requests may not have been answered or noted when the agent was killed come again.
        assert!(came.len() <= expected.len() + 3, "{came:?}");
        came.dedup();
        assert_eq!(came, expected);
    }
}

/// An exception while one file was read made the Python agent's turn fail for all files of the session (sharp edge 8 of
/// `wire-protocol.md`).
#[test]
fn sharp_edge_8_a_file_that_cannot_be_read_keeps_no_other_from_being_sent() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    // A directory and a link to nowhere where files are expected, lines whose rule explodes, and lines that are no JSON.
    std::fs::create_dir(scratch.path("folder.log")).unwrap();
    std::os::unix::fs::symlink(scratch.path("nowhere"), scratch.path("link.log")).unwrap();
    let explodes = json!([{ "match_expression": "(?:a|aa)+(?=b)$", "replacement": "x" }]);
    let entries = json!([
        { "path": scratch.path("rule.log"), "redaction_rules": explodes },
        { "path": scratch.path("json.log"), "parse_format": "json" },
        { "path": scratch.path("*.log") },
    ]);
    let config = write_config(&scratch, &receiver.url(), entries, json!({}));
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("the agent runs", PATIENCE, || agent.status().is_some());
    for _ in 0..3 {
        append(&scratch.path("rule.log"), &format!("{}\n", "a".repeat(2_000)));
        append(&scratch.path("json.log"), "{\"log\":\"\\ud800\"}\n");
        append(&scratch.path("good.log"), "good\n");
    }
    let of = |receiver: &mut ReceiverProcess, name: &str| {
        receiver.events().iter().filter(|event| event.logfile.ends_with(name)).count()
    };
    for name in ["good.log", "json.log", "rule.log"] {
        wait_until(&format!("all lines of {name}"), PATIENCE, || of(&mut receiver, name) == 3);
    }
    end_well(&mut agent, PATIENCE);
    assert_eq!(messages(&mut receiver).iter().filter(|message| *message == "good\n").count(), 3);
}
