//! `agent start`: the agent itself.

mod calls;
mod remote;
mod watch;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use scalyr_monitor::registry::Environment;
use scalyr_monitor::{Clock, Stop};

use super::configuration::{self, Source};
use crate::config::Report;
use crate::config::load::DEFAULT_FILE;
use crate::config::report::on_one_line;
use crate::supervisor::{self, Edge, StartError, Supervisor};
use crate::threads::Threads;
use calls::{Call, Calls};
use watch::Watch;

/// How often the main thread looks after what has to be done now and then.
const TICK: Duration = Duration::from_secs(5);

/// What `agent start` can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
With a fatal mistake in the configuration it does not start, and says all that is wrong. An entry that is refused does not
run, everything else does. When a file has changed, or on SIGHUP, the configuration is read again and only what changed
restarts; one with new mistakes is not used. SIGTERM ends the agent.

Exit status: 0 after an orderly stop; 1 when it could not start, a server refused a key at the start, or a monitor with `stop_agent_on_failure` failed; 2 for a
wrong command line.

Examples:
  agent check && agent start --no-fork       with the configuration of the package
  agent start --no-fork -c agent.json
  kill -HUP PID                              the process that `agent status` names reads its configuration again")]
pub struct Args {
    /// The configuration
    #[arg(short = 'c', long = "config-file", value_name = "FILE", default_value = DEFAULT_FILE)]
    pub config_file: PathBuf,

    /// A second folder of configuration fragments, relative to the folder of the configuration
    #[arg(long, value_name = "DIR")]
    pub extra_config_dir: Option<PathBuf>,

    /// Stay in the foreground and log to the terminal too; Ctrl-C ends the agent
    #[arg(long)]
    pub no_fork: bool,

    /// Do not ask the servers whether they accept the keys before the agent starts
    ///
    /// They are asked when a terminal is attached, or with check_remote_if_no_tty. A refused key ends the start; any other
    /// trouble is only told of.
    #[arg(long)]
    pub no_check_remote_server: bool,
}

/// Where a copy of the agent's log goes.
pub struct Terminal {
    /// Takes the lines.
    pub out: Box<dyn Write + Send>,
    /// Whether somebody looks at it.
    pub is_attached: bool,
}

impl Args {
    /// Why the agent cannot be started like this, for the person who asked for it.
    pub fn refusal(&self) -> Option<&'static str> {
        const BACKGROUND: &str = "the agent cannot put itself into the background yet: \
            use `agent start --no-fork`, for example from a systemd unit";
        (!self.no_fork).then_some(BACKGROUND)
    }
}

/// Runs the agent until SIGTERM or SIGINT; a copy of its log goes to the terminal, what keeps it from starting to `err`.
///
/// Ends with success after an orderly stop, with 1 when it could not start, a stage broke or a monitor failed that has
/// `stop_agent_on_failure`, so that a service manager starts it again.
pub fn run(
    args: Args,
    environment: &Arc<Environment>,
    clock: &Clock,
    terminal: Terminal,
    err: &mut dyn Write,
) -> ExitCode {
    let served = match args.refusal() {
        Some(refusal) => Err(refusal.to_owned()),
        None => serve(&args, environment, clock, terminal, err),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            // Nowhere is left to tell it when this fails, too.
            _ = writeln!(err, "{}\nThe agent does not run.", problem.trim_end());
            ExitCode::FAILURE
        }
    }
}

fn serve(
    args: &Args,
    environment: &Arc<Environment>,
    clock: &Clock,
    terminal: Terminal,
    err: &mut dyn Write,
) -> Result<(), String> {
    // Before anything else, so that a stop during the start is not lost, and no SIGHUP ends the process.
    let (stop, threads) = (Stop::new(), Threads::new());
    let calls = Calls::listen(&stop, &threads).map_err(|error| format!("signals cannot be handled: {error}"))?;
    let source = Source::new(&args.config_file, args.extra_config_dir.as_deref(), environment)?;
    let loaded = source.load();
    let mut draft = source.draft(&loaded);
    let options = std::mem::take(&mut draft.options);
    let unusable = supervisor::unusable(draft.plan());
    let (plan, report) = draft.runnable().map_err(|report| with_folders(&report, &unusable))?;
    if (terminal.is_attached || plan.check_remote) && !args.no_check_remote_server {
        remote::check(&plan, clock, &stop, err)?;
    }
    let config_file = source.file().to_owned();
    let edge = Edge { config_file, report, options, clock: clock.clone(), stdout: Some(terminal.out) };
    let supervisor = Supervisor::start(plan, edge).map_err(|error| error.to_string())?;
    supervisor.hurry_on(&stop);
    let ended = live(&supervisor, &mut Watch::new(source, loaded), &calls, clock);
    supervisor.stop();
    ended
}

/// The problems of a configuration, and of the folders that it names as far as it could be read.
fn with_folders(report: &Report, unusable: &[StartError]) -> String {
    let folders = unusable.iter().map(|error| format!("error: {}\n", on_one_line(&error.to_string())));
    let problems = configuration::text(report);
    std::iter::once(format!("{}\n", problems.trim_end())).chain(folders).collect()
}

/// Until the agent is to stop: does what has to be done now and then, and follows the configuration.
fn live(supervisor: &Supervisor, watch: &mut Watch, calls: &Calls, clock: &Clock) -> Result<(), String> {
    let interval = || supervisor.config_check_interval().unwrap_or(TICK);
    let mut next_tick = clock.monotonic();
    let mut last_look = next_tick;
    loop {
        // The first time at once: what failed in the start may be a reason to end.
        let now = clock.monotonic();
        if now >= next_tick {
            supervisor.tick()?;
            next_tick = now + TICK;
        }
        let next_look = last_look.checked_add(interval()).unwrap_or(next_tick + TICK);
        let asked = match calls.wait(next_tick.min(next_look).saturating_duration_since(clock.monotonic())) {
            Call::Stop => return Ok(()),
            Call::Reload => true,
            Call::None => false,
        };
        if asked || clock.monotonic() >= next_look {
            if asked {
                supervisor.logger().info("SIGHUP: reading the configuration again");
            }
            watch.look(supervisor, asked)?;
            last_look = clock.monotonic();
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Start {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn the_background_is_refused_and_the_way_out_is_named() {
        let args = Start::try_parse_from(["start"]).unwrap().args;
        assert_eq!(args.config_file, PathBuf::from("/etc/scalyr-agent-2/agent.json"));
        assert!(args.refusal().unwrap().contains("--no-fork"));
        assert_eq!(Start::try_parse_from(["start", "--no-fork"]).unwrap().args.refusal(), None);
    }
}
