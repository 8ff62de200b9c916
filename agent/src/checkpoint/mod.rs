//! Positions on disk: where copying of each file goes on after a restart. Written from the ledger and nothing else.

mod earlier;
mod generations;
mod lines;
pub mod python;
mod record;
mod saving;
mod store;
mod version_one;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use globset::GlobBuilder;
use scalyr_monitor::{Clock, Logger, Timestamp};
use uuid::Uuid;

use self::earlier::{Earlier, Kept, later};
pub use self::generations::FILE_PREFIX;
use self::generations::Left;
use self::record::{Change, EntryKey, Stored};
pub use self::saving::CheckpointSnapshot;
use self::saving::Pending;
use self::store::Store;
use crate::config::plan::LogPlan;
use crate::ledger::{FileId, Ledger, Offset, Sequence, WorkerId};
use crate::logs::Position;

/// A save says that every path was looked at within so long before it, generously.
const LONGEST_LOOK: Duration = Duration::from_secs(5);
/// How often positions are looked for that have had their time.
const PRUNE_INTERVAL: Duration = Duration::from_secs(60);
/// So many of them at once: each costs a look at its path.
const MOST_PRUNED: usize = 256;
/// A position that has had its time and whose file is there is asked about again after this.
const ASK_AGAIN: Duration = Duration::from_secs(3_600);

/// More positions of files that are not open are not kept, unless their files are there.
const MOST_KEPT: usize = 100_000;
/// So many are looked at when there are more.
const MADE_ROOM_FOR: usize = 10_000;
/// That there are too many is told again after this.
const TOLD_AGAIN: Duration = Duration::from_secs(3_600);
/// Clocks of files and processes differ by so much.
const SLACK: Duration = Duration::from_secs(2);

/// Keeps the positions files in step with the ledger.
pub struct Checkpoint {
    directory: PathBuf,
    ledger: Ledger,
    clock: Clock,
    logger: Logger,
    state: Mutex<State>,
    /// Whether the directory held no positions, not even unreadable ones.
    is_first_run: bool,
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checkpoint({})", self.directory.display())
    }
}

struct State {
    /// Positions that no open file stands for.
    earlier: Earlier,
    /// When the run before wrote its positions for the last time.
    saved_before: Option<Timestamp>,
    /// The same by the clock of the file system, which also says when logs were created: should the wall clock have been
    /// set since, the earlier one of both counts.
    written_before: Option<Timestamp>,
    /// Whether the run before was the Python agent.
    followed_python: bool,
    /// Entries of the run before.
    entries: HashSet<EntryKey>,
    /// Whether the run before had every entry, as far as is known.
    had_all_entries: bool,
    /// Whether a file without a position may have had one, or when the run before ended is not known: it is copied whole
    /// then, rather than from its end.
    is_in_doubt: bool,
    /// Entries of this run, and how often each was noted.
    noted: HashMap<EntryKey, usize>,
    /// The slots of open files.
    slots: HashMap<FileId, u64>,
    next_slot: u64,
    pending: Pending,
    store: Store,
    saved_changes: Option<u64>,
    synced: Option<Instant>,
    tried: Option<Instant>,
    pruned: Option<Instant>,
    /// No room is made before.
    not_before: Option<Instant>,
    /// When it was told that there are too many positions.
    told_full: Option<Instant>,
    status: CheckpointSnapshot,
}

impl Checkpoint {
    /// Reads the positions of the run before. What cannot be read is reported and treated as absent, record by record.
    pub fn open(data_path: &Path, ledger: Ledger, clock: Clock, logger: Logger) -> Self {
        let directory = data_path.to_owned();
        let written = generations::written(&directory);
        let left = generations::read(&directory, &logger);
        let is_first_run = left.is_none();
        let Left { saved, entries, positions, next_slot, is_damaged } = left.unwrap_or_default();
        let now = clock.now();
        let is_from_future = saved.is_some_and(|saved| is_future(saved, now));
        if let Some(saved) = saved.filter(|_| is_from_future) {
            logger.warn(format_args!(
                "{}: the positions of the last run are of {saved}, and it is {now} now, so the clock was set back; which \
                 files came since then is not known: those without a position are copied from their first byte",
                directory.display()
            ));
        }
        let mut earlier = Earlier::default();
        for kept in positions {
            let unclaimed = kept.unclaimed.filter(|since| *since <= now).or(Some(now));
            earlier.insert(Kept { unclaimed, ..kept });
        }
        let state = State {
            earlier,
            saved_before: saved,
            written_before: written,
            followed_python: false,
            entries,
            had_all_entries: is_damaged,
            is_in_doubt: is_damaged || is_from_future,
            noted: HashMap::new(),
            slots: HashMap::new(),
            next_slot,
            pending: Pending::default(),
            store: Store::new(directory.clone()),
            saved_changes: None,
            synced: None,
            tried: None,
            pruned: None,
            not_before: None,
            told_full: None,
            status: CheckpointSnapshot { path: directory.clone(), ..CheckpointSnapshot::default() },
        };
        let checkpoint = Self { directory, ledger, clock, logger, state: Mutex::new(state), is_first_run };
        checkpoint.prune();
        checkpoint
    }

