//! When positions are written: with each acknowledgement those that have moved, now and then all of them.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use scalyr_monitor::Timestamp;
use serde::Serialize;

use super::record::{Change, Stored, encode};
use super::{Checkpoint, Kept, State};
use crate::ledger::{Account, FileId};
use crate::logs::Position;
use crate::upload::Save;

/// A killed process needs no sync; against a power cut one at most this often is enough.
const SYNC_INTERVAL: Duration = Duration::from_secs(5);
/// After a failure it is tried again at most this often.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// A buffer of the records of one save that is larger is not kept for the next one.
const LARGE_BUFFER: usize = 64 * 1024;

/// What `status` shows of the positions files.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CheckpointSnapshot {
    /// The folder.
    pub path: PathBuf,
    /// The number of the snapshot and its journal that are in use; 0 before the first save.
    pub generation: u64,
    /// How long the snapshot is.
    pub snapshot_bytes: u64,
    /// How long its journal is.
    pub journal_bytes: u64,
    /// How often positions were written since the start.
    pub saves: u64,
    /// How often writing failed since the start.
    pub failures: u64,
    /// Why the last attempt failed; absent when it worked.
    pub last_error: Option<String>,
    /// Since when no attempt has worked, in seconds since the epoch; absent when the last one did.
    pub failing_since: Option<f64>,
}

/// What is to be appended with the next save, beside the accounts that have moved.
#[derive(Debug, Default)]
pub(super) struct Pending {
    text: Vec<u8>,
    /// Written behind everything else, so that no file is without a position for a moment.
    gone: Vec<u64>,
}

impl State {
    /// Has a change written with the next save, even if the ledger stands still.
    pub(super) fn note(&mut self, now: Timestamp, change: Change<'_>) {
        self.saved_changes = None;
        // Without a journal, the next save writes everything.
        if let Some(generation) = self.store.generation()
            && encode(&mut self.pending.text, generation, now, change).is_err()
        {
            self.store.abandon();
        }
    }

    pub(super) fn note_gone(&mut self, slots: Vec<u64>) {
        if !slots.is_empty() {
            self.saved_changes = None;
            if self.store.generation().is_some() {
                self.pending.gone.extend(slots);
            }
        }
    }

    fn slot_of(&mut self, id: FileId) -> u64 {
        match self.slots.get(&id) {
            Some(slot) => *slot,
            None => {
                let slot = self.new_slot();
                self.slots.insert(id, slot);
                slot
            }
        }
    }

    fn kept_of(&mut self, account: &Account) -> Kept {
        Kept { slot: self.slot_of(account.id), position: Position::of(account), until: None, unclaimed: None }
    }

    fn clear_pending(&mut self) {
        self.pending.text.clear();
        self.pending.text.shrink_to(LARGE_BUFFER);
        self.pending.gone.clear();
    }
}

impl Checkpoint {
    /// What has to be done now and then, although nothing is acknowledged: tries again what has failed, and syncs what may
    /// not outlast a power cut.
    pub fn tend(&self) {
        let mut state = self.lock();
        if state.status.last_error.is_some() {
            self.save_if_changed(&mut state);
        }
        self.sync_when_due(state);
    }

    /// The last save of a clean stop: everything in one snapshot, synced.
    pub fn finish(&self) {
        let mut state = self.lock();
        state.tried = None;
        self.save_if_changed(&mut state);
        if state.store.has_journal() {
            match self.begin_generation(&mut state) {
                Ok(()) => self.note_result(&mut state, Ok(())),
                // A full disk, say. Everything stands in the journal all the same.
                Err(error) => self.logger.info(format_args!(
                    "{}: no new snapshot of the positions can be written: {error}; they are in the journal",
                    self.directory.display()
                )),
            }
        }
        if let Some(file) = state.store.unsynced() {
            drop(state);
            self.sync(&file);
        }
    }

    fn save_if_changed(&self, state: &mut State) {
        let changes = self.ledger.changes();
        if state.saved_changes == Some(changes) {
            return;
        }
        let now = self.clock.monotonic();
        if state.tried.is_some_and(|tried| now.saturating_duration_since(tried) < RETRY_INTERVAL) {
            return;
        }
        let result = self.write(state);
        if result.is_ok() {
            state.saved_changes = Some(changes);
            state.status.saves += 1;
        }
        self.note_result(state, result);
    }

