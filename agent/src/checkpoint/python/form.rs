//! The form of a checkpoint file, and what its entries say. Every entry is judged on its own.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use scalyr_monitor::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

/// One file as it stands on disk.
#[derive(Deserialize)]
pub(super) struct CheckpointFile {
    #[serde(default)]
    time: Value,
    pub(super) checkpoints: Entries,
    /// Whether this agent wrote it.
    #[serde(default, rename = "written_by")]
    mark: Option<IgnoredAny>,
}

impl CheckpointFile {
    /// When it was written; absent when it does not say so.
    pub(super) fn time(&self) -> Option<Timestamp> {
        time_of(&self.time)
    }

    /// Whether this agent wrote it.
    pub(super) fn is_ours(&self) -> bool {
        self.mark.is_some()
    }
}

/// The entries of a file, in its order.
pub(super) struct Entries(pub(super) Vec<(PathBuf, Value)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Paths;

        impl<'de> Visitor<'de> for Paths {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with an entry for each path")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some((PathKey(path), entry)) = map.next_entry()? {
                    entries.push((path, entry));
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Paths)
    }
}

/// A path, which need not be UTF-8: Python writes each of its other bytes as a lone surrogate, U+DC80 to U+DCFF.
struct PathKey(PathBuf);

impl<'de> Deserialize<'de> for PathKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl Visitor<'_> for Bytes {
            type Value = PathKey;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<PathKey, E> {
                Ok(PathKey(PathBuf::from(OsString::from_vec(without_surrogates(bytes)))))
            }

            fn visit_str<E>(self, text: &str) -> Result<PathKey, E> {
                Ok(PathKey(PathBuf::from(text)))
            }
        }

        deserializer.deserialize_bytes(Bytes)
    }
}

fn without_surrogates(bytes: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        rest = match rest {
            [0xED, 0xB2, byte @ 0x80..=0xBF, after @ ..] => {
                path.push(*byte);
                after
            }
            [0xED, 0xB3, byte @ 0x80..=0xBF, after @ ..] => {
                path.push(byte + 0x40);
                after
            }
            _ => {
                path.push(*first);
                after
            }
        };
    }
    path
}

/// What is known of one path.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) place: Place,
    /// Id, and number of the last byte that was accepted.
    pub(super) sequence: Option<(String, u64)>,
    /// When it was noted; absent when it does not say so.
    pub(super) time: Option<Timestamp>,
    /// Whether the position lies within a record whose first pieces were accepted.
    pub(super) within_record: bool,
}

/// Where copying goes on.
#[derive(Debug)]
pub(super) enum Place {
    /// At this byte of whatever stands at the path: nothing was read of it yet.
    Begin(u64),
    /// In these generations of the file, oldest first.
    Pieces(Vec<Piece>),
}

/// One generation that is not accepted to its end, or that stood at the path.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) inode: u64,
    /// Its first byte that was not accepted.
    pub(super) offset: u64,
    /// How many bytes that were not accepted lie before its first one, in older pieces.
    pub(super) behind: u64,
    /// How many of its bytes were not accepted, as far as the old agent had seen it.
    pub(super) unread: u64,
    /// Whether it stood at the path.
    pub(super) was_at_path: bool,
}

impl Entry {
    /// Reads an entry.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn of(entry: &Value) -> Result<Self, String> {
        let entry = entry.as_object().ok_or("it is not an object")?;
        let sequence = entry.get("sequence_id").and_then(Value::as_str).filter(|id| is_sequence_id(id));
        let number = entry.get("sequence_number").and_then(Value::as_u64);
        let place = match entry.get("initial_position") {
            Some(begin) => Place::Begin(begin.as_u64().ok_or("`initial_position` is not a number of bytes")?),
            None => Place::Pieces(pieces(entry)?),
        };
        Ok(Self {
            place,
            sequence: sequence.map(str::to_owned).zip(number),
            time: entry.get("time").and_then(time_of),
            within_record: entry.get("elp_position").is_some_and(|position| *position != 0),
        })
    }
}

