//! A path whose session or worker changes: what is pending is read again, or the path goes on with another worker.

use std::path::PathBuf;

use super::super::follower::{Follower, Rewound};
use super::{Begin, Surroundings, Watched};
use crate::config::plan::SessionId;
use crate::ledger::WorkerId;

impl Watched {
    /// Takes back what was handed on and is not settled.
    pub fn rewind(&mut self) -> Rewound {
        let mut all = Rewound::default();
        let older = self.older.iter_mut().map(|older| &mut older.follower);
        older.chain(&mut self.current).for_each(|follower| all.merge(follower.rewind()));
        all
    }

    /// The session that its lines go to.
    pub fn session(&self) -> SessionId {
        SessionId { worker: self.worker.clone(), number: self.seat.1 }
    }

    /// Whether its lines go to this session.
    pub fn is_of(&self, session: &SessionId) -> bool {
        self.seat.1 == session.number && self.worker == session.worker
    }

    /// Its place in the round of its worker, and the number of the session that its lines go to.
    pub fn seat(&self) -> (u32, u32) {
        self.seat
    }

    /// Gives it a place in the round of its worker, and the session with this number. Only while nothing is in flight.
    pub fn sit_at(&mut self, place: u32, session: u32) {
        self.seat = (place, session);
        self.followers().for_each(|follower| follower.account.note_session(session));
    }

    /// Whether everything that was handed on is settled.
    pub fn is_acknowledged(&self) -> bool {
        self.followers().all(Follower::is_acknowledged)
    }

    /// Sends its lines to another worker, once what was handed on for this one is settled; until then nothing is read.
    pub fn move_to(&mut self, worker: WorkerId) {
        self.moving = Some(worker);
    }

    /// It does not go to another worker; returns the one that it would have gone to.
    pub fn stay(&mut self) -> Option<WorkerId> {
        self.moving.take()
    }

    /// Whether it waits to go to another worker.
    pub fn is_moving(&self) -> bool {
        self.moving.is_some()
    }

    /// Whether what stands at the path is known as another path's.
    pub fn is_alias(&self) -> bool {
        self.alias.is_some()
    }

    /// The path that follows what stands at this one.
    pub fn owner_of_alias(&self, around: &Surroundings<'_>) -> Option<PathBuf> {
        around.followed.other_owner(self.alias.as_ref()?, &self.path)
    }

    /// Goes to the other worker if everything that was handed on is settled: its files go on exactly there, with their
    /// descriptors, and their positions are the other worker's from then on. Returns the worker before.
    pub fn move_if_settled(&mut self, around: &Surroundings<'_>) -> Option<WorkerId> {
        if !self.is_acknowledged() {
            return None;
        }
        let to = self.moving.take()?;
        if let Some(key) = self.alias.clone() {
            self.set_alias(None, around);
            if around.followed.is_open(&key) {
                // The path that follows the file stays with its worker, which gets the rest of it.
                self.begin = Begin::End;
            }
        }
        let before = std::mem::replace(&mut self.worker, to.clone());
        around.checkpoint.move_positions(&before, &to, &self.path);
        for position in &mut self.unresolved {
            position.worker = to.clone();
        }
        let older = self.older.iter_mut().map(|older| &mut older.follower);
        for follower in older.chain(&mut self.current) {
            let (device, inode) = follower.inode();
            around.followed.remove(&(before.clone(), device, inode), &follower.account);
            follower.go_on_as(around.ledger.move_to(&follower.account, to.clone()));
            around.followed.add((to.clone(), device, inode), &self.path, &follower.account);
        }
        Some(before)
    }
}
