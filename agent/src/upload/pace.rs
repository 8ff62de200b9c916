//! When the next request may leave. Pure: told the time, asked for moments; all of it monotonic.

use std::time::{Duration, Instant};

use crate::config::plan::Pacing;

/// Least time between the starts of two small requests where the configuration names none (at most four a second).
const QUIET_SPACING: Duration = Duration::from_millis(250);

/// The pause after a first failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The shortest pause after a failure, whatever `max_error_request_spacing_interval` says: no server is hammered.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// The longest `Retry-After` that is honoured: a mistaken one must not silence the agent for days.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// No rate is so low that nothing is sent for longer than this.
const LONGEST_PRICE: Duration = Duration::from_secs(365 * 86_400);

/// When the send thread, which is free now, may begin its next request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Turn {
    /// A request smaller than `high_water_bytes_sent`; `None` = at once.
    pub(super) small: Option<Instant>,
    /// A larger or a full one.
    pub(super) large: Option<Instant>,
    /// Settlements of bytes of which nothing is to be sent.
    pub(super) settlement: Option<Instant>,
}

/// The spacing of requests.
///
/// Spacing counts from the start of the last request, so that the first line after a silence always leaves at once.
///
/// With `min_request_spacing_interval` 0, which is the effective default, the agent wants low latency and few requests:
/// a request smaller than the high water mark starts at least 250 ms (or `max_request_spacing_interval` when that is
/// less) after the one before, so trickling lines cost at most four requests a second and wait an eighth of a second
/// on average, and lines rarer than that do not wait at all; a request that has reached the high water mark is worth
/// its overhead and does not wait. The old agent's rule starts at 5 s and needs eight large requests to become quick.
///
/// With a minimum above 0 (`legacy`) the old rule counts: between minimum and maximum, longer after a request below the
/// low water mark, shorter after one above the high water mark. Its start value is the minimum. Sizes are uncompressed.
///
/// With a limit of the rate a request of N bytes, before compression, also keeps the next one back until N bytes may have
/// been sent. The first one leaves at once, however large it is.
///
/// After a failure the same request is tried again after 1 s, then each time longer by
/// `failure_request_spacing_adjustment` up to `max_error_request_spacing_interval`, each pause up to 20 % longer or
/// shorter by chance so that a fleet does not knock in step. `Retry-After` is honoured up to an hour.
pub(super) struct Pace {
    pacing: Pacing,
    spacing: Duration,
    last_start: Option<Instant>,
    last_settlement: Option<Instant>,
    /// When what was sent has been paid for, under a limit of the rate.
    paid: Option<Instant>,
    /// The pause after the next failure, before chance.
    pause: Duration,
}

impl Pace {
    /// Nothing was sent yet.
    pub(super) fn new(pacing: Pacing) -> Self {
        let pause = FIRST_PAUSE.min(pacing.max_error_spacing.max(SHORTEST_PAUSE));
        Self { pacing, spacing: pacing.min_spacing, last_start: None, last_settlement: None, paid: None, pause }
    }

    /// A request leaves.
    pub(super) fn started(&mut self, now: Instant) {
        self.last_start = Some(now);
    }

    /// Bytes were settled without a request.
    pub(super) fn settled(&mut self, now: Instant) {
        self.last_settlement = Some(now);
    }

    /// A request with a body of this many bytes, uncompressed, was dealt with by the server.
    pub(super) fn succeeded(&mut self, bytes: usize) {
        self.charge(bytes);
        self.pause = FIRST_PAUSE.min(self.pacing.max_error_spacing.max(SHORTEST_PAUSE));
        let Pacing { low_water, high_water, min_spacing, max_spacing, .. } = self.pacing;
        let factor = match bytes {
            _ if bytes < low_water.0 => low_water.1,
            _ if bytes > high_water.0 => high_water.1,
            _ => 1.0,
        };
        self.spacing = scaled(self.spacing, factor, max_spacing.max(min_spacing)).max(min_spacing);
    }

    /// Under a limit of the rate: nothing leaves before the time that so many bytes may take has passed. Counted from the
    /// start of their request, so that the time on the way is not lost. Failed requests cost nothing.
    fn charge(&mut self, bytes: usize) {
        if let (Some(rate), Some(start)) = (self.pacing.max_rate, self.last_start) {
            #[expect(clippy::cast_precision_loss, reason = "bodies are far smaller")]
            let seconds = bytes as f64 / rate;
            let price = Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_PRICE).min(LONGEST_PRICE);
            self.paid = Some(start + price);
        }
    }

    /// How long the limit of the rate keeps the next request back from now on.
    pub(super) fn rate_pause(&self, now: Instant) -> Option<Duration> {
        self.paid.map(|paid| paid.saturating_duration_since(now)).filter(|pause| !pause.is_zero())
    }

    /// A request failed: how long to wait before it is tried again. `chance` lies in 0..=1, `retry_after` is what the
    /// server asked for.
    pub(super) fn failed(&mut self, chance: f64, retry_after: Option<Duration>) -> Duration {
        let longest = self.pacing.max_error_spacing.max(SHORTEST_PAUSE);
        let pause = scaled(self.pause, 0.8 + 0.4 * chance, longest);
        self.pause = scaled(self.pause, self.pacing.failure_adjustment.max(1.0), longest);
        pause.max(retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER))
    }

    /// When the next request may begin.
    pub(super) fn turn(&self) -> Turn {
        let after = |spacing: Duration| self.last_start.map(|start| start + spacing).max(self.paid);
        let (small, large) = if self.pacing.min_spacing.is_zero() {
            (QUIET_SPACING.min(self.pacing.max_spacing), Duration::ZERO)
        } else {
            (self.spacing, self.spacing)
        };
        Turn {
            small: after(small),
            large: after(large),
            settlement: self.last_settlement.map(|last| last + QUIET_SPACING),
        }
    }
}

