//! The directories that are watched over, and who is interested in which of their names.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use super::source::Source;
use super::{Noticing, Polled};

/// Where a directory stands in the list.
pub(super) type Place = usize;

/// One directory, by the path that leads to it; two paths may lead to the same one.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) path: Arc<Path>,
    pub(super) state: State,
    /// Who is interested in a name.
    pub(super) members: HashMap<Box<OsStr>, Vec<usize>>,
    /// The last walk of the globs that has visited it.
    walk: Option<u64>,
}

/// How a directory is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// There is none, or it cannot be reached.
    Missing,
    /// Its changes are told; all of them where the file system is trusted.
    Watched { watch: i32, inode: (u64, u64), trusted: bool },
    /// Its changes are not told.
    Refused { inode: (u64, u64), why: Polled },
}

impl State {
    fn inode(self) -> Option<(u64, u64)> {
        match self {
            Self::Missing => None,
            Self::Watched { inode, .. } | Self::Refused { inode, .. } => Some(inode),
        }
    }
}

impl Directory {
    /// Whether a glob looks for files in it.
    pub(super) fn is_level(&self) -> bool {
        self.walk.is_some()
    }
}

/// All of them.
pub(super) struct Directories {
    source: Option<Source>,
    noticing: Noticing,
    list: Vec<Option<Directory>>,
    free: Vec<Place>,
    by_path: HashMap<Arc<Path>, Place>,
    by_watch: HashMap<i32, Vec<Place>>,
    /// The number of the walk that is under way, or was the last one.
    walk: u64,
    /// Where the next comparison begins.
    next: Place,
}

impl Directories {
    pub(super) fn new(source: Option<Source>, noticing: Noticing) -> Self {
        Self {
            source,
            noticing,
            list: Vec::new(),
            free: Vec::new(),
            by_path: HashMap::new(),
            by_watch: HashMap::new(),
            walk: 0,
            next: 0,
        }
    }

    pub(super) fn source(&self) -> Option<&Source> {
        self.source.as_ref()
    }

    pub(super) fn watches(&self) -> usize {
        self.by_watch.len()
    }

    /// Whether there are so many at most, and each is there and tells of its changes.
    pub(super) fn are_all_watched(&self, most: usize) -> bool {
        let is_watched = |directory: &Directory| matches!(directory.state, State::Watched { .. });
        self.list.len() <= most && self.list.iter().flatten().all(is_watched)
    }

    pub(super) fn at(&self, place: Place) -> Option<&Directory> {
        self.list.get(place)?.as_ref()
    }

    /// The places that this watch tells of.
    pub(super) fn of_watch(&self, watch: i32) -> Vec<Place> {
        self.by_watch.get(&watch).cloned().unwrap_or_default()
    }

    /// The kernel has ended a watch; its number does not come again.
    pub(super) fn end_watch(&mut self, watch: i32) {
        self.by_watch.remove(&watch);
    }

    /// Notices were lost, perhaps that of the end of a watch: asks for all of them again, which changes nothing where
    /// they go on.
    pub(super) fn renew(&mut self) {
        let Some(source) = &self.source else { return };
        for directory in self.list.iter().flatten() {
            if let State::Watched { watch, .. } = directory.state
                && source.watch(&directory.path).ok() != Some(watch)
            {
                self.by_watch.remove(&watch);
            }
        }
        self.refresh_all();
    }

    /// Nothing tells of changes any more.
    pub(super) fn lose_source(&mut self) {
        self.source = None;
        self.by_watch.clear();
        self.refresh_all();
    }

    fn refresh_all(&mut self) {
        (0..self.list.len()).for_each(|place| _ = self.refresh(place));
    }

    /// The place of the directory at this path, watched from now on.
    pub(super) fn enter(&mut self, path: &Path) -> Place {
        if let Some(&place) = self.by_path.get(path) {
            return place;
        }
        let path: Arc<Path> = path.into();
        let directory =
            Directory { path: Arc::clone(&path), state: State::Missing, members: HashMap::new(), walk: None };
        let place = self.free.pop().unwrap_or(self.list.len());
        if place == self.list.len() {
            self.list.push(None);
        }
        self.list[place] = Some(directory);
        self.by_path.insert(path, place);
        self.refresh(place);
        place
    }

