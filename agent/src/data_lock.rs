//! One agent per data directory: a lock that the kernel lets go of when the process ends, however it ends.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use rustix::fs::FlockOperation;

use crate::service::plain_file;

/// The lock's file in the data directory.
pub const FILE_NAME: &str = "agent.lock";

/// Held while this process may write positions in the data directory.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

/// Why the data directory cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another agent has it.
    #[error("another agent{} already works with {path}; two agents would send every line twice", of_process(.pid))]
    Taken {
        /// The data directory.
        path: String,
        /// The other agent's process, when it could be read.
        pid: Option<u32>,
    },
    /// The lock file cannot be made or locked.
    #[error("{path}/agent.lock: {error}; the agent must be able to write in its data directory (agent_data_path)")]
    Failed {
        /// The data directory.
        path: String,
        /// Why.
        error: io::Error,
    },
}

fn of_process(pid: &Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

impl DataLock {
    /// Takes the data directory for this process.
    ///
    /// # Errors
    /// When another agent has it, or the lock file cannot be made.
    pub fn take(data_path: &Path) -> Result<Self, LockError> {
        let path = data_path.display().to_string();
        let failed = |error| LockError::Failed { path: path.clone(), error };
        let lock = data_path.join(FILE_NAME);
        let mut file = plain_file::open_or_make(&lock).map_err(failed)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut text = String::new();
                _ = (&file).take(32).read_to_string(&mut text);
                return Err(LockError::Taken { path, pid: text.trim().parse().ok() });
            }
            Err(error) => return Err(failed(error.into())),
        }
        let written = file.set_len(0).and_then(|()| file.rewind());
        written.and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// The process that holds a lock of an agent, by the number in the locked file; 0 when it cannot be read. None when nobody
/// holds it, whatever the file says: that may have been left behind.
///
/// # Errors
/// When the file is there and cannot be looked at.
pub fn holder(lock: &Path) -> io::Result<Option<u32>> {
    let mut file = match plain_file::open(lock) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        opened => opened?,
    };
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(None),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let mut text = String::new();
            _ = Read::by_ref(&mut file).take(32).read_to_string(&mut text);
            Ok(Some(text.split_whitespace().next().and_then(|pid| pid.parse().ok()).unwrap_or_default()))
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_in_the_place_of_the_lock_costs_nobody_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let precious = directory.path().join("precious");
        std::fs::write(&precious, "precious").unwrap();
        let lock = directory.path().join(FILE_NAME);
        std::os::unix::fs::symlink(&precious, &lock).unwrap();
        let error = DataLock::take(directory.path()).unwrap_err().to_string();
        assert!(error.contains("it is a link"), "{error}");
        std::fs::remove_file(&lock).unwrap();
        std::fs::hard_link(&precious, &lock).unwrap();
        DataLock::take(directory.path()).unwrap_err();
        assert_eq!(std::fs::read(&precious).unwrap(), b"precious");
    }

    #[test]
    fn a_second_agent_is_refused_and_told_who_has_it() {
        let directory = tempfile::tempdir().unwrap();
        let first = DataLock::take(directory.path()).unwrap();
        let error = DataLock::take(directory.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        let lock = directory.path().join(FILE_NAME);
        assert_eq!(holder(&lock).unwrap(), Some(std::process::id()));
        drop(first);
        assert_eq!(holder(&lock).unwrap(), None, "a file that was left behind is no agent");
        assert_eq!(holder(&directory.path().join("none")).unwrap(), None);
        DataLock::take(directory.path()).unwrap();
    }
}
