//! Which causes were told of lately, so that a trouble that lasts does not fill the agent log (`logging.md` section 8).

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// So many causes are told apart; further ones share one limit. A collection that grew with what a monitor looks at
/// would be a leak.
pub(crate) const MAX_CAUSES: usize = 256;

/// The part of a cause's text that counts, in bytes.
const MAX_CAUSE_BYTES: usize = 200;

/// The causes that were told of, each with what was held back since.
#[derive(Default)]
pub(crate) struct Limits {
    told: HashMap<String, Told>,
    /// All causes beyond [`MAX_CAUSES`].
    shared: Option<Told>,
    /// Held back under causes that were forgotten to make room.
    forgotten: u64,
}

struct Told {
    at: Instant,
    interval: Duration,
    held_back: u64,
}

/// What a record that may be written has to tell of those that were not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeldBack {
    /// Of the same cause, since the last one that was written.
    pub(crate) same_cause: u64,
    /// Of causes that were forgotten since.
    pub(crate) other_causes: u64,
    /// Whether it shares its limit with other causes, of which there are too many.
    pub(crate) shares: bool,
}

impl Limits {
    /// Whether a record of this cause may be written now, and what was held back before it; `None` when the last one
    /// is not yet `interval` ago.
    pub(crate) fn take(&mut self, cause: &str, now: Instant, interval: Duration) -> Option<HeldBack> {
        let cause = &cause[..cause.floor_char_boundary(MAX_CAUSE_BYTES)];
        if !self.told.contains_key(cause) && self.told.len() >= MAX_CAUSES {
            self.forget_old(now);
        }
        let full = self.told.len() >= MAX_CAUSES;
        let (same_cause, shares) = match self.told.get_mut(cause) {
            Some(told) => (told.take(now, interval)?, false),
            None if full => match &mut self.shared {
                Some(told) => (told.take(now, interval)?, true),
                none => {
                    *none = Some(Told::first(now, interval));
                    (0, true)
                }
            },
            None => {
                self.told.insert(cause.to_owned(), Told::first(now, interval));
                (0, false)
            }
        };
        Some(HeldBack { same_cause, other_causes: std::mem::take(&mut self.forgotten), shares })
    }

    /// All that was held back and not told of.
    pub(crate) fn untold(&self) -> u64 {
        self.forgotten + self.told.values().chain(&self.shared).map(|told| told.held_back).sum::<u64>()
    }

    /// Makes room: causes whose interval is over are forgotten, what they held back is not.
    fn forget_old(&mut self, now: Instant) {
        let forgotten = &mut self.forgotten;
        self.told.retain(|_, told| {
            let is_young = told.is_young(now);
            *forgotten += if is_young { 0 } else { told.held_back };
            is_young
        });
    }
}

impl Told {
    fn first(now: Instant, interval: Duration) -> Self {
        Self { at: now, interval, held_back: 0 }
    }

    fn is_young(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) < self.interval
    }

    fn take(&mut self, now: Instant, interval: Duration) -> Option<u64> {
        self.interval = interval;
        if self.is_young(now) {
            self.held_back += 1;
            return None;
        }
        self.at = now;
        Some(std::mem::take(&mut self.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, Timestamp};

    const MINUTE: Duration = Duration::from_secs(60);

    fn told(same_cause: u64) -> Option<HeldBack> {
        Some(HeldBack { same_cause, other_causes: 0, shares: false })
    }

    #[test]
    fn a_cause_is_told_of_again_when_its_interval_is_over() {
        let (clock, mut limits) = (Clock::manual(Timestamp::from_millis(0)), Limits::default());
        assert_eq!(limits.take("foo", clock.monotonic(), MINUTE), told(0));
        clock.advance(Duration::from_secs(1));
        assert_eq!(limits.take("foo", clock.monotonic(), MINUTE), None);
        assert_eq!(limits.take("bar", clock.monotonic(), MINUTE), told(0), "another cause is another matter");
        assert_eq!(limits.untold(), 1);
        clock.advance(MINUTE);
        assert_eq!(limits.take("foo", clock.monotonic(), MINUTE), told(1));
        clock.advance(MINUTE);
        assert_eq!(limits.take("foo", clock.monotonic(), MINUTE), told(0), "exactly the interval is enough");
    }

    #[test]
    fn causes_without_end_share_one_limit_and_nothing_held_back_is_forgotten() {
        let (clock, mut limits) = (Clock::manual(Timestamp::from_millis(0)), Limits::default());
        let written = (0..10_000).filter(|n| limits.take(&format!("{n}"), clock.monotonic(), MINUTE).is_some());
        assert_eq!(written.count(), MAX_CAUSES + 1);
        assert_eq!(limits.take("0", clock.monotonic(), MINUTE), None);
        assert_eq!(limits.told.len(), MAX_CAUSES);
        let held_back = 10_000 - MAX_CAUSES as u64;
        assert_eq!(limits.untold(), held_back);
        clock.advance(MINUTE);
        let fresh = Some(HeldBack { same_cause: 0, other_causes: 1, shares: false });
        assert_eq!(limits.take("fresh", clock.monotonic(), MINUTE), fresh, "old causes have made room");
        assert_eq!((limits.told.len(), limits.untold()), (1, held_back - 1));
    }

    #[test]
    fn a_very_long_cause_is_kept_short() {
        let (clock, mut limits) = (Clock::manual(Timestamp::from_millis(0)), Limits::default());
        let long = "é".repeat(100_000);
        assert_eq!(limits.take(&long, clock.monotonic(), MINUTE), told(0));
        assert_eq!(limits.take(&long, clock.monotonic(), MINUTE), None);
        assert!(limits.told.keys().all(|cause| cause.len() <= MAX_CAUSE_BYTES));
    }
}
