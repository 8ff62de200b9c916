//! A configuration that an agent can be started with, as far as that can be known before it is.

use std::sync::Arc;

use scalyr_monitor::registry::Environment;
use scalyr_monitor::{Clock, Stop};

use super::{Args, Terminal, remote};
use crate::cli::configuration::{self, Source};
use crate::config::Report;
use crate::config::effective::EffectiveOption;
use crate::config::load::Loaded;
use crate::config::plan::Plan;
use crate::config::report::on_one_line;
use crate::monitors::rehearsal::rehearse;
use crate::service::pid_file;
use crate::supervisor::{self, StartError};

/// What was read and found good enough.
pub(in crate::cli) struct Verified {
    pub(super) source: Source,
    pub(super) loaded: Loaded,
    pub(in crate::cli) plan: Plan,
    pub(super) report: Report,
    pub(super) options: Vec<EffectiveOption>,
}

impl Verified {
    /// Reads the configuration, and tries its monitors unless this process runs them itself. Makes and changes nothing.
    ///
    /// # Errors
    /// All that keeps an agent from its start, a line each.
    pub(in crate::cli) fn read(args: &Args, environment: &Arc<Environment>, clock: &Clock) -> Result<Self, String> {
        let source = args.configuration.source(environment)?;
        let loaded = source.load();
        let mut draft = source.draft(&loaded);
        if !args.no_fork {
            rehearse(&mut draft, &loaded, clock);
        }
        let options = std::mem::take(&mut draft.options);
        let unusable = supervisor::unusable(draft.plan());
        let (plan, report) = draft.runnable().map_err(|report| with_folders(&report, &unusable))?;
        Ok(Self { source, loaded, plan, report, options })
    }

    /// The agent of this configuration that runs now. Whether the pid file can be used at all is told by the start.
    pub(in crate::cli) fn running(&self) -> Option<u32> {
        pid_file::running(&pid_file::path_in(&self.plan.log_path)).unwrap_or(None)
    }

    /// Asks the servers whether they accept the keys, when that is wanted. True when all were asked and do.
    ///
    /// # Errors
    /// When one refuses a key.
    pub(in crate::cli) fn ask_servers(
        &self,
        args: &Args,
        clock: &Clock,
        terminal: &mut Terminal,
    ) -> Result<bool, String> {
        // Whoever waits on the terminal ends this process with Ctrl-C.
        self.ask_servers_until(&Stop::new(), args, clock, terminal)
    }

    /// The same, until `stop`.
    pub(super) fn ask_servers_until(
        &self,
        stop: &Stop,
        args: &Args,
        clock: &Clock,
        terminal: &mut Terminal,
    ) -> Result<bool, String> {
        let is_wanted = (terminal.is_attached || self.plan.check_remote) && !args.no_check_remote_server;
        if is_wanted { remote::check(&self.plan, clock, stop, &mut terminal.err) } else { Ok(false) }
    }
}

/// The problems of a configuration, and of the folders that it names as far as it could be read.
fn with_folders(report: &Report, unusable: &[StartError]) -> String {
    let folders = unusable.iter().map(|error| format!("error: {}\n", on_one_line(&error.to_string())));
    let problems = configuration::text(report);
    std::iter::once(format!("{}\n", problems.trim_end())).chain(folders).collect()
}
