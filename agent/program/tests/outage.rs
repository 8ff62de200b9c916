//! "The server was away. What happened to my logs, and to the memory of the host?"

#![expect(clippy::print_stderr, reason = "a test prints for the person who reads its failure")]

mod story;

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use story::{
    AgentProcess, Lines, ReceiverProcess, Scratch, assert_each_once, assert_reconciles, missing_and_repeated,
    wait_for_lines, wait_until, write_config,
};

const PATIENCE: Duration = Duration::from_secs(180);

#[test]
fn after_twenty_seconds_of_refusal_all_lines_arrive_in_order() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let (first, second) = (scratch.path("first.log"), scratch.path("second.log"));
    let logs = json!([{ "path": first }, { "path": second }]);
    let config = write_config(&scratch, &receiver.url(), logs, json!({}));
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("the agent runs", PATIENCE, || agent.status().is_some());
    let (mut first, mut second) = (Lines::new(&first, 20), Lines::new(&second, 20));
    first.append(100);
    second.append(100);
    wait_until("the first lines have arrived", PATIENCE, || receiver.events().len() >= 200);

    receiver.kill();
    for _ in 0..20 {
        first.append(500);
        second.append(500);
        thread::sleep(Duration::from_secs(1));
    }
    let status = agent.status().expect("the agent answers during an outage");
    let failed = &status["sessions"][0];
    assert!(failed.to_string().contains("refused"), "the cause is told: {failed}");
    receiver.restart(&scratch, &[]);

    let total = first.written();
    let of = |events: &[story::Event], name: &str| -> Vec<story::Event> {
        events.iter().filter(|event| event.logfile.ends_with(name)).cloned().collect()
    };
    wait_until("all lines have arrived", PATIENCE, || {
        let events = receiver.events();
        ["first.log", "second.log"].iter().all(|name| missing_and_repeated(&of(events, name), total).missing.is_empty())
    });
    for name in ["first.log", "second.log"] {
        assert_each_once(&of(receiver.events(), name), total);
    }
    assert_reconciles(&agent.status().unwrap());
    assert_eq!(agent.stop(PATIENCE), Some(0));
}

#[test]
fn a_stalled_server_costs_no_memory_and_the_agent_goes_on_by_itself() {
    const MEGABYTES: u64 = 200;
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let log = scratch.path("app.log");
    let logs = json!([{ "path": log }]);
    let config = write_config(&scratch, &receiver.url(), logs, json!({ "request_deadline": 10 }));
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("the agent runs", PATIENCE, || agent.status().is_some());
    // 1,000 bytes a line.
    let mut lines = Lines::new(&log, 984);
    lines.append(10);
    wait_until("the first lines have arrived", PATIENCE, || receiver.events().len() >= 10);

    receiver.freeze();
    // Everything that may be held is filled: the request under way, the next one, the channel.
    lines.append(20_000);
    wait_until("reading has come to a stop", PATIENCE, || stands_still(&agent));
    let before = agent.rss_kib();
    for _ in 0..20 {
        lines.append(MEGABYTES * 1_000 / 20);
        thread::sleep(Duration::from_millis(500));
    }
    let after = agent.rss_kib();
    eprintln!("resident memory {before} KiB, {after} KiB after {MEGABYTES} MB more were written");
    assert!(after <= before + 2 * 1024, "{before} KiB grew to {after} KiB");

    receiver.thaw();
    let total = lines.written();
    wait_for_lines(&mut receiver, total, PATIENCE);
    let tally = missing_and_repeated(receiver.events(), total);
    // The request that was under way when the server froze may have been given up by the agent and taken by the server.
    let most_in_flight = 5_900_000 / 1_000 + 1;
    assert!(tally.damaged.is_empty() && tally.out_of_order.is_empty(), "of {total} lines, {tally}");
    assert!(tally.repeated.len() <= most_in_flight, "of {total} lines, {tally}");
    wait_until("everything is acknowledged", PATIENCE, || pending(&agent) == Some(0));
    assert_reconciles(&agent.status().unwrap());
    assert_eq!(agent.stop(PATIENCE), Some(0));
}

fn pending(agent: &AgentProcess) -> Option<u64> {
    agent.status()?["totals"]["pending"].as_u64()
}

/// Whether nothing is read any more, over two seconds.
fn stands_still(agent: &AgentProcess) -> bool {
    let read = |status: Option<Value>| status?["totals"]["read"].as_u64();
    let before = read(agent.status());
    thread::sleep(Duration::from_secs(2));
    before.is_some() && before == read(agent.status())
}
