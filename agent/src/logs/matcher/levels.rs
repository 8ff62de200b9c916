//! The directories that a glob reaches into, level by level, and the files that it finds there.

use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use crate::order;

use super::{OPTIONS, is_regular};

/// `**` descends so far.
const DEEPEST: usize = 64;

/// One level of a glob.
#[derive(Clone, Debug)]
enum Level {
    /// A name as it stands.
    Name(PathBuf),
    /// Names that match.
    Names(glob::Pattern),
    /// Any number of directories.
    Directories,
}

/// A glob, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    /// The directory that the first level is looked for in.
    root: PathBuf,
    levels: Vec<Level>,
}

impl Levels {
    /// Takes an absolute pattern apart.
    ///
    /// # Errors
    /// A level that is no pattern.
    pub(super) fn of(pattern: &str) -> Result<Self, glob::PatternError> {
        let (mut root, mut levels) = (PathBuf::new(), Vec::new());
        for component in Path::new(pattern).components() {
            let name = component.as_os_str().to_str().unwrap_or_default();
            let is_plain = !matches!(component, Component::Normal(_)) || !name.contains(['*', '?', '[']);
            match name {
                _ if is_plain && levels.is_empty() => root.push(component),
                _ if is_plain => levels.push(Level::Name(PathBuf::from(name))),
                "**" if matches!(levels.last(), Some(Level::Directories)) => {}
                "**" => levels.push(Level::Directories),
                _ => levels.push(Level::Names(glob::Pattern::new(name)?)),
            }
        }
        if matches!(levels.last(), Some(Level::Directories)) {
            levels.push(Level::Names(glob::Pattern::new("*")?));
        }
        Ok(Self { root, levels })
    }

    /// The regular files that match now. Each directory is visited before it is read, `most` of them; whether that was
    /// enough.
    pub(super) fn walk(&self, most: usize, visit: &mut dyn FnMut(&Path)) -> (Vec<PathBuf>, bool) {
        let mut walk = Walk { visit, left: most, is_cut: false, found: Vec::new(), inside: Vec::new() };
        walk.descend(&self.root, &self.levels);
        order::by(&mut walk.found, Ord::cmp);
        walk.found.dedup();
        (walk.found, !walk.is_cut)
    }

    /// Whether something that came or went at `path`, a directory, may change what matches.
    pub(super) fn reaches(&self, path: &Path) -> bool {
        if self.root.starts_with(path) {
            return true;
        }
        let Ok(below) = path.strip_prefix(&self.root) else { return false };
        let names: Vec<&OsStr> = below.iter().collect();
        // The last level is that of files; a link to a directory may be taken for one, and is none.
        names.len() < self.levels.len() && can_lead(&self.levels, &names) || self.descends_before(&names)
    }

    fn descends_before(&self, names: &[&OsStr]) -> bool {
        let descent = self.levels.iter().position(|level| matches!(level, Level::Directories));
        descent.is_some_and(|at| at <= names.len() && can_lead(&self.levels[..at], &names[..at]))
    }
}

fn can_lead(levels: &[Level], names: &[&OsStr]) -> bool {
    levels.iter().zip(names).take_while(|(level, _)| !matches!(level, Level::Directories)).all(|(level, name)| {
        match level {
            Level::Name(plain) => plain.as_os_str() == *name,
            Level::Names(pattern) => is_match(pattern, name),
            Level::Directories => true,
        }
    })
}

fn is_match(pattern: &glob::Pattern, name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| pattern.matches_with(name, OPTIONS))
}

struct Walk<'a> {
    visit: &'a mut dyn FnMut(&Path),
    /// How many directories may still be looked into.
    left: usize,
    /// There were more.
    is_cut: bool,
    found: Vec<PathBuf>,
    /// The directories that `**` is in, so that a link back to one of them is not followed for ever.
    inside: Vec<(u64, u64)>,
}

impl Walk<'_> {
    fn descend(&mut self, directory: &Path, levels: &[Level]) {
        let Some((level, rest)) = levels.split_first() else { return };
        if self.left == 0 {
            self.is_cut = true;
            return;
        }
        self.left -= 1;
        match level {
            Level::Name(name) => {
                (self.visit)(directory);
                let path = directory.join(name);
                match rest {
                    [] if is_regular(&path) => self.found.push(path),
                    [] => {}
                    rest if path.is_dir() => self.descend(&path, rest),
                    _ => {}
                }
            }
            Level::Names(pattern) => {
                (self.visit)(directory);
                for entry in entries(directory).filter(|entry| is_match(pattern, &entry.file_name())) {
                    if rest.is_empty() {
                        self.found.extend(is_file(&entry).then(|| entry.path()));
                    } else if is_directory(&entry) {
                        self.descend(&entry.path(), rest);
                    }
                }
            }
            Level::Directories => self.descend_everywhere(directory, levels, rest),
        }
    }

    fn descend_everywhere(&mut self, directory: &Path, levels: &[Level], rest: &[Level]) {
        // Also one that is not there yet.
        (self.visit)(directory);
        let Ok(metadata) = directory.metadata() else { return };
        let inode = (metadata.dev(), metadata.ino());
        if self.inside.len() >= DEEPEST || self.inside.contains(&inode) {
            return;
        }
        self.inside.push(inode);
        self.descend(directory, rest);
        for entry in entries(directory) {
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if !is_hidden && is_directory(&entry) {
                self.descend(&entry.path(), levels);
            }
        }
        self.inside.pop();
    }
}

fn entries(directory: &Path) -> impl Iterator<Item = DirEntry> {
    fs::read_dir(directory).into_iter().flatten().flatten()
}

/// What the directory itself says of an entry is enough, unless it is a link.
fn is_file(entry: &DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| kind.is_file() || kind.is_symlink() && is_regular(&entry.path()))
}

fn is_directory(entry: &DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| kind.is_dir() || kind.is_symlink() && entry.path().is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_between_directories_do_not_make_a_walk_endless() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        // Their paths are as many as there are ways to order them: 12 factorial and more.
        for n in 0..12 {
            fs::create_dir(root.join(format!("{n}"))).unwrap();
            fs::write(root.join(format!("{n}/x.log")), "x").unwrap();
            for other in (0..12).filter(|other| *other != n) {
                std::os::unix::fs::symlink(format!("../{other}"), root.join(format!("{n}/to{other}"))).unwrap();
            }
        }
        let levels = Levels::of(root.join("**/*.log").to_str().unwrap()).unwrap();
        let mut visits = 0;
        let (found, is_complete) = levels.walk(1000, &mut |_| visits += 1);
        assert!(!is_complete && !found.is_empty() && visits <= 2000, "{visits} visits");
        let levels = Levels::of(root.join("*/*.log").to_str().unwrap()).unwrap();
        let (found, is_complete) = levels.walk(1000, &mut |_| {});
        assert!(is_complete && found.len() == 12, "{found:?}");
    }
}
