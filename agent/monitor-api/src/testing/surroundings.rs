//! The agent around a monitor, as far as the monitor can see it: takes what it is told, and does nothing about it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::judged;
use crate::context::{LogConfig, LogRegistry, Opening};
use crate::error::{Error, Result};
use crate::log_writer::{Appended, LogFile, LogRotation, LogWriter, Obstacle, WhenFull};
use crate::monitors::{AddedMonitor, MonitorRegistry, NewMonitor};
use crate::user_agent::FragmentSink;

/// What a monitor told the agent. Cheap to clone; clones keep one record.
#[derive(Clone, Default)]
pub(super) struct Surroundings(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    logs: BTreeMap<PathBuf, LogConfig>,
    monitors: BTreeMap<String, NewMonitor>,
    user_agent: String,
    /// What was written to log files, by their paths.
    written: BTreeMap<PathBuf, Vec<u8>>,
    /// Nothing can be written now: the disk is full.
    is_full: bool,
}

impl Surroundings {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn logs(&self) -> Vec<LogConfig> {
        self.told().logs.values().cloned().collect()
    }

    pub(super) fn monitors(&self) -> Vec<NewMonitor> {
        self.told().monitors.values().cloned().collect()
    }

    pub(super) fn user_agent(&self) -> String {
        self.told().user_agent.clone()
    }

    pub(super) fn written(&self, path: &Path) -> Vec<u8> {
        self.told().written.get(path).cloned().unwrap_or_default()
    }

    pub(super) fn fill_disk(&self, is_full: bool) {
        self.told().is_full = is_full;
    }
}

/// All that is wrong with a log file that is registered.
fn judge(log: &LogConfig) -> Result<()> {
    let problems: Vec<String> = judged::log(log).iter().map(ToString::to_string).collect();
    if problems.is_empty() { Ok(()) } else { Err(Error::new(problems.join("; "))) }
}

impl LogRegistry for Surroundings {
    fn register(&self, log: LogConfig) -> Result<()> {
        judge(&log)?;
        self.told().logs.insert(log.path.clone(), log);
        Ok(())
    }

    fn update(&self, log: LogConfig) -> Result<()> {
        judge(&log)?;
        match self.told().logs.get_mut(&log.path) {
            Some(registered) => *registered = log,
            None => return Err(Error::new(format!("{} is not registered", log.path.display()))),
        }
        Ok(())
    }

    fn withdraw(&self, path: &Path, _: bool) -> Result<()> {
        self.told().logs.remove(path);
        Ok(())
    }

    fn registered(&self) -> Vec<PathBuf> {
        self.told().logs.keys().cloned().collect()
    }

    /// As if each path were listed.
    fn open(&self, mut log: LogConfig, _: LogRotation, how: Opening) -> Result<Option<LogWriter>> {
        if let Opening::IfListed { first } = how {
            log.attributes.extend(first);
        }
        let path = log.path.clone();
        self.register(log)?;
        Ok(Some(LogWriter::new(Box::new(Kept { around: self.clone(), path }))))
    }

    fn remove(&self, path: &Path) -> Result<bool> {
        self.told().written.remove(path);
        self.told().logs.remove(path);
        Ok(true)
    }
}

/// A log file in memory.
struct Kept {
    around: Surroundings,
    path: PathBuf,
}

impl LogFile for Kept {
    fn append(&mut self, lines: &[u8], _: WhenFull) -> Appended {
        let mut told = self.around.told();
        if told.is_full {
            return Appended { written: 0, obstacle: Some(Obstacle::Failed(io::ErrorKind::StorageFull.into())) };
        }
        told.written.entry(self.path.clone()).or_default().extend_from_slice(lines);
        Appended { written: lines.len(), obstacle: None }
    }
}

impl MonitorRegistry for Surroundings {
    fn add(&self, monitor: NewMonitor) -> Result<String> {
        let text = |key: &str| match monitor.entry.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let Some((module, id)) = text("module").zip(text("id")) else {
            return Err(Error::new("a monitor that is added needs a `module` and an `id`"));
        };
        let name = format!("{}({id})", short(&module));
        let mut told = self.told();
        if told.monitors.contains_key(&name) {
            return Err(Error::new(format!("there is a monitor {name} already")));
        }
        told.monitors.insert(name.clone(), monitor);
        Ok(name)
    }

    fn remove(&self, name: &str) -> Result<()> {
        let found = self.list().into_iter().find(|added| added.name == name || added.uid == name);
        match found {
            Some(added) => _ = self.told().monitors.remove(&added.name),
            None => return Err(Error::new(format!("there is no monitor {name} to be removed"))),
        }
        Ok(())
    }

    fn list(&self) -> Vec<AddedMonitor> {
        let told = self.told();
        let added = |(name, monitor): (&String, &NewMonitor)| {
            let text =
                |key: &str| monitor.entry.get(key).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
            let (module, id) = (text("module"), text("id"));
            AddedMonitor {
                name: name.clone(),
                uid: format!("{module}-{id}"),
                module,
                short_hash: String::new(),
                running: true,
            }
        };
        told.monitors.iter().map(added).collect()
    }
}

fn short(module: &str) -> &str {
    module.rsplit('.').next().unwrap_or(module)
}

impl FragmentSink for Surroundings {
    fn set(&self, fragment: &str) {
        fragment.clone_into(&mut self.told().user_agent);
    }
}