    /// Whether no run of this agent has ever written positions here.
    pub fn is_first_run(&self) -> bool {
        self.is_first_run
    }

    /// Takes over the positions of another agent that wrote for the last time at `written`. The positions that this one has
    /// of `paths` are older, and give way; each worker that had one goes on from the new one. Which entries that agent had is not known: each counts as
    /// known. To be called before anything is followed.
    pub fn import(&self, positions: Vec<Position>, paths: &[PathBuf], written: Option<Timestamp>) {
        let now = self.clock.now();
        let mut state = self.lock();
        let paths: HashSet<&PathBuf> = paths.iter().collect();
        let mut workers: HashMap<PathBuf, Vec<WorkerId>> = HashMap::new();
        for (worker, path) in state.earlier.paths().into_iter().filter(|(_, path)| paths.contains(path)) {
            for position in state.earlier.at(&worker, &path) {
                state.forget(&position);
            }
            workers.entry(path).or_default().push(worker);
        }
        for position in positions {
            let here = workers.get(&position.path).cloned().unwrap_or_else(|| vec![position.worker.clone()]);
            for (number, worker) in here.into_iter().enumerate() {
                // A sequence is that of one worker.
                let sequence = match number {
                    0 => position.sequence.clone(),
                    _ => Sequence { id: Uuid::new_v4().to_string(), begin: position.settled },
                };
                let (slot, position) = (state.new_slot(), Position { worker, sequence, ..position.clone() });
                state.earlier.insert(Kept { slot, position, until: None, unclaimed: Some(now) });
            }
        }
        if written > state.saved_before {
            (state.saved_before, state.written_before) = (written, None);
        }
        state.had_all_entries = true;
        state.saved_changes = None;
    }

    /// Forgets the positions of the run before whose paths match one of these patterns
    /// (`ignore_checkpoints_on_startup_path_globs`; as those of `exclude`). To be called before anything is followed.
    pub fn ignore(&self, patterns: &[String]) {
        for pattern in patterns {
            let glob = match GlobBuilder::new(pattern).literal_separator(false).build() {
                Ok(glob) => glob.compile_matcher(),
                Err(error) => {
                    self.logger.error(format_args!("ignore_checkpoints_on_startup_path_globs: {pattern:?}: {error}"));
                    continue;
                }
            };
            let mut state = self.lock();
            let matching = state.earlier.iter().filter(|kept| glob.is_match(&kept.position.path));
            let ignored: Vec<Position> = matching.map(|kept| kept.position.clone()).collect();
            ignored.iter().for_each(|position| state.forget(position));
            drop(state);
            self.logger.info(format_args!(
                "ignore_checkpoints_on_startup_path_globs: the positions of {} files that match {pattern} are not used",
                ignored.len()
            ));
        }
    }

    /// All positions as they stand now: those of open files, and those that are left.
    pub fn positions(&self) -> Vec<Position> {
        let mut positions: Vec<Position> = self.lock().earlier.iter().map(|kept| kept.position.clone()).collect();
        positions.extend(self.ledger.accounts().iter().map(|account| Position::of(account)));
        positions
    }

