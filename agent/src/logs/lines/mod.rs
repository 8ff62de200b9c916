//! Source bytes into events: lines are put together, taken apart, sampled and redacted (`log-copying.md` sections 5 to 8).
//!
//! One principle for everything that is longer than a line: a record that is not complete yet (an unfinished line, an open
//! group, the first parts of a container line) stays in the file. The position waits at its first byte, and it is read
//! again when the file has grown, so that a restart between its parts loses and repeats nothing.

mod cri;
mod cut;
mod group;
mod json;
mod made;
mod record;
mod rules;
mod time;
mod units;

use std::ops::ControlFlow;
use std::time::Duration;

use scalyr_monitor::Timestamp;

use self::cri::Cri;
use self::group::{Groups, Source};
use self::json::Json;
use self::made::Made;
use self::record::Record;
use self::rules::Rules;
pub(super) use self::rules::substitute;
use self::units::Units;
use super::batch::{BATCH_BYTES, BATCH_EVENTS, Blank, Event};
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
    /// Whether it was stopped before the end of what is complete: the rest can be read at once.
    pub was_stopped: bool,
}

impl Taken {
    /// Nothing yet, in the memory of an earlier batch.
    fn new(blank: &mut Blank) -> Self {
        let (mut events, mut segments) = (std::mem::take(&mut blank.events), std::mem::take(&mut blank.segments));
        events.clear();
        segments.clear();
        Self { events, segments, ..Self::default() }
    }

    /// Puts events and segments where their memory came from.
    pub fn give_back(self, blank: &mut Blank) {
        (blank.events, blank.segments) = (self.events, self.segments);
    }

    /// Whether it holds as many events and segments as a batch does.
    fn is_full(&self) -> bool {
        self.events.len().max(self.segments.len()) >= BATCH_EVENTS
    }
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

impl RuleCounts {
    /// What was counted since it stood there.
    fn since(self, before: Self) -> Self {
        Self {
            redacted: self.redacted.saturating_sub(before.redacted),
            failed: self.failed.saturating_sub(before.failed),
            unparsed: self.unparsed.saturating_sub(before.unparsed),
        }
    }

    fn add(&mut self, more: Self) {
        self.redacted += more.redacted;
        self.failed += more.failed;
        self.unparsed += more.unparsed;
    }
}

/// So many times what is read at a time may the arena hold, with what is made of it, before the rest is left for later.
pub const MOST_GROWTH: usize = 4;
/// How long lines may be put together, and how long rules may be applied to them, before other files have their turn.
const LONGEST_STAGE: Duration = Duration::from_millis(250);

/// Whether there is time and room for another record.
type GoesOn<'a> = dyn Fn(&Made) -> bool + 'a;

/// The line rules of one followed file.
#[derive(Debug)]
pub struct Lines {
    plan: SharedLinePlan,
    groups: Groups,
    format: Format,
    rules: Rules,
    /// Used again for each window.
    made: Made,
}

/// How lines are taken apart, with the memory that it takes.
#[derive(Debug)]
enum Format {
    Raw,
    Json(Json),
    Cri(Cri),
}

impl Lines {
    /// For a file of this entry. `sequence` is the id of its events' sequence: sampling decides the same about a line that
    /// is read again.
    pub fn new(plan: SharedLinePlan, sequence: &str) -> Self {
        let format = match &plan.format {
            LineFormat::Raw => Format::Raw,
            LineFormat::Json { message_field, timestamp_field } => {
                Format::Json(Json::new(message_field, timestamp_field))
            }
            LineFormat::Cri => Format::Cri(Cri::default()),
        };
        let (groups, rules) = (Groups::new(&plan.groupers, &plan.redaction), Rules::new(&plan, sequence));
        Self { plan, groups, format, rules, made: Made::default() }
    }

    /// Gives the rules that come after it in the same file what they need to know of what was sent.
    pub fn hand_over(self, to: &mut Self) {
        to.rules.take_over(self.rules);
    }

    /// The most bytes of a line or group before it is taken apart.
    fn most_bytes(&self, tail: &TailPlan) -> usize {
        let line = tail.max_line_size.max(1);
        match self.format {
            // A secret that stands where a line is cut would be none of a rule's matches: several pieces are redacted
            // together, and cut afterwards.
            Format::Raw if self.groups.keeps_secrets() => line * (BATCH_BYTES / line).max(1),
            Format::Raw => line,
            Format::Json(_) | Format::Cri(_) => line.max(tail.max_record_size),
        }
    }

    /// How many bytes are read at a time: enough for the longest record and what is looked at behind it.
    pub fn window_bytes(&self, tail: &TailPlan) -> usize {
        let longest = self.most_bytes(tail).saturating_add(self.groups.lookahead()).saturating_add(1);
        BATCH_BYTES.max(longest)
    }

    /// Takes what is complete. `arena` holds source bytes only; what is made of them is appended to it.
    pub fn take(&mut self, arena: &mut Vec<u8>, window: Window, tail: &TailPlan) -> Taken {
        let mut blank = Blank { arena: std::mem::take(arena), ..Blank::default() };
        let taken = self.take_in_time(&mut blank, window, tail, &|| Duration::ZERO);
        *arena = blank.arena;
        taken
    }

