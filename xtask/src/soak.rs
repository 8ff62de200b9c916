//! `cargo xtask soak`: the stories about logs in rounds, for as long as one likes, led by a seed.

use std::path::Path;
use std::process::Command;

use crate::check;

/// What is soaked, and for how long.
#[derive(Debug, PartialEq)]
pub(crate) struct Soak {
    /// 0 tells each story once.
    pub(crate) minutes: u64,
    /// Chance of its own when not given; printed either way.
    pub(crate) seed: Option<u64>,
    /// One story instead of all, in turn.
    pub(crate) story: Option<String>,
    /// How much happens in a round.
    pub(crate) steps: Option<u64>,
    /// With an agent that is not optimised.
    pub(crate) dev: bool,
}

/// Understands the options; the error says what was wrong.
pub(crate) fn understand(options: &[String]) -> Result<Soak, String> {
    const KNOWN: &str = "all it takes is `--minutes N`, `--seed N`, `--story NAME`, `--steps N` and `--dev`";
    let mut soak = Soak { minutes: 10, seed: None, story: None, steps: None, dev: false };
    let mut options = options.iter();
    while let Some(option) = options.next() {
        if option == "--dev" {
            soak.dev = true;
            continue;
        }
        if !["--minutes", "--seed", "--story", "--steps"].contains(&option.as_str()) {
            return Err(format!("`soak` knows no `{option}`; {KNOWN}"));
        }
        let value = options.next().ok_or_else(|| format!("`soak {option}` takes a value; {KNOWN}"))?;
        let number = || value.parse().map_err(|_| format!("`soak {option}` takes a number, not `{value}`"));
        match option.as_str() {
            "--minutes" => soak.minutes = number()?,
            "--seed" => soak.seed = Some(number()?),
            "--steps" => soak.steps = Some(number()?),
            _ => soak.story = Some(value.clone()),
        }
    }
    Ok(soak)
}

/// Soaks; true when every line is explained.
pub(crate) fn run(root: &Path, soak: &Soak) -> bool {
    check::succeeded(command(root, soak), "soak")
}

/// The test that is the soak, with what it reads from its environment.
fn command(root: &Path, soak: &Soak) -> Command {
    let mut command = check::cargo(root);
    command.args(["test", "--locked", "-p", "agent", "--test", "soak"]);
    if !soak.dev {
        command.arg("--release");
    }
    command.args(["--", "--nocapture"]);
    command.env("SOAK_SECONDS", soak.minutes.saturating_mul(60).to_string());
    let numbers = [("STORY_SEED", soak.seed), ("SOAK_STEPS", soak.steps)];
    command.envs(numbers.into_iter().filter_map(|(name, number)| Some((name, number?.to_string()))));
    command.envs(soak.story.iter().map(|story| ("SOAK_STORY", story)));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn its_options_become_the_environment_of_the_test() {
        let soak = understand(&words("--minutes 3 --seed 7 --story kills")).unwrap();
        let command = command(Path::new("/"), &soak);
        let set: Vec<(String, String)> = command
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_str()?.to_owned(), value?.to_str()?.to_owned())))
            .collect();
        for (name, value) in [("SOAK_SECONDS", "180"), ("STORY_SEED", "7"), ("SOAK_STORY", "kills")] {
            assert!(set.contains(&(name.to_owned(), value.to_owned())), "{set:?}");
        }
        assert!(!set.iter().any(|(name, _)| name == "SOAK_STEPS"), "{set:?}");
        assert!(command.get_args().any(|argument| argument == "--release"));
    }

    #[test]
    fn a_wrong_option_is_answered_with_what_there_is() {
        for (line, told) in [
            ("--hours 3", "`soak` knows no `--hours`; all it takes is `--minutes N`"),
            ("--minutes", "`soak --minutes` takes a value; all it takes is"),
            ("--seed x", "`soak --seed` takes a number, not `x`"),
        ] {
            let problem = understand(&words(line)).unwrap_err();
            assert!(problem.starts_with(told), "{problem}");
        }
    }
}
