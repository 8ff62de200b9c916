//! The units of a window, one after the other.

use std::ops::Range;

use super::group::{Groups, Source, Unit};
use super::made::Made;

/// Walks over a window.
pub(super) struct Units<'a> {
    /// How units are found.
    pub(super) groups: &'a mut Groups,
    /// The bytes of the window.
    pub(super) source: Source<'a>,
    /// Where the next unit begins.
    pub(super) at: usize,
    /// The record at the beginning of the window is taken as it stands.
    pub(super) flush: bool,
    /// The window holds as many bytes as one ever does.
    pub(super) full: bool,
}

impl Units<'_> {
    /// The next unit, unless its end is not there yet. Only the one at the beginning of the window is taken as it
    /// stands: those behind it have waiting times of their own.
    pub(super) fn next(&mut self, made: &mut Made) -> Option<Range<usize>> {
        let (at, failed) = (self.at, made.told.failed);
        let last = self.flush && at == 0;
        match self.groups.next(self.source, at, last, &mut made.told.failed) {
            Unit::Complete(end) => {
                self.at = end;
                Some(at..end)
            }
            Unit::TooLong | Unit::Open => {
                // It is looked at again, and counted then.
                made.told.failed = failed;
                None
            }
        }
    }

    /// Whether a record that is open since the beginning of the window will not be seen any more complete than now.
    pub(super) fn are_final(&self) -> bool {
        self.flush || self.full
    }
}
