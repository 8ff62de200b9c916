//! A path where nothing stands any more.

use super::older::Older;
use super::{Surroundings, Watched};
use crate::ledger::SkipReason;

impl Watched {
    /// A deleted file is kept open for `log_deletion_delay`, then closed once everything is read and settled. Unread
    /// bytes are given up only when other files wait for its descriptor, and are counted.
    pub(super) fn let_deleted_go(&mut self, around: &Surroundings<'_>) {
        let Some(since) = self.gone_since else { return };
        if around.now.saturating_duration_since(since) < around.plan.log_deletion_delay {
            return;
        }
        let Some(mut follower) = self.current.take() else { return };
        if around.followed.is_aliased(&self.key_of(&follower), around.now) {
            self.current = Some(follower);
            return;
        }
        if follower.is_settled() {
            self.close(follower, None, around);
        } else if around.followed.has_room() {
            follower.account.note_error("it was deleted before all of it was uploaded; it is kept open", around.wall);
            self.current = Some(follower);
            return;
        } else {
            let lost = follower.end(SkipReason::Deleted);
            around.logger.warn(format_args!(
                "{}: was deleted {} s ago and is let go, because {} files are open and others wait; {lost} bytes of it \
                 that were not read are lost",
                self.path.display(),
                around.now.saturating_duration_since(since).as_secs(),
                around.followed.limit()
            ));
            self.older.push_back(Older { follower, quiet_since: around.now });
        }
        self.gone_since = None;
    }
}
