//! What the tail stage hands on: which lines, from where, in which order, whatever happens to the file.
#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod copies;
mod handover;
mod identity;
mod moved;
mod quiet;
mod reading;
mod registered;
mod restart;
mod rotation;
mod stalled;
mod written;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use scalyr_agent::checkpoint::Checkpoint;
use scalyr_agent::config::plan::{LogPlan, TailPlan};
use scalyr_agent::ledger::{DropReason, Ledger, Offset, Outcome, Totals, Verdict, WorkerId};
use scalyr_agent::logs::batch::Batch;
use scalyr_agent::logs::{Noticing, Port, Tail, TailHandle, TailParts, Withdrawal};
use scalyr_agent::threads::Threads;
use scalyr_agent::upload::Save;
use scalyr_monitor::{Clock, Logger};
use serde_json::Value;

const DEADLINE: Duration = Duration::from_secs(20);

/// A tail stage over a directory of its own, whose batches the test takes.
struct Tailing {
    directory: tempfile::TempDir,
    running: Option<Running>,
    plan: TailPlan,
    max_open_files: usize,
    noticing: Noticing,
}

struct Running {
    tail: TailHandle,
    batches: Receiver<Batch>,
    ledger: Ledger,
    checkpoint: Arc<Checkpoint>,
}

impl Tailing {
    fn new() -> Self {
        let plan = TailPlan { line_completion_wait: Duration::from_millis(300), ..TailPlan::default() };
        Self {
            directory: tempfile::tempdir().unwrap(),
            running: None,
            plan,
            max_open_files: 100,
            noticing: Noticing::default(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn append(&self, name: &str, text: impl AsRef<[u8]>) {
        append(&self.path(name), text);
    }

    fn entry(&self, pattern: &str) -> LogPlan {
        LogPlan::new("logs[0]", self.path(pattern).to_string_lossy(), worker())
    }

    /// Starts the stage and waits until it has found what is there.
    fn start(&mut self, pattern: &str) {
        let (clock, logger, ledger) = (Clock::system(), Logger::none(), Ledger::new());
        let checkpoint =
            Arc::new(Checkpoint::open(self.directory.path(), ledger.clone(), clock.clone(), logger.clone()));
        let parts = TailParts {
            plan: self.plan,
            ledger: ledger.clone(),
            checkpoint: Arc::clone(&checkpoint),
            logger,
            clock,
            max_open_files: self.max_open_files,
            noticing: self.noticing,
            own_log: (self.path("agent.log"), Offset(0)),
        };
        let tail = Tail::start(parts, &Threads::new()).unwrap();
        let (sender, batches) = bounded(8);
        let (_, recycled) = bounded(1);
        tail.open_port(Port { session: WorkerId("default".into()).into(), batches: sender, recycled });
        tail.follow(self.plan, vec![self.entry(pattern)]);
        self.running = Some(Running { tail, batches, ledger, checkpoint });
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    /// The next messages, `count` of them, settled as they come.
    fn lines(&self, count: usize) -> Vec<String> {
        let mut lines = Vec::new();
        while lines.len() < count {
            let batch = self.running().batches.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("only {lines:?} came"));
            lines.extend(messages(&batch));
            settle(&batch);
            // As the upload stage does after each request.
            self.running().checkpoint.save();
        }
        assert_eq!(lines.len(), count, "{lines:?}");
        lines
    }

    /// The messages of so many batches, settled as they come.
    fn lines_of_batches(&self, count: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for _ in 0..count {
            let batch = self.running().batches.recv_timeout(DEADLINE).unwrap();
            lines.extend(messages(&batch));
            settle(&batch);
        }
        lines
    }

    /// Follows these entries from now on, as after a reload.
    fn follow(&self, entries: Vec<LogPlan>) {
        self.running().tail.follow(self.plan, entries);
    }

    /// Waits until the stage has come round to everything that it was told.
    fn is_heard(&self) {
        self.running().tail.close_port(WorkerId("nobody".into()));
    }

    /// Registers what a monitor would, or changes it.
    fn register(&self, log: LogPlan) {
        self.running().tail.register(log).unwrap();
    }

    /// Withdraws what was registered with this path, once it is read.
    fn withdraw(&self, pattern: &str) {
        let path = self.entry(pattern).path;
        self.running().tail.withdraw(worker(), path, Withdrawal::AfterReading);
    }

    /// Waits until the channel is full.
    fn fills_the_channel(&self) {
        let deadline = Clock::system().monotonic() + DEADLINE;
        while !self.running().batches.is_full() {
            assert!(Clock::system().monotonic() < deadline, "the channel never filled");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until so many paths are watched.
    fn watches(&self, count: usize) {
        let deadline = Clock::system().monotonic() + DEADLINE;
        while self.running().tail.snapshot().watched_paths != count {
            assert!(Clock::system().monotonic() < deadline, "{:?}", self.running().tail.snapshot());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The next message with the attributes of its file; settled.
    fn described_line(&self) -> (String, Value) {
        let batch = self.running().batches.recv_timeout(DEADLINE).unwrap();
        settle(&batch);
        self.running().checkpoint.save();
        let messages = messages(&batch);
        assert_eq!(messages.len(), 1, "{messages:?}");
        (messages.concat(), serde_json::from_str(&batch.log.attributes).unwrap())
    }

    fn nothing_comes(&self) {
        if let Ok(batch) = self.running().batches.recv_timeout(Duration::from_millis(700)) {
            panic!("unexpected: {:?}", messages(&batch));
        }
    }

    /// As a kill would: nothing is read to its end, and only what was saved before remains.
    fn crash(&mut self) {
        self.running = None;
    }

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

fn append(path: &Path, text: impl AsRef<[u8]>) {
    OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(text.as_ref()).unwrap();
}

fn messages(batch: &Batch) -> Vec<String> {
    let message = |range: &std::ops::Range<u32>| &batch.arena[range.start as usize..range.end as usize];
    batch.events.iter().map(|event| String::from_utf8_lossy(message(&event.message)).into_owned()).collect()
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
