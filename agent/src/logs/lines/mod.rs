//! Source bytes into events: lines are put together, taken apart, sampled and redacted (`log-copying.md` sections 5 to 8).
//!
//! One principle for everything that is longer than a line: a record that is not complete yet (an unfinished line, an open
//! group, the first parts of a container line) stays in the file. The position waits at its first byte, and it is read
//! again when the file has grown, so that a restart between its parts loses and repeats nothing.

mod cut;
mod record;
mod rules;

use scalyr_monitor::Timestamp;

use self::record::Record;
use self::rules::Rules;
pub(super) use self::rules::substitute;
use super::batch::{BATCH_BYTES, Event};
use crate::config::line_plan::{LineFormat, SharedLinePlan};
use crate::config::plan::TailPlan;
use crate::ledger::{Offset, Segment, Verdict};

/// What of a file lies in the arena.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Where in the file the arena's first byte stands.
    pub at: Offset,
    /// Whether the record at the beginning, which is not complete, is taken as it stands: it has waited long enough, or
    /// nothing more will come.
    pub flush: bool,
    /// When the bytes were read: the time of events that bring none.
    pub now: Timestamp,
}

/// What was made of a window.
#[derive(Debug, Default)]
pub struct Taken {
    /// How many source bytes were taken; the rest is to be read again.
    pub bytes: usize,
    /// The events, in source order; their ranges point into the arena.
    pub events: Vec<Event>,
    /// What becomes of the bytes that were taken: contiguous from the beginning of the window to their end.
    pub segments: Vec<Segment>,
    /// What the rules did.
    pub told: RuleCounts,
}

/// What the rules of an entry did to lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleCounts {
    /// Lines with at least one replacement.
    pub redacted: u64,
    /// Lines that a rule failed at (its search took too many steps).
    pub failed: u64,
    /// Lines that are not in the format which the entry says, and were sent as they are.
    pub unparsed: u64,
}

/// The line rules of one followed file.
#[derive(Debug)]
pub struct Lines {
    plan: SharedLinePlan,
    rules: Rules,
}

impl Lines {
    /// For a file of this entry. `sequence` is the id of its events' sequence: sampling decides the same about a line that
    /// is read again.
    pub fn new(plan: SharedLinePlan, sequence: &str) -> Self {
        Self { rules: Rules::new(&plan, sequence), plan }
    }

    /// How many bytes are read at a time: enough for the longest record and the byte behind it.
    pub fn window_bytes(&self, tail: &TailPlan) -> usize {
        let longest = match self.plan.format {
            LineFormat::Raw => tail.max_line_size,
            LineFormat::Json { .. } | LineFormat::Cri => tail.max_line_size.max(tail.max_record_size),
        };
        BATCH_BYTES.max(longest.saturating_add(1))
    }

    /// Takes what is complete. `arena` holds source bytes only; what is made of them is appended to it.
    pub fn take(&mut self, arena: &mut Vec<u8>, window: Window, tail: &TailPlan) -> Taken {
        if self.plan.is_raw() {
            return take_raw(arena, window, tail);
        }
        let mut taken = Taken::default();
        let Self { rules, .. } = self;
        taken.bytes = cut::cut(&arena.clone(), tail.max_line_size, window.flush, |range| {
            let end = window.at.plus(range.end as u64);
            let record = Record { message: range.start as u32..range.end as u32, attributes: 0..0, time: None, end };
            rules.apply(arena, &record, tail, &mut taken);
        });
        taken
    }
}

/// The hot path: nothing is copied, one segment for all.
fn take_raw(arena: &[u8], window: Window, tail: &TailPlan) -> Taken {
    let mut events = Vec::with_capacity(arena.len() / 64);
    let bytes = cut::cut(arena, tail.max_line_size, window.flush, |range| {
        let (message, end) = (range.start as u32..range.end as u32, window.at.plus(range.end as u64));
        events.push(Event { message, attributes: 0..0, time: None, end, number: end });
    });
    let end = window.at.plus(bytes as u64);
    let segment = Segment { end, lines: events.len() as u64, verdict: Verdict::Send };
    let segments = if bytes > 0 { vec![segment] } else { Vec::new() };
    Taken { bytes, events, segments, told: RuleCounts::default() }
}
