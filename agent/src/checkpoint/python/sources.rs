//! Which checkpoint files there are, and the newest entry of each path.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use scalyr_monitor::{Logger, Timestamp};

use super::FILE_NAME;
use super::form::{CheckpointFile, Entry};
use crate::ledger::WorkerId;
use crate::order;

/// A file larger than this was not written by the old agent.
const MAX_BYTES: u64 = 256 * 1024 * 1024;
/// The worker of everything whose file does not name one.
const DEFAULT_WORKER: &str = "default";
/// So many damaged entries are told one by one.
const MAX_TOLD: usize = 20;

/// The newest entry of a path.
pub(super) struct Newest {
    pub(super) entry: Entry,
    /// When it was noted, by itself or by its file.
    pub(super) time: Option<Timestamp>,
    /// The worker that the file's name tells.
    pub(super) worker: WorkerId,
}

/// What all files together say.
#[derive(Default)]
pub(super) struct Sources {
    pub(super) newest: BTreeMap<PathBuf, Newest>,
    /// When the old agent wrote for the last time, as far as its files say.
    pub(super) written: Option<Timestamp>,
    /// Whether there is a file at all that can be read.
    pub(super) any: bool,
    damaged: usize,
}

/// A file of a session, or the merged one.
struct Source {
    path: PathBuf,
    worker: WorkerId,
    /// Of two entries of one time, that of the higher rank counts.
    rank: u8,
}

impl Sources {
    /// Reads all files in `folder`; those that this agent wrote only when `ours_too`. What is damaged is told and
    /// treated as absent, entry by entry.
    pub(super) fn read(folder: &Path, ours_too: bool, logger: &Logger) -> Self {
        let mut sources = Self::default();
        let mut files = match of_sessions(folder) {
            Ok(names) => names.into_iter().filter_map(|name| source(folder, name)).collect(),
            Err(error) => {
                logger.warn(format_args!("{}: cannot look for checkpoint files: {error}", folder.display()));
                Vec::new()
            }
        };
        files.push(Source { path: folder.join(FILE_NAME), worker: WorkerId(DEFAULT_WORKER.into()), rank: 0 });
        order::by(&mut files, |a, b| (a.rank, &a.path).cmp(&(b.rank, &b.path)));
        for source in files {
            match read_file(&source.path) {
                Ok(file) if ours_too || !file.is_ours() => sources.add(file, &source, logger),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => logger.error(format_args!(
                    "{}: the positions of the Python agent cannot be read: {error}; the file is treated as absent",
                    source.path.display()
                )),
            }
        }
        if sources.damaged > MAX_TOLD {
            let more = sources.damaged - MAX_TOLD;
            logger.warn(format_args!("{}: {more} more entries are damaged and treated as absent", folder.display()));
        }
        sources
    }

    fn add(&mut self, file: CheckpointFile, source: &Source, logger: &Logger) {
        self.any = true;
        let written = file.time();
        self.written = self.written.max(written);
        for (path, value) in file.checkpoints.0 {
            let entry = if path.is_absolute() { Entry::of(&value) } else { Err("its path is not absolute".to_owned()) };
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.damaged += 1;
                    if self.damaged <= MAX_TOLD {
                        let (file, path) = (source.path.display(), path.display());
                        logger.warn(format_args!("{file}: the entry of {path} is treated as absent: {error}"));
                    }
                    continue;
                }
            };
            let time = entry.time.or(written);
            if self.newest.get(&path).is_none_or(|known| known.time <= time) {
                self.newest.insert(path, Newest { entry, time, worker: source.worker.clone() });
            }
        }
    }
}

/// The names of the sessions' files in `folder`.
///
/// # Errors
/// When the folder cannot be read.
pub(super) fn of_sessions(folder: &Path) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if name.to_str().is_some_and(|name| session_of(name).is_some()) {
            names.push(name);
        }
    }
    Ok(names)
}

fn source(folder: &Path, name: OsString) -> Option<Source> {
    let text = name.to_str()?;
    let rank = if text.starts_with("active-") { 2 } else { 1 };
    let session = session_of(text)?;
    // `<worker>-<number of the session>`
    let worker = session.rsplit_once('-').map_or(session, |(worker, _)| worker);
    Some(Source { worker: WorkerId(worker.into()), path: folder.join(&name), rank })
}

fn session_of(name: &str) -> Option<&str> {
    let name = name.strip_prefix("active-").unwrap_or(name);
    name.strip_prefix("checkpoints-worker-")?.strip_suffix(".json").filter(|session| !session.is_empty())
}

fn read_file(path: &Path) -> io::Result<CheckpointFile> {
    // A FIFO of that name must not stop the start.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut text = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(format!("it is larger than {} MiB", MAX_BYTES >> 20)));
    }
    Ok(serde_json::from_slice(&text)?)
}
