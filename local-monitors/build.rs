//! Stops the build when a folder here holds a monitor that is not linked.
//!
//! A crate that nobody names is left out by the linker without a word, and its monitors with it; so a forgotten
//! folder must be an error that says how to mend it.

use std::fs;
use std::io;
use std::path::Path;

const BEGIN: &str = ">>> xtask: local monitors (written by `cargo xtask link`)";
const END: &str = "<<< xtask";

#[cfg_attr(test, expect(dead_code, clippy::print_stdout, reason = "how cargo is told; the test calls what is below"))]
fn main() {
    // Cargo runs this in the package's folder. Relative, so that a checkout that was moved, or a copied `target`, still
    // looks at its own folder.
    let here = Path::new(".");
    println!("cargo::rerun-if-changed=.");
    match problems(here) {
        Ok(problems) => problems.iter().for_each(|problem| println!("cargo::error={problem}")),
        Err(error) => println!("cargo::error=cannot look for monitor crates in {}: {error}", here.display()),
    }
    // Only the workspace with the crates from outside switches this on.
    let with_outside = cfg!(feature = "outside");
    if let Some(note) = left_outside(here).filter(|_| !with_outside) {
        println!("cargo::warning={note}");
    }
}

/// What to say when crates are linked from outside the checkout and a program is built that does not hold them.
fn left_outside(here: &Path) -> Option<String> {
    let record = fs::read_to_string(here.join("outside.toml")).ok()?;
    let places: Vec<&str> =
        record.lines().filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\",")).collect();
    (!places.is_empty()).then(|| {
        format!(
            "not in this build: {}, linked from outside; build with `cargo xtask build`, run with `cargo agent`",
            places.join(", ")
        )
    })
}

/// What keeps a monitor out of the agent: a sentence each, with its cure.
///
/// Both lists must be exactly what `cargo xtask link` writes: anything cleverer, an attribute above a line for example,
/// may leave a crate out.
fn problems(here: &Path) -> io::Result<Vec<String>> {
    let (folders, mut problems) = crates(here)?;
    let manifest = fs::read_to_string(here.join("Cargo.toml"))?;
    let library = fs::read_to_string(here.join("lib.rs"))?;
    let mut linked: Vec<(&str, usize)> = folders.iter().map(|folder| (folder.as_str(), 0)).collect();
    for list in [
        List { file: "Cargo.toml", text: &manifest, comment: "#", names: is_dependency },
        List { file: "lib.rs", text: &library, comment: "//", names: is_use },
    ] {
        list.compare(&mut linked, &mut problems);
    }
    for (folder, _) in linked.iter().filter(|(_, lists)| *lists < 2) {
        problems.push(format!(
            "local-monitors/{folder} holds a monitor crate that is not linked into the agent; run `cargo xtask link` \
             (or delete the folder)"
        ));
    }
    Ok(problems)
}

/// The folders that hold a crate, sorted; and a problem for each crate that lies where none is looked for.
fn crates(here: &Path) -> io::Result<(Vec<String>, Vec<String>)> {
    let (mut folders, mut problems) = (Vec::new(), Vec::new());
    for folder in folders_in(here)? {
        let path = here.join(&folder);
        if path.join("Cargo.toml").is_file() {
            folders.push(folder);
            continue;
        }
        for inner in folders_in(&path)?.into_iter().filter(|inner| path.join(inner).join("Cargo.toml").is_file()) {
            problems.push(format!(
                "local-monitors/{folder}/{inner} holds a crate one folder too deep, where it is not linked into the \
                 agent; move it to local-monitors/{inner} and run `cargo xtask link`"
            ));
        }
    }
    Ok((folders, problems))
}

fn folders_in(path: &Path) -> io::Result<Vec<String>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && entry.path().is_dir() {
            folders.push(name);
        }
    }
    folders.sort();
    Ok(folders)
}

/// One of the two files, with the list between its marker lines.
struct List<'a> {
    file: &'static str,
    text: &'a str,
    comment: &'static str,
    /// Whether a line is the one that links a folder.
    names: fn(line: &str, folder: &str) -> bool,
}

impl List<'_> {
    /// Counts the lists in which each folder stands.
    fn compare(&self, linked: &mut [(&str, usize)], problems: &mut Vec<String>) {
        let (file, comment) = (self.file, self.comment);
        let lines: Vec<&str> = self.text.lines().map(str::trim).collect();
        let place = |mark: &str| lines.iter().position(|line| *line == format!("{comment} {mark}"));
        let (Some(begin), Some(end)) = (place(BEGIN), place(END)) else {
            problems
                .push(format!("local-monitors/{file} has lost the marker lines of its list; run `cargo xtask link`"));
            return;
        };
        problems.extend(self.displaced(&lines[..begin]));
        for line in lines.get(begin + 1..end).unwrap_or_default().iter().filter(|line| !line.is_empty()) {
            match linked.iter_mut().find(|(folder, _)| (self.names)(line, folder)) {
                Some((_, lists)) => *lists += 1,
                None => problems.push(format!(
                    "local-monitors/{file}: `{line}` does not belong into the list of monitor crates; run `cargo xtask link`"
                )),
            }
        }
    }

    /// What stands before the list and takes effect on it.
    fn displaced(&self, before: &[&str]) -> Option<String> {
        if self.file == "Cargo.toml" {
            let table = before.iter().rfind(|line| line.starts_with('['));
            return (table != Some(&"[dependencies]")).then(|| {
                "local-monitors/Cargo.toml: the list of monitor crates must stand under [dependencies]".to_owned()
            });
        }
        let code = before.iter().find(|line| !line.is_empty() && !line.starts_with("//"))?;
        Some(format!(
            "local-monitors/lib.rs: `{code}` stands before the list of monitor crates and may switch it off; delete it, \
             or move it behind the list"
        ))
    }
}

