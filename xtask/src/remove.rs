//! `cargo xtask remove NAME`: unlinks a monitor crate. One under `local-monitors/` is deleted, one outside is left alone.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::link::{self, FOLDER, MonitorCrate};
use crate::taken::{self, plain};

/// How many files with work in them are named.
const NAMED: usize = 10;

/// Removes it. True when it is gone.
pub(crate) fn run(root: &Path, name: &str, force: bool) -> bool {
    match remove(root, name, force) {
        Ok(text) => {
            print!("{text}");
            true
        }
        Err(problems) => {
            for problem in &problems {
                eprintln!("cargo xtask remove: {problem}");
            }
            false
        }
    }
}

/// What a name can stand for.
#[derive(Debug)]
enum Target {
    Local(MonitorCrate),
    Outside(String),
}

impl Target {
    fn place(&self) -> &str {
        match self {
            Self::Local(monitor) => &monitor.place,
            Self::Outside(place) => place,
        }
    }
}

fn remove(root: &Path, name: &str, force: bool) -> Result<String, Vec<String>> {
    match find(root, name).map_err(|problem| vec![problem])? {
        Target::Outside(place) => {
            link::forget_outside(root, &place).map_err(|problem| vec![problem])?;
            Ok(format!("unlinked {place}; the folder itself was left alone\n"))
        }
        Target::Local(monitor) => delete(root, &monitor, force),
    }
}

/// Finds the crate by folder, package or monitor name.
fn find(root: &Path, name: &str) -> Result<Target, String> {
    let mut all: Vec<(Target, Vec<String>)> = Vec::new();
    for (place, monitor) in link::outside_places(root)? {
        let folder = Path::new(&place).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut names = vec![place.clone(), folder];
        names.extend(monitor.as_ref().map(names_of).unwrap_or_default());
        all.push((Target::Outside(place), names));
    }
    let outside: Vec<String> = all.iter().map(|(target, _)| target.place().to_owned()).collect();
    for monitor in link::all_that_can_be_read(root).into_iter().filter(|monitor| !outside.contains(&monitor.place)) {
        let mut names = vec![monitor.place.clone(), monitor.folder.clone()];
        names.extend(names_of(&monitor));
        all.push((Target::Local(monitor), names));
    }
    let wanted = name.trim_end_matches('/');
    let known: Vec<String> = all.iter().map(|(target, _)| target.place().to_owned()).collect();
    let mut matching: Vec<Target> = all
        .into_iter()
        .filter(|(_, names)| names.iter().any(|name| plain(name) == plain(wanted)))
        .map(|(target, _)| target)
        .collect();
    match (matching.len(), matching.pop()) {
        (1, Some(target)) => Ok(target),
        (0, _) | (_, None) => {
            let known = if known.is_empty() { "none is".to_owned() } else { format!("there are {}", known.join(", ")) };
            Err(format!("no linked crate is called `{name}`; {known}"))
        }
        (_, Some(last)) => {
            let mut places: Vec<String> = matching.iter().map(|target| target.place().to_owned()).collect();
            places.push(last.place().to_owned());
            Err(format!("`{name}` can be one of {}; name the folder as it is written here", places.join(", ")))
        }
    }
}

/// The names of a crate's package and monitors.
fn names_of(monitor: &MonitorCrate) -> Vec<String> {
    let (own, monitors) = taken::of_crate(monitor);
    std::iter::once(own).chain(monitors).map(|taken| taken.name).collect()
}

/// Deletes the folder of a local monitor and unlinks it.
fn delete(root: &Path, monitor: &MonitorCrate, force: bool) -> Result<String, Vec<String>> {
    let place = &monitor.place;
    if !force {
        work_that_would_be_lost(root, monitor).map_err(|problem| vec![problem])?;
    }
    let io = |error: std::io::Error| vec![format!("{place}: {error}")];
    let path = root.join(place);
    if fs::symlink_metadata(&path).map_err(io)?.is_symlink() {
        fs::remove_file(&path).map_err(io)?;
        link::link(root, true)?;
        return Ok(format!("unlinked {place} and removed the symbolic link; what it pointed to was left alone\n"));
    }
    // Out of sight first, so that a refusal to link leaves everything as it was.
    let aside = root.join(FOLDER).join(format!(".removed-{}", monitor.folder));
    if aside.exists() {
        // Left behind by a run that was killed; what is in it was to be deleted.
        fs::remove_dir_all(&aside).map_err(|error| vec![format!("{}: {error}; delete it by hand", aside.display())])?;
    }
    fs::rename(&path, &aside).map_err(io)?;
    if let Err(mut problems) = link::link(root, true) {
        problems.extend(fs::rename(&aside, &path).map_err(io).err().into_iter().flatten());
        problems.push("nothing was changed".to_owned());
        return Err(problems);
    }
    fs::remove_dir_all(&aside).map_err(|error| vec![format!("{}: {error}; delete it by hand", aside.display())])?;
    Ok(format!("unlinked {place} and deleted the folder\nnext: `cargo build` (also brings Cargo.lock up to date)\n"))
}

/// An error that names what git would not bring back.
fn work_that_would_be_lost(root: &Path, monitor: &MonitorCrate) -> Result<(), String> {
    let place = &monitor.place;
    let mut git = Command::new("git");
    git.current_dir(root).args(["status", "--porcelain", "--untracked-files=all", "--ignored", "--", place]);
    let output = git.stdin(Stdio::null()).output();
    let Some(output) = output.ok().filter(|output| output.status.success()) else {
        return Err(format!(
            "git cannot tell whether {place} is kept anywhere else; `cargo xtask remove {} --force` deletes it all the same",
            monitor.folder
        ));
    };
    let text = String::from_utf8_lossy(&output.stdout);
    // What cargo built can be built again; anything else that git ignores is nowhere else.
    let built = format!("{place}/target/");
    let changed: Vec<&str> = text.lines().filter(|line| !(line.starts_with("!!") && line.contains(&built))).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let named = changed.iter().take(NAMED).map(|line| format!("    {line}\n")).collect::<String>();
    let more = if changed.len() > NAMED { format!("    and {} more\n", changed.len() - NAMED) } else { String::new() };
    Err(format!(
        "{place} holds work that is not committed and would be lost:\n{named}{more}commit it, or delete it all the same \
         with `cargo xtask remove {} --force`",
        monitor.folder
    ))
}
