//! A record: what grouping and parsing make of source bytes, before sampling and redaction.

use std::ops::Range;

use scalyr_monitor::Timestamp;

use super::RuleCounts;
use crate::ledger::Offset;

/// One record. Ranges point into the arena.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// The message: a piece of the source, or appended behind it.
    pub(super) message: Range<u32>,
    /// Attributes of its own, as the inside of a JSON object; empty when it has none.
    pub(super) attributes: Range<u32>,
    /// Its own time, when it brings one.
    pub(super) time: Option<Timestamp>,
    /// Where its source bytes end. They begin where those of the record before end.
    pub(super) end: Offset,
    /// What was counted on the way to it.
    pub(super) told: RuleCounts,
}
