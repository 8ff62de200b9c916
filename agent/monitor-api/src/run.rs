//! The loop that runs a monitor: when the next sample is due, and what happens around it.

use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::log::{Limited, Logger};
use crate::sample::Sample;
use crate::stop::Stop;

/// Watches a monitor at work, for `status`; implemented by the agent.
#[doc(hidden)]
pub trait Watch: Send {
    /// It is time for a sample. `missed` turns before this one were left out, because the sample before it, or the
    /// machine, took too long.
    fn turn_began(&mut self, interval: Duration, missed: u64) {
        let _ = (interval, missed);
    }

    /// A sample begins.
    fn sample_began(&mut self) {}

    /// A sample ended, with or without an error. Whoever watches tells of the error: nobody else does.
    fn sample_ended(&mut self, failure: Option<&Error>) {
        let _ = failure;
    }

    /// Lines were handed on; `emitted` counts all since the instance started.
    fn lines_emitted(&mut self, emitted: u64) {
        let _ = emitted;
    }

    /// What keeps the monitor from its work has changed; none: it works.
    fn trouble_changed(&mut self, trouble: Option<&str>) {
        let _ = trouble;
    }

    /// Lines went another way than by samples, and some were lost on it.
    fn lines_counted(&mut self, written: u64, lost: u64) {
        let _ = (written, lost);
    }
}

/// The least time between two samples; anything below is surely a mistake and would keep a processor busy.
pub const LEAST_SAMPLE_INTERVAL: Duration = Duration::from_millis(100);

/// The most time between two samples: a hundred years, which every clock can still count.
pub const LONGEST_SAMPLE_INTERVAL: Duration = Duration::from_secs(100 * 365 * 86_400);

/// When the next sample is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spacing {
    /// On a steady grid: every interval, whatever a sample takes. (The Python agent's way to this was to subtract the
    /// time that the sample took.)
    #[default]
    Grid,
    /// One interval after the sample before it has ended, as the Python agent does when it is not told otherwise: for
    /// what must be left in peace between two samples.
    AfterSample,
}

/// The running of one instance: when the next sample is due, where it goes, and when to stop.
pub struct Run {
    sample: Sample,
    stop: Stop,
    clock: Clock,
    logger: Logger,
    interval: Duration,
    /// The interval before it was brought within its bounds.
    asked: Duration,
    due: Instant,
    /// How long after the first sample the second one is due; none once the first was taken.
    second_after: Option<Duration>,
    /// Whether that is how `due` came about.
    is_due_by_phase: bool,
    spacing: Spacing,
    /// What was last noted.
    trouble: Option<String>,
    watch: Box<dyn Watch>,
}

impl Run {
    /// A run that takes its first sample at once, the second one after `second_after`, or after `interval` without that,
    /// and further ones on a steady grid of `interval`, which is brought within [`LEAST_SAMPLE_INTERVAL`] and
    /// [`LONGEST_SAMPLE_INTERVAL`].
    #[doc(hidden)]
    pub fn new(
        mut sample: Sample,
        stop: Stop,
        interval: Duration,
        second_after: Option<Duration>,
        watch: Box<dyn Watch>,
    ) -> Self {
        sample.set_stop(&stop);
        let clock = sample.clock().clone();
        let logger = sample.logger().clone();
        let due = clock.monotonic();
        let bounded = within_bounds(interval);
        Self {
            sample,
            stop,
            clock,
            logger,
            interval: bounded,
            asked: interval,
            due,
            second_after,
            is_due_by_phase: false,
            spacing: Spacing::Grid,
            trouble: None,
            watch,
        }
    }

    /// The same run with its samples spaced in this way.
    #[must_use]
    #[doc(hidden)]
    pub fn spaced(self, spacing: Spacing) -> Self {
        Self { spacing, ..self }
    }

    /// Waits until the next sample is due; false when the monitor is asked to stop.
    ///
    /// Samples lie on a steady grid, unless the monitor set [`Context::spacing`](crate::Context::spacing). A sample that took longer than the
    /// interval is followed at once by the next one; the turns that it missed are left out, never piled up, and counted.
    #[expect(clippy::should_implement_trait, reason = "a turn of a loop, not an item of an iterator")]
    pub fn next(&mut self) -> bool {
        if self.clock.wait_until(self.due, &self.stop) {
            return false;
        }
        self.begin_turn();
        true
    }

