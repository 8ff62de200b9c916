//! Which files are open, by device and inode: so that a renamed file which another entry matches under its new name is
//! not taken for a new one.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::follower::Shape;
use super::search::Listings;
use crate::ledger::{Account, Identity, WorkerId};

/// A renamed file may need this long to be found under its next name: longer than the longest pause between two walks.
const ALIAS_MEMORY: Duration = Duration::from_secs(150);

/// A file, whatever its name: worker, device, inode.
pub type FileKey = (WorkerId, u64, u64);

/// The open files of the tail stage.
#[derive(Debug)]
pub struct Followed {
    /// How many files may be open.
    limit: usize,
    files: RefCell<Files>,
    /// The names in the directories of files that are looked for.
    pub listings: Listings,
}

/// How long it is known what a file held before it was truncated or renamed, and how many of these are known.
const PAST_MEMORY: Duration = Duration::from_secs(600);
const MOST_PAST: usize = 1000;

#[derive(Debug, Default)]
struct Files {
    /// The watched paths that follow a file, and how often each does (after a truncation, twice for a moment).
    owners: HashMap<FileKey, Vec<PathBuf>>,
    /// The files that watched paths know as ones that another path follows.
    aliases: HashMap<FileKey, Alias>,
    open: usize,
    /// The accounts of the files that each path follows.
    paths: HashMap<(WorkerId, PathBuf), Vec<Arc<Account>>>,
    /// What files held before they were truncated or renamed, so that a copy of it is recognised.
    past: VecDeque<Past>,
}

#[derive(Debug)]
struct Past {
    worker: WorkerId,
    path: PathBuf,
    shape: Shape,
    at: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Alias {
    /// How many paths know it so.
    paths: usize,
    /// When the last one came or went.
    changed: Instant,
}

impl Followed {
    /// Nothing is open; at most `limit` files will be.
    pub fn new(limit: usize) -> Self {
        Self { limit, files: RefCell::default(), listings: Listings::default() }
    }

    /// How many files may be open.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// How many files are open.
    pub fn open(&self) -> usize {
        self.files.borrow().open
    }

    /// Whether there is room for another one.
    pub fn has_room(&self) -> bool {
        self.open() < self.limit
    }

    /// Notes that `path` follows this file now, with this account.
    pub fn add(&self, key: FileKey, path: &Path, account: &Arc<Account>) {
        let mut files = self.files.borrow_mut();
        // Nearly always it stays with one of each.
        let accounts = files.paths.entry((key.0.clone(), path.to_owned())).or_insert_with(|| Vec::with_capacity(1));
        accounts.push(Arc::clone(account));
        files.owners.entry(key).or_insert_with(|| Vec::with_capacity(1)).push(path.to_owned());
        files.open += 1;
    }

    /// Notes that the path of this account follows the file no more.
    pub fn remove(&self, key: &FileKey, account: &Account) {
        let path = account.path.as_path();
        let mut files = self.files.borrow_mut();
        let Some(owners) = files.owners.get_mut(key) else { return };
        let Some(index) = owners.iter().position(|owner| owner == path) else { return };
        owners.swap_remove(index);
        if owners.is_empty() {
            files.owners.remove(key);
        }
        files.open -= 1;
        let name = (key.0.clone(), path.to_owned());
        if let Some(accounts) = files.paths.get_mut(&name) {
            accounts.retain(|it| it.id != account.id);
            if accounts.is_empty() {
                files.paths.remove(&name);
            }
        }
    }

    /// Notes that a file which is followed on has no descriptor any more, or has one again.
    pub fn rest(&self, rests: bool) {
        let open = &mut self.files.borrow_mut().open;
        *open = if rests { open.saturating_sub(1) } else { *open + 1 };
    }

    /// The accounts of the files that are followed for this path.
    pub fn accounts(&self, worker: &WorkerId, path: &Path) -> Vec<Arc<Account>> {
        self.files.borrow().paths.get(&(worker.clone(), path.to_owned())).cloned().unwrap_or_default()
    }

    /// Notes what the file at `path` held before it was truncated or renamed.
    pub fn note_past(&self, worker: &WorkerId, path: &Path, shape: Shape, now: Instant) {
        let past = &mut self.files.borrow_mut().past;
        past.retain(|it| now.saturating_duration_since(it.at) < PAST_MEMORY);
        past.truncate(MOST_PAST - 1);
        past.push_front(Past { worker: worker.clone(), path: path.to_owned(), shape, at: now });
    }

    /// Whether `file` holds what the one at `path` held before it was truncated or renamed.
    pub fn is_past(&self, worker: &WorkerId, path: &Path, file: &File, metadata: &Metadata) -> bool {
        let files = self.files.borrow();
        let mut same = files.past.iter().filter(|it| it.worker == *worker && it.path == path);
        same.any(|it| it.shape.is_held_by(file, metadata))
    }

    /// What the files at `path` were recognised by before they were truncated or renamed, and how large they were.
    pub fn past(&self, worker: &WorkerId, path: &Path) -> Vec<(Identity, u64)> {
        let files = self.files.borrow();
        let same = files.past.iter().filter(|it| it.worker == *worker && it.path == path);
        same.map(|it| (it.shape.identity.clone(), it.shape.size)).collect()
    }

    /// Whether the file of this identity is known to have been truncated or renamed.
    pub fn has_past(&self, worker: &WorkerId, path: &Path, identity: &Identity) -> bool {
        let files = self.files.borrow();
        let mut same = files.past.iter().filter(|it| it.worker == *worker && it.path == path);
        same.any(|it| it.shape.identity.has_head_of(identity))
    }

    /// A path other than `path` that follows this file.
    pub fn other_owner(&self, key: &FileKey, path: &Path) -> Option<PathBuf> {
        self.files.borrow().owners.get(key)?.iter().find(|owner| *owner != path).cloned()
    }

    /// Whether any path follows this file.
    pub fn is_open(&self, key: &FileKey) -> bool {
        self.files.borrow().owners.contains_key(key)
    }

    /// Notes that one more path, or one less, knows this file as another's.
    pub fn alias(&self, key: &FileKey, is_alias: bool, now: Instant) {
        let aliases = &mut self.files.borrow_mut().aliases;
        aliases.retain(|_, alias| alias.paths > 0 || now.saturating_duration_since(alias.changed) < ALIAS_MEMORY);
        let alias = aliases.entry(key.clone()).or_insert(Alias { paths: 0, changed: now });
        alias.paths = if is_alias { alias.paths + 1 } else { alias.paths.saturating_sub(1) };
        alias.changed = now;
    }

    /// Whether a watched path knows this file as another's, or did a while ago and may find it under its next name:
    /// then it stays open, or it would be a new file there.
    pub fn is_aliased(&self, key: &FileKey, now: Instant) -> bool {
        let files = self.files.borrow();
        let recent = |alias: &Alias| now.saturating_duration_since(alias.changed) < ALIAS_MEMORY;
        files.aliases.get(key).is_some_and(|alias| alias.paths > 0 || recent(alias))
    }
}
