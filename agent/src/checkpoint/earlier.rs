//! Positions that no open file stands for: those of the run before until they are taken up, and those of files that
//! were let go and may come back.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use scalyr_monitor::Timestamp;

use crate::ledger::WorkerId;
use crate::logs::Position;

/// A position, and when it is forgotten; never while that is not known.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) position: Position,
    pub(super) until: Option<Timestamp>,
}

/// The positions, found by path and by inode.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    by_path: HashMap<(WorkerId, PathBuf), Vec<Kept>>,
    paths: HashMap<(u64, u64), Vec<(WorkerId, PathBuf)>>,
}

impl Earlier {
    /// Adds a position; an older one of the same file under the same path gives way.
    pub(super) fn insert(&mut self, position: Position, until: Option<Timestamp>) {
        let key = (position.worker.clone(), position.path.clone());
        let inode = (position.identity.device, position.identity.inode);
        let here = self.by_path.entry(key.clone()).or_default();
        here.retain(|kept| (kept.position.identity.device, kept.position.identity.inode) != inode);
        here.push(Kept { position, until });
        let paths = self.paths.entry(inode).or_default();
        if !paths.contains(&key) {
            paths.push(key);
        }
    }

    /// The positions of a path, older generations first.
    pub(super) fn at(&self, worker: &WorkerId, path: &Path) -> Vec<Position> {
        let kept = self.by_path.get(&(worker.clone(), path.to_owned()));
        kept.into_iter().flatten().map(|kept| kept.position.clone()).collect()
    }

    /// The positions of a worker's files with this device and inode.
    pub(super) fn of_inode(&self, worker: &WorkerId, device: u64, inode: u64) -> Vec<Position> {
        let keys = self.paths.get(&(device, inode)).into_iter().flatten().filter(|(owner, _)| owner == worker);
        let kept = keys.filter_map(|key| self.by_path.get(key)).flatten();
        let same = |kept: &&Kept| (kept.position.identity.device, kept.position.identity.inode) == (device, inode);
        kept.filter(same).map(|kept| kept.position.clone()).collect()
    }

    /// The paths that there are positions for.
    pub(super) fn paths(&self) -> Vec<(WorkerId, PathBuf)> {
        self.by_path.keys().cloned().collect()
    }

    /// Removes a position.
    pub(super) fn remove(&mut self, position: &Position) {
        let key = (position.worker.clone(), position.path.clone());
        if let Some(kept) = self.by_path.get_mut(&key) {
            kept.retain(|kept| kept.position != *position);
            if kept.is_empty() {
                self.by_path.remove(&key);
            }
        }
        self.forget_inode((position.identity.device, position.identity.inode));
    }

    /// Gives the positions of a path to another worker. False when there are none.
    pub(super) fn move_path(&mut self, from: &WorkerId, to: &WorkerId, path: &Path) -> bool {
        let Some(moved) = self.by_path.remove(&(from.clone(), path.to_owned())) else { return false };
        for Kept { position, until } in moved {
            self.forget_inode((position.identity.device, position.identity.inode));
            self.insert(Position { worker: to.clone(), ..position }, until);
        }
        true
    }

    /// Removes what has had its time.
    pub(super) fn prune(&mut self, now: Timestamp) {
        let over = |kept: &Kept| kept.until.is_some_and(|until| until <= now);
        let gone: Vec<Position> =
            self.by_path.values().flatten().filter(|kept| over(kept)).map(|kept| kept.position.clone()).collect();
        for position in gone {
            self.remove(&position);
        }
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Kept> {
        self.by_path.values().flatten()
    }

    fn forget_inode(&mut self, inode: (u64, u64)) {
        let Some(paths) = self.paths.get_mut(&inode) else { return };
        let by_path = &self.by_path;
        let is_there = |kept: &Kept| (kept.position.identity.device, kept.position.identity.inode) == inode;
        paths.retain(|key| by_path.get(key).is_some_and(|kept| kept.iter().any(is_there)));
        if paths.is_empty() {
            self.paths.remove(&inode);
        }
    }
}
