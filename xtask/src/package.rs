//! `cargo xtask package`: links what is there and hands over to the crate `xtask/package`, which writes the packages.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};

use crate::cargo::cargo;
use crate::link::{self, LINKED_MANIFEST, Resolve};
use crate::taken;

/// Makes the packages; returns only when that could not be begun.
pub(crate) fn run(root: &Path, arguments: &[String]) -> bool {
    let given =
        |option: &str| arguments.iter().any(|given| given == option || given.starts_with(&format!("{option}=")));
    let mut more = Vec::new();
    // An agent that was built before has its monitors already.
    let builds = !(given("--help") || given("-h") || given("--agent"));
    if builds {
        match linked(root) {
            Ok(Some(manifest)) => more.extend(["--manifest".to_owned(), manifest.to_string_lossy().into_owned()]),
            Ok(None) => {}
            Err(problems) => {
                problems.iter().for_each(|problem| eprintln!("cargo xtask package: {problem}"));
                return false;
            }
        }
    }
    let manifest = root.join("xtask/Cargo.toml");
    let mut command = cargo();
    command.args(["run", "--package", "scalyr-package", "--manifest-path"]).arg(&manifest).current_dir(root);
    if given("--sign") {
        command.args(["--features", "sign"]);
    }
    if built_before(root) {
        command.arg("--quiet");
    } else {
        eprintln!("building what writes packages; that takes a minute, the first time only");
    }
    // In place of this program, so that signals and the exit code are its own.
    let error = command.arg("--").args(more).args(arguments).exec();
    eprintln!("cargo xtask package: cannot run cargo: {error}");
    false
}

/// Whether the crate was built once, so that building it anew is a matter of seconds.
fn built_before(root: &Path) -> bool {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("xtask/target"), PathBuf::from);
    target.join("debug/scalyr-package").is_file()
}

/// Links every monitor crate, as `cargo xtask link` does. With crates from outside: the manifest of the workspace that
/// holds them as well.
fn linked(root: &Path) -> Result<Option<PathBuf>, Vec<String>> {
    let outcome = link::link(root, false)?;
    let clashes = clashes(root);
    if !clashes.is_empty() {
        return Err(clashes);
    }
    for change in &outcome.changes {
        println!("{change}");
    }
    if !outcome.changes.is_empty() {
        link::link(root, true)?;
    }
    Ok(link::prepare(root, Resolve::default())?.then(|| root.join(LINKED_MANIFEST)))
}

/// Monitors of one name, which no agent would start with.
fn clashes(root: &Path) -> Vec<String> {
    let mut monitors = taken::builtin_monitors(root);
    for monitor in link::all_that_can_be_read(root) {
        monitors.extend(taken::of_crate(&monitor).1);
    }
    let mut problems = Vec::new();
    for (at, monitor) in monitors.iter().enumerate() {
        let same = |other: &&taken::Taken| taken::plain(&other.name) == taken::plain(&monitor.name);
        // One crate may name a monitor twice, by a `cfg` for instance; only what is built says more.
        if let Some(other) = monitors[..at].iter().find(same).filter(|other| other.by != monitor.by) {
            problems.push(format!(
                "{} and {} have one name (`{}` and `{}`); rename one in its `#[scalyr_monitor(name = …)]`",
                other.by, monitor.by, other.name, monitor.name
            ));
        }
    }
    problems
}
