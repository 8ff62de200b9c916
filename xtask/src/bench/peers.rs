//! `--install-peers`: programs to compare with, in `target/peers`, so that nothing of the system is changed. (Debian's rsyslog
//! and syslog-ng cannot be installed side by side, but they can be unpacked so.)

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Debian packages, with what they need.
const PACKAGES: [&str; 2] = ["rsyslog", "syslog-ng-core"];
/// What the Python agent is made of, from the package index of Python.
const PYTHON_PACKAGES: [&str; 3] = ["scalyr-agent-2", "zstandard", "lz4"];

/// Fetches what is not there yet; the error says what could not be done.
pub(super) fn install(root: &Path) -> Result<(), String> {
    let folder = root.join("target/peers");
    if !folder.join("root/usr/sbin/rsyslogd").is_file() || !folder.join("root/usr/sbin/syslog-ng").is_file() {
        unpack(&folder)?;
    }
    if !folder.join("python/bin/python").is_file() {
        let python = folder.join("python");
        done(Command::new("python3").args(["-m", "venv"]).arg(&python))?;
        let mut pip = Command::new(python.join("bin/python"));
        done(pip.args(["-m", "pip", "install", "--quiet"]).args(PYTHON_PACKAGES))?;
    }
    println!("fluent-bit is taken if it is installed: https://docs.fluentbit.io says how, Debian 12 has none");
    Ok(())
}

fn unpack(folder: &Path) -> Result<(), String> {
    let packed = folder.join("debs");
    fs::create_dir_all(&packed).map_err(|error| format!("{}: {error}", packed.display()))?;
    let mut names = Vec::new();
    for package in PACKAGES {
        // One by one: together they are refused.
        let mut apt = Command::new("apt-get");
        let planned = printed(apt.args(["--simulate", "install", "--no-install-recommends", package]))?;
        let needed = planned.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next());
        names.extend(needed.map(str::to_owned));
    }
    if names.is_empty() {
        return Ok(());
    }
    names.sort();
    names.dedup();
    done(Command::new("apt-get").arg("download").args(&names).current_dir(&packed))?;
    for entry in fs::read_dir(&packed).map_err(|error| format!("{}: {error}", packed.display()))?.flatten() {
        done(Command::new("dpkg").arg("--extract").arg(entry.path()).arg(folder.join("root")))?;
    }
    Ok(())
}

/// Runs a command to its end.
fn done(command: &mut Command) -> Result<(), String> {
    println!("{}", shown(command));
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{} ended with {status}; `apt-get update` may help, as root", shown(command))),
        Err(error) => Err(format!("cannot run {}: {error}", shown(command))),
    }
}

/// What a command prints.
fn printed(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cannot run {}: {error}", shown(command)))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let told = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
        Err(format!("{} failed: {told}; `apt-get update` may help, as root", shown(command)))
    }
}

fn shown(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
