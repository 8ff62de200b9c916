//! Files that go from a session to another one, of the same worker or not, wait until what was read of them is settled. When the server of the first
//! one is dead, which may be the very reason for the move, they must not wait for ever.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use super::handover::Next;
use super::vigil::Vigil;
use super::{Running, Supervisor};
use crate::config::plan::SessionId;

/// Over each session whose files wait.
pub(super) type Moves = BTreeMap<SessionId, Vigil>;

impl Supervisor {
    /// Replaces sessions from which files wait to go away, and which have not got on for as long as `request_deadline`:
    /// what they did not deliver is taken back, and goes with the files.
    pub(super) fn look_after_moves(&self) {
        let mut waiting = self.stages.tail.snapshot().moving_from;
        // The files of one that is on its way out wait for that one, not for the new one, which has nothing to do yet.
        waiting.retain(|id| !self.stages.handovers.is_leaving(id));
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
            let life = session.life();
            let vigil = moves.entry(id.clone()).or_insert_with(|| Vigil::begin(life, now).over_first_tries());
            if vigil.is_in_vain(life, now, session.request_deadline()) {
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
            "Log files wait to go from session {id} to another one, and it has not got on for {} s; the \
             session is replaced, and what it cannot deliver goes with the files",
            session.request_deadline().as_secs_f64()
        ));
        let old = std::mem::replace(session, Arc::clone(&new));
        self.stages.handovers.leave(id, old, Next::Successor);
        self.stages.handovers.take_over(id, new);
    }
}
