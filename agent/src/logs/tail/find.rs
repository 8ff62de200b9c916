//! Finding files: what notices tell, and walking globs where they tell of a directory, or do not tell enough.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Tail;
use crate::config::plan::LogPlan;
use crate::logs::begin::First;
use crate::logs::entries::Entry;
use crate::logs::matcher::MOST_WALKED;
use crate::logs::notices::Noticed;

/// Globs whose directories do not tell of new files are walked this often, unless walking them takes long.
const POLLED: Duration = Duration::from_millis(500);
/// Between two walks that notices ask for, unless walking takes long.
const PAUSE: Duration = Duration::from_millis(50);
/// Walking globs takes at most a twentieth of the thread's time.
const SHARE: u32 = 20;
/// So many directories are remembered until globs are walked; beyond that all globs are.
const MOST_DIRECTORIES: usize = 256;

/// When globs are walked, and which.
#[derive(Debug)]
pub(super) struct Walks {
    /// All of them, whatever notices say.
    all: Instant,
    /// Those whose directories do not tell of new files.
    polled: Instant,
    /// Whether there are such globs.
    is_polling: bool,
    /// No walk before.
    not_before: Instant,
    /// In these directories others came or went; walked are the globs that reach there.
    directories: BTreeSet<PathBuf>,
}

impl Walks {
    /// All at once.
    pub(super) fn new(now: Instant) -> Self {
        Self { all: now, polled: now, is_polling: false, not_before: now, directories: BTreeSet::new() }
    }

    /// When the next one is due.
    pub(super) fn next(&self) -> Instant {
        let noticed = if self.directories.is_empty() { self.all } else { self.not_before };
        let polled = if self.is_polling { self.polled } else { self.all };
        noticed.min(polled).min(self.all).max(self.not_before)
    }

    fn add(&mut self, directories: impl IntoIterator<Item = PathBuf>, now: Instant) {
        self.directories.extend(directories);
        if self.directories.len() > MOST_DIRECTORIES {
            self.all = now;
        }
    }
}

/// Which globs are walked.
enum Which {
    All,
    Reaching(BTreeSet<PathBuf>),
    Polled,
}

impl Tail {
    /// Does what the notices that have come, and directories that have changed, ask for.
    pub(super) fn notice(&mut self) {
        let now = self.parts.clock.monotonic();
        let noticed = self.notices.take();
        self.follow_notices(noticed, now);
        let noticed = self.notices.compare_some(now);
        if !noticed.is_empty() {
            self.follow_notices(noticed, now);
        }
    }

    fn follow_notices(&mut self, noticed: Noticed, now: Instant) {
        if noticed.everything {
            self.parts.logger.debug(format_args!("Notices were lost; everything is looked at"));
            self.walks.all = now;
            let numbers: Vec<usize> = self.watched.iter().map(|(number, _)| number).collect();
            numbers.into_iter().for_each(|number| self.look_after_notice(number, true, now));
        }
        for (number, is_replaced) in noticed.looks {
            self.look_after_notice(number, is_replaced, now);
        }
        for path in noticed.appeared {
            self.watch_appeared(path, now);
        }
        self.walks.add(noticed.directories, now);
    }

    fn look_after_notice(&mut self, number: usize, is_replaced: bool, now: Instant) {
        let Some(seat) = self.watched.at_mut(number) else { return };
        seat.is_replaced |= is_replaced;
        self.schedule.hasten(number, seat.noticed_look(now));
    }

