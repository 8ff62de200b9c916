//! The agent put into the background, and what is said of it.

use std::ffi::OsString;
use std::io::Write as _;
use std::time::Duration;

use scalyr_monitor::Clock;

use super::{Args, Outcome, Terminal, Verified};
use crate::cli::configuration;
use crate::own_logs::agent_log;
use crate::service::account;
use crate::service::background::{Came, Starting};
use crate::supervisor;

/// How long it is waited until everything was started.
const PATIENCE: Duration = Duration::from_secs(30);

/// Starts the agent in the background and waits until it runs; `have_accepted` tells whether the servers were asked, and
/// all of them accept the keys.
///
/// # Errors
/// When it cannot be started.
pub(in crate::cli) fn in_background(
    args: &Args,
    verified: &Verified,
    have_accepted: bool,
    own_name: Option<&OsString>,
    clock: &Clock,
    terminal: &mut Terminal,
) -> Result<Outcome, String> {
    if let Some(error) = supervisor::unusable(&verified.plan).first() {
        return Err(format!("error: {error}"));
    }
    // It keeps no agent from its start, and stands in the log; but whoever starts one looks here.
    if !verified.report.problems().is_empty() {
        _ = writeln!(terminal.err, "{}", configuration::text(&verified.report).trim_end());
    }
    let failed = |error| format!("error: the agent cannot be started in the background: {error}");
    let starting = Starting::launch(own_name, &arguments(args, verified)).map_err(failed)?;
    let pid = starting.id();
    let came = starting.wait(PATIENCE, clock).map_err(failed)?;
    let log = verified.plan.log_path.join(agent_log::FILE_NAME);
    // A reader who has gone away misses nothing but words.
    match came {
        Came::Running => {
            let what = if have_accepted { "Configuration and server connection" } else { "Configuration" };
            if !args.quiet {
                _ = writeln!(
                    terminal.out,
                    "{what} verified.\nThe agent runs in the background (process {pid}); its log is {}",
                    log.display()
                );
            }
            Ok(Outcome::Good)
        }
        // It has said so itself.
        Came::Already => Ok(Outcome::Good),
        Came::Ended(status) => {
            if status.code().is_none() {
                _ = writeln!(terminal.err, "The agent was ended while it started: {status}.");
            } else if status.success() {
                _ = writeln!(terminal.err, "The agent was stopped while it started.");
            }
            Ok(Outcome::Failed)
        }
        Came::StillStarting => {
            _ = writeln!(
                terminal.err,
                "The agent (process {pid}) has not said within {} s that it runs, and is still starting; what it does is \
                 in {}",
                PATIENCE.as_secs(),
                log.display()
            );
            Ok(Outcome::Good)
        }
    }
}

/// What the agent itself is started with.
fn arguments(args: &Args, verified: &Verified) -> Vec<OsString> {
    let mut arguments: Vec<OsString> =
        ["start", "--no-fork", "--in-background", account::STAY, "--no-check-remote-server", "-c"]
            .map(OsString::from)
            .into();
    arguments.push(verified.source.file().into());
    if let Some(folder) = &args.configuration.extra_config_dir {
        arguments.extend(["--extra-config-dir".into(), folder.into()]);
    }
    arguments
}
