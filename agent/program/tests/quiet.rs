//! "Little is written. Does it leave at once, and does the agent leave the server in peace?"

mod story;

use std::thread;
use std::time::Duration;

use serde_json::json;
use story::{
    AgentProcess, Lines, ReceiverProcess, Scratch, assert_each_once, end_well, now, say, wait_for_lines, wait_until,
    write_config,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// The most requests in a second while little data flows.
const MOST_PER_SECOND: f64 = 4.0;

#[test]
fn the_first_line_of_a_quiet_file_leaves_by_itself_and_a_trickle_makes_at_most_four_requests_a_second() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let log = scratch.path("app.log");
    let config = write_config(&scratch, &receiver.url(), json!([{ "path": log }]), json!({}));
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("the agent runs", PATIENCE, || agent.status().is_some());
    let mut lines = Lines::new(&log, 40);
    for _ in 0..3 {
        let requests = receiver.summary()["requests"].as_u64().unwrap();
        let begin = now();
        lines.append(1);
        wait_for_lines(&mut receiver, lines.written(), PATIENCE);
        say(&format!("a line after quiet was seen at the receiver after {:.0?}", begin.elapsed()));
        let made = receiver.summary()["requests"].as_u64().unwrap() - requests;
        assert_eq!(made, 1, "one line, one request: it waits for no other");
        thread::sleep(Duration::from_secs(2));
    }

    let (begin, before) = (now(), receiver.summary()["requests"].as_u64().unwrap());
    while begin.elapsed() < Duration::from_secs(8) {
        lines.append(1);
        thread::sleep(Duration::from_millis(20));
    }
    let requests = receiver.summary()["requests"].as_u64().unwrap() - before;
    let seconds = begin.elapsed().as_secs_f64();
    say(&format!("fifty lines a second made {:.1} requests a second", requests as f64 / seconds));
    // One more, since the first of them leaves at once.
    let most = MOST_PER_SECOND * seconds + 1.0;
    assert!(requests > 0 && requests as f64 <= most, "{requests} requests in {seconds:.1} s, at most {most:.0}");
    wait_for_lines(&mut receiver, lines.written(), PATIENCE);
    assert_each_once(receiver.events(), lines.written());
    end_well(&mut agent, PATIENCE);
}
