//! Log files that monitors register, change and withdraw while they run (`log-copying.md` section 12).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use glob::Pattern;
use scalyr_monitor::context::LogRegistry;
use scalyr_monitor::registry::Problem;
use scalyr_monitor::{Error, LogConfig, Logger, Result};
use serde_json::{Map, Value};

use super::handle::{TailHandle, Withdrawal};
use super::matcher::{Matcher, is_glob};
use crate::config::Workers;
use crate::config::monitor_logs::{self, Reader, metric_log, registered_log};
use crate::config::plan::LogPlan;
use crate::ledger::WorkerId;
use crate::order;

/// How many log files one monitor instance may have registered at a time.
const MOST_OF_ONE_MONITOR: usize = 20_000;
/// So many different warnings about registered files are told per instance.
const MOST_WARNINGS: usize = 100;

/// The log files that monitors have registered, each with the instance that may change it. Cheap to clone.
#[derive(Clone)]
pub struct Registrations(Arc<Shared>);

struct Shared {
    tail: TailHandle,
    state: Mutex<State>,
    /// The agent stops: nothing is let go any more, so that each file goes on where it was after the next start.
    frozen: AtomicBool,
    /// The workers in use.
    workers: Mutex<Workers>,
    /// The entries of `logs`.
    listed: Mutex<Vec<(Matcher, LogPlan)>>,
}

#[derive(Default)]
struct State {
    /// By path and worker.
    files: BTreeMap<(String, WorkerId), Registration>,
}

impl State {
    /// What is registered of a path, for whatever worker.
    fn of_path(&self, path: &str) -> impl Iterator<Item = (&(String, WorkerId), &Registration)> {
        spellings(path).flat_map(|path| {
            let first = (path.clone(), WorkerId("".into()));
            self.files.range(first..).take_while(move |(key, _)| key.0 == path)
        })
    }
}

/// How a path may stand in an entry: as it is, or as a pattern that only it matches, when it is that of one file.
fn spellings(path: &str) -> impl Iterator<Item = String> {
    let escaped = is_glob(path).then(|| Pattern::escape(path));
    std::iter::once(path.to_owned()).chain(escaped)
}

struct Registration {
    /// The number of the instance.
    owner: u64,
    /// Its name.
    monitor: String,
    log: LogPlan,
    /// Whether the monitor writes the file itself, by the writer that all have who write there.
    is_written: bool,
    /// Others that write it, too: when this one lets go, the first of them has its place.
    others: Vec<Registration>,
}

impl Registration {
    /// Whether the other would have the file copied in another way.
    fn differs(&self, other: &Self) -> bool {
        LogPlan { origin: self.log.origin.clone(), ..other.log.clone() } != self.log
    }

    fn is_of(&self, owner: u64) -> bool {
        self.owner == owner || self.others.iter().any(|other| other.owner == owner)
    }
}

impl Registrations {
    /// None yet; `tail` copies the files.
    pub fn new(tail: TailHandle) -> Self {
        Self(Arc::new(Shared {
            tail,
            state: Mutex::default(),
            frozen: AtomicBool::new(false),
            workers: Mutex::default(),
            listed: Mutex::default(),
        }))
    }

    /// The registry that one monitor instance is given. `owner` tells instances apart, `monitor` is its name, for
    /// messages; its relative paths lie below `log_path`, its files can be those of `workers`, and what is odd about its
    /// entries goes to `logger`.
    pub fn of_monitor(
        &self,
        owner: u64,
        monitor: String,
        log_path: PathBuf,
        workers: Workers,
        logger: Logger,
    ) -> Arc<RegisteredLogs> {
        let (ended, told) = (AtomicBool::new(false), Mutex::default());
        Arc::new(RegisteredLogs {
            all: self.clone(),
            owner,
            monitor,
            log_path,
            workers,
            logger,
            held: AtomicUsize::new(0),
            ended,
            told,
        })
    }

    /// From now on the files of every instance can be those of these workers, too.
    pub fn follow_workers(&self, workers: &Workers) {
        *self.0.workers.lock().unwrap_or_else(PoisonError::into_inner) = workers.clone();
    }

    /// From now on these are the entries of `logs`.
    pub fn follow_entries(&self, logs: &[LogPlan]) {
        let listed = logs.iter().filter_map(|log| Some((Matcher::new(log).ok()?, log.clone()))).collect();
        *self.0.listed.lock().unwrap_or_else(PoisonError::into_inner) = listed;
    }

    /// The first entry of `logs` that matches a path.
    fn listing(&self, path: &Path) -> Option<LogPlan> {
        let listed = self.0.listed.lock().unwrap_or_else(PoisonError::into_inner);
        listed.iter().find(|(matcher, _)| matcher.matches(path)).map(|(_, log)| log.clone())
    }

    /// The workers in use, or those that an instance was started with, as long as they are not in use yet.
    pub(crate) fn workers(&self, of_instance: &Workers) -> Workers {
        let workers = self.0.workers.lock().unwrap_or_else(PoisonError::into_inner);
        if workers.have_all(of_instance) { workers.clone() } else { of_instance.clone() }
    }

