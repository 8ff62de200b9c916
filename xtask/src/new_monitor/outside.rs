//! `cargo xtask new-monitor NAME --in DIR`: the same crate in a repository of its own, with all that it needs to stand on
//! its own there, linked as `cargo xtask link --from` does it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::name::{self, Name};
use super::write;
use crate::link;
use crate::manifest::Manifest;
use crate::taken;

/// The files of the crate: those of a local one, but for what depends on the place.
pub(super) const TEMPLATE: [(&str, &str); 4] = [
    ("Cargo.toml", include_str!("template/outside.toml")),
    ("README.md", include_str!("template/readme_outside.md")),
    ("src/lib.rs", include_str!("template/lib.rs.txt")),
    ("src/tests.rs", include_str!("template/tests.rs.txt")),
];
/// The workspace that its crates belong to.
const WORKSPACE: &str = "Cargo.toml";
/// Where the checkout is, so that the crates build and test by themselves.
const CONFIG: &str = ".cargo/config.toml";

pub(super) fn create(root: &Path, given: &str, folder: &str) -> Result<String, Vec<String>> {
    let name = Name::new(given);
    let home = Path::new(folder);
    let mut problems = name::problems(given, &taken::everywhere(root));
    problems.extend(unfit(root, home, given));
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut written = Written::default();
    let made = written.all(root, home, &name).and_then(|()| {
        let place = home.join(given);
        link::link_from(root, &[place.to_string_lossy().into_owned()])
    });
    match made {
        Ok(linked) => {
            let mut text =
                format!("made    {}: Cargo.toml, README.md, src/lib.rs, src/tests.rs\n", home.join(given).display());
            for file in &written.files {
                let _ = writeln!(text, "made    {}", file.display());
            }
            text.push_str(&linked);
            text.push_str(&next(home, &name));
            Ok(text)
        }
        Err(mut problems) => {
            problems.extend(written.take_back());
            Err(problems)
        }
    }
}

/// What keeps a crate from being made in `home`.
fn unfit(root: &Path, home: &Path, given: &str) -> Option<String> {
    let told = home.display();
    if home.join(given).exists() {
        return Some(format!("{} is there already; choose another name", home.join(given).display()));
    }
    // What is not there yet is made; where, its nearest folder that is there says.
    let absolute = std::path::absolute(home).ok()?;
    let there = absolute.ancestors().find_map(|folder| fs::canonicalize(folder).ok())?;
    if there.starts_with(root) {
        return Some(format!(
            "--in {told}: lies inside this checkout; without `--in` the crate is made in local-monitors/"
        ));
    }
    let manifest = home.join(WORKSPACE);
    if !manifest.exists() {
        return None;
    }
    match Manifest::read(home) {
        Ok(manifest) if manifest.is_workspace => None,
        Ok(_) => Some(format!("{}: is a crate and no workspace; name the folder that holds it", manifest.display())),
        Err(problem) => Some(format!("{}: {problem}", manifest.display())),
    }
}

/// What was made so far, to be taken back when the rest fails.
#[derive(Debug, Default)]
struct Written {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Written {
    /// The crate, and around it what is not there yet.
    fn all(&mut self, root: &Path, home: &Path, name: &Name) -> Result<(), Vec<String>> {
        let failed = |path: &Path, error: std::io::Error| vec![format!("{}: {error}", path.display())];
        let Name { krate, .. } = name;
        let folder = home.join(krate);
        self.folder(home).map_err(|error| failed(home, error))?;
        // From here on its real path is known.
        let api = fs::canonicalize(home).map_err(|error| failed(home, error))?;
        let api = link::relative(&api, &root.join(link::API_FOLDER));
        self.folders.push(folder.clone());
        write(&folder, name, &TEMPLATE).map_err(|error| failed(&folder, error))?;
        let config = home.join(CONFIG);
        let workspace = home.join(WORKSPACE);
        let text = format!(
            "# The crates here build and test with the scalyr-monitor of that checkout of the agent.\n\
             [patch.crates-io]\nscalyr-monitor = {{ path = {} }}\n",
            link::quoted(&api)
        );
        self.file(&config, &text).map_err(|error| failed(&config, error))?;
        let text = format!("[workspace]\nresolver = \"3\"\nmembers = [\"{krate}\"]\n");
        self.file(&workspace, &text).map_err(|error| failed(&workspace, error))
    }

    /// Makes a folder and those around it, unless they are there.
    fn folder(&mut self, folder: &Path) -> std::io::Result<()> {
        let missing = folder.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
        let missing: Vec<_> = missing.map(Path::to_owned).collect();
        self.folders.extend(missing.into_iter().rev());
        fs::create_dir_all(folder)
    }

    /// Writes a file, unless one is there.
    fn file(&mut self, path: &Path, text: &str) -> std::io::Result<()> {
        if path.exists() {
            return Ok(());
        }
        if let Some(folder) = path.parent() {
            self.folder(folder)?;
        }
        self.files.push(path.to_owned());
        fs::write(path, text)
    }

    /// Deletes what was made; tells of what could not be.
    fn take_back(&self) -> Vec<String> {
        let gone = |result: std::io::Result<()>, path: &Path| {
            let error = result.err().filter(|error| error.kind() != std::io::ErrorKind::NotFound)?;
            Some(format!("{}: {error}; delete it by hand", path.display()))
        };
        let files = self.files.iter().map(|file| gone(fs::remove_file(file), file));
        let left: Vec<_> = files.flatten().collect();
        let folders = self.folders.iter().rev().map(|folder| gone(fs::remove_dir_all(folder), folder));
        left.into_iter().chain(folders.flatten()).collect()
    }
}

/// What is left to be done by hand, and what to type.
fn next(home: &Path, name: &Name) -> String {
    let Name { krate, .. } = name;
    let home_told = home.display();
    let mut text = String::new();
    let member = |members: &[String]| members.iter().any(|member| member == krate || member == "*");
    if !Manifest::read(home).is_ok_and(|manifest| member(&manifest.members)) {
        let _ = writeln!(
            text,
            "add \"{krate}\" to `members` in {home_told}/{WORKSPACE}, or cargo refuses to build it there"
        );
    }
    let config = fs::read_to_string(home.join(CONFIG)).unwrap_or_default();
    if !config.contains("scalyr-monitor") {
        let _ =
            writeln!(text, "{home_told}/{CONFIG} must say where scalyr-monitor is: docs/writing-a-monitor.md shows it");
    }
    let _ = write!(text, "its tests:\n\x20 (cd {home_told} && cargo test -p {krate})\n");
    text
}
