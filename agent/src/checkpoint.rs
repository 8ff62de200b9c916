//! Positions on disk: where copying of each file goes on after a restart. Written from the ledger and nothing else.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use scalyr_monitor::{Clock, Logger};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::plan::LogPlan;
use crate::ledger::{Ledger, WorkerId};
use crate::logs::Position;
use crate::upload::Save;

/// The file in `agent_data_path`.
pub const FILE_NAME: &str = "positions.json";
/// The version of the file's form.
const VERSION: u64 = 1;
/// A file larger than this was not written by us.
const MAX_BYTES: u64 = 256 * 1024 * 1024;
/// How long the position of a file that was let go is kept.
const KEPT: Duration = Duration::from_secs(900);
/// A killed process needs no fsync; against a power cut one at most this often is enough.
const SYNC_INTERVAL: Duration = Duration::from_secs(5);

/// Keeps the positions file in step with the ledger.
pub struct Checkpoint {
    path: PathBuf,
    ledger: Ledger,
    clock: Clock,
    logger: Logger,
    state: Mutex<State>,
}

struct State {
    /// Positions of the run before that nobody has taken up yet; written back with each save.
    earlier: Vec<Earlier>,
    /// Entries of the run before, and those of this one.
    entries: Vec<EntryKey>,
    /// Entries of this run.
    noted: Vec<EntryKey>,
    saved_changes: Option<u64>,
    synced: Option<Instant>,
    status: CheckpointSnapshot,
    text: Vec<u8>,
}

/// What `status` shows of the positions file.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CheckpointSnapshot {
    /// The file.
    pub path: PathBuf,
    /// How often it was written since the start.
    pub saves: u64,
    /// How often writing failed since the start.
    pub failures: u64,
    /// Why the last attempt failed; absent when it worked.
    pub last_error: Option<String>,
}

/// A position of the run before, or of a file that was let go.
struct Earlier {
    position: Position,
    /// When it is forgotten; never as long as it is not known.
    until: Option<Instant>,
}

/// An entry of `logs`: a file without a position that it matches is new when the run before had the same entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct EntryKey {
    worker: WorkerId,
    path: String,
    exclude: Vec<String>,
}

#[derive(Serialize)]
struct Written<'a> {
    version: u64,
    entries: &'a [EntryKey],
    positions: &'a [Position],
}

#[derive(Deserialize)]
struct Stored {
    version: u64,
    #[serde(default)]
    entries: Vec<EntryKey>,
    positions: Vec<Value>,
}

impl Checkpoint {
    /// Reads the positions of the run before. What cannot be read is reported and treated as absent, entry by entry.
    pub fn open(data_path: &Path, ledger: Ledger, clock: Clock, logger: Logger) -> Self {
        let path = data_path.join(FILE_NAME);
        let (entries, earlier) = read_or_fall_back(&path, &logger);
        let earlier = earlier.into_iter().map(|position| Earlier { position, until: None }).collect();
        let status = CheckpointSnapshot { path: path.clone(), ..CheckpointSnapshot::default() };
        let state =
            State { earlier, entries, noted: Vec::new(), saved_changes: None, synced: None, status, text: Vec::new() };
        Self { path, ledger, clock, logger, state: Mutex::new(state) }
    }

    /// The positions that the run before left for a path, older generations first. They stay on disk until each is
    /// [forgotten](Self::forget).
    pub fn earlier(&self, worker: &WorkerId, path: &Path) -> Vec<Position> {
        let state = self.lock();
        let positions = state.earlier.iter().map(|earlier| &earlier.position);
        positions.filter(|stored| stored.worker == *worker && stored.path == path).cloned().collect()
    }

    /// The paths of a worker that such positions are left for.
    pub fn earlier_paths(&self, worker: &WorkerId) -> Vec<PathBuf> {
        let state = self.lock();
        let positions = state.earlier.iter().map(|earlier| &earlier.position);
        positions.filter(|stored| stored.worker == *worker).map(|stored| stored.path.clone()).collect()
    }

    /// Notes that this run has an entry. True when the run before did not have it.
    pub fn note_entry(&self, entry: &LogPlan) -> bool {
        let key = EntryKey { worker: entry.worker.clone(), path: entry.path.clone(), exclude: entry.exclude.clone() };
        let mut state = self.lock();
        let is_new = !state.entries.contains(&key);
        if !state.noted.contains(&key) {
            state.noted.push(key);
            state.saved_changes = None;
        }
        is_new
    }

    /// Keeps the position of a file that is let go for a quarter of an hour, in case it comes back.
    pub fn keep(&self, position: Position) {
        let mut state = self.lock();
        let now = self.clock.monotonic();
        state.earlier.retain(|earlier| earlier.until.is_none_or(|until| now < until));
        state.earlier.push(Earlier { position, until: Some(now + KEPT) });
    }

