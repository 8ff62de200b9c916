//! `cargo xtask agent` and `cargo xtask build`: the agent with everything that is linked, also from outside.
//!
//! Without crates from outside they are `cargo run` and `cargo build`, so that scripts can always use them.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cargo::cargo;
use crate::link::{self, LINKED_MANIFEST, Resolve};

/// Runs the agent; returns only when that could not be done.
pub(crate) fn run(root: &Path, options: &[String], arguments: &[String]) -> bool {
    match command(root, "run", options) {
        Ok(mut command) => {
            // In place of this program, so that signals and the exit code are the agent's own.
            let error = command.arg("--").args(arguments).exec();
            eprintln!("cargo xtask agent: cannot run cargo: {error}");
            false
        }
        Err(problems) => refuse("agent", &problems),
    }
}

/// Builds the agent, with options of `cargo build`. True when it was built.
pub(crate) fn build(root: &Path, options: &[String]) -> bool {
    match command(root, "build", options) {
        Ok(mut command) => match command.status() {
            Ok(status) => status.success(),
            Err(error) => refuse("build", &[format!("cannot run cargo: {error}")]),
        },
        Err(problems) => refuse("build", &problems),
    }
}

fn refuse(command: &str, problems: &[String]) -> bool {
    for problem in problems {
        eprintln!("cargo xtask {command}: {problem}");
    }
    false
}

/// The call of cargo that builds the right workspace, into the one `target` folder.
fn command(root: &Path, subcommand: &str, options: &[String]) -> Result<Command, Vec<String>> {
    let given = |option: &str| options.iter().any(|given| given == option || given.starts_with(&format!("{option}=")));
    let locked = given("--locked") || given("--frozen");
    let resolve = Resolve { locked, offline: given("--offline") || given("--frozen") };
    let gone = link::without_folder(root);
    if !gone.is_empty() {
        return Err(gone);
    }
    let mut command = cargo();
    command.args([subcommand, "--manifest-path"]);
    if link::prepare(root, resolve)? {
        command.arg(root.join(LINKED_MANIFEST));
        if !given("--target-dir") {
            command.arg("--target-dir").arg(target_folder(root).map_err(|problem| vec![problem])?);
        }
    } else {
        command.arg(root.join("Cargo.toml"));
    }
    command.args(options);
    Ok(command)
}

/// Where the tracked workspace is built, whoever decided it.
fn target_folder(root: &Path) -> Result<PathBuf, String> {
    let mut command = cargo();
    command.args(["metadata", "--no-deps", "--offline", "--format-version=1", "--manifest-path"]);
    let output = command.arg(root.join("Cargo.toml")).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cannot run cargo: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    target_in(&text).ok_or_else(|| "cargo could not load the agent's workspace; its message is above".to_owned())
}

/// `target_directory` in what `cargo metadata` printed.
fn target_in(metadata: &str) -> Option<PathBuf> {
    let (_, rest) = metadata.split_once("\"target_directory\":\"")?;
    let mut path = String::new();
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => return Some(path.into()),
            '\\' => path.push(chars.next()?),
            other => path.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_folder_is_found_in_the_metadata() {
        let metadata = r#"{"packages":[],"target_directory":"/a/b \"c\"\\d","version":1}"#;
        assert_eq!(target_in(metadata), Some("/a/b \"c\"\\d".into()));
        assert_eq!(target_in("error"), None);
    }
}
