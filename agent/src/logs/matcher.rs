//! Which files an entry of `logs` means.

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::config::plan::LogPlan;

/// As Python's glob matches: within a directory level, and a leading dot only by a dot.
const OPTIONS: glob::MatchOptions =
    glob::MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// The paths of one entry of `logs`.
#[derive(Clone, Debug)]
pub struct Matcher {
    pattern: String,
    glob: Option<glob::Pattern>,
    exclude: GlobSet,
}

impl Matcher {
    /// For the `path` and `exclude` of an entry.
    ///
    /// # Errors
    /// A pattern that is none, with the reason.
    pub fn new(plan: &LogPlan) -> Result<Self, String> {
        let mut exclude = GlobSetBuilder::new();
        for pattern in &plan.exclude {
            let glob = GlobBuilder::new(pattern).literal_separator(false).build();
            exclude.add(glob.map_err(|error| format!("exclude pattern `{pattern}`: {}", error.kind()))?);
        }
        let exclude = exclude.build().map_err(|error| format!("exclude: {error}"))?;
        let is_glob = plan.path.contains(['*', '?', '[']);
        let glob = is_glob.then(|| glob::Pattern::new(&plan.path)).transpose();
        let glob = glob.map_err(|error| format!("path `{}`: {error}", plan.path))?;
        Ok(Self { pattern: plan.path.clone(), glob, exclude })
    }

    /// Whether finding the files means walking directories.
    pub fn is_glob(&self) -> bool {
        self.glob.is_some()
    }

    /// The path itself when it is not a glob; it is watched whether it exists or not.
    pub fn fixed(&self) -> Option<&Path> {
        let path = Path::new(&self.pattern);
        (self.glob.is_none() && !self.exclude.is_match(path)).then_some(path)
    }

    /// Whether a path is one of this entry, whatever stands there now.
    pub fn matches(&self, path: &Path) -> bool {
        let matches = match self.fixed() {
            Some(fixed) => fixed == path,
            None => self.glob.as_ref().is_some_and(|glob| glob.matches_path_with(path, OPTIONS)),
        };
        matches && !self.exclude.is_match(path)
    }

    /// The regular files that match now, sorted by name. `*` and `?` stay within a directory level and do not match
    /// a leading dot; `**` descends.
    pub fn files(&self) -> Vec<PathBuf> {
        if let Some(path) = self.fixed() {
            return if is_regular(path) { vec![path.to_owned()] } else { Vec::new() };
        }
        let Ok(paths) = glob::glob_with(&self.pattern, OPTIONS) else { return Vec::new() };
        paths.flatten().filter(|path| !self.exclude.is_match(path) && is_regular(path)).collect()
    }
}

/// A FIFO or device would block whoever opens it, so only regular files are followed.
fn is_regular(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::ledger::WorkerId;

    fn matcher(path: PathBuf, exclude: &[String]) -> Matcher {
        let plan = LogPlan::new("logs[0]", path.to_string_lossy(), WorkerId("default".into()));
        let plan = LogPlan { exclude: exclude.to_vec(), ..plan };
        Matcher::new(&plan).unwrap()
    }

    #[test]
    fn a_glob_stays_within_its_level_and_leaves_out_dots_directories_and_excluded_files() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::create_dir(root.join("sub.log")).unwrap();
        for name in ["b.log", "a.log", ".hidden.log", "a.txt", "skip.log", "sub.log/c.log"] {
            fs::write(root.join(name), "x").unwrap();
        }
        let found = matcher(root.join("*.log"), &["*skip*".into()]).files();
        assert_eq!(found, [root.join("a.log"), root.join("b.log")]);
        let found = matcher(root.join("**/*.log"), &[]).files();
        assert!(found.contains(&root.join("sub.log/c.log")), "{found:?}");
    }

    #[test]
    fn a_bad_pattern_is_told() {
        let mut plan = LogPlan::new("logs[0]", "/var/log/[", WorkerId("default".into()));
        assert!(Matcher::new(&plan).unwrap_err().contains("/var/log/["));
        plan.path = "/var/log/*".into();
        plan.exclude = vec!["a[".into()];
        assert!(Matcher::new(&plan).unwrap_err().contains("a["));
    }
}
