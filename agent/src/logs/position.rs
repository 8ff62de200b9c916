//! Where copying of a file goes on after a restart.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::follower;
use crate::ledger::{Account, Identity, Offset, Sequence, WorkerId};

/// The position of one file, as it is kept on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The worker that the file is sent to.
    pub worker: WorkerId,
    /// The path it was found under.
    pub path: PathBuf,
    /// What it is recognised by, also under another name.
    pub identity: Identity,
    /// Everything before is settled.
    pub settled: Offset,
    /// How its events are numbered.
    pub sequence: Sequence,
}

impl Position {
    /// The position that an account stands at.
    pub fn of(account: &Account) -> Self {
        Self {
            worker: account.worker.clone(),
            path: account.path.clone(),
            identity: account.identity(),
            settled: account.settled(),
            sequence: account.sequence.clone(),
        }
    }

    /// Finds the file that was recorded: at its path, or renamed within the same directory. With it comes the path
    /// where it was found.
    ///
    /// # Errors
    /// When the directory or a file in it cannot be read.
    pub fn find(&self) -> io::Result<Option<(File, Metadata, PathBuf)>> {
        if let Some((file, metadata)) = self.open_if_same(&self.path)? {
            return Ok(Some((file, metadata, self.path.clone())));
        }
        // A rotation happens where the file lies, which a symbolic link only points to.
        let target = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let Some(directory) = target.parent() else { return Ok(None) };
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let same_inode = |metadata: Metadata| metadata.is_file() && self.identity.has_inode(&metadata);
            if entry.metadata().is_ok_and(same_inode)
                && let Some((file, metadata)) = self.open_if_same(&entry.path())?
            {
                return Ok(Some((file, metadata, entry.path())));
            }
        }
        Ok(None)
    }

    fn open_if_same(&self, path: &Path) -> io::Result<Option<(File, Metadata)>> {
        match follower::open(path) {
            Ok((file, metadata)) => Ok(self.identity.is(&file, &metadata)?.then_some((file, metadata))),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidInput) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
