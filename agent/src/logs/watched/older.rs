//! Generations that do not stand at the path any more and are still being read.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::follower::{Follower, Growth};
use super::{Surroundings, Watched};
use crate::ledger::SkipReason;

/// A renamed file is kept open until it was quiet for this long, because its writer may not have noticed yet.
const QUIET_AFTER_ROTATION: Duration = Duration::from_secs(60);
/// The same while nothing was written to the file that took its place: its writer is known not to have noticed.
const QUIET_WITHOUT_HEIR: Duration = Duration::from_secs(3600);
/// The end of the last line of a renamed file is waited for this long at most.
const ROTATED_LINE_WAIT: Duration = Duration::from_millis(500);

/// A generation that another one has taken the place of.
#[derive(Debug)]
pub(super) struct Older {
    pub(super) follower: Follower,
    pub(super) quiet_since: Instant,
}

impl Watched {
    /// Looks at the older generations; closes those that are read, settled and quiet.
    pub(super) fn check_older(&mut self, around: &Surroundings<'_>) -> bool {
        let mut readable = false;
        let heir = self.current.as_ref().map(|current| Arc::clone(&current.account));
        let patience = self.patience();
        for mut older in std::mem::take(&mut self.older) {
            match older.follower.look(around.now, rotated_wait(around)) {
                Growth::Readable => {
                    readable = true;
                    older.quiet_since = around.now;
                }
                Growth::None => {}
                Growth::Truncated => readable |= self.give_up_truncated(&mut older.follower, around),
            }
            let quiet_for = around.now.saturating_duration_since(older.quiet_since);
            let free = !around.followed.is_aliased(&self.key_of(&older.follower), around.now);
            // When files must wait to be opened, a renamed one that is read to its end makes room at once.
            let quiet = free && (quiet_for >= patience || !around.followed.has_room());
            if (quiet || older.follower.has_ended()) && older.follower.is_settled() {
                self.close(older.follower, heir.as_deref(), around);
            } else {
                self.older.push_back(older);
            }
        }
        readable
    }

    /// How long a renamed file is to be quiet before it is closed.
    pub(super) fn patience(&self) -> Duration {
        let moved_on = self.current.as_ref().is_some_and(|current| current.progress().1 > 0);
        if moved_on { QUIET_AFTER_ROTATION } else { QUIET_WITHOUT_HEIR }
    }

    /// Ends a renamed file that was truncated. True when bytes of it are lost.
    fn give_up_truncated(&self, follower: &mut Follower, around: &Surroundings<'_>) -> bool {
        let lost = follower.end(SkipReason::Truncated);
        if lost > 0 {
            around.logger.warn(format_args!(
                "{}: a renamed file of it was truncated or rewritten before it was read to its end; {lost} bytes are lost",
                self.path.display()
            ));
        }
        lost > 0
    }
}

/// How long the end of the last line of a renamed file is waited for: its writer may be about to finish it, but the
/// next file waits meanwhile.
pub(super) fn rotated_wait(around: &Surroundings<'_>) -> Duration {
    around.plan.line_completion_wait.min(ROTATED_LINE_WAIT)
}
