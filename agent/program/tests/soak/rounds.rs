//! A round of the soak: what happens in it, and how it is judged.

use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::story::{
    AgentProcess, Lines, ReceiverProcess, Rotation, Scratch, assert_repeats_are_numbered_alike, end_well,
    missing_and_repeated, say, wait_for_lines, wait_until, write_config,
};
use crate::sums::Sums;

const PATIENCE: Duration = Duration::from_secs(120);
/// So small, so that many requests lie between two things that happen.
const REQUEST_BYTES: u64 = 50_000;
/// What an event of these lines has on the wire at least.
const EVENT_BYTES: u64 = 125;
/// How long the agent waits for an answer.
const REQUEST_DEADLINE: u64 = 2;

/// What may happen in a round, each with its chance in a step.
pub(crate) struct Plan {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    rotations: &'static [Rotation],
    rotate: f64,
    kill: f64,
    stop: f64,
    fault: f64,
}

impl Plan {
    const NOTHING: Self = Self { name: "", rotations: &Rotation::ALL, rotate: 0.0, kill: 0.0, stop: 0.0, fault: 0.0 };

    /// The stories.
    pub(crate) const ALL: [Self; 4] = [
        Self { name: "rotations", rotate: 0.6, ..Self::NOTHING },
        Self { name: "kills", rotate: 0.1, kill: 0.6, ..Self::NOTHING },
        Self { name: "faults", rotate: 0.1, fault: 0.6, ..Self::NOTHING },
        Self { name: "everything", rotate: 0.3, kill: 0.2, stop: 0.2, fault: 0.3, ..Self::NOTHING },
    ];
}

/// What goes wrong at the server. Each kind lets a request be repeated or not.
const FAULTS: [(&str, Repeats); 9] = [
    ("2*status:error/server/backoff", Repeats::No),
    ("2*http:503:html", Repeats::No),
    ("1*http:500:half", Repeats::No),
    ("2*delay:300ms", Repeats::No),
    ("1*cut", Repeats::No),
    ("1*hangup", Repeats::No),
    ("1*cut:accepted", Repeats::Yes),
    ("1*cut:answer", Repeats::Yes),
    (LATE_ONCE, Repeats::Yes),
];
/// Longer than the agent waits.
const LATE_ONCE: &str = "1*late:4s";

/// Whether the server takes the request, and the agent does not learn it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeats {
    Yes,
    No,
}

/// One round with its own folder, which is kept when something remains unexplained.
pub(crate) fn round(plan: &Plan, seed: u64, steps: u64, again: &str) -> Sums {
    let mut round = Round::begin(plan, seed, again);
    for _ in 0..steps {
        round.step();
    }
    round.end()
}

struct Round<'a> {
    plan: &'a Plan,
    chance: StdRng,
    receiver: ReceiverProcess,
    config: std::path::PathBuf,
    /// `None` while it is down.
    agent: Option<AgentProcess>,
    lines: Lines,
    sums: Sums,
    /// Dropped last: it tells where the files are.
    scratch: Scratch,
    _again: Again<'a>,
}

/// Says how to repeat the round, when it fails.
struct Again<'a>(&'a str);

impl Drop for Again<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            say(&format!("repeat this round with: {}", self.0));
        }
    }
}

impl<'a> Round<'a> {
    fn begin(plan: &'a Plan, seed: u64, again: &'a str) -> Self {
        let scratch = Scratch::new();
        let mut receiver = ReceiverProcess::start(&scratch, "receiver");
        let log = scratch.path("app.log");
        let more = json!({ "max_allowed_request_size": REQUEST_BYTES, "request_deadline": REQUEST_DEADLINE });
        let config = write_config(&scratch, &receiver.url(), json!([{ "path": log }]), more);
        let agent = AgentProcess::start(&scratch, &config);
        wait_until("the agent runs", PATIENCE, || agent.status().is_some());
        let (chance, mut lines) = (StdRng::seed_from_u64(seed), Lines::new(&log, 60));
        // From here on the log is known; one that is rotated before it was ever seen is another story.
        lines.append(1);
        wait_for_lines(&mut receiver, 1, PATIENCE);
        let sums = Sums { rounds: 1, ..Sums::default() };
        Self { plan, chance, receiver, config, agent: Some(agent), lines, sums, scratch, _again: Again(again) }
    }

    /// Lines are written, then perhaps something happens; each by chance.
    fn step(&mut self) {
        for _ in 0..self.chance.random_range(1..6) {
            self.lines.append(self.chance.random_range(1..2_000));
            thread::sleep(Duration::from_millis(self.chance.random_range(0..60)));
        }
        if self.chance.random_bool(self.plan.fault) {
            let (script, repeats) = FAULTS[self.chance.random_range(0..FAULTS.len())];
            self.receiver.set_faults(script);
            self.sums.faults += 1;
            self.sums.unanswered += u64::from(repeats == Repeats::Yes);
        }
        if self.chance.random_bool(self.plan.rotate) {
            let rotation = self.plan.rotations[self.chance.random_range(0..self.plan.rotations.len())];
            // Not so soon that old files are removed which nobody has seen.
            rotation.rotate(&mut self.lines, 500);
            self.sums.rotations += 1;
        }
        match &mut self.agent {
            Some(agent) if self.chance.random_bool(self.plan.kill) => {
                agent.kill();
                self.agent = None;
                self.sums.kills += 1;
            }
            Some(agent) if self.chance.random_bool(self.plan.stop) => {
                assert_eq!(agent.stop(PATIENCE), Some(0), "the agent stops with success");
                self.agent = None;
                self.sums.stops += 1;
            }
            Some(_) => {}
            None => self.agent = Some(AgentProcess::start(&self.scratch, &self.config)),
        }
    }

    /// Waits until all is there, and judges it.
    fn end(mut self) -> Sums {
        let written = self.lines.written();
        self.receiver.set_faults("");
        let mut agent = self.agent.take().unwrap_or_else(|| AgentProcess::start(&self.scratch, &self.config));
        wait_for_lines(&mut self.receiver, written, PATIENCE);
        let status = end_well(&mut agent, PATIENCE);
        let events = self.receiver.events();
        let tally = missing_and_repeated(events, written);
        self.sums.lines += written;
        self.sums.arrived += events.len() as u64;
        self.sums.repeated += tally.repeated.values().map(|times| u64::from(times - 1)).sum::<u64>();
        self.sums.skipped_bytes += skipped(&status);
        assert!(tally.missing.is_empty() && tally.damaged.is_empty(), "of {written} lines, {tally}");
        // A kill may meet one request, a stop one that is not answered in time, and a fault is one.
        let most = (self.sums.kills + self.sums.stops + self.sums.unanswered) * (REQUEST_BYTES / EVENT_BYTES);
        assert!(self.sums.repeated <= most, "at most {most} can have been in flight: of {written} lines, {tally}");
        assert_eq!(self.sums.skipped_bytes, 0, "nothing gives a reason to skip anything: {status}");
        assert_repeats_are_numbered_alike(events);
        self.sums
    }
}

/// Bytes that the last run skipped, for whatever reason; those that it read elsewhere, in a copy, are none of them.
fn skipped(status: &Value) -> u64 {
    let reasons = status["totals"]["skipped"].as_object().into_iter().flatten();
    let lost = reasons.filter(|(reason, _)| *reason != "repeated");
    lost.filter_map(|(_, count)| count["bytes"].as_u64()).sum()
}
