//! An ordered list of log entries, and which of them says how a path is copied.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};

use super::matcher::Matcher;
use crate::config::plan::LogPlan;
use crate::ledger::WorkerId;

/// One entry with its patterns read.
#[derive(Debug)]
pub struct Entry {
    /// What the configuration or a monitor says.
    pub plan: LogPlan,
    /// Which files it means.
    pub matcher: Matcher,
    /// Whether it has ever matched a file.
    pub matched: bool,
    /// Whether all directories that its glob looks into tell of new files, so that they need not be read again and again.
    pub is_noticed: bool,
}

impl Entry {
    /// For a plan that matched nothing yet.
    ///
    /// # Errors
    /// A pattern that is none, with the reason.
    pub fn new(plan: &LogPlan) -> Result<Self, String> {
        Ok(Self { matcher: Matcher::new(plan)?, plan: plan.clone(), matched: false, is_noticed: false })
    }

    fn is_for(&self, worker: &WorkerId, path: &Path) -> bool {
        self.plan.worker == *worker && self.matcher.matches(path)
    }
}

/// What decides which files an entry means, and for whom; with it an entry stays the same entry whatever else changes.
type Key = (WorkerId, String, Vec<String>);

fn key(plan: &LogPlan) -> Key {
    (plan.worker.clone(), plan.path.clone(), plan.exclude.clone())
}

/// Entries in order; the first one that matches a file says how it is copied.
#[derive(Debug, Default)]
pub struct Entries {
    list: Vec<Entry>,
    /// The entries without a glob, by their path.
    fixed: HashMap<PathBuf, Vec<usize>>,
    /// The entries with one.
    globs: Vec<usize>,
}

/// What became of a list that follows another one.
#[derive(Debug, Default)]
pub struct Changes {
    /// The places of entries that were not there before.
    pub added: Vec<usize>,
    /// Entries that are there no more.
    pub removed: Vec<LogPlan>,
    /// Entries that cannot be used, each with the reason.
    pub refused: Vec<(LogPlan, String)>,
}

impl Entries {
    /// Becomes `plans`, in their order. An entry that means the same files for the same worker stays, with what is new
    /// about it.
    pub fn follow(&mut self, plans: Vec<LogPlan>) -> Changes {
        let mut before: HashMap<Key, VecDeque<Entry>> = HashMap::new();
        for entry in std::mem::take(self).list {
            before.entry(key(&entry.plan)).or_default().push_back(entry);
        }
        let (mut changes, mut here) = (Changes::default(), HashSet::new());
        for plan in plans {
            let key = key(&plan);
            let entry = match before.get_mut(&key).and_then(VecDeque::pop_front) {
                Some(entry) => Entry { plan, ..entry },
                None => match Entry::new(&plan) {
                    Ok(entry) => {
                        changes.added.push(self.list.len());
                        entry
                    }
                    Err(why) => {
                        changes.refused.push((plan, why));
                        continue;
                    }
                },
            };
            here.insert(key);
            self.push(entry);
        }
        let gone = before.into_iter().filter(|(key, _)| !here.contains(key));
        changes.removed = gone.filter_map(|(_, mut entries)| entries.pop_front()).map(|entry| entry.plan).collect();
        changes
    }

    fn push(&mut self, entry: Entry) {
        let index = self.list.len();
        match entry.matcher.fixed() {
            Some(path) => self.fixed.entry(path.to_owned()).or_default().push(index),
            None if entry.matcher.is_glob() => self.globs.push(index),
            // Its own path is among those that it leaves out.
            None => {}
        }
        self.list.push(entry);
    }

    /// Whether an entry means the same files for the same worker as `plan`.
    pub fn has(&self, plan: &LogPlan) -> bool {
        let key = key(plan);
        self.list.iter().any(|entry| entry.plan.path == plan.path && self::key(&entry.plan) == key)
    }

    /// The place of the first entry that wants this path for this worker.
    pub fn wanting(&self, worker: &WorkerId, path: &Path) -> Option<usize> {
        self.first(path, |entry| entry.is_for(worker, path))
    }

    /// The place of the first entry that wants this path for a worker that `is_free`.
    pub fn wanting_for(&self, path: &Path, is_free: impl Fn(&WorkerId) -> bool) -> Option<usize> {
        self.first(path, |entry| is_free(&entry.plan.worker) && entry.matcher.matches(path))
    }

    fn first(&self, path: &Path, matches: impl Fn(&Entry) -> bool) -> Option<usize> {
        let first_of = |places: &[usize]| places.iter().copied().find(|&at| matches(&self.list[at]));
        let fixed = self.fixed.get(path).and_then(|places| first_of(places));
        let glob = first_of(&self.globs);
        fixed.into_iter().chain(glob).min()
    }

    /// Whether an entry names this very path.
    pub fn has_fixed(&self, path: &Path) -> bool {
        self.fixed.contains_key(path)
    }

    /// The entry at a place.
    pub fn at(&self, index: usize) -> &Entry {
        &self.list[index]
    }

    /// The entry at a place.
    pub fn at_mut(&mut self, index: usize) -> &mut Entry {
        &mut self.list[index]
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.list.iter()
    }

    /// All of them, in order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.list.iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(origin: usize, path: &str, worker: &str) -> LogPlan {
        LogPlan::new(format!("logs[{origin}]"), path, WorkerId(worker.into()))
    }

    fn origin_of(entries: &Entries, path: &str, worker: &str) -> Option<String> {
        let place = entries.wanting(&WorkerId(worker.into()), Path::new(path))?;
        Some(entries.at(place).plan.origin.clone())
    }

    #[test]
    fn an_entry_that_moves_in_the_list_stays_and_the_first_that_matches_counts() {
        let mut entries = Entries::default();
        let followed = entries.follow(vec![plan(0, "/l/a.log", "w"), plan(1, "/l/*.log", "w")]);
        assert_eq!(followed.added, [0, 1]);
        entries.at_mut(1).matched = true;
        assert_eq!(origin_of(&entries, "/l/a.log", "w").as_deref(), Some("logs[0]"));
        let followed =
            entries.follow(vec![plan(0, "/l/b.log", "v"), plan(1, "/l/*.log", "w"), plan(2, "/l/a.log", "w")]);
        assert_eq!((followed.added, followed.removed.len()), (vec![0], 0));
        assert!(entries.at(1).matched);
        assert_eq!(origin_of(&entries, "/l/a.log", "w").as_deref(), Some("logs[1]"));
        assert_eq!(origin_of(&entries, "/l/b.log", "v").as_deref(), Some("logs[0]"));
        assert_eq!(origin_of(&entries, "/l/a.log", "v"), None);
        let followed = entries.follow(vec![plan(0, "/l/[", "w"), plan(1, "/l/b.log", "v")]);
        assert_eq!((followed.refused.len(), followed.removed.len()), (1, 2));
        assert_eq!(origin_of(&entries, "/l/b.log", "v").as_deref(), Some("logs[1]"));
    }

    #[test]
    fn an_entry_given_twice_is_removed_when_both_are_gone() {
        let mut entries = Entries::default();
        entries.follow(vec![plan(0, "/l/a.log", "w"), plan(1, "/l/a.log", "w")]);
        assert!(entries.follow(vec![plan(0, "/l/a.log", "w")]).removed.is_empty());
        assert_eq!(entries.follow(Vec::new()).removed.len(), 1);
    }
}
