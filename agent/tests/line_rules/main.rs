//! What rules make of the lines of real files: grouped, taken apart, sampled, redacted; growing, stopped in between,
//! reloaded (sharp edges 11 to 13, 17, 18 and 30 of `log-copying.md`).
#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod formats;
mod groups;
mod redaction;
mod sampling;

use std::fs::OpenOptions;
use std::io::Write;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use scalyr_agent::checkpoint::Checkpoint;
use scalyr_agent::config::line_plan::{GroupEnd, GrouperPlan, LinePlan, Piece, RedactionPlan, Replacement};
use scalyr_agent::config::plan::{LogPlan, TailPlan};
use scalyr_agent::ledger::{DropReason, Ledger, Offset, Outcome, Totals, Verdict, WorkerId};
use scalyr_agent::logs::batch::Batch;
use scalyr_agent::logs::{Noticing, Port, Tail, TailHandle, TailParts};
use scalyr_agent::threads::Threads;
use scalyr_agent::upload::Save;
use scalyr_monitor::config::Pattern;
use scalyr_monitor::{Clock, Logger};
use serde_json::Value;

const DEADLINE: Duration = Duration::from_secs(60);

/// A tail stage over a directory of its own, whose batches the test takes.
struct Story {
    directory: tempfile::TempDir,
    plan: TailPlan,
    running: Option<Running>,
}

struct Running {
    tail: TailHandle,
    batches: Receiver<Batch>,
    ledger: Ledger,
    checkpoint: Arc<Checkpoint>,
}

/// An event as the server would have it.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    message: Vec<u8>,
    own: Value,
    file: Value,
    path: String,
    number: u64,
}

impl Seen {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.message).into_owned()
    }
}

impl Story {
    fn new() -> Self {
        let plan = TailPlan { line_completion_wait: Duration::from_millis(300), ..TailPlan::default() };
        Self { directory: tempfile::tempdir().unwrap(), plan, running: None }
    }

