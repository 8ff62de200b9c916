//! What has to change to come from one plan to another. Starting is the difference to no plan at all.

use crate::config::plan::{LogPlan, MonitorPlan, Plan, SessionPlan};

/// What to stop and what to start.
#[derive(Debug, Default)]
pub struct Difference {
    /// Sessions.
    pub sessions: Change<SessionPlan>,
    /// Entries of `logs`, the agent's own log among them.
    pub logs: Change<LogPlan>,
    /// Monitor instances.
    pub monitors: Change<MonitorPlan>,
}

/// What of one kind goes and what comes. Something that changed does both.
#[derive(Debug)]
pub struct Change<T> {
    /// In the old plan only.
    pub removed: Vec<T>,
    /// In the new plan only.
    pub added: Vec<T>,
}

impl<T> Default for Change<T> {
    fn default() -> Self {
        Self { removed: Vec::new(), added: Vec::new() }
    }
}

impl Difference {
    /// From `old` (nothing runs when there is none) to `new`.
    pub fn between(old: Option<&Plan>, new: &Plan) -> Self {
        let old = old.map_or((&[][..], &[][..], &[][..]), |old| (&old.sessions, &old.logs, &old.monitors));
        Self {
            sessions: change(old.0, &new.sessions, |a, b| a == b),
            logs: change(old.1, &new.logs, |a, b| a == b),
            monitors: change(old.2, &new.monitors, same_monitor),
        }
    }
}

fn change<T: Clone>(old: &[T], new: &[T], same: impl Fn(&T, &T) -> bool) -> Change<T> {
    let missing_in = |here: &[T], there: &[T]| {
        here.iter().filter(|item| !there.iter().any(|other| same(item, other))).cloned().collect()
    };
    Change { removed: missing_in(old, new), added: missing_in(new, old) }
}

/// Whether an instance can go on running: the same monitor with the same name and the same settings.
fn same_monitor(a: &MonitorPlan, b: &MonitorPlan) -> bool {
    std::ptr::eq(a.registration, b.registration)
        && a.name() == b.name()
        && a.entry == b.entry
        && a.sample_interval == b.sample_interval
        && a.jitter == b.jitter
        && a.write_limit == b.write_limit
        && a.rotation == b.rotation
        && a.metric_log == b.metric_log
        && a.metric_rules == b.metric_rules
        && a.allow_http == b.allow_http
        && a.workers == b.workers
}
