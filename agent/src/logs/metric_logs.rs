//! Which of the metric logs are copied as their monitors say, and which as somebody else does
//! (`monitor-framework.md` section 13).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scalyr_monitor::Logger;

use super::handle::TailHandle;
use super::matcher::Matcher;
use crate::config::plan::LogPlan;
use crate::ledger::WorkerId;
use crate::order;

/// A metric log's path, and how its monitor wants it to be copied.
pub type MetricLogPlan = (PathBuf, LogPlan);

/// Copies the metric logs of all instances, each file once. Cheap to clone.
#[derive(Clone)]
pub struct MetricLogCopies(Arc<Shared>);

struct Shared {
    tail: TailHandle,
    logger: Logger,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The entries of `logs`.
    logs: Vec<LogPlan>,
    /// The names of the configuration's instances, in its order.
    order: Vec<String>,
    /// The log of each instance, by its name; added instances stand behind the configuration's.
    wanted: Vec<(String, MetricLogPlan)>,
    copied: Vec<LogPlan>,
}

impl MetricLogCopies {
    /// None yet.
    pub fn new(tail: TailHandle, logger: Logger) -> Self {
        Self(Arc::new(Shared { tail, logger, state: Mutex::default() }))
    }

    /// Follows a plan: its entries of `logs`, the order of its instances, those that have gone and those that have come.
    pub fn follow(
        &self,
        logs: Vec<LogPlan>,
        order: Vec<String>,
        removed: &[String],
        added: Vec<(String, MetricLogPlan)>,
    ) {
        let mut state = self.lock();
        (state.logs, state.order) = (logs, order);
        state.wanted.retain(|(name, _)| !removed.contains(name));
        self.copy(state, added);
    }

    /// Copies the log of an instance that was added.
    pub fn add(&self, name: String, log: MetricLogPlan) {
        self.copy(self.lock(), vec![(name, log)]);
    }

    /// The log of an added instance is let go, unless another one writes it too.
    pub fn remove(&self, log: &LogPlan) {
        let mut state = self.lock();
        state.wanted.retain(|(_, (_, wanted))| wanted != log);
        self.copy(state, Vec::new());
    }

    fn copy(&self, mut guard: MutexGuard<'_, State>, added: Vec<(String, MetricLogPlan)>) {
        let state = &mut *guard;
        let new: Vec<LogPlan> = added.iter().map(|(_, (_, log))| log.clone()).collect();
        state.wanted.extend(added);
        let order = &state.order;
        order::by_key(&mut state.wanted, |(name, _)| {
            order.iter().position(|other| other == name).unwrap_or(usize::MAX)
        });
        let (chosen, overruled) = chosen(&state.wanted, &state.logs);
        for Overruled { log, by } in overruled.iter().filter(|overruled| overruled.differs()) {
            if new.contains(log) {
                self.0.logger.warn(format_args!(
                    "{}: its log {} is copied as {} says; what the monitor says about it is not used",
                    log.origin, log.path, by.origin
                ));
            }
        }
        let now: Vec<LogPlan> = chosen.into_iter().cloned().collect();
        let before = std::mem::replace(&mut state.copied, now.clone());
        if now != before {
            let any_new = now.iter().any(|log| !before.contains(log));
            // Under the lock, so that the tail hears of it in the same order. It never takes the lock itself.
            self.0.tail.follow_metric_logs(now, any_new);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A metric log, and the entry that says how it is copied instead of its own monitor.
#[derive(Debug)]
struct Overruled<'a> {
    /// The metric log as its monitor wants it.
    log: &'a LogPlan,
    /// The entry of `logs`, or the log of an earlier monitor.
    by: &'a LogPlan,
}

impl Overruled<'_> {
    /// Whether anything is lost by it: the settings differ.
    fn differs(&self) -> bool {
        self.log.attributes != self.by.attributes || self.log.copy_from_start != self.by.copy_from_start
    }
}

/// The metric logs that are copied as their monitors say: all that no entry of `logs` matches, each file once, as the
/// first of its monitors says. The others are told of.
fn chosen<'a>(
    metric_logs: &'a [(String, MetricLogPlan)],
    logs: &'a [LogPlan],
) -> (Vec<&'a LogPlan>, Vec<Overruled<'a>>) {
    // An entry whose pattern is bad matches nothing; it was refused when the configuration was read.
    let matchers: Vec<_> = logs.iter().filter_map(|log| Some((log, Matcher::new(log).ok()?))).collect();
    let mut first: BTreeMap<(&WorkerId, &Path), &LogPlan> = BTreeMap::new();
    let (mut chosen, mut overruled) = (Vec::new(), Vec::new());
    for (_, (path, log)) in metric_logs {
        let of_logs = matchers.iter().find(|(by, matcher)| by.worker == log.worker && matcher.matches(path));
        let key = (&log.worker, path.as_path());
        match of_logs.map(|(by, _)| *by).or_else(|| first.get(&key).copied()) {
            Some(by) => overruled.push(Overruled { log, by }),
            None => {
                first.insert(key, log);
                chosen.push(log);
            }
        }
    }
    (chosen, overruled)
}
