//! Following a list of entries, at the start and at every reload: what stays, what comes, what goes, and what moves to
//! another worker.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use scalyr_monitor::Level;

use super::seats::Queue;
use super::{Tail, surroundings};
use crate::config::plan::{LogPlan, SessionId, TailPlan};
use crate::ledger::WorkerId;
use crate::logs::begin::First;
use crate::logs::entries::Entries;
use crate::logs::follower::Rewound;
use crate::logs::handle::Withdrawal;
use crate::order;

/// Which of the two lists.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    /// The entries of the configuration.
    Entries,
    /// The metric logs that none of these matches.
    MetricLogs,
}

impl Tail {
    /// Copies what these entries of the configuration say, and reads as `plan` says.
    pub(super) fn follow_entries(&mut self, plan: TailPlan, logs: Vec<LogPlan>) {
        // What has come since the last walk belongs to the entries as they were: it is new, not one that was there when
        // an entry was added.
        self.walk_all();
        self.parts.plan = plan;
        self.troubles.clear();
        self.follow(List::Entries, logs);
    }

    /// Copies these metric logs.
    pub(super) fn follow_metric_logs(&mut self, logs: Vec<LogPlan>) {
        self.follow(List::MetricLogs, logs);
    }

    /// Files that are there now and that no entry wanted before begin at their end (or as the entry says), later ones at
    /// their first byte. Those that were wanted go on where they are, as their first entry says now.
    fn follow(&mut self, list: List, logs: Vec<LogPlan>) {
        let changes = self.list_mut(list).follow(logs);
        for (plan, why) in changes.refused {
            self.parts.logger.error(format_args!("{}: refused: {why}", plan.origin));
            self.troubles.insert(PathBuf::from(&plan.path), format!("{}: {why}", plan.origin));
        }
        let other = if list == List::Entries { &self.metric_logs } else { &self.entries };
        for plan in changes.removed.iter().filter(|plan| !other.has(plan)) {
            self.parts.checkpoint.drop_entry(plan);
        }
        let firsts = changes.added.into_iter().map(|place| (place, self.first_of(list, place)));
        let added: BTreeMap<usize, First> = order::tree(firsts);
        self.assign(|_| true, Withdrawal::AfterReading);
        self.take_up_earlier(list, &added);
        for (place, first) in added {
            self.find_files(list, place, first);
        }
        self.look_at_all();
        self.is_reshaped = true;
    }

    /// Where files begin that the added entry at `place` finds now.
    fn first_of(&self, list: List, place: usize) -> First {
        let plan = &self.list(list).at(place).plan;
        // What has no position although the run before had the entry has come since: it is copied whole.
        let is_new = self.parts.checkpoint.note_entry(plan);
        match (plan.copy_from_start, is_new) {
            (true, _) => First::Start,
            (false, true) => First::End,
            (false, false) => First::StartIfNew,
        }
    }

    /// Before any other file, those that have a position, under whatever name they are now, so that none of them is
    /// taken for a new one under its new name. A position of a worker that does not want the file any more is taken over
    /// by the one that does.
    fn take_up_earlier(&mut self, list: List, added: &BTreeMap<usize, First>) {
        if added.is_empty() {
            return;
        }
        let mut left = self.parts.checkpoint.earlier_paths();
        order::by(&mut left, Ord::cmp);
        for (worker, path) in left {
            let is_added = |place: &usize| added.contains_key(place);
            if let Some(place) = self.list(list).wanting(&worker, &path).filter(is_added) {
                let plan = self.list(list).at(place).plan.clone();
                self.enter(path, &plan, added[&place]);
                continue;
            }
            if self.wanted_by(&worker, &path).is_some() || self.known.contains(&(worker.clone(), path.clone())) {
                continue;
            }
            let is_free = |to: &WorkerId| self.is_free(to, &path);
            if let Some(place) = self.list(list).wanting_for(&path, is_free).filter(is_added) {
                let plan = self.list(list).at(place).plan.clone();
                self.parts.checkpoint.move_positions(&worker, &plan.worker, &path);
                self.parts.logger.info(format_args!(
                    "{}: was copied for worker {worker} and goes on from there for worker {}",
                    path.display(),
                    plan.worker
                ));
                self.enter(path, &plan, added[&place]);
            }
        }
    }

