//! The channel's item: lines of one file with the source range that they settle.

use std::ops::Range;
use std::sync::Arc;

use scalyr_monitor::Timestamp;

use crate::ledger::{Claim, Offset, Segment};

/// How many bytes of lines a batch holds at most, unless a single line is longer.
pub const BATCH_BYTES: usize = 128 * 1024;

/// How many events and segments a batch holds at most, unless a single record comes to more: also where lines are empty,
/// their events take less memory than the bytes of a full batch. A power of two, so that no list grows beyond it.
pub const BATCH_EVENTS: usize = 2048;

const _: () = assert!(BATCH_EVENTS * size_of::<Event>() < BATCH_BYTES);

/// What all events of a log file have in common on the wire; made once per file, shared by its batches.
#[derive(Debug, PartialEq, Eq)]
pub struct LogDescription {
    /// Attributes of the file (`parser`, `logfile`, configured ones), as one JSON object.
    pub attributes: String,
    /// The path as the server shows it.
    pub path: String,
}

/// One event: ranges into the batch's arena.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The message, with its line end when it has one.
    pub message: Range<u32>,
    /// Attributes of its own, as the inside of a JSON object (`"stream":"stdout"`); empty when it has none.
    pub attributes: Range<u32>,
    /// Its own time, when the line carries one; otherwise the batch's.
    pub time: Option<Timestamp>,
    /// Where its source bytes end; several events of one record end together.
    pub end: Offset,
    /// What its `sn` is made of: where it ends, for pieces of one record a place before that, so that numbers grow.
    pub number: Offset,
}

/// Lines of one file, read in one go. An empty batch still settles its segments.
#[derive(Debug)]
pub struct Batch {
    /// The account whose bytes this batch settles, as long as nobody takes them back.
    pub account: Claim,
    /// What its events have in common.
    pub log: Arc<LogDescription>,
    /// When the bytes were read.
    pub time: Timestamp,
    /// The bytes that the events point into.
    pub arena: Vec<u8>,
    /// The events, in source order.
    pub events: Vec<Event>,
    /// The source ranges that this batch settles, contiguous and in order. Events lie in `Verdict::Send` ones.
    pub segments: Vec<Segment>,
}

impl Batch {
    /// Its memory, for the next one, when it was packed; `None` when that is too much to be kept.
    pub fn into_blank(self) -> Option<Blank> {
        let Self { mut arena, mut events, mut segments, .. } = self;
        arena.clear();
        events.clear();
        segments.clear();
        let is_usual = arena.capacity() <= 2 * BATCH_BYTES
            && events.capacity() <= 2 * BATCH_EVENTS
            && segments.capacity() <= 2 * BATCH_EVENTS;
        is_usual.then_some(Blank { arena, events, segments })
    }
}

/// The memory of a batch that is to be read: made once, and used again when the batch was packed.
#[derive(Debug, Default)]
pub struct Blank {
    /// For the lines.
    pub arena: Vec<u8>,
    /// For the events.
    pub events: Vec<Event>,
    /// For the segments.
    pub segments: Vec<Segment>,
}

impl Blank {
    /// With room for the lines of a full batch; that for events grows with the first ones.
    pub fn new() -> Self {
        Self { arena: Vec::with_capacity(BATCH_BYTES), ..Self::default() }
    }
}
