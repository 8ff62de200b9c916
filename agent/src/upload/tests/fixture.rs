//! Files, batches and a log to look at.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scalyr_monitor::log::{LogSink, Record};
use scalyr_monitor::{Clock, Level, Logger, Timestamp};

use crate::ledger::{Account, Identity, Ledger, Offset, Segment, Sequence, Totals, Verdict, WorkerId};
use crate::logs::batch::{Batch, Event, LogDescription};

/// A followed file from which batches are made.
pub(super) struct File {
    pub(super) account: Arc<Account>,
    pub(super) log: Arc<LogDescription>,
    pub(super) end: Offset,
}

impl File {
    pub(super) fn new(ledger: &Ledger, path: &str, attributes: &str) -> Self {
        let identity = Identity { device: 1, inode: 2, born: None, head_length: 0, head_hash: String::new() };
        let sequence = Sequence { id: format!("si-of-{path}"), begin: Offset(1000) };
        let worker = WorkerId("default".into());
        let account = ledger.open(worker, PathBuf::from(path), identity, sequence, Offset(1000));
        let log = Arc::new(LogDescription { attributes: attributes.to_owned(), path: path.to_owned() });
        Self { account, log, end: Offset(1000) }
    }

    /// A batch of these lines, all of them to be sent.
    pub(super) fn batch(&mut self, lines: &[&[u8]]) -> Batch {
        let parts: Vec<_> = lines.iter().map(|line| (*line, Verdict::Send)).collect();
        self.batch_of(&parts)
    }

    /// A batch of lines with a segment each.
    pub(super) fn batch_of(&mut self, lines: &[(&[u8], Verdict)]) -> Batch {
        let end = self.end.plus(lines.iter().map(|(line, _)| line.len() as u64).sum());
        let mut batch = Batch {
            account: self.account.hand_on(end),
            log: Arc::clone(&self.log),
            time: Timestamp::from_nanos(1_795_355_310_507_682_560),
            arena: Vec::new(),
            events: Vec::new(),
            segments: Vec::new(),
        };
        for (line, verdict) in lines {
            self.end = self.end.plus(line.len() as u64);
            if *verdict == Verdict::Send {
                let begin = u32::try_from(batch.arena.len()).unwrap();
                batch.arena.extend_from_slice(line);
                let end = u32::try_from(batch.arena.len()).unwrap();
                batch.events.push(Event {
                    message: begin..end,
                    attributes: 0..0,
                    time: None,
                    end: self.end,
                    number: self.end,
                });
            }
            match batch.segments.last_mut() {
                Some(last) if last.verdict == *verdict => {
                    last.end = self.end;
                    last.lines += 1;
                }
                _ => batch.segments.push(Segment { end: self.end, lines: 1, verdict: *verdict }),
            }
        }
        batch
    }

    /// What became of the file's bytes; every byte must be accounted for.
    pub(super) fn totals(&self) -> Totals {
        let totals = self.account.totals();
        assert!(totals.reconciles(), "{totals:?}");
        totals
    }
}

/// Keeps every line that is logged.
#[derive(Clone, Default)]
pub(in crate::upload) struct Lines(Arc<Mutex<Vec<String>>>);

impl LogSink for Lines {
    fn enabled(&self, level: Level) -> bool {
        level >= Level::Info
    }

    fn log(&self, record: &Record<'_>) {
        self.0.lock().unwrap().push(format!("{} {}", record.level, record.message));
    }
}

impl Lines {
    pub(in crate::upload) fn logger(&self) -> Logger {
        Logger::new(Arc::new(self.clone()), "core")
    }

    pub(in crate::upload) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(in crate::upload) fn of(&self, level: &str) -> Vec<String> {
        self.all().into_iter().filter(|line| line.starts_with(level)).collect()
    }
}

/// Waits for a condition; fails after half a minute.
#[track_caller]
pub(super) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let clock = Clock::system();
    let begin = clock.monotonic();
    while !condition() {
        assert!(clock.monotonic() - begin < Duration::from_secs(30), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
