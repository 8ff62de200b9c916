//! Falling behind: jumping over what is more than a limit allows, how long a file has waited, and what the reader of the
//! log is told of a gap.

use std::fmt::Write as _;
use std::io;
use std::time::{Duration, Instant};

use super::Follower;
use super::skips::{Limit, Skip};
use crate::ledger::{Offset, Segment, SkipReason, Verdict};
use crate::logs::batch::{Blank, Event};

/// What is remembered of a file that may fall behind.
#[derive(Debug, Default)]
pub(super) struct Behind {
    /// It has a position of an earlier run, or of another name.
    is_resumed: bool,
    /// Where its account stood when it was opened.
    begun: Offset,
    /// How far it was settled at the last look, and when that was; none when nothing was to be read then.
    looked: Option<(Offset, Instant)>,
    /// For how long something was to be read and nothing was settled.
    waited: Duration,
}

impl Behind {
    pub(super) fn new(begun: Offset) -> Self {
        Self { begun, ..Self::default() }
    }

    /// Takes note of a look. Returns how long something has been to be read while nothing was settled. Time between two
    /// looks counts up to `longest`: a process that was stopped did not wait for the server.
    fn look(&mut self, settled: Offset, has_unread: bool, longest: Duration, now: Instant) -> Duration {
        self.waited = match self.looked {
            Some((before, at)) if has_unread && before == settled => {
                self.waited + now.saturating_duration_since(at).min(longest)
            }
            _ => Duration::ZERO,
        };
        self.looked = has_unread.then_some((settled, now));
        self.waited
    }
}

impl Follower {
    /// The file goes on from a position, of an earlier run or of another name.
    pub fn note_resumed(&mut self) {
        self.behind.is_resumed = true;
    }

    /// Whether copying of it has begun already: it has a position, or something of it is settled.
    pub fn is_known(&self) -> bool {
        self.behind.is_resumed || self.account.settled() > self.behind.begun
    }

    /// How many bytes were seen that are neither handed on nor passed over.
    pub fn to_read(&self) -> u64 {
        let from = self.skips.end().unwrap_or_default().max(self.position);
        if self.ended.is_some() { 0 } else { Offset(self.size).since(from) }
    }

    /// Passes over everything that is more than `keep` bytes behind the end, up to the next line border. Returns how
    /// many bytes that are.
    ///
    /// # Errors
    /// When the file cannot be read; nothing is passed over then.
    pub fn skip_excess(&mut self, keep: u64, limit: Limit, max_line: usize) -> io::Result<u64> {
        if self.to_read() <= keep {
            return Ok(0);
        }
        // One byte earlier: what follows a line end stands at a border already.
        let from = (self.size - keep).saturating_sub(1);
        let mut head = Vec::new();
        let Some(source) = &mut self.source else { return Ok(0) };
        source.read(&mut head, Offset(from), max_line.saturating_add(1))?;
        let end = Offset(from).plus(memchr::memchr(b'\n', &head).map_or(1, |at| at as u64 + 1));
        Ok(self.jump(Offset(end.0.min(self.size)), SkipReason::TooFarBehind, limit))
    }

    /// Passes over everything that was seen. Returns how many bytes that are.
    pub fn skip_to_end(&mut self, why: SkipReason, limit: Limit) -> u64 {
        if self.ended.is_some() { 0 } else { self.jump(Offset(self.size), why, limit) }
    }

    fn jump(&mut self, end: Offset, why: SkipReason, limit: Limit) -> u64 {
        let bytes = self.skips.add(self.position, end, why, Some(limit));
        if bytes > 0 {
            self.unfinished = None;
        }
        bytes
    }

    /// How long something has been to be read while nothing of the file was settled, as far as it was looked at.
    /// Time between two looks counts up to `longest`.
    pub fn waited(&mut self, longest: Duration, now: Instant) -> Duration {
        let (settled, has_unread) = (self.account.settled(), self.to_read() > 0);
        self.behind.look(settled, has_unread, longest, now)
    }
}

