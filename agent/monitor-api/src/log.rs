//! Diagnostics: lines for the agent log, each with its level, component, place in the source and optional error code.

use std::fmt::{self, Display};
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::limits::{HeldBack, Limits};

/// How much a diagnostic matters. `Debug1` to `Debug5` are the agent's `debug_level` 1 to 5, ever finer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// `debug_level` 5: every detail.
    Debug5,
    /// `debug_level` 4.
    Debug4,
    /// `debug_level` 3.
    Debug3,
    /// `debug_level` 2.
    Debug2,
    /// `debug_level` 1.
    Debug1,
    /// Normal events worth a line.
    Info,
    /// Something is odd and was survived.
    Warning,
    /// Something failed.
    Error,
    /// The agent cannot go on.
    Critical,
}

impl Level {
    /// The least level that is written when the agent runs with this `debug_level` (0 to 5).
    #[doc(hidden)]
    pub fn threshold(debug_level: u8) -> Self {
        match debug_level {
            0 => Self::Info,
            1 => Self::Debug1,
            2 => Self::Debug2,
            3 => Self::Debug3,
            4 => Self::Debug4,
            _ => Self::Debug5,
        }
    }
}

/// The word in the log line, as the Python agent writes it (`logging.md` section 6).
impl Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Debug5 => "Level 4",
            Self::Debug4 => "Level 5",
            Self::Debug3 => "Level 6",
            Self::Debug2 => "Level 7",
            Self::Debug1 => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        })
    }
}

/// One diagnostic on its way to a [`LogSink`].
#[derive(Clone, Copy)]
#[doc(hidden)]
pub struct Record<'a> {
    /// How much it matters.
    pub level: Level,
    /// `core` or `monitor:<name>`.
    pub component: &'a str,
    /// The file and line of the code that logged it.
    pub place: &'static Location<'static>,
    /// A short machine-readable code, written as `[error="code"]`.
    pub code: Option<&'a str>,
    /// The text.
    pub message: &'a dyn Display,
}

/// Takes diagnostics: the agent log, standard output, or a test.
#[doc(hidden)]
pub trait LogSink: Send + Sync {
    /// Whether a record of this level would be written; lets a caller skip building a costly message.
    fn enabled(&self, level: Level) -> bool;

    /// Writes one record.
    fn log(&self, record: &Record<'_>);
}

/// Writes diagnostics for one component. Cheap to clone; clones share their error count and what they told of
/// [lately](Logger::limited).
#[derive(Clone)]
pub struct Logger(Arc<Inner>);

struct Inner {
    sink: Arc<dyn LogSink>,
    component: Box<str>,
    errors: AtomicU64,
    limits: Mutex<Limits>,
}

impl fmt::Debug for Logger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Logger({})", self.0.component)
    }
}

impl Logger {
    /// A logger for `component` that writes to `sink`.
    #[doc(hidden)]
    pub fn new(sink: Arc<dyn LogSink>, component: &str) -> Self {
        let (errors, limits) = (AtomicU64::new(0), Mutex::default());
        Self(Arc::new(Inner { sink, component: component.into(), errors, limits }))
    }

