//! What a monitor instance is given before it starts, and may change: where its metrics go and how often it samples,
//! and what it says beside its lines, about log files and about the host.
//!
//! ```
//! use scalyr_monitor::prelude::*;
//! use scalyr_monitor::testing::json;
//!
//! /// Follows the logs of containers.
//! #[scalyr_monitor(name = "containers")]
//! pub struct Containers {
//!     /// The engine's version, for the `User-Agent`.
//!     #[config(default = "20.1")]
//!     version: String,
//!
//!     log_files: Option<LogFiles>,
//! }
//!
//! impl Monitor for Containers {
//!     fn initialize(&mut self, context: &mut Context) -> Result<()> {
//!         // The monitor's own log: its parser, attributes, and whatever else an entry of `logs` may hold.
//!         context.log_config = context.log_config.clone().attribute("kind", "containers").option("exclude", json!([]));
//!         // Attributes of this host, sent with every request.
//!         context.server_attributes.insert("engine".into(), "docker".into());
//!         // A part of the `User-Agent`; a clone of the handle can change it later.
//!         context.user_agent().set(&format!("docker:{}", self.version))?;
//!         self.log_files = Some(context.log_files().clone());
//!         Ok(())
//!     }
//!
//!     fn gather_sample(&mut self, _: &mut Sample) -> Result<()> {
//!         let Some(log_files) = &self.log_files else { return Ok(()) };
//!         // A container has come, another one has gone.
//!         log_files.register(LogConfig::new("/var/log/containers/web.log").parser("accessLog").attribute("pod", "web"))?;
//!         log_files.withdraw("/var/log/containers/old.log")
//!     }
//! }
//! ```

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::log::Logger;
use crate::monitors::Monitors;
use crate::run::Spacing;
use crate::user_agent::UserAgentFragment;

pub use crate::log_files::{LogConfig, LogFiles, LogRegistry};
#[doc(hidden)]
pub use crate::log_files::{Opening, rotated_from};

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
    /// Attributes of this host that are sent with every request: text, numbers and booleans. One that the configuration
    /// gives, or a monitor that stands before this one in it, is not sent; a line in the agent log says so.
    pub server_attributes: Map<String, Value>,
    /// Set when whole series would be lost by the limit of the metric log, and how many there are is known and bounded: the
    /// log takes then as much as there is, unless the entry says how much by `monitor_log_write_rate` or
    /// `monitor_log_max_write_burst`.
    pub unlimited_log: bool,
    name: String,
    data_path: Option<PathBuf>,
    logger: Logger,
    clock: Clock,
    log_files: LogFiles,
    user_agent: UserAgentFragment,
    monitors: Monitors,
}

impl Context {
    /// What the agent hands to the instance `name`, for example `coin()`.
    #[doc(hidden)]
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
            unlimited_log: false,
            name: name.to_owned(),
            data_path: None,
            logger,
            clock,
            log_files,
            user_agent: UserAgentFragment::none(),
            monitors: Monitors::none(),
        }
    }

    /// With the agent's data path, when there is one.
    #[must_use]
    #[doc(hidden)]
    pub fn with_data_path(self, data_path: Option<PathBuf>) -> Self {
        Self { data_path, ..self }
    }

    /// With the way into the agent's `User-Agent`; without it [`user_agent`](Self::user_agent) leads nowhere.
    #[must_use]
    #[doc(hidden)]
    pub fn with_user_agent(self, user_agent: UserAgentFragment) -> Self {
        Self { user_agent, ..self }
    }

    /// The same context with a handle that adds monitors; without one, adding is refused.
    #[must_use]
    #[doc(hidden)]
    pub fn with_monitors(self, monitors: Monitors) -> Self {
        Self { monitors, ..self }
    }

    /// The instance's name, `<short name>(<id>)`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder of the agent's own data, `agent_data_path`, for a file that has to outlive a restart: name it after the
    /// monitor, replace it by renaming, and remember that other instances of the monitor see it too. None under
    /// `--run-monitor`, which leaves nothing behind.
    pub fn data_path(&self) -> Option<&Path> {
        self.data_path.as_deref()
    }

    /// Diagnostics that belong in the agent log. Clone it to keep it.
    pub fn logger(&self) -> &Logger {
        &self.logger
    }

    /// The clock. Clone it to keep it.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Registers, changes and withdraws log files while the agent runs. Clone it to keep it.
    pub fn log_files(&self) -> &LogFiles {
        &self.log_files
    }

    /// Says in the `User-Agent` of the agent's uploads what it runs on. Clone it to keep it.
    pub fn user_agent(&self) -> &UserAgentFragment {
        &self.user_agent
    }

    /// Adds and removes further monitors while the agent runs. Clone it to keep it.
    pub fn monitors(&self) -> &Monitors {
        &self.monitors
    }
}
