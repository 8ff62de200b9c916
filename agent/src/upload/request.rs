//! A request: a body together with what its answer settles.

use std::collections::HashMap;
use std::ops::Range;

use crate::ledger::{Claim, DropReason, FileId, Offset, Outcome, Verdict};
use crate::logs::batch::{Batch, Blank};

use super::accepted::Accepted;
use super::compress::{CompressError, SharedCompressor};
use super::wire::{Body, Head};

/// With this many settlements a request is full, whatever its size. A power of two, so that their list grows no further.
const MOST_SETTLEMENTS: usize = 8192;

/// What a request needs at most beside its body and the places of its events, in bytes: its settlements, and two tables of
/// the files in it, each with a number and a place or a description. A table has a byte beside each entry, and is full when
/// seven eighths of it are in use.
pub(super) const SETTLEMENT_MEMORY: usize =
    MOST_SETTLEMENTS * size_of::<Settlement>() + 2 * 2 * MOST_SETTLEMENTS * (size_of::<(FileId, usize)>() + 1);

/// What becomes of a range of source bytes when the request is dealt with.
struct Settlement {
    account: Claim,
    end: Offset,
    lines: u64,
    verdict: Verdict,
    /// So many of the body's events, the next ones in their order, were made of these bytes.
    events: usize,
}

/// How many bytes a request may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// Up to here it is filled.
    pub(super) fill: usize,
    /// So large an event may make it that has it for itself.
    pub(super) most: usize,
}

impl From<usize> for Room {
    fn from(limit: usize) -> Self {
        Self { fill: limit, most: limit }
    }
}

/// The source bytes that the last of some settled events was made of.
pub(super) struct Place {
    pub(super) file: Claim,
    pub(super) begin: Offset,
    /// Where they end; for an event of which that is not known, where it begins.
    pub(super) end: Offset,
}

/// A batch on its way into one or several requests: how far it was packed.
pub(super) struct Unpacked {
    batch: Batch,
    event: usize,
    segment: usize,
    /// Lines of the current segment that were settled already, with earlier events of it.
    settled_lines: u64,
}

impl Unpacked {
    /// A batch of which nothing was packed yet.
    pub(super) fn new(batch: Batch) -> Self {
        Self { batch, event: 0, segment: 0, settled_lines: 0 }
    }

    /// Its memory, for the next batch.
    pub(super) fn into_blank(self) -> Option<Blank> {
        self.batch.into_blank()
    }

    /// Up to where bytes may be settled once all events before the current one were dealt with: the end of the last
    /// one, unless the current event ends at the same place. The beginning of the file when nothing may be.
    fn settleable(&self) -> Offset {
        let next = self.batch.events.get(self.event).map(|event| event.end);
        let done = self.batch.events.get(..self.event).unwrap_or_default();
        done.iter().rev().map(|event| event.end).find(|end| next.is_none_or(|next| *end < next)).unwrap_or_default()
    }

    /// Whether bytes may be settled up to the end of the current event once it was dealt with.
    fn ends(&self) -> bool {
        let end = |index: usize| self.batch.events.get(index).map(|event| event.end);
        end(self.event + 1).is_none_or(|next| end(self.event).is_some_and(|end| end < next))
    }
}

/// Whether a batch went into the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// All of it.
    All,
    /// The request is full; the rest of the batch belongs in the next one.
    Full,
}

/// How events ended, for their settlements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The server has them.
    Accepted,
    /// The server asked to discard them.
    Discarded,
    /// The server refuses even a request with this event alone, for its size.
    TooLarge,
    /// The same, for what is in it.
    Refused,
    /// It was not sent, and never will be: `disable_send_requests`.
    Withheld,
}

impl Ending {
    fn outcome(self) -> Outcome {
        match self {
            Self::Accepted => Outcome::Accepted(Accepted::by_server()),
            Self::Discarded => Outcome::Dropped(DropReason::ServerDiscarded),
            Self::Withheld => Outcome::Dropped(DropReason::SendingDisabled),
            Self::TooLarge => Outcome::Dropped(DropReason::TooLarge),
            Self::Refused => Outcome::Dropped(DropReason::Refused),
        }
    }
}

/// A request that is being packed, waits, or is on its way. Used again afterwards.
#[derive(Default)]
pub(super) struct Request {
    body: Body,
    /// The compressed body; empty when nothing is compressed.
    packed: Vec<u8>,
    /// Why there is none although there should be.
    not_compressed: Option<CompressError>,
    /// In the order of the body's events.
    settlements: Vec<Settlement>,
    /// How far they are settled.
    settled: Cursor,
    /// The last settlement of each file.
    latest: HashMap<FileId, usize>,
    /// How many events could not be put into any request and are settled as dropped with this one; of which file the
    /// last of them was.
    pub(super) too_large: u64,
    /// Source bytes that were settled as accepted and not counted yet.
    pub(super) accepted_bytes: u64,
    pub(super) too_large_file: Option<Claim>,
}

