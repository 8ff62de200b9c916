//! How much may be written: a leaky bucket in bytes, filled by the monotonic clock (`logging.md` section 7).

use std::time::Instant;

use crate::config::plan::WriteLimit;

const NANOS_PER_SEC: u128 = 1_000_000_000;

/// A bucket that starts full, fills at a steady rate and refuses what is larger than its contents.
#[derive(Debug)]
pub struct LeakyBucket {
    size: u128,
    rate: u128,
    /// In billionths of a byte, so that no fraction is lost between two lines, however close they are.
    contents: u128,
    filled_at: Instant,
}

impl LeakyBucket {
    /// A full bucket.
    pub fn new(limit: WriteLimit, now: Instant) -> Self {
        let size = u128::from(limit.burst) * NANOS_PER_SEC;
        Self { size, rate: u128::from(limit.rate), contents: size, filled_at: now }
    }

    /// Whether there are so many bytes now.
    pub fn has(&mut self, bytes: usize, now: Instant) -> bool {
        self.fill(now);
        cost(bytes) <= self.contents
    }

    /// Takes `bytes` out; false, and nothing taken, when they are more than there is.
    pub fn take(&mut self, bytes: usize, now: Instant) -> bool {
        let enough = self.has(bytes, now);
        if enough {
            self.contents -= cost(bytes);
        }
        enough
    }

    fn fill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.filled_at).as_nanos();
        self.contents = self.contents.saturating_add(self.rate.saturating_mul(elapsed)).min(self.size);
        self.filled_at = self.filled_at.max(now);
    }
}

fn cost(bytes: usize) -> u128 {
    bytes as u128 * NANOS_PER_SEC
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use scalyr_monitor::{Clock, Timestamp};

    use super::*;

    fn bucket(rate: u64, burst: u64) -> (LeakyBucket, Clock) {
        let clock = Clock::manual(Timestamp::from_millis(0));
        (LeakyBucket::new(WriteLimit { rate, burst }, clock.monotonic()), clock)
    }

    #[test]
    fn it_starts_full_and_refuses_what_does_not_fit() {
        let (mut bucket, clock) = bucket(0, 400);
        assert!(!bucket.take(401, clock.monotonic()));
        assert!(bucket.take(300, clock.monotonic()));
        assert!(bucket.take(100, clock.monotonic()));
        assert!(!bucket.take(1, clock.monotonic()));
    }

    #[test]
    fn without_a_rate_only_the_burst_is_ever_written() {
        let (mut bucket, clock) = bucket(0, 10);
        assert!(bucket.take(10, clock.monotonic()));
        clock.advance(Duration::from_secs(1_000_000));
        assert!(!bucket.take(1, clock.monotonic()));
        assert!(bucket.take(0, clock.monotonic()));
    }

    #[test]
    fn it_fills_with_time_and_never_above_its_size() {
        let (mut bucket, clock) = bucket(2000, 100_000);
        assert!(bucket.take(100_000, clock.monotonic()));
        clock.advance(Duration::from_millis(500));
        assert!(!bucket.take(1001, clock.monotonic()));
        assert!(bucket.take(1000, clock.monotonic()));
        clock.advance(Duration::from_secs(3600));
        assert!(!bucket.take(100_001, clock.monotonic()));
        assert!(bucket.take(100_000, clock.monotonic()));
    }

    #[test]
    fn many_small_steps_fill_it_as_much_as_a_large_one() {
        let (mut bucket, clock) = bucket(3, 9);
        assert!(bucket.take(9, clock.monotonic()));
        for _ in 0..3_000 {
            clock.advance(Duration::from_millis(1));
            assert!(bucket.take(0, clock.monotonic()));
        }
        assert!(bucket.take(9, clock.monotonic()));
    }

    #[test]
    fn a_wall_clock_that_jumps_changes_nothing() {
        let (mut bucket, clock) = bucket(10, 10);
        assert!(bucket.take(10, clock.monotonic()));
        clock.set(Timestamp::from_millis(1_000_000_000));
        assert!(!bucket.take(1, clock.monotonic()));
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let (mut bucket, clock) = bucket(u64::MAX, u64::MAX);
        assert!(bucket.take(usize::MAX, clock.monotonic()));
        clock.advance(Duration::from_secs(100_000_000));
        assert!(bucket.take(usize::MAX, clock.monotonic()));
    }
}
