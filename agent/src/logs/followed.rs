//! Which files are open, by device and inode: so that a renamed file which another entry matches under its new name is
//! not taken for a new one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::ledger::WorkerId;

/// A file, whatever its name: worker, device, inode.
pub type FileKey = (WorkerId, u64, u64);

/// The open files of the tail stage.
#[derive(Debug)]
pub struct Followed {
    /// How many files may be open.
    limit: usize,
    files: RefCell<Files>,
}

#[derive(Debug, Default)]
struct Files {
    /// The watched paths that follow a file, and how often each does (after a truncation, twice for a moment).
    owners: HashMap<FileKey, Vec<PathBuf>>,
    /// How many watched paths know a file as one that another path follows.
    aliases: HashMap<FileKey, usize>,
    open: usize,
}

impl Followed {
    /// Nothing is open; at most `limit` files will be.
    pub fn new(limit: usize) -> Self {
        Self { limit, files: RefCell::default() }
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

    /// Notes that `path` follows this file now.
    pub fn add(&self, key: FileKey, path: &Path) {
        let mut files = self.files.borrow_mut();
        files.owners.entry(key).or_default().push(path.to_owned());
        files.open += 1;
    }

    /// Notes that `path` follows it no more.
    pub fn remove(&self, key: &FileKey, path: &Path) {
        let mut files = self.files.borrow_mut();
        let Some(owners) = files.owners.get_mut(key) else { return };
        let Some(index) = owners.iter().position(|owner| owner == path) else { return };
        owners.swap_remove(index);
        if owners.is_empty() {
            files.owners.remove(key);
        }
        files.open -= 1;
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
    pub fn alias(&self, key: &FileKey, is_alias: bool) {
        let aliases = &mut self.files.borrow_mut().aliases;
        let count = aliases.entry(key.clone()).or_default();
        *count = if is_alias { *count + 1 } else { count.saturating_sub(1) };
        if *count == 0 {
            aliases.remove(key);
        }
    }

    /// Whether a watched path knows this file as another's: then it stays open, or it would be a new file there.
    pub fn is_aliased(&self, key: &FileKey) -> bool {
        self.files.borrow().aliases.contains_key(key)
    }
}
