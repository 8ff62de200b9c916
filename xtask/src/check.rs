//! `cargo xtask test`: every check that CI runs, in the order in which a mistake shows soonest.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::{cargo, docs, link};

/// Runs the checks and tells how each ended; stops at the first that fails. True when all passed.
pub(crate) fn run(root: &Path, quick: bool) -> bool {
    let begin = Instant::now();
    let tools = match Tools::find(root) {
        Ok(tools) => tools,
        Err(problem) => {
            eprintln!("cargo xtask test: {problem}");
            return false;
        }
    };
    let steps = steps(&tools, quick);
    let count = steps.len();
    for (number, step) in (1..).zip(&steps) {
        println!("\n== {number}/{count} {}: {}", step.what, step.command());
        let step_begin = Instant::now();
        let passed = step.passes(root);
        let took = seconds(step_begin.elapsed());
        if !passed {
            println!("== FAILED after {took}: {}\n   repeat it with: {}", step.what, step.command());
            return false;
        }
        println!("== ok, {took}");
    }
    let left_out = if quick {
        "quick checks passed (left out: story tests, longer fuzzing, doc tests, docs, reference, packages)"
    } else {
        "all checks passed"
    };
    println!("\n{left_out} in {}", seconds(begin.elapsed()));
    true
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// One check.
struct Step {
    what: &'static str,
    /// Set for this command only.
    env: Option<(&'static str, String)>,
    /// What `cargo` is called with.
    args: Vec<&'static str>,
}

impl Step {
    fn new(what: &'static str, args: &[&'static str]) -> Self {
        Self { what, env: None, args: args.to_vec() }
    }

    /// With a variable that is set for this command only.
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.env = Some((name, value.into()));
        self
    }

    /// As one would type it at the root of the repository.
    fn command(&self) -> String {
        let env = self.env.as_ref().map_or_else(String::new, |(name, value)| format!("{name}=\"{value}\" "));
        format!("{env}cargo {}", self.args.join(" "))
    }

    fn passes(&self, root: &Path) -> bool {
        if self.args == LINK {
            return link::run(root, false);
        }
        if self.args == DOCS {
            return docs::run(root, false);
        }
        match cargo(root).args(&self.args).envs(self.env.clone()).status() {
            Ok(status) => status.success(),
            Err(error) => {
                eprintln!("cannot run cargo: {error}");
                false
            }
        }
    }
}

/// Done in this process, since it is this program.
const LINK: [&str; 3] = ["xtask", "link", "--check"];
/// Done in this process as well.
const DOCS: [&str; 3] = ["xtask", "docs", "--check"];

/// A log of 4 MiB and an agent that is not optimised: whether all of it is acknowledged, not how long that takes.
const BENCH: [&str; 13] = [
    "test",
    "--package=agent",
    "--bench=upload",
    "--locked",
    "--",
    "--smoke",
    "--no-peers",
    "--mib",
    "4",
    "--only",
    "deflate,none",
    "--runs",
    "1",
];

