//! Whether a package can be written at all, in each format: a name that one of them reads differently is refused.

use std::collections::BTreeMap;
use std::io;

use crate::package::{Package, REPLACED, Version};
use crate::tree::{Entry, Kind, Role, Tree};

/// A folder above an entry that nobody named.
static PARENT: Entry = Entry { kind: Kind::Folder, mode: 0o755, role: Role::Plain };
/// The longest name of a file on any file system of Linux, in bytes.
const LONGEST_NAME: usize = 255;
/// The longest path that the kernel takes, in bytes, with the slash at its begin and the byte at its end.
const LONGEST_PATH: usize = 4096 - 2;

/// All entries and all folders above them, in an order in which a folder comes before what is in it.
pub(crate) fn with_parents(tree: &Tree) -> BTreeMap<&str, &Entry> {
    let mut entries: BTreeMap<&str, &Entry> = BTreeMap::new();
    for (path, entry) in tree.entries() {
        for (end, _) in path.match_indices('/') {
            entries.entry(&path[..end]).or_insert(&PARENT);
        }
        entries.insert(path, entry);
    }
    entries
}

/// Finds all that would be wrong in one format or another.
///
/// # Errors
/// Of the kind [`io::ErrorKind::InvalidInput`], a line for each problem.
pub(crate) fn check(package: &Package) -> io::Result<()> {
    let mut problems = Vec::new();
    check_name(&package.name, &mut problems);
    check_version(&package.version, &mut problems);
    for (path, entry) in package.tree.entries() {
        check_path(path, &mut problems);
        check_entry(path, entry, &mut problems);
        for (end, _) in path.match_indices('/') {
            if package.tree.get(&path[..end]).is_some_and(|parent| parent.kind != Kind::Folder) {
                problems.push(format!("{path}: {} is no folder in the package", &path[..end]));
            }
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, problems.join("\n")))
}

/// What dpkg takes for a name; rpm takes that and more.
fn check_name(name: &str, problems: &mut Vec<String>) {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_valid = name.len() >= 2
        && name.starts_with(is_plain)
        && name.chars().all(|c| is_plain(c) || "+-.".contains(c))
        && name.len() <= 128;
    if !is_valid {
        problems.push(format!(
            "{name:?} cannot be the name of a package: at least two of the characters a-z, 0-9, +, - and ., the first \
             of them a letter or digit",
        ));
    }
    if REPLACED.contains(&name) {
        problems
            .push(format!("{name:?} is the name of the Python agent's package, which this one replaces: take another"));
    }
}

/// What both take for a version: neither part may have a hyphen, which separates them.
fn check_version(version: &Version, problems: &mut Vec<String>) {
    let parts = [("version", &version.upstream), ("release", &version.release)];
    for (what, text) in parts {
        let is_valid = text.starts_with(|c: char| c.is_ascii_digit())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || ".+~".contains(c));
        if !is_valid {
            problems.push(format!(
                "{text:?} cannot be the {what} of a package: a digit, then letters, digits, ., + and ~",
            ));
        }
    }
}

fn check_path(path: &str, problems: &mut Vec<String>) {
    if path.len() > LONGEST_PATH {
        problems.push(format!("{path}: is longer than the {LONGEST_PATH} bytes that a path may have"));
    }
    for name in path.split('/') {
        let problem = match name {
            "" => "has an empty part",
            "." | ".." => "has a part . or ..",
            _ if name.len() > LONGEST_NAME => "has a part of more than 255 bytes",
            _ if name.contains(char::is_control) => "has a control character",
            _ if name.trim() != name => "has a part that begins or ends with white space",
            _ => continue,
        };
        problems.push(format!("{path:?}: the path {problem}"));
    }
}

fn check_entry(path: &str, entry: &Entry, problems: &mut Vec<String>) {
    if entry.mode & !0o7777 != 0 {
        problems.push(format!("{path}: {:o} is no mode", entry.mode));
    }
    match &entry.kind {
        Kind::Link(target) if target.is_empty() || target.contains(char::is_control) => {
            problems.push(format!("{path}: {target:?} cannot be the target of a link"));
        }
        Kind::Link(_) | Kind::Folder if entry.role != Role::Plain => {
            problems.push(format!("{path}: only a file can be {:?}", entry.role));
        }
        Kind::File(content) if u32::try_from(content.len()).is_err() => {
            problems.push(format!("{path}: has more than the 4 GiB that a file in a .rpm may have"));
        }
        Kind::Link(_) | Kind::Folder | Kind::File(_) => {}
    }
}
