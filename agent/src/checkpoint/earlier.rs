//! Positions that no open file stands for: those of the run before until they are taken up, and those of files that
//! were let go and may come back.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use scalyr_monitor::Timestamp;

use crate::ledger::WorkerId;
use crate::logs::Position;

/// A position that no entry wants is kept for so long, and longer while its file is there.
const UNCLAIMED_KEPT: Duration = Duration::from_secs(7 * 86_400);

/// A position, and when it is forgotten.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// Its number in the positions file.
    pub(super) slot: u64,
    pub(super) position: Position,
    /// When it is forgotten, should its file not be there then; None while that is not known.
    pub(super) until: Option<Timestamp>,
    /// Since when nobody has taken it up; None while its file is open.
    pub(super) unclaimed: Option<Timestamp>,
}

impl Kept {
    fn inode(&self) -> (u64, u64) {
        (self.position.identity.device, self.position.identity.inode)
    }

    /// Whether both speak of one file: an inode number is given to another one when a file is deleted.
    fn is_of_same_file(&self, other: &Self) -> bool {
        let (this, other) = (&self.position.identity, &other.position.identity);
        (this.device, this.inode) == (other.device, other.inode)
            && match (this.born, other.born) {
                (Some(this), Some(other)) => this == other,
                _ => this.head_length != other.head_length || this.head_hash == other.head_hash,
            }
    }

    /// When it is forgotten, should its file not be there then.
    fn end(&self) -> Option<Timestamp> {
        self.until.or_else(|| self.unclaimed.map(|since| later(since, UNCLAIMED_KEPT)))
    }

    fn key(&self) -> (WorkerId, PathBuf) {
        (self.position.worker.clone(), self.position.path.clone())
    }

    fn has_had_its_time(&self, now: Timestamp) -> bool {
        self.end().is_some_and(|end| end <= now)
    }
}

/// The moment `time` after another one.
pub(super) fn later(moment: Timestamp, time: Duration) -> Timestamp {
    let nanos = i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
    Timestamp::from_nanos(moment.as_nanos().saturating_add(nanos))
}

/// The positions, found by path and by inode.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    by_path: HashMap<(WorkerId, PathBuf), Vec<Kept>>,
    paths: HashMap<(u64, u64), Vec<(WorkerId, PathBuf)>>,
    count: usize,
}

impl Earlier {
    /// Adds a position; an older one of the same file under the same path gives way. Returns the slots of such.
    pub(super) fn insert(&mut self, kept: Kept) -> Vec<u64> {
        let (key, inode) = (kept.key(), kept.inode());
        let here = self.by_path.entry(key.clone()).or_default();
        let before = here.len();
        let replaced = here.extract_if(.., |before| before.is_of_same_file(&kept)).map(|before| before.slot);
        let replaced = replaced.filter(|slot| *slot != kept.slot).collect();
        here.push(kept);
        self.count = self.count + here.len() - before;
        let paths = self.paths.entry(inode).or_default();
        if !paths.contains(&key) {
            paths.push(key);
        }
        replaced
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
        kept.filter(|kept| kept.inode() == (device, inode)).map(|kept| kept.position.clone()).collect()
    }

    /// The paths that there are positions for.
    pub(super) fn paths(&self) -> Vec<(WorkerId, PathBuf)> {
        self.by_path.keys().cloned().collect()
    }

    /// Removes a position. Returns its slots.
    pub(super) fn remove(&mut self, position: &Position) -> Vec<u64> {
        let key = (position.worker.clone(), position.path.clone());
        let mut removed: Vec<u64> = Vec::new();
        if let Some(kept) = self.by_path.get_mut(&key) {
            removed.extend(kept.extract_if(.., |kept| kept.position == *position).map(|kept| kept.slot));
            if kept.is_empty() {
                self.by_path.remove(&key);
            }
        }
        self.count -= removed.len();
        self.forget_inode((position.identity.device, position.identity.inode));
        removed
    }

    /// Gives the positions of a path to another worker. Returns them as they are now, and the slots of those that gave way.
    pub(super) fn move_path(&mut self, from: &WorkerId, to: &WorkerId, path: &Path) -> (Vec<Kept>, Vec<u64>) {
        let moved = self.by_path.remove(&(from.clone(), path.to_owned())).unwrap_or_default();
        self.count -= moved.len();
        let (mut now, mut replaced) = (Vec::new(), Vec::new());
        for mut kept in moved {
            self.forget_inode(kept.inode());
            kept.position.worker = to.clone();
            now.push(kept.clone());
            replaced.extend(self.insert(kept));
        }
        (now, replaced)
    }

    /// Up to `most` that have had their time.
    pub(super) fn due(&self, now: Timestamp, most: usize) -> Vec<Position> {
        let due = self.iter().filter(|kept| kept.has_had_its_time(now));
        due.take(most).map(|kept| kept.position.clone()).collect()
    }

    /// Gives a position more time.
    pub(super) fn extend(&mut self, position: &Position, until: Timestamp) {
        let key = (position.worker.clone(), position.path.clone());
        let kept = self.by_path.get_mut(&key).into_iter().flatten();
        kept.filter(|kept| kept.position == *position).for_each(|kept| kept.until = Some(until));
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Kept> {
        self.by_path.values().flatten()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The `most` that have the least time left; those that are kept without an end come last.
    pub(super) fn oldest(&self, most: usize) -> Vec<Position> {
        let mut all: Vec<&Kept> = self.iter().collect();
        if all.len() > most {
            all.select_nth_unstable_by_key(most, |kept| (kept.end().is_none(), kept.end(), kept.slot));
            all.truncate(most);
        }
        all.into_iter().map(|kept| kept.position.clone()).collect()
    }

    fn forget_inode(&mut self, inode: (u64, u64)) {
        let Some(paths) = self.paths.get_mut(&inode) else { return };
        let by_path = &self.by_path;
        let is_there = |kept: &Kept| kept.inode() == inode;
        paths.retain(|key| by_path.get(key).is_some_and(|kept| kept.iter().any(is_there)));
        if paths.is_empty() {
            self.paths.remove(&inode);
        }
    }
}
