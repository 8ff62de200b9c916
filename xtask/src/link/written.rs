//! The two lists of the aggregator: read, compared with what they should be, written.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{Change, FOLDER};

const BEGIN: &str = ">>> xtask: local monitors (written by `cargo xtask link`)";
const END: &str = "<<< xtask";

/// One of the two written lists: a file, split at its marker lines.
pub(super) struct List {
    /// Its name in the aggregator's folder.
    pub(super) file: &'static str,
    /// Up to and with the first marker line.
    before: String,
    /// What lies between them, as it is and line by line.
    between: String,
    found: Vec<String>,
    wanted: Vec<String>,
    /// From the second marker line on.
    after: String,
}

impl List {
    /// Finds the list in the file; the error says how its marker lines must be.
    pub(super) fn read(folder: &Path, file: &'static str, comment: &str, wanted: Vec<String>) -> Result<Self, String> {
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
                between: lines[first + 1..last].concat(),
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
    pub(super) fn is_right(&self) -> bool {
        let mut found = self.found.clone();
        let mut wanted = self.wanted.clone();
        found.sort();
        wanted.sort();
        found == wanted
    }

    /// What sets the lines found apart from those wanted, by the name before the `=`.
    pub(super) fn changes(&self) -> Vec<Change> {
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

    /// Puts the wanted lines between the markers, unless they are there.
    pub(super) fn write(&self, folder: &Path) -> Result<(), String> {
        if self.is_right() {
            return Ok(());
        }
        let list: String = self.wanted.iter().map(|line| format!("{line}\n")).collect();
        self.put(folder, &list)
    }

    /// Puts back what was found.
    pub(super) fn restore(&self, folder: &Path) -> Result<(), String> {
        self.put(folder, &self.between)
    }

    fn put(&self, folder: &Path, list: &str) -> Result<(), String> {
        let text = format!("{}{list}{}", self.before, self.after);
        fs::write(folder.join(self.file), text).map_err(|error| format!("{FOLDER}/{}: {error}", self.file))
    }
}