    /// Forgets a position of the run before: an account has taken its place, or its file is gone.
    pub fn forget(&self, position: &Position) {
        let mut state = self.lock();
        state.earlier.retain(|earlier| earlier.position != *position);
        // Written with the next save, even if the ledger stands still.
        state.saved_changes = None;
    }

    /// How the file stands.
    pub fn snapshot(&self) -> CheckpointSnapshot {
        self.lock().status.clone()
    }

    fn write(&self, state: &mut State) -> io::Result<()> {
        let mut positions: Vec<Position> = self.ledger.accounts().iter().map(|account| Position::of(account)).collect();
        positions.extend(state.earlier.iter().map(|earlier| earlier.position.clone()));
        state.text.clear();
        serde_json::to_writer(
            &mut state.text,
            &Written { version: VERSION, entries: &state.noted, positions: &positions },
        )?;
        state.text.push(b'\n');

        let temporary = self.path.with_extension("json.new");
        let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(&state.text)?;
        let now = self.clock.monotonic();
        let sync = state.synced.is_none_or(|synced| now.saturating_duration_since(synced) >= SYNC_INTERVAL);
        if sync {
            file.sync_data()?;
        }
        fs::rename(&temporary, &self.path)?;
        if sync {
            if let Some(directory) = self.path.parent() {
                File::open(directory)?.sync_all()?;
            }
            // What was renamed without a sync may be empty after a power cut; this generation will not.
            let kept = synced_copy(&self.path);
            match fs::remove_file(&kept) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => fs::hard_link(&self.path, kept)?,
            }
            state.synced = Some(now);
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Save for Checkpoint {
    /// Writes the positions if any has moved since the last time. A failure is reported once and tried again at the
    /// next call; the agent goes on with what it has in memory.
    fn save(&self) {
        let mut state = self.lock();
        let changes = self.ledger.changes();
        if state.saved_changes == Some(changes) {
            return;
        }
        match self.write(&mut state) {
            Ok(()) => {
                if state.status.last_error.take().is_some() {
                    self.logger.info(format_args!("{}: positions are written again", self.path.display()));
                }
                state.status.saves += 1;
                state.saved_changes = Some(changes);
            }
            Err(error) => {
                state.status.failures += 1;
                let text = error.to_string();
                if state.status.last_error.as_ref() != Some(&text) {
                    self.logger.error(format_args!(
                        "{}: positions cannot be written: {text}; if the agent ended now, it would send lines again",
                        self.path.display()
                    ));
                }
                state.status.last_error = Some(text);
            }
        }
    }
}

/// Another name of the last generation that was synced.
fn synced_copy(path: &Path) -> PathBuf {
    path.with_extension("json.synced")
}

/// The positions file, or the last synced generation when it cannot be read, with a loud line.
fn read_or_fall_back(path: &Path, logger: &Logger) -> (Vec<EntryKey>, Vec<Position>) {
    let is_absent = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let error = match read(path, logger) {
        Ok(stored) => return stored,
        Err(error) => error,
    };
    let copy = synced_copy(path);
    match read(&copy, logger) {
        Ok(stored) => {
            let (path, copy) = (path.display(), copy.display());
            logger.error(format_args!(
                "{path}: the positions of the last run cannot be read: {error}; those of {copy} are used, a few seconds \
                 older: what was sent since is sent again"
            ));
            stored
        }
        Err(also) if is_absent(&error) && is_absent(&also) => Default::default(),
        Err(also) => {
            logger.error(format_args!(
                "{}: the positions of the last run cannot be read: {error} ({also}); files without a position are \
                 copied from their end",
                path.display()
            ));
            Default::default()
        }
    }
}

fn read(path: &Path, logger: &Logger) -> io::Result<(Vec<EntryKey>, Vec<Position>)> {
    let mut text = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::other("it is too large to be ours"));
    }
    let stored: Stored = serde_json::from_slice(&text)?;
    if stored.version != VERSION {
        return Err(io::Error::other(format!(
            "it has version {}, this agent understands version {VERSION}",
            stored.version
        )));
    }
    let mut positions = Vec::with_capacity(stored.positions.len());
    for (index, entry) in stored.positions.into_iter().enumerate() {
        match serde_json::from_value(entry) {
            Ok(position) => positions.push(position),
            Err(error) => logger.error(format_args!("{}: positions[{index}] is ignored: {error}", path.display())),
        }
    }
    // A position is worth keeping while its file is there, under whatever name.
    positions.retain(|position: &Position| position.path.exists() || !matches!(position.find(), Ok(None)));
    Ok((stored.entries, positions))
}
