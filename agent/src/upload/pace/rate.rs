//! `max_send_rate_enforcement` (`wire-protocol.md` section 13): a bucket that fills at the rate and from which each request
//! takes its log bytes before it leaves.

use std::time::{Duration, Instant};

/// How many seconds' worth the bucket holds, as that of the Python agent.
const BURST_SECONDS: f64 = 4.0;

/// No rate is so low that nothing is sent for longer than this.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 86_400);

/// The limit of the rate of one session.
///
/// What is counted are log bytes: the messages of the events in a request, without what the protocol adds and before
/// compression. A request waits until its own bytes are in the bucket, and is counted once, however often it has to be
/// sent. The bucket holds four seconds' worth, or as much as the request that waits, if that is more; it is full at the
/// start. So in any span of time no more leaves than the rate allows in it and one bucket, and an agent with little to
/// send is not slowed down at all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate(Allowance);

impl Rate {
    /// A limit of so many bytes per second, more than 0.
    pub(super) fn new(per_second: f64, now: Instant) -> Self {
        Self(Allowance { per_second, level: per_second * BURST_SECONDS, since: now })
    }

    /// A request with so many log bytes leaves.
    #[expect(clippy::cast_precision_loss, reason = "requests are far smaller")]
    pub(super) fn charge(&mut self, log_bytes: u64, now: Instant) {
        let Allowance { per_second, level, since } = self.0;
        let bytes = log_bytes as f64;
        let filled = level + now.saturating_duration_since(since).as_secs_f64() * per_second;
        self.0.level = filled.min(bytes.max(per_second * BURST_SECONDS)) - bytes;
        self.0.since = now;
    }

    /// What may be sent from now on, until the next charge.
    pub(super) fn allowance(self) -> Allowance {
        self.0
    }
}

/// How many log bytes a session may send, and when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::upload) struct Allowance {
    per_second: f64,
    /// What was in the bucket at `since`; below 0 when a request could not wait.
    level: f64,
    since: Instant,
}

impl Allowance {
    /// When a request with so many log bytes may leave.
    #[expect(clippy::cast_precision_loss, reason = "requests are far smaller")]
    pub(in crate::upload) fn due(self, log_bytes: u64) -> Instant {
        let missing = (log_bytes as f64 - self.level).max(0.0);
        self.since + Duration::try_from_secs_f64(missing / self.per_second).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use scalyr_monitor::{Clock, Timestamp};

    use super::*;

    /// Lets requests of these sizes, each with a pause before it, leave as soon as they may. Returns when they did, in
    /// seconds since the start.
    fn starts(per_second: f64, requests: &[(f64, u64)]) -> Vec<f64> {
        let clock = Clock::manual(Timestamp::from_millis(0));
        let begin = clock.monotonic();
        let mut rate = Rate::new(per_second, begin);
        let mut starts = Vec::new();
        for (pause, bytes) in requests {
            clock.advance(Duration::from_secs_f64(*pause));
            clock.advance(rate.allowance().due(*bytes).saturating_duration_since(clock.monotonic()));
            starts.push((clock.monotonic() - begin).as_secs_f64());
            rate.charge(*bytes, clock.monotonic());
        }
        starts
    }

    #[test]
    fn a_request_waits_until_its_own_bytes_may_be_sent() {
        let waiting = |bytes: &[u64]| bytes.iter().map(|bytes| (0.0, *bytes)).collect::<Vec<_>>();
        assert_eq!(starts(1e6, &waiting(&[5_000_000, 1_000_000, 500_000, 0, 1_000_000])), [1.0, 2.0, 2.5, 2.5, 3.5]);
        assert_eq!(starts(1e6, &waiting(&[3_000_000, 1_000_000, 1_000_000])), [0.0, 0.0, 1.0], "four seconds' worth");
        assert_eq!(starts(1000.0, &waiting(&[100_000, 10])), [96.0, 96.01], "also the first one");
        assert_eq!(starts(1e300, &waiting(&[5_900_000, 5_900_000])), [0.0, 0.0]);
        assert_eq!(starts(f64::MAX, &waiting(&[5_900_000, 5_900_000])), [0.0, 0.0]);
        assert_eq!(starts(1e-300, &waiting(&[1, 1])), [365.0 * 86_400.0, 2.0 * 365.0 * 86_400.0]);
    }

    #[test]
    fn quiet_times_save_up_four_seconds_worth_or_one_request() {
        let requests = [(0.0, 4000), (100.0, 4000), (0.0, 1), (100.0, 50_000), (0.0, 1)];
        assert_eq!(starts(1000.0, &requests), [0.0, 100.0, 100.001, 200.001, 200.002]);
    }

    proptest! {
        #[test]
        fn in_no_span_of_time_leaves_more_than_the_rate_and_one_bucket(
            per_second in 1.0..1e7f64,
            requests in prop::collection::vec((prop_oneof![3 => Just(0.0), 1 => 0.0..30.0f64], 0..6_000_000u64), 1..60),
        ) {
            let starts = starts(per_second, &requests);
            let largest = requests.iter().map(|(_, bytes)| *bytes).max().unwrap_or_default();
            let burst = (per_second * BURST_SECONDS).max(largest as f64);
            for (first, begin) in starts.iter().enumerate() {
                let mut sent = 0;
                for (start, (_, bytes)) in starts.iter().zip(&requests).skip(first) {
                    sent += bytes;
                    let span = start - begin;
                    // Times are whole nanoseconds.
                    let most = (per_second * span + burst) * (1.0 + 1e-9) + per_second * 1e-6;
                    prop_assert!(sent as f64 <= most, "{sent} bytes within {span} s from {begin} on: at most {most}");
                }
            }
        }

        #[test]
        fn the_rate_is_used_whole_while_something_waits(
            per_second in 10.0..1e7f64,
            sizes in prop::collection::vec(1..6_000_000u64, 1..60),
        ) {
            let requests: Vec<_> = sizes.iter().map(|bytes| (0.0, *bytes)).collect();
            let sum: u64 = sizes.iter().sum();
            let expected = (sum as f64 / per_second - BURST_SECONDS).max(0.0);
            let took = starts(per_second, &requests).pop().unwrap_or_default();
            prop_assert!((took - expected).abs() <= expected * 1e-6 + 1e-3, "{took} s instead of {expected} s");
        }
    }
}
