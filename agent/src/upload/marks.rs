//! Where the events of a body lie, so that a part of it can be sent by itself without a second copy of the lines.

use std::ops::Range;

use crate::config::plan::BodyForm;
use crate::ledger::FileId;
use crate::logs::batch::LogDescription;

use super::wire::{
    Body, CLOSING, CLOSING_WITHOUT_LOGS, SEPARATOR, append_log_entry, append_number, append_thread_entry,
};

/// Says of an event that its source bytes may be settled.
const ENDS: u32 = 1 << 31;

/// One event in a body, in eight bytes.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    /// Where the event begins.
    begin: u32,
    /// Where what stands behind its message begins, and [`ENDS`].
    tail: u32,
}

impl Mark {
    /// Of an event that begins at `begin` and whose message ends at `tail`: places in a body, which has 31 bits of them.
    pub(super) fn new(begin: usize, tail: usize) -> Self {
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX) & !ENDS;
        Self { begin: place(begin), tail: place(tail) }
    }

    /// Notes whether the event's number says up to where source bytes may be settled behind it.
    pub(super) fn ending(self, ends: bool) -> Self {
        Self { tail: self.tail & !ENDS | if ends { ENDS } else { 0 }, ..self }
    }

    fn ends(self) -> bool {
        self.tail & ENDS != 0
    }

    fn begin(self) -> usize {
        self.begin as usize
    }

    fn tail(self) -> usize {
        (self.tail & !ENDS) as usize
    }
}

/// What the tail of an event says: `},sd:12,ts:"34"}`, `},ts:"34",sd:12}`, or `},ts:"34",si:"abc",sn:12}`.
struct Tail<'a> {
    /// The digits of `ts`.
    ts: &'a [u8],
    /// `sd`, or `sn`.
    number: u64,
    /// `si` as it stands there, with its quotes; none with `sd`.
    sequence: Option<&'a [u8]>,
}

impl<'a> Tail<'a> {
    fn read(tail: &'a [u8]) -> Option<Self> {
        let rest = tail.strip_prefix(b"},")?.strip_suffix(b"}")?;
        if let Some(rest) = rest.strip_prefix(b"sd:") {
            let (number, rest) = rest.split_at(memchr::memchr(b',', rest)?);
            let ts = rest.strip_prefix(b",ts:\"")?.strip_suffix(b"\"")?;
            return Some(Self { ts, number: digits(number)?, sequence: None });
        }
        let rest = rest.strip_prefix(b"ts:\"")?;
        let (ts, rest) = rest.split_at(memchr::memchr(b'"', rest)?);
        if let Some(number) = rest.strip_prefix(b"\",sd:") {
            return Some(Self { ts, number: digits(number)?, sequence: None });
        }
        let rest = rest.strip_prefix(b"\",si:")?;
        let at = memchr::memmem::rfind(rest, b",sn:")?;
        Some(Self { ts, number: digits(rest.get(at + 4..)?)?, sequence: Some(rest.get(..at)?) })
    }
}

