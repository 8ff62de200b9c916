//! What journalctl says is wrong, for the person who has to mend it.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// Where systemd keeps a journal on disk, if this folder is there.
const ON_DISK: &str = "/var/log/journal";

/// What is wrong, by what has to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The agent's user may not read the journal, or not all of it.
    Permission,
    /// There is no journal, or none yet.
    NoJournal,
    /// The cursor is none.
    Cursor,
    /// One of `journal_matches` is none.
    Match,
    /// A hint that is of no interest to anybody here.
    Nothing,
    /// Something else.
    Other,
}

impl Trouble {
    /// What a line of its standard error is about.
    pub(super) fn of_line(line: &str) -> Self {
        let has = |part: &str| line.contains(part);
        if has("insufficient permissions") || has("not seeing messages") || has("Permission denied") {
            Self::Permission
        } else if has("No journal files were found") || has("No such file or directory") || has("Not a directory") {
            Self::NoJournal
        } else if has("seek to cursor") || has("parse cursor") {
            Self::Cursor
        } else if has("add match") {
            Self::Match
        } else if line.starts_with("--") || line.starts_with("Hint:") || line.starts_with("      ") {
            Self::Nothing
        } else if has("can see all messages") || has("Pass -q") {
            // The other lines of that hint.
            Self::Nothing
        } else {
            Self::Other
        }
    }

    /// For the limit of how often it is told.
    pub(super) fn cause(self) -> &'static str {
        match self {
            Self::Permission => "permission",
            Self::NoJournal => "no journal",
            Self::Cursor => "cursor",
            Self::Match => "match",
            Self::Nothing | Self::Other => "journalctl",
        }
    }

    /// The line, and what to do.
    pub(super) fn text(self, line: &str, folder: &str) -> String {
        let place = if folder.is_empty() { "the journal of this host" } else { folder };
        match self {
            Self::Permission => format!(
                "The agent's user may not read all of {place} ({line}). Add the user to the group systemd-journal \
                 (`usermod -aG systemd-journal USER`) and restart the agent; until then what it may not read is missing"
            ),
            Self::NoJournal => no_journal(&format!("There is no journal in {place} ({line})"), folder),
            Self::Match => {
                format!("{line}. `journal_matches` holds texts FIELD=value, as `journalctl --fields` lists the fields")
            }
            Self::Cursor => format!(
                "journalctl takes no cursor like the one that was kept ({line}). The journal is read from its end; what \
                 came since the agent was stopped is skipped"
            ),
            Self::Nothing | Self::Other => format!("journalctl: {line}"),
        }
    }
}

/// Why there is nothing to be read in a folder, before journalctl is asked, which follows an empty folder in silence.
pub(super) fn of_folder(folder: &str) -> Option<(Trouble, String)> {
    if folder.is_empty() {
        return None;
    }
    let told = |trouble: Trouble, line: &str| Some((trouble, trouble.text(line, folder)));
    match has_journal(Path::new(folder), true) {
        Ok(true) => None,
        Ok(false) => Some((Trouble::NoJournal, no_journal(&format!("There is no journal in {folder} yet"), folder))),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => told(Trouble::Permission, &error.to_string()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Some((Trouble::NoJournal, no_journal(&format!("There is no folder {folder}"), folder)))
        }
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            Some((Trouble::NoJournal, no_journal(&format!("{folder} is no folder"), folder)))
        }
        // It may well have a journal, of which nothing is new.
        Err(error) => Some((Trouble::Other, format!("{folder} cannot be read: {error}. It is tried again"))),
    }
}

/// Whether a journal lies in the folder, or in one of its folders, which are named after machines.
fn has_journal(folder: &Path, has_folders: bool) -> std::io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "journal") {
            return Ok(true);
        }
        // One that may not be read is told of by journalctl.
        if has_folders && path.is_dir() && has_journal(&path, false).unwrap_or(true) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn no_journal(what: &str, folder: &str) -> String {
    let advice = match folder.trim_end_matches('/') {
        ON_DISK => ". `mkdir -p /var/log/journal && systemctl restart systemd-journald` lets systemd keep one on disk",
        _ => "",
    };
    format!(
        "{what}. `journal_path` of this monitor names another folder; with \"\" it reads what this host has, also a \
         journal in memory{advice}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_journalctl_252_says_is_told_apart() {
        for (line, trouble) in [
            ("No journal files were opened due to insufficient permissions.", Trouble::Permission),
            ("Failed to open /j: Permission denied", Trouble::Permission),
            ("Hint: You are currently not seeing messages from other users and the system.", Trouble::Permission),
            ("      Users in groups 'adm', 'systemd-journal' can see all messages.", Trouble::Nothing),
            ("Users in groups 'adm', 'systemd-journal' can see all messages.", Trouble::Nothing),
            ("Pass -q to turn off this notice.", Trouble::Nothing),
            ("Failed to open nope: No such file or directory", Trouble::NoJournal),
            ("No journal files were found.", Trouble::NoJournal),
            ("Failed to seek to cursor: Invalid argument", Trouble::Cursor),
            ("Failed to add match 'x y': Invalid argument", Trouble::Match),
            ("Failed to iterate through journal: Bad message", Trouble::Other),
        ] {
            assert_eq!(Trouble::of_line(line), trouble, "{line}");
        }
    }

    #[test]
    fn a_folder_without_a_journal_is_told_of_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let (trouble, text) = of_folder(path).unwrap();
        assert_eq!(trouble, Trouble::NoJournal);
        assert!(text.contains("yet. `journal_path` of this monitor"), "{text}");
        let (_, text) = of_folder(&format!("{path}/none")).unwrap();
        assert!(text.starts_with("There is no folder ") && !text.contains("os error"), "{text}");
        std::os::unix::fs::symlink("loop", folder.path().join("loop")).unwrap();
        let (trouble, text) = of_folder(&format!("{path}/loop")).unwrap();
        assert_eq!(trouble, Trouble::Other, "a journal that cannot be looked for is not taken for a new one");
        assert!(text.contains("loop cannot be read: "), "{text}");
        fs::create_dir(folder.path().join("machine")).unwrap();
        assert!(of_folder(path).is_some());
        fs::write(folder.path().join("machine/system.journal"), "").unwrap();
        assert_eq!(of_folder(path), None);
        assert_eq!(of_folder(""), None);
    }

    #[test]
    fn systemd_is_only_told_to_make_the_folder_that_it_uses() {
        assert!(no_journal("None", ON_DISK).contains("mkdir -p /var/log/journal"));
        assert!(!no_journal("None", "/srv/journal").contains("mkdir"));
    }
}