/// The ranges that a batch begins by passing over, each with a marker for the reader of the log.
#[derive(Default)]
pub(super) struct Passed {
    /// Each with where it begins.
    skips: Vec<(Offset, Skip)>,
}

impl Passed {
    /// Notes that `skip` is passed over from `at` on.
    pub(super) fn add(&mut self, at: Offset, skip: Skip) {
        self.skips.push((at, skip));
    }

    /// Whether nothing is passed over.
    pub(super) fn is_empty(&self) -> bool {
        self.skips.is_empty()
    }

    /// Puts the ranges and the events of the markers before those of lines, and their texts behind everything in the
    /// arena.
    pub(super) fn mark(self, blank: &mut Blank) {
        let Blank { arena, events, segments } = blank;
        // A full batch must not double for a marker, and be kept so.
        events.reserve_exact(self.skips.len());
        segments.splice(0..0, self.skips.iter().flat_map(|(at, skip)| segments_of(*at, skip)));
        let mut put = |text: &str| {
            let begin = length(arena);
            arena.reserve_exact(text.len());
            arena.extend_from_slice(text.as_bytes());
            begin..length(arena)
        };
        let markers = self.skips.into_iter().filter(|(_, skip)| has_marker(skip)).map(|(at, skip)| {
            let bytes = skip.end.since(at);
            let mut text = format!("[scalyr-agent: {bytes} bytes of this log were skipped here: {}", skip.why);
            if let Some(limit) = skip.limit {
                // Writing to a string cannot fail.
                _ = write!(text, " ({limit})");
            }
            text.push_str("]\n");
            let message = put(&text);
            let attributes = put(&format!("\"scalyr_agent_skipped_bytes\":{bytes}"));
            // No line ends within the range, so its end is a number that no line has.
            Event { message, attributes, time: None, end: at, number: skip.end }
        });
        events.splice(0..0, markers);
    }
}

/// The reader of the log is not told of what is there once, after all.
fn has_marker(skip: &Skip) -> bool {
    skip.why != SkipReason::Repeated
}

/// The marker stands before the range in a segment of no bytes, so that the range is not settled before the marker is on
/// its way: a crash between the two repeats it rather than losing it.
fn segments_of(at: Offset, skip: &Skip) -> impl Iterator<Item = Segment> + use<> {
    let marker = has_marker(skip).then_some(Segment { end: at, lines: 1, verdict: Verdict::Send });
    marker.into_iter().chain([Segment { end: skip.end, lines: 0, verdict: Verdict::Skipped(skip.why) }])
}

/// Arenas are far smaller than four gigabytes.
fn length(arena: &[u8]) -> u32 {
    u32::try_from(arena.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use scalyr_monitor::{Clock, Timestamp};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn only_time_in_which_the_file_was_looked_at_counts_as_waiting() {
        let start = Clock::manual(Timestamp::from_millis(0)).monotonic();
        let mut behind = Behind::new(Offset(0));
        let at = |seconds: u32| start + SECOND * seconds;
        assert_eq!(behind.look(Offset(0), true, SECOND * 10, at(0)), Duration::ZERO);
        assert_eq!(behind.look(Offset(0), true, SECOND * 10, at(4)), SECOND * 4);
        // The process was stopped for an hour.
        assert_eq!(behind.look(Offset(0), true, SECOND * 10, at(3604)), SECOND * 14);
        assert_eq!(behind.look(Offset(5), true, SECOND * 10, at(3605)), Duration::ZERO, "the server took something");
        assert_eq!(behind.look(Offset(5), false, SECOND * 10, at(3606)), Duration::ZERO);
        assert_eq!(
            behind.look(Offset(5), true, SECOND * 10, at(9000)),
            Duration::ZERO,
            "nothing was to be read meanwhile"
        );
    }
}