fn pieces(entry: &Map<String, Value>) -> Result<Vec<Piece>, String> {
    let position = number(entry, "position")?;
    let pieces = entry.get("pending_files").ok_or("it has no `pending_files`")?;
    let pieces = pieces.as_array().ok_or("`pending_files` is not a list")?;
    let read = |(index, piece): (usize, &Value)| {
        piece_of(piece, position).map_err(|error| format!("pending_files[{index}]: {error}"))
    };
    pieces.iter().enumerate().map(read).collect()
}

fn piece_of(piece: &Value, position: i128) -> Result<Piece, String> {
    let piece = piece.as_object().ok_or("it is not an object")?;
    let (start, end) = (number(piece, "position_start")?, number(piece, "position_end")?);
    if end < start {
        return Err(format!("it ends at {end}, before it starts at {start}"));
    }
    let inode = piece.get("inode").ok_or("it has no `inode`")?;
    let bytes = |count: i128| u64::try_from(count.max(0)).map_err(|_| "its numbers are too large".to_owned());
    Ok(Piece {
        inode: inode.as_u64().ok_or("`inode` is not a number")?,
        offset: bytes(position - start)?,
        behind: bytes(start - position)?,
        unread: bytes(end - start.max(position))?,
        was_at_path: piece.get("is_log_file").and_then(Value::as_bool).unwrap_or(true),
    })
}

fn number(object: &Map<String, Value>, key: &str) -> Result<i128, String> {
    let value = object.get(key).ok_or_else(|| format!("it has no `{key}`"))?;
    let number = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
    number.ok_or_else(|| format!("`{key}` is not a whole number"))
}

/// What can stand on the wire as it is.
fn is_sequence_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Seconds since the epoch, as Python writes them.
fn time_of(value: &Value) -> Option<Timestamp> {
    // A cast of a float saturates.
    let nanos = |seconds: f64| (seconds * 1e9) as i64;
    value.as_f64().map(nanos).map(Timestamp::from_nanos)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_that_is_no_utf8_is_read_byte_by_byte() {
        let text = br#"{"time": 1.5, "checkpoints": {"/a/\udce9\udc80t\u00e9": {}}}"#;
        let file: CheckpointFile = serde_json::from_slice(text).unwrap();
        assert_eq!(file.time(), Some(Timestamp::from_nanos(1_500_000_000)));
        let path = OsString::from_vec(b"/a/\xe9\x80t\xc3\xa9".to_vec());
        assert_eq!(file.checkpoints.0[0].0, PathBuf::from(path));
    }

    #[test]
    fn each_damage_of_an_entry_is_named() {
        let piece = json!({"position_start": -4, "position_end": 2, "last_known_size": 6, "inode": 7});
        let without = |key: &str| {
            let mut piece = piece.clone();
            piece.as_object_mut().unwrap().remove(key);
            json!({"position": 0, "pending_files": [piece]})
        };
        for (entry, why) in [
            (json!(7), "it is not an object"),
            (json!({"pending_files": []}), "it has no `position`"),
            (json!({"position": 0}), "it has no `pending_files`"),
            (json!({"position": 0, "pending_files": {}}), "`pending_files` is not a list"),
            (json!({"position": 0, "pending_files": [1]}), "pending_files[0]: it is not an object"),
            (without("inode"), "pending_files[0]: it has no `inode`"),
            (without("position_start"), "pending_files[0]: it has no `position_start`"),
            (without("position_end"), "pending_files[0]: it has no `position_end`"),
            (json!({"position": 0.5, "pending_files": []}), "`position` is not a whole number"),
            (json!({"initial_position": -1}), "`initial_position` is not a number of bytes"),
        ] {
            assert_eq!(Entry::of(&entry).unwrap_err(), why, "{entry}");
        }
        let entry = Entry::of(&json!({"position": 0, "pending_files": [piece]})).unwrap();
        let Place::Pieces(pieces) = entry.place else { panic!("no pieces") };
        assert_eq!((pieces[0].inode, pieces[0].offset, pieces[0].unread, pieces[0].behind), (7, 4, 2, 0));
    }
}
