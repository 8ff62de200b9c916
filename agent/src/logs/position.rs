//! Where copying of a file goes on after a restart.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

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
}
