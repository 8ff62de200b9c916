//! The chores of this repository: `cargo xtask COMMAND`, from the repository's root.

mod check;
mod link;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND [OPTION]

  link            links the monitor crates under local-monitors/ into the agent: run it after a folder came or went
  link --check    changes nothing; exit 1 if `link` would
  test            runs every check that CI runs
  test --quick    only formatting, linking, lints and unit tests
";

/// What the command line asks for.
#[derive(Debug, PartialEq)]
enum Request {
    Help,
    Link { write: bool },
    Test { quick: bool },
}

/// Understands the arguments; the error says what was wrong and what there is instead.
fn parse(args: &[String]) -> Result<Request, String> {
    let Some((command, options)) = args.split_first() else {
        return Err(format!("no command given\n\n{USAGE}"));
    };
    match command.as_str() {
        "link" => Ok(Request::Link { write: !only_option(command, "--check", options)? }),
        "test" => Ok(Request::Test { quick: only_option(command, "--quick", options)? }),
        "help" | "--help" | "-h" => Ok(Request::Help),
        other => Err(format!("there is no command `{other}`; there are `link` and `test`\n\n{USAGE}")),
    }
}

/// Whether the one option of a command was given; anything else is an error.
fn only_option(command: &str, known: &str, given: &[String]) -> Result<bool, String> {
    match given.iter().find(|option| *option != known) {
        Some(other) => Err(format!("`{command}` knows no `{other}`; all it takes is `{known}`")),
        None => Ok(!given.is_empty()),
    }
}

/// The root of the repository: where this package's folder lies, also when the built program was moved.
fn root() -> PathBuf {
    let own = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    own.parent().map_or_else(|| own.clone(), Path::to_owned)
}

fn main() -> ExitCode {
    let args: Vec<String> = env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    match parse(&args) {
        Ok(Request::Help) => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Request::Link { write }) => exit_code(link::run(&root(), write)),
        Ok(Request::Test { quick }) => exit_code(check::run(&root(), quick)),
        Err(problem) => {
            eprintln!("cargo xtask: {}", problem.trim_end());
            ExitCode::from(2)
        }
    }
}

fn exit_code(passed: bool) -> ExitCode {
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Request, String> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn commands_and_their_options_are_understood() {
        assert_eq!(parsed("link"), Ok(Request::Link { write: true }));
        assert_eq!(parsed("link --check"), Ok(Request::Link { write: false }));
        assert_eq!(parsed("test"), Ok(Request::Test { quick: false }));
        assert_eq!(parsed("test --quick"), Ok(Request::Test { quick: true }));
        assert_eq!(parsed("--help"), Ok(Request::Help));
    }

    #[test]
    fn a_wrong_word_is_answered_with_what_there_is() {
        let unknown = parsed("package --deb").unwrap_err();
        assert!(unknown.starts_with("there is no command `package`; there are `link` and `test`"), "{unknown}");
        let option = parsed("link --chekc").unwrap_err();
        assert_eq!(option, "`link` knows no `--chekc`; all it takes is `--check`");
        let none = parsed("").unwrap_err();
        assert!(none.starts_with("no command given") && none.contains("cargo xtask COMMAND"), "{none}");
    }
}
