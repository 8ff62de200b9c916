//! What lines come to, format by format, and that it does not matter how a file grows.

mod cri;
mod growth;
mod json;
mod mixtures;
mod secrets;

use std::sync::Arc;

use scalyr_monitor::Timestamp;
use scalyr_monitor::config::Pattern;

use super::*;
use crate::config::line_plan::LinePlan;

/// An event as the server would see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    message: Vec<u8>,
    attributes: String,
    time: Option<i64>,
    end: u64,
    number: u64,
}

impl Seen {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.message).into_owned()
    }
}

/// A file that is read as the follower does it.
pub(super) struct Reader {
    lines: Lines,
    tail: TailPlan,
    position: usize,
    last_number: u64,
    pub(super) seen: Vec<Seen>,
    pub(super) told: RuleCounts,
}

impl Reader {
    pub(super) fn new(plan: LinePlan, tail: TailPlan) -> Self {
        let lines = Lines::new(Arc::new(plan), "sequence");
        Self { lines, tail, position: 0, last_number: 0, seen: Vec::new(), told: RuleCounts::default() }
    }

    /// Reads a window of what there is of the file. Returns how many bytes were taken.
    pub(super) fn read(&mut self, file: &[u8], flush: bool) -> usize {
        let rest = &file[self.position..];
        let mut arena = rest[..rest.len().min(self.lines.window_bytes(&self.tail))].to_vec();
        let window = Window { at: Offset(self.position as u64), flush, now: Timestamp::from_nanos(0) };
        let taken = self.lines.take(&mut arena, window, &self.tail);
        self.check(&taken);
        let piece = |range: &std::ops::Range<u32>| arena[range.start as usize..range.end as usize].to_vec();
        self.seen.extend(taken.events.iter().map(|event| Seen {
            message: piece(&event.message),
            attributes: String::from_utf8(piece(&event.attributes)).unwrap(),
            time: event.time.map(Timestamp::as_nanos),
            end: event.end.0,
            number: event.number.0,
        }));
        self.position += taken.bytes;
        self.told.unparsed += taken.told.unparsed;
        self.told.failed += taken.told.failed;
        taken.bytes
    }

    /// Reads until nothing more is complete.
    pub(super) fn read_complete(&mut self, file: &[u8]) {
        while self.read(file, false) > 0 {}
    }

    /// Reads everything, also what is incomplete.
    pub(super) fn read_all(&mut self, file: &[u8]) {
        self.read_complete(file);
        while self.position < file.len() {
            assert!(self.read(file, true) > 0, "what has waited long enough is taken");
            self.read_complete(file);
        }
    }

    fn check(&mut self, taken: &Taken) {
        let end = Offset((self.position + taken.bytes) as u64);
        assert_eq!(taken.segments.last().map_or(self.position as u64, |segment| segment.end.0), end.0, "{taken:?}");
        assert!(taken.segments.is_sorted_by_key(|segment| segment.end), "{taken:?}");
        let sent = taken.segments.iter().filter(|segment| segment.verdict == Verdict::Send);
        let lines: u64 = sent.map(|segment| segment.lines).sum();
        assert_eq!(lines, taken.events.len() as u64, "{taken:?}");
        for event in &taken.events {
            assert!(event.number.0 > self.last_number, "numbers grow: {taken:?}");
            assert!(event.number <= event.end && event.end <= end, "{taken:?}");
            self.last_number = event.number.0;
        }
        assert!(taken.events.is_sorted_by_key(|event| event.end), "{taken:?}");
    }
}

/// All events of a file.
pub(super) fn events(plan: LinePlan, tail: TailPlan, file: &[u8]) -> (Vec<Seen>, RuleCounts) {
    let mut reader = Reader::new(plan, tail);
    reader.read_all(file);
    (reader.seen, reader.told)
}
