//! When a failure is worth a line in the agent's log, which is uploaded too and must not feed itself.

use std::time::{Duration, Instant};

/// Two warnings are at least this far apart.
const LEAST_GAP: Duration = Duration::from_secs(60);

/// A failure that goes on with the same cause is told again after this time.
const REMINDER: Duration = Duration::from_secs(15 * 60);

/// Remembers what was told about the uploads that fail.
#[derive(Debug, Default)]
pub(super) struct Outage {
    since: Option<Instant>,
    last_told: Option<Instant>,
    /// The cause that was told of in this outage.
    told: Option<String>,
}

impl Outage {
    /// An upload failed; true when that is worth a warning: the first time, when the cause changes, and every 15
    /// minutes, but never twice within a minute.
    pub(super) fn failed(&mut self, kind: &str, now: Instant) -> bool {
        self.since.get_or_insert(now);
        let gap = self.last_told.map(|last| now.saturating_duration_since(last));
        let news = self.told.as_deref() != Some(kind);
        let worth = gap.is_none_or(|gap| gap >= if news { LEAST_GAP } else { REMINDER });
        if worth {
            self.last_told = Some(now);
            self.told = Some(kind.to_owned());
        }
        worth
    }

    /// An upload worked; how long they had failed, when that was warned about and so the end is worth a line.
    pub(super) fn ended(&mut self, now: Instant) -> Option<Duration> {
        let since = self.since.take();
        self.told.take().and(since).map(|since| now.saturating_duration_since(since))
    }
}

#[cfg(test)]
mod tests {
    use scalyr_monitor::{Clock, Timestamp};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_long_outage_is_told_once_then_every_quarter_of_an_hour() {
        let start = Clock::manual(Timestamp::from_millis(0)).monotonic();
        let mut outage = Outage::default();
        let told = (0..3600).filter(|second| outage.failed("refused", start + SECOND * *second)).count();
        assert_eq!(told, 4);
        assert_eq!(outage.ended(start + SECOND * 3600), Some(SECOND * 3600));
        assert_eq!(outage.ended(start + SECOND * 3601), None);
    }

    #[test]
    fn another_cause_is_told_but_changing_ones_do_not_flood() {
        let start = Clock::manual(Timestamp::from_millis(0)).monotonic();
        let mut outage = Outage::default();
        assert!(outage.failed("refused", start));
        assert!(!outage.failed("HTTP 503", start + SECOND));
        assert!(outage.failed("HTTP 503", start + SECOND * 60));
        assert!(!outage.failed("refused", start + SECOND * 61));
    }

    #[test]
    fn uploads_that_fail_and_work_in_turn_do_not_feed_the_log() {
        let start = Clock::manual(Timestamp::from_millis(0)).monotonic();
        let mut outage = Outage::default();
        let (mut warnings, mut ends) = (0, 0);
        for second in 0..120 {
            warnings += usize::from(outage.failed("HTTP 503", start + SECOND * second));
            ends += usize::from(outage.ended(start + SECOND * second).is_some());
        }
        assert_eq!((warnings, ends), (2, 2));
    }
}
