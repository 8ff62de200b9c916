//! The last bytes that were read: they must still stand before the position when reading goes on.

use crate::ledger::Offset;

/// How many bytes are remembered.
pub(super) const ANCHOR_BYTES: usize = 64;

/// The bytes before the position. A file that was truncated and has grown beyond the position between two looks, or was
/// rewritten in place, shows by these, also when its head is a fixed one.
#[derive(Debug)]
pub(super) struct Anchor {
    end: Offset,
    bytes: [u8; ANCHOR_BYTES],
    length: usize,
}

impl Anchor {
    /// Nothing is known of the bytes before `end`.
    pub(super) fn new(end: Offset) -> Self {
        Self { end, bytes: [0; ANCHOR_BYTES], length: 0 }
    }

    /// What must stand right before `at`, as far as it is known.
    pub(super) fn before(&self, at: Offset) -> &[u8] {
        if at == self.end { &self.bytes[..self.length] } else { &[] }
    }

    /// Notes that `read` was read at `from`.
    pub(super) fn advance(&mut self, from: Offset, read: &[u8]) {
        let kept = if from == self.end { self.length.min(ANCHOR_BYTES.saturating_sub(read.len())) } else { 0 };
        let new = &read[read.len().saturating_sub(ANCHOR_BYTES)..];
        self.bytes.copy_within(self.length - kept..self.length, 0);
        self.bytes[kept..kept + new.len()].copy_from_slice(new);
        self.length = kept + new.len();
        self.end = from.plus(read.len() as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bytes_are_kept_over_short_and_long_reads() {
        let mut anchor = Anchor::new(Offset(5));
        let all: Vec<u8> = (0..200).collect();
        let mut at = 0;
        for length in [1, 3, 60, 10, 100, 0, 26] {
            anchor.advance(Offset(5 + at as u64), &all[at..at + length]);
            at += length;
            assert_eq!(anchor.before(Offset(5 + at as u64)), &all[at.saturating_sub(ANCHOR_BYTES)..at]);
        }
        assert!(anchor.before(Offset(7)).is_empty(), "nothing is known of another place");
        anchor.advance(Offset(1000), b"ab");
        assert_eq!(anchor.before(Offset(1002)), b"ab");
    }
}
