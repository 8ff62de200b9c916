//! Keeps what a monitor writes, logs and fails with.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::diagnostic::Diagnostic;
use super::emitted::Emitted;
use super::taken::Taken;
use crate::log::{Level, LogSink, Record};
use crate::monitor::{Error, Watch};
use crate::sample::{LineSink, Lines};

/// Takes the lines, the diagnostics and the failures of one monitor. Cheap to clone; clones keep one record.
#[derive(Clone)]
pub(super) struct Recorder {
    record: Arc<(Mutex<Kept>, Condvar)>,
    short_name: &'static str,
}

#[derive(Default)]
struct Kept {
    emitted: Vec<Emitted>,
    lines: Vec<String>,
    diagnostics: Vec<Diagnostic>,
    failures: Vec<String>,
    /// Metric lines that cannot be read back.
    unreadable: Vec<String>,
    /// The names of all metrics that were ever emitted.
    names: BTreeSet<String>,
    turn: u64,
}

/// A place in the record.
#[derive(Clone, Copy, Default)]
pub(super) struct Mark {
    emitted: usize,
    lines: usize,
    diagnostics: usize,
    failures: usize,
}

impl Recorder {
    pub(super) fn new(short_name: &'static str) -> Self {
        Self { record: Arc::default(), short_name }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.record.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end of the record as it is now.
    pub(super) fn mark(&self) -> Mark {
        let kept = self.kept();
        Mark {
            emitted: kept.emitted.len(),
            lines: kept.lines.len(),
            diagnostics: kept.diagnostics.len(),
            failures: kept.failures.len(),
        }
    }

    /// What was recorded behind this place.
    pub(super) fn since(&self, mark: Mark) -> Taken {
        let kept = self.kept();
        Taken {
            emitted: kept.emitted.get(mark.emitted..).unwrap_or_default().to_vec(),
            lines: kept.lines.get(mark.lines..).unwrap_or_default().to_vec(),
            diagnostics: kept.diagnostics.get(mark.diagnostics..).unwrap_or_default().to_vec(),
            error: kept.failures.get(mark.failures..).and_then(<[String]>::last).cloned(),
        }
    }

    /// Metric lines that cannot be read back.
    pub(super) fn unreadable(&self) -> Vec<String> {
        self.kept().unreadable.clone()
    }

    /// The names of all metrics that were ever emitted.
    pub(super) fn names(&self) -> BTreeSet<String> {
        self.kept().names.clone()
    }

    /// Wakes whoever waits for news.
    pub(super) fn wake(&self) {
        self.record.1.notify_all();
    }

    /// Waits for news, this long at most.
    pub(super) fn wait(&self, time: Duration) {
        let kept = self.kept();
        drop(self.record.1.wait_timeout(kept, time));
    }
}

impl LineSink for Recorder {
    fn write_lines(&mut self, lines: &Lines) {
        let mut kept = self.kept();
        for line in lines.marked() {
            kept.lines.push(line.body().to_owned());
            match Emitted::read(&line, self.short_name, kept.turn) {
                Ok(Some(emitted)) => {
                    kept.names.insert(emitted.name().to_owned());
                    kept.emitted.push(emitted);
                }
                Ok(None) => {}
                Err(unreadable) => kept.unreadable.push(unreadable),
            }
        }
        drop(kept);
        self.wake();
    }
}

impl LogSink for Recorder {
    fn enabled(&self, _: Level) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let diagnostic = Diagnostic::of(record);
        self.kept().diagnostics.push(diagnostic);
        self.wake();
    }
}

impl Watch for Recorder {
    fn sample_began(&mut self) {
        self.kept().turn += 1;
    }

    fn sample_ended(&mut self, failure: Option<&Error>) {
        if let Some(failure) = failure {
            self.kept().failures.push(failure.to_string());
        }
        self.wake();
    }
}
