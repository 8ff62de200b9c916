//! Finds the running agent, whatever its configuration is by now.
//!
//! Two locks say that an agent runs: that of its data folder, and that of its pid file, which the Python agent has, too.
//! Both hold its process. What else there is, its socket, is asked for a report.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use scalyr_monitor::registry::Environment;

use super::Args;
use crate::cli::configuration;
use crate::config::{self, Severity, Whereabouts};
use crate::data_lock;
use crate::service::pid_file;
use crate::status::socket;

/// A process has more open files than are looked at.
const MOST_FILES: usize = 65_536;

/// Where the agent is, or would be.
#[derive(Debug)]
pub(super) struct Found {
    /// `agent_data_path`: who has a socket there is asked. None of an agent of which only the process is known.
    pub(super) data_path: Option<PathBuf>,
    /// `agent_log_path`.
    pub(super) log_path: PathBuf,
    /// Its process, as far as its locks tell; 0 when they do not say which it is.
    pub(super) pid: Option<u32>,
    /// `agent_status_timeout`.
    pub(super) patience: Duration,
}

impl Found {
    /// The folder to name when there is nobody.
    pub(super) fn folder(&self) -> &Path {
        self.data_path.as_deref().unwrap_or(&self.log_path)
    }
}

/// A pair of folders that an agent may have.
struct Place {
    data_path: Option<PathBuf>,
    log_path: PathBuf,
    pid_file: PathBuf,
    /// What it is called in the message to the user.
    told: String,
}

impl Place {
    fn of(whereabouts: &Whereabouts, told: &str) -> Self {
        let Whereabouts { data_path, log_path, .. } = whereabouts;
        Self {
            data_path: Some(data_path.clone()),
            log_path: log_path.clone(),
            pid_file: pid_file::path_in(log_path),
            told: format!("{} ({told})", data_path.display()),
        }
    }

    /// What `-p` names.
    fn of_pid_file(pid_file: &Path) -> Self {
        let pid_file = std::path::absolute(pid_file).unwrap_or_else(|_| pid_file.to_owned());
        Self {
            data_path: None,
            log_path: pid_file.parent().unwrap_or(Path::new("/")).to_owned(),
            told: format!("{} (-p)", pid_file.display()),
            pid_file,
        }
    }

    /// The process that holds a lock of this place.
    fn holder(&self) -> Option<u32> {
        let of_data = self.data_path.as_ref().map(|folder| folder.join(data_lock::FILE_NAME));
        // A lock that this user must not see says nothing.
        let by_data = of_data.and_then(|lock| data_lock::holder(&lock).ok().flatten());
        by_data.or_else(|| pid_file::running(&self.pid_file).ok().flatten())
    }

    fn found(&self, patience: Duration) -> Found {
        let pid = self.holder();
        // One that was started with another `agent_data_path` holds the lock of that.
        let is_elsewhere = self.data_path.as_ref().is_none_or(|folder| !folder.join(socket::NAME).exists());
        let moved = pid.filter(|_| is_elsewhere).and_then(data_path_of);
        let data_path = moved.or_else(|| self.data_path.clone());
        Found { data_path, log_path: self.log_path.clone(), pid, patience }
    }
}

/// Looks for the agent where its configuration says; where that cannot be read, in the folders that it had by default, and
/// by the pid file of `-p`: then `err` is told why and where.
pub(super) fn find(args: &Args, environment: &Environment, err: &mut dyn Write) -> Found {
    let loaded = config::load(&config::Request {
        file: &args.configuration.config_file,
        named_by: "-c",
        extra_directory: args.configuration.extra_config_dir.as_deref(),
        environment,
    });
    let (whereabouts, report) = Whereabouts::of(&loaded);
    let patience = whereabouts.status_timeout;
    let defaults = Whereabouts::default_ones();
    let has_default_folder = whereabouts.data_path == defaults.data_path;
    let by_configuration = match has_default_folder && !whereabouts.is_certain {
        true => Place::of(&whereabouts, "the default"),
        false => Place::of(&whereabouts, "agent_data_path"),
    };
    let mut places = vec![by_configuration];
    if report.worst() == Some(Severity::Fatal) {
        if !whereabouts.is_certain && !has_default_folder {
            places.push(Place::of(&defaults, "the default"));
        }
        places.extend(args.pid_file.as_deref().map(Place::of_pid_file));
        let told: Vec<&str> = places.iter().map(|place| place.told.as_str()).collect();
        _ = writeln!(
            err,
            "{}\nThe configuration cannot be used. The agent is looked for in {}.",
            configuration::text(&report).trim_end(),
            told.join(", then ")
        );
    }
    let mut found = places.iter().map(|place| place.found(patience));
    let first = found.next();
    let running =
        first.as_ref().filter(|first| first.pid.is_some()).is_none().then(|| found.find(|found| found.pid.is_some()));
    running.flatten().or(first).unwrap_or(Found { data_path: None, log_path: PathBuf::new(), pid: None, patience })
}

/// The data folder of a running agent: it keeps the lock file in it open. None of the Python agent's, and of a process that
/// this user must not look at.
fn data_path_of(pid: u32) -> Option<PathBuf> {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let opened = files.take(MOST_FILES).flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    let mut locks = opened.filter(|file| file.file_name().is_some_and(|name| name == data_lock::FILE_NAME));
    locks.find_map(|lock| lock.parent().map(Path::to_owned))
}
