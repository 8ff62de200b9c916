//! Samples that take longer than their interval: all are counted, and told now and then.

use std::time::{Duration, Instant};

/// Told at most once in this time.
const AGAIN: Duration = Duration::from_secs(300);

/// What of an instance's slow samples is not told yet.
#[derive(Debug, Default)]
pub struct SlowSamples {
    told: Option<Instant>,
    samples: u64,
    missed: u64,
}

impl SlowSamples {
    /// A sample took longer than its interval, and so many turns behind it were left out: what to log, if anything.
    pub fn slow(&mut self, took: Duration, interval: Duration, missed: u64, now: Instant) -> Option<String> {
        if self.told.is_some_and(|told| now.saturating_duration_since(told) < AGAIN) {
            self.samples += 1;
            self.missed += missed;
            return None;
        }
        self.told = Some(now);
        let (samples, earlier) = (std::mem::take(&mut self.samples), std::mem::take(&mut self.missed));
        let (took, interval) = (took.as_secs_f64(), interval.as_secs_f64());
        let turns = |missed| if missed == 1 { "1 turn".to_owned() } else { format!("{missed} turns") };
        let left_out = |before, missed| match missed {
            0 => String::new(),
            _ => format!("{before}{} left out", turns(missed)),
        };
        let mut text = format!("A sample took {took:.1} s, longer than its interval of {interval} s");
        text += &left_out("; ", missed);
        if samples > 0 {
            text += &format!(" (since this was last told: {samples} more{})", left_out(", ", earlier));
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use scalyr_monitor::{Clock, Timestamp};

    use super::*;

    #[test]
    fn slow_samples_are_told_once_in_five_minutes_with_what_came_between() {
        let (clock, mut slow) = (Clock::manual(Timestamp::from_millis(0)), SlowSamples::default());
        let mut sample = |missed| {
            clock.advance(Duration::from_secs(100));
            slow.slow(Duration::from_millis(41_250), Duration::from_secs(30), missed, clock.monotonic())
        };
        let first = "A sample took 41.2 s, longer than its interval of 30 s";
        assert_eq!(sample(0).as_deref(), Some(first));
        assert_eq!((sample(1), sample(3)), (None, None));
        let next = "A sample took 41.2 s, longer than its interval of 30 s; 1 turn left out (since this was last \
                    told: 2 more, 4 turns left out)";
        assert_eq!(sample(1).as_deref(), Some(next));
    }
}
