//! When something is to be done about a path although nothing changes on disk.

use std::time::{Duration, Instant};

use super::older::rotated_wait;
use super::{Surroundings, Watched, Withdrawal};

/// Trouble is tried again after this long.
const RETRY: Duration = Duration::from_secs(1);
/// Open files that do not stand at their path, which nobody tells about, are looked at this often while they are written
/// to, and so often otherwise.
const BUSY_LOOK: Duration = Duration::from_millis(100);
const QUIET_LOOK: Duration = Duration::from_secs(1);
const BUSY_FOR: Duration = Duration::from_secs(10);

/// What a look left to wait for.
#[derive(Debug, Default)]
pub(super) struct Waits {
    /// Trouble is tried again.
    retry: Option<Instant>,
    /// Something that nobody tells about is looked at again.
    look: Option<Instant>,
    /// A deleted file is let go, a quiet one closed, one becomes stale.
    later: Option<Instant>,
    /// When there was something to read for the last time.
    active: Option<Instant>,
    line: Duration,
    rotated_line: Duration,
}

impl Waits {
    /// Trouble is tried again, in a while.
    pub(super) fn retry(&mut self, now: Instant) {
        self.retry = Some(now + RETRY);
    }

    /// How long there was nothing to read.
    pub(super) fn quiet_for(&mut self, readable: bool, now: Instant) -> Duration {
        if readable {
            self.active = Some(now);
        }
        now.saturating_duration_since(*self.active.get_or_insert(now))
    }
}

impl Watched {
    /// When something is to be done about it although nothing changes on disk: an unfinished line whose time comes, a
    /// deleted file that is let go, a file that was renamed to where nobody tells about it, trouble to be tried again.
    /// `None` when it can rest until something changes.
    pub fn wake(&self) -> Option<Instant> {
        if self.withdrawn == Some(Withdrawal::AtOnce) {
            // What was handed on settles by itself.
            return None;
        }
        let Waits { retry, look, later, line, rotated_line, .. } = &self.waits;
        let current = self.current.as_ref().and_then(|current| current.line_due(*line));
        let older = self.older.iter().filter_map(|older| older.follower.line_due(*rotated_line));
        older.chain(current).chain(*retry).chain(*look).chain(*later).min()
    }

    /// Notes what this look leaves to wait for.
    pub(super) fn note_waits(&mut self, readable: bool, around: &Surroundings<'_>) {
        let now = around.now;
        let busy = self.waits.quiet_for(readable, now) < BUSY_FOR;
        let unwatched = !self.older.is_empty()
            || self.gone_since.is_some()
            || self.alias.is_some()
            || self.copy.is_some()
            || !self.unresolved.is_empty();
        self.waits.look = unwatched.then(|| now + if busy { BUSY_LOOK } else { QUIET_LOOK });
        self.waits.retry = self.waits.retry.filter(|retry| *retry > now);
        let closes = self.current.as_ref().filter(|current| !current.is_resting()).and(self.waits.active);
        let closes = closes.map(|active| (active + around.plan.close_quiet_after).max(now + QUIET_LOOK));
        let goes = self.gone_since.map(|since| (since + around.plan.log_deletion_delay).max(now + QUIET_LOOK));
        let stale = self.current.is_some().then_some(self.copying.stale_after).flatten();
        // Not before it was unchanged for so long.
        let stale = stale.map(|after| now + after.max(QUIET_LOOK));
        self.waits.later = closes.into_iter().chain(goes).chain(stale).min();
        self.waits.line = around.plan.line_completion_wait;
        self.waits.rotated_line = rotated_wait(around);
    }
}
