//! From the arguments of `agent --run-monitor` to a run.

use std::io;
use std::path::PathBuf;

use scalyr_monitor::Clock;
use scalyr_monitor::registry::Registry;

use super::args::Args;
use super::{Request, run};
use crate::cli::{self, surroundings};
use crate::config::{self, RunRequest, Severity};
use crate::threads::Threads;

/// Runs the monitor that the arguments name. Problems of its configuration go to stderr; the exit code is 1 when they
/// keep it from running.
pub fn command(args: Args) -> u8 {
    let environment = surroundings::environment();
    let registry = match Registry::linked() {
        Ok(registry) => registry,
        Err(clashes) => return cli::fail(&clashes.join("\n")),
    };
    let load = |file: &PathBuf| {
        config::load(&config::Request { file, named_by: "-a", extra_directory: None, environment: &environment })
    };
    let loaded = args.agent_config.as_ref().map(load);
    if let Some(loaded) = loaded.as_ref().filter(|loaded| loaded.report.worst() == Some(Severity::Fatal)) {
        return cli::refuse(&loaded.report);
    }
    let request = RunRequest {
        module: &args.module,
        config_text: &args.monitor_config,
        sample_interval: args.sample_interval,
        agent_config: loaded.as_ref(),
    };
    match config::monitor_plan_for_run(&request, &registry, &environment) {
        Err(report) => cli::refuse(&report),
        Ok(planned) => {
            cli::print_report(&planned.report);
            let request = Request {
                plan: planned.monitor,
                log_path: planned.log_path,
                debug_level: args.debug_level,
                samples: args.samples,
                added_entries: planned.added_entries,
            };
            run(request, Clock::system(), &Threads::new(), Box::new(io::stdout()), &mut io::stderr())
        }
    }
}
