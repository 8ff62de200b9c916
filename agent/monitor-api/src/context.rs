//! What a monitor instance is given before it starts, and may change: where its metrics go and how often it samples.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::log::Logger;
use crate::monitor::{Result, Spacing};
use crate::monitors::Monitors;

/// How a log file is copied: the part of a `logs` entry that a monitor may set for its metric log or for a log file
/// that it registers.
#[derive(Clone, Debug, PartialEq)]
pub struct LogConfig {
    /// The file; a relative path lies below `agent_log_path`.
    pub path: PathBuf,
    /// The parser that the server applies.
    pub parser: String,
    /// Attributes of every event of this file: text, numbers and booleans.
    pub attributes: Map<String, Value>,
    /// Whether a metric log that already holds lines at start is copied from its beginning instead of from its end. A
    /// file that is registered at run time is always copied from its beginning.
    pub copy_from_start: bool,
}

impl LogConfig {
    /// The file `path` with the parser of metric logs, `agent-metrics`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), parser: "agent-metrics".to_owned(), attributes: Map::new(), copy_from_start: false }
    }
}

/// Takes the log files that monitors register and withdraw; implemented by the agent.
pub trait LogRegistry: Send + Sync {
    /// Copies this file from now on.
    ///
    /// # Errors
    /// When the agent cannot take another file; the text says why.
    fn register(&self, log: LogConfig) -> Result<()>;

    /// Stops copying this file once everything that it holds now was copied.
    fn withdraw(&self, path: &Path);
}

/// A handle to register and withdraw log files while the agent runs. Cheap to clone.
#[derive(Clone)]
pub struct LogFiles(Arc<dyn LogRegistry>);

impl LogFiles {
    /// A handle onto the agent's registry.
    pub fn new(registry: Arc<dyn LogRegistry>) -> Self {
        Self(registry)
    }

    /// Copies this file from now on; a file that does not exist yet is copied from its beginning when it appears.
    ///
    /// # Errors
    /// When the agent cannot take another file; the text says why.
    pub fn register(&self, log: LogConfig) -> Result<()> {
        self.0.register(log)
    }

    /// Stops copying this file once everything that it holds now was copied.
    pub fn withdraw(&self, path: impl AsRef<Path>) {
        self.0.withdraw(path.as_ref());
    }
}

/// What an instance is given in [`Monitor::initialize`](crate::Monitor::initialize). The public fields may be changed
/// there; the agent reads them back afterwards.
pub struct Context {
    /// Time between two samples. From the entry, else the agent's `global_monitor_sample_interval`.
    pub sample_interval: Duration,
    /// Where the metric lines go and how they are copied.
    pub log_config: LogConfig,
    /// Set to keep this instance from running; it is shown as disabled in `status`.
    pub disabled: bool,
    /// When the next sample is due: on a steady grid, or an interval after the last one ended.
    pub spacing: Spacing,
    /// Attributes of this host that are sent with every request, beside the configured ones, which win.
    pub server_attributes: Map<String, Value>,
    name: String,
    logger: Logger,
    clock: Clock,
    log_files: LogFiles,
    monitors: Monitors,
}

impl Context {
    /// What the agent hands to the instance `name`, for example `coin()`.
    pub fn new(
        name: &str,
        sample_interval: Duration,
        log_config: LogConfig,
        logger: Logger,
        clock: Clock,
        log_files: LogFiles,
    ) -> Self {
        Self {
            sample_interval,
            log_config,
            disabled: false,
            spacing: Spacing::default(),
            server_attributes: Map::new(),
            name: name.to_owned(),
            logger,
            clock,
            log_files,
            monitors: Monitors::none(),
        }
    }

    /// The same context with a handle that adds monitors; without one, adding is refused.
    #[must_use]
    pub fn with_monitors(self, monitors: Monitors) -> Self {
        Self { monitors, ..self }
    }

    /// The instance's name, `<short name>(<id>)`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Diagnostics that belong in the agent log. Clone it to keep it.
    pub fn logger(&self) -> &Logger {
        &self.logger
    }

    /// The clock. Clone it to keep it.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Registers and withdraws log files while the agent runs. Clone it to keep it.
    pub fn log_files(&self) -> &LogFiles {
        &self.log_files
    }

    /// Adds and removes further monitors while the agent runs. Clone it to keep it.
    pub fn monitors(&self) -> &Monitors {
        &self.monitors
    }
}