    /// Notes who is interested in a name.
    pub(super) fn join(&mut self, place: Place, name: &OsStr, number: usize) {
        let Some(directory) = self.list.get_mut(place).and_then(Option::as_mut) else { return };
        match directory.members.get_mut(name) {
            // Once for each hop, so that it can leave as often.
            Some(members) => members.push(number),
            None => _ = directory.members.insert(name.into(), vec![number]),
        }
    }

    /// Who is no longer interested in a name.
    pub(super) fn leave(&mut self, path: &Path, name: &OsStr, number: usize) {
        let Some(&place) = self.by_path.get(path) else { return };
        let Some(directory) = self.list[place].as_mut() else { return };
        if let Some(members) = directory.members.get_mut(name) {
            if let Some(index) = members.iter().position(|member| *member == number) {
                members.swap_remove(index);
            }
            if members.is_empty() {
                directory.members.remove(name);
            }
        }
        self.forget_unused(place);
    }

    pub(super) fn mark_level(&mut self, place: Place) {
        if let Some(directory) = self.list.get_mut(place).and_then(Option::as_mut) {
            directory.walk = Some(self.walk);
        }
    }

    pub(super) fn begin_walk(&mut self) {
        self.walk += 1;
    }

    pub(super) fn end_walk(&mut self) {
        for place in 0..self.list.len() {
            if let Some(directory) = &mut self.list[place]
                && directory.walk.is_some_and(|walk| walk != self.walk)
            {
                directory.walk = None;
                self.forget_unused(place);
            }
        }
    }

    fn forget_unused(&mut self, place: Place) {
        if self.list[place].as_ref().is_some_and(|directory| directory.members.is_empty() && !directory.is_level()) {
            self.detach(place);
            if let Some(directory) = self.list[place].take() {
                self.by_path.remove(&directory.path);
                self.free.push(place);
            }
        }
    }

    /// The places that are to be compared next, all in turn.
    pub(super) fn next_places(&mut self, most: usize) -> Vec<Place> {
        let count = self.list.len();
        let first = if self.next < count { self.next } else { 0 };
        let places: Vec<Place> = (first..count).chain(0..first).take(most).collect();
        self.next = places.last().map_or(0, |last| last + 1);
        places
    }

    /// Compares what stands at the path with what is watched, and watches what stands there now. True when that is
    /// another directory, or none any more, or its notices begin only now.
    pub(super) fn refresh(&mut self, place: Place) -> bool {
        let Some(directory) = self.list.get(place).and_then(Option::as_ref) else { return false };
        let found = fs::metadata(&directory.path).ok().filter(fs::Metadata::is_dir);
        let found = found.map(|metadata| (metadata.dev(), metadata.ino()));
        let (before, path) = (directory.state, Arc::clone(&directory.path));
        // The kernel ends a watch by itself when a directory is deleted or unmounted.
        let is_asked = matches!(before, State::Watched { watch, .. } if self.by_watch.contains_key(&watch));
        if found == before.inode() && (found.is_none() || is_asked) {
            return false;
        }
        self.detach(place);
        let state = found.map_or(State::Missing, |inode| self.attach(place, &path, inode));
        if let Some(directory) = &mut self.list[place] {
            directory.state = state;
        }
        state != before
    }

    fn attach(&mut self, place: Place, path: &Path, inode: (u64, u64)) -> State {
        let Some(source) = &self.source else { return State::Refused { inode, why: Polled::NoNotices } };
        if self.by_watch.len() >= self.noticing.most_watches {
            return State::Refused { inode, why: Polled::TooManyWatches };
        }
        match source.watch(path) {
            Ok(watch) => {
                self.by_watch.entry(watch).or_default().push(place);
                State::Watched { watch, inode, trusted: self.noticing.file_systems.trusts(path) }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => State::Missing,
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                State::Refused { inode, why: Polled::TooManyWatches }
            }
            // Its files may be open to us all the same.
            Err(_) => State::Refused { inode, why: Polled::Unreadable },
        }
    }

    fn detach(&mut self, place: Place) {
        let Some(directory) = self.list[place].as_mut() else { return };
        let State::Watched { watch, .. } = std::mem::replace(&mut directory.state, State::Missing) else { return };
        if let Some(places) = self.by_watch.get_mut(&watch) {
            places.retain(|other| *other != place);
            if places.is_empty() {
                self.by_watch.remove(&watch);
                if let Some(source) = &self.source {
                    source.forget(watch);
                }
            }
        }
    }
}
