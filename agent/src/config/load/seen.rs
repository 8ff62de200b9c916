//! What a configuration was read from, to tell cheaply whether it has changed.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scalyr_monitor::Timestamp;
use sha2::{Digest, Sha256};

use crate::order;

use super::super::syntax;

/// The coarsest clock of a file system (FAT). A file that was written so shortly ago may be written once more and look
/// the same.
const CLOCK_STEP_NS: i128 = 2_000_000_000;

/// The type and permissions of a file that is still to be made.
const NEW_FILE: u32 = 0o100_640;

/// The files and folders that a configuration was read from, as they were then.
#[derive(Clone, Default)]
pub struct Seen {
    things: Vec<Thing>,
    proposed: Proposed,
}

/// What files are to hold, to see what the configuration would be before any of them is written.
#[derive(Clone, Default)]
pub struct Proposed(BTreeMap<PathBuf, Option<Arc<[u8]>>>);

/// Only names: what is proposed are secrets.
impl fmt::Debug for Proposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Proposed {
    /// The file at this path, as the loader calls it, is to hold this text.
    pub fn put(&mut self, path: PathBuf, text: impl Into<Arc<[u8]>>) {
        self.0.insert(path, Some(text.into()));
    }

    /// The file at this path is to go.
    pub fn remove(&mut self, path: PathBuf) {
        self.0.insert(path, None);
    }

    /// Each file with its text; `None` for one that is to go.
    pub fn files(&self) -> impl Iterator<Item = (&Path, Option<&[u8]>)> {
        self.0.iter().map(|(path, text)| (path.as_path(), text.as_deref()))
    }

    fn read(&self, path: &Path) -> Option<io::Result<Content>> {
        let text = self.0.get(path)?;
        let mode = fs::metadata(path).map_or(NEW_FILE, |metadata| metadata.mode());
        Some(match text {
            Some(text) => Ok(Content { bytes: text.to_vec(), mode }),
            None => Err(io::ErrorKind::NotFound.into()),
        })
    }

    /// What would be listed.
    fn list(
        &self,
        folder: &Path,
        most: usize,
        listed: io::Result<Option<Vec<Entry>>>,
    ) -> io::Result<Option<Vec<Entry>>> {
        let is_in_it = |path: &Path| path.parent() == Some(folder) && path.as_os_str().as_bytes().ends_with(b".json");
        let mut added = self.files().filter(|(path, text)| text.is_some() && is_in_it(path)).peekable();
        let mut entries = match listed {
            Err(error) if error.kind() == io::ErrorKind::NotFound && added.peek().is_some() => Vec::new(),
            Ok(None) | Err(_) => return listed,
            Ok(Some(entries)) => entries,
        };
        entries.retain(|entry| !self.0.contains_key(&entry.path));
        entries.extend(added.map(|(path, _)| Entry { path: path.to_owned(), is: EntryKind::File }));
        order::by(&mut entries, Ord::cmp);
        Ok((entries.len() <= most).then_some(entries))
    }
}

/// A file or folder, or the absence of one.
#[derive(Clone)]
struct Thing {
    path: PathBuf,
    what: What,
    /// `None` when there was nothing, or nothing that may be looked at.
    stamp: Option<Stamp>,
    /// The SHA-256 of the text, or of the names in the folder; `None` when it could not be read.
    content: Option<[u8; 32]>,
    /// Whether the stamp alone tells a change: the content was read when the last one was long ago.
    is_settled: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Text,
    /// A folder of fragments; so many are listed.
    Folder(usize),
}

/// What a look without reading tells.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    mode: u32,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// A file that was read.
pub(super) struct Content {
    /// No more than a configuration may have, and one byte.
    pub(super) bytes: Vec<u8>,
    /// Type and permissions.
    pub(super) mode: u32,
}

/// Something in a folder whose name is that of a fragment.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    pub(super) is: EntryKind,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum EntryKind {
    /// A regular file, or a link to one.
    File,
    /// A link that leads nowhere, or to where this user may not look.
    Unreachable,
    /// A folder, a device, a pipe.
    Other,
}

/// Only names: what was read are secrets.
impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.things.iter().map(|thing| &thing.path)).finish()
    }
}

impl Seen {
    /// Nothing was seen yet; some files are to be read as they are proposed.
    pub(super) fn proposing(proposed: Proposed) -> Self {
        Self { things: Vec::new(), proposed }
    }

    /// Whether every file and folder still looks as it did: one system call for each, and nothing is read.
    ///
    /// What was written less than two seconds before `now` may be written again without looking different, so until it has
    /// been left alone for so long its content is read and compared, too.
    pub fn is_current(&mut self, now: Timestamp) -> bool {
        self.things.iter_mut().all(|thing| thing.is_current(now))
    }