    /// Whatever has no end waits for it as long as the story goes on.
    fn patient() -> Self {
        let mut story = Self::new();
        story.plan.line_completion_wait = Duration::from_secs(3600);
        story
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn append(&self, name: &str, text: impl AsRef<[u8]>) {
        let mut file = OpenOptions::new().append(true).create(true).open(self.path(name)).unwrap();
        file.write_all(text.as_ref()).unwrap();
    }

    /// Files of this pattern with these rules, from their first byte.
    fn entry(&self, pattern: &str, lines: LinePlan) -> LogPlan {
        let mut plan = LogPlan::new(format!("entry of {pattern}"), self.path(pattern).to_string_lossy(), worker());
        plan.lines = Arc::new(lines);
        plan.copy_from_start = true;
        plan
    }

    fn start(&mut self, entries: Vec<LogPlan>) {
        let (clock, logger, ledger) = (Clock::system(), Logger::none(), Ledger::new());
        let checkpoint =
            Arc::new(Checkpoint::open(self.directory.path(), ledger.clone(), clock.clone(), logger.clone()));
        let parts = TailParts {
            plan: self.plan,
            ledger: ledger.clone(),
            checkpoint: Arc::clone(&checkpoint),
            logger,
            clock,
            max_open_files: 100,
            noticing: Noticing::default(),
            own_log: (self.path("agent.log"), Offset(0)),
        };
        let tail = Tail::start(parts, &Threads::new()).unwrap();
        let (sender, batches) = bounded(8);
        let (_, recycled) = bounded(1);
        tail.open_port(Port { session: worker().into(), batches: sender, recycled });
        tail.follow(self.plan, entries);
        self.running = Some(Running { tail, batches, ledger, checkpoint });
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    /// As a kill would: only what was saved remains.
    fn crash(&mut self) {
        self.running = None;
    }

    /// Reloads; when it returns, the entries are in use.
    fn reload(&self, entries: Vec<LogPlan>) {
        self.running().tail.follow(self.plan, entries);
        self.running().tail.close_port(WorkerId("nobody".into()));
    }

    /// The next batch, settled and saved as the upload stage does.
    fn batch(&self) -> Vec<Seen> {
        let batch = self.running().batches.recv_timeout(DEADLINE).expect("another batch");
        let seen = seen(&batch);
        settle(&batch);
        self.running().checkpoint.save();
        seen
    }

    /// The next events, at least so many.
    fn events(&self, count: usize) -> Vec<Seen> {
        let mut events: Vec<Seen> = Vec::new();
        while events.len() < count {
            let Ok(batch) = self.running().batches.recv_timeout(DEADLINE) else { panic!("only {events:#?}") };
            events.extend(seen(&batch));
            settle(&batch);
            self.running().checkpoint.save();
        }
        events
    }

    /// The messages of exactly the next events.
    fn texts(&self, count: usize) -> Vec<String> {
        let texts: Vec<_> = self.events(count).iter().map(Seen::text).collect();
        assert_eq!(texts.len(), count, "{texts:?}");
        texts
    }

    /// Waits until so many bytes are read and settled, and returns all events until then.
    fn events_until(&self, bytes: u64) -> Vec<Seen> {
        let mut events = Vec::new();
        while self.totals().read < bytes || self.totals().pending > 0 {
            events.extend(self.batch());
        }
        events
    }

    fn nothing_comes(&self) {
        if let Ok(batch) = self.running().batches.recv_timeout(Duration::from_millis(700)) {
            panic!("unexpected: {:?}", seen(&batch));
        }
    }

    /// What became of all bytes; each of them was counted once.
    fn totals(&self) -> Totals {
        let (open, mut totals) = self.running().ledger.view();
        for account in open {
            totals.merge(&account.totals());
        }
        assert!(totals.reconciles(), "{totals:?}");
        totals
    }
}

fn worker() -> WorkerId {
    WorkerId("default".into())
}

fn seen(batch: &Batch) -> Vec<Seen> {
    let piece = |range: &Range<u32>| batch.arena[range.start as usize..range.end as usize].to_vec();
    let events = batch.events.iter().map(|event| Seen {
        message: piece(&event.message),
        own: serde_json::from_slice(&[b"{", &piece(&event.attributes)[..], b"}"].concat()).unwrap(),
        file: serde_json::from_str(&batch.log.attributes).unwrap(),
        path: batch.log.path.clone(),
        number: event.number.0,
    });
    events.collect()
}

/// Stands for the upload stage; only that one can say "accepted", so everything sent counts as discarded here.
fn settle(batch: &Batch) {
    for segment in &batch.segments {
        let outcome = match segment.verdict {
            Verdict::Send => Outcome::Dropped(DropReason::ServerDiscarded),
            Verdict::SampledOut => Outcome::SampledOut,
            Verdict::Dropped(why) => Outcome::Dropped(why),
            Verdict::Skipped(why) => Outcome::Skipped(why),
        };
        batch.account.settle(segment.end, segment.lines, outcome);
    }
}

/// Numbers grow, whatever was stopped in between.
fn assert_numbers_grow(events: &[Seen]) {
    assert!(events.is_sorted_by(|one, next| one.number < next.number), "{events:#?}");
}

fn pattern(text: &str) -> Pattern {
    Pattern::with_steps(text, 200_000).unwrap()
}

fn redacting(expression: &str, pieces: Vec<Piece>, salt: &str) -> LinePlan {
    let replacement = Replacement { pieces, salt: salt.to_owned() };
    let place = "redaction_rules[0] of a story".to_owned();
    LinePlan {
        redaction: vec![RedactionPlan { expression: pattern(expression), replacement, place }],
        ..LinePlan::default()
    }
}

fn stars(expression: &str) -> LinePlan {
    redacting(expression, vec![Piece::Literal("*".to_owned())], "")
}

/// Stack traces: a line, and those behind it that begin with a blank.
fn traces() -> LinePlan {
    let end = GroupEnd::ContinueThrough(pattern(r"^\s"));
    LinePlan { groupers: vec![GrouperPlan { start: pattern(r"^\S"), end }], ..LinePlan::default() }
}
