//! Log files that a monitor writes itself, and the agent copies: received text, as it came.

use std::io;

/// When such a file is rotated. What is not given is as for the monitor's metric log: `log_rotation_max_bytes` and
/// `log_rotation_backup_count`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogRotation {
    /// Before a line would bring the file to so many bytes; 0: never.
    pub max_bytes: Option<u64>,
    /// So many rotated files are kept.
    pub backups: Option<u32>,
}

/// What is to become of lines that belong behind a rotation which would remove bytes that are not uploaded yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// They are not written, and whoever has them keeps them and tries again: [`Obstacle::Full`].
    Leave,
    /// They are written, and the file grows: for the last lines of a monitor that stops.
    Grow,
}

/// What became of lines.
#[derive(Debug)]
#[must_use = "what was not written has to be kept, or counted as lost"]
pub struct Appended {
    /// So many bytes from the beginning are in the file: whole lines.
    pub written: usize,
    /// Why the others are not; none when all are.
    pub obstacle: Option<Obstacle>,
}

/// Why lines were not written.
#[derive(Debug)]
pub enum Obstacle {
    /// The file is full, and so many bytes of the oldest rotated one are not uploaded yet; with 0 the agent has to open the
    /// file first, which takes a moment.
    Full {
        /// Bytes that a rotation would remove before they are uploaded.
        unsettled: u64,
    },
    /// The system refuses, because the disk is full, for example.
    Failed(io::Error),
}

/// Takes the lines; implemented by the agent.
#[doc(hidden)]
pub trait LogFile: Send {
    /// See [`LogWriter::append`].
    fn append(&mut self, lines: &[u8], when_full: WhenFull) -> Appended;
}

/// A log file that a monitor writes; see [`LogFiles::open`](crate::LogFiles::open). It is closed when this is dropped, and
/// goes on being copied.
pub struct LogWriter(Box<dyn LogFile>);

impl LogWriter {
    /// A writer of this file.
    #[doc(hidden)]
    pub fn new(file: Box<dyn LogFile>) -> Self {
        Self(file)
    }

    /// Appends whole lines, each with its line end, in one call of the system, or two around a rotation. What is reported as
    /// written was taken by the system: it survives the end of the process. A rotation never removes what is not uploaded.
    ///
    /// ```
    /// use scalyr_monitor::{LogWriter, Obstacle, WhenFull};
    ///
    /// fn write(log: &mut LogWriter, lines: &mut Vec<u8>) {
    ///     let appended = log.append(lines, WhenFull::Leave);
    ///     lines.drain(..appended.written);
    ///     if let Some(Obstacle::Failed(error)) = appended.obstacle {
    ///         // Tell of it, take no more from the senders, and try again in a second.
    /// #       let _ = error;
    ///     }
    /// }
    /// ```
    pub fn append(&mut self, lines: &[u8], when_full: WhenFull) -> Appended {
        self.0.append(lines, when_full)
    }
}
