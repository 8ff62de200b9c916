//! The positions files of `agent_data_path`, and what the run before has left in them.
//!
//! A generation is a snapshot (`positions.7.snapshot`) and the journal of what became of it
//! (`positions.7.journal`); the one before is kept until there is a next one. A slot keeps its number for as long as it
//! has a position, over generations and runs, so where a snapshot is damaged, the generation before with all journals
//! behind it comes to the same.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use scalyr_monitor::{Logger, Timestamp};

use super::earlier::Kept;
use super::lines::Contents;
use super::record::{Change, EntryKey, Record};
use super::version_one;
use crate::logs::unseen;

/// What the names of the positions files in `agent_data_path` begin with.
pub const FILE_PREFIX: &str = "positions.";
/// A file larger than this was not written by us.
pub(super) const MAX_BYTES: u64 = 256 * 1024 * 1024;
/// A number larger than this was not given by us.
const MAX_GENERATION: u64 = 1_000_000_000_000_000;
/// There are two, and for a moment three; more are not looked at.
const MAX_GENERATIONS: usize = 8;

/// What the run before has left.
#[derive(Debug)]
pub(super) struct Left {
    /// When it wrote that.
    pub(super) saved: Option<Timestamp>,
    pub(super) entries: HashSet<EntryKey>,
    /// What stands later counts more, should two positions be of one file.
    pub(super) positions: Vec<Kept>,
    pub(super) next_slot: u64,
    /// Whether positions may be missing: a file without one may have had one.
    pub(super) is_damaged: bool,
}

impl Left {
    /// Nothing of it can be read.
    pub(super) fn lost() -> Self {
        Self { is_damaged: true, ..Self::default() }
    }
}

impl Default for Left {
    fn default() -> Self {
        Self { saved: None, entries: HashSet::new(), positions: Vec::new(), next_slot: 1, is_damaged: false }
    }
}

/// Which files of a generation there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Files {
    pub(super) snapshot: bool,
    pub(super) journal: bool,
}

pub(super) fn snapshot_path(directory: &Path, generation: u64) -> PathBuf {
    directory.join(format!("{FILE_PREFIX}{generation}.snapshot"))
}

pub(super) fn journal_path(directory: &Path, generation: u64) -> PathBuf {
    directory.join(format!("{FILE_PREFIX}{generation}.journal"))
}

/// A snapshot that is being written.
pub(super) fn unfinished_path(directory: &Path) -> PathBuf {
    directory.join(format!("{FILE_PREFIX}new"))
}

/// The generations in a directory.
///
/// # Errors
/// When it cannot be read.
pub(super) fn list(directory: &Path) -> io::Result<BTreeMap<u64, Files>> {
    let mut generations: BTreeMap<u64, Files> = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let parts = name.to_str().and_then(|name| name.strip_prefix(FILE_PREFIX)?.split_once('.'));
        let Some((number, kind)) = parts else { continue };
        let is_ours = |generation: &u64| *generation <= MAX_GENERATION && generation.to_string() == number;
        let Some(generation) = number.parse().ok().filter(is_ours) else { continue };
        match kind {
            "snapshot" => generations.entry(generation).or_default().snapshot = true,
            "journal" => generations.entry(generation).or_default().journal = true,
            _ => {}
        }
    }
    Ok(generations)
}

/// When a positions file was last written to, by the clock of the file system.
pub(super) fn written(directory: &Path) -> Option<Timestamp> {
    let files = fs::read_dir(directory).ok()?.filter_map(Result::ok);
    let ours = files.filter(|file| file.file_name().to_str().is_some_and(|name| name.starts_with(FILE_PREFIX)));
    ours.filter_map(|file| unseen::changed(&file.metadata().ok()?)).max()
}

/// What the run before has left; None when there never was one. Damage is told with a loud line, and whatever it is, the
/// positions are those that were written last, or earlier ones.
pub(super) fn read(directory: &Path, logger: &Logger) -> Option<Left> {
    let listed = match list(directory) {
        Ok(listed) => listed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            logger.error(format_args!(
                "{}: the positions of the last run cannot be looked for: {error}; the agent must be able to read its \
                 data directory (agent_data_path); files are copied from their first byte",
                directory.display()
            ));
            return Some(Left::lost());
        }
    };
    let mut chain = Vec::new();
    for (number, files) in listed.into_iter().rev().take(MAX_GENERATIONS) {
        let generation = Generation::read(directory, number, files);
        if generation.is_unborn() {
            continue;
        }
        let is_whole = generation.snapshot.is_whole_snapshot();
        chain.push(generation);
        if is_whole {
            break;
        }
    }
    if chain.is_empty() {
        return version_one::read(directory, logger);
    }
    let mut folded = Folded::default();
    let mut is_sound = true;
    for generation in chain.into_iter().rev() {
        is_sound &= generation.tell_damage(directory, logger);
        folded.is_behind_damage |= !generation.snapshot.is_whole_snapshot();
        folded.apply(generation.snapshot);
        folded.is_behind_damage |= !generation.files.journal;
        folded.apply(generation.journal);
    }
    if !is_sound {
        folded.tell(directory, logger);
    }
    Some(Left { is_damaged: !is_sound, ..folded.finish() })
}

