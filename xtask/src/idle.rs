//! `cargo xtask idle`: what an agent costs that has nothing to do but its own metrics and those of its host.

use std::path::Path;
use std::process::Command;

use crate::check;

/// For how long it is measured.
#[derive(Debug, PartialEq)]
pub(crate) struct Idle {
    minutes: u64,
    /// With an agent that is not optimised.
    dev: bool,
}

/// Understands the options; the error says what was wrong.
pub(crate) fn understand(words: &[String]) -> Result<Idle, String> {
    let mut idle = Idle { minutes: 10, dev: false };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--dev" => idle.dev = true,
            "--minutes" => {
                let value = words.next().map_or("", String::as_str);
                let minutes = value.parse().ok().filter(|minutes| *minutes > 0);
                idle.minutes =
                    minutes.ok_or_else(|| format!("`idle --minutes` takes a whole number above 0, not `{value}`"))?;
            }
            _ => return Err(format!("`idle` knows no `{word}`; all it takes is `--minutes N` and `--dev`")),
        }
    }
    Ok(idle)
}

/// Measures; false when a target is missed.
pub(crate) fn run(root: &Path, idle: &Idle) -> bool {
    check::succeeded(command(root, idle), "idle")
}

/// The bench, with the agent built as for a package.
fn command(root: &Path, idle: &Idle) -> Command {
    let mut command = check::cargo(root);
    command.args(["bench", "--locked", "-p", "agent", "--bench", "idle"]);
    // The very program that a package holds, or that is there already.
    command.args(["--profile", if idle.dev { "dev" } else { "dist" }]);
    command.args(["--", "--minutes"]).arg(idle.minutes.to_string());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_minutes_of_an_optimised_agent_unless_it_is_said_otherwise() {
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(understand(&[]), Ok(Idle { minutes: 10, dev: false }));
        assert_eq!(understand(&words("--dev --minutes 2")), Ok(Idle { minutes: 2, dev: true }));
        for (line, told) in [
            ("--minutes", "`idle --minutes` takes a whole number above 0, not ``"),
            ("--minutes 0", "`idle --minutes` takes a whole number above 0, not `0`"),
            ("--hours 1", "`idle` knows no `--hours`; all it takes is `--minutes N` and `--dev`"),
        ] {
            assert_eq!(understand(&words(line)), Err(told.to_owned()));
        }
    }
}
