//! Jumping over what is more than a limit allows.

use std::io;

use super::Follower;
use crate::ledger::{Offset, SkipReason};

impl Follower {
    /// Passes over everything that is more than `limit` bytes behind the end, up to the next line border. Returns how
    /// many bytes that are.
    pub fn skip_excess(&mut self, limit: u64, max_line: usize) -> io::Result<u64> {
        let unread = self.size.saturating_sub(self.position.0);
        if unread <= limit {
            return Ok(0);
        }
        let from = self.size - limit;
        let mut head = Vec::new();
        if let Some(source) = &mut self.source {
            source.read(&mut head, Offset(from), max_line)?;
        }
        let end = Offset(from).plus(memchr::memchr(b'\n', &head).map_or(0, |at| at as u64 + 1));
        Ok(self.pass_over(end, SkipReason::TooFarBehind))
    }
}
