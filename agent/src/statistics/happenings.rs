//! What makes a statistics line worth writing.

use crate::own_logs::agent_log;
use crate::status::Snapshot;

use super::figures::Figures;

/// What has happened so far beside the shipping of the agent log itself. A statistics line is written when this is not
/// what it was at the one before: so a line is never written about the request that carried the last one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Happenings {
    /// Bytes read of other files, and how many of these have no outcome.
    read: u64,
    pending: u64,
    /// Requests that failed, as long as anything else waits to be sent.
    failed: Option<u64>,
    /// Monitors that run, and those that should.
    running_monitors: usize,
    dead_monitors: usize,
}

impl Happenings {
    pub(super) fn of(snapshot: &Snapshot, figures: Figures) -> Self {
        let own_log = snapshot.log_path.join(agent_log::FILE_NAME);
        let of_own_log = snapshot.files.iter().filter(|file| file.path == own_log);
        let (own_read, own_pending) =
            of_own_log.fold((0, 0), |sum, file| (sum.0 + file.totals.read, sum.1 + file.totals.pending));
        let pending = snapshot.totals.pending.saturating_sub(own_pending);
        Self {
            read: snapshot.totals.read.saturating_sub(own_read),
            pending,
            failed: (pending > 0).then_some(figures.requests_failed),
            running_monitors: snapshot.running_monitors,
            dead_monitors: snapshot.dead_monitors,
        }
    }

    /// Whether nothing has happened at all.
    pub(super) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}
