//! Positions on disk: where copying of each file goes on after a restart. Written from the ledger and nothing else.

mod earlier;
mod file;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use scalyr_monitor::{Clock, Logger, Timestamp};
use serde::Serialize;

use self::earlier::{Earlier, Kept};
use self::file::{EntryKey, read_or_fall_back, synced_copy};
use crate::config::plan::LogPlan;
use crate::ledger::{Ledger, WorkerId};
use crate::logs::Position;
use crate::upload::Save;

/// The file in `agent_data_path`.
pub const FILE_NAME: &str = "positions.json";
/// A save says that every path was looked at within so long before it, generously.
const LONGEST_LOOK: Duration = Duration::from_secs(5);
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
    /// Positions that no open file stands for; written back with each save.
    earlier: Earlier,
    /// When the run before wrote its positions for the last time.
    saved_before: Option<Timestamp>,
    /// Entries of the run before.
    entries: HashSet<EntryKey>,
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

impl Checkpoint {
    /// Reads the positions of the run before. What cannot be read is reported and treated as absent, entry by entry.
    pub fn open(data_path: &Path, ledger: Ledger, clock: Clock, logger: Logger) -> Self {
        let path = data_path.join(FILE_NAME);
        let left = read_or_fall_back(&path, &logger);
        let mut earlier = Earlier::default();
        for Kept { position, until } in left.positions {
            earlier.insert(position, until);
        }
        let state = State {
            earlier,
            saved_before: left.saved,
            entries: left.entries.into_iter().collect(),
            noted: Vec::new(),
            saved_changes: None,
            synced: None,
            status: CheckpointSnapshot { path: path.clone(), ..CheckpointSnapshot::default() },
            text: Vec::new(),
        };
        Self { path, ledger, clock, logger, state: Mutex::new(state) }
    }

    /// The positions that are left for a path, older generations first. They stay on disk until each is
    /// [forgotten](Self::forget).
    pub fn earlier(&self, worker: &WorkerId, path: &Path) -> Vec<Position> {
        self.lock().earlier.at(worker, path)
    }

    /// The positions that are left for a file, whatever its name.
    pub fn earlier_of_inode(&self, worker: &WorkerId, device: u64, inode: u64) -> Vec<Position> {
        self.lock().earlier.of_inode(worker, device, inode)
    }

    /// The paths that positions are left for.
    pub fn earlier_paths(&self) -> Vec<(WorkerId, PathBuf)> {
        self.lock().earlier.paths()
    }

    /// Files created since then may not have been seen by the run before: it looks at every path at least once in this
    /// time, and what it saw had its position written.
    pub fn unseen_since(&self) -> Option<Timestamp> {
        let look = i64::try_from(LONGEST_LOOK.as_nanos()).unwrap_or(i64::MAX);
        self.lock().saved_before.map(|saved| Timestamp::from_nanos(saved.as_nanos().saturating_sub(look)))
    }

    /// Notes that this run has an entry. True when the run before did not have it.
    pub fn note_entry(&self, entry: &LogPlan) -> bool {
        let key = EntryKey::of(entry);
        let mut state = self.lock();
        let is_new = !state.entries.contains(&key);
        state.noted.push(key);
        state.saved_changes = None;
        is_new
    }

    /// Notes that this run has an entry no more.
    pub fn drop_entry(&self, entry: &LogPlan) {
        let key = EntryKey::of(entry);
        let mut state = self.lock();
        state.noted.retain(|noted| *noted != key);
        state.entries.remove(&key);
        state.saved_changes = None;
    }

    /// Keeps the position of a file that is let go, or not to be found, for a time, in case it comes back.
    pub fn keep(&self, position: Position, time: Duration) {
        let mut state = self.lock();
        let now = self.clock.now();
        let until = now.as_nanos().saturating_add(i64::try_from(time.as_nanos()).unwrap_or(i64::MAX));
        state.earlier.prune(now);
        state.earlier.insert(position, Some(Timestamp::from_nanos(until)));
        state.saved_changes = None;
    }

    /// What is left of a path for one worker is left for another one from now on.
    pub fn move_positions(&self, from: &WorkerId, to: &WorkerId, path: &Path) {
        let mut state = self.lock();
        if state.earlier.move_path(from, to, path) {
            state.saved_changes = None;
        }
    }

    /// Forgets a position because an account has taken its place.
    pub fn forget(&self, position: &Position) {
        let mut state = self.lock();
        state.earlier.remove(position);
        // Written with the next save, even if the ledger stands still.
        state.saved_changes = None;
    }

    /// How the file stands.
    pub fn snapshot(&self) -> CheckpointSnapshot {
        self.lock().status.clone()
    }

    fn write(&self, state: &mut State) -> io::Result<()> {
        let mut positions: Vec<Kept> = state.earlier.iter().cloned().collect();
        let open = self.ledger.accounts();
        positions.extend(open.iter().map(|account| Kept { position: Position::of(account), until: None }));
        file::write(&mut state.text, self.clock.now(), &state.noted, positions)?;

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
            // What was renamed without a sync may be empty after a power cut; this generation will not. Without it
            // there is one safety net less, and nothing else is wrong.
            let kept = synced_copy(&self.path);
            _ = fs::remove_file(&kept);
            _ = fs::hard_link(&self.path, &kept).or_else(|_| fs::copy(&self.path, &kept).map(drop));
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