    /// A file that has come into a directory that globs look into.
    fn watch_appeared(&mut self, path: PathBuf, now: Instant) {
        let entries = self.entries.iter().chain(self.metric_logs.iter()).chain(self.registered.values());
        let globs = entries.filter(|entry| entry.matcher.is_glob());
        let wanting: Vec<LogPlan> =
            globs.filter(|entry| entry.matcher.matches(&path)).map(|entry| entry.plan.clone()).collect();
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => {
                for plan in &wanting {
                    self.note_match(plan);
                    self.watch(path.clone(), plan, First::Start);
                }
            }
            // A link to a directory.
            Ok(metadata) if metadata.is_dir() => self.walks.add([path], now),
            Ok(_) | Err(_) => {}
        }
    }

    fn note_match(&mut self, plan: &LogPlan) {
        let entries = self.entries.iter_mut().chain(self.metric_logs.iter_mut()).chain(self.registered.values_mut());
        for entry in entries.filter(|entry| !entry.matched && entry.plan == *plan) {
            entry.matched = true;
            self.is_reshaped = true;
        }
    }

    /// Walks the globs for files that are new, if it is time to.
    pub(super) fn walk_when_due(&mut self) {
        let began = self.parts.clock.monotonic();
        if began < self.walks.next() {
            return;
        }
        let directories = std::mem::take(&mut self.walks.directories);
        if began >= self.walks.all {
            self.walk_all();
        } else if !directories.is_empty() {
            self.walk(&Which::Reaching(directories));
        }
        if self.walks.is_polling && began >= self.walks.polled {
            self.walk(&Which::Polled);
        }
        let ended = self.parts.clock.monotonic();
        let longest = self.parts.plan.max_new_log_detection_time;
        let pause = ((ended - began) * SHARE).min(longest);
        self.walks.not_before = ended + PAUSE.max(pause).min(longest);
        if began >= self.walks.all {
            self.walks.all = ended + longest.max(POLLED);
        }
        if began >= self.walks.polled {
            self.walks.polled = ended + POLLED.max(pause).min(longest);
        }
    }

    /// Walks all globs, and forgets directories that none of them reaches any more.
    pub(super) fn walk_all(&mut self) {
        self.notices.begin_walk();
        self.walk(&Which::All);
        self.notices.end_walk();
    }

    fn walk(&mut self, which: &Which) {
        let mut entries = std::mem::take(&mut self.entries);
        let mut metric_logs = std::mem::take(&mut self.metric_logs);
        let mut registered = std::mem::take(&mut self.registered);
        let all = entries.iter_mut().chain(metric_logs.iter_mut()).chain(registered.values_mut());
        for entry in all.filter(|entry| entry.matcher.is_glob()) {
            let is_wanted = match which {
                Which::All => true,
                Which::Polled => !entry.is_noticed,
                Which::Reaching(directories) => directories.iter().any(|path| entry.matcher.reaches(path)),
            };
            if is_wanted {
                for path in self.find(entry) {
                    self.watch(path, &entry.plan, First::Start);
                }
            }
        }
        let all = entries.iter().chain(metric_logs.iter()).chain(registered.values());
        self.walks.is_polling = all.filter(|entry| entry.matcher.is_glob()).any(|entry| !entry.is_noticed);
        (self.entries, self.metric_logs, self.registered) = (entries, metric_logs, registered);
    }

    /// The files that an entry matches now.
    pub(super) fn find(&mut self, entry: &mut Entry) -> Vec<PathBuf> {
        let mut is_noticed = true;
        let mut visit = |directory: &Path| is_noticed &= self.notices.visit(directory);
        let (files, is_complete) = entry.matcher.files_visiting(&mut visit);
        entry.is_noticed = is_noticed;
        self.walks.is_polling |= !is_noticed;
        if !is_complete {
            self.tell_of_too_many(entry);
        }
        if !files.is_empty() && !std::mem::replace(&mut entry.matched, true) {
            self.is_reshaped = true;
        }
        files
    }

    /// Says so when a glob reaches into more directories than are walked.
    fn tell_of_too_many(&mut self, entry: &Entry) {
        let LogPlan { origin, path, .. } = &entry.plan;
        let trouble = format!(
            "{origin}: {path} reaches into more than {MOST_WALKED} directories; files in the others are not copied (name \
             the directories more closely, and beware of symbolic links that lead back)"
        );
        if self.troubles.insert(PathBuf::from(path), trouble.clone()).is_none() {
            self.parts.logger.error(format_args!("{trouble}"));
        }
    }
}