    /// The same for as long as other files may wait. `elapsed` says how long it has taken so far and is asked between
    /// records: at least one of them is taken if one is complete. Of `blank` the arena is what `take` says; what is taken
    /// comes in the memory of its events and segments.
    pub fn take_in_time(
        &mut self,
        blank: &mut Blank,
        window: Window,
        tail: &TailPlan,
        elapsed: &dyn Fn() -> Duration,
    ) -> Taken {
        let mut taken = Taken::new(blank);
        let arena = &mut blank.arena;
        if self.plan.is_raw() {
            take_raw(arena, window, tail, &mut taken);
            return taken;
        }
        let (limit, window_bytes) = (self.most_bytes(tail), self.window_bytes(tail));
        let (read, full) = (arena.len(), arena.len() >= window_bytes);
        let Self { groups, format, rules, made, .. } = self;
        made.begin(read);
        let source = Source { bytes: arena, limit, lookahead: 0 };
        let mut units = Units { groups, source, at: 0, flush: window.flush, full };
        let goes_on: &GoesOn<'_> = &|made| made.records.len() < BATCH_EVENTS && elapsed() < LONGEST_STAGE;
        let bytes = match format {
            Format::Raw => {
                while let Some(line) = units.next(made) {
                    made.push(window, line.end, line, 0..0, None);
                    if !goes_on(made) {
                        break;
                    }
                }
                units.at
            }
            Format::Json(json) => json.take(&mut units, window, tail, made, goes_on),
            Format::Cri(cri) => cri.take(&mut units, window, tail.raw_timestamp, made, goes_on),
        };
        arena.extend_from_slice(&made.bytes);
        (taken.bytes, taken.told) = (bytes, made.told);
        taken.was_stopped = bytes > 0 && bytes < read && !goes_on(made);
        taken.events.reserve(made.records.len());
        let most = window_bytes.saturating_mul(MOST_GROWTH);
        rules.begin(window.at, most);
        let until = elapsed() + LONGEST_STAGE;
        let goes_on = |arena: &[u8], taken: &Taken| arena.len() < most && !taken.is_full() && elapsed() < until;
        apply_all(rules, arena, made, tail, &mut taken, &goes_on);
        if taken.was_stopped {
            taken.bytes = taken.segments.last().map_or(0, |last| window.at_of(last.end)).min(bytes);
        }
        if window.flush && matches!(format, Format::Raw) {
            rules.end_unfinished(arena, window.at, taken.bytes);
        }
        made.end();
        taken
    }
}

impl Window {
    /// How far an offset stands behind its beginning.
    fn at_of(&self, end: Offset) -> usize {
        usize::try_from(end.since(self.at)).unwrap_or(usize::MAX)
    }
}

/// Applies the rules to all records, as long as `goes_on`; those that are left out are read again.
fn apply_all(
    rules: &mut Rules,
    arena: &mut Vec<u8>,
    made: &Made,
    tail: &TailPlan,
    taken: &mut Taken,
    goes_on: &dyn Fn(&[u8], &Taken) -> bool,
) {
    let (mut next, mut told) = (0, RuleCounts::default());
    let mut runs = made.together.iter().peekable();
    while let Some(record) = made.records.get(next) {
        if next > 0 && !goes_on(arena, taken) {
            // What was counted of the others is counted when they are read again.
            let by_rules = taken.told.since(made.told);
            (taken.told, taken.was_stopped) = (told, true);
            taken.told.add(by_rules);
            return;
        }
        let end = match runs.next_if(|run| run.start == next) {
            Some(run) => {
                apply_together(rules, arena, &made.records[run.clone()], tail, taken);
                run.end
            }
            None => {
                rules.apply(arena, record, tail, taken);
                next + 1
            }
        };
        made.records[next..end].iter().for_each(|record| told.add(record.told));
        next = end;
    }
}

fn apply(rules: &mut Rules, arena: &mut Vec<u8>, records: &[Record], tail: &TailPlan, taken: &mut Taken) {
    for record in records {
        rules.apply(arena, record, tail, taken);
    }
}

/// Applies the rules to records whose source bytes lie in one another: none of them is settled before all are. When any
/// of them is sent, all their bytes wait for the server; the others are counted behind it.
fn apply_together(rules: &mut Rules, arena: &mut Vec<u8>, records: &[Record], tail: &TailPlan, taken: &mut Taken) {
    let Some(end) = records.last().map(|record| record.end) else { return };
    let before = std::mem::take(&mut taken.segments);
    let first = taken.events.len();
    apply(rules, arena, records, tail, taken);
    let own = std::mem::replace(&mut taken.segments, before);
    for event in taken.events.iter_mut().skip(first) {
        event.end = end;
    }
    let is_sent = |segment: &&Segment| segment.verdict == Verdict::Send;
    if !own.iter().any(|segment| is_sent(&segment)) {
        return taken.segments.extend(own);
    }
    let lines = own.iter().filter(is_sent).map(|segment| segment.lines).sum();
    match taken.segments.last_mut() {
        Some(last) if last.verdict == Verdict::Send => (last.end, last.lines) = (end, last.lines + lines),
        _ => taken.segments.push(Segment { end, lines, verdict: Verdict::Send }),
    }
    taken
        .segments
        .extend(own.into_iter().filter(|segment| !is_sent(&segment)).map(|segment| Segment { end, ..segment }));
}

/// The hot path: nothing is copied, one segment for all.
fn take_raw(arena: &[u8], window: Window, tail: &TailPlan, taken: &mut Taken) {
    let events = &mut taken.events;
    let bytes = cut::cut(arena, tail.max_line_size, window.flush, |range| {
        let (message, end) = (range.start as u32..range.end as u32, window.at.plus(range.end as u64));
        events.push(Event { message, attributes: 0..0, time: None, end, number: end });
        if events.len() < BATCH_EVENTS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    if bytes > 0 {
        let (end, lines) = (window.at.plus(bytes as u64), events.len() as u64);
        taken.segments.push(Segment { end, lines, verdict: Verdict::Send });
    }
    taken.was_stopped = taken.is_full() && bytes < arena.len();
    taken.bytes = bytes;
}

#[cfg(test)]
mod tests;
