//! Sampling and redaction of records, and their way into events (`log-copying.md` sections 7 and 8).

mod budget;
mod pieces;
mod redaction;
mod sampling;
mod text;

use std::ops::Range;

use serde_json::Value;

pub(super) use self::budget::Searcher;
pub(super) use self::redaction::begin_of_match_across;
pub(in crate::logs) use self::redaction::substitute;
use self::redaction::{Redacted, Redaction};
use self::sampling::{Decision, Sampling};
use super::Taken;
use super::json::without_field;
use super::record::Record;
use crate::config::line_plan::SharedLinePlan;
use crate::config::plan::TailPlan;
use crate::ledger::{DropReason, Offset, Segment, Verdict};
use crate::logs::batch::Event;

/// What redaction may make of a byte of a long line, in bytes; a short one may become as long as an event.
const MOST_GROWTH: usize = 16;

/// The rules of one file.
#[derive(Debug)]
pub(super) struct Rules {
    sampling: Sampling,
    redaction: Redaction,
    /// The most bytes that are made of one window: what would take more is replaced.
    most: usize,
    /// The line that was sent without its end, and where that will stand.
    unended: Option<(Offset, Vec<u8>)>,
    /// Whether the next record is the rest of it.
    is_rest: bool,
}

/// A multiple of where a window's rest is left for later: only records that are settled together get so far.
const MOST_TOGETHER: usize = 16;
/// As much of a line that was sent without its end is looked at again with its rest.
const MOST_UNENDED: usize = 64 << 10;

impl Rules {
    /// Those of an entry, for the file whose events have this sequence.
    pub(super) fn new(plan: &SharedLinePlan, sequence: &str) -> Self {
        Self {
            sampling: Sampling::new(&plan.sampling, sequence),
            redaction: Redaction::new(&plan.redaction),
            most: usize::MAX,
            unended: None,
            is_rest: false,
        }
    }

    /// Takes over from the rules that there were before a reload.
    pub(super) fn take_over(&mut self, before: Self) {
        self.unended = before.unended;
    }

    /// Begins with a window at `at`, of whose rest nothing is made when it has become `most` bytes.
    pub(super) fn begin(&mut self, at: Offset, most: usize) {
        self.most = most.saturating_mul(MOST_TOGETHER).min(u32::MAX as usize);
        self.is_rest = self.unended.as_ref().is_some_and(|(end, _)| *end == at);
    }

    /// Keeps a line of which the first `bytes` of the arena were sent, without its end: part of a secret may have been
    /// among them, and the rest of it is in what comes.
    pub(super) fn end_unfinished(&mut self, arena: &[u8], at: Offset, bytes: usize) {
        let before = self.unended.take().filter(|(end, _)| *end == at).map(|(_, line)| line).unwrap_or_default();
        let Some(sent) = arena.get(..bytes).filter(|sent| !sent.is_empty() && !sent.ends_with(b"\n")) else { return };
        if self.redaction.is_empty() {
            return;
        }
        let begin = memchr::memrchr(b'\n', sent).map_or(0, |lf| lf + 1);
        let mut line = if begin == 0 { before } else { Vec::new() };
        line.extend_from_slice(&sent[begin..]);
        line.drain(..line.len().saturating_sub(MOST_UNENDED));
        self.unended = Some((at.plus(bytes as u64), line));
    }

