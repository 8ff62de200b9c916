//! The generated workspace `linked/`: the same program with the crates from outside linked into it.
//!
//! Cargo can neither add dependencies to a package from outside nor keep a lock file elsewhere, so the crates from
//! outside cannot be part of the tracked workspace without a change to a tracked file. They are part of this one, which
//! git ignores: its program is the very `agent/program/src/main.rs`, but what that file knows as `local_monitors` is a
//! generated crate that names the local monitors and those from outside.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use super::found::MonitorCrate;
use super::lock;
use super::outside::{put, quoted};
use crate::cargo::cargo;
use crate::manifest::{self, API, ApiDependency};

/// Where the crate is that monitors are written with.
pub(crate) const API_FOLDER: &str = "agent/monitor-api";
/// The generated folder.
const FOLDER: &str = "linked";
/// Its manifest.
pub(crate) const MANIFEST: &str = "linked/Cargo.toml";

/// How cargo may resolve the dependencies.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Resolve {
    /// Only check that the lock file is right.
    pub(crate) locked: bool,
    /// Without network.
    pub(crate) offline: bool,
}

/// Writes the workspace for these crates and resolves its dependencies. What is worth telling is returned.
pub(super) fn generate(root: &Path, outside: &[MonitorCrate], resolve: Resolve) -> Result<Vec<String>, String> {
    if resolve.locked && lock::is_outdated(root) {
        return Err(
            "Cargo.lock changed since the crates from outside were linked, and `--locked` forbids to take that \
                    over; run `cargo xtask link` first"
                .to_owned(),
        );
    }
    if fs::read_to_string(root.join(MANIFEST)).is_ok_and(|text| !text.contains(NOTICE)) {
        return Err(format!(
            "{FOLDER}/ is where the crates from outside are linked, and holds a crate already; move it"
        ));
    }
    put(root, MANIFEST, &program(root, outside)?)?;
    put(root, "linked/monitors/Cargo.toml", &monitors(outside)?)?;
    put(root, "linked/monitors/lib.rs", &library(outside))?;
    if lock::is_outdated(root) {
        lock::take_over(root)?;
    }
    let mut command = cargo();
    command.args(["metadata", "--format-version=1", "--quiet", "--manifest-path"]).arg(root.join(MANIFEST));
    command.args(resolve.locked.then_some("--locked")).args(resolve.offline.then_some("--offline"));
    let output = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).output();
    let output = output.map_err(|error| format!("cannot run cargo: {error}"))?;
    // Kept back, so that it is told once although a failure is followed by an attempt to restore what was.
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!(
            "cargo could not resolve the dependencies of the crates from outside together with the agent's:\n{}",
            told.trim_end()
        ));
    }
    eprint!("{told}");
    lock::examine(root)
}

/// Takes the workspace away, if it is one that was generated here.
pub(super) fn delete(root: &Path) -> Result<(), String> {
    let generated = fs::read_to_string(root.join(MANIFEST)).is_ok_and(|text| text.contains(NOTICE));
    if !generated {
        return Ok(());
    }
    fs::remove_dir_all(root.join(FOLDER)).map_err(|error| format!("{FOLDER}: {error}"))
}

const NOTICE: &str = "Written by `cargo xtask link`; edits are lost. Git ignores this folder.";

/// The manifest of the workspace and of its program.
fn program(root: &Path, outside: &[MonitorCrate]) -> Result<String, String> {
    let tracked = fs::read_to_string(root.join("Cargo.toml")).map_err(|error| format!("Cargo.toml: {error}"))?;
    let inherited = |key: &str, otherwise: &str| manifest::inherited(root, key).unwrap_or_else(|| otherwise.to_owned());
    let (version, edition) = (quoted(&inherited("version", "0.1.0")), quoted(&inherited("edition", "2024")));
    let mut text = format!(
        "# {NOTICE}\n\n[package]\nname = \"agent\"\nversion = {version}\nedition = {edition}\npublish = false\n\n\
         [[bin]]\nname = \"agent\"\npath = \"../agent/program/src/main.rs\"\n\n\
         [dependencies]\nscalyr-agent = {{ path = \"../agent\" }}\nbuiltin-monitors = {{ path = \"../builtin-monitors\" }}\n\
         local-monitors = {{ package = \"linked-monitors\", path = \"monitors\" }}\n\n\
         [workspace]\nresolver = \"3\"\n"
    );
    for source in patched(outside) {
        let _ = write!(text, "\n[patch.{source}]\n{API} = {{ path = \"../{API_FOLDER}\" }}\n");
    }
    for table in profiles(&tracked) {
        let _ = write!(text, "\n{table}");
    }
    Ok(text)
}

