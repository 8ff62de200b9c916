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
    /// By their paths.
    logs: Names,
    monitors: Names,
    /// Those of other settings or numbers.
    sessions: Names,
    /// What changes without any restart.
    live: Vec<&'static str>,
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
            logs: names(logs, |log: &LogPlan| log.path.clone()),
            monitors: names(monitors, MonitorPlan::name),
            sessions: names(sessions, |session: &SessionPlan| session.id.to_string()),
            live: [
                difference.logs_moved.then_some("the order of the logs"),
                live(|a, b| a.agent_log != b.agent_log, "the agent's own log"),
                live(|a, b| a.statistics != b.statistics, "the times of the statistics lines"),
                live(|a, b| a.status_listen != b.status_listen, "where the status is served over HTTP"),
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

fn names<T>(change: &Change<T>, name: impl Fn(&T) -> String) -> Names {
    let [added, removed]: [Vec<String>; 2] =
        [&change.added, &change.removed].map(|all| all.iter().map(&name).collect());
    let [all_added, all_removed] = [&added, &removed].map(|all| all.iter().cloned().collect::<HashSet<_>>());
    let (restarted, started) = added.into_iter().partition(|name| all_removed.contains(name));
    let stopped = removed.into_iter().filter(|name| !all_added.contains(name)).collect();
    Names { started, restarted, stopped }
}

/// `log /var/log/syslog added, monitor coin(1) restarted`.
impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let Names { started, restarted, stopped } = &self.logs;
        parts.extend(listed("log", started, "added"));
        parts.extend(listed("log", restarted, "changed"));
        parts.extend(listed("log", stopped, "removed"));
        let Names { started, restarted, stopped } = &self.monitors;
        parts.extend(listed("monitor", started, "started"));
        parts.extend(listed("monitor", restarted, "restarted"));
        parts.extend(listed("monitor", stopped, "stopped"));
        let Names { started, restarted, stopped } = &self.sessions;
        parts.extend(listed("session", started, "started"));
        parts.extend(listed("session", restarted, "replaced"));
        parts.extend(listed("session", stopped, "ended"));
        parts.extend(self.live.iter().map(|what| format!("{what} changed")));
        if parts.is_empty() { f.write_str("nothing that runs is affected") } else { f.write_str(&parts.join(", ")) }
    }
}

fn listed(kind: &str, names: &[String], what: &str) -> Option<String> {
    let many = |count| format!("{count} {kind}s");
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
            logs: Names { started: names(&["/a.log"]), stopped: names(&["/b.log", "/c.log"]), ..Names::default() },
            monitors: Names { restarted: names(&["coin(1)"]), ..Names::default() },
            sessions: Names { restarted: names(&["default-0", "other-0"]), ..Names::default() },
            live: vec!["the limits of reading"],
        };
        assert_eq!(
            changes.to_string(),
            "log /a.log added, 2 logs removed (/b.log /c.log), monitor coin(1) restarted, 2 sessions replaced (default-0 other-0), the limits of reading changed"
        );
        changes.monitors.restarted = (0..25).map(|number| format!("coin({number})")).collect();
        assert!(changes.to_string().contains("25 monitors restarted (coin(0) "), "{changes}");
        assert!(changes.to_string().contains(" coin(19) and 5 more)"), "{changes}");
    }
}
