//! Where a file is now that is not at its path any more: renamed, moved to another directory, or compressed.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use scalyr_monitor::Timestamp;

use crate::order;

use super::follower::{self, Packed, Source};
use super::position::Position;
use super::rotated_name::{is_compressed, is_packed_rotation_of, is_rotation_of};
use super::unseen;

/// The names in a directory are remembered for so long, so that thousands of files do not list it once each.
const FRESH: Duration = Duration::from_secs(2);
/// Longer than the ticks of a file system's clock, in nanoseconds.
const TICK: i64 = 50_000_000;
/// Most names of one directory that are looked at.
const MOST_NAMES: usize = 200_000;
/// Most directories that are remembered.
const MOST_LISTINGS: usize = 256;
/// Most directories that one file is looked for in.
const MOST_DIRECTORIES: usize = 64;
/// Names of directories beside the file's own that rotation tools move old generations to.
const ARCHIVES: [&str; 6] = ["old", "archive", "archives", "archived", "rotated", "backup"];

/// Files that begin with so many equal bytes are the same, whenever they were changed.
pub(super) const SURE_HEAD: u64 = 512;

/// A file that was looked for.
#[derive(Debug)]
pub struct Found {
    /// The open file.
    pub source: Source,
    /// Its metadata; of the compressed file where it is one.
    pub metadata: Metadata,
    /// Where it was found.
    pub path: PathBuf,
}

/// The time of a look.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// For how long something has been known.
    pub now: Instant,
    /// By the wall clock, to be compared with the times of files.
    pub wall: Timestamp,
}

/// Which names directories have, and which inode each stands for. Cheap to ask again within a moment.
#[derive(Debug, Default)]
pub struct Listings(RefCell<HashMap<PathBuf, (Instant, Arc<Listing>)>>);

#[derive(Debug, Default)]
struct Listing {
    by_inode: HashMap<u64, Vec<OsString>>,
    directories: Vec<PathBuf>,
    /// When the directory was last changed, if that was some time before it was listed.
    changed: Option<Timestamp>,
}

