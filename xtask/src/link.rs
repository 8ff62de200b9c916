//! `cargo xtask link`: makes the aggregator `local-monitors` name every monitor crate in the folders beside it.
//!
//! A dependency that no code names is left out by the linker without a word, so each crate is written twice: as a
//! dependency in `local-monitors/Cargo.toml` and as a `use` in `local-monitors/lib.rs`, both between two marker lines.
//! The truth is which folders are there; the two regions are derived from it.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs;
use std::path::Path;

use toml::de::DeTable;

const FOLDER: &str = "local-monitors";
const BEGIN: &str = ">>> xtask: local monitors (written by `cargo xtask link`)";
const END: &str = "<<< xtask";

/// Brings the linking up to date, or with `write` off only says what is to be done. True when nothing is left to do.
pub(crate) fn run(root: &Path, write: bool) -> bool {
    match link(root, write) {
        Ok(outcome) => {
            print!("{}", outcome.told(write));
            write || outcome.changes.is_empty()
        }
        Err(problems) => {
            for problem in &problems {
                eprintln!("cargo xtask link: {problem}");
            }
            eprintln!("cargo xtask link: nothing was changed");
            false
        }
    }
}

/// What `link` found and did, or would do.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The crates that are there, by alias.
    monitors: Vec<LocalMonitor>,
    /// What was, or would be, changed; empty when the linking is right.
    changes: Vec<Change>,
    /// Names of folders that hold no `Cargo.toml`.
    passed_over: Vec<String>,
}

/// A folder under `local-monitors/` with a crate in it.
#[derive(Debug, PartialEq)]
struct LocalMonitor {
    folder: String,
    package: String,
}

impl LocalMonitor {
    /// The name under which the aggregator knows the crate, whatever the crate's own library is called.
    fn alias(&self) -> String {
        format!("local_{}", self.folder.replace('-', "_"))
    }
}

#[derive(Debug, PartialEq)]
enum Change {
    Link(String),
    Unlink(String),
    Update(String),
    /// A list that names the right crates and yet is not as it should be.
    Repair(&'static str),
}

/// The change as a phrase that follows "did" or "would".
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(entry) => write!(f, "link    {entry}"),
            Self::Unlink(entry) => write!(f, "unlink  {entry} (no such folder with a Cargo.toml)"),
            Self::Update(entry) => write!(f, "update  {entry}"),
            Self::Repair(file) => write!(f, "repair  the list in {FOLDER}/{file}"),
        }
    }
}

impl Outcome {
    /// The text for the person at the terminal.
    fn told(&self, write: bool) -> String {
        let mut text = String::new();
        for change in &self.changes {
            let _ = writeln!(text, "{}{change}", if write { "" } else { "would " });
        }
        for folder in &self.passed_over {
            let _ = writeln!(text, "note: {FOLDER}/{folder} holds no Cargo.toml, so it is no monitor crate");
        }
        let names: Vec<&str> = self.monitors.iter().map(|monitor| monitor.folder.as_str()).collect();
        let linked = if names.is_empty() { "no local monitor".to_owned() } else { names.join(", ") };
        let _ = match (self.changes.is_empty(), write) {
            (true, _) => writeln!(text, "nothing to do; linked: {linked}"),
            (false, true) => writeln!(
                text,
                "linked now: {linked}\nnext: `cargo build` (also brings Cargo.lock up to date; commit all three files)"
            ),
            (false, false) => writeln!(text, "the linking is out of date; run `cargo xtask link`"),
        };
        text
    }
}

/// Derives both regions from the folders and, with `write`, writes the files that differ. All problems at once.
fn link(root: &Path, write: bool) -> Result<Outcome, Vec<String>> {
    let folder = root.join(FOLDER);
    let (monitors, passed_over) = find_monitors(root, &folder)?;

    let dependencies = monitors.iter().map(|monitor| {
        format!("{} = {{ package = \"{}\", path = \"{}\" }}", monitor.alias(), monitor.package, monitor.folder)
    });
    let uses = monitors.iter().map(|monitor| format!("use {} as _;", monitor.alias()));
    let manifest = List::read(&folder, "Cargo.toml", "#", dependencies.collect());
    let library = List::read(&folder, "lib.rs", "//", uses.collect());
    let (manifest, library) = match (manifest, library) {
        (Ok(manifest), Ok(library)) => (manifest, library),
        (manifest, library) => return Err([manifest.err(), library.err()].into_iter().flatten().collect()),
    };

    let mut changes = manifest.changes();
    let unexplained = |list: &List| !list.is_right() && changes.is_empty();
    let repairs: Vec<_> = [&manifest, &library].into_iter().filter(|list| unexplained(list)).collect();
    changes.extend(repairs.into_iter().map(|list| Change::Repair(list.file)));
    if write {
        for list in [&manifest, &library] {
            list.write(&folder).map_err(|problem| vec![problem])?;
        }
    }
    Ok(Outcome { monitors, changes, passed_over })
}

