//! The packages of this project, made by the program under test of an agent that was built before.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::root::{have_done, kept, made_of};

/// What they are called.
pub(crate) const NAME: &str = "scalyr-agent-2-rs";

/// The agent that is packaged, which is the receiver of the stories too: `AGENT_PROGRAM`, or what `cargo build` has built.
pub(crate) fn program() -> PathBuf {
    let path = env::var_os("AGENT_PROGRAM").map_or_else(|| repository().join("target/debug/agent"), PathBuf::from);
    assert!(path.is_file(), "{}: not there; `cargo build` builds it, or AGENT_PROGRAM names another", path.display());
    path
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The package of a release, `1` or `2`, with this ending. It is made when it is first asked for, and again when the agent or
/// what writes packages has changed.
pub(crate) fn package(release: &str, ending: &str) -> PathBuf {
    let (agent, writer) = (program(), Path::new(env!("CARGO_BIN_EXE_scalyr-package")));
    let folder = kept(&format!("ours-{release}-{ending}"));
    made_of(&folder, &[&agent, writer], |new| {
        fs::create_dir(new).unwrap();
        // Symbols are most of an agent for development.
        let stripped = new.join("agent");
        have_done("binutils", Command::new("strip").arg("-o").arg(&stripped).arg(&agent));
        let mut make = Command::new(writer);
        make.env("SOURCE_DATE_EPOCH", "1700000000");
        make.args([&format!("--{ending}"), "--allow-dirty", "--profile", "dev", "--release", release]);
        make.args(["--suffix", "story1", "--agent"]).arg(&stripped).arg("--output").arg(new);
        have_done("", make.current_dir(repository()));
    });
    let files = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
    let mut found: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|is| is == ending)).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}
