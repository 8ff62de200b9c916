//! Which session of its worker a path goes to: round robin, in the order in which paths are found (`wire-protocol.md`
//! section 12).
//!
//! Each path has a place in the round of its worker that it keeps, and all its generations go to the session with the
//! number of the place, modulo the number of sessions. When that number changes, the path goes to another session once
//! the one before has settled everything of it, so that no file is in flight in two sessions at a time.

use std::collections::BTreeMap;

use super::Tail;
use super::seats::Queue;
use super::surroundings;
use crate::config::plan::SessionCounts;
use crate::ledger::WorkerId;
use crate::logs::watched::Watched;

/// The sessions of all workers, and the paths that were shared out among them.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    counts: SessionCounts,
    /// The next place of each worker.
    next: BTreeMap<WorkerId, u32>,
}

impl Rounds {
    /// A place for a path that is new to this worker, and the number of its session. While the worker has no session,
    /// that is the first.
    pub(super) fn seat(&mut self, worker: &WorkerId) -> (u32, u32) {
        let place = match self.next.get_mut(worker) {
            Some(next) => std::mem::replace(next, next.wrapping_add(1)),
            None => {
                self.next.insert(worker.clone(), 1);
                0
            }
        };
        (place, self.number_at(worker, place).unwrap_or(0))
    }

    /// Whether the worker has any session.
    pub(super) fn has(&self, worker: &WorkerId) -> bool {
        self.counts.contains_key(worker)
    }

    /// The session that a path belongs to, when that is another one than it goes to now.
    fn other_session(&self, watched: &Watched) -> Option<u32> {
        let (place, number) = watched.seat();
        self.number_at(&watched.worker, place).filter(|other| *other != number)
    }

    fn number_at(&self, worker: &WorkerId, place: u32) -> Option<u32> {
        place.checked_rem(*self.counts.get(worker)?)
    }
}

impl Tail {
    /// From now on each worker has so many sessions.
    pub(super) fn share(&mut self, counts: SessionCounts) {
        self.forsaken.retain(|session| !counts.contains_key(&session.worker));
        self.rounds.next.retain(|worker, _| counts.contains_key(worker));
        self.rounds.counts = counts;
        let now = self.parts.clock.monotonic();
        for (number, watched) in self.watched.iter() {
            if self.rounds.other_session(watched).is_some() {
                self.moving.insert(number);
                self.schedule.hasten(number, now);
            }
        }
    }

    /// Whether a path waits to go to another session of its worker.
    pub(super) fn is_changing_session(&self, number: usize) -> bool {
        self.watched.at(number).is_some_and(|seat| self.rounds.other_session(&seat.watched).is_some())
    }

    /// Has paths go to the session that they belong to, once the one before has settled what it was handed of them.
    pub(super) fn change_sessions(&mut self) {
        let now = surroundings(&self.parts, &self.followed).now;
        for &number in &self.moving {
            let Some(seat) = self.watched.at_mut(number).filter(|seat| !seat.watched.is_moving()) else { continue };
            let Some(to) = self.rounds.other_session(&seat.watched) else { continue };
            let before = seat.watched.session();
            if !seat.watched.is_acknowledged() {
                continue;
            }
            seat.watched.sit_at(seat.watched.seat().0, to);
            if seat.queue == Queue::Parked {
                seat.queue = Queue::None;
                self.schedule.unpark(&before, number);
            }
            self.schedule.hasten(number, now);
        }
    }
}
