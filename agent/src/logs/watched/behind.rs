//! What becomes of a path that falls behind, where the user set a limit: the oldest of what is unread is skipped.

use std::io;
use std::time::{Duration, Instant};

use super::super::follower::{Follower, Limit};
use super::{Surroundings, Watched};
use crate::ledger::SkipReason;

/// A file that waits is looked at at least this often. Of the time between two looks no more counts for
/// `copy_staleness_threshold`, nor more than a tenth of that: otherwise the process, not the server, stood still.
const LONGEST_LOOK: Duration = Duration::from_secs(60);
/// Two lines of the agent log about what is skipped of a path are at least this far apart.
const LEAST_GAP: Duration = Duration::from_secs(60);

/// What the agent log is told of skipped bytes: of a path, not of each of its generations, which may be many a minute.
#[derive(Debug, Default)]
pub(super) struct SkippedNotes {
    /// Bytes that were not told of yet.
    untold: u64,
    told: Option<Instant>,
}

impl SkippedNotes {
    /// Counts skipped bytes. Returns how many are to be told of now, which is once a minute at most.
    fn tell(&mut self, bytes: u64, now: Instant) -> Option<u64> {
        self.untold += bytes;
        let soon = self.told.is_some_and(|told| now.saturating_duration_since(told) < LEAST_GAP);
        if self.untold == 0 || soon {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.untold))
    }
}

impl Watched {
    /// Keeps what is unread within the limit that the user set: before each read, so also while the agent runs
    /// (`log-copying.md` section 4). The oldest generations are skipped first, and of what is left the newest bytes never.
    pub(super) fn keep_within_limit(&mut self, around: &Surroundings<'_>) {
        let Some(limit) = self.limit(around) else { return };
        let mut excess = self.followers().map(Follower::to_read).sum::<u64>().saturating_sub(limit.value);
        let (mut all, mut failed) = (0, None);
        for follower in self.older.iter_mut().map(|older| &mut older.follower).chain(&mut self.current) {
            let unread = follower.to_read();
            if excess == 0 || unread == 0 {
                continue;
            }
            let skipped = if unread <= excess {
                Ok(follower.skip_to_end(SkipReason::TooFarBehind, limit))
            } else {
                follower.skip_excess(unread - excess, limit, around.plan.max_line_size)
            };
            excess = excess.saturating_sub(unread);
            match skipped {
                Ok(bytes) => all += bytes,
                Err(error) => failed = Some(error),
            }
        }
        self.tell_skipped(all, SkipReason::TooFarBehind, Some(limit), around);
        if let Some(error) = failed {
            self.note_failed_skip(&error, around);
        }
    }

    /// Which limit applies: another one as long as copying of the file has not begun.
    fn limit(&self, around: &Surroundings<'_>) -> Option<Limit> {
        let (key, value) = if self.followers().any(Follower::is_known) {
            ("max_existing_log_offset_size", around.plan.max_existing_log_offset_size)
        } else {
            ("max_log_offset_size", around.plan.max_log_offset_size)
        };
        Some(Limit { key, value: value? })
    }

    /// Where the user gave `copy_staleness_threshold`: a file with unread bytes of which nothing was settled for so long
    /// jumps to its end. Time in which the process stood still does not count, nor does any step of the wall clock.
    pub(super) fn look_after_lag(&mut self, around: &Surroundings<'_>) {
        let threshold = around.plan.copy_staleness_threshold;
        let limit = threshold.map(|it| Limit { key: "copy_staleness_threshold", value: it.as_secs() });
        let mut stale = 0;
        for follower in self.older.iter_mut().map(|older| &mut older.follower).chain(&mut self.current) {
            let is_over = threshold
                .is_some_and(|threshold| follower.waited((threshold / 10).min(LONGEST_LOOK), around.now) >= threshold);
            if let Some(limit) = limit.filter(|_| is_over) {
                stale += follower.skip_to_end(SkipReason::Stale, limit);
            }
        }
        if stale > 0 {
            self.tell_skipped(stale, SkipReason::Stale, limit, around);
        } else {
            // What was skipped within the last minute.
            self.tell_skipped(0, SkipReason::TooFarBehind, None, around);
        }
    }

    /// Tells of skipped bytes, once a minute and path at most.
    fn tell_skipped(&mut self, bytes: u64, why: SkipReason, limit: Option<Limit>, around: &Surroundings<'_>) {
        let Some(bytes) = self.skipped.tell(bytes, around.now) else { return };
        let limit = limit.map(|limit| format!(" ({limit})")).unwrap_or_default();
        let path = self.path.display();
        around.logger.warn(format_args!(
            "{path}: skipped {bytes} bytes: {why}{limit}; a line in the log itself stands where they are missing"
        ));
    }

    fn note_failed_skip(&self, error: &io::Error, around: &Surroundings<'_>) {
        // Reading meets it too, and tells it as trouble.
        around.logger.at(
            scalyr_monitor::Level::Debug1,
            format_args!("{}: cannot look for a line border to skip to: {error}", self.path.display()),
        );
    }
}

#[cfg(test)]
mod tests {
    use scalyr_monitor::{Clock, Timestamp};

    use super::*;

    #[test]
    fn what_is_skipped_is_told_at_once_and_then_once_a_minute() {
        let (start, second) = (Clock::manual(Timestamp::from_millis(0)).monotonic(), Duration::from_secs(1));
        let mut skipped = SkippedNotes::default();
        assert_eq!(skipped.tell(0, start), None);
        assert_eq!(skipped.tell(10, start), Some(10));
        assert_eq!(skipped.tell(5, start + second), None);
        assert_eq!(skipped.tell(5, start + second * 60), Some(10));
        assert_eq!(skipped.tell(0, start + second * 600), None);
    }
}
