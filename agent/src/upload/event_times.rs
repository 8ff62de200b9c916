//! Times of events that never go back (`wire-protocol.md` section 3.4, `enforce_monotonic_timestamps`).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use scalyr_monitor::Timestamp;

/// Gives each event a time of its own, later than all before. Cheap to clone; clones are the same row of times, which all
/// sessions of a process share.
#[derive(Clone, Debug)]
pub struct EventTimes(Arc<AtomicI64>);

impl Default for EventTimes {
    /// Before the first event.
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(i64::MIN)))
    }
}

impl EventTimes {
    /// The time of the next event: its own, unless that is not later than the one before; then a nanosecond more than that.
    pub(super) fn next(&self, own: Timestamp) -> Timestamp {
        let own = own.as_nanos();
        let later = |last: i64| Some(own.max(last.saturating_add(1)));
        let last = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, later);
        Timestamp::from_nanos(last.ok().and_then(later).unwrap_or(own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_is_not_above_the_last_one_becomes_that_and_a_nanosecond() {
        let times = EventTimes::default();
        let of_another_session = times.clone();
        let next = |times: &EventTimes, own| times.next(Timestamp::from_nanos(own)).as_nanos();
        assert_eq!(next(&times, 100), 100);
        assert_eq!(next(&of_another_session, 100), 101);
        assert_eq!(next(&times, 50), 102);
        assert_eq!(next(&of_another_session, 200), 200);
        assert_eq!(next(&times, -5), 201);
        assert_eq!(next(&times, i64::MAX), i64::MAX);
        assert_eq!(next(&times, 0), i64::MAX, "there is nothing behind the end of time");
    }
}
