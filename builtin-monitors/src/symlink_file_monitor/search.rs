//! The paths that a pattern matches, found without an end that nobody sees: a tree may be large, and links in it may lead
//! back to where they stand.

use std::fs;
use std::io::{self, ErrorKind};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};
use scalyr_monitor::prelude::*;

/// As Python's `glob` does it.
const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// A pattern that was read.
#[derive(Debug, Default)]
pub(super) struct Search(Vec<Part>);

/// What one name of a path must be.
#[derive(Debug)]
enum Part {
    Name(String),
    Pattern(Pattern),
    /// Any number of directories.
    Directories,
}

/// What becomes of a path that was found, or of a directory that cannot be looked into.
pub(super) type Each<'e> = dyn FnMut(&Path, io::Result<()>) -> ControlFlow<()> + 'e;

impl Search {
    /// Reads an absolute pattern.
    ///
    /// # Errors
    /// Where it is none.
    pub(super) fn parse(pattern: &str) -> Result<Self> {
        if !pattern.starts_with('/') {
            return Err(Error::new("must be an absolute path; it begins with `/`"));
        }
        let mut parts = Vec::new();
        for name in pattern.split('/').filter(|name| !name.is_empty()) {
            match name {
                "**" if matches!(parts.last(), Some(Part::Directories)) => {}
                "**" => parts.push(Part::Directories),
                _ if name.contains(['*', '?', '[']) => {
                    parts.push(Part::Pattern(Pattern::new(name).about(format_args!("`{name}`"))?));
                }
                _ => parts.push(Part::Name(name.to_owned())),
            }
        }
        // What is in the directories is meant.
        if matches!(parts.last(), Some(Part::Directories)) {
            parts.push(Part::Pattern(Pattern::new("*")?));
        }
        Ok(Self(parts))
    }

    /// Gives each path that matches, until it is told to end or the monitor is to stop.
    pub(super) fn run(&self, stop: &Stop, each: &mut Each<'_>) {
        let mut todo = vec![(PathBuf::from("/"), self.0.as_slice())];
        while let Some((folder, parts)) = todo.pop() {
            let Some((part, rest)) = parts.split_first() else { continue };
            if stop.is_stopped() {
                return;
            }
            let ended = match part {
                Part::Name(name) => step(folder.join(name), rest, &mut todo, each),
                Part::Directories => {
                    todo.push((folder.clone(), rest));
                    // Not through links, which may lead back.
                    look_into(&folder, stop, each, &mut |entry, _| {
                        let name = entry.file_name();
                        let is_hidden = name.as_encoded_bytes().starts_with(b".");
                        if !is_hidden && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                            todo.push((entry.path(), parts));
                        }
                        ControlFlow::Continue(())
                    })
                }
                Part::Pattern(pattern) => look_into(&folder, stop, each, &mut |entry, each| {
                    if !pattern.matches_with(&entry.file_name().to_string_lossy(), OPTIONS) {
                        return ControlFlow::Continue(());
                    }
                    let may_be_folder = |kind: fs::FileType| kind.is_dir() || kind.is_symlink();
                    match rest.is_empty() || entry.file_type().is_ok_and(may_be_folder) {
                        true => step(entry.path(), rest, &mut todo, each),
                        false => ControlFlow::Continue(()),
                    }
                }),
            };
            if ended.is_break() {
                return;
            }
        }
    }
}

/// A path that was found is given; one that is only on the way is gone on with.
fn step<'s>(
    path: PathBuf,
    rest: &'s [Part],
    todo: &mut Vec<(PathBuf, &'s [Part])>,
    each: &mut Each<'_>,
) -> ControlFlow<()> {
    if !rest.is_empty() {
        todo.push((path, rest));
    } else if fs::symlink_metadata(&path).is_ok() {
        return each(&path, Ok(()));
    }
    ControlFlow::Continue(())
}

/// Gives each entry of a directory; one that is not there has none.
fn look_into(
    folder: &Path,
    stop: &Stop,
    each: &mut Each<'_>,
    entry: &mut dyn FnMut(&fs::DirEntry, &mut Each<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let found = match fs::read_dir(folder) {
        Ok(found) => found,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return ControlFlow::Continue(());
        }
        Err(error) => return each(folder, Err(error)),
    };
    for found in found {
        if stop.is_stopped() {
            return ControlFlow::Break(());
        }
        match found {
            Ok(found) => entry(&found, each)?,
            // The rest of it is not tried: the next one may fail as well, and so on.
            Err(error) => return each(folder, Err(error)),
        }
    }
    ControlFlow::Continue(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// The paths below a folder that a pattern matches there.
    fn found(folder: &Path, pattern: &str) -> Vec<String> {
        let mut found = Vec::new();
        let search = Search::parse(&format!("{}/{pattern}", folder.display())).unwrap();
        search.run(&Stop::new(), &mut |path, is_read| {
            is_read.unwrap();
            found.push(path.strip_prefix(folder).unwrap().display().to_string());
            ControlFlow::Continue(())
        });
        found.sort();
        found
    }

    fn tree() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in ["a.log", "b.txt", ".c.log", "one/a.log", "one/two/b.log", ".hidden/a.log"] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    #[test]
    fn paths_are_found_as_python_finds_them() {
        let folder = tree();
        for (pattern, paths) in [
            ("a.log", &["a.log"][..]),
            ("nothing", &[]),
            ("*.log", &["a.log"]),
            (".*.log", &[".c.log"]),
            ("[ab].*", &["a.log", "b.txt"]),
            ("*/a.log", &["one/a.log"]),
            ("a.log/*", &[]),
            ("**/*.log", &["a.log", "one/a.log", "one/two/b.log"]),
            ("**/**//b.*", &["b.txt", "one/two/b.log"]),
            ("one/**", &["one/a.log", "one/two", "one/two/b.log"]),
            ("o?e/*/b.log", &["one/two/b.log"]),
        ] {
            assert_eq!(found(folder.path(), pattern), paths, "{pattern}");
        }
    }

    #[test]
    fn links_that_lead_back_are_gone_through_only_as_often_as_the_pattern_says() {
        let folder = tree();
        symlink(".", folder.path().join("back")).unwrap();
        symlink(".", folder.path().join("again")).unwrap();
        assert_eq!(found(folder.path(), "**/*.log"), ["a.log", "one/a.log", "one/two/b.log"]);
        assert_eq!(found(folder.path(), "back/again/a.log"), ["back/again/a.log"]);
        assert_eq!(found(folder.path(), "*/a.log"), ["again/a.log", "back/a.log", "one/a.log"]);
    }

    #[test]
    fn a_stop_ends_the_search_before_anything_is_found() {
        let stop = Stop::new();
        stop.stop();
        let search = Search::parse("/**/*").unwrap();
        search.run(&stop, &mut |path, _| panic!("{path:?}"));
    }
}
