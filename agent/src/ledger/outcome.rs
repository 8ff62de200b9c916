//! What can become of bytes, and sums of it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::Offset;
use crate::upload::Accepted;

/// Why bytes were read and not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// The server asked to discard the request.
    ServerDiscarded,
    /// The event cannot be put into any request, or the server refuses even one with this event alone for its size.
    TooLarge,
    /// The server refuses even a request with this event alone, and takes others.
    Refused,
    /// Redaction left nothing of the line.
    RedactedAway,
    /// `disable_send_requests`.
    SendingDisabled,
}

/// Why bytes were never read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// More unread bytes than `max_log_offset_size` or `max_existing_log_offset_size` allows.
    TooFarBehind,
    /// The file was truncated before they were read.
    Truncated,
    /// The file could not be read to its end, or had to be let go.
    Unreadable,
    /// The file was deleted, and `log_deletion_delay` passed before they were read.
    Deleted,
    /// Nothing of the file was accepted for `copy_staleness_threshold`.
    Stale,
    /// They are no data: a hole, or what a copy holds twice.
    Repeated,
}

/// As `status` shows it behind "dropped:".
impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServerDiscarded => "the server asked to discard them",
            Self::TooLarge => "larger than a request may be",
            Self::Refused => "refused by the server",
            Self::RedactedAway => "nothing left after redaction",
            Self::SendingDisabled => "disable_send_requests",
        })
    }
}

/// As `status` shows it behind "skipped:".
impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooFarBehind => "too far behind",
            Self::Truncated => "truncated before they were read",
            Self::Unreadable => "not readable",
            Self::Deleted => "deleted before they were read",
            Self::Stale => "nothing was accepted for too long",
            Self::Repeated => "copied already from another file",
        })
    }
}

/// What the tail stage has decided about a range of bytes, before the server has its say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Events were made of it; the server's answer settles it.
    Send,
    /// A sampling rule left it out.
    SampledOut,
    /// It was read and will not be sent.
    Dropped(DropReason),
    /// It was not read.
    Skipped(SkipReason),
}

/// A range of bytes with its verdict. The range begins where the one before it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where the range ends.
    pub end: Offset,
    /// How many events (or lines left out) it holds.
    pub lines: u64,
    /// What is to become of it.
    pub verdict: Verdict,
}

/// What finally became of a range of bytes.
#[derive(Debug)]
pub enum Outcome {
    /// The server has it; only `upload` can say so.
    Accepted(Accepted),
    /// A sampling rule left it out.
    SampledOut,
    /// It was read and not sent.
    Dropped(DropReason),
    /// It was never read.
    Skipped(SkipReason),
}

/// Bytes and lines that had the same outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Source bytes.
    pub bytes: u64,
    /// Lines (events).
    pub lines: u64,
}

impl Count {
    pub(super) fn add(&mut self, bytes: u64, lines: u64) {
        self.bytes += bytes;
        self.lines += lines;
    }

    /// Adds another count.
    pub fn merge(&mut self, other: Self) {
        self.add(other.bytes, other.lines);
    }
}

/// What became of the bytes of one file, or of several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Read from the file or passed over, since this process began to follow it. Bytes that are to be read again, for a
    /// session that takes over from another, do not count before.
    pub read: u64,
    /// Accepted by the server.
    pub accepted: Count,
    /// Left out by sampling rules.
    pub sampled_out: Count,
    /// Read and not sent, by reason.
    pub dropped: BTreeMap<DropReason, Count>,
    /// Never read, by reason.
    pub skipped: BTreeMap<SkipReason, Count>,
    /// Read and not settled yet.
    pub pending: u64,
    /// Lines with at least one replacement.
    pub redacted_lines: u64,
    /// Lines that a rule failed at.
    pub failed_rules: u64,
    /// Lines that were not in the format that their entry says.
    pub unparsed_lines: u64,
}

impl Totals {
    /// Adds the totals of another file.
    pub fn merge(&mut self, other: &Self) {
        self.read += other.read;
        self.accepted.merge(other.accepted);
        self.sampled_out.merge(other.sampled_out);
        self.pending += other.pending;
        self.redacted_lines += other.redacted_lines;
        self.failed_rules += other.failed_rules;
        self.unparsed_lines += other.unparsed_lines;
        for (reason, count) in &other.dropped {
            self.dropped.entry(*reason).or_default().merge(*count);
        }
        for (reason, count) in &other.skipped {
            self.skipped.entry(*reason).or_default().merge(*count);
        }
    }

    /// Whether every byte that was read has exactly one outcome or is pending.
    pub fn reconciles(&self) -> bool {
        let dropped: u64 = self.dropped.values().map(|count| count.bytes).sum();
        let skipped: u64 = self.skipped.values().map(|count| count.bytes).sum();
        self.read == self.accepted.bytes + self.sampled_out.bytes + dropped + skipped + self.pending
    }
}