struct Generation {
    number: u64,
    files: Files,
    snapshot: Contents,
    journal: Contents,
}

impl Generation {
    fn read(directory: &Path, number: u64, files: Files) -> Self {
        let of = |is_there: bool, path: PathBuf| match is_there {
            true => Contents::read(&path, number),
            false => Contents::default(),
        };
        let snapshot = of(files.snapshot, snapshot_path(directory, number));
        let journal = of(files.journal, journal_path(directory, number));
        Self { number, files, snapshot, journal }
    }

    /// Its journal was made, and its snapshot not yet.
    fn is_unborn(&self) -> bool {
        !self.files.snapshot && self.journal.is_sound() && !self.journal.is_torn && self.journal.records.is_empty()
    }

    /// False when there was any.
    fn tell_damage(&self, directory: &Path, logger: &Logger) -> bool {
        let (snapshot, journal) = (snapshot_path(directory, self.number), journal_path(directory, self.number));
        if self.journal.is_torn {
            logger.debug(format_args!("{}: the last record was not written to its end", journal.display()));
        }
        let of_snapshot = match &self.snapshot {
            _ if !self.files.snapshot => Some("is missing".to_owned()),
            snapshot if snapshot.is_whole_snapshot() => None,
            snapshot => Some(snapshot.damage().unwrap_or_else(|| "is not whole".to_owned())),
        };
        let of_journal = if self.files.journal { self.journal.damage() } else { Some("is missing".to_owned()) };
        let all = [(snapshot, of_snapshot), (journal, of_journal)];
        let told = all.iter().filter_map(|(path, damage)| Some((path.display(), damage.as_ref()?)));
        told.map(|(path, damage)| logger.error(format_args!("{path}: {damage}"))).count() == 0
    }
}

impl Contents {
    fn damage(&self) -> Option<String> {
        let records = self.records.len() as u64 + self.damaged;
        let of_records = |(at, _)| {
            format!(
                "{} of {records} records cannot be read, the first one at byte {at}; they are left out",
                self.damaged
            )
        };
        self.trouble.clone().or_else(|| self.first_damage.map(of_records))
    }
}

/// What the records of several files come to, one after the other.
#[derive(Default)]
struct Folded {
    slots: BTreeMap<u64, Kept>,
    entries: HashSet<EntryKey>,
    last_slot: u64,
    /// Up to then nothing is missing.
    saved: Option<Timestamp>,
    /// The last record that could be read is of then.
    last: Option<Timestamp>,
    is_behind_damage: bool,
}

impl Folded {
    fn apply(&mut self, contents: Contents) {
        let damage = contents.first_damage.map(|(_, records)| records);
        for (index, record) in contents.records.into_iter().enumerate() {
            self.is_behind_damage |= damage == Some(index);
            self.apply_record(record);
        }
        self.is_behind_damage |= !(damage.is_none() && contents.trouble.is_none());
    }

    fn apply_record(&mut self, Record { at, change }: Record<'static>) {
        let at = Some(Timestamp::from_nanos(at));
        self.last = at;
        // A file that came later and whose position is missing is then one that nobody has seen: it is copied whole.
        if !self.is_behind_damage || self.saved.is_none() {
            self.saved = at;
        }
        match change {
            Change::Snapshot { .. } => {}
            Change::Put(stored) => {
                let kept = stored.into_kept();
                self.last_slot = self.last_slot.max(kept.slot);
                self.slots.insert(kept.slot, kept);
            }
            Change::Gone(slots) => {
                for slot in slots {
                    self.last_slot = self.last_slot.max(slot);
                    self.slots.remove(&slot);
                }
            }
            Change::Entry(key) => _ = self.entries.insert(key),
            Change::NoEntry(key) => _ = self.entries.remove(&key),
        }
    }

    fn tell(&self, directory: &Path, logger: &Logger) {
        let directory = directory.display();
        let (Some(saved), Some(last)) = (self.saved, self.last) else {
            logger.error(format_args!(
                "{directory}: no position of the last run can be read; files are copied from their first byte"
            ));
            return;
        };
        let seconds = last.as_secs().saturating_sub(saved.as_secs()).max(0);
        logger.error(format_args!(
            "{directory}: the positions of the last run are damaged: those of {saved} are used, and what can be read of \
             the {seconds} s after it; lines that were sent since then may be sent again, and a file whose \
             position is missing is copied from its first byte"
        ));
    }

    fn finish(self) -> Left {
        // What was let go gives way to what was open.
        let (kept, open): (Vec<Kept>, Vec<Kept>) = self.slots.into_values().partition(|kept| kept.until.is_some());
        let positions = [kept, open].concat();
        let next_slot = self.last_slot.saturating_add(1);
        Left { saved: self.saved, entries: self.entries, positions, next_slot, is_damaged: false }
    }
}