/// How far a request is settled.
#[derive(Clone, Copy, Default)]
struct Cursor {
    /// The first settlement with something left.
    settlement: usize,
    /// How many of its events are dealt with, and how many of its lines are counted.
    events: usize,
    lines: u64,
    /// How many of the body's events are dealt with.
    all_events: usize,
}

impl Request {
    /// Empties it and begins a new one.
    pub(super) fn begin(&mut self, head: &Head) {
        self.body.begin(head);
        self.packed.clear();
        self.not_compressed = None;
        self.settlements.clear();
        self.settled = Cursor::default();
        self.latest.clear();
        self.too_large = 0;
        self.accepted_bytes = 0;
        self.too_large_file = None;
    }

    /// Whether it would neither send nor settle anything.
    pub(super) fn is_empty(&self) -> bool {
        self.settlements.is_empty() && self.body.events() == 0
    }

    /// Whether there is something to send; otherwise the request only settles bytes that nobody is told of.
    pub(super) fn has_events(&self) -> bool {
        self.body.events() > 0
    }

    /// The body.
    pub(super) fn body(&self) -> &Body {
        &self.body
    }

    /// The body, to be closed or stamped.
    pub(super) fn body_mut(&mut self) -> &mut Body {
        &mut self.body
    }

    /// The bytes to send: compressed, or the body itself.
    pub(super) fn payload(&self) -> &[u8] {
        if self.packed.is_empty() { self.body.bytes() } else { &self.packed }
    }

