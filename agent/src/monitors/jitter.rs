//! The random wait between a monitor's first sample, which it takes at once, and its second one, where its grid begins: so
//! that not all sample at one moment for ever (`monitor-framework.md` section 5, where it is the wait before the first).

use std::ops::RangeInclusive;
use std::time::Duration;

/// A random wait in whole seconds that suits the interval; never zero, because the first sample was just taken.
pub fn random_phase(interval: Duration) -> Duration {
    let seconds = Duration::from_secs(rand::random_range(delay_range(interval)));
    if seconds.is_zero() { interval } else { seconds }
}

/// From a fifth to four fifths of the interval, rounded half to even; 15 to 40 seconds from 40 seconds up.
fn delay_range(interval: Duration) -> RangeInclusive<u64> {
    let seconds = interval.as_secs_f64();
    if seconds >= 40.0 {
        return 15..=40;
    }
    (seconds * 0.2).round_ties_even() as u64..=(seconds * 0.8).round_ties_even() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_that_of_the_old_agent() {
        for (interval, expected) in [
            (1.0, 0..=1),
            (2.0, 0..=2),
            (2.5, 0..=2),
            (5.0, 1..=4),
            (10.0, 2..=8),
            (12.5, 2..=10),
            (30.0, 6..=24),
            (39.0, 8..=31),
            (40.0, 15..=40),
            (1000.0, 15..=40),
        ] {
            let interval = Duration::from_secs_f64(interval);
            assert_eq!(delay_range(interval), expected, "{interval:?}");
            let phase = random_phase(interval);
            assert!(phase == interval || *expected.start() <= phase.as_secs() && phase.as_secs() <= *expected.end());
        }
    }
}
