//! How many bytes a second a server has accepted of late.

use std::time::{Duration, Instant};

/// So many slices of time are remembered, ...
const SLICES: usize = 12;
/// ... each as long as this: a minute together.
const SLICE: Duration = Duration::from_secs(5);

/// The bytes of the last minute, in slices of five seconds.
#[derive(Debug)]
pub(super) struct Throughput {
    begin: Instant,
    /// The number, counted from the begin, of the newest slice.
    newest: u64,
    /// By the number of the slice, modulo [`SLICES`].
    bytes: [u64; SLICES],
}

impl Throughput {
    /// Nothing was accepted yet.
    pub(super) fn new(now: Instant) -> Self {
        Self { begin: now, newest: 0, bytes: [0; SLICES] }
    }

    fn slice(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.begin).as_secs() / SLICE.as_secs()
    }

    /// So many bytes were accepted.
    pub(super) fn add(&mut self, bytes: u64, now: Instant) {
        let slice = self.slice(now).max(self.newest);
        for passed in (self.newest + 1..=slice).rev().take(SLICES) {
            self.bytes[Self::place(passed)] = 0;
        }
        self.newest = slice;
        self.bytes[Self::place(slice)] += bytes;
    }

    /// Bytes per second over the last minute, or since the begin when that is less.
    pub(super) fn per_second(&self, now: Instant) -> f64 {
        let slice = self.slice(now).max(self.newest);
        // The slice that is going on and those before it, as far as they reach back and are not forgotten.
        let oldest = (slice + 1).saturating_sub(SLICES as u64);
        let bytes: u64 = (oldest..=self.newest).map(|at| self.bytes[Self::place(at)]).sum();
        let since = self.begin + SLICE * u32::try_from(oldest).unwrap_or(u32::MAX);
        // Not less than a second, so that the first answer does not look like a torrent.
        bytes as f64 / now.saturating_duration_since(since).as_secs_f64().max(1.0)
    }

    fn place(slice: u64) -> usize {
        (slice % SLICES as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use scalyr_monitor::{Clock, Timestamp};

    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_minute_and_falls_to_nothing_in_an_idle_one() {
        let start = Clock::manual(Timestamp::from_millis(0)).monotonic();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut throughput = Throughput::new(start);
        assert_eq!(throughput.per_second(start), 0.0);
        throughput.add(100, at(2));
        assert_eq!(throughput.per_second(at(2)), 50.0, "since the begin");
        for second in 3..300 {
            throughput.add(100, at(second));
            let rate = throughput.per_second(at(second));
            assert!(second < 10 || (75.0..=110.0).contains(&rate), "{rate} at {second}");
        }
        assert!((45.0..60.0).contains(&throughput.per_second(at(329))), "{}", throughput.per_second(at(329)));
        assert_eq!(throughput.per_second(at(365)), 0.0);
        throughput.add(600, at(100_000));
        assert!((10.0..=11.0).contains(&throughput.per_second(at(100_000))), "long after");
    }
}
