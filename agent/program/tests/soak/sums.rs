//! What a round came to, and all rounds together.

use std::fmt;

/// Numbers of one round, or of several.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    pub(crate) rounds: u64,
    /// Lines that were written.
    pub(crate) lines: u64,
    /// Events that the receiver took.
    pub(crate) arrived: u64,
    /// Of these, lines that had come before.
    pub(crate) repeated: u64,
    /// Bytes that the agent says it skipped.
    pub(crate) skipped_bytes: u64,
    pub(crate) rotations: u64,
    pub(crate) kills: u64,
    pub(crate) stops: u64,
    /// Faults of the server, whatever kind.
    pub(crate) faults: u64,
    /// Of these, requests that it took without the agent learning it.
    pub(crate) unanswered: u64,
}

impl Sums {
    /// Adds those of another round.
    pub(crate) fn add(&mut self, other: &Self) {
        let Self { rounds, lines, arrived, repeated, skipped_bytes, rotations, kills, stops, faults, unanswered } =
            other;
        self.rounds += rounds;
        self.lines += lines;
        self.arrived += arrived;
        self.repeated += repeated;
        self.skipped_bytes += skipped_bytes;
        self.rotations += rotations;
        self.kills += kills;
        self.stops += stops;
        self.faults += faults;
        self.unanswered += unanswered;
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rounds, lines, arrived, repeated, skipped_bytes, rotations, kills, stops, faults, unanswered } =
            self;
        write!(
            f,
            "{rounds} rounds, {lines} lines written, {arrived} arrived, {repeated} of them again ({kills} kills, {stops} \
             stops, {unanswered} requests taken and not answered), {skipped_bytes} bytes skipped; {rotations} rotations, \
             {faults} faults"
        )
    }
}
