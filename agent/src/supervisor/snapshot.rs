//! How everything stands: what `status` shows.

use std::path::Path;

use scalyr_monitor::Timestamp;

use super::Stages;
use crate::config::plan::Plan;
use crate::monitors::state::Phase;
use crate::status::{self, AgentLogSnapshot, Files, Health, Snapshot};
use crate::upload::MemoryBound;

impl Stages {
    pub(super) fn snapshot(&self) -> Snapshot {
        let (config_problems, refused_values, configuration) = self.configuration().snapshot();
        let running = self.lock();
        let Files { open: files, closed: closed_files, totals, lag } = status::files(&self.ledger, &self.clock);
        let (plan, followed) = (running.plan.as_ref(), files.len());
        let path = |of: fn(&Plan) -> &Path| plan.map(|plan| of(plan).to_owned()).unwrap_or_default();
        let mut monitors: Vec<_> = running.monitors.iter().map(|monitor| monitor.snapshot()).collect();
        monitors.extend(self.added.snapshots());
        let count = |wanted: fn(Phase) -> bool| monitors.iter().filter(|monitor| wanted(monitor.state)).count();
        let host = plan.and_then(|plan| plan.server_attributes.get("serverHost")?.as_str().map(str::to_owned));
        Snapshot {
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
            sessions: running.sessions.iter().map(|(_, session)| session.snapshot()).collect(),
            leaving_sessions: self.handovers.snapshots(),
            running_monitors: count(|state| state == Phase::Running),
            dead_monitors: count(Phase::is_dead),
            monitors,
            refused: running.refused.clone(),
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
        }
        .judged()
    }
}

pub(super) fn seconds(time: Timestamp) -> f64 {
    time.as_nanos() as f64 / 1e9
}