    /// Makes events of a record, or leaves it out, and says what becomes of its bytes.
    pub(super) fn apply(&mut self, arena: &mut Vec<u8>, record: &Record, tail: &TailPlan, taken: &mut Taken) {
        let Record { message, mut attributes, time, end, .. } = record.clone();
        let (decision, sampling_failed) = self.sampling.decide(bytes(arena, &message), end);
        taken.told.failed += u64::from(sampling_failed);
        match decision {
            Decision::Send => {}
            Decision::SendSample(rate) => attributes = with_rate(arena, &attributes, rate),
            Decision::LeaveOut => return settle(taken, end, 1, Verdict::SampledOut),
        }
        let Some(sent) = self.redact(arena, &message, tail, sampling_failed, taken) else {
            return settle(taken, end, 1, Verdict::Dropped(DropReason::RedactedAway));
        };
        if sent.len() <= tail.max_line_size {
            // No list for the many that are short.
            taken.events.push(Event { message: sent, attributes, time, end, number: end });
            return settle(taken, end, 1, Verdict::Send);
        }
        let pieces = pieces::pieces(bytes(arena, &sent), tail.max_line_size, message.len());
        let count = pieces.len() as u64;
        for (index, piece) in (1..).zip(pieces) {
            taken.events.push(Event {
                message: range(sent.start as usize + piece.start, sent.start as usize + piece.end),
                attributes: attributes.clone(),
                time,
                end,
                // There are not more pieces than source bytes, so that all of them are behind the record before.
                number: Offset(end.0.saturating_sub(count - index)),
            });
        }
        settle(taken, end, count, Verdict::Send);
    }

    /// What is sent of a message; `None` when nothing is left.
    fn redact(
        &mut self,
        arena: &mut Vec<u8>,
        message: &Range<u32>,
        tail: &TailPlan,
        has_failed: bool,
        taken: &mut Taken,
    ) -> Option<Range<u32>> {
        let limit = message.len().saturating_mul(MOST_GROWTH).max(tail.max_line_size);
        let limit = limit.min(self.most.saturating_sub(arena.len()));
        let before = match &self.unended {
            Some((_, line)) if std::mem::take(&mut self.is_rest) => line.as_slice(),
            _ => &[],
        };
        let result = match self.redaction.redact(before, bytes(arena, message), limit) {
            Redacted::Unchanged => return Some(message.clone()),
            Redacted::Changed(result) => {
                taken.told.redacted += 1;
                result
            }
            Redacted::Failed(place) => {
                taken.told.failed += u64::from(!has_failed);
                let line_end = if bytes(arena, message).ends_with(b"\n") { "\n" } else { "" };
                format!("[{} bytes withheld: {place} could not be applied to them]{line_end}", message.len())
                    .into_bytes()
            }
        };
        (!result.is_empty()).then(|| append(arena, &result))
    }
}

fn bytes<'a>(arena: &'a [u8], at: &Range<u32>) -> &'a [u8] {
    arena.get(at.start as usize..at.end as usize).unwrap_or_default()
}

fn append(arena: &mut Vec<u8>, bytes: &[u8]) -> Range<u32> {
    let start = arena.len();
    arena.extend_from_slice(bytes);
    range(start, arena.len())
}

/// An arena has far less than 4 GB: a window and what is made of it.
fn range(start: usize, end: usize) -> Range<u32> {
    let place = |at| u32::try_from(at).unwrap_or(u32::MAX);
    place(start)..place(end)
}

/// The attributes of an event with `sample_rate` among them. A record may bring an attribute of this name: names are
/// unique in an object. All others stay as they are written.
fn with_rate(arena: &mut Vec<u8>, attributes: &Range<u32>, rate: f64) -> Range<u32> {
    const NAME: &str = "sample_rate";
    let mut rated = format!("\"{NAME}\":{}", Value::from(rate)).into_bytes();
    let own = bytes(arena, attributes);
    let without = if own.contains(&b'\\') || memchr::memmem::find(own, NAME.as_bytes()).is_some() {
        without_field(own, NAME)
    } else {
        None
    };
    let own = without.as_deref().unwrap_or(own);
    if !own.is_empty() {
        rated.push(b',');
        rated.extend_from_slice(own);
    }
    append(arena, &rated)
}

/// Neighbours with the same verdict are one segment.
fn settle(taken: &mut Taken, end: Offset, lines: u64, verdict: Verdict) {
    match taken.segments.last_mut() {
        Some(last) if last.verdict == verdict => {
            last.end = end;
            last.lines += lines;
        }
        _ => taken.segments.push(Segment { end, lines, verdict }),
    }
}

#[cfg(test)]
mod tests;
