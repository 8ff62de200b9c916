//! `agent status`: whether an agent runs, and how it stands.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use scalyr_monitor::registry::Environment;

use super::configuration::{self, Source};
use crate::config::Severity;
use crate::config::load::DEFAULT_FILE;
use crate::status::{Format, socket};

/// The exit code of `status` when no agent runs, as scripts know it.
const NOT_RUNNING: u8 = 4;

/// What `agent status` can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The agent is found by the folder `agent_data_path` of its configuration, also when that has mistakes. With -v it says which
configuration is in use, since when, what was refused of it, and whether the one on disk is newer and invalid.

Exit status: 0 when the agent runs; 4 when it does not, with -v 1; 2 for a wrong command line.")]
pub struct Args {
    /// The configuration of the agent that is asked
    #[arg(short = 'c', long = "config-file", value_name = "FILE", default_value = DEFAULT_FILE)]
    pub config_file: PathBuf,

    /// A second folder of configuration fragments, as the agent was started with it
    #[arg(long, value_name = "DIR")]
    pub extra_config_dir: Option<PathBuf>,

    /// Ask the running agent for everything it knows: files, monitors, uploads; -vv also lists the paths beyond the
    /// hundred that have most to tell
    #[arg(short = 'v', long, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// How the report of -v is printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// Asks the agent of this configuration. Without `-v` one line tells whether it runs: exit 0, or 4 when it does not.
/// With `-v` its report is printed: exit 0, or 1 when there is none.
pub fn run(args: &Args, environment: &Arc<Environment>, out: &mut dyn Write, err: &mut dyn Write) -> ExitCode {
    let Args { config_file, extra_config_dir, verbose, format } = args;
    let source = match Source::new(config_file, extra_config_dir.as_deref(), environment) {
        Ok(source) => source,
        Err(problem) => {
            _ = writeln!(err, "{problem}");
            return ExitCode::FAILURE;
        }
    };
    let draft = source.draft(&source.load());
    if draft.report.worst() == Some(Severity::Fatal) {
        // The agent that runs may have been started with a better one.
        _ = writeln!(
            err,
            "{}\nThe configuration cannot be used. The agent is looked for in {}, as far as it could be read.",
            configuration::text(&draft.report).trim_end(),
            draft.plan().data_path.display()
        );
    }
    let plan = draft.plan();
    let is_verbose = *verbose > 0;
    let wanted = match format {
        _ if !is_verbose => Format::Json,
        Format::Text if *verbose > 1 => Format::EveryPath,
        format => *format,
    };
    match socket::ask(&plan.data_path, wanted) {
        Ok(report) if is_verbose => match out.write_all(report.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Ok(report) => {
            let report: serde_json::Value = serde_json::from_str(&report).unwrap_or_default();
            _ = writeln!(out, "The agent is running (process {}).", report["pid"].as_u64().unwrap_or_default());
            for trouble in report["troubles"].as_array().into_iter().flatten().filter_map(|trouble| trouble.as_str()) {
                _ = writeln!(out, "It is unhealthy: {trouble}; `agent status -v` tells more.");
            }
            ExitCode::SUCCESS
        }
        Err(error) if is_absent(&error) => {
            _ = writeln!(
                err,
                "The agent does not appear to be running: nobody answers in {}. One that was started with another \
                 agent_data_path is not looked for there.",
                plan.data_path.display()
            );
            if is_verbose { ExitCode::FAILURE } else { ExitCode::from(NOT_RUNNING) }
        }
        Err(error) => {
            _ = writeln!(err, "The agent in {} cannot be asked: {error}.", plan.data_path.display());
            ExitCode::FAILURE
        }
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}
