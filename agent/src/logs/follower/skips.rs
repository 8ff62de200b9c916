//! Ranges of a file that are passed over: not read, and settled as such.

use std::collections::VecDeque;
use std::fmt;

use crate::ledger::{Offset, SkipReason};

/// A range that is not read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Skip {
    pub(super) from: Offset,
    pub(super) end: Offset,
    pub(super) why: SkipReason,
    /// The limit of the configuration that asked for it.
    pub(super) limit: Option<Limit>,
}

/// A limit that the user set, and its value, as its marker and the agent log show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The key: `max_log_offset_size`.
    pub key: &'static str,
    /// Bytes, or whole seconds for `copy_staleness_threshold`.
    pub value: u64,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.key, self.value)
    }
}

/// The ranges that are passed over and were not settled yet, in order.
#[derive(Debug, Default)]
pub(super) struct Skips(VecDeque<Skip>);

impl Skips {
    /// The next range to pass over, at `at` or behind it.
    pub(super) fn next(&self, at: Offset) -> Option<Skip> {
        self.0.iter().find(|skip| skip.end > at).copied()
    }

    /// The range to pass over that begins at `at`, or holds it.
    pub(super) fn here(&self, at: Offset) -> Option<Skip> {
        self.next(at).filter(|skip| skip.from <= at)
    }

    /// Passes over everything up to `end`, behind `position` and what is passed over already. Returns how many bytes
    /// that are.
    pub(super) fn add(&mut self, position: Offset, end: Offset, why: SkipReason, limit: Option<Limit>) -> u64 {
        let last = self.0.back().map_or(position, |skip| skip.end.max(position));
        let bytes = end.since(last);
        match self.0.back_mut() {
            _ if bytes == 0 => {}
            // Not handed on yet and for the same reason: one range, with one marker, so that they do not pile up while
            // nothing is sent.
            Some(skip) if skip.end == last && skip.end > position && (skip.why, skip.limit) == (why, limit) => {
                skip.end = end;
            }
            _ => self.0.push_back(Skip { from: last, end, why, limit }),
        }
        bytes
    }

    /// Where the last range ends.
    pub(super) fn end(&self) -> Option<Offset> {
        self.0.back().map(|skip| skip.end)
    }

    /// Passes over everything from `position` to `end` that no range covers yet. Returns how many bytes that are.
    pub(super) fn fill(&mut self, position: Offset, end: Offset, why: SkipReason) -> u64 {
        let (mut lost, mut at) = (0, position);
        for skip in std::mem::take(&mut self.0).into_iter().filter(|skip| skip.end > position) {
            lost += skip.from.since(at);
            if skip.from > at {
                self.0.push_back(Skip { from: at, end: skip.from, why, limit: None });
            }
            at = skip.end;
            self.0.push_back(skip);
        }
        lost + self.add(position, end, why, None)
    }

    /// Passes over the range from `from` to `end`, before those that lie behind it.
    pub(super) fn insert(&mut self, from: Offset, end: Offset, why: SkipReason) {
        let place = self.0.iter().position(|skip| skip.from > from).unwrap_or(self.0.len());
        let end = self.0.get(place).map_or(end, |next| end.min(next.from));
        if end > from {
            self.0.insert(place, Skip { from, end, why, limit: None });
        }
    }

    /// Forgets what is settled.
    pub(super) fn settle(&mut self, settled: Offset) {
        self.0.retain(|skip| skip.end > settled);
    }
}
