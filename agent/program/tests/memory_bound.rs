//! "How much memory will it take when the server is slow, or takes only small requests?" What status prints, at most.

mod story;

use std::time::Duration;

use serde_json::{Value, json};
use story::{
    AgentProcess, Event, Lines, ReceiverProcess, Scratch, assert_each_once, end_well, say, wait_until, write_config,
};

const PATIENCE: Duration = Duration::from_secs(180);
/// Bytes of each line, with its end.
const LINE: u64 = 1000;
/// More than two requests of each session, and its channel, hold.
const LINES_IN_EACH: u64 = 7_500;
/// Two full requests of each session hold about so many bytes of lines; the rest of them is what belongs to each event.
const MOST_HELD: u64 = 4 * 5_900_000 / 1_080 * LINE + 200_000;
const NAMES: [&str; 4] = ["one.log", "two.log", "three.log", "four.log"];

#[test]
fn memory_stays_within_the_bound_that_status_prints() {
    stays_within_the_bound("deflate");
}

#[test]
fn memory_stays_within_the_bound_that_status_prints_without_compression() {
    stays_within_the_bound("none");
}

/// Everything that uploading may hold is filled while the server stalls; then it finds the requests too large.
fn stays_within_the_bound(compression: &str) {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let mut files = NAMES.map(|name| Lines::new(&scratch.path(name), LINE as usize - 16));
    let logs: Vec<Value> = files.iter().map(|lines| json!({ "path": lines.path() })).collect();
    let more = json!({
        "default_sessions_per_worker": 2,
        "compression_type": compression,
        "request_deadline": 10,
        "max_error_request_spacing_interval": 1,
    });
    let config = write_config(&scratch, &receiver.url(), json!(logs), more);
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("the agent runs", PATIENCE, || agent.status().is_some());
    files.iter_mut().for_each(|lines| lines.append(1));
    wait_until("the first lines have arrived", PATIENCE, || receiver.events().len() >= NAMES.len());
    // Rather too late than too early: so what follows counts.
    let idle = agent.rss_kib();

    // While the first request of each session is answered, the next one gets full; while that stalls, another one.
    receiver.set_faults("2*delay:5s,stall");
    files.iter_mut().for_each(|lines| lines.append(LINES_IN_EACH));
    let mut held = 0;
    wait_until("all is filled that may be held", PATIENCE, || {
        held = pending(&agent);
        held >= MOST_HELD
    });

    receiver.set_faults("too-large:300000");
    wait_until("small requests arrive", PATIENCE, || receiver.events().len() as u64 > LINES_IN_EACH);
    let status = agent.status().expect("the agent answers");
    let split = |session: &Value| session["requests_split"].as_u64();
    let sessions = status["sessions"].as_array().expect("a list of sessions");
    assert_eq!(sessions.len(), 2, "{status}");
    assert!(sessions.iter().any(|session| split(session) > Some(0)), "{status}");
    receiver.set_faults("ok");
    let all = files.iter().map(Lines::written).sum::<u64>();
    wait_until("all lines have arrived", PATIENCE, || receiver.events().len() as u64 >= all);

    let (most, bound) = (agent.process().peak_rss_kib(), status["memory_bound"]["total"].as_u64().expect("a number"));
    let grown = (most - idle) * 1024;
    say(&format!("{compression}: {idle} KiB when idle, {grown} bytes more at most, {held} held; the bound is {bound}"));
    assert!(grown <= bound, "{grown} bytes, though status prints {bound}: {}", status["memory_bound"]);
    for (name, lines) in NAMES.iter().zip(&files) {
        let events: Vec<Event> =
            receiver.events().iter().filter(|event| event.logfile.ends_with(name)).cloned().collect();
        assert_each_once(&events, lines.written());
    }
    end_well(&mut agent, PATIENCE);
}

fn pending(agent: &AgentProcess) -> u64 {
    agent.status().and_then(|status| status["totals"]["pending"].as_u64()).unwrap_or_default()
}