    fn write(&self, state: &mut State) -> io::Result<()> {
        if state.store.is_deleted() {
            self.logger.warn(format_args!(
                "{}: the positions files were deleted while the agent runs; they are written anew",
                self.directory.display()
            ));
            state.store.abandon();
        }
        if state.store.generation().is_none() {
            // All of them are written.
            for (id, account) in self.ledger.take_moved() {
                if account.is_none() {
                    state.slots.remove(&id);
                }
            }
            return self.begin_generation(state);
        }
        self.append_moved(state)?;
        if state.store.is_long()
            && let Err(error) = self.begin_generation(state)
        {
            state.store.put_off();
            self.logger.warn(format_args!(
                "{}: the journal of the positions cannot be replaced by a new snapshot: {error}; it goes on growing",
                self.directory.display()
            ));
        }
        Ok(())
    }

    /// Appends the accounts that have moved, and what else has changed.
    fn append_moved(&self, state: &mut State) -> io::Result<()> {
        let now = self.clock.now();
        for (id, account) in self.ledger.take_moved() {
            match account {
                Some(account) => {
                    let kept = state.kept_of(&account);
                    state.note(now, Change::Put(Stored::of(&kept)));
                }
                None => {
                    let slot = state.slots.remove(&id);
                    state.note_gone(slot.into_iter().collect());
                }
            }
        }
        if !state.pending.gone.is_empty() {
            let gone = std::mem::take(&mut state.pending.gone);
            state.note(now, Change::Gone(gone));
        }
        if state.pending.text.is_empty() {
            return Ok(());
        }
        let State { store, pending, .. } = state;
        let result = store.append(&pending.text);
        // What could not be appended is part of the next generation.
        state.clear_pending();
        result
    }

    fn begin_generation(&self, state: &mut State) -> io::Result<()> {
        let open: Vec<Kept> = self.ledger.accounts().iter().map(|account| state.kept_of(account)).collect();
        let State { store, earlier, noted, .. } = state;
        let count = noted.len() + earlier.len() + open.len();
        store.begin(self.clock.now(), count as u64, |snapshot| {
            noted.keys().try_for_each(|key| snapshot.add(Change::Entry(key.clone())))?;
            let mut all = earlier.iter().chain(&open);
            all.try_for_each(|kept| snapshot.add(Change::Put(Stored::of(kept))))
        })?;
        state.clear_pending();
        state.synced = Some(self.clock.monotonic());
        Ok(())
    }

    fn note_result(&self, state: &mut State, result: io::Result<()>) {
        let directory = self.directory.display();
        if let Some(sizes) = state.store.sizes() {
            state.status.generation = sizes.generation;
            state.status.snapshot_bytes = sizes.snapshot_bytes;
            state.status.journal_bytes = sizes.journal_bytes;
        }
        match result {
            Ok(()) => {
                state.tried = None;
                state.status.failing_since = None;
                if state.status.last_error.take().is_some() {
                    self.logger.info(format_args!("{directory}: positions are written again"));
                }
            }
            Err(error) => {
                state.tried = Some(self.clock.monotonic());
                state.saved_changes = None;
                state.status.failures += 1;
                state.status.failing_since.get_or_insert(self.clock.now().as_millis() as f64 / 1_000.0);
                let text = error.to_string();
                if state.status.last_error.as_ref() != Some(&text) {
                    self.logger.error(format_args!(
                        "{directory}: positions cannot be written: {text}; if the agent ended now, it would send lines \
                         again"
                    ));
                }
                state.status.last_error = Some(text);
            }
        }
    }

    fn sync_when_due(&self, mut state: MutexGuard<'_, State>) {
        let now = self.clock.monotonic();
        if state.synced.is_some_and(|synced| now.saturating_duration_since(synced) < SYNC_INTERVAL) {
            return;
        }
        if let Some(file) = state.store.unsynced() {
            state.synced = Some(now);
            drop(state);
            self.sync(&file);
        }
    }

    /// Without the lock: other sessions go on meanwhile.
    fn sync(&self, journal: &Arc<File>) {
        if let Err(error) = journal.sync_data() {
            let mut state = self.lock();
            // What a failed sync has left on disk is not known.
            state.store.abandon();
            self.note_result(&mut state, Err(error));
        }
    }
}

impl Save for Checkpoint {
    /// Writes the positions that have moved since the last time. A failure is reported once and tried again, at most once a
    /// second; the agent goes on with what it has in memory.
    fn save(&self) {
        let mut state = self.lock();
        self.save_if_changed(&mut state);
        self.sync_when_due(state);
    }
}
