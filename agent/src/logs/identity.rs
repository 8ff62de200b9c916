//! What a file is recognised by: device, inode, time of birth and the hash of its first bytes.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;

use scalyr_monitor::Timestamp;
use sha2::{Digest, Sha256};

use super::follower::read_at;
use super::unseen;
use crate::ledger::Identity;

/// How many of the first bytes are hashed, once the file has that many.
pub(super) const HEAD_BYTES: u64 = 1024;

impl Identity {
    /// The identity of an open file, with as long a head as it has now.
    pub(super) fn of(file: &File, metadata: &Metadata) -> io::Result<Self> {
        let mut head = [0; HEAD_BYTES as usize];
        let length = read_at(file, &mut head, 0)?;
        let head_hash = hash(&head[..length]);
        let (device, inode, born) = (metadata.dev(), metadata.ino(), born(metadata));
        Ok(Self { device, inode, born, head_length: length as u64, head_hash })
    }

    /// The identity of a file whose content, which is compressed there, begins so.
    pub(super) fn of_head(head: &[u8], metadata: &Metadata) -> Self {
        let (device, inode, born) = (metadata.dev(), metadata.ino(), born(metadata));
        Self { device, inode, born, head_length: head.len() as u64, head_hash: hash(head) }
    }

    /// The same head, in another file.
    pub(super) fn at(&self, metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino(), born: born(metadata), ..self.clone() }
    }

    /// Whether `file` is the one that was recorded: same device, same inode, same time of birth, and the recorded head
    /// still stands at its beginning.
    pub(super) fn is(&self, file: &File, metadata: &Metadata) -> io::Result<bool> {
        Ok(self.has_inode(metadata) && self.stands(file, metadata)?)
    }

    /// Whether the recorded head stands at the beginning of `file`, whichever file that is.
    pub(super) fn stands(&self, file: &File, metadata: &Metadata) -> io::Result<bool> {
        if metadata.len() < self.head_length {
            return Ok(false);
        }
        let mut head = [0; HEAD_BYTES as usize];
        let wanted = self.head_length.min(HEAD_BYTES) as usize;
        let length = read_at(file, &mut head[..wanted], 0)?;
        Ok(length == wanted && hash(&head[..length]) == self.head_hash)
    }

    /// Whether `bytes`, the first ones of a file, are the recorded head.
    pub(super) fn is_head(&self, bytes: &[u8]) -> bool {
        bytes.len() as u64 == self.head_length && hash(bytes) == self.head_hash
    }

    /// Whether inode and time of birth are the recorded ones, and the device: that alone may have another number after
    /// a restart of the machine (network, overlay and copy-on-write file systems), so the time of birth can vouch for it.
    pub(super) fn has_inode(&self, metadata: &Metadata) -> bool {
        // A number that the file system gave to another file came with another time of birth.
        let same_birth = self.born.zip(born(metadata)).map(|(own, other)| own == other);
        self.inode == metadata.ino() && same_birth.unwrap_or(self.device == metadata.dev())
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

fn born(metadata: &Metadata) -> Option<i64> {
    unseen::created(metadata).map(Timestamp::as_nanos)
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
