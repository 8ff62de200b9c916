//! The last hour in a few figures: a fixed ring of samples, for the plots of the page.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use scalyr_monitor::Timestamp;

/// The time between two samples.
pub const EVERY: Duration = Duration::from_secs(10);
/// How far back the history goes.
pub const SPAN: Duration = Duration::from_secs(3600);
/// So many samples of 32 bytes are kept, about 11 KiB.
const SAMPLES: usize = (SPAN.as_secs() / EVERY.as_secs()) as usize;
/// Two samples that are further apart have a gap between them.
const GAP: f64 = 2.5 * EVERY.as_secs() as f64;

/// Figures that only grow, and how far behind everything is at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sums {
    /// Bytes of log that servers have accepted since the start.
    pub accepted_bytes: u64,
    /// Attempts to send a request that failed, of the sessions that there are now.
    pub requests_failed: u64,
    /// Bytes without an outcome.
    pub lag_bytes: u64,
    /// How long the oldest of them has been waiting, in seconds.
    pub lag_seconds: f64,
}

/// One sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When it was taken, seconds since the epoch.
    pub at: f64,
    /// Bytes of log that servers accepted per second since the sample before; none for the first one behind a gap.
    pub bytes_per_second: Option<f32>,
    /// Attempts that failed since the sample before; none for the first one behind a gap.
    pub failed: Option<f32>,
    /// Bytes without an outcome.
    pub lag_bytes: f32,
    /// Seconds that the oldest of them had been waiting.
    pub lag_seconds: f32,
}

impl Point {
    /// Whether nothing was recorded between this one and the `next`.
    pub fn has_gap_to(&self, next: &Self) -> bool {
        next.at - self.at > GAP
    }
}

/// The samples of the last hour, and the sums at the last of them.
#[derive(Debug, Default)]
pub struct History(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    points: VecDeque<Point>,
    last: Option<(Instant, Sums)>,
}

impl History {
    /// Takes a sample when it is time for one: `sums` is asked only then.
    pub fn look(&self, monotonic: Instant, now: Timestamp, sums: impl FnOnce() -> Sums) {
        // A tick that comes a little early is taken, so that the samples do not drift to every second tick.
        let is_due = |(last, _): &(Instant, Sums)| {
            monotonic.saturating_duration_since(*last) + Duration::from_millis(500) >= EVERY
        };
        if !self.lock().last.as_ref().is_none_or(is_due) {
            return;
        }
        let sums = sums();
        self.lock().note(monotonic, now.as_nanos() as f64 / 1e9, sums);
    }

    /// Forgets everything, and gives the memory back.
    pub fn clear(&self) {
        *self.lock() = State::default();
    }

    /// The samples of the hour before `now` (seconds since the epoch), the oldest first.
    pub fn points(&self, now: f64) -> Vec<Point> {
        let begin = now - SPAN.as_secs_f64();
        self.lock().points.iter().filter(|point| (begin..=now + 1.0).contains(&point.at)).copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a plot need not be exact")]
    fn note(&mut self, monotonic: Instant, at: f64, sums: Sums) {
        // After the wall clock was set back, what was recorded at times that are still to come has no place.
        while self.points.back().is_some_and(|point| point.at >= at) {
            self.points.pop_back();
        }
        let before = self.last.replace((monotonic, sums));
        let is_next = self.points.back().is_some_and(|point| at - point.at <= GAP);
        let before = before.map(|(then, sums)| (monotonic.saturating_duration_since(then).as_secs_f64(), sums));
        let before = before.filter(|(seconds, _)| is_next && *seconds > 0.0);
        // A reload replaces sessions, whose counts begin at 0 again.
        let grown = |now: u64, before: u64| now.checked_sub(before).unwrap_or(now) as f64;
        if self.points.capacity() < SAMPLES {
            self.points.reserve_exact(SAMPLES - self.points.len());
        }
        if self.points.len() == SAMPLES {
            self.points.pop_front();
        }
        self.points.push_back(Point {
            at,
            bytes_per_second: before
                .map(|(seconds, then)| (grown(sums.accepted_bytes, then.accepted_bytes) / seconds) as f32),
            failed: before.map(|(_, then)| grown(sums.requests_failed, then.requests_failed) as f32),
            lag_bytes: sums.lag_bytes as f32,
            lag_seconds: sums.lag_seconds as f32,
        });
    }
}

#[cfg(test)]
mod tests {
    use scalyr_monitor::Clock;

    use super::*;

    fn sums(accepted_bytes: u64) -> Sums {
        Sums { accepted_bytes, requests_failed: accepted_bytes / 1000, lag_bytes: 7, lag_seconds: 1.5 }
    }

    fn seconds(clock: &Clock) -> f64 {
        clock.now().as_nanos() as f64 / 1e9
    }

    #[test]
    fn an_hour_is_kept_whatever_comes_and_a_sample_is_taken_every_ten_seconds_only() {
        let (clock, history) = (Clock::manual(Timestamp::from_millis(0)), History::default());
        let mut asked = 0;
        for second in 0..8_000 {
            history.look(clock.monotonic(), clock.now(), || {
                asked += 1;
                sums(second * 100)
            });
            clock.advance(Duration::from_secs(1));
        }
        assert_eq!(asked, 800);
        let points = history.points(seconds(&clock));
        assert_eq!(points.len(), SAMPLES);
        assert!(points.windows(2).all(|pair| pair[1].at - pair[0].at == 10.0 && !pair[0].has_gap_to(&pair[1])));
        assert!(points.iter().all(|point| point.bytes_per_second == Some(100.0) && point.failed == Some(1.0)));
        assert!(history.lock().points.capacity() * size_of::<Point>() <= 16 * 1024);
        history.clear();
        assert_eq!((history.points(seconds(&clock)).len(), history.lock().points.capacity()), (0, 0));
    }

    #[test]
    fn a_machine_that_slept_leaves_a_gap_and_no_rate_is_made_up_for_it() {
        let (clock, history) = (Clock::manual(Timestamp::from_millis(0)), History::default());
        let look = |bytes| history.look(clock.monotonic(), clock.now(), || sums(bytes));
        for bytes in [0, 1000] {
            look(bytes);
            clock.advance(EVERY);
        }
        clock.advance(Duration::from_secs(600));
        look(90_000);
        clock.advance(EVERY);
        look(90_500);
        let points = history.points(seconds(&clock));
        let rates: Vec<_> = points.iter().map(|point| point.bytes_per_second).collect();
        assert_eq!(rates, [None, Some(100.0), None, Some(50.0)]);
        let gaps: Vec<_> = points.windows(2).map(|pair| pair[0].has_gap_to(&pair[1])).collect();
        assert_eq!(gaps, [false, true, false]);
    }

    #[test]
    fn a_clock_that_is_set_back_and_sessions_that_are_replaced_make_no_nonsense() {
        let (clock, history) = (Clock::manual(Timestamp::from_millis(7_200_000)), History::default());
        let look = |bytes| history.look(clock.monotonic(), clock.now(), || sums(bytes));
        for bytes in [0, 5000] {
            look(bytes);
            clock.advance(EVERY);
        }
        clock.set(Timestamp::from_millis(7_203_000));
        look(2000);
        let points = history.points(seconds(&clock));
        assert_eq!(points.iter().map(|point| point.at).collect::<Vec<_>>(), [7200.0, 7203.0]);
        assert_eq!(points[1].failed, Some(2.0), "2 since the new session began, not 3 less than before");
        assert!(points.iter().all(|point| point.bytes_per_second.unwrap_or(0.0) >= 0.0));
    }
}
