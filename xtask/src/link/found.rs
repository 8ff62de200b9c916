//! Which monitor crates lie in the folders under `local-monitors/`, and what keeps one from being linked.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::FOLDER;
use crate::manifest::{ApiDependency, Manifest};

/// A crate with monitors in it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MonitorCrate {
    /// The folder's own name: `coin`.
    pub(crate) folder: String,
    /// Where it is, as told to people: `local-monitors/coin`, `../my-monitors/snow`.
    pub(crate) place: String,
    /// Where it is.
    pub(crate) path: PathBuf,
    /// The name in its `Cargo.toml`.
    pub(crate) package: String,
    /// Its version, for people.
    pub(crate) version: String,
    /// Where it takes `scalyr-monitor` from.
    pub(crate) api: Option<ApiDependency>,
    /// Whether it inherits lints that no workspace defines.
    pub(crate) lints_from_nowhere: bool,
}

impl MonitorCrate {
    /// The name under which the aggregator knows the crate, whatever the crate's own library is called.
    pub(crate) fn alias(&self) -> String {
        format!("local_{}", self.folder.replace('-', "_"))
    }

    /// Looks at the crate in `path`; the error tells why it cannot be linked.
    pub(crate) fn read(path: &Path, folder: String, place: String) -> Result<(Self, Manifest), String> {
        let manifest = Manifest::read(path).map_err(|problem| format!("{place}/Cargo.toml: {problem}"))?;
        let Some(package) = manifest.package.clone() else {
            return Err(format!("{place}/Cargo.toml: has no `name` under [package]; add `name = \"{folder}\"`"));
        };
        if !path.join(&manifest.library).is_file() {
            return Err(format!(
                "{place}: has no {}; a monitor crate is a library, so that the agent can link it",
                manifest.library
            ));
        }
        let (version, api) = (manifest.version_told().to_owned(), manifest.api.clone());
        let lints_from_nowhere = manifest.lints_from_nowhere;
        Ok((Self { folder, place, path: path.to_owned(), package, version, api, lints_from_nowhere }, manifest))
    }
}

/// A part of the agent: a member of the workspace that its manifest lists.
#[derive(Debug)]
pub(crate) struct Member {
    /// Relative to the root.
    pub(crate) folder: String,
    /// The name in its `Cargo.toml`.
    pub(crate) package: String,
}

/// The monitor crates, sorted by alias, and the folders that are none. All problems at once.
pub(super) fn find_monitors(root: &Path) -> Result<(Vec<MonitorCrate>, Vec<String>), Vec<String>> {
    let folder = &root.join(FOLDER);
    let entries = fs::read_dir(folder).map_err(|error| vec![format!("cannot list {}: {error}", folder.display())])?;
    let (mut monitors, mut passed_over, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for entry in entries {
        let path = match entry {
            Ok(entry) => entry.path(),
            Err(error) => {
                problems.push(format!("cannot list {}: {error}", folder.display()));
                continue;
            }
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || !path.is_dir() {
            continue;
        }
        if !path.join("Cargo.toml").is_file() {
            match crates_within(&path) {
                inner if inner.is_empty() => passed_over.push(name),
                inner => problems.extend(inner.iter().map(|inner| {
                    format!("{FOLDER}/{name}/{inner} holds a crate one folder too deep; move it to {FOLDER}/{inner}")
                })),
            }
            continue;
        }
        match read_local(&path, name) {
            Ok(monitor) => monitors.push(monitor),
            Err(problem) => problems.push(problem),
        }
    }
    monitors.sort_by_key(MonitorCrate::alias);
    passed_over.sort();
    problems.extend(collisions(&monitors));
    match members(root) {
        Ok(members) => problems.extend(namesakes(&monitors, &members)),
        Err(problem) => problems.push(problem),
    }
    problems.sort();
    if problems.is_empty() { Ok((monitors, passed_over)) } else { Err(problems) }
}

/// The local monitor crates that can be read, sorted.
pub(super) fn readable(root: &Path) -> Vec<MonitorCrate> {
    let folder = root.join(FOLDER);
    crates_within(&folder).into_iter().filter_map(|name| read_local(&folder.join(&name), name).ok()).collect()
}

/// The folders right inside `path` that hold a crate, sorted. One that cannot be listed holds none.
pub(super) fn crates_within(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let crates = entries.filter(|entry| entry.path().join("Cargo.toml").is_file());
    let mut names: Vec<String> = crates.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}

/// The members of the workspace that its manifest lists, each with its package's name.
pub(crate) fn members(root: &Path) -> Result<Vec<Member>, String> {
    let manifest = Manifest::read(root).map_err(|problem| format!("Cargo.toml: {problem}"))?;
    let members = manifest.members.into_iter();
    // A member that cannot be read is cargo's to complain about.
    let members = members.filter_map(|folder| {
        let package = Manifest::read(&root.join(&folder)).ok()?.package?;
        Some(Member { folder, package })
    });
    Ok(members.collect())
}

/// Crates that are called like a part of the agent, which cargo could not tell apart.
pub(super) fn namesakes(monitors: &[MonitorCrate], members: &[Member]) -> Vec<String> {
    let problem = |monitor: &MonitorCrate| {
        let member = members.iter().find(|member| member.package == monitor.package)?;
        let MonitorCrate { place, package, .. } = monitor;
        Some(format!(
            "{place}/Cargo.toml: is named `{package}`, as {}/Cargo.toml is; give the monitor crate another name",
            member.folder
        ))
    };
    monitors.iter().filter_map(problem).collect()
}

/// Looks at one folder; the error tells why it cannot be linked.
fn read_local(path: &Path, folder: String) -> Result<MonitorCrate, String> {
    let place = format!("{FOLDER}/{folder}");
    if !folder.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
        return Err(format!(
            "{place}: the folder's name becomes part of a Rust name, so it may hold only letters, digits, `-` and `_`; rename the folder"
        ));
    }
    let (monitor, manifest) = MonitorCrate::read(path, folder, place)?;
    if manifest.is_workspace {
        return Err(format!(
            "{}/Cargo.toml: has a [workspace] of its own, and a crate that is linked belongs to the agent's; delete that table",
            monitor.place
        ));
    }
    Ok(monitor)
}

/// Folders that would get the same alias, and crates that cargo could not tell apart.
fn collisions(monitors: &[MonitorCrate]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut aliases = BTreeMap::new();
    let mut packages = BTreeMap::new();
    for MonitorCrate { folder, place, package, .. } in monitors {
        if let Some(other) = aliases.insert(folder.replace('-', "_"), place) {
            problems
                .push(format!("{other} and {place} differ only in `-` and `_`, which is one name in Rust; rename one"));
        }
        if let Some(other) = packages.insert(package, place) {
            problems.push(format!("{other} and {place} are both named `{package}` in their Cargo.toml; rename one"));
        }
    }
    problems
}