impl Listings {
    /// Looks for the file of a position: at its path, renamed within the same directory, or in the directories below it and
    /// the archives beside it.
    ///
    /// # Errors
    /// When the file's directory or a file in it cannot be read.
    pub fn find_renamed(&self, position: &Position, when: Moment) -> io::Result<Option<Found>> {
        if let Some(found) = open_if_same(position, &position.path)? {
            return Ok(Some(found));
        }
        let (target, own) = own_directories(&position.path);
        for directory in &own {
            if let Some(found) = self.find_in(position, directory, when)? {
                return Ok(Some(found));
            }
        }
        for directory in self.farther(&own, target != position.path, when) {
            // What cannot be looked into has not been one of the places that count.
            if let Ok(Some(found)) = self.find_in(position, &directory, when) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Looks for what is left of the file of a position that is not to be found any more: what `copytruncate` has copied it
    /// to, or gzip has made of it. A file that begins with the same few bytes must have been changed since `since`, when
    /// the position was written.
    pub fn find_remains(&self, position: &Position, since: Option<Timestamp>, when: Moment) -> Option<Found> {
        let (_, own) = own_directories(&position.path);
        let farther = self.farther(&own, false, when);
        own.into_iter().chain(farther).find_map(|directory| self.find_copy(position, &directory, since, when))
    }

    fn find_in(&self, position: &Position, directory: &Path, when: Moment) -> io::Result<Option<Found>> {
        let inode = position.identity.inode;
        let names = |listing: &Listing| listing.by_inode.get(&inode).cloned().unwrap_or_default();
        let listing = self.of(directory, when)?;
        if let Some(found) = open_first(position, directory, &names(&listing))? {
            return Ok(Some(found));
        }
        if listing.is_current(directory) {
            return Ok(None);
        }
        // It may have been renamed, or created, since the directory was listed.
        self.0.borrow_mut().remove(directory);
        open_first(position, directory, &names(&*self.of(directory, when)?))
    }

    /// Directories where rotation tools put old generations; for a symbolic link also those beside the one that it
    /// points to, which may be named by date.
    fn farther(&self, own: &[PathBuf], linked: bool, when: Moment) -> Vec<PathBuf> {
        let mut places = Vec::new();
        for directory in own {
            if let Ok(listing) = self.of(directory, when) {
                places.extend(listing.directories.iter().cloned());
            }
            let Some(parent) = directory.parent() else { continue };
            places.extend(ARCHIVES.iter().map(|name| parent.join(name)).filter(|path| path.is_dir()));
            if linked && let Ok(listing) = self.of(parent, when) {
                places.extend(listing.directories.iter().cloned());
            }
        }
        places.truncate(MOST_DIRECTORIES);
        places
    }

    fn find_copy(
        &self,
        position: &Position,
        directory: &Path,
        since: Option<Timestamp>,
        when: Moment,
    ) -> Option<Found> {
        let (identity, settled) = (&position.identity, position.settled);
        let name = position.path.file_name()?.to_str()?;
        if identity.head_length == 0 {
            return None;
        }
        let listing = self.of(directory, when).ok()?;
        let names = listing.by_inode.values().flatten().filter_map(|other| other.to_str());
        let is_one = |other: &&str| is_rotation_of(other, name) || is_packed_rotation_of(other, name);
        let mut candidates: Vec<_> = names
            .filter(is_one)
            .filter_map(|other| {
                let path = directory.join(other);
                let (file, metadata) = follower::open(&path).ok()?;
                Some((unseen::changed(&metadata), path, file, metadata))
            })
            .filter(|(changed, .., metadata)| {
                let renamed = metadata.ctime().checked_mul(1_000_000_000).map(Timestamp::from_nanos);
                identity.head_length >= SURE_HEAD || since.is_none_or(|since| (*changed).max(renamed) >= Some(since))
            })
            .collect();
        // The newest first: older ones may begin with the same line.
        order::by(&mut candidates, |a, b| (&b.0, &a.1).cmp(&(&a.0, &b.1)));
        candidates.into_iter().find_map(|(_, path, file, metadata)| {
            let source = if is_compressed(&path) {
                Source::Packed(Box::new(Packed::of(file, identity, settled).ok().flatten()?))
            } else {
                let is_it = metadata.len() >= settled.0 && identity.stands(&file, &metadata).ok()?;
                is_it.then_some(Source::Plain(file))?
            };
            Some(Found { source, metadata, path })
        })
    }

    fn of(&self, directory: &Path, when: Moment) -> io::Result<Arc<Listing>> {
        let mut all = self.0.borrow_mut();
        all.retain(|_, (listed, _)| when.now.saturating_duration_since(*listed) < FRESH);
        if let Some((_, listing)) = all.get(directory) {
            return Ok(Arc::clone(listing));
        }
        let listing = Arc::new(Listing::of(directory, when.wall)?);
        if all.len() < MOST_LISTINGS {
            all.insert(directory.to_owned(), (when.now, Arc::clone(&listing)));
        }
        Ok(listing)
    }
}

impl Listing {
    /// Whether no name has come or gone since.
    fn is_current(&self, directory: &Path) -> bool {
        self.changed.is_some() && self.changed == changed(directory)
    }

    /// The names in a directory; none if it is not there.
    fn of(directory: &Path, wall: Timestamp) -> io::Result<Self> {
        // File systems take the time from a clock that ticks every few milliseconds: a directory that was changed just
        // now may be changed again at the same time.
        let settled = |changed: &Timestamp| changed.as_nanos() < wall.as_nanos().saturating_sub(TICK);
        let mut listing = Self { changed: changed(directory).filter(settled), ..Self::default() };
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(listing);
            }
            Err(error) => return Err(error),
        };
        for entry in entries.take(MOST_NAMES) {
            let entry = entry?;
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if listing.directories.len() < MOST_DIRECTORIES {
                    listing.directories.push(entry.path());
                }
                continue;
            }
            let name = entry.file_name();
            listing.by_inode.entry(entry.ino()).or_default().push(name);
        }
        Ok(listing)
    }
}

/// Where the file lies, which a symbolic link only points to: a rotation happens there; and the directory of the link.
fn own_directories(path: &Path) -> (PathBuf, Vec<PathBuf>) {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut own: Vec<PathBuf> = target.parent().into_iter().chain(path.parent()).map(Path::to_owned).collect();
    own.dedup();
    (target, own)
}

fn changed(directory: &Path) -> Option<Timestamp> {
    fs::metadata(directory).ok().and_then(|metadata| unseen::changed(&metadata))
}

fn open_first(position: &Position, directory: &Path, names: &[OsString]) -> io::Result<Option<Found>> {
    for name in names {
        if let Some(found) = open_if_same(position, &directory.join(name))? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn open_if_same(position: &Position, path: &Path) -> io::Result<Option<Found>> {
    let is_it = |file: &File, metadata: &Metadata| position.identity.is(file, metadata);
    match follower::open(path) {
        Ok((file, metadata)) if is_it(&file, &metadata)? => {
            Ok(Some(Found { source: Source::Plain(file), metadata, path: path.to_owned() }))
        }
        Ok(_) => Ok(None),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidInput) => Ok(None),
        Err(error) => Err(error),
    }
}
