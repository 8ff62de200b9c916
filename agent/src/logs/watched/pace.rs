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

    /// The least time between two looks.
    pub fn scan_interval(&self) -> Option<Duration> {
        self.copying.scan_interval
    }
}
