//! Log files that a monitor writes itself: for lines that are nobody's metrics.

use std::sync::Arc;

use crate::stop::Stop;

/// How a log file is rotated by its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRotation {
    /// The size, in bytes, that the file does not reach; 0 = it is never rotated.
    pub max_bytes: u64,
    /// How many older files are kept.
    pub backups: u32,
}

/// Takes the lines of one file; implemented by the agent.
#[doc(hidden)]
pub trait LineOutput: Send + Sync {
    /// See [`WrittenLog::write`].
    fn write(&self, lines: &str, stop: &Stop) -> u64;
}

/// A log file that the monitor writes; see [`LogFiles::open`](crate::LogFiles::open). Cheap to clone.
#[derive(Clone)]
pub struct WrittenLog(Arc<dyn LineOutput>);

impl WrittenLog {
    /// A handle onto the agent's writer.
    #[doc(hidden)]
    pub fn new(output: Arc<dyn LineOutput>) -> Self {
        Self(output)
    }

    /// Appends whole lines, each with its line end. Tells how many of them, always the last ones, could not be written,
    /// because the disk is full for example; that was logged, and whoever still has them may try again.
    ///
    /// No rotation removes what is not uploaded yet: as long as the oldest file is not, this waits, and with it whatever
    /// the lines come from. Once `stop` is asked to stop it waits no longer, and the file grows beyond its size.
    #[must_use = "lines that were not written have to be written again, or counted"]
    pub fn write(&self, lines: &str, stop: &Stop) -> u64 {
        self.0.write(lines, stop)
    }
}
