//! Files beside the fragments that are none, because of how their names end.

use std::fs;
use std::io;

use super::{FOLDER, Loaded};
use crate::config::report::Kind;
use crate::order;

/// So many of a folder are looked at; one with more is another folder than was meant.
const MOST: usize = 1000;
/// What editors and packages leave beside a file, and how people put one aside.
const PUT_ASIDE: [&str; 10] = ["~", ".bak", ".old", ".orig", ".off", ".disabled", ".sample", ".example", ".swp", ".md"];
/// What packages add to a name is followed by more.
const OF_PACKAGES: [&str; 3] = [".dpkg-", ".ucf-", ".rpm"];

impl Loaded {
    /// Warns of each file in the folder of the fragments that somebody may take for one, and that is not read because its
    /// name does not end in `.json`. Not for the daemon, which would tell it with every start.
    pub fn tell_of_unread_files(&mut self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let is_file = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| !kind.is_dir());
        let entries = entries.take(MOST).filter_map(io::Result::ok).filter(is_file);
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| looks_like_fragment(name));
        order::by(&mut names, Ord::cmp);
        for name in names {
            let path = self.folder.join(name);
            let message = format!("{} is not read: the name of a fragment ends in .json", path.display());
            self.report.warn(FOLDER, message).kind(Kind::File).hint("rename it, or put it elsewhere");
        }
    }
}

fn looks_like_fragment(name: &str) -> bool {
    let is_aside = PUT_ASIDE.iter().any(|ending| name.ends_with(ending))
        || OF_PACKAGES.iter().any(|part| name.contains(part))
        || name.starts_with(['.', '#'])
        || name.starts_with("README");
    !name.ends_with(".json") && !is_aside
}
