//! Metric logs: one writer per path, a limit per monitor instance (`monitor-framework.md` section 15).

mod instance;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use scalyr_monitor::{Appended, Logger, Obstacle, Stop};

use crate::config::own_files::normalised;
use crate::config::plan::Rotation;
use crate::own_logs::rotating_file::{Held, RotatingFile, WhenHeld, Written};
use crate::own_logs::unsettled::SharedCopies;

pub use instance::{InstanceLog, MetricOutput};

/// How often a writer looks whether the rotation that holds it up may go on.
const HELD_LOOK: Duration = Duration::from_millis(50);

/// The metric logs that are open.
pub struct MetricLogs {
    open: Mutex<HashMap<PathBuf, Weak<MetricLog>>>,
    logger: Logger,
    copies: Option<SharedCopies>,
}

impl MetricLogs {
    /// None yet. Failures of writing are reported through `logger`.
    pub fn new(logger: Logger) -> Self {
        Self { open: Mutex::default(), logger, copies: None }
    }

    /// The same, with rotations that never remove bytes which `copies` says have no outcome yet: whoever writes is held
    /// up meanwhile.
    pub fn guarded(logger: Logger, copies: SharedCopies) -> Self {
        Self { copies: Some(copies), ..Self::new(logger) }
    }

    /// The writer of the file at `path`, shared by all who ask for it. The rotation is that of the first `owner`, also
    /// when it asks again, as after a change of the configuration; another one that asks for something else is told so.
    /// The file is closed when the last of them is gone.
    ///
    /// # Errors
    /// When the file cannot be opened or created.
    pub fn open(&self, path: &Path, rotation: Rotation, owner: &str) -> io::Result<Arc<MetricLog>> {
        // Two spellings of one file must not get two writers.
        let path = normalised(path);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(log) = open.get(&path).and_then(Weak::upgrade) {
            let first = log.rotate_for(owner, rotation);
            if first != rotation {
                self.logger.warn(format_args!(
                    "{} is written by several monitors and rotated as the first of them says (log_rotation_max_bytes {}, \
                     log_rotation_backup_count {}); another one asked for {} and {}",
                    path.display(),
                    first.max_bytes,
                    first.backups,
                    rotation.max_bytes,
                    rotation.backups
                ));
            }
            return Ok(log);
        }
        let mut file = RotatingFile::open(&path, rotation)?;
        if let Some(copies) = &self.copies {
            file.guard(copies.clone());
        }
        let log = Arc::new(MetricLog {
            path: path.clone(),
            owner: owner.to_owned(),
            file: Mutex::new(Guarded { file, lost_lines: 0, trouble: Trouble::None }),
            logger: self.logger.clone(),
        });
        open.retain(|_, log| log.strong_count() > 0);
        open.insert(path, Arc::downgrade(&log));
        Ok(log)
    }
}

/// The writer of one metric log.
pub struct MetricLog {
    path: PathBuf,
    /// The first who opened it.
    owner: String,
    file: Mutex<Guarded>,
    logger: Logger,
}

struct Guarded {
    file: RotatingFile,
    /// Since the last write that went well.
    lost_lines: u64,
    trouble: Trouble,
}

/// What was reported last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    None,
    Rotating,
    Writing,
}

impl MetricLog {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The rotation in force, which is what `owner` wants if it was the first who opened the file.
    fn rotate_for(&self, owner: &str, rotation: Rotation) -> Rotation {
        let mut guarded = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if self.owner == owner {
            guarded.file.set_rotation(rotation);
        }
        guarded.file.rotation()
    }

    /// Writes whole lines, each with its line end; tells how many were lost. As long as a rotation is held back, it waits,
    /// without the lock, until `hurry`: then the file grows beyond its size. `held` is told.
    fn write(&self, text: &[u8], hurry: &Stop, mut held: impl FnMut(Option<Held>)) -> u64 {
        let (mut rest, mut lost) = (text, 0);
        loop {
            let when_held = if hurry.is_stopped() { WhenHeld::Grow } else { WhenHeld::Leave };
            let written = self.write_now(rest, when_held);
            lost += written.lost_lines;
            // That it waits for a moment is not worth a word.
            held(written.held.filter(|held| held.left > 0 && held.unsettled > 0));
            match written.held {
                Some(Held { left, .. }) if left > 0 => rest = rest.get(rest.len() - left..).unwrap_or_default(),
                _ => return lost,
            }
            hurry.wait(HELD_LOOK);
        }
    }

    /// Writes whole lines as far as it can be done now, and loses none: what is not written is the caller's. Of a rotation
    /// that fails it tells itself, once; of writing, its caller.
    pub(crate) fn append(&self, lines: &[u8], when_held: WhenHeld) -> Appended {
        let (written, before, now) = {
            let mut guarded = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            let written = guarded.file.write_lines(lines, when_held);
            let is_rotating = written.trouble.is_some() && written.left == 0;
            let now = if is_rotating { Trouble::Rotating } else { Trouble::None };
            (written, std::mem::replace(&mut guarded.trouble, now), now)
        };
        let taken = lines.len() - written.left.min(lines.len());
        let obstacle = match (written.trouble, written.held) {
            (Some(error), _) if now == Trouble::Rotating => {
                self.report(now, before, 0, Some(error));
                None
            }
            (Some(error), _) => Some(Obstacle::Failed(error)),
            (None, Some(held)) if held.left > 0 => Some(Obstacle::Full { unsettled: held.unsettled }),
            (None, _) => None,
        };
        Appended { written: taken, obstacle }
    }

    /// Trouble is reported once, and its end.
    fn write_now(&self, text: &[u8], when_held: WhenHeld) -> Written {
        let (mut written, now, before, lost_before) = {
            let mut guarded = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            let written = guarded.file.write_lines(text, when_held);
            let now = match &written {
                Written { trouble: None, .. } => Trouble::None,
                Written { lost_lines: 0, .. } => Trouble::Rotating,
                Written { .. } => Trouble::Writing,
            };
            let before = std::mem::replace(&mut guarded.trouble, now);
            let lost_before = guarded.lost_lines;
            guarded.lost_lines = if now == Trouble::Writing { lost_before + written.lost_lines } else { 0 };
            (written, now, before, lost_before)
        };
        self.report(now, before, lost_before, written.trouble.take());
        written
    }

    fn report(&self, now: Trouble, before: Trouble, lost_before: u64, error: Option<io::Error>) {
        let path = self.path.display();
        if before == Trouble::Writing && now < before {
            self.logger.info(format_args!("{path} can be written again; {lost_before} lines were lost"));
        }
        match error {
            Some(error) if now == Trouble::Rotating && before != now => {
                self.logger.error(format_args!("Cannot rotate {path}, so it grows: {error}"));
            }
            Some(error) if now == Trouble::Writing && before != now => self.logger.error(format_args!(
                "Cannot write to {path}: {error}. Metric lines are lost, and counted, until this is mended"
            )),
            _ => {}
        }
    }
}
