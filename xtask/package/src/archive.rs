//! A tar of entries: the same bytes for the same entries, whoever writes it where.

use std::io::{self, Write};

use tar::{Builder, EntryType, Header};

use crate::tree::{Entry, Kind};

/// A tar that is being written: everything belongs to root and is of one time.
pub(crate) struct Archive<W: Write> {
    tar: Builder<W>,
    time: u32,
}

impl<W: Write> Archive<W> {
    /// One whose entries are of `time`, in seconds since 1970.
    pub(crate) fn new(writer: W, time: u32) -> Self {
        Self { tar: Builder::new(writer), time }
    }

    /// Adds an entry as `path`.
    pub(crate) fn add(&mut self, path: &str, entry: &Entry) -> io::Result<()> {
        match &entry.kind {
            Kind::Folder => self.folder(path, entry.mode),
            Kind::File(content) => self.file(path, entry.mode, content),
            Kind::Link(target) => self.append(EntryType::Symlink, 0o777, path, target, &[]),
        }
    }

    /// Adds a folder.
    pub(crate) fn folder(&mut self, path: &str, mode: u32) -> io::Result<()> {
        self.append(EntryType::Directory, mode, &format!("{path}/"), "", &[])
    }

    /// Adds a file.
    pub(crate) fn file(&mut self, path: &str, mode: u32, content: &[u8]) -> io::Result<()> {
        self.append(EntryType::Regular, mode, path, "", content)
    }

    /// Ends the tar and gives back what it was written to.
    pub(crate) fn finish(self) -> io::Result<W> {
        self.tar.into_inner()
    }

    /// The crate's own way to set a path leaves out a `./` at its begin, with which the paths of a `.deb` are written.
    fn append(&mut self, kind: EntryType, mode: u32, path: &str, target: &str, content: &[u8]) -> io::Result<()> {
        let mut header = self.header(kind, mode, content.len())?;
        let old = header.as_old_mut();
        let (path_fits, target_fits) = (put(&mut old.name, path), put(&mut old.linkname, target));
        if !target_fits {
            self.append_long(EntryType::GNULongLink, target)?;
        }
        if !path_fits {
            self.append_long(EntryType::GNULongName, path)?;
        }
        header.set_cksum();
        self.tar.append(&header, content)
    }

    /// Puts the whole of what is too long for a header before it, as GNU tar does.
    fn append_long(&mut self, kind: EntryType, text: &str) -> io::Result<()> {
        let content = [text.as_bytes(), b"\0"].concat();
        let mut header = self.header(kind, 0o644, content.len())?;
        put(&mut header.as_old_mut().name, "././@LongLink");
        header.set_cksum();
        self.tar.append(&header, content.as_slice())
    }

    fn header(&self, kind: EntryType, mode: u32, size: usize) -> io::Result<Header> {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size as u64);
        header.set_mtime(u64::from(self.time));
        header.set_uid(0);
        header.set_gid(0);
        header.set_username("root")?;
        header.set_groupname("root")?;
        Ok(header)
    }
}

/// Puts `text`, or as much of it as fits with a zero behind it; whether it was all.
fn put(field: &mut [u8], text: &str) -> bool {
    let length = text.len().min(field.len() - 1);
    field[..length].copy_from_slice(&text.as_bytes()[..length]);
    length == text.len()
}
