//! Log files that monitors write themselves, beside the metric logs and with the same writers: rotated, shared by path, and
//! never rotated over bytes that are not uploaded yet.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scalyr_monitor::context::{LogRegistry, Opening, rotated_from};
use scalyr_monitor::{About, Appended, Error, LogConfig, LogFile, LogRotation, LogWriter, Result, WhenFull};

use crate::config::own_files::{OwnFiles, normalised};
use crate::config::plan::Rotation;
use crate::logs::RegisteredLogs;
use crate::own_logs::metric_log::{MetricLog, MetricLogs};
use crate::own_logs::rotating_file::WhenHeld;
use crate::own_logs::unsettled::{SharedCopies, Standing};

/// What one monitor instance may do with log files: let them be copied, and write them.
pub struct MonitorFiles {
    /// Lets them be copied.
    pub registered: Arc<RegisteredLogs>,
    /// The writers of all monitors.
    pub logs: Arc<MetricLogs>,
    /// Knows what is uploaded, also of files that are not open.
    pub copies: SharedCopies,
    /// The instance.
    pub monitor: String,
    /// `agent_log_path`.
    pub log_path: PathBuf,
    /// The rotation of its metric log.
    pub rotation: Rotation,
    /// What it must not write to.
    pub own_files: OwnFiles,
}

impl MonitorFiles {
    /// The file that an older one belongs to: `f.log` of `f.log.12`. The name of a file may end in a number as well, as
    /// that of a host does.
    fn newest_of(&self, path: &Path) -> PathBuf {
        let newest = rotated_from(path);
        if self.registered.has(path) || !self.registered.is_listed(&newest) { path.to_owned() } else { newest }
    }
}

impl LogRegistry for MonitorFiles {
    fn register(&self, log: LogConfig) -> Result<()> {
        self.registered.register(log)
    }

    fn update(&self, log: LogConfig) -> Result<()> {
        self.registered.update(log)
    }

    fn withdraw(&self, path: &Path, at_once: bool) -> Result<()> {
        let (whole, short) = (self.log_path.join(path), normalised(&self.log_path.join(path)));
        // What was opened is registered by its shortest path, everything else as it was spelled.
        if short.as_os_str() != whole.as_os_str() {
            self.registered.withdraw(&short, at_once)?;
        }
        self.registered.withdraw(&whole, at_once)
    }

    fn registered(&self) -> Vec<PathBuf> {
        self.registered.registered()
    }

    fn open(&self, log: LogConfig, rotation: LogRotation, how: Opening) -> Result<Option<LogWriter>> {
        let path = normalised(&self.log_path.join(&log.path));
        if let Some(taken) = self.own_files.taken(&path) {
            return Err(Error::new(format!("the log file would be {taken}; choose another one")));
        }
        let rotation = Rotation {
            max_bytes: rotation.max_bytes.unwrap_or(self.rotation.max_bytes),
            backups: rotation.backups.unwrap_or(self.rotation.backups),
        };
        let was_registered = self.registered.has(&path);
        // Before the first line, so that the file is copied from there.
        match how {
            Opening::Always => self.registered.register_file(LogConfig { path: path.clone(), ..log })?,
            Opening::IfListed { first } => {
                if !self.registered.register_listed(LogConfig { path: path.clone(), ..log }, first)? {
                    return Ok(None);
                }
            }
        }
        let file = self.logs.open(&path, rotation, &self.monitor).about(path.display());
        if file.is_err() && !was_registered {
            self.registered.withdraw(&path, false)?;
        }
        let file = file?;
        Ok(Some(LogWriter::new(Box::new(MonitorFile(file)))))
    }

    fn remove(&self, path: &Path) -> Result<bool> {
        let path = normalised(&self.log_path.join(path));
        if let Some(taken) = self.own_files.taken(&path) {
            return Err(Error::new(format!("not removed: {taken}")));
        }
        let newest = self.newest_of(&path);
        if !self.registered.is_listed(&newest) {
            let path = path.display();
            return Err(Error::new(format!(
                "{path} is not removed: no entry of `logs` matches it, so it may be another's"
            )));
        }
        match fs::symlink_metadata(&path) {
            Ok(found) if !found.is_file() => {
                return Err(Error::new(format!("{} is not removed: it is no file", path.display())));
            }
            Ok(found) => {
                if let Standing::Unsettled(_) = self.copies.standing(found.dev(), found.ino(), found.len()) {
                    return Ok(false);
                }
                fs::remove_file(&path).about(path.display())?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).about(path.display()),
        }
        if newest == path {
            self.registered.withdraw(&path, false)?;
        }
        Ok(true)
    }

    fn folder(&self) -> PathBuf {
        self.log_path.clone()
    }
}

struct MonitorFile(Arc<MetricLog>);

impl LogFile for MonitorFile {
    fn append(&mut self, lines: &[u8], when_full: WhenFull) -> Appended {
        let when_held = match when_full {
            WhenFull::Leave => WhenHeld::Leave,
            WhenFull::Grow => WhenHeld::Grow,
        };
        self.0.append(lines, when_held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_file_has_a_number_behind_its_name() {
        for (path, newest) in
            [("/l/a.log.1", "/l/a.log"), ("/l/a.log", "/l/a.log"), ("/l/a", "/l/a"), ("/l/a.x1", "/l/a.x1")]
        {
            assert_eq!(rotated_from(Path::new(path)), Path::new(newest));
        }
    }
}
