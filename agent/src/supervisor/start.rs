//! Why the agent cannot start, and what it says when it does.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use scalyr_monitor::{Clock, Logger};

use super::configuration;
use crate::config::Report;
use crate::config::plan::{LogPlan, Plan};
use crate::data_lock::{DataLock, LockError};
use crate::ledger::Offset;
use crate::own_logs::agent_log::{AgentLog, FILE_NAME};
use crate::service::pid_file::{PidFile, PidFileError};
use crate::status::build;

/// The compiler that made this program.
const RUNTIME: &str = env!("SCALYR_AGENT_RUSTC");

/// Why the agent cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A directory that the agent writes in cannot be made.
    #[error("{path}: {error}; the agent must be able to write there ({key}){}", of_the_unit(.error))]
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
    /// The pid file says that an agent runs, or it cannot be made.
    #[error(transparent)]
    PidFile(#[from] PidFileError),
    /// The data directory cannot be locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The agent log cannot be opened.
    #[error("{0}; the agent must be able to write its log (agent_log_path)")]
    AgentLog(io::Error),
    /// Several of these at once.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Several(Vec<StartError>),
    /// The system refused a thread or a socket.
    #[error("{what}: {error}")]
    Refused {
        /// What was asked for.
        what: String,
        /// Why.
        error: io::Error,
    },
}

/// The unit of systemd lets the agent write in its usual folders only.
fn of_the_unit(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => {
            "; if systemd starts it, `systemctl edit scalyr-agent-2` and name the folder there: [Service] ReadWritePaths="
        }
        _ => "",
    }
}

/// What the agent stands on: its directories, and what it holds in them.
pub(super) struct Ground {
    pub(super) pid_file: PidFile,
    pub(super) lock: DataLock,
    pub(super) agent_log: AgentLog,
    /// The path of the agent log, and the size it had.
    pub(super) own_log: (PathBuf, Offset),
}

impl Ground {
    /// Makes the directories, takes the pid file and the lock and opens the agent log.
    ///
    /// # Errors
    /// That an agent runs; or everything that stands in the way.
    pub(super) fn prepare(
        plan: &Plan,
        clock: &Clock,
        stdout: Option<Box<dyn io::Write + Send>>,
    ) -> Result<Self, StartError> {
        let pid_file =
            make_directory(&plan.log_path, "agent_log_path").and_then(|()| Ok(PidFile::take(&plan.log_path)?));
        let pid_file = match pid_file {
            // Then nothing else is worth a word.
            Err(error @ StartError::PidFile(PidFileError::Running { .. })) => return Err(error),
            pid_file => pid_file,
        };
        let lock =
            make_directory(&plan.data_path, "agent_data_path").and_then(|()| Ok(DataLock::take(&plan.data_path)?));
        let path = plan.log_path.join(FILE_NAME);
        let agent_log = pid_file.and_then(|pid_file| {
            let begin = Offset(fs::metadata(&path).map_or(0, |metadata| metadata.len()));
            let log = AgentLog::open(&plan.log_path, &plan.agent_log, clock.clone(), stdout);
            Ok((pid_file, log.map_err(StartError::AgentLog)?, begin))
        });
        match (lock, agent_log) {
            (Ok(lock), Ok((pid_file, agent_log, begin))) => {
                Ok(Self { pid_file, lock, agent_log, own_log: (path, begin) })
            }
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
            (Err(of_data), Err(of_log)) => Err(StartError::Several(vec![of_data, of_log])),
        }
    }
}

/// What would keep the agent from starting with this plan beside the problems of its configuration: directories in
/// which it cannot write. Makes and changes nothing.
pub fn unusable(plan: &Plan) -> Vec<StartError> {
    let of = [(&plan.data_path, "agent_data_path"), (&plan.log_path, "agent_log_path")];
    of.into_iter().filter_map(|(path, key)| check_directory(path, key).err()).collect()
}

fn check_directory(path: &Path, key: &'static str) -> Result<(), StartError> {
    // What is not there yet is made in the nearest directory that is.
    let Some(there) = path.ancestors().find(|ancestor| ancestor.exists()) else { return Ok(()) };
    if !there.is_dir() {
        return Err(StartError::NoDirectory { path: there.to_owned(), key });
    }
    access(there, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| StartError::Directory {
        path: path.to_owned(),
        key,
        error: error.into(),
    })
}

fn make_directory(path: &Path, key: &'static str) -> Result<(), StartError> {
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
///
/// With `debug_init` also what was known before this log was open.
pub(super) fn announce(logger: &Logger, plan: &Plan, config_file: &Path, report: &Report) {
    let system = rustix::system::uname();
    logger.info(format_args!(
        "Starting scalyr agent... (version={}) (revision={}) (pid={}) (host={}) (runtime=rust {RUNTIME}, {} {} {}) \
         (tls=rustls) (encoding=utf-8) (config={}) (server_host={})",
        env!("CARGO_PKG_VERSION"),
        build::revision(),
        std::process::id(),
        system.nodename().to_string_lossy(),
        system.sysname().to_string_lossy(),
        system.release().to_string_lossy(),
        system.machine().to_string_lossy(),
        config_file.display(),
        plan.server_attributes.get("serverHost").and_then(|host| host.as_str()).unwrap_or_default(),
    ));
    if plan.agent_log.debug_init {
        tell_of_process(logger, plan, report);
    }
    configuration::tell(logger, report.problems());
    for LogPlan { origin, path, .. } in &plan.logs {
        logger.debug(format_args!("{origin}: copying {path}"));
    }
}

/// What `debug_init` adds: the process, and what the configuration was read from. Nothing else happens before the log is
/// open, as no thread and no monitor is there yet.
fn tell_of_process(logger: &Logger, plan: &Plan, report: &Report) {
    use nix::unistd::{getegid, geteuid, getpgrp, getppid};
    logger.info("What was known before this log was open (debug_init):");
    // Either is 0 where it is outside of the namespace of this process.
    logger.debug(format_args!("process: parent_pid={} process_group={}", getppid(), getpgrp()));
    logger.debug(format_args!("user: uid={} gid={} is_agent=True", geteuid().as_raw(), getegid().as_raw()));
    let folder = std::env::current_dir().map_or_else(|error| error.to_string(), |path| path.display().to_string());
    logger.debug(format_args!("folders: current={folder} data={}", plan.data_path.display()));
    for source in report.sources().names() {
        logger.debug(format_args!("configuration: read from {source}"));
    }
}
