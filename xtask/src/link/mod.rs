//! `cargo xtask link`: makes the aggregator `local-monitors` name every monitor crate in the folders beside it.
//!
//! A dependency that no code names is left out by the linker without a word, so each crate is written twice: as a
//! dependency in `local-monitors/Cargo.toml` and as a `use` in `local-monitors/lib.rs`, both between two marker lines.
//! The truth is which folders are there; the two regions are derived from it. Crates from outside the checkout are linked
//! in another way, see [`outside`] and [`workspace`].

mod found;
mod from;
mod list;
mod lock;
mod outside;
mod workspace;
mod written;

use std::fmt::{self, Write as _};
use std::fs;
use std::path::Path;

pub(crate) use found::{MonitorCrate, members};
pub(crate) use from::{link_from, run as run_from};
pub(crate) use list::run as list;
pub(crate) use outside::{quoted, relative};
pub(crate) use workspace::{API_FOLDER, MANIFEST as LINKED_MANIFEST, Resolve};

use found::find_monitors;
use written::List;

/// Where the local monitors are.
pub(crate) const FOLDER: &str = "local-monitors";

/// Brings the linking up to date, or with `write` off only says what is to be done. True when nothing is left to do.
pub(crate) fn run(root: &Path, write: bool) -> bool {
    let (outside, mut problems) = outside::read_recorded(root);
    let outcome = match link(root, false) {
        Ok(outcome) => {
            problems.extend(outside_problems(root, &outcome.monitors, &outside));
            Some(outcome)
        }
        Err(local) => {
            problems.splice(0..0, local);
            None
        }
    };
    let outcome =
        outcome.filter(|_| problems.is_empty()).map(|outcome| if write { link(root, true) } else { Ok(outcome) });
    match outcome {
        Some(Ok(outcome)) => {
            print!("{}", outcome.told(write));
            if write && let Err(problem) = regenerate(root, &outside, Resolve::default()) {
                eprintln!("cargo xtask link: {problem}");
                return false;
            }
            if !outside.is_empty() {
                println!("linked from outside: {}; they are in what `cargo agent` runs", places(&outside));
            }
            write || outcome.changes.is_empty()
        }
        Some(Err(problems)) => refuse(&problems),
        None => refuse(&problems),
    }
}

/// Prints what keeps the linking from being done.
fn refuse(problems: &[String]) -> bool {
    // A crate that is linked already and named again is looked at twice.
    let mut told: Vec<&String> = Vec::new();
    for problem in problems {
        if told.contains(&problem) {
            continue;
        }
        told.push(problem);
        eprintln!("cargo xtask link: {problem}");
    }
    eprintln!("cargo xtask link: nothing was changed");
    false
}

/// What keeps crates from outside from being linked; nothing when there are none.
fn outside_problems(root: &Path, local: &[MonitorCrate], outside: &[MonitorCrate]) -> Vec<String> {
    if outside.is_empty() { Vec::new() } else { outside::problems(root, local, outside) }
}

fn places(crates: &[MonitorCrate]) -> String {
    crates.iter().map(|monitor| monitor.place.as_str()).collect::<Vec<_>>().join(", ")
}

/// Brings the generated workspace up to date with these crates from outside.
fn regenerate(root: &Path, outside: &[MonitorCrate], resolve: Resolve) -> Result<(), String> {
    if outside.is_empty() {
        return workspace::delete(root);
    }
    for note in workspace::generate(root, outside, resolve)? {
        eprintln!("{note}");
    }
    Ok(())
}

/// Makes the workspace with the crates from outside ready for a build. False when there are no such crates.
pub(crate) fn prepare(root: &Path, resolve: Resolve) -> Result<bool, Vec<String>> {
    let (outside, mut problems) = outside::read_recorded(root);
    if outside.is_empty() && problems.is_empty() {
        return Ok(false);
    }
    let (local, _) = find_monitors(root)?;
    problems.extend(outside_problems(root, &local, &outside));
    if !problems.is_empty() {
        return Err(problems);
    }
    regenerate(root, &outside, resolve).map_err(|problem| vec![problem])?;
    Ok(true)
}

/// Forgets a crate from outside, by its place in the record; its folder is left alone.
pub(crate) fn forget_outside(root: &Path, place: &str) -> Result<(), String> {
    let before = outside::recorded(root)?;
    let record: Vec<String> = before.into_iter().filter(|other| other != place).collect();
    outside::record(root, &record)?;
    let (outside, problems) = outside::read_recorded(root);
    // With another one missing the workspace cannot be made; whoever builds next is told.
    if problems.is_empty() { regenerate(root, &outside, Resolve::default()) } else { Ok(()) }
}

/// The local monitors that are linked and have no folder any more: cargo would only say that a file is missing. What
/// else is wrong with the linking is told by the guard, once cargo has loaded the workspace.
pub(crate) fn without_folder(root: &Path) -> Vec<String> {
    let changes = link(root, false).map(|outcome| outcome.changes).unwrap_or_default();
    let gone = changes.into_iter().filter_map(|change| match change {
        Change::Unlink(entry) => {
            Some(format!("{FOLDER}/ links `{entry}`, and there is no such folder; run `cargo xtask link`"))
        }
        _ => None,
    });
    gone.collect()
}

/// The recorded places outside, and what is known of the crate there.
pub(crate) fn outside_places(root: &Path) -> Result<Vec<(String, Option<MonitorCrate>)>, String> {
    let (crates, _) = outside::read_recorded(root);
    let known = |place: String| {
        let monitor = crates.iter().find(|monitor| monitor.place == place).cloned();
        (place, monitor)
    };
    Ok(outside::recorded(root)?.into_iter().map(known).collect())
}

/// Every monitor crate, here and outside, whatever is wrong with the others.
pub(crate) fn all_that_can_be_read(root: &Path) -> Vec<MonitorCrate> {
    let mut all = found::readable(root);
    all.extend(outside::read_recorded(root).0);
    all
}

/// The names in `Cargo.lock` of crates that are not from this repository.
pub(crate) fn locked_packages(root: &Path) -> Vec<String> {
    let text = fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default();
    let (_, packages) = lock::packages(&text);
    packages.iter().filter(|package| package.source.is_some()).map(|package| package.name.to_owned()).collect()
}

/// What `link` found and did, or would do.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The crates that are there, by alias.
    monitors: Vec<MonitorCrate>,
    /// What was, or would be, changed; empty when the linking is right.
    pub(crate) changes: Vec<Change>,
    /// Names of folders that hold no `Cargo.toml`.
    passed_over: Vec<String>,
}

/// A change to the two lists.
#[derive(Debug, PartialEq)]
pub(crate) enum Change {
    /// A crate that was not linked: its line.
    Link(String),
    /// A line without a crate.
    Unlink(String),
    /// A line that has to be another.
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

/// Derives both regions from the folders and, with `write`, writes the files that differ: both or none. All problems at
/// once.
pub(crate) fn link(root: &Path, write: bool) -> Result<Outcome, Vec<String>> {
    let folder = root.join(FOLDER);
    let (monitors, passed_over) = find_monitors(root)?;

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
        manifest.write(&folder).map_err(|problem| vec![problem])?;
        if let Err(problem) = library.write(&folder) {
            return Err([Some(problem), manifest.restore(&folder).err()].into_iter().flatten().collect());
        }
    }
    Ok(Outcome { monitors, changes, passed_over })
}
