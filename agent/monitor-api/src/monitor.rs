//! The trait that makes a struct a monitor, and the loop that runs it.

use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::context::Context;
use crate::log::{Limited, Logger};
use crate::sample::Sample;

/// What went wrong in a monitor, for the person who reads the agent log: say what was found and what to do.
///
/// Any error converts with `?`; [`Error::new`] makes one from a text.
pub struct Error(Box<dyn std::error::Error + Send + Sync>);

/// The result of a monitor's own functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

/// Says of an error what it was about: those of the system and of the standard library name neither the file nor the
/// text that they could not read.
///
/// ```
/// # use scalyr_monitor::prelude::*;
/// # use std::path::Path;
/// fn read_level(path: &Path) -> Result<f64> {
///     let text = std::fs::read_to_string(path).about(path.display())?;
///     text.trim().parse().about(format_args!("{}: {:?} is no level", path.display(), text.trim()))
/// }
/// let error = read_level(Path::new("/nowhere/level")).unwrap_err().to_string();
/// assert!(error.starts_with("/nowhere/level: No such file or directory"));
/// ```
pub trait About<T> {
    /// Puts this, and a colon, before the text of the error.
    ///
    /// # Errors
    /// When there was one.
    fn about(self, what: impl fmt::Display) -> Result<T>;
}

impl<T, E: Into<Error>> About<T> for std::result::Result<T, E> {
    fn about(self, what: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Error::new(format!("{what}: {}", error.into())))
    }
}

/// The text with that of each cause behind it.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A monitor: takes samples of something and emits metrics. One instance runs on one thread of its own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is marked #[scalyr_monitor] but does not implement `Monitor`",
    label = "add `impl Monitor for {Self}`",
    note = "impl Monitor for {Self} {{ fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {{ ... }} }}"
)]
pub trait Monitor: Send + 'static {
    /// Checks options against each other and opens what the monitor needs; may change the [`Context`].
    ///
    /// Runs while the configuration is being applied, so it must be quick. Refuse what only the user can mend (a bad
    /// option); a server that is down right now is a matter for [`gather_sample`](Monitor::gather_sample).
    ///
    /// # Errors
    /// The text is shown to the user as a problem of this monitor's configuration.
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        let _ = context;
        Ok(())
    }

    /// Takes one sample: called once every sample interval. What takes long looks at [`Sample::stop`] meanwhile.
    ///
    /// # Errors
    /// Counted as one failed sample, and logged: a new text at once, one that comes again and again every five minutes
    /// with its count. The next sample is taken as usual.
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        let _ = out;
        Ok(())
    }

    /// Runs the monitor until it is asked to stop. The default takes a sample every sample interval; a listener
    /// writes its own loop and watches [`Run::stop`].
    ///
    /// # Errors
    /// Logged; the instance is built anew and started again after a pause.
    fn run(&mut self, run: &mut Run) -> Result<()> {
        while run.next() {
            run.sample(|out| self.gather_sample(out));
        }
        Ok(())
    }
}

/// Says when to stop. Cheap to clone; waiting on it is how a monitor sleeps.
#[derive(Clone, Default)]
pub struct Stop(Arc<StopState>);

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_stopped() { "Stop(asked)" } else { "Stop(not asked)" })
    }
}

#[derive(Default)]
struct StopState {
    asked: Mutex<Asked>,
    changed: Condvar,
}

#[derive(Default)]
struct Asked {
    stopped: bool,
    hooks: Hooks,
}

type Hook = Box<dyn FnOnce() + Send>;

/// What runs when a monitor is asked to stop, and has not run yet.
#[doc(hidden)]
#[derive(Default)]
#[must_use = "hooks that are dropped do not run"]
pub struct Hooks(Vec<Hook>);

impl Hooks {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Runs all of them, in the order in which they came: one that panics does not keep the next one from running. Then
    /// the first panic goes on.
    pub fn run(mut self) {
        self.each(|hook| hook());
    }

    /// Two panics at once would end the process, so each hook's own is caught before the next one's turn.
    fn each(&mut self, work: impl Fn(Hook)) {
        let mut first = None;
        for hook in std::mem::take(&mut self.0) {
            let Err(panic) = panic::catch_unwind(AssertUnwindSafe(|| work(hook))) else { continue };
            match first {
                None => first = Some(panic),
                // Its drop may panic, too.
                Some(_) => std::mem::forget(panic),
            }
        }
        match first {
            Some(panic) if std::thread::panicking() => std::mem::forget(panic),
            Some(panic) => panic::resume_unwind(panic),
            None => {}
        }
    }
}

impl Drop for Hooks {
    fn drop(&mut self) {
        self.each(drop);
    }
}

impl Stop {
    /// Nobody has asked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the monitor was asked to stop.
    pub fn is_stopped(&self) -> bool {
        self.0.asked.lock().unwrap_or_else(PoisonError::into_inner).stopped
    }

    /// Sleeps for `time` unless asked to stop; true when asked to stop.
    pub fn wait(&self, time: Duration) -> bool {
        let asked = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.changed.wait_timeout_while(asked, time, |asked| !asked.stopped);
        waited.unwrap_or_else(PoisonError::into_inner).0.stopped
    }

    /// Runs `hook` when the monitor is asked to stop (at once when that was already so): closes a socket on which
    /// the monitor's thread waits, for example. Runs on another thread.
    pub fn on_stop(&self, hook: impl FnOnce() + Send + 'static) {
        let mut asked = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.stopped {
            drop(asked);
            hook();
        } else {
            asked.hooks.0.push(Box::new(hook));
        }
    }

    /// Asks to stop: wakes every sleeper and runs the hooks, all of them, also when one panics.
    pub fn stop(&self) {
        self.ask().run();
    }

    /// Asks to stop and wakes every sleeper; the hooks are left to whoever asks, for a thread on which they may hang.
    #[doc(hidden)]
    pub fn ask(&self) -> Hooks {
        let hooks = {
            let mut asked = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.stopped = true;
            std::mem::take(&mut asked.hooks)
        };
        self.0.changed.notify_all();
        hooks
    }
}

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
    spacing: Spacing,
    watch: Box<dyn Watch>,
}

impl Run {
    /// A run that takes its first sample after `initial_delay` and further ones on a steady grid of `interval`, which
    /// is brought within [`LEAST_SAMPLE_INTERVAL`] and [`LONGEST_SAMPLE_INTERVAL`].
    #[doc(hidden)]
    pub fn new(
        mut sample: Sample,
        stop: Stop,
        interval: Duration,
        initial_delay: Duration,
        watch: Box<dyn Watch>,
    ) -> Self {
        sample.set_stop(&stop);
        let clock = sample.clock().clone();
        let logger = sample.logger().clone();
        let due = later(clock.monotonic(), initial_delay);
        let bounded = within_bounds(interval);
        Self { sample, stop, clock, logger, interval: bounded, asked: interval, due, spacing: Spacing::Grid, watch }
    }

    /// The same run with its samples spaced in this way.
    #[must_use]
    #[doc(hidden)]
    pub fn spaced(self, spacing: Spacing) -> Self {
        Self { spacing, ..self }
    }

    /// Waits until the next sample is due; false when the monitor is asked to stop.
    ///
    /// Samples lie on a steady grid, unless the monitor set [`Context::spacing`]. A sample that took longer than the
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
        if self.spacing == Spacing::AfterSample {
            self.due = later(self.clock.monotonic(), self.interval);
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
