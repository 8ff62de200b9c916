//! When the statistics lines are written, and what they are made of.

use std::sync::{Arc, PoisonError};

use super::Stages;
use crate::config::plan::StatisticsPlan;
use crate::monitors::runner::MonitorHandle;
use crate::statistics::{Figures, ProcessUsage, Statistics};
use crate::status::Snapshot;
use crate::upload::{Session, SessionSnapshot};

impl Stages {
    /// Writes the statistics lines that are due; looked after with every tick.
    pub(super) fn tell_statistics(&self) {
        let now = self.clock.monotonic();
        let plan = self.statistics_plan();
        if !self.statistics(|statistics| statistics.is_due(now, &plan)) {
            return;
        }
        let sessions: Vec<SessionSnapshot> =
            self.lock().sessions.iter().map(|(_, session)| session.snapshot()).collect();
        let leaving = self.handovers.snapshots();
        let is_line_due = self.statistics(|statistics| {
            statistics.note_sessions(now, sessions.iter().chain(&leaving));
            statistics.is_line_due(now, &plan)
        });
        if is_line_due {
            let snapshot = self.snapshot();
            self.statistics(|statistics| statistics.tell(now, &plan, || snapshot, ProcessUsage::now, &self.logger));
        }
    }

    /// Writes the last line, when everything has ended.
    pub(super) fn tell_last_statistics(&self, sessions: &[Arc<Session>], monitors: &[Arc<MonitorHandle>]) {
        let plan = self.statistics_plan();
        let snapshot = Snapshot {
            sessions: sessions.iter().map(|session| session.snapshot()).collect(),
            monitors: monitors.iter().map(|monitor| monitor.snapshot()).collect(),
            ..self.snapshot()
        };
        let now = self.clock.monotonic();
        self.statistics(|statistics| {
            statistics.note_sessions(now, snapshot.sessions.iter());
            statistics.tell_last(&plan, &snapshot, &ProcessUsage::now(), &self.logger);
        });
    }

    /// What all sessions have done since the start, when those that there are stand like this.
    pub(super) fn upload_sums<'a>(&self, sessions: impl Iterator<Item = &'a SessionSnapshot>) -> Figures {
        self.statistics(|statistics| statistics.sum_with(sessions))
    }

    /// The innermost lock: a snapshot takes it while it holds that of what runs, so `work` takes no other one.
    fn statistics<T>(&self, work: impl FnOnce(&mut Statistics) -> T) -> T {
        work(&mut self.statistics.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn statistics_plan(&self) -> StatisticsPlan {
        self.lock().plan.as_ref().map(|plan| plan.statistics).unwrap_or_default()
    }
}
