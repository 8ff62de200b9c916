//! What becomes of a path that falls behind, where the user set a limit: the oldest of what is unread is skipped.

use std::io;
use std::time::Duration;

use super::super::follower::{Follower, Limit};
use super::{Surroundings, Watched};
use crate::ledger::SkipReason;

/// A file that waits is looked at at least this often. Of the time between two looks no more counts for
/// `copy_staleness_threshold`, nor more than a tenth of that: otherwise the process, not the server, stood still.
const LONGEST_LOOK: Duration = Duration::from_secs(60);

impl Watched {
    /// Keeps what is unread within the limit that the user set: before each read, so also while the agent runs
    /// (`log-copying.md` section 4). The oldest generations are skipped first, and of what is left the newest bytes never.
    pub(super) fn keep_within_limit(&mut self, around: &Surroundings<'_>) {
        let Some(limit) = self.limit(around) else { return };
        let mut excess = self.followers().map(Follower::to_read).sum::<u64>().saturating_sub(limit.value);
        let mut failed = None;
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
                Ok(bytes) => tell(follower, bytes, SkipReason::TooFarBehind, Some(limit), around),
                Err(error) => failed = Some(error),
            }
        }
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
        for follower in self.older.iter_mut().map(|older| &mut older.follower).chain(&mut self.current) {
            let is_over = threshold
                .is_some_and(|threshold| follower.waited((threshold / 10).min(LONGEST_LOOK), around.now) >= threshold);
            match limit.filter(|_| is_over) {
                Some(limit) => {
                    let bytes = follower.skip_to_end(SkipReason::Stale, limit);
                    tell(follower, bytes, SkipReason::Stale, Some(limit), around);
                }
                None => tell(follower, 0, SkipReason::TooFarBehind, None, around),
            }
        }
    }

    fn note_failed_skip(&self, error: &io::Error, around: &Surroundings<'_>) {
        // Reading meets it too, and tells it as trouble.
        around.logger.at(
            scalyr_monitor::Level::Debug1,
            format_args!("{}: cannot look for a line border to skip to: {error}", self.path.display()),
        );
    }
}

/// Tells of skipped bytes, once a minute and file at most.
fn tell(follower: &mut Follower, bytes: u64, why: SkipReason, limit: Option<Limit>, around: &Surroundings<'_>) {
    let Some(bytes) = follower.tell_skipped(bytes, around.now) else { return };
    let limit = limit.map(|limit| format!(" ({limit})")).unwrap_or_default();
    let path = follower.account.path.display();
    around.logger.warn(format_args!("{path}: skipped {bytes} bytes: {why}{limit}; a line in the log itself says so"));
}
