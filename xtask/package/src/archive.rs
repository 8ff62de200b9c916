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
            Kind::Link(target) => {
                let mut header = self.header(EntryType::Symlink, 0o777, 0)?;
                self.tar.append_link(&mut header, path, target)
            }
        }
    }

    /// Adds a folder.
    pub(crate) fn folder(&mut self, path: &str, mode: u32) -> io::Result<()> {
        let mut header = self.header(EntryType::Directory, mode, 0)?;
        self.tar.append_data(&mut header, format!("{path}/"), io::empty())
    }

    /// Adds a file.
    pub(crate) fn file(&mut self, path: &str, mode: u32, content: &[u8]) -> io::Result<()> {
        let mut header = self.header(EntryType::Regular, mode, content.len() as u64)?;
        self.tar.append_data(&mut header, path, content)
    }

    /// Ends the tar and gives back what it was written to.
    pub(crate) fn finish(self) -> io::Result<W> {
        self.tar.into_inner()
    }

    fn header(&self, kind: EntryType, mode: u32, size: u64) -> io::Result<Header> {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_mtime(u64::from(self.time));
        header.set_uid(0);
        header.set_gid(0);
        header.set_username("root")?;
        header.set_groupname("root")?;
        Ok(header)
    }
}
