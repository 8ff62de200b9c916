//! Files that go from a session to another one, of the same worker or not, wait until what was read of them is settled. When the server of the first
//! one is dead, which may be the very reason for the move, they must not wait for ever.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use super::handover::Next;
use super::{Running, Supervisor};
use crate::config::plan::SessionId;

/// Of each session whose files wait: how many of its requests had succeeded, and since when there were no more.
pub(super) type Moves = BTreeMap<SessionId, (u64, Instant)>;

impl Supervisor {
    /// Replaces sessions from which files wait to go away, and none of whose requests has succeeded for as long as one may
    /// take: what they did not deliver is taken back, and goes with the files.
    pub(super) fn look_after_moves(&self) {
        let waiting = self.stages.tail.snapshot().moving_from;
        let mut moves = self.moves.lock().unwrap_or_else(PoisonError::into_inner);
        moves.retain(|id, _| waiting.contains(id));
        if waiting.is_empty() {
            return;
        }
        let _alone = self.applying.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.stages.clock.monotonic();
        let mut running = self.stages.lock().clone();
        for id in waiting {
            let Some((_, session)) = running.sessions.iter().find(|(other, _)| *other == id) else { continue };
            let succeeded = session.succeeded();
            let since = moves.entry(id.clone()).or_insert((succeeded, now));
            if since.0 != succeeded {
                *since = (succeeded, now);
            } else if now.saturating_duration_since(since.1) >= session.request_deadline() {
                moves.remove(&id);
                self.replace_session(&mut running, &id);
            }
        }
        self.stages.lock().sessions = running.sessions;
    }

    fn replace_session(&self, running: &mut Running, id: &SessionId) {
        let plans = running.plan.iter().flat_map(|plan| &plan.sessions);
        let plan = plans.filter(|plan| plan.id == *id).cloned().collect();
        let logger = &self.stages.logger;
        let started = match self.start_sessions(plan) {
            Ok(started) => started,
            Err(error) => {
                logger.error(format_args!("Log files wait on to go from session {id} to another one: {error}"));
                return;
            }
        };
        let Some((_, new)) = started.into_iter().next() else { return };
        let Some((_, session)) = running.sessions.iter_mut().find(|(other, _)| other == id) else { return };
        logger.warn(format_args!(
            "Log files wait to go from session {id} to another one, and no request of it has succeeded for {} s; the \
             session is replaced, and what it cannot deliver goes with the files",
            session.request_deadline().as_secs_f64()
        ));
        let old = std::mem::replace(session, Arc::clone(&new));
        self.stages.handovers.leave(id, old, Next::Successor);
        self.stages.handovers.take_over(id, new);
    }
}