/// The sources, other than a folder, that crates take the API from: in their place comes this checkout's.
fn patched(outside: &[MonitorCrate]) -> Vec<String> {
    let mut sources: Vec<String> = outside
        .iter()
        .filter_map(|monitor| match &monitor.api {
            Some(ApiDependency::Registry(_)) => Some("crates-io".to_owned()),
            Some(ApiDependency::Git(address)) => Some(quoted(address)),
            Some(ApiDependency::Path(_) | ApiDependency::Nowhere) | None => None,
        })
        .collect();
    sources.sort();
    sources.dedup();
    sources
}

/// The `[profile…]` tables of the tracked manifest, as they are written there: cargo reads those of a workspace's root
/// only.
fn profiles(manifest: &str) -> Vec<String> {
    let mut tables: Vec<String> = Vec::new();
    let mut within = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            within = line.starts_with("[profile.");
            if within {
                tables.push(String::new());
            }
        }
        if let Some(table) = tables.last_mut().filter(|_| within && !line.is_empty() && !line.starts_with('#')) {
            let _ = writeln!(table, "{line}");
        }
    }
    tables
}

/// The manifest of the crate that names the monitors.
fn monitors(outside: &[MonitorCrate]) -> Result<String, String> {
    let mut text = format!(
        "# {NOTICE}\n\n[package]\nname = \"linked-monitors\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
         [lib]\npath = \"lib.rs\"\n\n[dependencies]\n\
         local-monitors = {{ path = \"../../local-monitors\", features = [\"outside\"] }}\n"
    );
    for monitor in outside {
        let path = monitor.path.to_str().filter(|path| !path.contains(char::is_control));
        let path = path.ok_or_else(|| format!("{}: its path cannot be written into a Cargo.toml", monitor.place))?;
        let _ = writeln!(
            text,
            "{} = {{ package = {}, path = {} }}",
            alias(monitor),
            quoted(&monitor.package),
            quoted(path)
        );
    }
    Ok(text)
}

fn library(outside: &[MonitorCrate]) -> String {
    let mut text = format!("//! {NOTICE}\n\nuse local_monitors as _;\n");
    for monitor in outside {
        let _ = writeln!(text, "use {} as _;", alias(monitor));
    }
    text
}

fn alias(monitor: &MonitorCrate) -> String {
    format!("outside_{}", monitor.package.replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracked(file: &str) -> String {
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)).unwrap()
    }

    #[test]
    fn the_program_has_the_dependencies_that_are_generated() {
        let manifest = tracked("agent/program/Cargo.toml");
        let table = manifest.split("[dependencies]\n").nth(1).unwrap().split("\n\n").next().unwrap();
        let expected =
            "scalyr-agent.workspace = true\nbuiltin-monitors.workspace = true\nlocal-monitors.workspace = true";
        assert_eq!(table, expected, "say the same in `program` above");
    }

    #[test]
    fn the_profiles_are_taken_over_and_patches_of_the_root_are_not_there_to_be_forgotten() {
        let manifest = tracked("Cargo.toml");
        let profiles = profiles(&manifest);
        assert_eq!(profiles.len(), manifest.matches("\n[profile.").count());
        assert!(profiles.iter().any(|profile| profile.starts_with("[profile.dist]\n") && profile.contains("lto = ")));
        assert!(!manifest.contains("\n[patch"), "`program` above must then write it too");
    }
}
