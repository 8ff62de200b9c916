//! What `agent --run-monitor` can be told.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::cli::{FAILURE, USAGE};
use crate::config::NO_OPTIONS;
use crate::config::keys::MIN_SAMPLE_INTERVAL;

/// Runs one monitor and prints what it measures, until Ctrl-C. Nothing is sent and no file is written.
#[derive(Debug, clap::Parser)]
#[command(
    name = "agent",
    override_usage = "agent --run-monitor MODULE [OPTIONS]",
    after_help = "Example: agent --run-monitor coin -c '{ gauss_mean: 8.5 }' -s 1 --samples 3"
)]
pub struct Args {
    /// The monitor, by its short name or by the `module` of existing configurations
    #[arg(long = "run-monitor", value_name = "MODULE")]
    pub module: String,

    /// The monitor's options, as they would stand in its entry of `monitors`
    #[arg(short = 'c', long = "monitor-config", value_name = "TEXT", default_value = NO_OPTIONS)]
    pub monitor_config: String,

    /// Seconds between two samples; `sample_interval` in TEXT wins
    #[arg(short = 's', long = "monitor-sample-interval", value_name = "SECS", default_value = "5", value_parser = interval)]
    pub sample_interval: Duration,

    /// The configuration of an agent, for its `agent_log_path` and its random first delay only; the monitor's options
    /// come from -c, not from the `monitors` of FILE
    #[arg(short = 'a', long = "agent-config", value_name = "FILE")]
    pub agent_config: Option<PathBuf>,

    /// How much is logged about the run itself, 0 (little) to 5 (everything)
    #[arg(
        short = 'd',
        long = "debug-level",
        value_name = "LEVEL",
        default_value_t = 0,
        value_parser = clap::value_parser!(u8).range(0..=5)
    )]
    pub debug_level: u8,

    /// Stop after so many samples
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub samples: Option<u64>,
}

/// Reads the arguments, the program's own name first.
///
/// # Errors
/// What is wrong with them, or the help that they ask for, also where clap would expect the module's name.
pub fn parse(arguments: Vec<OsString>) -> Result<Args, clap::Error> {
    let help = arguments.iter().skip(1).any(|argument| argument == "-h" || argument == "--help");
    Args::try_parse_from(if help { vec!["agent".into(), "--help".into()] } else { arguments })
}

/// The exit code of wrong arguments: 1 for a wrong or missing value, as for a wrong configuration of the monitor; 2 for
/// an option that there is not (`monitor-framework.md` section 20).
pub fn worst_code(error: &clap::Error) -> u8 {
    match error.kind() {
        ErrorKind::UnknownArgument => USAGE,
        _ => FAILURE,
    }
}

/// Whether these arguments ask for `--run-monitor` instead of a command: its options have letters of their own.
pub fn is_asked_for(arguments: &[impl AsRef<OsStr>]) -> bool {
    arguments.iter().skip(1).any(|argument| {
        let argument = argument.as_ref().as_encoded_bytes();
        argument == b"--run-monitor" || argument.starts_with(b"--run-monitor=")
    })
}

fn interval(text: &str) -> Result<Duration, String> {
    let least = MIN_SAMPLE_INTERVAL;
    let seconds: f64 = text.trim().parse().map_err(|_| "not a number of seconds".to_owned())?;
    if !(least..=1e6).contains(&seconds) {
        return Err(format!("must lie between {least} and 1000000 seconds"));
    }
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Args, clap::Error> {
        let arguments: Vec<_> = line.split(' ').map(OsString::from).collect();
        assert!(is_asked_for(&arguments));
        parse(arguments)
    }

    #[test]
    fn the_options_of_the_python_runner_are_known() {
        let args = parsed("agent --run-monitor coin -c {gauss_mean:8.5} -s 0.5 -a FILE -d 2 --samples 3").unwrap();
        assert_eq!((args.module.as_str(), args.monitor_config.as_str()), ("coin", "{gauss_mean:8.5}"));
        assert_eq!((args.sample_interval, args.debug_level), (Duration::from_millis(500), 2));
        assert_eq!((args.agent_config, args.samples), (Some(PathBuf::from("FILE")), Some(3)));

        let args = parsed("agent -d 1 --run-monitor=coin").unwrap();
        assert_eq!((args.monitor_config.as_str(), args.sample_interval), ("{}", Duration::from_secs(5)));
        assert_eq!((args.agent_config, args.samples), (None, None));
    }

    #[test]
    fn wrong_numbers_are_refused_and_help_is_shown() {
        for wrong in ["-s 0", "-s inf", "-s nan", "-s x", "-d 6", "--samples 0"] {
            let error = parsed(&format!("agent --run-monitor coin {wrong}")).unwrap_err();
            assert_eq!((error.kind(), worst_code(&error)), (ErrorKind::ValueValidation, 1), "{wrong}");
        }
        assert_eq!(worst_code(&parsed("agent --run-monitor coin --frob").unwrap_err()), 2);
        assert_eq!(parsed("agent --run-monitor --help").unwrap_err().kind(), ErrorKind::DisplayHelp);
        let help = parsed("agent --run-monitor --help").unwrap_err().to_string();
        assert!(
            help.split_whitespace().collect::<Vec<_>>().join(" ").contains("not from the `monitors` of FILE"),
            "{help}"
        );
        assert!(!is_asked_for(&["agent", "start"]));
    }
}
