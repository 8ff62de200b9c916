//! `cargo xtask docs`: the reference of the monitors and of the configuration, as the agent itself tells it.
//!
//! Only the monitors that every agent carries have a page: those under `local-monitors/` are their authors' own, and a
//! clone that has some of its own must not find its reference stale.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::check::cargo;

/// The folder of the monitors' pages, which holds nothing else.
const MONITORS: &str = "docs/monitors";

/// Writes the pages, or with `write` false only compares them. True when they are, or were, as they should be.
pub(crate) fn run(root: &Path, write: bool) -> bool {
    let outcome = pages(root).and_then(|pages| bring(root, &pages, write));
    match outcome {
        Ok(stale) if stale.is_empty() => {
            println!("docs/ says what the agent says");
            true
        }
        Ok(stale) if write => {
            stale.iter().for_each(|change| println!("{change}"));
            true
        }
        Ok(stale) => {
            stale.iter().for_each(|change| eprintln!("{change}"));
            eprintln!("docs/ does not say what the agent says; `cargo xtask docs` writes it anew");
            false
        }
        Err(problem) => {
            eprintln!("cargo xtask docs: {problem}");
            false
        }
    }
}

/// The pages, by their path from the root.
fn pages(root: &Path) -> Result<BTreeMap<String, String>, String> {
    let index = agent(root, &["monitors", "--builtin", "--format", "markdown"])?;
    let mut pages = BTreeMap::new();
    for name in linked_names(&index) {
        let page = agent(root, &["monitors", name, "--format", "markdown"])?;
        pages.insert(format!("{MONITORS}/{name}.md"), page);
    }
    pages.insert(format!("{MONITORS}/README.md"), index);
    pages.insert("docs/configuration.md".to_owned(), agent(root, &["schema", "--format", "markdown"])?);
    Ok(pages)
}

/// The monitors that the index links to: `[coin](coin.md)`.
fn linked_names(index: &str) -> Vec<&str> {
    index
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(".md)"))
        .map(|(name, _)| name)
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)))
        .collect()
}

/// What the agent of this checkout prints.
fn agent(root: &Path, args: &[&str]) -> Result<String, String> {
    let mut command = cargo(root);
    command.args(["run", "--quiet", "--locked", "--package", "agent", "--"]).args(args);
    let output = command.output().map_err(|error| format!("cannot run cargo: {error}"))?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`agent {}` failed:\n{}", args.join(" "), told.trim_end()));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`agent {}` printed no UTF-8", args.join(" ")))
}

/// Compares each page with its file, and writes or removes what differs if `write` is set. A sentence for each.
fn bring(root: &Path, pages: &BTreeMap<String, String>, write: bool) -> Result<Vec<String>, String> {
    let mut changes = Vec::new();
    for (path, page) in pages {
        let file = root.join(path);
        let found = fs::read_to_string(&file).ok();
        if found.as_ref() == Some(page) {
            continue;
        }
        let (done, is) = if found.is_some() { ("written anew", "is stale") } else { ("written", "is missing") };
        changes.push(format!("{path} {}", if write { done } else { is }));
        if write {
            let folder = file.parent().unwrap_or(root);
            fs::create_dir_all(folder)
                .and_then(|()| fs::write(&file, page))
                .map_err(|error| format!("cannot write {path}: {error}"))?;
        }
    }
    for path in pages_in_folder(root)?.into_iter().filter(|path| !pages.contains_key(path)) {
        changes.push(format!("{path} {}", if write { "removed" } else { "is of no monitor that there is" }));
        if write {
            fs::remove_file(root.join(&path)).map_err(|error| format!("cannot remove {path}: {error}"))?;
        }
    }
    Ok(changes)
}

/// The pages that are there, by their path from the root; none without the folder.
fn pages_in_folder(root: &Path) -> Result<Vec<String>, String> {
    let Ok(entries) = fs::read_dir(root.join(MONITORS)) else { return Ok(Vec::new()) };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| format!("cannot read {MONITORS}: {error}"))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") {
            paths.push(format!("{MONITORS}/{name}"));
        }
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::{env, process};

    use super::*;

    /// A folder that is gone with the test.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = env::temp_dir().join(format!("xtask-docs-{}-{name}", process::id()));
            fs::create_dir_all(&path).expect("a scratch folder");
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            _ = fs::remove_dir_all(&self.0);
        }
    }

    fn page(path: &str, text: &str) -> (String, String) {
        (path.to_owned(), text.to_owned())
    }

    #[test]
    fn the_pages_are_those_that_the_index_links_to() {
        let index = "| [a_b](a_b.md) | x |\n| [c-d](c-d.md) | [keys](../configuration.md#keys) |\n";
        assert_eq!(linked_names(index), ["a_b", "c-d"]);
    }

    #[test]
    fn a_stale_page_is_named_and_written_anew_and_a_page_too_many_removed() {
        let scratch = Scratch::new("stale");
        let pages = BTreeMap::from([page("docs/monitors/a.md", "A\n"), page("docs/configuration.md", "C\n")]);
        let missing = ["docs/configuration.md is missing", "docs/monitors/a.md is missing"];
        assert_eq!(bring(&scratch.0, &pages, false).expect("compared"), missing);
        assert!(!scratch.0.join("docs").exists(), "a check writes nothing");
        bring(&scratch.0, &pages, true).expect("written");
        assert!(bring(&scratch.0, &pages, false).expect("compared").is_empty());

        fs::write(scratch.0.join("docs/monitors/a.md"), "old\n").expect("written");
        fs::write(scratch.0.join("docs/monitors/gone.md"), "old\n").expect("written");
        let stale = ["docs/monitors/a.md is stale", "docs/monitors/gone.md is of no monitor that there is"];
        assert_eq!(bring(&scratch.0, &pages, false).expect("compared"), stale);
        bring(&scratch.0, &pages, true).expect("written");
        assert!(bring(&scratch.0, &pages, false).expect("compared").is_empty());
        assert!(!scratch.0.join("docs/monitors/gone.md").exists());
    }
}