/// The monitor crates, sorted by alias, and the folders that are none.
fn find_monitors(root: &Path, folder: &Path) -> Result<(Vec<LocalMonitor>, Vec<String>), Vec<String>> {
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
        match read_monitor(&path, name) {
            Ok(monitor) => monitors.push(monitor),
            Err(problem) => problems.push(problem),
        }
    }
    monitors.sort_by_key(LocalMonitor::alias);
    passed_over.sort();
    problems.extend(collisions(&monitors));
    match members(root) {
        Ok(members) => problems.extend(namesakes(&monitors, &members)),
        Err(problem) => problems.push(problem),
    }
    problems.sort();
    if problems.is_empty() { Ok((monitors, passed_over)) } else { Err(problems) }
}

/// The folders right inside `path` that hold a crate. One that cannot be listed holds none.
fn crates_within(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let crates = entries.filter(|entry| entry.path().join("Cargo.toml").is_file());
    let mut names: Vec<String> = crates.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}

/// The members of the workspace that its manifest lists, each with its package's name.
fn members(root: &Path) -> Result<Vec<LocalMonitor>, String> {
    let text = fs::read_to_string(root.join("Cargo.toml")).map_err(|error| format!("Cargo.toml: {error}"))?;
    let manifest = DeTable::parse(&text).map_err(|error| format!("Cargo.toml: {}", error.message()))?;
    let workspace = manifest.get_ref().get("workspace").and_then(|workspace| workspace.get_ref().as_table());
    let members = workspace.and_then(|workspace| workspace.get("members")).and_then(|list| list.get_ref().as_array());
    let folders = members.into_iter().flatten().filter_map(|member| member.get_ref().as_str());
    Ok(folders
        .filter_map(|folder| {
            // A member that cannot be read is cargo's to complain about.
            let text = fs::read_to_string(root.join(folder).join("Cargo.toml")).ok()?;
            let manifest = DeTable::parse(&text).ok()?;
            Some(LocalMonitor { folder: folder.to_owned(), package: package_name(manifest.get_ref())? })
        })
        .collect())
}

fn package_name(manifest: &DeTable<'_>) -> Option<String> {
    let package = manifest.get("package")?.get_ref().as_table()?;
    Some(package.get("name")?.get_ref().as_str()?.to_owned())
}

/// Crates that are called like a part of the agent, which cargo could not tell apart.
fn namesakes(monitors: &[LocalMonitor], members: &[LocalMonitor]) -> Vec<String> {
    let problem = |monitor: &LocalMonitor| {
        let member = members.iter().find(|member| member.package == monitor.package)?;
        let LocalMonitor { folder, package } = monitor;
        Some(format!(
            "{FOLDER}/{folder}/Cargo.toml: is named `{package}`, as {}/Cargo.toml is; give the monitor crate another name",
            member.folder
        ))
    };
    monitors.iter().filter_map(problem).collect()
}

/// Looks at one folder; the error tells why it cannot be linked.
fn read_monitor(path: &Path, folder: String) -> Result<LocalMonitor, String> {
    if !folder.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
        return Err(format!(
            "{FOLDER}/{folder}: the folder's name becomes part of a Rust name, so it may hold only letters, digits, `-` and `_`; rename the folder"
        ));
    }
    let place = format!("{FOLDER}/{folder}/Cargo.toml");
    let text = fs::read_to_string(path.join("Cargo.toml")).map_err(|error| format!("{place}: {error}"))?;
    let manifest = DeTable::parse(&text).map_err(|error| format!("{place}: {}", error.message()))?;
    let table = |key: &str| manifest.get_ref().get(key).and_then(|value| value.get_ref().as_table());
    let Some(package) = package_name(manifest.get_ref()) else {
        return Err(format!("{place}: has no `name` under [package]; add `name = \"{folder}\"`"));
    };
    if manifest.get_ref().contains_key("workspace") {
        return Err(format!(
            "{place}: has a [workspace] of its own, and a crate that is linked belongs to the agent's; delete that table"
        ));
    }
    let library = table("lib").and_then(|lib| lib.get("path")).and_then(|path| path.get_ref().as_str());
    let library = library.unwrap_or("src/lib.rs");
    if !path.join(library).is_file() {
        return Err(format!(
            "{FOLDER}/{folder}: has no {library}; a monitor crate is a library, so that the agent can link it"
        ));
    }
    Ok(LocalMonitor { package, folder })
}

