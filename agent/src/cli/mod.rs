//! The command line: arguments → command → exit code. One file per command.

mod arguments;
pub mod check;
pub mod completions;
pub mod config;
pub mod configuration;
mod connect;
pub mod demo;
mod help;
mod invocation;
pub mod man;
pub mod monitors;
pub mod options;
pub mod problems;
pub mod receive;
pub mod restart;
pub mod run_monitor;
pub mod schema;
mod signals;
pub mod start;
pub mod status;
pub mod stop;
pub mod surroundings;
pub mod version;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use scalyr_monitor::Clock;

use crate::config::Report;
use crate::monitors::panic_place;
use invocation::Invocation;
use problems::{Form, Wording};
use start::Terminal;

/// Everything went well.
pub const SUCCESS: u8 = 0;
/// The command could not do what it was asked to do.
pub const FAILURE: u8 = 1;
/// The command line itself is wrong.
pub const USAGE: u8 = 2;

/// Ships the logs and metrics of this host to Scalyr (DataSet).
#[derive(Debug, Parser)]
#[command(name = "agent", version, arg_required_else_help = true, subcommand_required = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the agent, in the background
    Start(start::Args),
    /// Stop the agent, and wait until it has ended
    Stop(stop::Args),
    /// Stop the agent if it runs, and start it
    Restart(restart::Args),
    /// Restart the agent if it runs, else do nothing
    Condrestart(restart::Args),
    /// Tell whether the agent runs, and how it stands
    Status(status::Args),
    /// Check a configuration: all that is wrong with it, and what it means
    Check(check::Args),
    /// List the monitors of this agent, or tell what one of them can be told and measures
    Monitors(monitors::Args),
    /// Print a JSON Schema of agent.json, for editors
    ///
    /// It holds all keys, and the options of every monitor of this agent. An editor that is given the schema completes
    /// keys, shows what they are for and underlines mistakes.
    Schema(schema::Args),
    /// Show an agent at work, with nothing to set up
    Demo(demo::Args),
    /// Take uploads as the server does, on this host, and show or store what arrives
    Receive(receive::Args),
    /// Change the configuration: api key, server, attributes, user
    Config(config::Args),
    /// Print the version of this agent
    Version(version::Args),
    /// Print what a shell needs to complete commands and options
    Completions(completions::Args),
    /// Print the manual page
    Man(man::Args),
}

/// Runs what `arguments` ask for, the program's own name first. The exit code is that of `cli-and-service.md` section
/// 3; 2 for a wrong command line.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    // First of all: each command that reads a configuration runs code of monitors.
    panic_place::install();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let invocation = Invocation::of(arguments.first());
    let command_line = arguments.clone();
    let arguments = invocation.arguments(arguments);
    if run_monitor::is_asked_for(&arguments) {
        return match run_monitor::parse(arguments) {
            Ok(args) => run_monitor::command(args).into(),
            Err(error) => show(&error).min(run_monitor::worst_code(&error)).into(),
        };
    }
    match parse(arguments, invocation) {
        Ok(Parsed { command, warnings }) => {
            for warning in warnings {
                _ = writeln!(io::stderr(), "{warning}");
            }
            execute(command, invocation, &command_line)
        }
        Err(wrong) => {
            _ = wrong.error.print();
            wrong.code.into()
        }
    }
}

/// `command_line` is as it was given, for what has to start this program anew.
fn execute(command: Command, invocation: Invocation, command_line: &[OsString]) -> ExitCode {
    match command {
        Command::Start(args) => {
            start::run(args, command_line, &surroundings::environment(), &Clock::system(), Terminal::standard())
        }
        Command::Stop(args) => {
            let (environment, clock) = (surroundings::environment(), Clock::system());
            stop::run(&args, command_line, &environment, &clock, (&mut io::stdout(), &mut io::stderr()))
        }
        Command::Restart(args) => restart_when(restart::When::Always, args, command_line),
        Command::Condrestart(args) => restart_when(restart::When::Running, args, command_line),
        Command::Status(args) => {
            let (environment, clock) = (surroundings::environment(), Clock::system());
            status::run(&args, &environment, &clock, &mut io::stdout(), &mut io::stderr())
        }
        Command::Check(args) => {
            let (environment, clock) = (surroundings::environment(), Clock::system());
            check::run(&args, &environment, &clock, &mut anstream::stdout(), &mut io::stderr()).into()
        }
        Command::Monitors(args) => {
            monitors::run(&args, &surroundings::environment(), &mut anstream::stdout(), &mut io::stderr()).into()
        }
        Command::Schema(args) => schema::run(&args, &mut io::stdout(), &mut io::stderr()).into(),
        Command::Demo(args) => demo::run(&args, &Clock::system(), &mut anstream::stdout(), &mut io::stderr()),
        Command::Receive(args) => receive::run(args, &Clock::system(), &mut io::stdout(), &mut io::stderr()),
        Command::Config(args) => config::run(&args, &surroundings::environment()).into(),
        Command::Version(args) => version::run(&args).into(),
        Command::Completions(args) => {
            let declared = declared_alone(args.program.unwrap_or(invocation));
            completions::run(&args, declared, &mut io::stdout(), &mut io::stderr()).into()
        }
        Command::Man(args) => {
            let declared = declared_alone(args.program.unwrap_or(invocation));
            man::run(&args, declared, &mut io::stdout(), &mut io::stderr()).into()
        }
    }
}

