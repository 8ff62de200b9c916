//! The file table: all that is installed, from which each kind of package is written.

use std::collections::BTreeMap;

/// What is installed, by its path below the root, without the slash at its begin; in the order of the paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    entries: BTreeMap<String, Entry>,
}

/// A file, folder or link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    /// Of a file or folder: `0o755`. Owner and group are root.
    pub(crate) mode: u32,
    pub(crate) role: Role,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A folder that belongs to the package. Others above an entry need not be named.
    Folder,
    /// A file with its content.
    File(Vec<u8>),
    /// A symbolic link to this path.
    Link(String),
}

/// How a package manager treats an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Replaced by an upgrade.
    Plain,
    /// The user may edit it, and an upgrade keeps what was edited.
    Config,
    /// Documentation, which may be left out.
    Documentation,
    /// Terms of a licence.
    Licence,
}

impl Tree {
    /// Adds a folder.
    pub(crate) fn folder(&mut self, path: &str, mode: u32) {
        self.insert(path, Entry { kind: Kind::Folder, mode, role: Role::Plain });
    }

    /// Adds a file.
    pub(crate) fn file(&mut self, path: &str, mode: u32, role: Role, content: impl Into<Vec<u8>>) {
        self.insert(path, Entry { kind: Kind::File(content.into()), mode, role });
    }

    /// Adds a symbolic link to `target`.
    pub(crate) fn link(&mut self, path: &str, target: &str) {
        self.insert(path, Entry { kind: Kind::Link(target.to_owned()), mode: 0o777, role: Role::Plain });
    }

    /// A path that was there already is a mistake of this program.
    fn insert(&mut self, path: &str, entry: Entry) {
        debug_assert!(!path.starts_with('/') && !path.ends_with('/'), "{path}");
        let before = self.entries.insert(path.to_owned(), entry);
        debug_assert!(before.is_none(), "{path} is there twice");
    }

    /// All entries, in the order of their paths.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// The entry of this path.
    pub(crate) fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// The bytes of all files.
    pub(crate) fn size(&self) -> u64 {
        let sizes = self.entries.values().map(|entry| match &entry.kind {
            Kind::File(content) => content.len() as u64,
            Kind::Folder | Kind::Link(_) => 0,
        });
        sizes.sum()
    }
}
