//! What the rules of entries could not do to lines, until it is told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::logs::RuleCounts;

/// What the rules of one entry could not do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleNote {
    /// Lines that a rule failed at.
    pub failed: u64,
    /// Lines that were not in the format which the entry says.
    pub unparsed: u64,
    /// The file of the last of them.
    pub last: PathBuf,
}

impl RuleNote {
    /// Adds what came later.
    pub fn merge(&mut self, later: Self) {
        self.failed += later.failed;
        self.unparsed += later.unparsed;
        self.last = later.last;
    }
}

/// By entry: where it stands in the configuration.
pub type RuleNotesByEntry = BTreeMap<Arc<str>, RuleNote>;

/// Notes of all files; one for each entry at most.
#[derive(Debug, Default)]
pub(super) struct RuleNotes(Mutex<RuleNotesByEntry>);

impl RuleNotes {
    /// Adds what happened to lines of a file.
    pub(super) fn add(&self, entry: &Arc<str>, file: &Path, counts: RuleCounts) {
        if counts.failed + counts.unparsed > 0 {
            let note = RuleNote { failed: counts.failed, unparsed: counts.unparsed, last: file.to_owned() };
            self.lock().entry(Arc::clone(entry)).or_default().merge(note);
        }
    }

    /// What was noted since the last time.
    pub(super) fn take(&self) -> RuleNotesByEntry {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, RuleNotesByEntry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
