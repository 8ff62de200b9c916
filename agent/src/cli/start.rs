//! `agent start`: the agent itself.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use scalyr_monitor::registry::Environment;
use scalyr_monitor::{Clock, Stop};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::{configuration, signals};
use crate::config::load::DEFAULT_FILE;
use crate::supervisor::{Edge, Supervisor};
use crate::threads::Threads;

/// How often the main thread looks after what has to be done now and then.
const TICK: Duration = Duration::from_secs(5);

/// What `agent start` can be told.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration
    #[arg(short = 'c', long = "config-file", value_name = "FILE", default_value = DEFAULT_FILE)]
    pub config_file: PathBuf,

    /// Stay in the foreground and log to the terminal too; Ctrl-C ends the agent
    #[arg(long)]
    pub no_fork: bool,
}

impl Args {
    /// Why the agent cannot be started like this, for the person who asked for it.
    pub fn refusal(&self) -> Option<&'static str> {
        const BACKGROUND: &str = "the agent cannot put itself into the background yet: \
            use `agent start --no-fork`, for example from a systemd unit";
        (!self.no_fork).then_some(BACKGROUND)
    }
}

/// Runs the agent until SIGTERM or SIGINT; a copy of its log goes to `out`, what keeps it from starting to `err`.
///
/// Ends with success after an orderly stop, with 1 when it could not start, a stage broke or a monitor failed that has
/// `stop_agent_on_failure`, so that a service manager starts it again.
pub fn run(
    args: Args,
    environment: &Arc<Environment>,
    clock: &Clock,
    out: Box<dyn Write + Send>,
    err: &mut dyn Write,
) -> ExitCode {
    let served = match args.refusal() {
        Some(refusal) => Err(refusal.to_owned()),
        None => serve(args.config_file, environment, clock, out),
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
    config_file: PathBuf,
    environment: &Arc<Environment>,
    clock: &Clock,
    out: Box<dyn Write + Send>,
) -> Result<(), String> {
    let (plan, report) = configuration::read(&config_file, environment)?;
    // Before the first stage starts, so that a stop during the start is not lost.
    let (stop, threads) = (Stop::new(), Threads::new());
    signals::stop_on(&[SIGINT, SIGTERM], &stop, &threads)
        .map_err(|error| format!("signals cannot be handled: {error}"))?;
    let config_file = std::path::absolute(&config_file).unwrap_or(config_file);
    let edge = Edge { config_file, report, clock: clock.clone(), stdout: Some(out) };
    let supervisor = Supervisor::start(plan, edge).map_err(|error| error.to_string())?;
    let logger = supervisor.logger().clone();
    let tell = move || logger.warn("SIGHUP: the configuration is not read again yet; restart the agent for that");
    signals::call_on(SIGHUP, tell, &threads).map_err(|error| format!("signals cannot be handled: {error}"))?;
    // The first time at once: what failed in the start may be a reason to end.
    let mut broken = supervisor.tick();
    while broken.is_ok() && !stop.wait(TICK) {
        broken = supervisor.tick();
    }
    supervisor.stop();
    broken
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
