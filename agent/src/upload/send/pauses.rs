//! Pauses that grow from one knock at the server's door to the next.

use std::time::Duration;

/// The longest of them where the configuration names none.
const LONGEST: Duration = Duration::from_secs(300);

/// No pause is shorter.
const SHORTEST: Duration = Duration::from_millis(100);

/// Doubles a pause from one time to the next, up to ten times the longest one after ordinary failures (five minutes by
/// default), each up to a fifth longer or shorter by chance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pauses {
    longest: Duration,
    next: Duration,
}

impl Pauses {
    /// `longest_after_errors` is `max_error_request_spacing_interval`.
    pub(super) fn new(longest_after_errors: Duration) -> Self {
        let longest = longest_after_errors.saturating_mul(10).clamp(SHORTEST, LONGEST);
        let mut pauses = Self { longest, next: Duration::ZERO };
        pauses.begin_anew();
        pauses
    }

    /// The next one; `chance` lies in 0..=1.
    pub(super) fn next(&mut self, chance: f64) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        pause.mul_f64(0.8 + 0.4 * chance).min(self.longest)
    }

    /// All is well: the next one is short again.
    pub(super) fn begin_anew(&mut self) {
        self.next = (self.longest / 300).max(SHORTEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_grow_from_a_second_to_five_minutes_and_begin_anew() {
        let mut pauses = Pauses::new(Duration::from_secs(30));
        let seconds: Vec<f64> = (0..11).map(|_| pauses.next(0.5).as_secs_f64()).collect();
        assert_eq!(seconds, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 300.0, 300.0]);
        assert_eq!(pauses.next(0.0), Duration::from_secs(240));
        assert_eq!(pauses.next(1.0), Duration::from_secs(300));
        pauses.begin_anew();
        assert_eq!(pauses.next(1.0), Duration::from_millis(1200));
    }

    #[test]
    fn the_configured_maximum_bounds_them_too() {
        let mut pauses = Pauses::new(Duration::from_millis(20));
        assert_eq!(
            [pauses.next(0.5), pauses.next(0.5), pauses.next(0.5)].map(|pause| pause.as_millis()),
            [100, 200, 200]
        );
        assert_eq!(Pauses::new(Duration::MAX).longest, LONGEST);
    }
}