    /// Whether a sample is due, for a `run` that waits for something else than the clock; true once for each sample, and
    /// false when the monitor is asked to stop.
    ///
    /// ```
    /// # use scalyr_monitor::prelude::*;
    /// # fn run(run: &mut Run, receive: fn() -> Result<()>, emit: fn(&mut Sample) -> Result<()>) -> Result<()> {
    /// while !run.stop().is_stopped() {
    ///     receive()?; // waits for a moment at most
    ///     if run.is_due() {
    ///         run.sample(emit);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_due(&mut self) -> bool {
        let is_due = !self.stop.is_stopped() && self.clock.monotonic() >= self.due;
        if is_due {
            self.begin_turn();
        }
        is_due
    }

    /// The next sample lies behind this one from now on.
    fn begin_turn(&mut self) {
        let now = self.clock.monotonic();
        if let Some(phase) = self.second_after.take() {
            (self.due, self.is_due_by_phase) = (later(self.due, phase), true);
            self.watch.turn_began(self.interval, 0);
            return;
        }
        let missed = match self.spacing {
            Spacing::Grid => {
                let late = now.saturating_duration_since(self.due);
                let missed = late.as_nanos().checked_div(self.interval.as_nanos()).unwrap_or(0);
                let turns = u32::try_from(missed + 1).unwrap_or(u32::MAX);
                self.due = later(self.due, self.interval.saturating_mul(turns));
                u64::from(turns) - 1
            }
            // Put off again when the sample has ended.
            Spacing::AfterSample => {
                self.due = later(now, self.interval);
                0
            }
        };
        self.watch.turn_began(self.interval, missed);
    }

    /// Takes one sample with `gather` and hands its lines on. An error is counted and logged; one that comes again and
    /// again with the same text is told now and then, with its count.
    pub fn sample(&mut self, gather: impl FnOnce(&mut Sample) -> Result<()>) {
        self.watch.sample_began();
        let result = gather(&mut self.sample);
        self.sample.flush();
        self.watch.lines_emitted(self.sample.emitted());
        self.watch.sample_ended(result.as_ref().err());
        if let Some(interval) = self.sample.take_interval() {
            self.set_interval(interval);
        }
        if self.spacing == Spacing::AfterSample && !std::mem::take(&mut self.is_due_by_phase) {
            self.due = later(self.clock.monotonic(), self.interval);
        }
    }

    /// Counts lines that the monitor wrote by a [`LogWriter`](crate::LogWriter), and those that it had to drop: `status`
    /// shows both beside the metric lines. To be called now and then, with what came since the last call.
    pub fn count_lines(&mut self, written: u64, lost: u64) {
        if written > 0 || lost > 0 {
            self.watch.lines_counted(written, lost);
        }
    }

    /// For a `run` that goes on although something keeps it from its work, or a part of it, as a port that is taken does:
    /// `status` shows what that is, as it shows why samples fail, until it is noted that there is no trouble any more. May
    /// be called in every turn. It logs nothing; [`limited`](Self::limited) does.
    ///
    /// ```
    /// # use scalyr_monitor::prelude::*;
    /// # fn run(run: &mut Run, listen: fn() -> Result<()>) {
    /// let trouble = listen().err().map(|error| error.to_string());
    /// run.note_trouble(trouble.as_deref());
    /// # }
    /// ```
    pub fn note_trouble(&mut self, trouble: Option<&str>) {
        if self.trouble.as_deref() != trouble {
            self.trouble = trouble.map(str::to_owned);
            self.watch.trouble_changed(trouble);
        }
    }

    /// Asks for, and tells of, the end.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// The clock; take the time from it, so that tests can set it.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The instance's logger, for diagnostics that belong in the agent log.
    pub fn logger(&self) -> &Logger {
        &self.logger
    }

    /// Logs at most once per `interval` and `cause`; see [`Logger::limited`].
    pub fn limited<'r>(&'r self, cause: &'r str, interval: Duration) -> Limited<'r> {
        self.sample.limited(cause, interval)
    }

    /// Time between two samples.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Changes the time between two samples from the next one on. One below [`LEAST_SAMPLE_INTERVAL`] or above
    /// [`LONGEST_SAMPLE_INTERVAL`] is brought to that bound, and a warning says so.
    pub fn set_interval(&mut self, interval: Duration) {
        let bounded = within_bounds(interval);
        // Not again and again, by a monitor that sets it in each turn.
        if bounded != interval && interval != self.asked {
            self.logger.warn(format_args!(
                "The monitor asked for a sample interval of {} s; it gets {} s",
                interval.as_secs_f64(),
                bounded.as_secs_f64()
            ));
        }
        (self.interval, self.asked) = (bounded, interval);
    }
}

fn within_bounds(interval: Duration) -> Duration {
    interval.clamp(LEAST_SAMPLE_INTERVAL, LONGEST_SAMPLE_INTERVAL)
}

/// So much later, as far as the clock can count.
fn later(moment: Instant, time: Duration) -> Instant {
    moment.checked_add(time).or_else(|| moment.checked_add(LONGEST_SAMPLE_INTERVAL)).unwrap_or(moment)
}
