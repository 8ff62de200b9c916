//! The form of the positions file, and reading it, also when it is damaged.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use scalyr_monitor::{Logger, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::earlier::Kept;
use crate::config::plan::LogPlan;
use crate::ledger::WorkerId;
use crate::logs::Position;

/// The version of the file's form.
const VERSION: u64 = 1;
/// A file larger than this was not written by us.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

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

/// What the run before has left.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// When it was written.
    pub(super) saved: Option<Timestamp>,
    pub(super) entries: Vec<EntryKey>,
    pub(super) positions: Vec<Kept>,
}

#[derive(Serialize)]
struct Written<'a, P> {
    version: u64,
    saved: i64,
    entries: &'a [EntryKey],
    positions: P,
}

#[derive(Deserialize)]
struct Stored {
    version: u64,
    #[serde(default)]
    saved: Option<i64>,
    #[serde(default)]
    entries: Vec<EntryKey>,
    positions: Vec<Value>,
}

/// A position as it stands in the file.
#[derive(Serialize, Deserialize)]
struct StoredPosition {
    #[serde(flatten)]
    position: Position,
    /// When it is forgotten, in nanoseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kept_until: Option<i64>,
}

/// Writes the file's text; what stands later counts more, should two positions be of one file.
pub(super) fn write(text: &mut Vec<u8>, now: Timestamp, entries: &[EntryKey], positions: Vec<Kept>) -> io::Result<()> {
    let positions: Vec<_> = positions
        .into_iter()
        .map(|kept| StoredPosition { position: kept.position, kept_until: kept.until.map(Timestamp::as_nanos) })
        .collect();
    text.clear();
    serde_json::to_writer(&mut *text, &Written { version: VERSION, saved: now.as_nanos(), entries, positions })?;
    text.push(b'\n');
    Ok(())
}

/// Another name of the last generation that was synced.
pub(super) fn synced_copy(path: &Path) -> PathBuf {
    path.with_extension("json.synced")
}

/// The positions file, or the last synced generation when it cannot be read, with a loud line.
pub(super) fn read_or_fall_back(path: &Path, logger: &Logger) -> Left {
    let is_absent = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let error = match read(path, logger) {
        Ok(left) => return left,
        Err(error) => error,
    };
    let copy = synced_copy(path);
    match read(&copy, logger) {
        Ok(left) => {
            let (path, copy) = (path.display(), copy.display());
            logger.error(format_args!(
                "{path}: the positions of the last run cannot be read: {error}; those of {copy} are used, a few seconds \
                 older: what was sent since is sent again"
            ));
            left
        }
        Err(also) if is_absent(&error) && is_absent(&also) => Left::default(),
        Err(also) => {
            logger.error(format_args!(
                "{}: the positions of the last run cannot be read: {error} ({also}); files without a position are \
                 copied from their end",
                path.display()
            ));
            Left::default()
        }
    }
}

fn read(path: &Path, logger: &Logger) -> io::Result<Left> {
    let mut text = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::other("it is too large to be ours"));
    }
    let Stored { version, saved, entries, positions: stored } = serde_json::from_slice(&text)?;
    if version != VERSION {
        return Err(io::Error::other(format!("it has version {version}, this agent understands version {VERSION}")));
    }
    let mut positions = Vec::with_capacity(stored.len());
    for (index, entry) in stored.into_iter().enumerate() {
        match serde_json::from_value(entry) {
            Ok(StoredPosition { position, kept_until }) => {
                positions.push(Kept { position, until: kept_until.map(Timestamp::from_nanos) });
            }
            Err(error) => logger.error(format_args!("{}: positions[{index}] is ignored: {error}", path.display())),
        }
    }
    Ok(Left { saved: saved.map(Timestamp::from_nanos), entries, positions })
}
