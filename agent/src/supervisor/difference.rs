//! What has to change to come from one plan to another. Starting is the difference to no plan at all.

use std::collections::HashMap;
use std::hash::Hash;

use crate::config::plan::{LogPlan, MonitorPlan, Plan, SessionPlan, TailPlan};

/// What to stop and what to start. Where an entry stands in the configuration is no difference.
#[derive(Debug, Default)]
pub struct Difference {
    /// Sessions.
    pub sessions: Change<SessionPlan>,
    /// Entries of `logs`, the agent's own log among them. Their order counts too: see [`Difference::logs_moved`].
    pub logs: Change<LogPlan>,
    /// Whether entries that stay come in another order, so that another one may be the first to match a file.
    pub logs_moved: bool,
    /// How log files are read, when that has changed.
    pub tail: Option<TailPlan>,
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

impl<T> Change<T> {
    /// Whether nothing goes and nothing comes.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty()
    }
}

impl Difference {
    /// From `old` (nothing runs when there is none) to `new`.
    pub fn between(old: Option<&Plan>, new: &Plan) -> Self {
        let tail = (old.map(|old| old.tail) != Some(new.tail)).then_some(new.tail);
        let old = old.map_or((&[][..], &[][..], &[][..]), |old| (&old.sessions, &old.logs, &old.monitors));
        let path = |log: &LogPlan| log.path.clone();
        Self {
            sessions: change(old.0, &new.sessions, |session| session.id.clone(), PartialEq::eq),
            logs: change(old.1, &new.logs, path, LogPlan::is_same),
            logs_moved: order_of(old.1, &new.logs) != order_of(&new.logs, old.1),
            tail,
            monitors: change(old.2, &new.monitors, MonitorPlan::name, MonitorPlan::is_same),
        }
    }

    /// Whether the two plans are the same to everybody who acts on them here.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
            && self.logs.is_empty()
            && !self.logs_moved
            && self.tail.is_none()
            && self.monitors.is_empty()
    }
}

fn change<T: Clone, K: Hash + Eq>(
    old: &[T],
    new: &[T],
    key: impl Fn(&T) -> K,
    same: impl Fn(&T, &T) -> bool,
) -> Change<T> {
    let missing_in = |here: &[T], there: &[T], same: &dyn Fn(&T, &T) -> bool| {
        let mut by_key: HashMap<K, Vec<&T>> = HashMap::new();
        for item in there {
            by_key.entry(key(item)).or_default().push(item);
        }
        let is_there =
            |item: &T| by_key.get(&key(item)).is_some_and(|others| others.iter().any(|other| same(item, other)));
        here.iter().filter(|item| !is_there(item)).cloned().collect()
    };
    // Always asked of the old one: what it can go on as is not always what it can come from.
    Change { removed: missing_in(old, new, &same), added: missing_in(new, old, &|new, old| same(old, new)) }
}

/// Worker and path of the entries that are in both lists, in the order of the first.
fn order_of<'a>(here: &'a [LogPlan], there: &'a [LogPlan]) -> Vec<(&'a str, &'a str)> {
    let name = |log: &'a LogPlan| (&*log.worker.0, log.path.as_str());
    let others: std::collections::HashSet<_> = there.iter().map(name).collect();
    here.iter().map(name).filter(|name| others.contains(name)).collect()
}
