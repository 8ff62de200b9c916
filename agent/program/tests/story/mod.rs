//! What stories about whole processes are told with: a real agent, a real receiver, real files.
//!
//! A story file begins with `mod story;`. Its pattern: a [`Scratch`], a [`ReceiverProcess`], a configuration by
//! [`write_config`], an [`AgentProcess`], [`Lines`] that grow; then [`wait_until`] something holds, and
//! [`assert_each_once`]. Nothing here sleeps for a fixed time and hopes.
#![allow(dead_code, reason = "each story uses its own part of this")]
#![allow(clippy::print_stderr, reason = "a test prints for the person who reads its failure")]
#![allow(clippy::unwrap_used, reason = "a test may end where it stands")]

mod background;
mod events;
mod lines;
mod nginx;
mod process;
mod rotation;
mod scratch;
mod service;
mod small_disk;

use std::env;
use std::thread;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;

#[allow(unused_imports, reason = "each story uses its own part of this")]
pub(crate) use self::{
    background::{Background, Ran, agent, run},
    events::{Event, EventReader, read_events},
    lines::{Lines, Tally, assert_each_once, missing_and_repeated},
    nginx::{Nginx, free_port},
    process::{AgentProcess, Process, ReceiverProcess, agent_command, status},
    rotation::Rotation,
    scratch::{API_KEY, Scratch, write_config},
    service::{Service, UNIT, unit_arguments, unit_value},
    small_disk::SmallDisk,
};

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(20);

/// Waits until `holds`, looking again and again; after `deadline` the test fails with `what` was waited for.
#[track_caller]
pub(crate) fn wait_until(what: &str, deadline: Duration, mut holds: impl FnMut() -> bool) {
    let begin = now();
    while !holds() {
        assert!(begin.elapsed() < deadline, "waited {deadline:?} in vain until {what}");
        thread::sleep(POLL);
    }
}

/// Waits until each of the lines 0 to `n` has arrived at least once; what is missing in the end is told.
#[track_caller]
pub(crate) fn wait_for_lines(receiver: &mut ReceiverProcess, n: u64, deadline: Duration) {
    let begin = now();
    loop {
        // Counting all of them is dear, so it is done only when they may be complete, or when it must be told.
        let enough = receiver.events().len() as u64 >= n;
        let over = begin.elapsed() >= deadline;
        if enough || over {
            let tally = missing_and_repeated(receiver.events(), n);
            if tally.missing.is_empty() {
                return;
            }
            assert!(!over, "after {deadline:?}, of {n} lines, {tally}");
            thread::sleep(10 * POLL);
        }
        thread::sleep(POLL);
    }
}

/// How a story ends: everything is acknowledged, every byte has its outcome, and the agent stops when asked. Returns
/// the last status.
#[track_caller]
pub(crate) fn end_well(agent: &mut AgentProcess, deadline: Duration) -> Value {
    let mut last = None;
    wait_until("everything is acknowledged", deadline, || {
        last = agent.status().filter(|status| status["totals"]["pending"] == 0);
        last.is_some()
    });
    let status = last.expect("wait_until saw it");
    assert_reconciles(&status);
    assert_eq!(agent.stop(deadline), Some(0), "the agent stops with success");
    status
}

/// What a repeated line carries is the same sequence and number each time, so that the server can tell.
#[track_caller]
pub(crate) fn assert_repeats_are_numbered_alike(events: &[Event]) {
    let mut first = std::collections::HashMap::new();
    for event in events {
        let (si, sn) = *first.entry(&event.message).or_insert((&event.si, event.sn));
        assert_eq!((si, sn), (&event.si, event.sn), "{} came again under another number", event.text());
    }
}

/// A number from the environment of the test, for those who want more of a story: `name`, or else `default`.
pub(crate) fn number_from_environment(name: &str, default: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the edge of a test is where its environment is read")]
    let text = env::var(name).ok();
    text.map_or(default, |text| {
        text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}; it must be a number from 0 to {}", u64::MAX))
    })
}

/// Every byte that was read has exactly one outcome or is pending: in all, and for each file.
#[track_caller]
pub(crate) fn assert_reconciles(status: &Value) {
    let files = status["files"].as_array().unwrap();
    for totals in files.iter().chain([&status["totals"], &status["closed_files"]]) {
        let of = |reasons: &Value| -> u64 {
            reasons.as_object().unwrap().values().map(|count| count["bytes"].as_u64().unwrap()).sum()
        };
        let settled = totals["accepted"]["bytes"].as_u64().unwrap() + totals["sampled_out"]["bytes"].as_u64().unwrap();
        let lost = of(&totals["dropped"]) + of(&totals["skipped"]);
        let pending = totals["pending"].as_u64().unwrap();
        assert_eq!(totals["read"].as_u64(), Some(settled + lost + pending), "{totals}");
    }
}

/// The time by which a story paces itself; no result is read from it.
#[expect(clippy::disallowed_methods, reason = "a story runs real processes in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Prints for the person who reads what became of a story.
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}

/// Chance that can be repeated: the seed is printed, and taken from `STORY_SEED` when that is set.
pub(crate) fn seeded_rng() -> StdRng {
    let seed = number_from_environment("STORY_SEED", rand::random());
    eprintln!("chance of this run; repeat it with STORY_SEED={seed}");
    StdRng::seed_from_u64(seed)
}
