//! Which paths are wanted, and as whom; files that monitors register and withdraw.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use glob::Pattern;

use super::super::copying::Copying;
use super::Tail;
use super::follow::List;
use super::seats::Seats;
use crate::config::plan::LogPlan;
use crate::ledger::WorkerId;
use crate::logs::begin::First;
use crate::logs::entries::Entry;
use crate::logs::handle::Withdrawal;
use crate::logs::matcher::{Matcher, is_glob};
use crate::logs::watched::Watched;

impl Tail {
    /// Copies what a monitor registers, or copies it with other settings from now on.
    pub(super) fn register(&mut self, plan: LogPlan) {
        let entry = match Entry::new(&plan) {
            Ok(entry) => entry,
            Err(error) => {
                // Its patterns were checked when it was registered.
                self.parts.logger.error(format_args!("{}: refused: {error}", plan.origin));
                self.troubles.insert(PathBuf::from(&plan.path), format!("{}: {error}", plan.origin));
                return;
            }
        };
        let (matcher, mut entry) = (entry.matcher.clone(), entry);
        let files: Vec<PathBuf> =
            self.find(&mut entry).into_iter().chain(matcher.fixed().map(Path::to_owned)).collect();
        entry.matched = !files.is_empty();
        self.is_reshaped = true;
        let before = self.registered.insert((plan.worker.clone(), plan.path.clone()), entry);
        if before.is_none() {
            self.tell_if_overruled(&plan, &files);
        }
        // What it matches now, and what it matched before it was changed.
        let is_affected = |watched: &Watched| {
            is_of(&plan, &matcher, watched)
                || before.as_ref().is_some_and(|before| is_of(&plan, &before.matcher, watched))
        };
        self.assign(is_affected, Withdrawal::AfterReading);
        for path in files {
            self.watch(path, &plan, First::Start);
        }
    }

    /// Lets go of what was registered so, unless another entry wants it.
    pub(super) fn withdraw(&mut self, key: &(WorkerId, String), how: Withdrawal) {
        let Some(Entry { plan, matcher, .. }) = self.registered.remove(key) else { return };
        if how == Withdrawal::AfterReading {
            // Files that came since the last look, and may be gone at the next one, are still caught.
            for path in matcher.files() {
                self.watch(path, &plan, First::Start);
            }
        }
        self.assign(|watched| is_of(&plan, &matcher, watched), how);
        // What was wanted by this one until now, and by no other.
        let is_leaving = |watched: &Watched| watched.is_withdrawn() && is_of(&plan, &matcher, watched);
        let by = Arc::new((plan.origin.clone(), plan.path.clone()));
        let mut leaving = Vec::new();
        for (number, watched) in self.watched.iter_mut().filter(|(_, watched)| is_leaving(watched)) {
            watched.withdrawn_by(&by);
            leaving.push(number);
        }
        leaving.into_iter().for_each(|number| self.look_at(number));
        self.is_reshaped = true;
    }

    /// Lets go at once of what was withdrawn by this origin and path, and is still being read.
    pub(super) fn hasten(&mut self, by: &(String, String)) {
        for (_, watched) in self.watched.iter_mut().filter(|(_, watched)| watched.is_withdrawn_by(by)) {
            watched.withdraw(Withdrawal::AtOnce);
        }
    }

    /// Finds out anew for some of the paths which entry they belong to: they are copied as the first one says that
    /// matches them, move to another worker when only that one wants them, and are let go when there is none.
    pub(super) fn assign(&mut self, which: impl Fn(&Watched) -> bool, otherwise: Withdrawal) {
        let now = self.parts.clock.monotonic();
        let mut all = std::mem::replace(&mut self.watched, Seats::new(now));
        for (number, watched) in all.iter_mut().filter(|(_, watched)| which(watched)) {
            self.schedule.hasten(number, now);
            let target = watched.stay();
            if let Some(to) = target {
                self.known.remove(&(to, watched.path.clone()));
            }
            if let Some(plan) = self.wanted_by(&watched.worker, &watched.path) {
                watched.reinstate(Copying::of(&watched.path, plan));
            } else if let Some(plan) = self.wanted_elsewhere(&watched.path) {
                let (copying, to) = (Copying::of(&watched.path, plan), plan.worker.clone());
                watched.reinstate(copying);
                // Nobody else begins there meanwhile.
                self.known.insert((to.clone(), watched.path.clone()));
                watched.move_to(to);
                self.moving.insert(number);
            } else if !watched.is_withdrawn() {
                // One that is being let go already is not let go in another way.
                watched.withdraw(otherwise);
            }
            if watched.is_withdrawn() {
                self.leaving.insert(number);
            }
        }
        self.watched = all;
    }

    /// The entry that says how a path is copied: the first of the configuration, before metric logs and those that
    /// monitors registered; before all of them one that a monitor made of an entry.
    pub(super) fn wanted_by(&self, worker: &WorkerId, path: &Path) -> Option<&LogPlan> {
        let matches = |entry: &&Entry| entry.plan.worker == *worker && entry.matcher.matches(path);
        let of = |list: List| Some(self.list(list).at(self.list(list).wanting(worker, path)?));
        let exact = || self.registered_as(worker, path).filter(matches);
        let globs = || self.registered.values().filter(|entry| entry.matcher.is_glob()).find(matches);
        let first = || exact().filter(|entry| entry.plan.goes_first);
        let entry =
            first().or_else(|| of(List::Entries)).or_else(|| of(List::MetricLogs)).or_else(exact).or_else(globs)?;
        Some(&entry.plan)
    }

    /// What was registered by this path: as it is, or escaped, when its letters would make it a pattern.
    pub(super) fn registered_as(&self, worker: &WorkerId, path: &Path) -> Option<&Entry> {
        let path = path.to_str()?;
        let named = |name: String| self.registered.get(&(worker.clone(), name));
        named(path.to_owned()).or_else(|| is_glob(path).then(|| named(Pattern::escape(path)))?)
    }

    /// The entry that wants a path for a worker which does not copy it yet.
    fn wanted_elsewhere(&self, path: &Path) -> Option<&LogPlan> {
        let of = |list: List| {
            let list = self.list(list);
            Some(list.at(list.wanting_for(path, |worker| self.is_free(worker, path))?))
        };
        Some(&of(List::Entries).or_else(|| of(List::MetricLogs))?.plan)
    }

    /// Says so, once, when files that a monitor has just registered are copied as an entry says.
    fn tell_if_overruled(&mut self, plan: &LogPlan, files: &[PathBuf]) {
        let overruled = files.iter().find_map(|path| {
            let by = self.wanted_by(&plan.worker, path)?;
            (by.origin != plan.origin && by.attributes != plan.attributes).then(|| (path, by.origin.clone()))
        });
        let Some((path, by)) = overruled else { return };
        if self.overruled.insert((plan.origin.clone(), by.clone())) {
            self.parts.logger.warn(format_args!(
                "{}: {} is copied as {by} says; what the monitor says about it, and about others like it, is not used",
                plan.origin,
                path.display()
            ));
        }
    }
}

fn is_of(plan: &LogPlan, matcher: &Matcher, watched: &Watched) -> bool {
    plan.worker == watched.worker && matcher.matches(&watched.path)
}
