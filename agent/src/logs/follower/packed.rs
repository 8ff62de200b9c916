//! A log file that gzip has compressed before it was read to its end: unpacked while it is read, in bounded memory.

use std::fs::{File, Metadata};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;

use flate2::read::MultiGzDecoder;
use scalyr_monitor::Timestamp;

use super::super::identity::HEAD_BYTES;
use super::super::unseen;
use super::source::read_at;
use crate::ledger::{Identity, Offset};

/// A read unpacks at most so many bytes on its way to where it is to begin, so that other files are not kept waiting.
const STEP: u64 = 8 * 1024 * 1024;
/// So much is unpacked at a time.
const CHUNK: usize = 64 * 1024;

/// A compressed log file, read as if it were not.
pub struct Packed {
    decoder: MultiGzDecoder<BufReader<File>>,
    /// The last bytes that were unpacked, and where they begin.
    kept: Vec<u8>,
    from: u64,
    /// What the trailer says, until the end was met.
    size: u64,
    /// It cannot be unpacked any further; why, until that was told.
    broken: Option<Option<io::Error>>,
}

impl std::fmt::Debug for Packed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packed").field("from", &self.from).field("size", &self.size).finish_non_exhaustive()
    }
}

impl Packed {
    /// The file, if it holds what bears this identity, at least up to `settled`.
    ///
    /// # Errors
    /// When it cannot be read, or is no gzip file.
    pub fn of(file: File, identity: &Identity, settled: Offset) -> io::Result<Option<Self>> {
        let Some(mut packed) = Self::holding(file, settled)? else { return Ok(None) };
        Ok(packed.begins_with(identity)?.then_some(packed))
    }

    /// The file, with what its content is recognised by, whichever that is; nothing while it has no content yet, as it is
    /// just being written.
    ///
    /// # Errors
    /// When it cannot be read, or is no gzip file.
    pub fn identified(file: File, metadata: &Metadata) -> io::Result<Option<(Self, Identity)>> {
        let Some(mut packed) = Self::holding(file, Offset(0))? else { return Ok(None) };
        let mut head = Vec::new();
        packed.read(&mut head, Offset(0), HEAD_BYTES as usize)?;
        if head.is_empty() {
            return packed.take_damage().map_or(Ok(None), |(_, error)| Err(error));
        }
        Ok(Some((packed, Identity::of_head(&head, metadata))))
    }

    /// Whether its content begins with the recorded head.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn begins_with(&mut self, identity: &Identity) -> io::Result<bool> {
        let mut head = Vec::new();
        self.read(&mut head, Offset(0), identity.head_length as usize)?;
        Ok(identity.is_head(&head))
    }

    fn holding(file: File, settled: Offset) -> io::Result<Option<Self>> {
        let length = file.metadata()?.len();
        let mut trailer = [0; 4];
        if length < 18 || read_at(&file, &mut trailer, length - 4)? < 4 {
            return Ok(None);
        }
        // The trailer has the size modulo 4 GiB.
        let mut size = u64::from(u32::from_le_bytes(trailer));
        while size < settled.0 {
            size += 1 << 32;
        }
        Ok(Some(Self { decoder: decoder(file), kept: Vec::new(), from: 0, size, broken: None }))
    }

    /// The size of what was compressed: as the trailer says, until the end was met.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads up to `wanted` bytes at `at` into the empty `arena`.
    pub(super) fn read(&mut self, arena: &mut Vec<u8>, at: Offset, wanted: usize) -> io::Result<()> {
        if at.0 < self.from {
            self.begin_again()?;
        }
        let end = at.0 + wanted as u64;
        let mut passed = 0;
        while self.end() < end && passed < STEP && self.broken.is_none() {
            let before =
                usize::try_from(at.0.saturating_sub(self.from)).map_or(self.kept.len(), |n| n.min(self.kept.len()));
            self.kept.drain(..before);
            self.from += before as u64;
            let length = self.kept.len();
            self.kept.resize(length + CHUNK, 0);
            let read = self.decoder.read(&mut self.kept[length..]);
            self.kept.truncate(length + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(0) => {
                    self.size = self.end();
                    break;
                }
                Ok(_) => {}
                // The decoder itself would take the place of the damage for the end.
                Err(error) => {
                    let text = format!("it cannot be unpacked behind byte {}: {error}", self.end());
                    self.broken = Some(Some(io::Error::new(io::ErrorKind::InvalidData, text)));
                }
            }
            if self.broken.is_some() {
                break;
            }
            passed = if self.end() <= at.0 { passed + CHUNK as u64 } else { passed };
        }
        // More than the trailer said: there is still more to come, how much is not known.
        self.size = self.size.max(self.end());
        if let Some(start) = at.0.checked_sub(self.from).and_then(|start| usize::try_from(start).ok())
            && start < self.kept.len()
        {
            arena.extend_from_slice(&self.kept[start..self.kept.len().min(start + wanted)]);
        }
        Ok(())
    }

    /// From where on it cannot be unpacked, and why; once.
    pub(super) fn take_damage(&mut self) -> Option<(Offset, io::Error)> {
        let error = self.broken.as_mut()?.take()?;
        Some((Offset(self.end()), error))
    }

    fn end(&self) -> u64 {
        self.from + self.kept.len() as u64
    }

    fn begin_again(&mut self) -> io::Result<()> {
        let mut file = self.decoder.get_ref().get_ref().try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        self.decoder = decoder(file);
        (self.from, self.kept, self.broken) = (0, Vec::new(), None);
        Ok(())
    }
}

/// When what is in a compressed file was last written to: gzip gives its time to the compressed file, and notes it in there,
/// in whole seconds, where another program gives that a name and a time of its own (RFC 1952, 2.3.1, MTIME).
pub fn content_changed(file: &File, metadata: &Metadata) -> Option<Timestamp> {
    let changed = unseen::changed(metadata)?;
    let mut header = [0; 8];
    let is_gzip = read_at(file, &mut header, 0).is_ok_and(|read| read == header.len()) && header[..2] == [0x1f, 0x8b];
    let seconds = i64::from(u32::from_le_bytes([header[4], header[5], header[6], header[7]]));
    if !is_gzip || seconds == 0 || seconds >= metadata.mtime() {
        return Some(changed);
    }
    // At the end of that second, at the latest.
    Some(Timestamp::from_nanos(seconds.saturating_mul(1_000_000_000).saturating_add(999_999_999)))
}

fn decoder(file: File) -> MultiGzDecoder<BufReader<File>> {
    MultiGzDecoder::new(BufReader::new(file))
}