    /// Whether the same files held the same texts, byte by byte, with the same permissions. Then a configuration that
    /// was read anew is the one that is known, down to its problems.
    pub fn has_same_texts(&self, other: &Self) -> bool {
        let texts = |seen: &Self| seen.things.iter().filter(|thing| thing.what == What::Text).count();
        let mut pairs = self.texts().zip(other.texts());
        texts(self) == texts(other) && pairs.all(|(one, two)| one == two)
    }

    fn texts(&self) -> impl Iterator<Item = (&Path, Option<u32>, Option<[u8; 32]>)> {
        let texts = self.things.iter().filter(|thing| thing.what == What::Text);
        texts.map(|thing| (thing.path.as_path(), thing.stamp.map(|stamp| stamp.mode), thing.content))
    }

    /// Remembers a file that the configuration depends on: one with a key in it. To be called before it is read, so that
    /// a change in between is noticed. Reads it, up to the size that a configuration may have.
    pub fn note(&mut self, path: &Path) {
        _ = self.read(path);
    }

    /// Remembers a file that is not read.
    pub(in crate::config) fn note_unread(&mut self, path: &Path) {
        let (path, stamp) = (path.to_owned(), Stamp::of(path));
        self.things.push(Thing { path, what: What::Text, stamp, content: None, is_settled: true });
    }

    /// Reads a file, and remembers it; one that cannot be read, too. No more is read than a configuration may have, and one
    /// byte.
    ///
    /// # Errors
    /// It cannot be opened or read.
    pub(super) fn read(&mut self, path: &Path) -> io::Result<Content> {
        if let Some(proposed) = self.proposed.read(path) {
            return proposed;
        }
        let (read, stamp) = match open(path) {
            Ok((file, metadata)) => (read(file, &metadata), Some(Stamp::new(&metadata))),
            Err(error) => (Err(error), Stamp::of(path)),
        };
        let content = read.as_ref().ok().map(|content| digest(&content.bytes));
        // What came through a pipe cannot be read again.
        let is_settled = !stamp.is_some_and(Stamp::is_regular);
        self.things.push(Thing { path: path.to_owned(), what: What::Text, stamp, content, is_settled });
        read
    }

    /// What is named like a fragment in a folder, sorted by code point; remembers the folder. `None` when there are more
    /// than `most`.
    ///
    /// # Errors
    /// It cannot be listed; when there is none, that is remembered.
    pub(super) fn list(&mut self, folder: &Path, most: usize) -> io::Result<Option<Vec<Entry>>> {
        let stamp = Stamp::of(folder);
        let listed = self.proposed.list(folder, most, list(folder, most));
        let content = listed.as_ref().ok().map(digest_of_names);
        let is_settled = content.is_none();
        self.things.push(Thing { path: folder.to_owned(), what: What::Folder(most), stamp, content, is_settled });
        listed
    }
}

impl Thing {
    fn is_current(&mut self, now: Timestamp) -> bool {
        let stamp = Stamp::of(&self.path);
        if stamp != self.stamp {
            return false;
        }
        if self.is_settled {
            return true;
        }
        if self.content_now() != self.content {
            return false;
        }
        self.is_settled = stamp.is_none_or(|stamp| stamp.is_far_from(now));
        true
    }

    fn content_now(&self) -> Option<[u8; 32]> {
        match self.what {
            What::Text => {
                let (file, metadata) = open(&self.path).ok()?;
                read(file, &metadata).ok().map(|content| digest(&content.bytes))
            }
            What::Folder(most) => list(&self.path, most).ok().as_ref().map(digest_of_names),
        }
    }
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().as_ref().map(Self::new)
    }

    fn new(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            mode: metadata.mode(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    fn is_regular(self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }

    /// Whether a change at the time `now` would have other times.
    fn is_far_from(self, now: Timestamp) -> bool {
        let (seconds, nanos) = self.modified.max(self.changed);
        let newest = i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        (i128::from(now.as_nanos()) - newest).abs() >= CLOCK_STEP_NS
    }
}

/// Opens a file; its metadata are those from before it is read.
fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    Ok((file, metadata))
}

fn read(file: File, metadata: &Metadata) -> io::Result<Content> {
    let mut bytes = Vec::new();
    file.take(syntax::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Content { bytes, mode: metadata.mode() })
}

fn list(folder: &Path, most: usize) -> io::Result<Option<Vec<Entry>>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.as_os_str().as_bytes().ends_with(b".json") {
            entries.push(Entry { is: kind_of(&path), path });
        }
        if entries.len() > most {
            return Ok(None);
        }
    }
    order::by(&mut entries, Ord::cmp);
    Ok(Some(entries))
}

fn kind_of(path: &Path) -> EntryKind {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => EntryKind::File,
        Ok(_) => EntryKind::Other,
        Err(_) => EntryKind::Unreachable,
    }
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn digest_of_names(entries: &Option<Vec<Entry>>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for entry in entries.iter().flatten() {
        hash.update(entry.path.as_os_str().as_bytes());
        hash.update([0, u8::from(entry.is == EntryKind::File)]);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests;
