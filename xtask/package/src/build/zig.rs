//! zig as C compiler and linker, with which a program runs with an older glibc than that of this machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What is installed, from PyPI.
const PACKAGES: [&str; 2] = ["cargo-zigbuild==0.24.0", "ziglang==0.17.1"];

/// Where it is, below the folder that cargo builds in.
pub(crate) fn folder(target: &Path) -> PathBuf {
    target.join("zig")
}

/// What to do when it is not there.
pub(crate) fn problem(target: &Path) -> Option<String> {
    (!is_installed(target)).then(|| {
        format!(
            "`--glibc` needs zig as the linker, and {} has none; add `--install-zig`, which puts {} from PyPI there",
            folder(target).display(),
            PACKAGES.join(" and ")
        )
    })
}

fn is_installed(target: &Path) -> bool {
    std::fs::read_to_string(folder(target).join("installed")).is_ok_and(|text| text == PACKAGES.join("\n"))
}

/// Installs it, unless these versions are there.
///
/// # Errors
/// A tool is missing or PyPI cannot be reached: what was said.
pub(crate) fn install(target: &Path) -> Result<(), String> {
    if is_installed(target) {
        return Ok(());
    }
    let folder = folder(target);
    succeeds(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder)).map_err(|problem| {
        format!("zig comes as a package of Python, and no folder for it could be made: {problem}; apt-get install python3-venv")
    })?;
    let mut pip = Command::new(folder.join("bin/pip"));
    succeeds(pip.args(["install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES))
        .map_err(|problem| format!("{} cannot be installed from PyPI: {problem}", PACKAGES.join(" and ")))?;
    std::fs::write(folder.join("installed"), PACKAGES.join("\n"))
        .map_err(|error| format!("{}: {error}", folder.display()))
}

/// Lets cargo be called by way of it: what stands before the subcommand's options.
pub(crate) fn command(target: &Path) -> Command {
    let bin = folder(target).join("bin");
    let mut command = Command::new(bin.join("cargo-zigbuild"));
    // It looks for zig as a module of the first `python3`.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&path)));
    if let Ok(path) = path {
        command.env("PATH", path);
    }
    let cache = folder(target).join("cache");
    command.env("CARGO_ZIGBUILD_CACHE_DIR", &cache).env("ZIG_GLOBAL_CACHE_DIR", cache.join("zig"));
    command.arg("zigbuild");
    command
}

/// Runs a command whose words are only shown when it fails.
fn succeeds(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let told = [output.stdout, output.stderr].concat();
    Err(String::from_utf8_lossy(&told).trim().to_owned())
}
