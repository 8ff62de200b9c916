//! Keeps what a monitor writes, logs and fails with.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::diagnostic::Diagnostic;
use super::emitted::Emitted;
use super::taken::Taken;
use crate::error::Error;
use crate::lines::{LineSink, Lines};
use crate::log::{Level, LogSink, Record};
use crate::run::Watch;

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
    /// Lines beyond [`MOST_LINES`], and all that come when nobody looks any more, are not kept.
    is_full: bool,
    turn: u64,
}

/// The most lines that are kept in one test.
const MOST_LINES: usize = 100_000;

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

    /// How many lines are kept, when there were more.
    pub(super) fn overflow(&self) -> Option<usize> {
        self.kept().is_full.then_some(MOST_LINES)
    }

    /// Keeps nothing any more: the test has ended, and the monitor does not.
    pub(super) fn close(&self) {
        let mut kept = self.kept();
        *kept = Kept { is_full: true, ..Kept::default() };
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
            kept.is_full |= kept.lines.len() >= MOST_LINES;
            if kept.is_full {
                break;
            }
            kept.lines.push(line.body().to_owned());
            match Emitted::read(&line, self.short_name, kept.turn) {
                Ok(Some(emitted)) => kept.emitted.push(emitted),
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
        let mut kept = self.kept();
        kept.is_full |= kept.diagnostics.len() >= MOST_LINES;
        if !kept.is_full {
            kept.diagnostics.push(diagnostic);
        }
        drop(kept);
        self.wake();
    }
}

impl Watch for Recorder {
    fn trouble_changed(&mut self, trouble: Option<&str>) {
        self.kept().failures.extend(trouble.map(str::to_owned));
        self.wake();
    }

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
