//! `--twice`: the same sources in another folder, built anew, must give the same bytes.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::arguments::Arguments;
use crate::cargo::cargo;
use crate::preflight::Plan;
use crate::progress;
use crate::written::{Written, sha256};

/// Clones the checkout, packages it there and compares.
///
/// # Errors
/// The clone cannot be made or packaged, or a package differs.
pub(crate) fn compare(plan: &Plan, arguments: &Arguments, files: &[Written]) -> Result<(), Vec<String>> {
    let one = |problem: String| vec![problem];
    // Not below the checkout, whose path would be the begin of its own.
    let folder = std::env::temp_dir().join(format!("scalyr-package-twice-{}", std::process::id()));
    let clone = Clone(folder.join("a folder elsewhere"));
    let step = progress::begin(&format!("the same once more, in {}", clone.0.display()));
    clone.make(&plan.root).map_err(one)?;
    let output = clone.0.join("target/packages");
    clone.package(plan, arguments).map_err(one)?;
    let differences: Vec<String> = files.iter().filter_map(|file| difference(file, &output)).collect();
    if !differences.is_empty() {
        clone.keep();
        return Err(differences);
    }
    step.end(&format!("the same bytes: {}", files.iter().map(Written::name).collect::<Vec<_>>().join(", ")));
    Ok(())
}

/// How a file differs from that of its name in the folder.
fn difference(file: &Written, folder: &Path) -> Option<String> {
    let other = folder.join(file.name());
    match fs::read(&other) {
        Ok(bytes) if sha256(&bytes) == file.sha256 => None,
        Ok(bytes) => Some(format!(
            "{} and {} differ: sha256 {} and {}",
            file.path.display(),
            other.display(),
            file.sha256,
            sha256(&bytes)
        )),
        Err(error) => Some(format!("{}: {error}", other.display())),
    }
}

/// A clone of the checkout, which is deleted in the end.
struct Clone(PathBuf);

impl Clone {
    /// Clones what is committed, and copies the local monitors and the lock file as they are.
    fn make(&self, root: &Path) -> Result<(), String> {
        if let Some(above) = self.0.parent() {
            // Its name can be guessed: whoever made it before, and may write there, could change what is built.
            let made = fs::DirBuilder::new().mode(0o700).create(above);
            made.map_err(|error| format!("{}: {error}", above.display()))?;
        }
        succeeds(Command::new("git").args(["clone", "--quiet", "--no-hardlinks"]).args([root, &self.0]))?;
        let copy = |name: &str| {
            let to = self.0.join(name);
            succeeds(Command::new("rm").arg("-rf").arg(&to))?;
            succeeds(Command::new("cp").arg("-a").args([&root.join(name), &to]))
        };
        copy("local-monitors")?;
        copy("Cargo.lock")
    }

    /// Calls the clone's own `cargo xtask package`.
    fn package(&self, plan: &Plan, arguments: &Arguments) -> Result<(), String> {
        let mut command = cargo();
        command.args(["xtask", "package", "--name", &arguments.name.to_string(), "--profile", &arguments.profile]);
        command.args(["--release", &arguments.release.to_string()]);
        for (option, is_asked) in [
            ("--deb", arguments.deb),
            ("--rpm", arguments.rpm),
            ("--tarball", arguments.tarball),
            ("--static", arguments.linked_static),
        ] {
            command.args(is_asked.then_some(option));
        }
        if let Some(suffix) = &arguments.suffix {
            command.args(["--suffix", &suffix.to_string()]);
        }
        if let Some((major, minor)) = arguments.glibc {
            command.args(["--install-zig", "--glibc", &format!("{major}.{minor}")]);
        }
        if let Some(target) = arguments.target {
            command.args(["--target", target.name()]);
        }
        command.env("SOURCE_DATE_EPOCH", plan.source_date.to_string()).env_remove("CARGO_TARGET_DIR");
        command.current_dir(&self.0);
        // What it says of each step is what was said before; cargo's own progress stays.
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => Err(format!("the clone in {} could not be packaged; why is above", self.0.display())),
            Err(error) => Err(format!("cannot run cargo: {error}")),
        }
    }

    /// Leaves it for a look at what differs.
    fn keep(self) {
        eprintln!("the clone is left in {}", self.0.display());
        std::mem::forget(self);
    }
}

impl Drop for Clone {
    fn drop(&mut self) {
        if let Some(above) = self.0.parent() {
            _ = fs::remove_dir_all(above);
        }
    }
}

fn succeeds(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output();
    let program = command.get_program().to_string_lossy().into_owned();
    let output = output.map_err(|error| format!("cannot run {program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
