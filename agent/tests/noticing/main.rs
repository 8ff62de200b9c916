//! How changes on disk are noticed: soon, at little cost, and at all, whatever the kernel tells.
#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod cost;
mod finding;
mod limits;
mod lost;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use scalyr_agent::checkpoint::Checkpoint;
use scalyr_agent::config::plan::{LogPlan, TailPlan};
use scalyr_agent::ledger::{DropReason, Ledger, Offset, Outcome, Verdict, WorkerId};
use scalyr_agent::logs::batch::Batch;
use scalyr_agent::logs::{FileSystems, Noticing, Port, Tail, TailHandle, TailParts, TailSnapshot};
use scalyr_agent::threads::Threads;
use scalyr_agent::upload::Save;
use scalyr_monitor::{Clock, Logger};

/// Before the slow sweep, which would hide what was not noticed.
const SOON: Duration = Duration::from_secs(40);

/// A tail stage over a directory of its own, whose batches the test takes.
struct Stage {
    directory: tempfile::TempDir,
    tail: Option<(TailHandle, Receiver<Batch>, Arc<Checkpoint>)>,
    noticing: Noticing,
}

impl Stage {
    /// Not started yet.
    fn new(noticing: Noticing) -> Self {
        Self { directory: tempfile::tempdir().unwrap(), tail: None, noticing }
    }

    /// Copies these patterns below its directory, from now on.
    fn copying(patterns: &[&str]) -> Self {
        Self::copying_so(Noticing::default(), patterns)
    }

    fn copying_so(noticing: Noticing, patterns: &[&str]) -> Self {
        let mut stage = Self::new(noticing);
        stage.start(patterns);
        stage
    }

    fn start(&mut self, patterns: &[&str]) {
        let (clock, logger, ledger) = (Clock::system(), Logger::none(), Ledger::new());
        let data = self.directory.path().join("data");
        fs::create_dir_all(&data).unwrap();
        let checkpoint = Arc::new(Checkpoint::open(&data, ledger.clone(), clock.clone(), logger.clone()));
        let plan = TailPlan { line_completion_wait: Duration::from_millis(300), ..TailPlan::default() };
        let parts = TailParts {
            plan,
            ledger,
            checkpoint: Arc::clone(&checkpoint),
            logger,
            clock,
            max_open_files: 20_000,
            noticing: self.noticing,
            own_log: (self.path("agent.log"), Offset(0)),
        };
        let tail = Tail::start(parts, &Threads::new()).unwrap();
        let (sender, batches) = bounded(8);
        let (_, recycled) = bounded(1);
        tail.open_port(Port { session: worker().into(), batches: sender, recycled });
        self.tail = Some((tail, batches, checkpoint));
        self.follow(patterns);
    }

    /// Copies these patterns instead of those before.
    fn follow(&self, patterns: &[&str]) {
        let plan = TailPlan { line_completion_wait: Duration::from_millis(300), ..TailPlan::default() };
        let entry = |pattern: &&str| LogPlan::new("logs[0]", self.path(pattern).to_string_lossy(), worker());
        self.tail.as_ref().unwrap().0.follow(plan, patterns.iter().map(entry).collect());
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let mut file = OpenOptions::new().append(true).create(true).open(self.path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn snapshot(&self) -> TailSnapshot {
        self.tail.as_ref().unwrap().0.snapshot()
    }

    /// The next messages, settled as they come.
    fn lines(&self, count: usize) -> Vec<String> {
        let (_, batches, checkpoint) = self.tail.as_ref().unwrap();
        let mut lines = Vec::new();
        while lines.len() < count {
            let batch = batches.recv_timeout(SOON).unwrap_or_else(|_| panic!("only {lines:?} came"));
            for event in &batch.events {
                let message = &batch.arena[event.message.start as usize..event.message.end as usize];
                lines.push(String::from_utf8_lossy(message).into_owned());
            }
            for segment in &batch.segments {
                let outcome = match segment.verdict {
                    Verdict::Send => Outcome::Dropped(DropReason::ServerDiscarded),
                    Verdict::SampledOut => Outcome::SampledOut,
                    Verdict::Dropped(why) => Outcome::Dropped(why),
                    Verdict::Skipped(why) => Outcome::Skipped(why),
                };
                batch.account.settle(segment.end, segment.lines, outcome);
            }
            checkpoint.save();
        }
        lines
    }

    /// Waits until `status` shows this.
    fn shows(&self, what: impl Fn(&TailSnapshot) -> bool) -> TailSnapshot {
        let clock = Clock::system();
        let deadline = clock.monotonic() + SOON;
        loop {
            let snapshot = self.snapshot();
            if what(&snapshot) {
                return snapshot;
            }
            assert!(clock.monotonic() < deadline, "{snapshot:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The stage as notices are trusted, as they only make polling faster, and without any.
fn in_each_way(story: impl Fn(Noticing)) {
    for file_systems in [FileSystems::Local, FileSystems::NoneTrusted, FileSystems::Silent] {
        story(Noticing { file_systems, ..Noticing::default() });
    }
}

fn worker() -> WorkerId {
    WorkerId("default".into())
}
