//! Finding generations of files by their inode: each directory is listed once, however many are looked for in it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Such a file holds what a generation was compressed to; its inode can be the one of a file that is gone.
const COMPRESSED: [&str; 8] = ["gz", "bz2", "xz", "zst", "zip", "lz4", "Z", "tgz"];

/// Where the wanted files are.
#[derive(Default)]
pub(super) struct Pieces {
    names: HashMap<(PathBuf, u64), PathBuf>,
    /// Directories that could not be listed.
    pub(super) unreadable: Vec<(PathBuf, io::Error)>,
}

impl Pieces {
    /// Looks for files by path and inode: at the path, and where that one lies, also when it is a symbolic link.
    pub(super) fn look_for<'a>(wanted: impl Iterator<Item = (&'a Path, u64)>) -> Self {
        let mut directories: BTreeMap<PathBuf, HashSet<u64>> = BTreeMap::new();
        for (path, inode) in wanted {
            if stat(path).is_some_and(|metadata| metadata.ino() == inode) {
                continue;
            }
            for directory in directories_of(path) {
                directories.entry(directory).or_default().insert(inode);
            }
        }
        let mut pieces = Self::default();
        for (directory, inodes) in directories {
            match pieces.list(&directory, &inodes) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => pieces.unreadable.push((directory, error)),
                _ => {}
            }
        }
        pieces
    }

    fn list(&mut self, directory: &Path, inodes: &HashSet<u64>) -> io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let path = entry.path();
            let is_compressed = COMPRESSED.iter().any(|end| path.extension() == Some(OsStr::new(end)));
            if inodes.contains(&entry.ino()) && !is_compressed {
                self.names.insert((directory.to_owned(), entry.ino()), path);
            }
        }
        Ok(())
    }

    /// Where the file with this inode is that was found under `path`.
    pub(super) fn find(&self, path: &Path, inode: u64) -> Option<(PathBuf, Metadata)> {
        let at_path = stat(path).filter(|metadata| metadata.ino() == inode).map(|metadata| (path.to_owned(), metadata));
        at_path.or_else(|| {
            let mut names = directories_of(path).into_iter().filter_map(|at| self.names.get(&(at, inode)));
            names.find_map(|name| Some((name.clone(), stat(name).filter(|metadata| metadata.ino() == inode)?)))
        })
    }
}

/// A regular file that is there.
pub(super) fn stat(path: &Path) -> Option<Metadata> {
    fs::metadata(path).ok().filter(Metadata::is_file)
}

/// The directory of the path, and that of the file when the path is a symbolic link.
fn directories_of(path: &Path) -> Vec<PathBuf> {
    let mut directories: Vec<_> = path.parent().map(Path::to_owned).into_iter().collect();
    let target = fs::canonicalize(path).ok().and_then(|target| target.parent().map(Path::to_owned));
    directories.extend(target.filter(|target| !directories.contains(target)));
    directories
}