fn digits(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Of a closed body. Events are counted from 0.
impl Body {
    /// The bytes of an event, without the comma behind it.
    fn event(&self, index: usize) -> &[u8] {
        let Some(mark) = self.marks().get(index) else { return &[] };
        // Between two events stands a comma.
        let end = self.marks().get(index + 1).map_or(self.closing_at(), |next| next.begin() - 1);
        self.bytes().get(mark.begin()..end).unwrap_or_default()
    }

    fn tail(&self, index: usize) -> Option<Tail<'_>> {
        let mark = self.marks().get(index)?;
        Tail::read(self.event(index).get(mark.tail() - mark.begin()..)?)
    }

    /// The sequence of an event (`si` as it stands in the body) and its number in it.
    pub(super) fn place(&self, index: usize) -> Option<(&[u8], u64)> {
        let mut number = 0_u64;
        // Back to the event that names the sequence; all between are of the same one.
        for index in (0..=index).rev() {
            let tail = self.tail(index)?;
            number = number.saturating_add(tail.number);
            if let Some(sequence) = tail.sequence {
                return Some((sequence, number));
            }
        }
        None
    }

    /// The last of these events up to whose end source bytes may be settled.
    pub(super) fn last_ending(&self, events: Range<usize>) -> Option<usize> {
        let begin = events.start;
        let marks = self.marks().get(events)?;
        marks.iter().rposition(|mark| mark.ends()).map(|at| begin + at)
    }

    /// How many bytes these events have in the body, with the commas between them.
    pub(super) fn event_bytes(&self, events: &Range<usize>) -> usize {
        let at = |index: usize| self.marks().get(index).map_or(self.closing_at(), |mark| mark.begin());
        at(events.end).saturating_sub(at(events.start))
    }

    /// Where to halve these events (two of them at least) so that both halves have about as many bytes.
    pub(super) fn middle(&self, events: &Range<usize>) -> usize {
        let begin = self.marks().get(events.start).map_or(0, |mark| mark.begin());
        let middle = begin + self.event_bytes(events) / 2;
        let at = self.marks().partition_point(|mark| mark.begin() < middle);
        at.clamp(events.start + 1, events.end.max(events.start + 2) - 1)
    }

    /// Writes a body with these events alone into `out`: of the same session, with what `logs` and `threads` say of
    /// `files`, and with a `client_time` of its own. Without events it is a small request that the server answers all
    /// the same.
    pub(super) fn write_part(&self, events: Range<usize>, files: &[FileId], client_time: i64, out: &mut Vec<u8>) {
        out.clear();
        let head = self.marks().first().map_or(self.closing_at(), |mark| mark.begin());
        out.extend_from_slice(self.bytes().get(..head).unwrap_or_default());
        if !events.is_empty() {
            self.write_first(events.start, out);
            // With the comma before the second one.
            let rest = self.marks().get(events.start + 1).filter(|_| events.len() > 1).map(|mark| mark.begin() - 1);
            let end = self.marks().get(events.end).map_or(self.closing_at(), |next| next.begin() - 1);
            out.extend_from_slice(rest.and_then(|rest| self.bytes().get(rest..end)).unwrap_or_default());
        }
        let [logs, threads, time, end] = CLOSING;
        if self.form() == BodyForm::WithoutLogs {
            out.extend_from_slice(CLOSING_WITHOUT_LOGS);
        } else {
            out.extend_from_slice(logs);
            self.write_entries(files, append_log_entry, out);
            out.extend_from_slice(threads);
        }
        self.write_entries(files, append_thread_entry, out);
        out.extend_from_slice(time);
        append_number(out, client_time);
        out.extend_from_slice(end);
    }

    /// What is said of each of these files.
    fn write_entries(&self, files: &[FileId], append: fn(&mut Vec<u8>, FileId, &LogDescription), out: &mut Vec<u8>) {
        let known = files.iter().filter_map(|file| Some((*file, self.known(*file)?)));
        for (index, (file, log)) in known.enumerate() {
            out.extend_from_slice(if index > 0 { SEPARATOR } else { b"" });
            append(out, file, log);
        }
    }

    /// The first event of a part names its sequence, where in the body it may go on with that of the event before.
    fn write_first(&self, index: usize, out: &mut Vec<u8>) {
        let (event, mark) = (self.event(index), self.marks().get(index));
        let (Some(mark), Some(tail), Some((sequence, number))) = (mark, self.tail(index), self.place(index)) else {
            debug_assert!(false, "the tails of events are read as they are written");
            return out.extend_from_slice(event);
        };
        out.extend_from_slice(event.get(..mark.tail() - mark.begin()).unwrap_or_default());
        out.extend_from_slice(b"},ts:\"");
        out.extend_from_slice(tail.ts);
        out.extend_from_slice(b"\",si:");
        out.extend_from_slice(sequence);
        out.extend_from_slice(b",sn:");
        append_number(out, number);
        out.push(b'}');
    }
}
