//! Where copying of a file begins that has no position.

use std::fs;
use std::io;
use std::path::Path;

use scalyr_monitor::Timestamp;

use super::unseen;
use crate::ledger::Offset;

/// Where copying of a file without a position begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// At its first byte: it is new, or the entry says so.
    Start,
    /// At the end that it has now.
    End,
    /// At this byte, or at its end when it is shorter (the agent's own log: the size it had when the agent started).
    At(Offset),
}

/// Where files begin that are found when their entry is added and that have no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// At their first byte.
    Start,
    /// At the end that they have now.
    End,
    /// At their first byte if they came since the run before, which had the entry too.
    StartIfNew,
}

impl First {
    /// Where the file begins that stands at `path` now; files created after `unseen_since` may not have been seen by
    /// the run before.
    pub fn of(self, path: &Path, unseen_since: Option<Timestamp>) -> Begin {
        match self {
            Self::Start => Begin::Start,
            // The end that it has now, also when it can only be opened later.
            Self::End => end_of(path),
            Self::StartIfNew => begin_of_known(path, unseen_since),
        }
    }
}

/// Where a file without a position begins whose entry the run before had, too: at its first byte if it came since that
/// run, and otherwise at its end, because it was there and could not be opened, or its position was lost.
fn begin_of_known(path: &Path, unseen_since: Option<Timestamp>) -> Begin {
    let created = fs::metadata(path).ok().and_then(|metadata| unseen::created(&metadata));
    match (created, unseen_since) {
        (Some(created), Some(since)) if created < unseen::not_before(since) => end_of(path),
        _ => Begin::Start,
    }
}

fn end_of(path: &Path) -> Begin {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Begin::At(Offset(metadata.len())),
        // What comes in the place of a directory is new.
        Ok(_) => Begin::Start,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Begin::Start,
        Err(_) => Begin::End,
    }
}
