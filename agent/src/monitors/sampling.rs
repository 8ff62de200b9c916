//! What the agent sees of a run: its samples, begun, ended, failed, slow or hanging, and its lines.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use scalyr_monitor::monitor::Watch;
use scalyr_monitor::sample::{LineSink, Lines};
use scalyr_monitor::{Error, Level};

use crate::monitors::runner::Shared;
use crate::own_logs::short_text::shorten;
use crate::threads::Threads;

/// A sample that takes this many intervals, and [`HANGS`] at least, is said to hang.
const HANGS_INTERVALS: u32 = 3;
/// No sample hangs before this time.
const HANGS: Duration = Duration::from_secs(60);

impl Shared {
    /// Tells, once, that a sample hangs, or the building anew. Called now and then from another thread: its own cannot
    /// tell.
    pub(super) fn look_after(&self) {
        // That it waits for its metric log was told already.
        if self.output.held_for().is_some() {
            return;
        }
        let now = self.clock.monotonic();
        let mut figures = self.state.figures();
        let of_sample = HANGS.max(figures.interval.saturating_mul(HANGS_INTERVALS));
        let overdue = |since: Option<Instant>, patience| {
            let age = since.map(|since| now.saturating_duration_since(since));
            age.filter(|age| *age >= patience).map(|age| age.as_secs_f64())
        };
        let told = overdue(figures.sample_since, of_sample)
            .map(|age| format!("A sample has been running for {age:.0} s; the monitor takes no other one until it ends"))
            .or_else(|| {
                let age = overdue(figures.built_since, HANGS)?;
                Some(format!(
                    "The monitor has been initialising itself for {age:.0} s after a failure; it does not run until that \
                     ends"
                ))
            });
        let Some(told) = told.filter(|_| !figures.hang_told) else { return };
        figures.hang_told = true;
        drop(figures);
        self.logger.warn(told);
    }

    /// Notes that no sample is under way any more; how long the one took that was.
    pub(super) fn sample_is_over(&self) -> Option<Duration> {
        let now = self.clock.monotonic();
        let mut figures = self.state.figures();
        let took = now.saturating_duration_since(figures.sample_since.take()?);
        figures.samples += 1;
        figures.last_sample = Some(took);
        figures.last_sample_at = Some(self.clock.now());
        let hung = std::mem::take(&mut figures.hang_told);
        drop(figures);
        if hung {
            self.logger.warn(format_args!("The sample that hung has ended after {:.0} s", took.as_secs_f64()));
        }
        Some(took)
    }

    /// Logs a failed sample or, with none, that one went well, if there is anything new in it.
    fn tell_of(&self, failure: Option<&Error>) {
        // The text is code of the monitor: outside of the lock.
        let text = failure.map(|error| shorten(error));
        let now = self.clock.monotonic();
        let mut repeats = self.repeats.lock().unwrap_or_else(PoisonError::into_inner);
        let told = match &text {
            Some(text) => repeats.failed(text, now),
            None => repeats.worked(now),
        };
        drop(repeats);
        match (&text, told) {
            (Some(_), Some(told)) => self.logger.error(told),
            (Some(_), None) => self.state.figures().unlogged_errors += 1,
            (None, Some(told)) => self.logger.info(told),
            (None, None) => {}
        }
        if let Some(text) = text {
            self.state.figures().last_failure = Some(format!("Failed to gather sample: {text}"));
        }
    }
}

/// The way of the lines out of a run: counted, and open only while the instance is.
pub(super) struct Sink(pub(super) Arc<Shared>);

impl LineSink for Sink {
    fn write_lines(&mut self, lines: &Lines) {
        let emitted = lines.len() as u64;
        let dropped = if self.0.state.is_open() { self.0.output.write(lines) } else { emitted };
        let mut figures = self.0.state.figures();
        figures.lines_emitted += emitted;
        figures.lines_dropped += dropped;
        let in_sample = figures.sample_since.is_some();
        figures.values.note(lines, in_sample);
    }
}

/// Keeps the state up to date while a run samples.
pub(super) struct Watched {
    shared: Arc<Shared>,
    sample_limit: Option<u64>,
    threads: Threads,
    /// The interval of the turn that is under way; none for a monitor that samples when it likes.
    interval: Option<Duration>,
    /// How long the last sample took, if that was too long.
    too_long: Option<Duration>,
}

impl Watched {
    /// Watches a run; after so many samples it asks the instance to stop.
    pub(super) fn new(shared: Arc<Shared>, sample_limit: Option<u64>, threads: Threads) -> Self {
        Self { shared, sample_limit, threads, interval: None, too_long: None }
    }
}

impl Watch for Watched {
    fn turn_began(&mut self, interval: Duration, missed: u64) {
        self.interval = Some(interval);
        let mut figures = self.shared.state.figures();
        figures.interval = interval;
        figures.missed_samples += missed;
        let Some(took) = self.too_long.take() else { return };
        let told = figures.slow.slow(took, interval, missed, self.shared.clock.monotonic());
        drop(figures);
        if let Some(told) = told {
            self.shared.logger.warn(told);
        }
    }

    fn sample_began(&mut self) {
        let now = self.shared.clock.monotonic();
        let mut figures = self.shared.state.figures();
        figures.sample_since = Some(now);
        figures.values.begin_sample();
    }

    fn trouble_changed(&mut self, trouble: Option<&str>) {
        let trouble = trouble.map(|trouble| shorten(&trouble));
        let mut figures = self.shared.state.figures();
        if trouble.is_some() {
            figures.last_failure.clone_from(&trouble);
        }
        figures.trouble = trouble;
    }

    fn lines_counted(&mut self, written: u64, lost: u64) {
        let mut figures = self.shared.state.figures();
        figures.lines_emitted += written + lost;
        figures.lines_dropped += lost;
    }

    fn sample_ended(&mut self, failure: Option<&Error>) {
        self.shared.tell_of(failure);
        let took = self.shared.sample_is_over();
        self.shared.logger.at(Level::Debug3, format_args!("A sample took {:?}", took.unwrap_or_default()));
        self.too_long = took.filter(|took| self.interval.take().is_some_and(|interval| *took > interval));
        let mut figures = self.shared.state.figures();
        figures.failed_samples += u64::from(failure.is_some());
        figures.slow_samples += u64::from(self.too_long.is_some());
        let enough = self.sample_limit.is_some_and(|limit| figures.samples >= limit);
        drop(figures);
        self.shared.output.sample_ended();
        if enough {
            self.shared.ask_to_stop(&self.threads);
        }
    }
}
