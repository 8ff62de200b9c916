//! Writing the positions files: a journal that each save appends to, and now and then a snapshot that begins a new one.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Arc;

use scalyr_monitor::Timestamp;

use super::generations::{Files, journal_path, list, snapshot_path, unfinished_path};
use super::lines::VERSION;
use super::record::{Change, encode};
use super::version_one;

/// A journal shorter than this is not worth a new snapshot.
const SHORT_JOURNAL: u64 = 256 * 1024;
/// A journal so many times as long as its snapshot is.
const LONG_JOURNAL: u64 = 4;

/// The generation that is being written.
#[derive(Debug)]
pub(super) struct Store {
    directory: PathBuf,
    /// None until there is a snapshot of this run, and after a failure: what then is at the journal's end is not known.
    journal: Option<Journal>,
}

#[derive(Debug)]
struct Journal {
    generation: u64,
    snapshot_bytes: u64,
    file: Arc<File>,
    bytes: u64,
    is_synced: bool,
    /// A new generation begins when it is as long as this.
    longest: u64,
}

/// What stands on disk.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sizes {
    pub(super) generation: u64,
    pub(super) snapshot_bytes: u64,
    pub(super) journal_bytes: u64,
}

/// Takes the records of a snapshot.
pub(super) struct Snapshot {
    out: BufWriter<File>,
    generation: u64,
    at: Timestamp,
    line: Vec<u8>,
    bytes: u64,
}

impl Snapshot {
    pub(super) fn add(&mut self, change: Change<'_>) -> io::Result<()> {
        self.line.clear();
        encode(&mut self.line, self.generation, self.at, change)?;
        self.bytes += self.line.len() as u64;
        self.out.write_all(&self.line)
    }
}

impl Store {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory, journal: None }
    }

    /// The number of the generation that records can be appended to.
    pub(super) fn generation(&self) -> Option<u64> {
        self.journal.as_ref().map(|journal| journal.generation)
    }

    pub(super) fn sizes(&self) -> Option<Sizes> {
        self.journal.as_ref().map(|journal| Sizes {
            generation: journal.generation,
            snapshot_bytes: journal.snapshot_bytes,
            journal_bytes: journal.bytes,
        })
    }

    /// Whether somebody has deleted the journal, so that what is appended is lost with this process.
    pub(super) fn is_deleted(&self) -> bool {
        let links = |journal: &Journal| journal.file.metadata().map(|metadata| metadata.nlink());
        self.journal.as_ref().is_some_and(|journal| matches!(links(journal), Ok(0)))
    }

    /// Whether a new generation is due.
    pub(super) fn is_long(&self) -> bool {
        self.journal.as_ref().is_some_and(|journal| journal.bytes > journal.longest)
    }

    /// Whether there is anything beside the snapshot.
    pub(super) fn has_journal(&self) -> bool {
        self.journal.as_ref().is_some_and(|journal| journal.bytes > 0)
    }

    /// Lets the journal grow on, since no new generation can be begun.
    pub(super) fn put_off(&mut self) {
        if let Some(journal) = &mut self.journal {
            journal.longest = journal.bytes.saturating_mul(2).max(SHORT_JOURNAL);
        }
    }

    /// Nothing is appended any more; the next save begins a new generation.
    pub(super) fn abandon(&mut self) {
        self.journal = None;
    }

    /// Appends records with one write, and without a sync: a killed process needs none.
    ///
    /// # Errors
    /// When they could not be written whole; nothing is appended behind them then.
    pub(super) fn append(&mut self, records: &[u8]) -> io::Result<()> {
        let Some(journal) = &mut self.journal else { return Err(io::Error::other("there is no journal")) };
        let written = (&*journal.file).write_all(records);
        match written {
            Ok(()) => {
                journal.bytes += records.len() as u64;
                journal.is_synced = false;
            }
            Err(_) => self.journal = None,
        }
        written
    }

    /// The journal, if something of it may not outlast a power cut; it is the caller's to sync.
    pub(super) fn unsynced(&mut self) -> Option<Arc<File>> {
        let journal = self.journal.as_mut().filter(|journal| !journal.is_synced)?;
        journal.is_synced = true;
        Some(Arc::clone(&journal.file))
    }

    /// Begins a generation with `count` records, which `fill` adds. At each moment of it the generation before is there,
    /// whole, or this one.
    ///
    /// # Errors
    /// When it could not be written; the generation before stands then, and can still be appended to.
    pub(super) fn begin(
        &mut self,
        at: Timestamp,
        count: u64,
        fill: impl FnOnce(&mut Snapshot) -> io::Result<()>,
    ) -> io::Result<()> {
        // Somebody may have deleted the directory while the agent runs.
        fs::create_dir_all(&self.directory)?;
        let listed = list(&self.directory)?;
        let generation = listed.keys().next_back().map_or(1, |last| last + 1);
        let unfinished = unfinished_path(&self.directory);
        let new_journal = journal_path(&self.directory, generation);
        // As a kill may have left it.
        _ = fs::remove_file(&unfinished);
        let begun = || -> io::Result<Journal> {
            let file = File::options().append(true).create_new(true).mode(0o600).open(&new_journal)?;
            let out = File::options().write(true).create_new(true).mode(0o600).open(&unfinished)?;
            let mut snapshot =
                Snapshot { out: BufWriter::with_capacity(64 * 1024, out), generation, at, line: Vec::new(), bytes: 0 };
            snapshot.add(Change::Snapshot { version: VERSION, records: count })?;
            fill(&mut snapshot)?;
            let bytes = snapshot.bytes;
            snapshot.out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            fs::rename(&unfinished, snapshot_path(&self.directory, generation))?;
            let longest = SHORT_JOURNAL.max(bytes.saturating_mul(LONG_JOURNAL));
            Ok(Journal { generation, snapshot_bytes: bytes, file: Arc::new(file), bytes: 0, is_synced: true, longest })
        };
        match begun() {
            Ok(journal) => self.journal = Some(journal),
            Err(error) => {
                _ = fs::remove_file(&unfinished);
                _ = fs::remove_file(&new_journal);
                return Err(error);
            }
        }
        // Before the generation before the last one goes.
        File::open(&self.directory)?.sync_all()?;
        let is_complete = |files: &Files| files.snapshot;
        let before =
            listed.iter().rev().find(|(_, files)| is_complete(files)).map_or(generation, |(number, _)| *number);
        for number in listed.keys().filter(|number| **number < before) {
            // What cannot be removed is tried again with the next generation, and read by nobody.
            _ = fs::remove_file(snapshot_path(&self.directory, *number));
            _ = fs::remove_file(journal_path(&self.directory, *number));
        }
        version_one::files(&self.directory).iter().for_each(|file| _ = fs::remove_file(file));
        Ok(())
    }
    #[cfg(test)]
    pub(super) fn is_unsynced(&self) -> bool {
        self.journal.as_ref().is_some_and(|journal| !journal.is_synced)
    }

    /// From now on there is no room on the disk for what is appended.
    #[cfg(test)]
    pub(super) fn fill_the_disk(&mut self) {
        let full = File::options().write(true).open("/dev/full");
        if let (Some(journal), Ok(full)) = (&mut self.journal, full) {
            journal.file = Arc::new(full);
        }
    }
}