/// `time` times `factor`, at most `longest`; a factor that makes no sense changes nothing.
fn scaled(time: Duration, factor: f64, longest: Duration) -> Duration {
    let seconds = time.as_secs_f64() * factor;
    Duration::try_from_secs_f64(seconds).unwrap_or(time).min(longest)
}

#[cfg(test)]
mod tests {
    use scalyr_monitor::{Clock, Timestamp};

    use super::*;

    fn defaults() -> Pacing {
        Pacing {
            max_request_size: 5_900_000,
            max_rate: None,
            min_spacing: Duration::ZERO,
            max_spacing: Duration::from_secs(5),
            max_error_spacing: Duration::from_secs(30),
            low_water: (20_480, 1.5),
            high_water: (102_400, 0.6),
            failure_adjustment: 1.5,
        }
    }

    fn now() -> Instant {
        Clock::manual(Timestamp::from_millis(0)).monotonic()
    }

    #[test]
    fn a_quiet_agent_sends_at_once_and_trickling_lines_cost_four_requests_a_second() {
        let mut pace = Pace::new(defaults());
        assert_eq!(pace.turn().small, None, "nothing was sent yet");
        let start = now();
        for _ in 0..100 {
            pace.started(start);
            pace.succeeded(300);
            assert_eq!(pace.turn().small, Some(start + Duration::from_millis(250)));
        }
        assert_eq!(pace.turn().large, Some(start), "a large request need not wait");
    }

    /// The starts of requests of these sizes that are always waiting, in seconds after the first.
    fn starts(pacing: Pacing, sizes: impl IntoIterator<Item = usize>) -> Vec<f64> {
        let clock = Clock::manual(Timestamp::from_millis(0));
        let (begin, mut pace) = (clock.monotonic(), Pace::new(pacing));
        let mut starts = Vec::new();
        for bytes in sizes {
            let turn = pace.turn();
            let due = if bytes >= pacing.high_water.0 { turn.large } else { turn.small };
            clock.advance(due.map_or(Duration::ZERO, |due| due.saturating_duration_since(clock.monotonic())));
            starts.push((clock.monotonic() - begin).as_secs_f64());
            pace.started(clock.monotonic());
            // The server takes its time, which counts.
            clock.advance(Duration::from_millis(100));
            pace.succeeded(bytes);
        }
        starts
    }

    #[test]
    fn under_a_limit_of_the_rate_a_request_keeps_the_next_one_back_until_it_is_paid_for() {
        let limited = |rate: f64| Pacing { max_rate: Some(rate), ..defaults() };
        assert_eq!(starts(limited(1e6), [5_000_000, 1_000_000, 500_000, 1]), [0.0, 5.0, 6.0, 6.5]);
        assert_eq!(starts(limited(1e6), [100, 100, 100]), [0.0, 0.25, 0.5], "small ones keep their spacing");
        assert_eq!(starts(limited(1000.0), [5_900_000, 10]), [0.0, 5900.0], "even a large one leaves");
        assert_eq!(starts(limited(1e300), [5_900_000, 5_900_000]), [0.0, 0.1]);
        assert_eq!(starts(limited(1e-300), [1, 1]), [0.0, 365.0 * 86_400.0]);
    }

    #[test]
    fn the_rate_holds_over_ten_seconds_whatever_the_sizes_are() {
        let sizes = [90_000, 1_000_000, 40, 300_000, 250_000, 999_000, 700, 100_000];
        let starts = starts(Pacing { max_rate: Some(100_000.0), ..defaults() }, sizes);
        for (first, begin) in starts.iter().enumerate() {
            let within = |at: &&f64| **at < begin + 10.0;
            let sent: usize =
                starts.iter().zip(sizes).skip(first).filter(|(at, _)| within(at)).map(|(_, size)| size).sum();
            assert!(sent <= 2_000_000, "{sent} bytes from {begin} on");
        }
        // No faster than the rate, and slower only by the spacing of small requests.
        let paid = sizes.iter().take(7).map(|size| *size as f64 / 100_000.0).sum::<f64>();
        assert!((paid..paid + 1.0).contains(&starts[7]), "{starts:?}");
    }

