//! The packages of this project, made by the program under test of an agent that was built before.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::root::{have_done, kept};

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

/// The folder with the packages of two releases, `1.story1` and `2.story1`.
pub(crate) fn packages() -> &'static Path {
    static PACKAGES: OnceLock<PathBuf> = OnceLock::new();
    PACKAGES.get_or_init(|| {
        let folder = kept(&format!("our-packages-{}", std::process::id()));
        _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        // Symbols are most of an agent for development.
        let stripped = folder.join("agent");
        have_done("binutils", Command::new("strip").arg("-o").arg(&stripped).arg(program()));
        for release in ["1", "2"] {
            let into = folder.join(release);
            let mut make = Command::new(env!("CARGO_BIN_EXE_scalyr-package"));
            make.args(["--deb", "--rpm", "--allow-dirty", "--profile", "dev", "--release", release]);
            make.args(["--suffix", "story1", "--agent"]).arg(&stripped).arg("--output").arg(&into);
            have_done("", make.current_dir(repository()));
        }
        folder
    })
}

/// The package of a release with this ending.
pub(crate) fn package(release: &str, ending: &str) -> PathBuf {
    let files = fs::read_dir(packages().join(release)).unwrap().map(|file| file.unwrap().path());
    let mut found: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|is| is == ending)).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}
