//! "It may send so much a second." Does it keep to that, and does nobody wait for it who stops or reloads the agent?

mod story;

use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use story::{
    AgentProcess, Lines, ReceiverProcess, Scratch, assert_each_once, end_well, now, say, wait_for_lines, wait_until,
    write_config,
};

const PATIENCE: Duration = Duration::from_secs(90);

fn config(scratch: &Scratch, receiver: &ReceiverProcess, log: &Path, rate: &str) -> std::path::PathBuf {
    let logs = json!([{ "path": log, "copy_from_start": true }]);
    let extra = json!({ "max_send_rate_enforcement": rate, "config_change_check_interval": 3600 });
    write_config(scratch, &receiver.url(), logs, extra)
}

/// Whether the first session waits because of the limit.
fn waits(status: &Value) -> bool {
    status["sessions"][0]["rate_pause_seconds"].is_f64()
}

#[test]
fn a_backlog_takes_at_least_as_long_as_the_rate_says() {
    const RATE: u64 = 200_000;
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let log = scratch.path("app.log");
    let mut lines = Lines::new(&log, 120);
    lines.append(14_000);
    let size = std::fs::metadata(&log).unwrap().len();
    let config = config(&scratch, &receiver, &log, &format!("{RATE} B/s"));
    let begin = now();
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_for_lines(&mut receiver, lines.written(), PATIENCE);
    let took = begin.elapsed();
    // What is counted are the lines; four seconds' worth may leave at once.
    let least = Duration::from_millis((size - 4 * RATE) * 1000 / RATE);
    say(&format!("{size} bytes at {RATE} bytes per second took {took:.1?}, at least {least:.1?}"));
    assert!(took >= least, "{size} bytes in {took:?}");
    assert!(receiver.summary()["requests"].as_u64().unwrap() > 2, "requests are small enough for the rate to hold");
    // What follows a backlog leaves as soon as it may.
    lines.append(1);
    wait_for_lines(&mut receiver, lines.written(), PATIENCE);
    assert_each_once(receiver.events(), lines.written());
    end_well(&mut agent, PATIENCE);
}

/// `wire-protocol.md`, sharp edge 12: the Python agent slept for 94 seconds through this.
#[test]
fn a_stop_and_a_reload_wait_for_no_limit_and_lose_nothing() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let log = scratch.path("app.log");
    let mut lines = Lines::new(&log, 60);
    lines.append(30_000);
    let slow = config(&scratch, &receiver, &log, "1 KB/s");
    let mut agent = AgentProcess::start(&scratch, &slow);
    wait_until("it waits because of the limit", PATIENCE, || agent.status().is_some_and(|status| waits(&status)));
    let begin = now();
    assert_eq!(agent.stop(PATIENCE), Some(0));
    say(&format!("the stop took {:.1?}", begin.elapsed()));
    let arrived = receiver.events().len() as u64;
    assert!(arrived < lines.written() / 2, "the limit holds while it stops, too: {arrived} lines");

    // The next one goes on where it was, still slowly, until the limit is lifted.
    let mut agent = AgentProcess::start(&scratch, &slow);
    wait_until("it waits again", PATIENCE, || agent.status().is_some_and(|status| waits(&status)));
    config(&scratch, &receiver, &log, "unlimited");
    agent.process().signal(Signal::HUP);
    wait_for_lines(&mut receiver, lines.written(), PATIENCE);
    assert_each_once(receiver.events(), lines.written());
    end_well(&mut agent, PATIENCE);
}
