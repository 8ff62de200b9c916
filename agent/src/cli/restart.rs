//! `agent restart` and `agent condrestart`: the running agent makes way for one that reads the configuration anew.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use scalyr_monitor::Clock;
use scalyr_monitor::registry::Environment;

use super::start::{self, Terminal, Verified, change_user, conclude, in_background};
use super::stop::{self, service_of};
use crate::service::pid_file;
use crate::service::systemd::Service;

/// What `agent restart` and `agent condrestart` can be told.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
The configuration is verified first, and the servers are asked as `agent start` asks them: when the agent could not start
with it, the one that runs is left alone. For a configuration that has changed no restart is needed: the agent reads it
again by itself, and at once on SIGHUP. An agent that systemd runs as scalyr-agent-2 stays there: as root, this is
`systemctl restart scalyr-agent-2`.

Exit status: 0 when the agent runs anew, and for condrestart also when none ran; 1 when it does not; 2 for a wrong command
line.

Examples:
  agent restart -c agent.json
  agent condrestart --quiet                  as the scripts of packages call it")]
// `start::Args` brings a group of the name that this one would have.
#[group(skip)]
pub struct Args {
    /// How it is started again.
    #[command(flatten)]
    pub start: start::Args,
}

/// Whether an agent must run already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// `restart`.
    Always,
    /// `condrestart`: when none runs, nothing is done, whatever the configuration is like.
    Running,
}

/// Stops the agent if it runs, and starts it. `command_line` is that of this process, the program's own name first.
pub fn run(
    args: Args,
    when: When,
    command_line: &[OsString],
    environment: &Arc<Environment>,
    clock: &Clock,
    mut terminal: Terminal,
) -> ExitCode {
    let args = args.start;
    // Before anything else: only root may ask systemd, and may be about to become somebody else.
    if let Some(service) = service_of(&args.configuration, args.pid_file.as_deref(), environment) {
        return by_systemd(&service, &args, environment, clock, &mut terminal);
    }
    let prepared = prepare(&args, when, command_line, environment, clock, &mut terminal);
    let (verified, have_accepted) = match prepared {
        Ok(Some(prepared)) => prepared,
        Ok(None) => return ExitCode::SUCCESS,
        Err(problem) => {
            // Not "does not run": the one before may.
            _ = writeln!(terminal.err, "{}\nNothing was stopped or started.", problem.trim_end());
            return ExitCode::FAILURE;
        }
    };
    let path = pid_file::path_in(&verified.plan.log_path);
    let mut nowhere = io::sink();
    let words: &mut dyn Write = if args.quiet { &mut nowhere } else { &mut terminal.out };
    if let Err(problem) = stop::terminate(&path, clock, words, &mut terminal.err) {
        _ = writeln!(terminal.err, "{problem}\nIt was not started again.");
        return ExitCode::FAILURE;
    }
    if args.no_fork {
        // The servers were asked already.
        let args = start::Args { no_check_remote_server: true, no_change_user: true, ..args };
        drop(verified);
        return start::run(args, command_line, environment, clock, terminal);
    }
    let started = in_background(&args, &verified, have_accepted, command_line.first(), clock, &mut terminal);
    conclude(started, &mut terminal.err)
}

/// The same for an agent that systemd runs: a new one would be outside of it, without its limits and its watchdog.
fn by_systemd(
    service: &Service,
    args: &start::Args,
    environment: &Arc<Environment>,
    clock: &Clock,
    terminal: &mut Terminal,
) -> ExitCode {
    let restarted = (|| {
        if args.no_fork {
            return Err(format!("{}; --no-fork is for agents that systemd does not run", service.advice("restart")));
        }
        if rustix::process::geteuid().is_root() {
            Verified::read(args, environment, clock)?.ask_servers(args, clock, terminal)?;
        }
        service.have("restart", args.quiet, &mut terminal.out)
    })();
    if let Err(problem) = restarted {
        _ = writeln!(terminal.err, "{}\nNothing was stopped or started from here.", problem.trim_end());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// All that can fail before the running agent is touched. None when there is nothing to restart.
fn prepare(
    args: &start::Args,
    when: When,
    command_line: &[OsString],
    environment: &Arc<Environment>,
    clock: &Clock,
    terminal: &mut Terminal,
) -> Result<Option<(Verified, bool)>, String> {
    if !args.no_change_user {
        change_user(&args.configuration.config_file, command_line, args.quiet, &mut terminal.err)?;
    }
    if when == When::Running {
        let source = args.configuration.source(environment)?;
        let path = stop::find(&source, args.pid_file.as_deref(), &mut terminal.err);
        let running = pid_file::running(&path);
        if running.map_err(|error| format!("The pid file {} cannot be read: {error}", path.display()))?.is_none() {
            if !args.quiet {
                _ = writeln!(terminal.err, "The agent does not run, so it is not restarted.");
            }
            return Ok(None);
        }
    }
    let verified = Verified::read(args, environment, clock)?;
    let have_accepted = verified.ask_servers(args, clock, terminal)?;
    Ok(Some((verified, have_accepted)))
}
