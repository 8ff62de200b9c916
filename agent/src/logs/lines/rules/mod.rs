//! Sampling and redaction of records, and their way into events.

mod budget;
mod text;

#[expect(unused_imports, reason = "groupers search with it")]
pub(super) use self::budget::{GaveUp, Searcher};
use super::Taken;
use super::record::Record;
use crate::config::line_plan::SharedLinePlan;
use crate::config::plan::TailPlan;
use crate::ledger::{Segment, Verdict};
use crate::logs::batch::Event;

/// The rules of one file.
#[derive(Debug)]
pub(super) struct Rules {}

impl Rules {
    /// Those of an entry.
    pub(super) fn new(_plan: &SharedLinePlan) -> Self {
        Self {}
    }

    /// Makes events of a record, or leaves it out, and says what becomes of its bytes.
    pub(super) fn apply(&mut self, _arena: &mut Vec<u8>, record: &Record, _tail: &TailPlan, taken: &mut Taken) {
        let Record { message, attributes, time, end } = record.clone();
        taken.events.push(Event { message, attributes, time, end, number: end });
        match taken.segments.last_mut() {
            Some(last) if last.verdict == Verdict::Send => {
                last.end = end;
                last.lines += 1;
            }
            _ => taken.segments.push(Segment { end, lines: 1, verdict: Verdict::Send }),
        }
    }
}
