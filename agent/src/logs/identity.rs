//! What a file is recognised by: device, inode and the hash of its first bytes.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use sha2::{Digest, Sha256};

use crate::ledger::Identity;

/// How many of the first bytes are hashed, once the file has that many.
const HEAD_BYTES: u64 = 1024;

impl Identity {
    /// The identity of an open file, with as long a head as it has now.
    pub(super) fn of(file: &File, metadata: &Metadata) -> io::Result<Self> {
        let mut head = [0; HEAD_BYTES as usize];
        let length = read_head(file, &mut head)?;
        let head_hash = hash(&head[..length]);
        Ok(Self { device: metadata.dev(), inode: metadata.ino(), head_length: length as u64, head_hash })
    }

    /// Whether `file` is the one that was recorded: same device, same inode, and the recorded head still stands at
    /// its beginning.
    pub(super) fn is(&self, file: &File, metadata: &Metadata) -> io::Result<bool> {
        if !self.has_inode(metadata) || metadata.len() < self.head_length {
            return Ok(false);
        }
        let mut head = [0; HEAD_BYTES as usize];
        let wanted = self.head_length.min(HEAD_BYTES) as usize;
        let length = read_head(file, &mut head[..wanted])?;
        Ok(length == wanted && hash(&head[..length]) == self.head_hash)
    }

    /// Whether device and inode are the recorded ones.
    pub(super) fn has_inode(&self, metadata: &Metadata) -> bool {
        (self.device, self.inode) == (metadata.dev(), metadata.ino())
    }

    /// Whether `other` has the same head, of the same length.
    pub(super) fn has_head_of(&self, other: &Self) -> bool {
        (self.head_length, &self.head_hash) == (other.head_length, &other.head_hash)
    }

    /// Whether the head can still grow.
    pub(super) fn is_young(&self) -> bool {
        self.head_length < HEAD_BYTES
    }
}

fn read_head(file: &File, head: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < head.len() {
        match file.read_at(&mut head[length..], length as u64) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

fn hash(head: &[u8]) -> String {
    Sha256::digest(head).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_is_recognised_while_it_grows_and_not_after_it_was_rewritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.log");
        let mut writer = File::create(&path).unwrap();
        writer.write_all(b"first\n").unwrap();
        let file = File::open(&path).unwrap();
        let identity = Identity::of(&file, &file.metadata().unwrap()).unwrap();
        assert_eq!(identity.head_length, 6);
        writer.write_all(&[b'x'; 5000]).unwrap();
        assert!(identity.is(&file, &file.metadata().unwrap()).unwrap());
        writer.set_len(0).unwrap();
        assert!(!identity.is(&file, &file.metadata().unwrap()).unwrap());
        std::fs::write(&path, b"other\nand more\n").unwrap();
        assert!(!identity.is(&file, &file.metadata().unwrap()).unwrap());
    }
}
