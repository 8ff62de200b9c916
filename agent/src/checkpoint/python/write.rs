//! Leaving a checkpoint file that the Python agent goes on from.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use scalyr_monitor::Timestamp;
use serde_json::{Value, json};

use super::pieces::Pieces;
use super::sources::of_sessions;
use super::{FILE_NAME, MARK};
use crate::ledger::WorkerId;
use crate::logs::Position;
use crate::order;

/// Writes `checkpoints.json` into `folder` and removes the files of the old agent's sessions, which would count more where
/// they are newer. `positions`: older generations of a path first; of two of the same file the later one counts. Returns
/// how many paths it holds. A path that several workers copy has one entry, as that agent has it: that of the worker which
/// has most to read.
///
/// # Errors
/// When the file cannot be written or another one not be removed.
pub fn write(folder: &Path, positions: &[Position], now: Timestamp) -> io::Result<usize> {
    let mut paths: BTreeMap<&Path, BTreeMap<&WorkerId, Vec<&Position>>> = BTreeMap::new();
    for position in positions {
        let known = paths.entry(&position.path).or_default().entry(&position.worker).or_default();
        let inode = (position.identity.device, position.identity.inode);
        known.retain(|other| (other.identity.device, other.identity.inode) != inode);
        known.push(position);
    }
    let found = Pieces::look_for(positions.iter().map(|position| (position.path.as_path(), position.identity.inode)));
    let time = (now.as_nanos() / 1_000_000) as f64 / 1e3;
    let entries = paths.into_iter().filter_map(|(path, workers)| {
        let chains = workers.into_values().map(|positions| Chain::of(path, &positions, &found));
        let chain = chains.filter(|chain| !chain.pieces.is_empty()).max_by_key(|chain| chain.unread)?;
        Some((path, chain.entry(time)))
    });

    let temporary = folder.join(format!("{FILE_NAME}~"));
    let count = write_entries(&temporary, entries, time)
        .and_then(|count| fs::rename(&temporary, folder.join(FILE_NAME)).map(|()| count))
        // A full disk has no room for what nobody reads.
        .inspect_err(|_| _ = fs::remove_file(&temporary))?;
    for name in of_sessions(folder)? {
        fs::remove_file(folder.join(name))?;
    }
    File::open(folder)?.sync_all()?;
    Ok(count)
}

/// Writes the entries to a file of its own, synced. Returns how many.
fn write_entries<'a>(
    temporary: &Path,
    entries: impl Iterator<Item = (&'a Path, Value)>,
    time: f64,
) -> io::Result<usize> {
    // Readable for all, as the old agent leaves it.
    let file = File::options().write(true).create(true).truncate(true).mode(0o644).open(temporary)?;
    let mut text = BufWriter::new(file);
    write!(text, "{{\"time\": {time}, \"{MARK}\": \"scalyr-agent\", \"checkpoints\": {{")?;
    let mut count = 0;
    for (path, entry) in entries {
        text.write_all(if count == 0 { b"\n" } else { b",\n" })?;
        write_path(&mut text, path)?;
        write!(text, ": {entry}")?;
        count += 1;
    }
    text.write_all(b"}}\n")?;
    let file = text.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_data()?;
    Ok(count)
}

/// The generations of one path, in the old agent's coordinates: relative to the first byte that is not accepted.
#[derive(Default)]
struct Chain {
    pieces: Vec<Value>,
    sequence: Option<(String, u64)>,
    unread: u64,
}

impl Chain {
    /// What is on disk of them. An older one that is read to its end is left out, and so is what cannot be found.
    fn of(path: &Path, positions: &[&Position], found: &Pieces) -> Self {
        let mut files: Vec<(&Position, PathBuf, u64)> = positions
            .iter()
            .filter_map(|position| {
                let (at, metadata) = found.find(path, position.identity.inode)?;
                (metadata.dev() == position.identity.device).then_some((*position, at, metadata.len()))
            })
            .collect();
        // The one at the path is the last one.
        order::by_key(&mut files, |(_, at, _)| at == path);
        let mut chain = Self::default();
        for (position, at, size) in files {
            let is_at_path = at == path;
            // Smaller than it was: the old agent finds its begin.
            let settled = if position.settled.0 <= size { position.settled.0 } else { 0 };
            if settled == size && !is_at_path {
                continue;
            }
            chain
                .sequence
                .get_or_insert_with(|| (position.sequence.id.clone(), position.sequence.number(position.settled)));
            // Bytes that are read ahead of an older piece stay read: the piece begins so much before the place where the
            // other one ends.
            let start = i128::from(chain.unread) - i128::from(settled);
            let end = chain.unread.saturating_add(size - settled);
            chain.pieces.push(json!({
                "position_start": i64::try_from(start).unwrap_or(0),
                "position_end": end,
                "last_known_size": size,
                "is_log_file": is_at_path,
                "inode": position.identity.inode,
            }));
            chain.unread = end;
        }
        chain
    }

    fn entry(self, time: f64) -> Value {
        let (id, number) = self.sequence.unwrap_or_default();
        json!({
            "position": 0,
            "pending_files": self.pieces,
            "sequence_id": id,
            "sequence_number": number,
            "time": time,
        })
    }
}

/// A path as Python writes it: bytes that are no UTF-8 are lone surrogates.
fn write_path(text: &mut impl Write, path: &Path) -> io::Result<()> {
    text.write_all(b"\"")?;
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        let quoted = serde_json::to_string(chunk.valid())?;
        text.write_all(&quoted.as_bytes()[1..quoted.len() - 1])?;
        for byte in chunk.invalid() {
            write!(text, "\\udc{byte:02x}")?;
        }
    }
    text.write_all(b"\"")
}