/// Folders that would get the same alias, and crates that cargo could not tell apart.
fn collisions(monitors: &[LocalMonitor]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut aliases = BTreeMap::new();
    let mut packages = BTreeMap::new();
    for LocalMonitor { folder, package } in monitors {
        if let Some(other) = aliases.insert(folder.replace('-', "_"), folder) {
            problems.push(format!(
                "{FOLDER}/{other} and {FOLDER}/{folder} differ only in `-` and `_`, which is one name in Rust; rename one"
            ));
        }
        if let Some(other) = packages.insert(package, folder) {
            problems.push(format!(
                "{FOLDER}/{other} and {FOLDER}/{folder} are both named `{package}` in their Cargo.toml; rename one"
            ));
        }
    }
    problems
}

/// One of the two written lists: a file, split at its marker lines.
struct List {
    file: &'static str,
    /// Up to and with the first marker line.
    before: String,
    found: Vec<String>,
    wanted: Vec<String>,
    /// From the second marker line on.
    after: String,
}

impl List {
    fn read(folder: &Path, file: &'static str, comment: &str, wanted: Vec<String>) -> Result<Self, String> {
        let text = fs::read_to_string(folder.join(file)).map_err(|error| format!("{FOLDER}/{file}: {error}"))?;
        let (begin, end) = (format!("{comment} {BEGIN}"), format!("{comment} {END}"));
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let marks = |mark: &str| -> Vec<usize> {
            lines.iter().enumerate().filter(|(_, line)| line.trim() == mark).map(|(at, _)| at).collect()
        };
        match (marks(&begin).as_slice(), marks(&end).as_slice()) {
            (&[first], &[last]) if first < last => Ok(Self {
                file,
                before: lines[..=first].concat(),
                found: lines[first + 1..last].iter().map(|line| line.trim().to_owned()).collect(),
                wanted,
                after: lines[last..].concat(),
            }),
            _ => Err(format!(
                "{FOLDER}/{file}: its list must lie between these two lines, each there once and in this order; put them back:\n    {begin}\n    {end}"
            )),
        }
    }

    /// Whether the right lines are there. Their order is left to rustfmt, which has its own.
    fn is_right(&self) -> bool {
        let mut found = self.found.clone();
        let mut wanted = self.wanted.clone();
        found.sort();
        wanted.sort();
        found == wanted
    }

    /// What sets the lines found apart from those wanted, by the name before the `=`.
    fn changes(&self) -> Vec<Change> {
        let name = |line: &str| line.split('=').next().unwrap_or_default().trim().to_owned();
        let by_name = |lines: &[String]| -> BTreeMap<String, String> {
            lines.iter().filter(|line| line.contains('=')).map(|line| (name(line), line.clone())).collect()
        };
        let (found, wanted) = (by_name(&self.found), by_name(&self.wanted));
        let gone = found.iter().filter(|(name, _)| !wanted.contains_key(*name));
        let mut changes: Vec<Change> = gone.map(|(_, line)| Change::Unlink(line.clone())).collect();
        for (name, line) in &wanted {
            match found.get(name) {
                None => changes.push(Change::Link(line.clone())),
                Some(old) if old != line => changes.push(Change::Update(line.clone())),
                Some(_) => {}
            }
        }
        changes
    }

    fn write(&self, folder: &Path) -> Result<(), String> {
        if self.is_right() {
            return Ok(());
        }
        let list: String = self.wanted.iter().map(|line| format!("{line}\n")).collect();
        let text = format!("{}{list}{}", self.before, self.after);
        fs::write(folder.join(self.file), text).map_err(|error| format!("{FOLDER}/{}: {error}", self.file))
    }
}
