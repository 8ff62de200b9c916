//! Where the bytes of a generation come from: a file, or what gzip has made of one.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::packed::Packed;
use crate::ledger::{Identity, Offset};

/// What the bytes are read from.
#[derive(Debug)]
pub enum Source {
    /// A log file.
    Plain(File),
    /// A log file that was compressed before it was read to its end.
    Packed(Box<Packed>),
}

impl From<File> for Source {
    fn from(file: File) -> Self {
        Self::Plain(file)
    }
}

/// Size and modification time, as far as they say that something has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) size: u64,
    pub(super) modified: (i64, i64),
}

impl Seen {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self { size: metadata.len(), modified: (metadata.mtime(), metadata.mtime_nsec()) }
    }
}

impl Source {
    /// How the source stands now.
    pub(super) fn seen(&self) -> io::Result<Seen> {
        match self {
            Self::Plain(file) => file.metadata().map(|metadata| Seen::of(&metadata)),
            Self::Packed(packed) => Ok(Seen { size: packed.size(), modified: (0, 0) }),
        }
    }

    /// Whether it still has a name.
    pub(super) fn has_name(&self) -> bool {
        match self {
            Self::Plain(file) => file.metadata().is_ok_and(|metadata| metadata.nlink() > 0),
            Self::Packed(_) => true,
        }
    }

    /// Reads up to `wanted` bytes at `at` into the empty `arena`. Fewer come at the end of what is there, and when a
    /// compressed file is still on its way to that place.
    pub(super) fn read(&mut self, arena: &mut Vec<u8>, at: Offset, wanted: usize) -> io::Result<()> {
        match self {
            Self::Plain(file) => append_from(file, arena, at, wanted),
            Self::Packed(packed) => packed.read(arena, at, wanted),
        }
    }

    /// The first data at or behind `at`, where `at` may lie in a hole of the file.
    pub(super) fn data_from(&self, at: Offset) -> Offset {
        let Self::Plain(file) = self else { return at };
        match rustix::fs::seek(file, rustix::fs::SeekFrom::Data(at.0)) {
            Ok(data) => Offset(data.max(at.0)),
            // Where a file system knows of no holes, everything is data.
            Err(_) => at,
        }
    }

    /// Whether it still begins with the bytes that it is recognised by. What cannot be read now shows when lines are
    /// read.
    pub(super) fn has_head(&self, identity: &Identity) -> bool {
        match self {
            Self::Plain(file) => file.metadata().and_then(|metadata| identity.stands(file, &metadata)).unwrap_or(true),
            Self::Packed(_) => true,
        }
    }

    /// Whether these bytes stand right before `at`.
    pub(super) fn stands_before(&self, bytes: &[u8], at: Offset) -> bool {
        let Self::Plain(file) = self else { return true };
        stands_before(file, bytes, at)
    }
}

/// Whether these bytes stand right before `at`. What cannot be read now shows when lines are read.
pub(super) fn stands_before(file: &File, bytes: &[u8], at: Offset) -> bool {
    let mut found = [0; super::anchor::ANCHOR_BYTES];
    let found = &mut found[..bytes.len()];
    match read_at(file, found, at.0.saturating_sub(bytes.len() as u64)) {
        Ok(read) => found[..read] == *bytes,
        Err(_) => true,
    }
}

/// Reads up to `wanted` bytes at `at` into the empty `arena`.
fn append_from(file: &File, arena: &mut Vec<u8>, at: Offset, wanted: usize) -> io::Result<()> {
    arena.reserve_exact(wanted);
    if arena.capacity() > wanted {
        arena.resize(wanted, 0);
        let read = read_at(file, arena, at.0);
        arena.truncate(*read.as_ref().unwrap_or(&0));
        return read.map(drop);
    }
    // A full window, the rule when there is much to read: what is overwritten at once need not be filled with zeros.
    while arena.len() < wanted {
        let from = at.plus(arena.len() as u64).0;
        match rustix::io::pread(file, rustix::buffer::spare_capacity(arena), from) {
            Ok(0) => break,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                arena.clear();
                return Err(error.into());
            }
        }
    }
    Ok(())
}

/// Fills as much of `bytes` as there is from `at` on. Returns how much that is.
///
/// # Errors
/// When the file cannot be read.
pub fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    let mut length = 0;
    while length < bytes.len() {
        match file.read_at(&mut bytes[length..], at + length as u64) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// Opens a file for following: without blocking on a FIFO that took the place of a regular file meanwhile.
///
/// # Errors
/// When it cannot be opened, or is no regular file.
pub fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(nonblock).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok((file, metadata))
}

/// Opens a file for following, with its identity.
///
/// # Errors
/// When it cannot be opened or read, or is no regular file.
pub fn open_identified(path: &Path) -> io::Result<(File, Metadata, Identity)> {
    let (file, metadata) = open(path)?;
    let identity = Identity::of(&file, &metadata)?;
    Ok((file, metadata, identity))
}