#[rustfmt::skip]
fn steps(tools: &Tools, quick: bool) -> Vec<Step> {
    const XTASK: &str = "--manifest-path=xtask/Cargo.toml";
    let mut tests = match (tools.nextest, quick) {
        (true, false) => Step::new("tests", &["nextest", "run", "--workspace", "--locked", "--no-fail-fast"]),
        (true, true) => Step::new("unit tests", &["nextest", "run", "--workspace", "--locked", "--no-fail-fast", "--lib", "--bins"]),
        (false, false) => Step::new("tests", &["test", "--workspace", "--locked", "--no-fail-fast", "--tests"]),
        (false, true) => Step::new("unit tests", &["test", "--workspace", "--locked", "--no-fail-fast", "--lib", "--bins"]),
    };
    if tools.nextest {
        // Most stories wait for a process or a clock, so more of them run than there are cores.
        tests = tests.with("NEXTEST_TEST_THREADS", (2 * tools.cores).to_string());
    }
    let mut steps = vec![
        Step::new("formatting", &["fmt", "--all", "--check"]),
        Step::new("formatting of xtask", &["fmt", "--all", "--check", XTASK]),
        Step::new("linking of local monitors", &LINK),
        Step::new("lints", &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
        Step::new("lints of xtask", &["clippy", XTASK, "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
        tests,
    ];
    if !quick {
        let fuzz = Step::new("fuzz targets", &["test", "--package=scalyr-agent", "--tests", "--locked", "fuzz_"]);
        steps.push(fuzz.with("BOLERO_RANDOM_TEST_TIME_MS", "20000"));
        let fuzz = Step::new("fuzz targets of the monitors", &["test", "--package=builtin-monitors", "--lib", "--locked", "fuzz_"]);
        steps.push(fuzz.with("BOLERO_RANDOM_TEST_TIME_MS", "30000"));
        steps.push(Step::new("smoke run of the bench", &BENCH));
        steps.push(Step::new("examples in the documentation", &["test", "--workspace", "--doc", "--locked"]));
        let docs = Step::new("documentation", &["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"]);
        steps.push(docs.with("RUSTDOCFLAGS", "-D warnings"));
        steps.push(Step::new("reference in docs/", &DOCS));
    }
    steps.push(Step::new("tests of xtask", &["test", XTASK, "--workspace", "--locked"]));
    if !quick {
        // With the program that is shipped, which may have a certain size.
        let packages = Step::new("packages", &["xtask", "package", "--deb", "--rpm", "--tarball", "--allow-dirty"]);
        // The checkout may be another user's, at which git does not look.
        steps.push(packages.with("SOURCE_DATE_EPOCH", "1700000000"));
    }
    steps
}

/// `cargo` at the root, with nothing to read from.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = cargo::cargo();
    command.current_dir(root).stdin(Stdio::null());
    command
}

/// Runs a command of cargo for a command of ours; false, and told, when it fails or cannot be run.
pub(crate) fn succeeded(mut command: Command, whose: &str) -> bool {
    match command.status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("cargo xtask {whose}: cannot run cargo: {error}");
            false
        }
    }
}

/// What the checks need beside cargo itself.
struct Tools {
    nextest: bool,
    cores: usize,
}

impl Tools {
    /// Looks for the tools, installs what rustup can install; the error names what is missing.
    fn find(root: &Path) -> Result<Self, String> {
        let present = |tool: &str| succeeds(cargo(root).args([tool, "--version"]));
        if !(present("fmt") && present("clippy")) {
            println!("rustfmt or clippy is missing: rustup component add rustfmt clippy");
            let mut rustup = Command::new("rustup");
            let added = rustup.current_dir(root).args(["component", "add", "rustfmt", "clippy"]).status();
            if !(added.is_ok_and(|status| status.success()) && present("fmt") && present("clippy")) {
                return Err("needs rustfmt and clippy of the toolchain named in rust-toolchain.toml; \
                            `rustup component add rustfmt clippy` could not install them"
                    .to_owned());
            }
        }
        let nextest = present("nextest");
        if !nextest {
            println!(
                "cargo-nextest is not installed, `cargo test` takes its place: slower, and a test that hangs is not ended"
            );
        }
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self { nextest, cores })
    }
}

/// Runs a command without showing what it prints.
fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_to_repeat_is_what_one_would_type() {
        let commands = |nextest, quick| -> Vec<String> {
            steps(&Tools { nextest, cores: 2 }, quick).iter().map(Step::command).collect()
        };
        let full = commands(true, false);
        assert!(
            full.contains(
                &"NEXTEST_TEST_THREADS=\"4\" cargo nextest run --workspace --locked --no-fail-fast".to_owned()
            ),
            "{full:?}"
        );
        let docs = "RUSTDOCFLAGS=\"-D warnings\" cargo doc --workspace --no-deps --document-private-items --locked";
        assert!(full.contains(&docs.to_owned()), "{full:?}");
        let fuzz = "BOLERO_RANDOM_TEST_TIME_MS=\"20000\" cargo test --package=scalyr-agent --tests --locked fuzz_";
        assert!(full.contains(&fuzz.to_owned()), "{full:?}");
        let monitors =
            "BOLERO_RANDOM_TEST_TIME_MS=\"30000\" cargo test --package=builtin-monitors --lib --locked fuzz_";
        assert!(full.contains(&monitors.to_owned()), "{full:?}");
        let without_nextest = commands(false, false);
        assert!(!without_nextest.iter().any(|command| command.contains("nextest")), "{without_nextest:?}");
        let quick = commands(true, true);
        assert!(quick.len() < full.len() && !quick.iter().any(|command| command.contains("doc")), "{quick:?}");
    }
}
