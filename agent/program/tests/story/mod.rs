//! What stories about whole processes are told with: a real agent, a real receiver, real files.
//!
//! A story file begins with `mod story;`. Its pattern: a [`Scratch`], a [`ReceiverProcess`], a configuration by
//! [`write_config`], an [`AgentProcess`], [`Lines`] that grow; then [`wait_until`] something holds, and
//! [`assert_each_once`]. Nothing here sleeps for a fixed time and hopes.
#![allow(dead_code, reason = "each story uses its own part of this")]
#![allow(clippy::print_stderr, reason = "a test prints for the person who reads its failure")]
#![allow(clippy::unwrap_used, reason = "a test may end where it stands")]

mod events;
mod lines;
mod process;
mod scratch;

use std::env;
use std::thread;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;

#[allow(unused_imports, reason = "each story uses its own part of this")]
pub(crate) use self::{
    events::{Event, EventReader, read_events},
    lines::{Lines, Tally, assert_each_once, missing_and_repeated},
    process::{AgentProcess, Process, ReceiverProcess},
    scratch::{API_KEY, Scratch, write_config},
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

/// Chance that can be repeated: the seed is printed, and taken from `STORY_SEED` when that is set.
pub(crate) fn seeded_rng() -> StdRng {
    #[expect(clippy::disallowed_methods, reason = "the edge of a test is where its environment is read")]
    let seed = env::var("STORY_SEED").ok().map_or_else(rand::random, |text| {
        text.parse().unwrap_or_else(|_| panic!("STORY_SEED is {text:?}; it must be a number from 0 to {}", u64::MAX))
    });
    eprintln!("chance of this run; repeat it with STORY_SEED={seed}");
    StdRng::seed_from_u64(seed)
}
