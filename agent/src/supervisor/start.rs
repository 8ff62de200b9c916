//! Why the agent cannot start, and what it says when it does.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use scalyr_monitor::{Level, Logger};

use crate::config::plan::{LogPlan, Plan};
use crate::config::{Report, Severity};
use crate::data_lock::LockError;

/// Why the agent cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A directory that the agent writes in cannot be made.
    #[error("{path}: {error}; the agent must be able to write there ({key})")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The key that names it.
        key: &'static str,
        /// Why.
        error: io::Error,
    },
    /// What should be a directory is something else.
    #[error("{path} is not a directory; {key} must name one")]
    NoDirectory {
        /// What is there.
        path: PathBuf,
        /// The key that names it.
        key: &'static str,
    },
    /// The data directory cannot be locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The agent log cannot be opened.
    #[error("{0}; the agent must be able to write its log (agent_log_path)")]
    AgentLog(io::Error),
    /// The system refused a thread or a socket.
    #[error("{what}: {error}")]
    Refused {
        /// What was asked for.
        what: String,
        /// Why.
        error: io::Error,
    },
}

pub(super) fn make_directory(path: &Path, key: &'static str) -> Result<(), StartError> {
    if path.exists() && !path.is_dir() {
        return Err(StartError::NoDirectory { path: path.to_owned(), key });
    }
    fs::create_dir_all(path).map_err(|error| StartError::Directory { path: path.to_owned(), key, error })
}

pub(super) fn refused(what: &str) -> impl FnOnce(io::Error) -> StartError + use<> {
    let what = what.to_owned();
    move |error| StartError::Refused { what, error }
}

/// The first lines of a run: who starts, with what, and everything that is odd about the configuration.
pub(super) fn announce(logger: &Logger, plan: &Plan, config_file: &Path, report: &Report) {
    logger.info(format_args!(
        "Starting scalyr agent... (version={}) (pid={}) (config={}) (server_host={})",
        env!("CARGO_PKG_VERSION"),
        std::process::id(),
        config_file.display(),
        plan.server_attributes.get("serverHost").and_then(|host| host.as_str()).unwrap_or_default(),
    ));
    for problem in report.problems() {
        let level = if problem.severity == Severity::Warning { Level::Warning } else { Level::Error };
        logger.coded(level, "badConfig", problem);
    }
    for LogPlan { origin, path, .. } in &plan.logs {
        logger.debug(format_args!("{origin}: copying {path}"));
    }
}
