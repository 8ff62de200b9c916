//! How large requests may be, as the server's refusals have taught (`wire-protocol.md` section 5). In bytes of the body
//! before compression.

use crate::config::plan::Pacing;

/// After so many full requests in a row a larger one is tried.
const STREAK: u32 = 10;

/// A request is full when less than one in so many parts of the limit is missing.
const MISSING: usize = 5;

/// A tenth more is tried.
const GROWTH: usize = 10;

/// The size that requests are packed to.
#[derive(Clone, Debug)]
pub(super) struct SizeLimit {
    /// `max_allowed_request_size`.
    most: usize,
    /// `min_allowed_request_size`: nothing is packed to less. Parts may be smaller.
    least: usize,
    /// `request_too_large_adjustment`.
    adjustment: f64,
    now: usize,
    streak: u32,
}

impl SizeLimit {
    /// No request was refused yet.
    pub(super) fn new(pacing: &Pacing) -> Self {
        let most = pacing.max_request_size;
        let least = pacing.min_request_size.min(most);
        Self { most, least, adjustment: pacing.too_large_adjustment, now: most, streak: 0 }
    }

    /// Requests are packed to so many bytes.
    pub(super) fn now(&self) -> usize {
        self.now
    }

    /// Whether the server has ever said no to more, as far as is remembered.
    pub(super) fn is_learned(&self) -> bool {
        self.now < self.most
    }

    /// A request of this size was too large.
    pub(super) fn refused(&mut self, bytes: usize) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a size; it saturates")]
        #[expect(clippy::cast_precision_loss, reason = "bodies are far smaller")]
        let shrunk = (bytes as f64 * self.adjustment) as usize;
        self.now = shrunk.max(self.least).min(self.now);
        self.streak = 0;
    }

    /// A request of this size was long on its way: the next one is half the size.
    pub(super) fn took_too_long(&mut self, bytes: usize) {
        self.now = (bytes / 2).max(self.least).min(self.now);
        self.streak = 0;
    }

    /// A request of this size was accepted. Requests that are not full say nothing about larger ones.
    pub(super) fn accepted(&mut self, bytes: usize) {
        if !self.is_learned() || bytes < self.now - self.now / MISSING {
            return;
        }
        self.streak += 1;
        if self.streak >= STREAK {
            self.streak = 0;
            self.now = self.now.saturating_add((self.now / GROWTH).max(1)).min(self.most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(adjustment: f64) -> SizeLimit {
        SizeLimit { most: 5_900_000, least: 102_400, adjustment, now: 5_900_000, streak: 0 }
    }

    #[test]
    fn a_refused_size_is_halved_and_never_packed_to_less_than_the_least() {
        let mut limit = limit(0.5);
        assert!(!limit.is_learned());
        limit.refused(5_000_000);
        assert_eq!((limit.now(), limit.is_learned()), (2_500_000, true));
        limit.refused(4_900_000);
        assert_eq!(limit.now(), 2_450_000);
        limit.refused(5_900_000);
        assert_eq!(limit.now(), 2_450_000, "what was packed before it was learned teaches nothing new");
        limit.refused(900);
        assert_eq!(limit.now(), 102_400);
    }

    #[test]
    fn it_grows_by_a_tenth_after_ten_full_requests_in_a_row_up_to_the_configured_maximum() {
        let mut limit = limit(0.5);
        limit.refused(2_000_000);
        (0..9).for_each(|_| limit.accepted(990_000));
        (0..100).for_each(|_| limit.accepted(20_000));
        assert_eq!(limit.now(), 1_000_000, "small requests say nothing");
        limit.accepted(990_000);
        assert_eq!(limit.now(), 1_100_000);
        (0..1000).for_each(|_| limit.accepted(5_900_000));
        assert_eq!((limit.now(), limit.is_learned()), (5_900_000, false));
    }
}
