//! Diagnostics: lines for the agent log, each with its level, component, place in the source and optional error code.

use std::fmt::{self, Display};
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
pub trait LogSink: Send + Sync {
    /// Whether a record of this level would be written; lets a caller skip building a costly message.
    fn enabled(&self, level: Level) -> bool;

    /// Writes one record.
    fn log(&self, record: &Record<'_>);
}

/// Writes diagnostics for one component. Cheap to clone; clones share their error count.
#[derive(Clone)]
pub struct Logger {
    sink: Arc<dyn LogSink>,
    component: Arc<str>,
    errors: Arc<AtomicU64>,
}

impl fmt::Debug for Logger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Logger({})", self.component)
    }
}

impl Logger {
    /// A logger for `component` that writes to `sink`.
    pub fn new(sink: Arc<dyn LogSink>, component: &str) -> Self {
        Self { sink, component: component.into(), errors: Arc::default() }
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
    pub fn for_component(&self, component: &str) -> Self {
        Self::new(Arc::clone(&self.sink), component)
    }

    /// Whether a record of this level would be written.
    pub fn enabled(&self, level: Level) -> bool {
        self.sink.enabled(level)
    }

    /// How many records of level `Error` and above were logged.
    pub fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
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
        if level >= Level::Error {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
        if self.sink.enabled(level) {
            self.sink.log(&Record { level, component: &self.component, place, code, message });
        }
    }
}