    /// Lets nothing go from now on: the agent stops.
    pub fn freeze(&self) {
        // Without the lock: whoever holds it may wait for a tail thread that does not come round.
        self.0.frozen.store(true, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The registry of one monitor instance.
pub struct RegisteredLogs {
    all: Registrations,
    owner: u64,
    monitor: String,
    log_path: PathBuf,
    workers: Workers,
    logger: Logger,
    /// How many files of `all` are its own; changed under their lock.
    held: AtomicUsize,
    ended: AtomicBool,
    told: Mutex<BTreeSet<String>>,
}

impl RegisteredLogs {
    /// The instance has come to its end: what it registered is withdrawn, after it was read, and what it still asks
    /// for is refused.
    pub fn end(&self) {
        let mut state = self.all.lock();
        self.ended.store(true, Ordering::Release);
        if self.all.0.frozen.load(Ordering::Acquire) {
            return;
        }
        let own: Vec<_> =
            state.files.iter().filter(|(_, file)| file.is_of(self.owner)).map(|(key, _)| key.clone()).collect();
        for key in own {
            self.let_go(&mut state, key, Withdrawal::AfterReading);
        }
    }

    /// Lets go of a file of this instance; one that others write goes on being copied, as the next of them says.
    fn let_go(&self, state: &mut State, key: (String, WorkerId), how: Withdrawal) {
        let Some(mut file) = state.files.remove(&key) else { return };
        if file.owner != self.owner {
            file.others.retain(|other| other.owner != self.owner);
            state.files.insert(key, file);
        } else if file.others.is_empty() {
            self.all.0.tail.withdraw(key.1, key.0, how);
        } else {
            let mut next = file.others.remove(0);
            next.others = file.others;
            // A tail thread that does not take it goes on as this instance said.
            _ = self.all.0.tail.register(next.log.clone());
            state.files.insert(key, next);
        }
    }

    /// Registers one file that the monitor writes, whatever characters its name holds. Others may write it, too.
    pub(crate) fn register_file(&self, log: LogConfig) -> Result<()> {
        let (log, warnings) = self.read(&log, metric_log)?;
        self.follow(log, true, false, &warnings)
    }

    /// Registers one file that the monitor writes as an entry of `logs` says that matches it, with these attributes under
    /// the entry's, and `first` over them. False when there is none.
    pub(crate) fn register_listed(&self, log: LogConfig, first: Map<String, Value>) -> Result<bool> {
        let Some(entry) = self.all.listing(&log.path) else { return Ok(false) };
        let (of_monitor, warnings) = self.read(&log, metric_log)?;
        let mut attributes = of_monitor.attributes;
        attributes.extend(entry.attributes.clone());
        attributes.extend(first);
        let LogPlan { origin, path, .. } = of_monitor;
        let plan =
            LogPlan { origin, path, attributes, exclude: Vec::new(), copy_from_start: true, goes_first: true, ..entry };
        self.follow(plan, true, false, &warnings)?;
        Ok(true)
    }

    /// Whether this instance has registered a path.
    pub(crate) fn has(&self, path: &Path) -> bool {
        self.all.lock().of_path(&path.to_string_lossy()).any(|(_, file)| file.is_of(self.owner))
    }

    /// Whether an entry of `logs` matches a path.
    pub(crate) fn is_listed(&self, path: &Path) -> bool {
        self.all.listing(path).is_some()
    }

    /// Registers files, or changes them.
    fn copy(&self, log: &LogConfig, must_be_there: bool) -> Result<()> {
        let (log, warnings) = self.read(log, registered_log)?;
        self.follow(log, false, must_be_there, &warnings)
    }

    /// What the monitor says about a file, and what is odd about that.
    fn read(&self, log: &LogConfig, reader: Reader) -> Result<(LogPlan, Vec<Problem>)> {
        let mut warnings = Vec::new();
        let workers = self.all.workers(&self.workers);
        match reader(&self.monitor, log, &self.log_path, &workers, &mut warnings) {
            Ok(plan) => Ok((plan, warnings)),
            Err(problems) => Err(Error::new(text_of(log, &problems))),
        }
    }

    fn follow(&self, log: LogPlan, is_written: bool, must_be_there: bool, warnings: &[Problem]) -> Result<()> {
        let mut guard = self.all.lock();
        let state = &mut *guard;
        if self.ended.load(Ordering::Acquire) {
            return Err(Error::new("the monitor was stopped; its log files are not copied any more"));
        }
        let key = (log.path.clone(), log.worker.clone());
        let place = match state.files.get(&key) {
            Some(file) if file.owner != self.owner && !(is_written && file.is_written) => {
                return Err(not_yours(&log.path, &file.monitor));
            }
            Some(file) if file.owner == self.owner && file.log == log => return Ok(()),
            Some(file) => Some(file.owner == self.owner),
            None => None,
        };
        let is_new = !state.files.get(&key).is_some_and(|file| file.is_of(self.owner));
        if is_new && must_be_there {
            return Err(Error::new(format!("the log file {} is not registered; register it first", log.path)));
        }
        if is_new && self.held.load(Ordering::Relaxed) >= MOST_OF_ONE_MONITOR {
            return Err(Error::new(format!(
                "the log file {} is not copied: {MOST_OF_ONE_MONITOR} are registered already; withdraw those that are not \
                 needed",
                log.path
            )));
        }
        if place != Some(false) {
            // Under the lock, so that the tail hears of it in the same order. It never takes the lock itself.
            self.all.0.tail.register(log.clone()).map_err(Error::new)?;
        }
        let owner = self.owner;
        let mut own = Registration { owner, monitor: self.monitor.clone(), log, is_written, others: Vec::new() };
        let mut differing = None;
        match state.files.get_mut(&key) {
            Some(file) if file.owner == owner => {
                own.others = std::mem::take(&mut file.others);
                *file = own;
            }
            Some(file) => {
                differing = file.differs(&own).then(|| file.monitor.clone());
                file.others.retain(|other| other.owner != owner);
                file.others.push(own);
            }
            None => _ = state.files.insert(key.clone(), own),
        }
        if is_new {
            self.held.fetch_add(1, Ordering::Relaxed);
        }
        drop(guard);
        self.tell(warnings);
        if let Some(first) = differing {
            self.tell_once(format!(
                "{} is written by several monitors and copied as the first of them, {first}, says; this one would have other \
                 attributes, another parser or other rules. Give each its own file to have both",
                key.0
            ));
        }
        Ok(())
    }

    /// Tells each warning once, however many files it is about.
    fn tell(&self, warnings: &[Problem]) {
        for warning in warnings {
            self.tell_once(format!("{}: {}", warning.path, warning.text()));
        }
    }

    fn tell_once(&self, text: String) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < MOST_WARNINGS && !told.contains(&text) {
            self.logger.warn(format_args!("Registered log files: {text}"));
            told.insert(text);
        }
    }
}

impl LogRegistry for RegisteredLogs {
    fn register(&self, log: LogConfig) -> Result<()> {
        self.copy(&log, false)
    }

    fn update(&self, log: LogConfig) -> Result<()> {
        self.copy(&log, true)
    }

    fn withdraw(&self, path: &Path, at_once: bool) -> Result<()> {
        let path = self.log_path.join(path).to_string_lossy().into_owned();
        let mut state = self.all.lock();
        let mut foreign = None;
        let mut own = Vec::new();
        for (key, file) in state.of_path(&path) {
            if file.is_of(self.owner) {
                own.push(key.clone());
            } else {
                foreign = Some(not_yours(&path, &file.monitor));
            }
        }
        if let (true, Some(error)) = (own.is_empty(), foreign) {
            return Err(error);
        }
        if at_once && own.is_empty() && !self.ended.load(Ordering::Acquire) {
            // It may have been withdrawn before, and is still being read.
            for path in spellings(&path) {
                self.all.0.tail.hasten(monitor_logs::origin(&self.monitor), path);
            }
            return Ok(());
        }
        let how = if at_once { Withdrawal::AtOnce } else { Withdrawal::AfterReading };
        for key in own {
            self.held.fetch_sub(1, Ordering::Relaxed);
            self.let_go(&mut state, key, how);
        }
        Ok(())
    }

    fn registered(&self) -> Vec<PathBuf> {
        let state = self.all.lock();
        let own = state.files.iter().filter(|(_, file)| file.is_of(self.owner));
        let paths: BTreeSet<PathBuf> = order::tree(own.map(|((path, _), _)| PathBuf::from(path)));
        paths.into_iter().collect()
    }
}

fn not_yours(path: &str, monitor: &str) -> Error {
    Error::new(format!("the log file {path} was registered by monitor {monitor}; only that one may change it"))
}

/// All problems of an entry, on one line, so that they are one event of the agent log.
fn text_of(log: &LogConfig, problems: &[Problem]) -> String {
    let problems: Vec<String> =
        problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect();
    format!("the log file {} is not copied: {}", log.path.display(), problems.join("; "))
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::bounded;

    use super::*;

    /// The tail thread that this handle speaks to never comes round.
    fn stuck() -> (TailHandle, impl Sized) {
        let (commands, never_read) = bounded(1);
        (TailHandle { commands, snapshot: Arc::default(), pulse: Arc::default() }, never_read)
    }

    #[test]
    fn a_tail_thread_that_does_not_come_round_holds_up_neither_a_monitor_nor_the_stop() {
        let (tail, _never_read) = stuck();
        let registrations = Registrations::new(tail);
        let files =
            registrations.of_monitor(1, "jobs()".to_owned(), "/var/log".into(), Workers::default(), Logger::none());
        assert!(files.register(LogConfig::new("a.log")).is_ok());
        let refused = files.register(LogConfig::new("b.log")).unwrap_err().to_string();
        assert_eq!(refused, "the agent is busy with other log files; register it again later");
        let held = registrations.lock();
        // Though somebody holds the lock.
        registrations.freeze();
        drop(held);
        // Nothing is let go any more, so nobody waits for the thread.
        files.end();
        assert_eq!(files.registered(), [PathBuf::from("/var/log/a.log")]);
    }
}
