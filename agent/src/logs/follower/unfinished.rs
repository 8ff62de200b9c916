//! The clock of a line whose end is not there yet.

use std::time::{Duration, Instant};

use crate::ledger::Offset;

/// An unfinished line: since when it waits for its end, and the size of the file at which it was looked at.
#[derive(Debug)]
pub(super) struct Unfinished {
    pub(super) at: Offset,
    pub(super) since: Instant,
    pub(super) size: u64,
    /// Its time has come.
    pub(super) due: bool,
}

impl Unfinished {
    /// The clock of an unfinished line of so many bytes at `at`: it starts when the line is first seen, and not again
    /// when it grows.
    pub(super) fn noted(before: Option<&Self>, at: Offset, bytes: usize, now: Instant) -> Option<Self> {
        let size = at.plus(bytes as u64).0;
        (bytes > 0).then(|| match before {
            Some(before) if before.at == at => Self { at, since: before.since, size, due: before.due },
            _ => Self { at, since: now, size, due: false },
        })
    }

    /// Whether it has waited `wait` long.
    pub(super) fn check(&mut self, now: Instant, wait: Duration) -> bool {
        self.due = now.saturating_duration_since(self.since) >= wait;
        self.due
    }
}
