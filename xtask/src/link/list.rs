//! `cargo xtask link --list`: each linked crate with its monitors.

use std::path::Path;

use super::found::{MonitorCrate, find_monitors};
use super::{link, outside};
use crate::taken;

/// Prints the list. True when nothing is wrong with it.
pub(crate) fn run(root: &Path) -> bool {
    let (local, mut problems) = match find_monitors(root) {
        Ok((local, _)) => (local, Vec::new()),
        Err(problems) => (Vec::new(), problems),
    };
    let (from_outside, missing) = outside::read_recorded(root);
    problems.extend(missing);
    if problems.is_empty() && link(root, false).is_ok_and(|outcome| !outcome.changes.is_empty()) {
        problems.push("not all of these are linked yet, or one too many is: run `cargo xtask link`".to_owned());
    }
    let mut rows = vec![["folder", "crate", "version", "monitors", "from"].map(str::to_owned)];
    rows.extend(local.iter().map(|monitor| row(monitor, "here")));
    rows.extend(from_outside.iter().map(|monitor| row(monitor, "outside")));
    print!("{}", table(&rows));
    for problem in &problems {
        eprintln!("cargo xtask link --list: {problem}");
    }
    problems.is_empty()
}

fn row(monitor: &MonitorCrate, from: &str) -> [String; 5] {
    let monitors = taken::monitors_in(&monitor.path, &monitor.place);
    let names: Vec<String> =
        monitors.into_iter().map(|monitor| monitor.name).filter(|name| !name.contains('.')).collect();
    let names = if names.is_empty() { "none found".to_owned() } else { names.join(", ") };
    [monitor.place.clone(), monitor.package.clone(), monitor.version.clone(), names, from.to_owned()]
}

/// The rows with their columns one below the other.
fn table(rows: &[[String; 5]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let line = |row: &[String; 5]| {
        let cells: Vec<String> = (0..).zip(row).map(|(column, cell)| format!("{cell:<0$}", width(column))).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}
