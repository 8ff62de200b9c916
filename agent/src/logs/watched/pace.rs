//! What the tail stage asks in order to know how often a path is to be looked at.

use std::time::Duration;

use super::Watched;

impl Watched {
    /// Whether it has more to it than the file that stands at its path, so that the notices of that path do not tell all:
    /// renamed and deleted files that are read to their end, a name of another path's file, positions to be taken up.
    pub fn is_unsettled(&self) -> bool {
        !self.older.is_empty()
            || self.gone_since.is_some()
            || self.alias.is_some()
            || self.copy.is_some()
            || !self.unresolved.is_empty()
    }

    /// Whether it has a descriptor that it gives back when it is quiet.
    pub fn holds_descriptor(&self) -> bool {
        self.current.as_ref().is_some_and(|current| !current.is_resting())
    }

    /// Whether it has a file that stands at its path and cannot be opened, or opened again.
    pub fn waits_to_open(&self) -> bool {
        self.trouble.is_some() && !self.holds_descriptor()
    }

    /// The least time between two looks.
    pub fn scan_interval(&self) -> Option<Duration> {
        self.copying.scan_interval
    }
}