fn restart_when(when: restart::When, args: restart::Args, command_line: &[OsString]) -> ExitCode {
    restart::run(args, when, command_line, &surroundings::environment(), &Clock::system(), Terminal::standard())
}

/// The commands and options, under the name that the program was called by.
fn declared(invocation: Invocation) -> clap::Command {
    help::with_help(Cli::command(), invocation.name())
}

/// The same of a program that may be one of the commands: what its manual page and its completion tell.
fn declared_alone(program: Invocation) -> clap::Command {
    let all = declared(program);
    let config = match program {
        Invocation::ScalyrAgent2Config => help::alone(&all, "config", "scalyr-agent-2-config"),
        Invocation::Agent | Invocation::ScalyrAgent2 => None,
    };
    config.unwrap_or(all)
}

/// A command, and what is to be said before it runs.
#[derive(Debug)]
struct Parsed {
    command: Command,
    warnings: Vec<String>,
}

/// A command line that is wrong, or asks for help.
#[derive(Debug)]
struct Wrong {
    error: clap::Error,
    code: u8,
}

fn parse(arguments: Vec<OsString>, invocation: Invocation) -> Result<Parsed, Box<Wrong>> {
    let commands = declared(invocation);
    let arguments = arguments::in_full(arguments, &commands);
    let (arguments, found) = arguments::command_first(arguments, &commands);
    let (arguments, warnings) = arguments::without_unused(arguments, &commands);
    let is_status = arguments.get(1).is_some_and(|name| name == "status");
    let parsed = commands.try_get_matches_from(arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.map(|Cli { command }| Parsed { command, warnings }).map_err(|error| {
        let code = code_of(&error, is_status);
        let error = if found || error.kind() != ErrorKind::UnknownArgument {
            error
        } else {
            let without = "these options belong to a command, and none is named";
            declared(invocation).error(ErrorKind::MissingSubcommand, without)
        };
        Box::new(Wrong { error, code })
    })
}

/// An unknown format of `status` is 1, as it was: 2 would be a health that is not good.
fn code_of(error: &clap::Error, is_status: bool) -> u8 {
    let argument = error.get(ContextKind::InvalidArg);
    let is_format = matches!(argument, Some(ContextValue::String(name)) if name.starts_with("--format "));
    match u8::try_from(error.exit_code()).unwrap_or(USAGE) {
        USAGE if is_status && is_format => FAILURE,
        code => code,
    }
}

/// Prints help and version to stdout, mistakes to stderr. Whoever reads them may have gone away: that is no failure.
fn show(error: &clap::Error) -> u8 {
    _ = error.print();
    u8::try_from(error.exit_code()).unwrap_or(USAGE)
}

/// Prints the problems of a configuration to stderr: with the lines in question on a terminal, else one line each.
pub fn print_report(report: &Report) {
    let text = problems::text(report, Wording::Daemon, Form::of_stderr());
    // Nowhere is left to tell it when this fails.
    _ = io::stderr().write_all(text.as_bytes());
}

/// Prints the problems that keep a command from its work; gives its exit code.
pub fn refuse(report: &Report) -> u8 {
    print_report(report);
    FAILURE
}

/// Prints why a command cannot do its work; gives its exit code.
pub fn fail(reason: &str) -> u8 {
    _ = writeln!(io::stderr(), "{reason}");
    FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_there_is_not_is_a_mistake_of_the_command_line() {
        let line = ["agent", "sart"].map(OsString::from).to_vec();
        let error = parse(line, Invocation::Agent).unwrap_err().error;
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("unrecognized subcommand"), "{error}");
    }
}
