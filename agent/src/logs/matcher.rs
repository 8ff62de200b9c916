//! Which files an entry of `logs` means.

mod levels;

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use self::levels::Levels;
use crate::config::plan::LogPlan;

/// As Python's glob matches: within a directory level, and a leading dot only by a dot.
const OPTIONS: glob::MatchOptions =
    glob::MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// A glob looks into so many directories at most. Symbolic links between a few directories make endless paths for `**`.
pub const MOST_WALKED: usize = 100_000;

/// Whether the path of an entry is a pattern.
pub fn is_glob(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// The path of an entry that matches no other: one that is no pattern, or that [`glob::Pattern::escape`] made of a path. Such
/// a file is watched like any other that is named, whether it exists or not.
fn one_path(path: &str) -> Option<String> {
    let mut one = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find(['*', '?', '[']) {
        let (before, behind) = rest.split_at(at);
        let escaped = ["[*]", "[?]", "[[]", "[]]"].into_iter().find_map(|c| Some((c, behind.strip_prefix(c)?)));
        let (escaped, behind) = escaped?;
        one.push_str(before);
        one.push_str(&escaped[1..2]);
        rest = behind;
    }
    one.push_str(rest);
    Some(one)
}

/// The paths of one entry of `logs`.
#[derive(Clone, Debug)]
pub struct Matcher {
    pattern: String,
    glob: Option<(glob::Pattern, Levels)>,
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
        let one = one_path(&plan.path);
        let glob = one.is_none().then(|| Ok((glob::Pattern::new(&plan.path)?, Levels::of(&plan.path)?))).transpose();
        let glob = glob.map_err(|error: glob::PatternError| format!("path `{}`: {error}", plan.path))?;
        Ok(Self { pattern: one.unwrap_or_else(|| plan.path.clone()), glob, exclude })
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
            None => self.glob.as_ref().is_some_and(|(glob, _)| glob.matches_path_with(path, OPTIONS)),
        };
        matches && !self.exclude.is_match(path)
    }

    /// The regular files that match now, sorted by name. `*` and `?` stay within a directory level and do not match
    /// a leading dot; `**` descends.
    pub fn files(&self) -> Vec<PathBuf> {
        self.files_visiting(&mut |_| {}).0
    }

    /// The same; each directory that a glob looks into is visited before it is read. False when there are more than
    /// [`MOST_WALKED`] of them: then files are missing.
    pub fn files_visiting(&self, visit: &mut dyn FnMut(&Path)) -> (Vec<PathBuf>, bool) {
        if let Some(path) = self.fixed() {
            return (if is_regular(path) { vec![path.to_owned()] } else { Vec::new() }, true);
        }
        let Some((_, levels)) = &self.glob else { return (Vec::new(), true) };
        let (mut files, is_complete) = levels.walk(MOST_WALKED, visit);
        files.retain(|path| !self.exclude.is_match(path));
        (files, is_complete)
    }

    /// Whether a directory that came or went at `path` may change which files match.
    pub fn reaches(&self, path: &Path) -> bool {
        self.glob.as_ref().is_some_and(|(_, levels)| levels.reaches(path))
    }
}

/// A FIFO or device would block whoever opens it, so only regular files are followed.
pub fn is_regular(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::ledger::WorkerId;

    #[test]
    fn an_escaped_path_is_one_file_and_a_pattern_is_none() {
        for path in ["/a.log", "/[x]*?.log", "/]", "/[]", "/é[[]]é", ""] {
            assert_eq!(one_path(&glob::Pattern::escape(path)).as_deref(), Some(path));
        }
        for pattern in ["/*", "/[ab]", "/a?", "/[", "/[!*]", "/[]", "/x[[]*"] {
            assert_eq!(one_path(pattern), None, "{pattern}");
        }
        let (path, other) = (Path::new("/[x]*?.log"), Path::new("/xaa.log"));
        let escaped = matcher(glob::Pattern::escape("/[x]*?.log").into(), &[]);
        assert!(escaped.fixed() == Some(path) && escaped.matches(path) && !escaped.matches(other));
    }

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
    fn all_levels_are_visited_and_a_link_back_does_not_go_on_for_ever() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::create_dir_all(root.join("a/x/deep")).unwrap();
        fs::create_dir_all(root.join("b/y")).unwrap();
        fs::create_dir_all(root.join(".hidden")).unwrap();
        std::os::unix::fs::symlink(root, root.join("b/back")).unwrap();
        for name in ["a/x/1.log", "a/x/deep/2.log", "b/y/3.log", "4.log", ".hidden/5.log"] {
            fs::write(root.join(name), "x").unwrap();
        }
        let mut visited = Vec::new();
        let found = matcher(root.join("*/x/*.log"), &[]).files_visiting(&mut |path| visited.push(path.to_owned())).0;
        assert_eq!(found, [root.join("a/x/1.log")]);
        visited.sort();
        assert_eq!(visited, [root.to_owned(), root.join("a"), root.join("a/x"), root.join("b")]);
        let all = matcher(root.join("**/*.log"), &[]);
        let names = ["4.log", "a/x/1.log", "a/x/deep/2.log", "b/y/3.log"];
        assert_eq!(all.files(), names.map(|name| root.join(name)));
        assert!(all.files().iter().all(|path| all.matches(path)));
    }

    #[test]
    fn a_directory_that_comes_concerns_the_globs_that_reach_it() {
        let reaches = |pattern: &str, path: &str| matcher(pattern.into(), &[]).reaches(Path::new(path));
        for path in ["/var", "/var/log", "/var/log/a", "/var/log/a/x"] {
            assert!(reaches("/var/log/*/x/*.log", path), "{path}");
        }
        for path in ["/srv", "/var/log/a/y", "/var/log/a/x/1.log"] {
            assert!(!reaches("/var/log/*/x/*.log", path), "{path}");
        }
        for path in ["/var/log", "/var/log/a/b", "/var/log/a/b/c/d/e"] {
            assert!(reaches("/var/log/**/*.log", path), "{path}");
        }
        assert!(!reaches("/var/log/app*/**/*.log", "/var/log/db/x"));
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
