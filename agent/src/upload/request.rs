//! A request: a body together with what its answer settles.

use std::collections::HashMap;

use crate::ledger::{Claim, DropReason, FileId, Offset, Outcome, Verdict};
use crate::logs::batch::{Batch, Blank};

use super::accepted::Accepted;
use super::compress::Compressor;
use super::wire::{Body, Head};

/// With this many settlements a request is full, whatever its size.
const MOST_SETTLEMENTS: usize = 65_536;

/// What becomes of a range of source bytes when the request is dealt with.
struct Settlement {
    account: Claim,
    end: Offset,
    lines: u64,
    verdict: Verdict,
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
}

/// Whether a batch went into the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// All of it.
    All,
    /// The request is full; the rest of the batch belongs in the next one.
    Full,
}

/// How a request ended, for its settlements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The server has the events.
    Accepted,
    /// The server asked to discard them.
    Discarded,
    /// It was not sent, and never will be: `disable_send_requests`.
    Withheld,
}

/// A request that is being packed, waits, or is on its way. Used again afterwards.
#[derive(Default)]
pub(super) struct Request {
    body: Body,
    /// The compressed body; empty when nothing is compressed.
    packed: Vec<u8>,
    settlements: Vec<Settlement>,
    /// The last settlement of each file.
    latest: HashMap<FileId, usize>,
    /// How many events could not be put into any request and are settled as dropped with this one; of which file the
    /// last of them was.
    pub(super) too_large: u64,
    pub(super) too_large_file: Option<Claim>,
}

impl Request {
    /// Empties it and begins a new one.
    pub(super) fn begin(&mut self, head: &Head) {
        self.body.begin(head);
        self.packed.clear();
        self.settlements.clear();
        self.latest.clear();
        self.too_large = 0;
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

    /// Compresses the closed body.
    pub(super) fn compress(&mut self, compressor: &mut Compressor) {
        compressor.compress(self.body.bytes(), &mut self.packed);
    }

    /// Packs as much of the batch as a body of `limit` bytes can take. Bytes are settled with this request only as far
    /// as their events are in it.
    pub(super) fn push(&mut self, unpacked: &mut Unpacked, limit: usize) -> Pushed {
        while let Some(segment) = unpacked.batch.segments.get(unpacked.segment).copied() {
            if self.settlements.len() >= MOST_SETTLEMENTS {
                return Pushed::Full;
            }
            if segment.verdict == Verdict::Send && self.push_events(unpacked, segment.end, limit) == Pushed::Full {
                return Pushed::Full;
            }
            let lines = segment.lines.saturating_sub(unpacked.settled_lines);
            self.note(&unpacked.batch.account, segment.end, lines, segment.verdict);
            unpacked.settled_lines = 0;
            unpacked.segment += 1;
        }
        debug_assert_eq!(unpacked.event, unpacked.batch.events.len(), "an event lies outside of all segments");
        Pushed::All
    }

    /// Packs the events of one segment.
    fn push_events(&mut self, unpacked: &mut Unpacked, segment_end: Offset, limit: usize) -> Pushed {
        // Events that are in this request and not in a settlement yet.
        let mut fresh = 0;
        while let Some(event) = unpacked.batch.events.get(unpacked.event).filter(|event| event.end <= segment_end) {
            if self.body.put(&unpacked.batch, event, limit) {
                unpacked.event += 1;
                fresh += 1;
                continue;
            }
            self.settle_part(unpacked, fresh, Verdict::Send);
            if self.body.events() > 0 {
                return Pushed::Full;
            }
            unpacked.event += 1;
            self.too_large += 1;
            self.too_large_file = Some(unpacked.batch.account.clone());
            self.settle_part(unpacked, 1, Verdict::Dropped(DropReason::TooLarge));
            fresh = 0;
        }
        Pushed::All
    }

    /// Settles the part of a segment that lies before the current event.
    fn settle_part(&mut self, unpacked: &mut Unpacked, lines: u64, verdict: Verdict) {
        if lines > 0 {
            self.note(&unpacked.batch.account, unpacked.settleable(), lines, verdict);
            unpacked.settled_lines += lines;
        }
    }

    /// Notes a settlement; one that only goes on with the file's last one is merged into it.
    fn note(&mut self, account: &Claim, end: Offset, lines: u64, verdict: Verdict) {
        if let Some(last) = self.latest.get(&account.id).and_then(|index| self.settlements.get_mut(*index))
            && last.verdict == verdict
            && last.account.is_same(account)
        {
            last.end = last.end.max(end);
            last.lines += lines;
            return;
        }
        self.latest.insert(account.id, self.settlements.len());
        self.settlements.push(Settlement { account: account.clone(), end, lines, verdict });
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

    /// Puts the outcome of every range of the request into the ledger, in order; of ranges that were taken back, none.
    /// Empties the list, so that it cannot happen twice.
    pub(super) fn settle(&mut self, ending: Ending) {
        for Settlement { account, end, lines, verdict } in self.settlements.drain(..) {
            let outcome = match verdict {
                Verdict::Send if ending == Ending::Accepted => Outcome::Accepted(Accepted::by_server()),
                Verdict::Send if ending == Ending::Withheld => Outcome::Dropped(DropReason::SendingDisabled),
                Verdict::Send => Outcome::Dropped(DropReason::ServerDiscarded),
                Verdict::SampledOut => Outcome::SampledOut,
                Verdict::Dropped(reason) => Outcome::Dropped(reason),
                Verdict::Skipped(reason) => Outcome::Skipped(reason),
            };
            account.settle(end, lines, outcome);
        }
        self.latest.clear();
    }
}
