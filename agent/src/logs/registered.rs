//! Log files that monitors register and withdraw while they run.

use std::path::{Path, PathBuf};

use scalyr_monitor::context::LogRegistry;
use scalyr_monitor::{Error, LogConfig, Result};
use serde_json::Value;

use super::handle::TailHandle;
use crate::config::plan::LogPlan;
use crate::ledger::WorkerId;

/// The registry that one monitor instance is given.
pub struct RegisteredLogs {
    /// The instance's name, for messages.
    pub monitor: String,
    /// Relative paths lie below it.
    pub log_path: PathBuf,
    /// The worker that the files are sent to.
    pub worker: WorkerId,
    /// The stage that copies them.
    pub tail: TailHandle,
}

impl LogRegistry for RegisteredLogs {
    fn register(&self, log: LogConfig) -> Result<()> {
        let log = copy_plan(&self.monitor, log, &self.log_path, self.worker.clone());
        self.tail.register(log).map_err(Error::new)
    }

    fn withdraw(&self, path: &Path) {
        self.tail.withdraw(self.log_path.join(path));
    }
}

/// How a monitor's log file is copied.
pub fn copy_plan(monitor: &str, log: LogConfig, log_path: &Path, worker: WorkerId) -> LogPlan {
    let mut attributes = log.attributes;
    attributes.insert("parser".to_owned(), Value::String(log.parser));
    LogPlan {
        origin: format!("monitor {monitor}"),
        path: log_path.join(log.path).to_string_lossy().into_owned(),
        exclude: Vec::new(),
        attributes,
        copy_from_start: log.copy_from_start,
        worker,
    }
}
