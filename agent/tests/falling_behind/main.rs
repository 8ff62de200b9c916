//! Files that grow faster than they are sent: how far behind they are, what is skipped when the user wants that, and what
//! the reader of the log is told (sharp edges 7, 8, 25 and 30 of `log-copying.md`).
#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod limits;
mod staleness;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use scalyr_agent::checkpoint::Checkpoint;
use scalyr_agent::config::plan::{LogPlan, TailPlan};
use scalyr_agent::ledger::{DropReason, Lag, Ledger, Offset, Outcome, Totals, Verdict, WorkerId};
use scalyr_agent::logs::batch::Batch;
use scalyr_agent::logs::{Noticing, Port, Tail, TailHandle, TailParts};
use scalyr_agent::threads::Threads;
use scalyr_agent::upload::Save;
use scalyr_monitor::log::{LogSink, Record};
use scalyr_monitor::{Clock, Level, Logger, Timestamp};

const DEADLINE: Duration = Duration::from_secs(60);

/// Keeps the warnings.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl LogSink for Warnings {
    fn enabled(&self, level: Level) -> bool {
        level >= Level::Warning
    }

    fn log(&self, record: &Record<'_>) {
        self.0.lock().unwrap().push(record.message.to_string());
    }
}

/// A tail stage with a clock that the test moves, over a directory of its own.
struct Copying {
    directory: tempfile::TempDir,
    clock: Clock,
    plan: TailPlan,
    warnings: Warnings,
    running: Option<Running>,
}

struct Running {
    tail: TailHandle,
    batches: Receiver<Batch>,
    ledger: Ledger,
    checkpoint: Arc<Checkpoint>,
}

/// What was sent, and what became of it.
#[derive(Debug, Default)]
struct Sent {
    messages: Vec<String>,
    attributes: Vec<String>,
    numbers: Vec<u64>,
}

impl Copying {
    fn new(plan: TailPlan) -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            clock: Clock::manual(Timestamp::from_millis(1_795_355_310_507)),
            plan,
            warnings: Warnings::default(),
            running: None,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let file = OpenOptions::new().append(true).create(true).open(self.path(name));
        file.unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Starts the stage, as after an earlier run that ended.
    fn start(&mut self) {
        self.running = None;
        let (logger, ledger) = (Logger::new(Arc::new(self.warnings.clone()), "core"), Ledger::new());
        let clock = self.clock.clone();
        let checkpoint =
            Arc::new(Checkpoint::open(self.directory.path(), ledger.clone(), clock.clone(), logger.clone()));
        let parts = TailParts {
            plan: self.plan,
            ledger: ledger.clone(),
            checkpoint: Arc::clone(&checkpoint),
            logger,
            clock,
            max_open_files: 100,
            own_log: (self.path("agent.log"), Offset(0)),
            noticing: Noticing::default(),
        };
        let tail = Tail::start(parts, &Threads::new()).unwrap();
        let (sender, batches) = bounded(1);
        let (_, recycled) = bounded(1);
        tail.open_port(Port { session: worker().into(), batches: sender, recycled });
        let log = LogPlan::new("logs[0]", self.path("a.log").to_string_lossy(), worker());
        tail.follow(self.plan, vec![LogPlan { copy_from_start: true, ..log }]);
        self.running = Some(Running { tail, batches, ledger, checkpoint });
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    /// The next batch, settled.
    fn batch(&self) -> Sent {
        let batch = self.running().batches.recv_timeout(DEADLINE).unwrap();
        self.settle(&batch)
    }

    fn settle(&self, batch: &Batch) -> Sent {
        let text = |range: &std::ops::Range<u32>| {
            String::from_utf8_lossy(&batch.arena[range.start as usize..range.end as usize]).into_owned()
        };
        for segment in &batch.segments {
            let outcome = match segment.verdict {
                // Only the upload stage can say that something was accepted.
                Verdict::Send => Outcome::Dropped(DropReason::ServerDiscarded),
                Verdict::SampledOut => Outcome::SampledOut,
                Verdict::Dropped(why) => Outcome::Dropped(why),
                Verdict::Skipped(why) => Outcome::Skipped(why),
            };
            assert!(batch.account.settle(segment.end, segment.lines, outcome));
        }
        self.running().checkpoint.save();
        Sent {
            messages: batch.events.iter().map(|event| text(&event.message)).collect(),
            attributes: batch.events.iter().map(|event| text(&event.attributes)).collect(),
            numbers: batch.events.iter().map(|event| event.number.0).collect(),
        }
    }

    /// Everything up to this line.
    fn until(&self, last: &str) -> Sent {
        let mut all = Sent::default();
        while all.messages.last().is_none_or(|line| line != last) {
            let sent = self.batch();
            all.messages.extend(sent.messages);
            all.attributes.extend(sent.attributes);
            all.numbers.extend(sent.numbers);
        }
        all
    }

    /// Waits until the stage has looked at its files at least once since now.
    fn has_looked(&self) {
        for _ in 0..3 {
            // Whatever it is told, it turns over its files in between.
            self.running().tail.close_port(WorkerId("nobody".into()));
        }
    }

    /// Time passes, in steps between which the stage looks at its files.
    fn time_passes(&self, seconds: u64) {
        for _ in 0..seconds.div_ceil(5) {
            self.clock.advance(Duration::from_secs(5));
            self.has_looked();
        }
    }

    fn lag(&self) -> Lag {
        let mut lag = Lag::default();
        for account in self.running().ledger.accounts() {
            lag.merge(account.lag(self.clock.monotonic()));
        }
        lag
    }

    /// Waits until so many bytes are behind.
    fn is_behind(&self, bytes: u64) {
        let (clock, deadline) = (Clock::system(), Clock::system().monotonic() + DEADLINE);
        while self.lag().bytes != bytes {
            assert!(clock.monotonic() < deadline, "{:?}", self.lag());
            // The stage's clock must go on, too, or it would not look again.
            self.clock.advance(Duration::from_millis(100));
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn totals(&self) -> Totals {
        let (open, mut totals) = self.running().ledger.view();
        open.iter().for_each(|account| totals.merge(&account.totals()));
        assert!(totals.reconciles(), "{totals:?}");
        totals
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.0.lock().unwrap().clone()
    }
}

fn worker() -> WorkerId {
    WorkerId("default".into())
}

/// So many lines of ten bytes, the first with this number.
fn lines(from: usize, count: usize) -> String {
    (from..from + count).map(|n| format!("{n:09}\n")).collect()
}
