//! What is made of one window, before the rules: records, and the bytes that are not in the source as they stand.

use std::ops::Range;

use scalyr_monitor::Timestamp;

use super::record::Record;
use super::{RuleCounts, Window};

/// Reused from one window to the next.
#[derive(Debug, Default)]
pub(super) struct Made {
    /// The records, in the order of their events.
    pub(super) records: Vec<Record>,
    /// Runs of records whose source bytes lie in one another: none of them is settled before all are.
    pub(super) together: Vec<Range<usize>>,
    /// To be appended to the source; ranges count from its beginning.
    pub(super) bytes: Vec<u8>,
    /// How many source bytes there are.
    pub(super) source: usize,
    /// What was counted.
    pub(super) told: RuleCounts,
    /// What was counted when the last record was added.
    told_before: RuleCounts,
}

/// What is kept from one window to the next: there may be thousands of files.
const KEPT_RECORDS: usize = 256;
const KEPT_BYTES: usize = 16 << 10;

/// A state to go back to, when a record turns out to be incomplete.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    records: usize,
    bytes: usize,
    told: RuleCounts,
}

impl Made {
    /// Empties it for a window with so many source bytes.
    pub(super) fn begin(&mut self, source: usize) {
        self.records.clear();
        self.together.clear();
        self.bytes.clear();
        self.source = source;
        (self.told, self.told_before) = (RuleCounts::default(), RuleCounts::default());
    }

    /// Gives back the memory that an ordinary window does not need.
    pub(super) fn end(&mut self) {
        self.records.clear();
        self.together.clear();
        self.bytes.clear();
        self.records.shrink_to(KEPT_RECORDS);
        self.together.shrink_to(KEPT_RECORDS);
        self.bytes.shrink_to(KEPT_BYTES);
    }

    /// Where it stands, though with what was counted at an earlier place.
    pub(super) fn mark_with_counts_of(&self, before: Mark) -> Mark {
        Mark { told: before.told, ..self.mark() }
    }

    /// Where it stands.
    pub(super) fn mark(&self) -> Mark {
        Mark { records: self.records.len(), bytes: self.bytes.len(), told: self.told }
    }

    /// Forgets what came since.
    pub(super) fn go_back(&mut self, mark: Mark) {
        self.records.truncate(mark.records);
        self.bytes.truncate(mark.bytes);
        self.told = mark.told;
    }

    /// The records since then belong together.
    pub(super) fn bind(&mut self, mark: Mark) {
        if self.records.len() > mark.records + 1 {
            self.together.push(mark.records..self.records.len());
        }
    }

    /// Where the next byte that is made will stand.
    pub(super) fn place(&self) -> usize {
        self.source + self.bytes.len()
    }

    /// Appends what `write` writes; where it stands.
    pub(super) fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Range<usize> {
        let begin = self.place();
        write(&mut self.bytes);
        begin..self.place()
    }

    /// Adds a record whose source bytes end at `end` of the window.
    pub(super) fn push(
        &mut self,
        window: Window,
        end: usize,
        message: Range<usize>,
        attributes: Range<usize>,
        time: Option<Timestamp>,
    ) {
        let range = |range: Range<usize>| place(range.start)..place(range.end);
        let end = window.at.plus(end as u64);
        let told = self.told.since(self.told_before);
        self.told_before = self.told;
        self.records.push(Record { message: range(message), attributes: range(attributes), time, end, told });
    }
}

/// A window has far fewer bytes than 4 GiB (`window_bytes`).
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