    #[test]
    fn a_limit_of_the_rate_says_how_long_it_keeps_a_request_back() {
        let mut pace = Pace::new(Pacing { max_rate: Some(1000.0), ..defaults() });
        let start = now();
        assert_eq!(pace.rate_pause(start), None);
        pace.started(start);
        assert_eq!(pace.failed(0.5, None), Duration::from_secs(1), "a failure costs nothing");
        assert_eq!(pace.rate_pause(start), None);
        pace.succeeded(4000);
        assert_eq!(pace.rate_pause(start + Duration::from_secs(1)), Some(Duration::from_secs(3)));
        assert_eq!(pace.rate_pause(start + Duration::from_secs(4)), None);
    }

    #[test]
    fn a_short_maximum_is_respected() {
        let mut pace = Pace::new(Pacing { max_spacing: Duration::from_millis(40), ..defaults() });
        let start = now();
        pace.started(start);
        pace.succeeded(300);
        assert_eq!(pace.turn().small, Some(start + Duration::from_millis(40)));
    }

    #[test]
    fn with_a_minimum_the_water_marks_move_the_spacing_between_minimum_and_maximum() {
        let mut pace = Pace::new(Pacing { min_spacing: Duration::from_secs(1), ..defaults() });
        let start = now();
        let mut spacing_after = |bytes: usize| {
            pace.started(start);
            pace.succeeded(bytes);
            assert_eq!(pace.turn().small, pace.turn().large);
            pace.turn().small.unwrap() - start
        };
        assert_eq!(spacing_after(50_000), Duration::from_secs(1));
        assert_eq!(spacing_after(20_479), Duration::from_millis(1500));
        assert_eq!(spacing_after(20_480), Duration::from_millis(1500));
        assert_eq!(spacing_after(102_400), Duration::from_millis(1500));
        assert_eq!(spacing_after(10), Duration::from_millis(2250));
        assert_eq!(spacing_after(102_401), Duration::from_millis(1350));
        for _ in 0..10 {
            spacing_after(10);
        }
        assert_eq!(spacing_after(10), Duration::from_secs(5));
        for _ in 0..10 {
            spacing_after(1_000_000);
        }
        assert_eq!(spacing_after(1_000_000), Duration::from_secs(1));
    }

    #[test]
    fn pauses_grow_from_one_second_to_the_maximum_and_start_anew_after_a_success() {
        let mut pace = Pace::new(defaults());
        let pauses: Vec<f64> = (0..12).map(|_| pace.failed(0.5, None).as_secs_f64()).collect();
        assert!((pauses[0] - 1.0).abs() < 1e-6 && (pauses[1] - 1.5).abs() < 1e-6 && (pauses[2] - 2.25).abs() < 1e-6);
        assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]));
        assert!((pauses[11] - 30.0).abs() < 1e-6);
        pace.succeeded(10);
        assert_eq!(pace.failed(0.5, None), Duration::from_secs(1));
    }

    #[test]
    fn chance_moves_a_pause_by_a_fifth_but_never_beyond_the_maximum() {
        let range = |mut pace: Pace| [pace.failed(0.0, None), Pace::new(defaults()).failed(1.0, None)];
        assert_eq!(range(Pace::new(defaults())), [Duration::from_millis(800), Duration::from_millis(1200)]);
        let mut pace = Pace::new(defaults());
        assert!((0..50).all(|_| pace.failed(1.0, None) <= Duration::from_secs(30)));
        let mut pace = Pace::new(Pacing { max_error_spacing: Duration::from_millis(220), ..defaults() });
        assert_eq!(pace.failed(1.0, None), Duration::from_millis(220));
        // Whatever the user wrote, no server is hammered.
        let mut pace = Pace::new(Pacing { max_error_spacing: Duration::ZERO, ..defaults() });
        assert_eq!(pace.failed(0.5, None), SHORTEST_PAUSE);
    }

    #[test]
    fn retry_after_is_the_least_pause_up_to_an_hour() {
        let mut pace = Pace::new(defaults());
        assert_eq!(pace.failed(0.5, Some(Duration::from_secs(120))), Duration::from_secs(120));
        assert_eq!(pace.failed(0.5, Some(Duration::ZERO)), Duration::from_millis(1500));
        assert_eq!(pace.failed(0.5, Some(Duration::MAX)), Duration::from_secs(3600));
    }

    #[test]
    fn senseless_factors_neither_panic_nor_shorten_the_pause() {
        for factor in [f64::NAN, f64::INFINITY, -1.0, 0.0] {
            let mut pace = Pace::new(Pacing {
                failure_adjustment: factor,
                low_water: (10, factor),
                high_water: (10, factor),
                min_spacing: Duration::from_millis(1),
                ..defaults()
            });
            for bytes in [1, 10, 100] {
                assert!(pace.failed(0.5, None) >= Duration::from_millis(999));
                pace.succeeded(bytes);
                pace.started(now());
                assert!(pace.turn().small.is_some());
            }
        }
    }

    #[test]
    fn settlements_without_a_request_are_gathered_for_a_moment() {
        let mut pace = Pace::new(defaults());
        assert_eq!(pace.turn().settlement, None);
        let start = now();
        pace.settled(start);
        assert_eq!(pace.turn().settlement, Some(start + QUIET_SPACING));
        assert_eq!(pace.turn().small, None, "they do not delay a line");
    }
}