    /// `agent_data_path`.
    fn folder(&self) -> &Path {
        &self.directory
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

    /// How far a file that is not open was settled for each of its workers, by the positions that are left for it; none when
    /// there is no position.
    pub fn reached(&self, device: u64, inode: u64) -> Option<Offset> {
        let state = self.lock();
        let positions = state.earlier.iter().map(|kept| &kept.position);
        let of_file = positions.filter(|left| (left.identity.device, left.identity.inode) == (device, inode));
        of_file.map(|left| left.settled).min()
    }

    /// The accounts of the files that are open.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Whether a position is that of a file which was let go, as everything of it had been read, or was missing already.
    pub fn was_let_go(&self, position: &Position) -> bool {
        self.lock().earlier.iter().any(|kept| kept.until.is_some() && kept.position == *position)
    }

    /// The paths that positions are left for.
    pub fn earlier_paths(&self) -> Vec<(WorkerId, PathBuf)> {
        self.lock().earlier.paths()
    }

    /// Files created since then may not have been seen by the run before: it looks at every path at least once in this
    /// time, and what it saw had its position written.
    pub fn unseen_since(&self) -> Option<Timestamp> {
        let look = i64::try_from(LONGEST_LOOK.as_nanos()).unwrap_or(i64::MAX);
        let state = self.lock();
        let saved = state.saved_before.map(|saved| state.written_before.map_or(saved, |written| written.min(saved)));
        saved.map(|saved| Timestamp::from_nanos(saved.as_nanos().saturating_sub(look)))
    }

    /// Notes that this run has an entry. True when the run before did not have it.
    pub fn note_entry(&self, entry: &LogPlan) -> bool {
        let key = EntryKey::of(entry);
        let mut state = self.lock();
        let is_new = !state.had_all_entries && !state.entries.contains(&key);
        let times = state.noted.entry(key.clone()).or_default();
        *times += 1;
        if *times == 1 {
            state.note(self.clock.now(), Change::Entry(key));
        }
        is_new
    }

    /// Notes that this run has an entry no more.
    pub fn drop_entry(&self, entry: &LogPlan) {
        let key = EntryKey::of(entry);
        let mut state = self.lock();
        state.entries.remove(&key);
        state.had_all_entries = false;
        if state.noted.remove(&key).is_some() {
            state.note(self.clock.now(), Change::NoEntry(key));
        }
    }

    /// Keeps the position of a file that is let go, or not to be found, for a time, and longer while the file is there, in
    /// case it comes back.
    pub fn keep(&self, position: Position, time: Duration) {
        self.prune_when_due();
        let now = self.clock.now();
        let mut state = self.lock();
        let slot = state.new_slot();
        let kept = Kept { slot, position, until: Some(later(now, time)), unclaimed: None };
        state.note(now, Change::Put(Stored::of(&kept)));
        let replaced = state.earlier.insert(kept);
        state.note_gone(replaced);
        let is_full = state.earlier.len() > MOST_KEPT;
        drop(state);
        if is_full {
            self.make_room();
        }
    }

    /// What is left of a path for one worker is left for another one from now on.
    pub fn move_positions(&self, from: &WorkerId, to: &WorkerId, path: &Path) {
        let mut state = self.lock();
        let (moved, replaced) = state.earlier.move_path(from, to, path);
        for kept in &moved {
            state.note(self.clock.now(), Change::Put(Stored::of(kept)));
        }
        state.note_gone(replaced);
    }

    /// Forgets a position because an account has taken its place.
    pub fn forget(&self, position: &Position) {
        self.lock().forget(position);
    }

    /// How the files stand.
    pub fn snapshot(&self) -> CheckpointSnapshot {
        self.lock().status.clone()
    }

    fn prune_when_due(&self) {
        let (now, mut state) = (self.clock.monotonic(), self.lock());
        if state.pruned.is_none_or(|pruned| now.saturating_duration_since(pruned) >= PRUNE_INTERVAL) {
            state.pruned = Some(now);
            drop(state);
            self.prune();
        }
    }

    /// Forgets positions that have had their time, but none whose file is still where it was.
    fn prune(&self) {
        let now = self.clock.now();
        let due = self.lock().earlier.due(now, MOST_PRUNED);
        let mut forgotten = 0;
        for position in due {
            // Without the lock: a dead mount may take its time.
            let is_over = is_gone(&position);
            let mut state = self.lock();
            if is_over {
                state.forget(&position);
                forgotten += 1;
            } else {
                state.earlier.extend(&position, later(now, ASK_AGAIN));
            }
        }
        if forgotten > 0 {
            self.logger.debug(format_args!("Forgot {forgotten} positions of files that did not come back"));
        }
    }

    /// Forgets those of the positions that have the least time left and whose file is gone.
    fn make_room(&self) {
        let now = self.clock.monotonic();
        let state = self.lock();
        if state.not_before.is_some_and(|not_before| now < not_before) {
            return;
        }
        let oldest = state.earlier.oldest(MADE_ROOM_FOR);
        drop(state);
        let gone: Vec<Position> = oldest.into_iter().filter(is_gone).collect();
        let mut state = self.lock();
        gone.iter().for_each(|position| state.forget(position));
        if gone.len() < MADE_ROOM_FOR / 2 {
            // Most of the files are there: looking at all of them with each that closes would cost too much.
            state.not_before = Some(now + PRUNE_INTERVAL);
        }
        if gone.is_empty() || state.told_full.is_some_and(|told| now.saturating_duration_since(told) < TOLD_AGAIN) {
            return;
        }
        state.told_full = Some(now);
        drop(state);
        self.logger.warn(format_args!(
            "There are more than {MOST_KEPT} positions of files that are not open; {} of files that are gone were \
             forgotten before their time, the oldest first: should such a file come back, it is copied as a new one",
            gone.len()
        ));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new_slot(&mut self) -> u64 {
        let slot = self.next_slot;
        self.next_slot += 1;
        slot
    }

    fn forget(&mut self, position: &Position) {
        let removed = self.earlier.remove(position);
        self.note_gone(removed);
    }
}

/// Whether a time was noted with a clock that was ahead of `now`.
fn is_future(time: Timestamp, now: Timestamp) -> bool {
    time > later(now, SLACK)
}

/// Whether the file of a position is not at its path any more. What cannot be looked at may still be there.
fn is_gone(position: &Position) -> bool {
    match fs::metadata(&position.path) {
        Ok(metadata) => (metadata.dev(), metadata.ino()) != (position.identity.device, position.identity.inode),
        Err(error) => matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
    }
}
