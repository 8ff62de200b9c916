//! Names that are taken, and by what: crates and monitors must not share one.

use std::fs;
use std::path::Path;

use crate::link::{self, FOLDER, MonitorCrate};
use crate::manifest::Manifest;
use crate::registered;

/// A name as it is compared: `Rain-Gauge` and `rain_gauge` are one.
pub(crate) fn plain(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}

/// A name that something has.
#[derive(Debug, PartialEq)]
pub(crate) struct Taken {
    /// As it is spelled there.
    pub(crate) name: String,
    /// What has it: "the crate local-monitors/coin".
    pub(crate) by: String,
}

impl Taken {
    /// What has the name, with its spelling if that is not `given`.
    pub(crate) fn told_beside(&self, given: &str) -> String {
        let Self { name, by } = self;
        if name == given {
            by.clone()
        } else {
            format!("{by} (`{name}`: `-`, `_` and capital letters make no difference)")
        }
    }
}

/// The name of a crate, and those of its monitors.
pub(crate) fn of_crate(monitor: &MonitorCrate) -> (Taken, Vec<Taken>) {
    let by = format!("the crate {}", monitor.place);
    (Taken { name: monitor.package.clone(), by }, monitors_in(&monitor.path, &monitor.place))
}

/// The monitors that every agent carries.
pub(crate) fn builtin_monitors(root: &Path) -> Vec<Taken> {
    monitors_in(&root.join("builtin-monitors"), "builtin-monitors")
}

/// The monitor names in the sources of the crate in `path`.
pub(crate) fn monitors_in(path: &Path, place: &str) -> Vec<Taken> {
    let library = Manifest::read(path).map_or_else(|_| "src/lib.rs".to_owned(), |manifest| manifest.library);
    let names = registered::names_in_crate(path, &library);
    names.into_iter().map(|name| Taken { name, by: format!("a monitor of {place}") }).collect()
}

/// Every name that a new monitor in `local-monitors/` must keep clear of.
pub(crate) fn everywhere(root: &Path) -> Vec<Taken> {
    let mut taken = Vec::new();
    for entry in fs::read_dir(root.join(FOLDER)).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        // A folder with a crate in it is told as that.
        if !entry.path().join("Cargo.toml").exists() || plain(&name) != plain(&package_in(&entry.path())) {
            taken.push(Taken { by: format!("{FOLDER}/{name}"), name });
        }
    }
    for monitor in link::all_that_can_be_read(root) {
        let (own, monitors) = of_crate(&monitor);
        taken.push(own);
        taken.extend(monitors);
    }
    taken.extend(builtin_monitors(root));
    for member in link::members(root).unwrap_or_default() {
        taken.push(Taken { name: member.package, by: format!("a part of the agent ({})", member.folder) });
    }
    for package in link::locked_packages(root) {
        taken.push(Taken { name: package, by: "a crate that the agent is built from (Cargo.lock)".to_owned() });
    }
    taken
}

/// The name of the crate in a folder; empty when there is none.
fn package_in(folder: &Path) -> String {
    Manifest::read(folder).ok().and_then(|manifest| manifest.package).unwrap_or_default()
}
