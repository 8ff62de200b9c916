//! "The agent was killed, again and again, while the log was being written and rotated. Which lines did I lose?"

#![expect(clippy::print_stderr, reason = "a test prints for the person who reads its failure")]

mod story;

use std::thread;
use std::time::Duration;

use rand::RngExt;
use serde_json::json;
use story::{
    AgentProcess, Lines, ReceiverProcess, Scratch, assert_reconciles, missing_and_repeated, number_from_environment,
    seeded_rng, wait_until, write_config,
};

/// So many, or as many as `STORY_KILLS` says.
const KILLS: u64 = 50;
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn fifty_kills_over_a_growing_and_rotating_file_lose_no_line_and_repeat_only_what_was_in_flight() {
    let scratch = Scratch::new();
    let mut chance = seeded_rng();
    let kills = number_from_environment("STORY_KILLS", KILLS);
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let log = scratch.path("app.log");
    // Also matched by a glob that takes the rotated files in; and nothing is there before the first start.
    let logs = json!([{ "path": log }, { "path": scratch.path("*.log*") }]);
    // Small requests, so that several of them lie between two kills.
    let config = write_config(&scratch, &receiver.url(), logs, json!({ "max_allowed_request_size": 50_000 }));
    let mut first = AgentProcess::start(&scratch, &config);
    wait_until("the agent runs", PATIENCE, || first.status().is_some());
    first.kill();
    let mut lines = Lines::new(&log, 60);
    for _ in 0..kills {
        let mut agent = AgentProcess::start(&scratch, &config);
        for _ in 0..chance.random_range(1..8) {
            lines.append(chance.random_range(1..4_000));
            thread::sleep(Duration::from_millis(chance.random_range(0..60)));
            if chance.random_bool(0.1) {
                lines.rotate();
            }
        }
        thread::sleep(Duration::from_millis(chance.random_range(0..150)));
        agent.kill();
        // The log goes on while no agent runs, and may be rotated then.
        lines.append(chance.random_range(0..500));
        if chance.random_bool(0.2) {
            lines.rotate();
            lines.append(chance.random_range(0..500));
        }
    }
    let mut agent = AgentProcess::start(&scratch, &config);
    let written = lines.written();
    // Each kill leaves a backlog of half a megabyte.
    wait_until("every line has arrived", PATIENCE + Duration::from_secs(3 * kills), || {
        missing_and_repeated(receiver.events(), written).missing.is_empty()
    });
    wait_until("everything is acknowledged", PATIENCE, || {
        agent.status().is_some_and(|status| status["totals"]["pending"] == 0)
    });
    assert_reconciles(&agent.status().unwrap());
    assert_eq!(agent.stop(PATIENCE), Some(0));

    let events = receiver.events();
    let tally = missing_and_repeated(events, written);
    assert!(tally.missing.is_empty() && tally.damaged.is_empty(), "of {written} lines, {tally}");
    // A request holds at most 50,000 bytes, an event of these lines at least 125 of them; each kill can meet one.
    let most_in_flight = kills * 400;
    let repeats: u64 = tally.repeated.values().map(|times| u64::from(times - 1)).sum();
    eprintln!("{written} lines, {kills} kills, {repeats} repeated (at most {most_in_flight} can have been in flight)");
    assert!(repeats <= most_in_flight, "{repeats} lines came again");
    // What is repeated carries the same sequence and number, so that the server can tell.
    let mut numbered: Vec<_> = events.iter().map(|event| (event.text(), &event.si, event.sn)).collect();
    numbered.sort();
    for pair in numbered.windows(2) {
        if pair[0].0 == pair[1].0 {
            assert_eq!(pair[0], pair[1]);
        }
    }
}