fn alias(folder: &str) -> String {
    format!("local_{}", folder.replace('-', "_"))
}

/// `local_my_queue = { package = "…", path = "my-queue" }`; cargo itself checks the package's name.
fn is_dependency(line: &str, folder: &str) -> bool {
    let package = line
        .strip_prefix(&format!("{} = {{ package = \"", alias(folder)))
        .and_then(|rest| rest.strip_suffix(&format!("\", path = \"{folder}\" }}")));
    package.is_some_and(|package| !package.is_empty() && !package.contains('"'))
}

fn is_use(line: &str, folder: &str) -> bool {
    line == format!("use {} as _;", alias(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPENDENCY: &str = "local_my_queue = { package = \"queue\", path = \"my-queue\" }";
    const USE: &str = "use local_my_queue as _;";
    const NOT_LINKED: &str = "local-monitors/my-queue holds a monitor crate that is not linked into the agent; run \
                              `cargo xtask link` (or delete the folder)";

    fn files(dependency: &str, usage: &str) -> (String, String) {
        (
            format!("[dependencies]\n# {BEGIN}\n{dependency}\n# {END}\n\n[dev-dependencies]\n"),
            format!("//! Links.\n// {BEGIN}\n{usage}\n// {END}\n\n#[cfg(test)]\nmod guard;\n"),
        )
    }

    /// What is wrong with these two files beside a crate `my-queue`, notes, and whatever git has.
    fn told((manifest, library): (String, String)) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for inner in ["my-queue", "notes", ".git"] {
            fs::create_dir(folder.path().join(inner)).unwrap();
        }
        let files = [("Cargo.toml", manifest.as_str()), ("lib.rs", &library), ("my-queue/Cargo.toml", "")];
        for (file, text) in files {
            fs::write(folder.path().join(file), text).unwrap();
        }
        problems(folder.path()).unwrap()
    }

    #[test]
    fn a_crate_is_linked_when_the_manifest_and_the_library_name_it() {
        assert_eq!(told(files(DEPENDENCY, USE)), Vec::<String>::new());
        for (dependency, usage) in [("", ""), (DEPENDENCY, ""), ("", USE)] {
            assert_eq!(told(files(dependency, usage)), [NOT_LINKED], "{dependency} {usage}");
        }
    }

    #[test]
    fn a_line_that_is_not_as_it_was_written_is_named() {
        let other_path = DEPENDENCY.replace("\"my-queue\"", "\"./my-queue\"");
        let optional = DEPENDENCY.replace(" }", ", optional = true }");
        for (dependency, usage, named) in [
            (other_path.as_str(), USE, other_path.as_str()),
            (&optional, USE, &optional),
            (&format!("# {DEPENDENCY}"), USE, &format!("# {DEPENDENCY}")),
            (DEPENDENCY, &format!("// {USE}"), &format!("// {USE}")),
        ] {
            let told = told(files(dependency, usage));
            assert_eq!(told.len(), 2, "{told:?}");
            assert!(told[0].contains(&format!("`{named}` does not belong into the list")), "{told:?}");
            assert_eq!(told[1], NOT_LINKED);
        }
        let told = told(files(DEPENDENCY, &format!("#[cfg(test)]\n{USE}")));
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("`#[cfg(test)]` does not belong into the list"), "{told:?}");
    }

    #[test]
    fn what_switches_the_whole_list_off_is_named() {
        let (manifest, library) = files(DEPENDENCY, USE);
        let before = told((manifest.clone(), library.replace("//! Links.", "#[cfg(test)]")));
        assert!(before.len() == 1 && before[0].contains("`#[cfg(test)]` stands before the list"), "{before:?}");
        let table = told((manifest.replace("[dependencies]", "[dev-dependencies]"), library.clone()));
        assert!(table.len() == 1 && table[0].ends_with("must stand under [dependencies]"), "{table:?}");
        let lost = told((manifest, library.replace("<<<", "<<")));
        assert!(lost.len() == 2 && lost[0].contains("lib.rs has lost the marker lines"), "{lost:?}");
    }

    #[test]
    fn what_is_linked_from_outside_is_told_when_it_is_not_in_the_build() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(left_outside(folder.path()), None);
        // As `cargo xtask link --from` writes it.
        let record = "# Monitor crates\ncrates = [\n    \"../my/snow\",\n    \"/srv/hail\",\n]\n";
        fs::write(folder.path().join("outside.toml"), record).unwrap();
        let told = left_outside(folder.path()).unwrap();
        assert!(told.starts_with("not in this build: ../my/snow, /srv/hail, linked from outside"), "{told}");
    }

    #[test]
    fn a_crate_one_folder_too_deep_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (manifest, library) = files("", "");
        fs::create_dir_all(folder.path().join("group/inner")).unwrap();
        for (file, text) in [("Cargo.toml", manifest.as_str()), ("lib.rs", &library), ("group/inner/Cargo.toml", "")] {
            fs::write(folder.path().join(file), text).unwrap();
        }
        let told = problems(folder.path()).unwrap();
        assert!(told.len() == 1 && told[0].contains("move it to local-monitors/inner and run"), "{told:?}");
    }
}
