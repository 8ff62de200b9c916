//! The positions file of version 1, one JSON document that was written anew each time: read once, then replaced.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use scalyr_monitor::{Logger, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::earlier::Kept;
use super::generations::{Left, MAX_BYTES};
use super::record::EntryKey;
use crate::logs::Position;

const VERSION: u64 = 1;

#[derive(Deserialize)]
struct Stored {
    version: u64,
    #[serde(default)]
    saved: Option<i64>,
    #[serde(default)]
    entries: HashSet<EntryKey>,
    positions: Vec<Value>,
}

#[derive(Deserialize)]
struct StoredPosition {
    #[serde(flatten)]
    position: Position,
    #[serde(default)]
    kept_until: Option<i64>,
}

/// The file, and the copy of it that was synced last.
pub(super) fn files(directory: &Path) -> [PathBuf; 3] {
    ["positions.json", "positions.json.synced", "positions.json.new"].map(|name| directory.join(name))
}

/// The positions file, or the last synced copy when it cannot be read, with a loud line; nothing when neither is there.
pub(super) fn read(directory: &Path, logger: &Logger) -> Option<Left> {
    let is_absent = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let [path, copy, _] = files(directory);
    let error = match read_file(&path, logger) {
        Ok(left) => return Some(left),
        Err(error) => error,
    };
    let path = path.display();
    match read_file(&copy, logger) {
        Ok(left) => {
            let copy = copy.display();
            logger.error(format_args!(
                "{path}: the positions of the last run cannot be read: {error}; those of {copy} are used, a few seconds \
                 older: what was sent since is sent again"
            ));
            Some(left)
        }
        Err(also) if is_absent(&error) && is_absent(&also) => None,
        Err(also) => {
            logger.error(format_args!(
                "{path}: the positions of the last run cannot be read: {error} ({also}); files are copied from \
                 their first byte"
            ));
            Some(Left::lost())
        }
    }
}

fn read_file(path: &Path, logger: &Logger) -> io::Result<Left> {
    let mut text = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::other("it is too large to be ours"));
    }
    let Stored { version, saved, entries, positions: stored } = serde_json::from_slice(&text)?;
    if version != VERSION {
        return Err(io::Error::other(format!("it has version {version}, this agent understands version {VERSION}")));
    }
    let (mut positions, mut is_damaged) = (Vec::with_capacity(stored.len()), false);
    for (slot, entry) in (1..).zip(stored) {
        match serde_json::from_value(entry) {
            Ok(StoredPosition { position, kept_until }) => {
                let until = kept_until.map(Timestamp::from_nanos);
                positions.push(Kept { slot, position, until, unclaimed: None });
            }
            Err(error) => {
                is_damaged = true;
                logger.error(format_args!(
                    "{}: positions[{}] is ignored: {error}; its file is copied from its first byte",
                    path.display(),
                    slot - 1
                ));
            }
        }
    }
    let next_slot = positions.last().map_or(1, |kept| kept.slot + 1);
    Ok(Left { saved: saved.map(Timestamp::from_nanos), entries, positions, next_slot, is_damaged })
}
