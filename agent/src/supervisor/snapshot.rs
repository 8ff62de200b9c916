//! How everything stands: what `status` shows.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use scalyr_monitor::Timestamp;

use super::Stages;
use crate::config::plan::{LogPlan, Plan};
use crate::logs::is_glob;
use crate::monitors::state::Phase;
use crate::statistics::ProcessUsage;
use crate::status::listener::Detail;
use crate::status::{self, AgentLogSnapshot, Files, Health, LogSnapshot, Snapshot};
use crate::upload::MemoryBound;

impl Stages {
    pub(super) fn snapshot(&self) -> Snapshot {
        self.snapshot_with(Detail::Whole)
    }

    /// With single files, or without them and their sums: health is judged by what the watch over lags last found, and a
    /// probe must not cost more for each file.
    pub(super) fn snapshot_with(&self, detail: Detail) -> Snapshot {
        let began = self.clock.monotonic();
        let ((config_problems, refused_values, configuration), refused_entries) = {
            let configuration = self.configuration();
            (configuration.snapshot(), configuration.refused_monitors())
        };
        let running = self.lock();
        let Files { open: files, closed: closed_files, totals, lag } = match detail {
            Detail::Whole => status::files(&self.ledger, &self.clock),
            Detail::Health => Files::default(),
        };
        let (plan, followed) = (running.plan.as_ref(), files.len());
        let path = |of: fn(&Plan) -> &Path| plan.map(|plan| of(plan).to_owned()).unwrap_or_default();
        let mut monitors: Vec<_> = running.monitors.iter().map(|monitor| monitor.snapshot()).collect();
        monitors.extend(self.added.snapshots());
        let count = |wanted: fn(Phase) -> bool| monitors.iter().filter(|monitor| wanted(monitor.state)).count();
        let host = plan.and_then(|plan| plan.server_attributes.get("serverHost")?.as_str().map(str::to_owned));
        let sessions: Vec<_> = running.sessions.iter().map(|(_, session)| session.snapshot()).collect();
        let leaving_sessions = self.handovers.snapshots();
        let first = plan.and_then(|plan| plan.sessions.first());
        let logs = plan.map(|plan| plan.logs.iter().map(shown).collect()).unwrap_or_default();
        // It does not change while the process runs.
        let environment = plan.zip(first).map(|(plan, session)| {
            let read = || status::environment(plan.added_entries.environment(), Some(&session.hidden));
            self.environment.get_or_init(read).clone()
        });
        let snapshot = Snapshot {
            environment: environment.unwrap_or_default(),
            server: first.map(|session| session.server.clone()).unwrap_or_default(),
            compression: first.map(|session| session.compression.name().to_owned()).unwrap_or_default(),
            compression_level: first.map_or(0, |session| session.compression.level()),
            average_seconds: self.snapshots_took.average(),
            usage: ProcessUsage::now(),
            uploads: self.upload_sums(sessions.iter().chain(&leaving_sessions)),
            logs,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started: seconds(self.started),
            now: seconds(self.clock.now()),
            config_file: configuration.file.clone(),
            user: self.user.clone(),
            healthy_within: plan.map_or(0.0, |plan| plan.healthy_within.as_secs_f64()),
            healthy: true,
            health: Health::Good,
            failures: Vec::new(),
            troubles: Vec::new(),
            config_problems,
            refused_values,
            configuration,
            log_path: path(|plan| &plan.log_path),
            data_path: path(|plan| &plan.data_path),
            server_host: host.unwrap_or_default(),
            sessions,
            leaving_sessions,
            running_monitors: count(|state| state == Phase::Running),
            dead_monitors: count(Phase::is_dead),
            monitors,
            refused: running.refused.clone(),
            refused_entries,
            files,
            closed_files,
            totals,
            memory_bound: plan.map(|plan| MemoryBound::of(plan, followed)).unwrap_or_default(),
            lag,
            behind: self.lag.snapshot(),
            tail: self.tail.look(self.clock.monotonic()),
            checkpoint: self.checkpoint.snapshot(),
            agent_log: AgentLogSnapshot {
                skipped_lines: self.agent_log.skipped_lines(),
                skipped_by_component: self.agent_log.skipped_by_component(),
                lost_lines: self.agent_log.lost_lines(),
                removed_unsettled_bytes: self.agent_log.removed_unsettled(),
            },
            status_listen: self.listener.snapshot(),
        }
        .judged();
        drop(running);
        if detail == Detail::Whole {
            self.snapshots_took.add(self.clock.monotonic().saturating_duration_since(began));
        }
        snapshot
    }
}

fn shown(plan: &LogPlan) -> LogSnapshot {
    let LogPlan { origin, path, worker, .. } = plan;
    let is_glob = is_glob(path);
    LogSnapshot { entry: origin.clone(), path: path.clone(), is_glob, worker: worker.clone() }
}

/// How long snapshots took so far.
#[derive(Default)]
pub(super) struct Took(Mutex<(u32, Duration)>);

impl Took {
    fn add(&self, time: Duration) {
        let mut sum = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *sum = (sum.0.saturating_add(1), sum.1.saturating_add(time));
    }

    /// In seconds; none before the first one.
    fn average(&self) -> Option<f64> {
        let (count, sum) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (count > 0).then(|| sum.as_secs_f64() / f64::from(count))
    }
}

pub(super) fn seconds(time: Timestamp) -> f64 {
    time.as_nanos() as f64 / 1e9
}
