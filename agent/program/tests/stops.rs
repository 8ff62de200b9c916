//! "It was stopped, or killed, while it was sending. What came twice?"

mod story;

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;
use story::{
    AgentProcess, Event, Lines, ReceiverProcess, Scratch, assert_each_once, assert_repeats_are_numbered_alike,
    end_well, missing_and_repeated, wait_for_lines, wait_until, write_config,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// Tells the writer that it is over.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn clean_stops_and_starts_under_load_and_over_rotations_repeat_nothing() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let log = scratch.path("app.log");
    let more = json!({ "max_allowed_request_size": 200_000 });
    let config = write_config(&scratch, &receiver.url(), json!([{ "path": log }]), more);
    let mut first = AgentProcess::start(&scratch, &config);
    wait_until("the agent runs", PATIENCE, || first.status().is_some());
    assert_eq!(first.stop(PATIENCE), Some(0));
    let enough = AtomicBool::new(false);
    // A writer that pays no heed to the agent's comings and goings.
    let written = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut lines = Lines::new(&log, 100);
            for turn in 1.. {
                if enough.load(Ordering::Relaxed) {
                    break;
                }
                lines.append(100);
                thread::sleep(Duration::from_millis(20));
                if turn % 40 == 0 {
                    story::Rotation::Rename.rotate(&mut lines, 50);
                }
            }
            lines.written()
        });
        // Also when the story fails in the middle.
        let done = Done(&enough);
        for round in 1..=6 {
            let mut agent = AgentProcess::start(&scratch, &config);
            wait_until("the agent runs", PATIENCE, || agent.status().is_some());
            wait_until("lines arrive", PATIENCE, || receiver.events().len() > round * 1_000);
            assert_eq!(agent.stop(PATIENCE), Some(0));
        }
        drop(done);
        writer.join().unwrap()
    });
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_for_lines(&mut receiver, written, PATIENCE);
    assert_each_once(receiver.events(), written);
    end_well(&mut agent, PATIENCE);
}

/// An agent whose server takes a request and does not answer it, and the lines of that request.
fn an_agent_with_a_request_in_flight() -> (Scratch, ReceiverProcess, AgentProcess, std::path::PathBuf, Lines, Vec<Event>)
{
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let log = scratch.path("app.log");
    let more = json!({ "max_allowed_request_size": 50_000 });
    let config = write_config(&scratch, &receiver.url(), json!([{ "path": log }]), more);
    let agent = AgentProcess::start(&scratch, &config);
    wait_until("the agent runs", PATIENCE, || agent.status().is_some());
    let mut lines = Lines::new(&log, 100);
    lines.append(10);
    wait_for_lines(&mut receiver, 10, PATIENCE);
    wait_until("they are acknowledged", PATIENCE, || {
        agent.status().is_some_and(|status| status["totals"]["pending"] == 0)
    });
    receiver.set_faults("late:1m");
    // Several requests full: one is taken and not answered, the others wait behind it.
    lines.append(3_000);
    wait_until("a request is taken", PATIENCE, || receiver.summary()["events"].as_u64() > Some(10));
    receiver.set_faults("");
    let in_flight = receiver.events()[10..].to_vec();
    (scratch, receiver, agent, config, lines, in_flight)
}

/// What came twice is what was in flight, all of it, under the same numbers.
#[track_caller]
fn assert_only_these_came_again(events: &[Event], written: u64, in_flight: &[Event]) {
    let tally = missing_and_repeated(events, written);
    assert!(tally.missing.is_empty() && tally.damaged.is_empty(), "of {written} lines, {tally}");
    let expected = missing_and_repeated(&[in_flight, in_flight].concat(), written).repeated;
    assert_eq!(tally.repeated, expected, "what came again is the request that was in flight");
    assert_repeats_are_numbered_alike(events);
}

#[test]
fn a_kill_repeats_the_request_in_flight_and_nothing_else() {
    let (scratch, mut receiver, mut agent, config, mut lines, in_flight) = an_agent_with_a_request_in_flight();
    agent.kill();
    lines.append(10);
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_for_lines(&mut receiver, lines.written(), PATIENCE);
    end_well(&mut agent, PATIENCE);
    assert_only_these_came_again(receiver.events(), lines.written(), &in_flight);
}

#[test]
fn a_clean_stop_that_the_server_does_not_answer_repeats_the_request_in_flight_and_the_log_says_so() {
    let (scratch, mut receiver, mut agent, config, mut lines, in_flight) = an_agent_with_a_request_in_flight();
    assert_eq!(agent.stop(PATIENCE), Some(0));
    let agent_log = fs::read_to_string(scratch.path("log/agent.log")).unwrap();
    let told = |line: &str| line.contains("again") || line.contains("not answered") || line.contains("unanswered");
    assert!(agent_log.lines().any(told), "the log says that what was in flight will be sent again:\n{agent_log}");
    lines.append(10);
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_for_lines(&mut receiver, lines.written(), PATIENCE);
    end_well(&mut agent, PATIENCE);
    assert_only_these_came_again(receiver.events(), lines.written(), &in_flight);
}
