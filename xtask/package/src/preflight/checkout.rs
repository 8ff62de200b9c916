//! What git knows of the sources: their revision, its time, and whether something is not committed.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::preflight::tools;

/// The state of the checkout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checkout {
    /// The commit, in full; none where there is no git or no commit.
    pub(crate) commit: Option<String>,
    /// When it was made; seconds since 1970.
    pub(crate) time: Option<u32>,
    /// Paths that are not as they were committed.
    pub(crate) dirty: Vec<String>,
}

/// What may differ without the version being another: monitors are told by the suffix, and linking them writes the
/// lock file.
const MAY_DIFFER: [&str; 2] = [":(exclude)local-monitors", ":(exclude)Cargo.lock"];
/// Where a file that git does not know gets into the program or the package.
const SOURCES: [&str; 6] = ["agent", "builtin-monitors", "docs", "monitor-macros", "xtask", ".cargo"];

impl Checkout {
    /// Looks at the repository whose root this is. Without git, or in a folder that is no checkout, nothing is known.
    ///
    /// # Errors
    /// git fails, also since the checkout belongs to another user (`safe.directory`); what it said.
    pub(crate) fn look(root: &Path) -> Result<Self, String> {
        let top = match git(root, &["rev-parse", "--show-toplevel"]) {
            Ok(top) => top,
            // It is a checkout, and whether something in it is not committed could not be told.
            Err(problem) if root.join(".git").exists() && tools::is_there("git") => return Err(problem),
            Err(_) => return Ok(Self::default()),
        };
        // Unpacked sources below a checkout of something else.
        if Path::new(top.trim()).canonicalize().ok() != root.canonicalize().ok() {
            return Ok(Self::default());
        }
        let Ok(commit) = git(root, &["rev-parse", "--verify", "HEAD"]) else { return Ok(Self::default()) };
        let time = git(root, &["-c", "log.showSignature=false", "log", "-1", "--format=%ct"])?;
        let mut dirty = changed(root, "no", &[&["."][..], &MAY_DIFFER].concat())?;
        for path in changed(root, "all", &SOURCES)? {
            if !dirty.contains(&path) {
                dirty.push(path);
            }
        }
        Ok(Self { commit: Some(commit.trim().to_owned()), time: time.trim().parse().ok(), dirty })
    }

    /// What to say of changes that are not committed.
    pub(crate) fn told_dirty(&self) -> Option<String> {
        const MOST: usize = 5;
        if self.dirty.is_empty() {
            return None;
        }
        let mut paths = self.dirty.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
        if let Some(more) = self.dirty.len().checked_sub(MOST).filter(|more| *more > 0) {
            paths.push_str(&format!(" and {more} more (`git status` lists them)"));
        }
        Some(format!(
            "changes that are not committed: {paths}; nobody could tell what is in a package of them. Commit them, or \
             for a try `--allow-dirty`, with which the release ends with `.dirty`"
        ))
    }
}

/// The paths that differ from what is committed.
fn changed(root: &Path, untracked: &str, paths: &[&str]) -> Result<Vec<String>, String> {
    let untracked = format!("--untracked-files={untracked}");
    let arguments = [&["status", "--porcelain=v1", "-z", "--no-renames", &untracked, "--"], paths].concat();
    let told = git(root, &arguments)?;
    // Two letters and a space before each path.
    Ok(told.split('\0').filter_map(|entry| entry.get(3..)).map(str::to_owned).collect())
}

/// What git printed.
fn git(root: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new("git");
    // Set by hooks and by `git rebase --exec`, and would lead to another repository.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        command.env_remove(variable);
    }
    command.args(arguments).current_dir(root).stdin(Stdio::null()).env("GIT_OPTIONAL_LOCKS", "0");
    let output = command.output().map_err(|error| format!("cannot run git: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}