    /// A logger that throws everything away.
    pub fn none() -> Self {
        struct Nowhere;
        impl LogSink for Nowhere {
            fn enabled(&self, _: Level) -> bool {
                false
            }
            fn log(&self, _: &Record<'_>) {}
        }
        Self::new(Arc::new(Nowhere), "core")
    }

    /// A logger for another component that writes to the same place, with an error count of its own.
    #[doc(hidden)]
    pub fn for_component(&self, component: &str) -> Self {
        Self::new(Arc::clone(&self.0.sink), component)
    }

    /// Whether a record of this level would be written.
    pub fn enabled(&self, level: Level) -> bool {
        self.0.sink.enabled(level)
    }

    /// How many records of level `Error` and above were logged, or held back by a [limit](Logger::limited).
    pub fn errors(&self) -> u64 {
        self.0.errors.load(Ordering::Relaxed)
    }

    /// For a trouble that may last: logs at most one record per `interval` and `cause`, and tells with the next one
    /// how many were held back. In a sample, [`Sample::limited`](crate::Sample::limited) is shorter.
    ///
    /// The cause is what does not change from one record to the next: `"connect"` or the host's name, not the message.
    /// 256 causes are told apart, by their first 200 bytes; more share one limit. A message that is held back is not
    /// even formatted.
    ///
    /// ```
    /// # use scalyr_monitor::prelude::*;
    /// # use std::time::Duration;
    /// # fn look(logger: &Logger, clock: &Clock, error: &str) {
    /// let limited = logger.limited(clock, "connect", Duration::from_secs(300));
    /// limited.coded(Level::Error, "client/unreachable", format_args!("Cannot reach the queue: {error}"));
    /// # }
    /// ```
    pub fn limited<'l>(&'l self, clock: &Clock, cause: &'l str, interval: Duration) -> Limited<'l> {
        Limited { logger: self, cause, interval, now: clock.monotonic() }
    }

    /// Logs a normal event.
    #[track_caller]
    pub fn info(&self, message: impl Display) {
        self.log(Level::Info, None, &message, Location::caller());
    }

    /// Logs something odd that was survived.
    #[track_caller]
    pub fn warn(&self, message: impl Display) {
        self.log(Level::Warning, None, &message, Location::caller());
    }

    /// Logs a failure.
    #[track_caller]
    pub fn error(&self, message: impl Display) {
        self.log(Level::Error, None, &message, Location::caller());
    }

    /// Logs detail that is only written with `debug_level` 1 or more.
    #[track_caller]
    pub fn debug(&self, message: impl Display) {
        self.log(Level::Debug1, None, &message, Location::caller());
    }

    /// Logs at any level, with an error code that is written as `[error="code"]`.
    #[track_caller]
    pub fn coded(&self, level: Level, code: &str, message: impl Display) {
        self.log(level, Some(code), &message, Location::caller());
    }

    /// Logs at any level.
    #[track_caller]
    pub fn at(&self, level: Level, message: impl Display) {
        self.log(level, None, &message, Location::caller());
    }

    fn log(&self, level: Level, code: Option<&str>, message: &dyn Display, place: &'static Location<'static>) {
        self.count(level);
        self.0.write(level, code, message, place);
    }

    fn count(&self, level: Level) {
        if level >= Level::Error {
            self.0.errors.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Inner {
    fn write(&self, level: Level, code: Option<&str>, message: &dyn Display, place: &'static Location<'static>) {
        if self.sink.enabled(level) {
            self.sink.log(&Record { level, component: &self.component, place, code, message });
        }
    }
}

/// What was held back, and had no later record to be told with, is told at the end.
impl Drop for Inner {
    fn drop(&mut self) {
        let untold = self.limits.get_mut().unwrap_or_else(PoisonError::into_inner).untold();
        if untold > 0 {
            let message = format_args!("Repeated messages that were left out: {untold}");
            self.write(Level::Info, None, &message, Location::caller());
        }
    }
}

/// Logs unless the same cause was told of lately; see [`Logger::limited`].
#[must_use = "it logs nothing until one of its methods is called"]
pub struct Limited<'l> {
    logger: &'l Logger,
    cause: &'l str,
    interval: Duration,
    now: Instant,
}

impl Limited<'_> {
    /// As [`Logger::info`].
    #[track_caller]
    pub fn info(&self, message: impl Display) {
        self.log(Level::Info, None, &message, Location::caller());
    }

    /// As [`Logger::warn`].
    #[track_caller]
    pub fn warn(&self, message: impl Display) {
        self.log(Level::Warning, None, &message, Location::caller());
    }

    /// As [`Logger::error`]; counts as an error also when it is held back.
    #[track_caller]
    pub fn error(&self, message: impl Display) {
        self.log(Level::Error, None, &message, Location::caller());
    }

    /// As [`Logger::debug`].
    #[track_caller]
    pub fn debug(&self, message: impl Display) {
        self.log(Level::Debug1, None, &message, Location::caller());
    }

    /// As [`Logger::coded`].
    #[track_caller]
    pub fn coded(&self, level: Level, code: &str, message: impl Display) {
        self.log(level, Some(code), &message, Location::caller());
    }

    /// As [`Logger::at`].
    #[track_caller]
    pub fn at(&self, level: Level, message: impl Display) {
        self.log(level, None, &message, Location::caller());
    }

    fn log(&self, level: Level, code: Option<&str>, message: &dyn Display, place: &'static Location<'static>) {
        self.logger.count(level);
        let inner = &self.logger.0;
        // What would not be written anyway must not hold back what would.
        if !inner.sink.enabled(level) {
            return;
        }
        let taken =
            inner.limits.lock().unwrap_or_else(PoisonError::into_inner).take(self.cause, self.now, self.interval);
        if let Some(held_back) = taken {
            inner.write(level, code, &WithHeldBack { message, held_back }, place);
        }
    }
}

/// A message, and behind it what was held back before it.
struct WithHeldBack<'m> {
    message: &'m dyn Display,
    held_back: HeldBack,
}

impl Display for WithHeldBack<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let HeldBack { same_cause, other_causes, shares } = self.held_back;
        self.message.fmt(f)?;
        if same_cause > 0 {
            write!(f, " ({same_cause} more like this were held back since the last one)")?;
        }
        if other_causes > 0 {
            write!(f, " ({other_causes} of other causes were held back since then)")?;
        }
        if shares {
            write!(f, " (too many causes: this one shares its limit with others)")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    /// Keeps `LEVEL place code message`, of level INFO and above.
    #[derive(Default)]
    struct Told(Mutex<Vec<String>>);

    impl Told {
        fn lines(&self) -> Vec<String> {
            self.0.lock().unwrap().clone()
        }
    }

    impl LogSink for Told {
        fn enabled(&self, level: Level) -> bool {
            level >= Level::Info
        }

        fn log(&self, record: &Record<'_>) {
            let here = if record.place.file() == file!() { "here" } else { "elsewhere" };
            let code = record.code.map_or(String::new(), |code| format!("[{code}] "));
            self.0.lock().unwrap().push(format!("{} {here} {code}{}", record.level, record.message));
        }
    }

    #[test]
    fn a_lasting_trouble_is_told_once_per_interval_with_its_code_and_count() {
        let told = Arc::new(Told::default());
        let logger = Logger::new(Arc::clone(&told) as Arc<dyn LogSink>, "monitor:coin()");
        let clock = Clock::manual(Timestamp::from_millis(0));
        let fail = |times: u32| {
            for turn in 1..=times {
                let limited = logger.limited(&clock, "connect", Duration::from_secs(300));
                limited.coded(Level::Error, "client/unreachable", format_args!("Cannot connect, turn {turn}"));
                clock.advance(Duration::from_secs(60));
            }
        };
        fail(8);
        assert_eq!(
            told.lines(),
            [
                "ERROR here [client/unreachable] Cannot connect, turn 1",
                "ERROR here [client/unreachable] Cannot connect, turn 6 (4 more like this were held back since the last \
                 one)",
            ]
        );
        assert_eq!(logger.errors(), 8, "those that were held back are errors too");
        drop(logger);
        let end = "INFO here Repeated messages that were left out: 2";
        assert_eq!(told.lines()[2..], [end]);
    }

    #[test]
    fn a_debug_record_that_is_not_written_holds_nothing_back() {
        let told = Arc::new(Told::default());
        let logger = Logger::new(Arc::clone(&told) as Arc<dyn LogSink>, "core");
        let clock = Clock::manual(Timestamp::from_millis(0));
        logger.limited(&clock, "a", Duration::from_secs(60)).debug("unseen");
        logger.limited(&clock, "a", Duration::from_secs(60)).warn("seen");
        logger.clone().limited(&clock, "a", Duration::from_secs(60)).info("clones share their limits");
        assert_eq!(told.lines(), ["WARNING here seen"]);
    }
}
