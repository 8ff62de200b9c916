//! One record of a positions file: a line of JSON that carries its own checksum.
//!
//! `["1a2b3c4d",{…}]`: the CRC-32 of the generation's number (8 bytes, little endian) and of the text of the object. With
//! the number in it, a record of another generation is none, whatever a power cut or a copied file brings to light.
//! Each record stands for itself, and says when it was written: what is behind a damaged one can be used.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use flate2::Crc;
use scalyr_monitor::Timestamp;
use serde::{Deserialize, Serialize};

use super::earlier::Kept;
use crate::config::plan::LogPlan;
use crate::ledger::{Identity, Offset, Sequence, WorkerId};
use crate::logs::Position;

/// In front of the object: `["`, the checksum, `",`.
const FRONT: usize = 12;

/// An entry of `logs`: what it matches and has no position came after the run before, if that had the same entry.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct EntryKey {
    worker: WorkerId,
    path: String,
    exclude: Vec<String>,
}

impl EntryKey {
    pub(super) fn of(entry: &LogPlan) -> Self {
        Self { worker: entry.worker.clone(), path: entry.path.clone(), exclude: entry.exclude.clone() }
    }
}

/// What became of positions, and when (nanoseconds since the epoch).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record<'a> {
    pub(super) at: i64,
    #[serde(flatten)]
    pub(super) change: Change<'a>,
}

/// What a record says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Change<'a> {
    /// The first one of a snapshot: how many follow.
    Snapshot { version: u64, records: u64 },
    /// The position of a slot, in place of the one that it had.
    Put(Stored<'a>),
    /// These slots have no position any more.
    Gone(Vec<u64>),
    /// The run has this entry of `logs`.
    Entry(EntryKey),
    /// The run has it no more.
    NoEntry(EntryKey),
}

/// A position as it stands in the file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stored<'a> {
    slot: u64,
    worker: WorkerId,
    path: StoredPath<'a>,
    identity: Identity,
    settled: Offset,
    sequence: Sequence,
    /// When it is forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kept_until: Option<i64>,
    /// Since when no entry wants its file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unclaimed_since: Option<i64>,
}

/// Text where it is one, so that people can read it; a path may be any bytes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum StoredPath<'a> {
    Text(Cow<'a, str>),
    Bytes(Vec<u8>),
}

impl StoredPath<'_> {
    fn of(path: &Path) -> StoredPath<'_> {
        match path.to_str() {
            Some(text) => StoredPath::Text(Cow::Borrowed(text)),
            None => StoredPath::Bytes(path.as_os_str().as_bytes().to_vec()),
        }
    }

    fn into_path(self) -> PathBuf {
        match self {
            Self::Text(text) => PathBuf::from(text.into_owned()),
            Self::Bytes(bytes) => PathBuf::from(OsString::from_vec(bytes)),
        }
    }
}

impl<'a> Stored<'a> {
    pub(super) fn of(kept: &'a Kept) -> Self {
        let Kept { slot, position, until, unclaimed } = kept;
        let Position { worker, path, identity, settled, sequence } = position;
        Self {
            slot: *slot,
            worker: worker.clone(),
            path: StoredPath::of(path),
            identity: identity.clone(),
            settled: *settled,
            sequence: sequence.clone(),
            kept_until: until.map(Timestamp::as_nanos),
            unclaimed_since: unclaimed.map(Timestamp::as_nanos),
        }
    }

    pub(super) fn into_kept(self) -> Kept {
        let Self { slot, worker, path, identity, settled, sequence, kept_until, unclaimed_since } = self;
        let position = Position { worker, path: path.into_path(), identity, settled, sequence };
        let (until, unclaimed) = (kept_until.map(Timestamp::from_nanos), unclaimed_since.map(Timestamp::from_nanos));
        Kept { slot, position, until, unclaimed }
    }
}

/// Appends a record's line to `text`.
///
/// # Errors
/// None that is known of: a record can be written as JSON, and there is room in memory.
pub(super) fn encode(text: &mut Vec<u8>, generation: u64, at: Timestamp, change: Change<'_>) -> io::Result<()> {
    let begin = text.len();
    text.extend_from_slice(b"[\"00000000\",");
    serde_json::to_writer(&mut *text, &Record { at: at.as_nanos(), change })?;
    let sum = checksum(generation, &text[begin + FRONT..]);
    text[begin + 2..begin + 10].copy_from_slice(format!("{sum:08x}").as_bytes());
    text.extend_from_slice(b"]\n");
    Ok(())
}

/// The record of a line without its end; nothing when it is damaged.
pub(super) fn decode(generation: u64, line: &[u8]) -> Option<Record<'static>> {
    let (sum, object) = line.strip_prefix(b"[\"")?.strip_suffix(b"]")?.split_at_checked(FRONT - 2)?;
    let sum = std::str::from_utf8(sum.strip_suffix(b"\",")?).ok()?;
    if u32::from_str_radix(sum, 16).ok()? != checksum(generation, object) {
        return None;
    }
    serde_json::from_slice(object).ok()
}

fn checksum(generation: u64, object: &[u8]) -> u32 {
    let mut sum = Crc::new();
    sum.update(&generation.to_le_bytes());
    sum.update(object);
    sum.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(path: impl Into<PathBuf>) -> Kept {
        let identity = Identity { device: 1, inode: u64::MAX, born: None, head_length: 3, head_hash: "ab".to_owned() };
        let sequence = Sequence { id: "s".to_owned(), begin: Offset(1) };
        let worker = WorkerId("default".into());
        let position = Position { worker, path: path.into(), identity, settled: Offset(u64::MAX), sequence };
        Kept { slot: 7, position, until: Some(Timestamp::from_nanos(-1)), unclaimed: None }
    }

    fn decoded(generation: u64, line: &[u8]) -> Option<Kept> {
        match decode(generation, line)?.change {
            Change::Put(stored) => Some(stored.into_kept()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_written_is_read_back_also_when_the_path_is_no_text() {
        for path in [PathBuf::from("/a/b\n\"ä.log"), PathBuf::from(OsString::from_vec(b"/a/\xff.log".to_vec()))] {
            let (kept, mut text) = (kept(path), Vec::new());
            encode(&mut text, 5, Timestamp::from_nanos(9), Change::Put(Stored::of(&kept))).unwrap();
            let line = text.strip_suffix(b"\n").unwrap();
            assert!(!line.contains(&b'\n'), "a record is one line");
            let read = decoded(5, line).unwrap();
            assert_eq!((read.slot, &read.position, read.until), (7, &kept.position, kept.until));
            assert!(decode(6, line).is_none(), "it belongs to its generation");
            serde_json::from_slice::<serde_json::Value>(line).expect("other tools can read it, too");
        }
    }

    #[test]
    fn a_record_in_which_a_bit_is_flipped_or_whose_end_is_missing_is_none() {
        let (kept, mut text) = (kept("/a/b.log"), Vec::new());
        encode(&mut text, 5, Timestamp::from_nanos(9), Change::Put(Stored::of(&kept))).unwrap();
        let line = text.strip_suffix(b"\n").unwrap();
        for end in 0..line.len() {
            assert!(decode(5, &line[..end]).is_none(), "{end}");
        }
        for bit in 0..line.len() * 8 {
            let mut damaged = line.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            // A letter of the checksum may become a capital one: it is the same number.
            if let Some(read) = decoded(5, &damaged) {
                assert_eq!(read.position, kept.position, "{bit}");
                assert!((2..10).contains(&(bit / 8)), "{bit}");
            }
        }
    }
}
