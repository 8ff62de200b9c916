//! `agent stop`: ends the agent, and waits until it has ended.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::Signal;
use scalyr_monitor::Clock;
use scalyr_monitor::registry::Environment;

use super::configuration::{self, Source};
use super::options::ConfigurationArgs;
use super::start::change_user;
use crate::config::{Severity, Whereabouts};
use crate::service::account::STAY;
use crate::service::holder::Holder;
use crate::service::pid_file;
use crate::service::systemd::Service;

/// An agent ends within 5 seconds; on a machine that is short of everything it may take longer.
const PATIENCE: Duration = Duration::from_secs(10);
/// What the system may need to clear away a process that was killed.
const AFTER_KILL: Duration = Duration::from_secs(5);
/// How often it is looked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What `agent stop` can be told.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
The agent is found by the pid file in the folder `agent_log_path` of its configuration, also when that has mistakes. It is
sent SIGTERM, once, and ends within 5 seconds: what it could not send by then is sent after the next start. An agent that
does not end within 10 seconds is killed, which loses nothing either. An agent that systemd runs as scalyr-agent-2 is stopped
by systemd: as root, this is `systemctl stop scalyr-agent-2`.

Exit status: 0 when no agent runs any more, also when none did before; 1 when it could not be ended; 2 for a wrong command
line.

Examples:
  agent stop
  agent stop -c agent.json")]
pub struct Args {
    /// Which configuration.
    #[command(flatten)]
    pub configuration: ConfigurationArgs,

    /// The pid file of the agent, used only when the configuration cannot be read
    #[arg(short = 'p', long, value_name = "FILE")]
    pub pid_file: Option<PathBuf>,

    /// Say only what is wrong
    #[arg(short = 'q', long)]
    pub quiet: bool,

    /// Stop it as the user who asks for it, whoever owns the configuration
    #[arg(long)]
    pub no_change_user: bool,
}

/// Stops the agent. `command_line` is that of this process, the program's own name first.
pub fn run(
    args: &Args,
    command_line: &[OsString],
    environment: &Arc<Environment>,
    clock: &Clock,
    (out, err): (&mut dyn Write, &mut dyn Write),
) -> ExitCode {
    let Args { configuration, pid_file, quiet, no_change_user } = args;
    let stopped = (|| {
        // Before anything else: only root may ask systemd, and may be about to become somebody else.
        if let Some(service) = service_of(configuration, pid_file.as_deref(), environment) {
            if rustix::process::geteuid().is_root() {
                service.have("stop", *quiet, out)?;
                if !quiet {
                    _ = writeln!(out, "Agent has stopped.");
                }
                return Ok(());
            }
            // systemd takes an orderly end for one that was wanted, and starts nothing anew.
            _ = writeln!(err, "{}", service.advice("stop"));
        }
        if !no_change_user {
            change_user(&configuration.config_file, command_line, *quiet, err)?;
        }
        let source = configuration.source(environment)?;
        let path = find(&source, pid_file.as_deref(), err);
        let mut nowhere = io::sink();
        let words: &mut dyn Write = if *quiet { &mut nowhere } else { out };
        if !terminate(&path, clock, words, err)? {
            _ = writeln!(
                err,
                "The agent does not appear to be running: {} names no process that runs.",
                path.display()
            );
        }
        Ok(())
    })();
    match stopped {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            let problem: String = problem;
            _ = writeln!(err, "{}", problem.trim_end());
            ExitCode::FAILURE
        }
    }
}

/// The service of systemd that the running agent of this configuration is. Whatever is wrong is told by who looks next.
pub(super) fn service_of(
    configuration: &ConfigurationArgs,
    pid_file: Option<&Path>,
    environment: &Arc<Environment>,
) -> Option<Service> {
    let source = configuration.source(environment).ok()?;
    let holder = Holder::of(&find(&source, pid_file, &mut io::sink())).ok()??;
    Service::of(holder.pid())
}

/// The pid file of the agent with this configuration. When that cannot be read: `instead`, or the one that it names as
/// far as it could be read, or else the default; which one is said on `err`.
pub(super) fn find(source: &Source, instead: Option<&Path>, err: &mut dyn Write) -> PathBuf {
    // Of the configuration no more than this needs: no monitor is built, and none that is refused stands in the way.
    let (whereabouts, report) = Whereabouts::of(&source.load());
    let path = pid_file::path_in(&whereabouts.log_path);
    if report.worst() != Some(Severity::Fatal) {
        return path;
    }
    // The agent that runs may have been started with a better one.
    let (path, from) = match instead {
        Some(given) => (given.to_owned(), "as --pid-file says"),
        None => (path, "the folder agent_log_path as far as it could be read, or else the default"),
    };
    _ = writeln!(
        err,
        "{}\nThe configuration cannot be used. The agent is looked for by the pid file {} ({from}).",
        configuration::text(&report).trim_end(),
        path.display()
    );
    path
}

/// Ends the agent whose pid file this is, and waits until it has ended. False when none ran.
///
/// # Errors
/// When it cannot be told whether one runs, or it does not end; what to do about it.
pub(super) fn terminate(path: &Path, clock: &Clock, out: &mut dyn Write, err: &mut dyn Write) -> Result<bool, String> {
    let Some(holder) = Holder::of(path)? else { return Ok(false) };
    let pid = holder.pid();
    // Whoever reads it may have gone away; the agent is stopped all the same.
    _ = writeln!(out, "Sending signal to terminate agent.");
    let send = |signal| match holder.send(signal) {
        Ok(()) => Ok(()),
        Err(Errno::PERM) => Err(format!(
            "The agent (process {pid}) belongs to another user. Stop it as that user, or as root with {STAY}"
        )),
        Err(error) => Err(format!("The agent (process {pid}) cannot be sent a signal: {error}")),
    };
    let wait = |time: Duration| {
        let end = clock.monotonic() + time;
        loop {
            if holder.has_ended() {
                return true;
            }
            if clock.monotonic() >= end {
                return false;
            }
            thread::sleep(LOOK_EVERY);
        }
    };
    send(Signal::TERM)?;
    if !wait(PATIENCE) {
        _ = writeln!(
            err,
            "The agent (process {pid}) has not ended within {} s and is killed. What it has not sent is sent after the next \
             start.",
            PATIENCE.as_secs()
        );
        send(Signal::KILL)?;
        if !wait(AFTER_KILL) {
            return Err(format!(
                "The agent (process {pid}) does not end, although it was killed: the system holds it, for a disk or a mount \
                 that does not answer perhaps"
            ));
        }
    }
    // Another agent may have it by now, and keeps it then.
    if let Err(error) = pid_file::remove_left_over(path) {
        _ = writeln!(err, "The pid file {} is left: {error}", path.display());
    }
    _ = writeln!(out, "Agent has stopped.");
    Ok(true)
}