    /// Whether a worker neither copies this path nor has a position of it.
    pub(super) fn is_free(&self, worker: &WorkerId, path: &Path) -> bool {
        !self.known.contains(&(worker.clone(), path.to_owned()))
            && self.parts.checkpoint.earlier(worker, path).is_empty()
    }

    /// Watches what an added entry matches now.
    fn find_files(&mut self, list: List, place: usize, first: First) {
        let mut entries = std::mem::take(self.list_mut(list));
        let entry = entries.at_mut(place);
        let files = self.find(entry);
        let (plan, matched) = (entry.plan.clone(), !files.is_empty());
        let fixed = entry.matcher.fixed().map(Path::to_owned);
        *self.list_mut(list) = entries;
        if !matched {
            let LogPlan { origin, path, .. } = &plan;
            // The agent's own files come by themselves.
            let own = self.parts.own_log.0.parent().is_some_and(|own| Path::new(path).starts_with(own));
            let level = if own { Level::Debug1 } else { Level::Info };
            self.parts.logger.at(level, format_args!("{origin}: no file matches {path} yet; it is waited for"));
        }
        for path in files.into_iter().chain(fixed) {
            self.watch(path, &plan, first);
        }
    }

    /// Takes back what was handed on to a session and is not settled.
    pub(super) fn rewind(&mut self, session: &SessionId) -> Rewound {
        let mut all = Rewound::default();
        for (_, watched) in self.watched.iter_mut().filter(|(_, watched)| watched.is_of(session)) {
            let rewound = watched.rewind();
            if rewound.lost > 0 {
                self.parts.logger.warn(format_args!(
                    "{}: {} bytes that were read cannot be read again, because the file was truncated since; they are \
                     lost",
                    watched.path.display(),
                    rewound.lost
                ));
            }
            all.merge(rewound);
        }
        self.look_soon(|watched| watched.is_of(session));
        all
    }

    /// Moves files to the worker that wants them now, or the session that they belong to now, once what was handed on for
    /// the one before is settled.
    pub(super) fn move_settled(&mut self) {
        if self.moving.is_empty() {
            return;
        }
        self.change_sessions();
        let around = surroundings(&self.parts, &self.followed);
        // First those that own a file, so that those which know it under another name find it with its new worker.
        let mut waiting = HashSet::new();
        for owners in [true, false] {
            for &number in &self.moving {
                let Some(seat) = self.watched.at_mut(number) else { continue };
                let watched = &mut seat.watched;
                if !watched.is_moving() || watched.is_alias() == owners {
                    continue;
                }
                if watched.owner_of_alias(&around).is_some_and(|owner| waiting.contains(&owner)) {
                    continue;
                }
                let session = watched.session();
                match watched.move_if_settled(&around) {
                    Some(before) => {
                        let (place, session_now) = self.rounds.seat(&watched.worker);
                        watched.sit_at(place, session_now);
                        if seat.queue == Queue::Parked {
                            // It does not wait for the session that it has left.
                            seat.queue = Queue::None;
                            self.schedule.unpark(&session, number);
                        }
                        self.known.remove(&(before, watched.path.clone()));
                        self.schedule.hasten(number, around.now);
                    }
                    None => _ = waiting.insert(watched.path.clone()),
                }
            }
        }
        let mut moving = std::mem::take(&mut self.moving);
        moving.retain(|&number| {
            let is_moving = self.watched.at(number).is_some_and(|seat| seat.watched.is_moving());
            is_moving || self.is_changing_session(number)
        });
        self.moving = moving;
        self.is_news = true;
    }

    pub(super) fn list(&self, list: List) -> &Entries {
        match list {
            List::Entries => &self.entries,
            List::MetricLogs => &self.metric_logs,
        }
    }

    fn list_mut(&mut self, list: List) -> &mut Entries {
        match list {
            List::Entries => &mut self.entries,
            List::MetricLogs => &mut self.metric_logs,
        }
    }
}
