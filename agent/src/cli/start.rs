//! `agent start`: the agent itself, in the foreground or in the background.

mod calls;
mod foreground;
mod launch;
mod remote;
mod verified;
mod watch;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use scalyr_monitor::Clock;
use scalyr_monitor::registry::Environment;

use crate::service::account;
use crate::service::pid_file::of_process;
pub(super) use launch::in_background;
pub(super) use verified::Verified;

use super::options::ConfigurationArgs;

/// What `agent start` can be told.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
The agent goes into the background once everything was started; what keeps it from that is said here, all at once, and
nothing stays behind. An entry that is refused does not run, everything else does. When a file has changed, or on SIGHUP,
the configuration is read again and only what changed restarts; one with new mistakes is not used. `agent stop` or SIGTERM
ends the agent, within 5 seconds.

The agent runs as the owner of its configuration; root starts it as that user.

Exit status: 0 when the agent runs in the background, or ran already; with --no-fork after an orderly stop. 1 when it could
not start, a server refused a key at the start, or a monitor with `stop_agent_on_failure` failed. 2 for a wrong command line.

Examples:
  agent check && agent start              with the configuration of the package
  agent start --no-fork -c agent.json     under systemd, in a container, to try out
  kill -HUP PID                           that process reads its files again")]
pub struct Args {
    /// Which configuration.
    #[command(flatten)]
    pub configuration: ConfigurationArgs,

    /// Stay in the foreground and log to the terminal too; Ctrl-C ends the agent
    #[arg(long)]
    pub no_fork: bool,

    /// Do not ask the servers whether they accept the keys before the agent starts
    ///
    /// They are asked when a terminal is attached, or with check_remote_if_no_tty. A refused key ends the start; any other
    /// trouble is only told of.
    #[arg(long)]
    pub no_check_remote_server: bool,

    /// Say only what is wrong
    #[arg(short = 'q', long)]
    pub quiet: bool,

    /// Run as the user who starts it, whoever owns the configuration
    #[arg(long)]
    pub no_change_user: bool,

    /// Where the agent is looked for when the configuration cannot be read, which ends a start in any case
    #[arg(short = 'p', long, value_name = "FILE", hide = true)]
    pub pid_file: Option<PathBuf>,

    /// The agent itself, as `start` runs it in the background: it tells on its standard output when everything runs
    #[arg(long, hide = true, requires = "no_fork")]
    pub in_background: bool,
}

/// Where the words of a start go.
pub struct Terminal {
    /// Takes what was done; with `--no-fork` a copy of the agent's log.
    pub out: Box<dyn Write + Send>,
    /// Takes what is wrong.
    pub err: Box<dyn Write + Send>,
    /// Whether somebody looks at it.
    pub is_attached: bool,
}

impl Terminal {
    /// Standard output and standard error.
    pub fn standard() -> Self {
        use io::IsTerminal as _;
        let (out, err) = (io::stdout(), io::stderr());
        Self { is_attached: out.is_terminal(), out: Box::new(out), err: Box::new(err) }
    }
}

/// How a start went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It runs in the background; or it ran in the foreground, and has stopped.
    Good,
    /// An agent runs already.
    Already(Option<u32>),
    /// It does not run, and has said why.
    Failed,
}

/// Runs the agent as `args` ask for: in the background, until that runs; in the foreground, until SIGTERM or SIGINT.
/// `command_line` is that of this process, the program's own name first.
///
/// Ends with success when it runs, ran already, or was stopped in order; with 1 when it could not start, a stage broke or
/// a monitor failed that has `stop_agent_on_failure`, so that a service manager starts it again.
pub fn run(
    args: Args,
    command_line: &[OsString],
    environment: &Arc<Environment>,
    clock: &Clock,
    mut terminal: Terminal,
) -> ExitCode {
    if !args.no_change_user
        && let Err(problem) = change_user(&args.configuration.config_file, command_line, args.quiet, &mut terminal.err)
    {
        return conclude(Err(problem), &mut terminal.err);
    }
    if args.no_fork {
        return foreground::run(args, environment, clock, terminal);
    }
    let outcome = Verified::read(&args, environment, clock).and_then(|verified| {
        if let Some(pid) = verified.running() {
            return Ok(Outcome::Already(Some(pid)));
        }
        let asked = verified.ask_servers(&args, clock, &mut terminal)?;
        in_background(&args, &verified, asked, command_line.first(), clock, &mut terminal)
    });
    conclude(outcome, &mut terminal.err)
}

/// Goes on as the owner of the configuration.
///
/// # Errors
/// See [`account::run_as_owner`].
pub(super) fn change_user(
    config_file: &std::path::Path,
    command_line: &[OsString],
    is_quiet: bool,
    err: &mut dyn Write,
) -> Result<(), String> {
    let mut nowhere = io::sink();
    account::run_as_owner(config_file, command_line, if is_quiet { &mut nowhere } else { err })
}

/// Says how a start went, and gives its exit code.
pub(super) fn conclude(outcome: Result<Outcome, String>, err: &mut dyn Write) -> ExitCode {
    // Nowhere is left to tell it when this fails, too.
    match outcome {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::Already(pid)) => {
            _ = writeln!(err, "The agent is already running{}.", of_process(pid));
            ExitCode::SUCCESS
        }
        Ok(Outcome::Failed) => ExitCode::FAILURE,
        Err(problem) => {
            _ = writeln!(err, "{}\nThe agent does not run.", problem.trim_end());
            ExitCode::FAILURE
        }
    }
}
