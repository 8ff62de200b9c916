//! The bytes of a pickle, taken from the front.

use memchr::memchr;

/// What is left of a pickle.
pub(super) struct Bytes<'b> {
    all: &'b [u8],
    at: usize,
}

impl<'b> Bytes<'b> {
    pub(super) fn of(all: &'b [u8]) -> Self {
        Self { all, at: 0 }
    }

    /// How many were taken.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn rest(&self) -> &'b [u8] {
        self.all.get(self.at..).unwrap_or_default()
    }

    /// So many; `None` when there are fewer.
    pub(super) fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let taken = self.rest().get(..length)?;
        self.at += length;
        Some(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A length of so many bytes, the lowest first.
    pub(super) fn length(&mut self, bytes: usize) -> Option<usize> {
        let length = self.take(bytes)?.iter().rev().try_fold(0_u64, |sum, &byte| {
            (sum >> 56 == 0).then_some(sum << 8 | u64::from(byte)) // more than eight bytes there are not
        });
        usize::try_from(length?).ok()
    }

    /// Up to the end of the line, without it.
    pub(super) fn line(&mut self) -> Option<&'b [u8]> {
        let line = self.rest().get(..memchr(b'\n', self.rest())?)?;
        self.at += line.len() + 1;
        Some(line)
    }
}