    /// The memory of the compressed body, which is not needed any more once the request is sent in parts.
    pub(super) fn take_packed(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.packed)
    }

    /// Compresses the closed body. When that fails, [`Request::not_compressed`] says so, and it must not be sent.
    pub(super) fn compress(&mut self, compressor: &SharedCompressor) {
        self.not_compressed = compressor.compress(self.body.bytes(), &mut self.packed).err();
    }

    /// Why it cannot be sent as it is.
    pub(super) fn not_compressed(&self) -> Option<&CompressError> {
        self.not_compressed.as_ref()
    }

    /// Packs as much of the batch as a body may have. Bytes are settled with this request only as far as their events are
    /// in it.
    pub(super) fn push(&mut self, unpacked: &mut Unpacked, room: impl Into<Room>) -> Pushed {
        let room = room.into();
        while let Some(segment) = unpacked.batch.segments.get(unpacked.segment).copied() {
            if self.settlements.len() >= MOST_SETTLEMENTS {
                return Pushed::Full;
            }
            let mut events = 0;
            if segment.verdict == Verdict::Send {
                match self.push_events(unpacked, segment.end, room) {
                    Some(fresh) => events = fresh,
                    None => return Pushed::Full,
                }
            }
            let lines = segment.lines.saturating_sub(unpacked.settled_lines);
            self.note(&unpacked.batch.account, segment.end, lines, segment.verdict, events);
            unpacked.settled_lines = 0;
            unpacked.segment += 1;
        }
        debug_assert_eq!(unpacked.event, unpacked.batch.events.len(), "an event lies outside of all segments");
        Pushed::All
    }

    /// Packs the events of one segment; how many of them are in this request and not in a settlement yet. None when the
    /// request is full.
    fn push_events(&mut self, unpacked: &mut Unpacked, segment_end: Offset, room: Room) -> Option<usize> {
        let mut fresh = 0;
        while let Some(event) = unpacked.batch.events.get(unpacked.event).filter(|event| event.end <= segment_end) {
            let limit = if self.body.events() > 0 { room.fill } else { room.fill.max(room.most) };
            if self.body.put(&unpacked.batch, event, unpacked.ends(), limit) {
                unpacked.event += 1;
                fresh += 1;
                continue;
            }
            self.settle_part(unpacked, fresh, Verdict::Send);
            if self.body.events() > 0 {
                return None;
            }
            unpacked.event += 1;
            self.too_large += 1;
            self.too_large_file = Some(unpacked.batch.account.clone());
            self.settle_part(unpacked, 1, Verdict::Dropped(DropReason::TooLarge));
            fresh = 0;
        }
        Some(fresh)
    }

    /// Settles the part of a segment that lies before the current event.
    fn settle_part(&mut self, unpacked: &mut Unpacked, count: usize, verdict: Verdict) {
        if count > 0 {
            let events = if verdict == Verdict::Send { count } else { 0 };
            let lines = count as u64;
            self.note(&unpacked.batch.account, unpacked.settleable(), lines, verdict, events);
            unpacked.settled_lines += lines;
        }
    }

    /// Notes a settlement. One that only goes on with the file's last one is merged into it, unless events would lose
    /// their order by that.
    fn note(&mut self, account: &Claim, end: Offset, lines: u64, verdict: Verdict, events: usize) {
        let newest = self.settlements.len().wrapping_sub(1);
        if let Some(index) = self.latest.get(&account.id).filter(|index| events == 0 || **index == newest)
            && let Some(last) = self.settlements.get_mut(*index)
            && last.verdict == verdict
            && last.account.is_same(account)
        {
            last.end = last.end.max(end);
            last.lines += lines;
            last.events += events;
            return;
        }
        self.latest.insert(account.id, self.settlements.len());
        self.settlements.push(Settlement { account: account.clone(), end, lines, verdict, events });
    }

    /// How many source bytes it settles that have no outcome yet.
    pub(super) fn source_bytes(&self) -> u64 {
        let last = self.latest.values().filter_map(|index| self.settlements.get(*index));
        last.map(|settlement| settlement.end.since(settlement.account.settled())).sum()
    }

    #[cfg(test)]
    pub(super) fn settlements(&self) -> usize {
        self.settlements.len()
    }

    /// The files that the next `count` events are of.
    pub(super) fn next_files(&self, count: usize) -> Vec<FileId> {
        let (mut files, mut left, mut passed) = (Vec::new(), count, self.settled.events);
        for settlement in self.settlements.get(self.settled.settlement..).unwrap_or_default() {
            if left == 0 {
                break;
            }
            let events = settlement.events.saturating_sub(std::mem::take(&mut passed));
            if events > 0 {
                files.push(settlement.account.id);
            }
            left = left.saturating_sub(events);
        }
        files.sort_unstable();
        files.dedup();
        files
    }

    /// Puts the outcome of every range of the request into the ledger.
    #[cfg(test)]
    pub(super) fn settle(&mut self, ending: Ending) {
        self.settle_next(usize::MAX, ending);
        self.latest.clear();
    }

    /// Puts the outcome of the next `count` events into the ledger, and that of all bytes before and directly behind
    /// them of which nothing was sent; of ranges that were taken back, none. Nothing is settled twice. Bytes are settled
    /// only as far as no later event was made of them.
    ///
    /// Tells what the last of the events was made of.
    pub(super) fn settle_next(&mut self, count: usize, ending: Ending) -> Option<Place> {
        let (mut left, mut place) = (count, None);
        while let Some(settlement) = self.settlements.get(self.settled.settlement) {
            let open = settlement.events - self.settled.events;
            if open > left {
                return if left > 0 { self.settle_within(left, ending) } else { place };
            }
            let outcome = match settlement.verdict {
                Verdict::Send => ending.outcome(),
                Verdict::SampledOut => Outcome::SampledOut,
                Verdict::Dropped(reason) => Outcome::Dropped(reason),
                Verdict::Skipped(reason) => Outcome::Skipped(reason),
            };
            let begin = settlement.account.settled();
            let lines = settlement.lines.saturating_sub(self.settled.lines);
            let is_accepted = matches!(outcome, Outcome::Accepted(_));
            if settlement.account.settle(settlement.end, lines, outcome) && is_accepted {
                self.accepted_bytes += settlement.end.since(begin);
            }
            if open > 0 {
                place = Some(Place { file: settlement.account.clone(), begin, end: settlement.end.max(begin) });
            }
            left -= open;
            let all_events = self.settled.all_events + open;
            self.settled = Cursor { settlement: self.settled.settlement + 1, all_events, ..Cursor::default() };
        }
        place
    }

    /// Settles so many events of the current settlement, which has more.
    fn settle_within(&mut self, count: usize, ending: Ending) -> Option<Place> {
        let settlement = self.settlements.get(self.settled.settlement)?;
        let events = self.settled.all_events..self.settled.all_events + count;
        let begin = settlement.account.settled();
        let number = self.body.last_ending(events.clone()).and_then(|last| self.body.place(last));
        let end = number.map_or(begin, |(_, number)| settlement.account.sequence.offset(number));
        let end = end.min(settlement.end).max(begin);
        let lines = (count as u64).min(settlement.lines.saturating_sub(self.settled.lines));
        let outcome = ending.outcome();
        let is_accepted = matches!(outcome, Outcome::Accepted(_));
        if settlement.account.settle(end, lines, outcome) && is_accepted {
            self.accepted_bytes += end.since(begin);
        }
        let place = Place { file: settlement.account.clone(), begin, end };
        self.settled.events += count;
        self.settled.lines += lines;
        self.settled.all_events = events.end;
        Some(place)
    }

    /// The body's events of which the server has not said what becomes of them.
    pub(super) fn unsettled(&self) -> Range<usize> {
        self.settled.all_events..self.body.events()
    }
}
