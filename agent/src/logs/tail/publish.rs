//! What `status` shows of the stage.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

use super::Tail;
use crate::logs::handle::TailSnapshot;

/// How many troubles `status` lists at most.
const TROUBLES: usize = 1000;
/// While something happens, it is published so often.
const PAUSE: Duration = Duration::from_millis(500);

impl Tail {
    /// Publishes what has changed, if it is time to.
    pub(super) fn publish_when_due(&mut self) {
        let now = self.parts.clock.monotonic();
        if self.is_news && now >= self.next_snapshot {
            self.next_snapshot = now + PAUSE;
            self.publish();
        }
    }

    /// The entries that no file was ever found for.
    fn unmatched(&self) -> BTreeMap<String, String> {
        let there = self.watched.iter().filter(|(_, watched)| !watched.is_empty());
        let there: HashSet<&Path> = there.map(|(_, watched)| watched.path.as_path()).collect();
        let is_there = |path: &Path| there.contains(path);
        let entries = self.entries.iter().chain(self.metric_logs.iter()).chain(self.registered.values());
        let entries = entries.filter(|entry| !entry.matched && !entry.matcher.fixed().is_some_and(is_there));
        entries.take(TROUBLES).map(|entry| (entry.plan.path.clone(), entry.plan.origin.clone())).collect()
    }

    /// Publishes how the stage stands now.
    pub(super) fn publish(&mut self) {
        self.is_news = false;
        if std::mem::take(&mut self.is_reshaped) {
            self.unmatched = self.unmatched();
        }
        let mut troubles = self.troubles.clone();
        for watched in self.troubled.iter().filter_map(|&number| Some(&self.watched.at(number)?.watched)) {
            if let Some(trouble) = watched.trouble()
                && troubles.len() < TROUBLES
            {
                troubles.insert(watched.path.clone(), trouble.to_owned());
            }
        }
        let moving = self.moving.iter().filter_map(|&number| Some(self.watched.at(number)?.watched.session()));
        *self.snapshot.lock().unwrap_or_else(PoisonError::into_inner) = TailSnapshot {
            watched_paths: self.watched.len(),
            open_files: self.followed.open(),
            max_open_files: self.followed.limit(),
            troubles,
            unmatched: self.unmatched.clone(),
            waiting_for: self.schedule.parked.keys().cloned().collect(),
            moving_from: moving.collect(),
            notices: self.notices.snapshot(),
            looks: self.looks,
            busy_seconds: self.busy.as_secs_f64(),
            last_round: None,
            round_seconds: None,
            broken: None,
        };
    }
}
