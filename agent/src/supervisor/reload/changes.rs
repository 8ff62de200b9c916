//! What a reload changes, in words for the agent log.

use std::collections::HashSet;
use std::fmt;

use super::super::difference::{Change, Difference};
use crate::config::plan::{LogPlan, MonitorPlan, Plan, SessionPlan};

/// So many names are listed; more are counted.
const MOST_NAMES: usize = 20;

/// What a reload has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    logs: Counts,
    monitors: Names,
    /// Workers whose sessions are others now.
    workers: Names,
    /// What changes without any restart.
    live: Vec<&'static str>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Counts {
    added: usize,
    changed: usize,
    removed: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Names {
    started: Vec<String>,
    restarted: Vec<String>,
    stopped: Vec<String>,
}

impl Changes {
    /// From the plan in use to a new one.
    pub(in super::super) fn between(old: Option<&Plan>, new: &Plan, difference: &Difference) -> Self {
        let Difference { logs, monitors, sessions, .. } = difference;
        let live = |is_changed: fn(&Plan, &Plan) -> bool, name| old.filter(|old| is_changed(old, new)).map(|_| name);
        Self {
            logs: counts(logs),
            monitors: names(monitors, MonitorPlan::name),
            workers: names(sessions, |session: &SessionPlan| session.worker.to_string()),
            live: [
                difference.logs_moved.then_some("the order of the logs"),
                live(|a, b| a.agent_log != b.agent_log, "the agent's own log"),
                live(|a, b| a.tail != b.tail, "the limits of reading"),
                live(|a, b| a.config_check_interval != b.config_check_interval, "the interval of these checks"),
            ]
            .into_iter()
            .flatten()
            .collect(),
        }
    }

    /// A monitor that was refused before runs now.
    pub(in super::super) fn note_started(&mut self, monitor: String) {
        self.monitors.started.push(monitor);
    }

    /// Whether everything stays as it was.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn counts(change: &Change<LogPlan>) -> Counts {
    fn key(log: &LogPlan) -> (&str, &str) {
        (&log.worker.0, &log.path)
    }
    let [of_added, of_removed] =
        [&change.added, &change.removed].map(|all| all.iter().map(key).collect::<HashSet<_>>());
    let changed = change.added.iter().filter(|log| of_removed.contains(&key(log))).count();
    let removed = change.removed.iter().filter(|log| !of_added.contains(&key(log))).count();
    Counts { added: change.added.len() - changed, changed, removed }
}

fn names<T>(change: &Change<T>, name: impl Fn(&T) -> String) -> Names {
    let [added, removed]: [Vec<String>; 2] =
        [&change.added, &change.removed].map(|all| all.iter().map(&name).collect());
    let (restarted, started) = added.into_iter().partition(|name| removed.contains(name));
    let restarted: Vec<String> = restarted;
    let stopped = removed.into_iter().filter(|name| !restarted.contains(name)).collect();
    Names { started, restarted, stopped }
}

/// `1 log added, monitor coin(1) restarted`.
impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let Counts { added, changed, removed } = self.logs;
        for (count, what) in [(added, "added"), (changed, "changed"), (removed, "removed")] {
            if count > 0 {
                parts.push(format!("{count} log{} {what}", if count == 1 { "" } else { "s" }));
            }
        }
        let Names { started, restarted, stopped } = &self.monitors;
        parts.extend(listed("monitor", started, "started"));
        parts.extend(listed("monitor", restarted, "restarted"));
        parts.extend(listed("monitor", stopped, "stopped"));
        let Names { started, restarted, stopped } = &self.workers;
        parts.extend(listed("session of worker", started, "started"));
        parts.extend(listed("session of worker", restarted, "replaced"));
        parts.extend(listed("session of worker", stopped, "ended"));
        parts.extend(self.live.iter().map(|what| format!("{what} changed")));
        if parts.is_empty() { f.write_str("nothing that runs is affected") } else { f.write_str(&parts.join(", ")) }
    }
}

fn listed(kind: &str, names: &[String], what: &str) -> Option<String> {
    // `2 monitors`, `2 sessions of workers`.
    let many = |count| format!("{count} {}s", kind.replacen(" of worker", "s of worker", 1));
    let listed = names.iter().take(MOST_NAMES).map(String::as_str).collect::<Vec<_>>().join(" ");
    match names.len() {
        0 => None,
        1 => Some(format!("{kind} {listed} {what}")),
        count if count <= MOST_NAMES => Some(format!("{} {what} ({listed})", many(count))),
        count => Some(format!("{} {what} ({listed} and {} more)", many(count), count - MOST_NAMES)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_one_line_of_bounded_length() {
        assert_eq!(Changes::default().to_string(), "nothing that runs is affected");
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut changes = Changes {
            logs: Counts { added: 1, changed: 0, removed: 2 },
            monitors: Names { restarted: names(&["coin(1)"]), ..Names::default() },
            workers: Names { restarted: names(&["default", "other"]), ..Names::default() },
            live: vec!["the limits of reading"],
        };
        assert_eq!(
            changes.to_string(),
            "1 log added, 2 logs removed, monitor coin(1) restarted, 2 sessions of workers replaced (default other), the \
             limits of reading changed"
        );
        changes.monitors.restarted = (0..25).map(|number| format!("coin({number})")).collect();
        assert!(changes.to_string().contains("25 monitors restarted (coin(0) "), "{changes}");
        assert!(changes.to_string().contains(" coin(19) and 5 more)"), "{changes}");
    }
}
