//! Counts lines that will not arrive until they have been told of.

use std::time::{Duration, Instant};

/// Two lines about losses are at least this far apart: they are uploaded too, and may be lost again.
const LEAST_GAP: Duration = Duration::from_secs(60);

/// Lines lost for one reason and not told of yet.
#[derive(Debug, Default)]
pub(super) struct Losses {
    lines: u64,
    last_told: Option<Instant>,
}

impl Losses {
    /// Counts lost lines.
    pub(super) fn add(&mut self, lines: u64) {
        self.lines += lines;
    }

    /// How many lines are to be told of now; they are forgotten then. At the end of the session (`last`) all of them.
    pub(super) fn due(&mut self, now: Instant, last: bool) -> Option<u64> {
        let soon = self.last_told.is_some_and(|told| now.saturating_duration_since(told) < LEAST_GAP);
        if self.lines == 0 || (soon && !last) {
            return None;
        }
        self.last_told = Some(now);
        Some(std::mem::take(&mut self.lines))
    }
}

#[cfg(test)]
mod tests {
    use scalyr_monitor::{Clock, Timestamp};

    use super::*;

    #[test]
    fn every_lost_line_is_told_of_once_and_at_most_once_a_minute() {
        let start = Clock::manual(Timestamp::from_millis(0)).monotonic();
        let mut losses = Losses::default();
        assert_eq!(losses.due(start, false), None);
        losses.add(3);
        assert_eq!(losses.due(start, false), Some(3));
        losses.add(2);
        losses.add(2);
        assert_eq!(losses.due(start + Duration::from_secs(59), false), None);
        assert_eq!(losses.due(start + Duration::from_secs(60), false), Some(4));
        losses.add(1);
        assert_eq!(losses.due(start + Duration::from_secs(61), true), Some(1));
        assert_eq!(losses.due(start + Duration::from_secs(62), true), None);
    }
}
