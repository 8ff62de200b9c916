//! A small checkout for the stories: an agent that says what one asks it, built within a second, in a git of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The agent: it tells its version and the monitors that `local-monitors` gives it.
const PROGRAM: &str = r##"
fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("version") => println!("The Scalyr Agent 2 version is {}", env!("CARGO_PKG_VERSION")),
        Some("monitors") => {
            let told = |name: &&str| format!(
                r#"{{"name": "{name}", "source": "local", "crate": "{name}", "version": "0.1.0", "description": "It is. More."}}"#
            );
            let names: Vec<&str> = local_monitors::NAMES.to_vec();
            if (1..names.len()).any(|at| names[at] == names[at - 1]) {
                eprintln!("two monitors are called `{}`: one of the crate coin, one of the crate coin2", names[0]);
                std::process::exit(1);
            }
            println!("[{}]", names.iter().map(told).collect::<Vec<_>>().join(", "));
        }
        _ => std::process::exit(2),
    }
}
"##;

/// A checkout in a folder of this test's own.
pub(crate) struct Repository(tempfile::TempDir);

impl Repository {
    /// With the local monitor `coin`, all of it committed.
    pub(crate) fn new() -> Self {
        let repository = Self(tempfile::tempdir().unwrap());
        let manifest = |name: &str, more: &str| {
            format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n{more}")
        };
        let workspace = "[workspace]\nresolver = \"3\"\nmembers = [\"agent\"]\n\n[profile.dist]\ninherits = \"release\"\nopt-level = 0\n";
        repository.put("Cargo.toml", workspace);
        repository.put(
            "agent/Cargo.toml",
            &manifest("agent", "[dependencies]\nlocal-monitors.path = \"../local-monitors\"\n"),
        );
        repository.put("agent/src/main.rs", PROGRAM);
        let linked = "[lib]\npath = \"lib.rs\"\n\n[dependencies]\ncoin.path = \"coin\"\n";
        repository.put("local-monitors/Cargo.toml", &manifest("local-monitors", linked));
        repository.put("local-monitors/lib.rs", "pub const NAMES: &[&str] = &[coin::NAME];\n");
        repository.put("local-monitors/coin/Cargo.toml", &manifest("coin", ""));
        repository.put("local-monitors/coin/src/lib.rs", "pub const NAME: &str = \"coin\";\n");
        repository.put(".gitignore", "target/\n");
        let cargo = Command::new(env!("CARGO"))
            .args(["generate-lockfile", "--offline"])
            .current_dir(repository.root())
            .status();
        assert!(cargo.unwrap().success());
        repository.git(&["init", "--quiet"]);
        repository.commit("Begin");
        repository
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn put(&self, path: &str, text: &str) -> PathBuf {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    /// Runs git as nobody in particular, at a time of its own.
    pub(crate) fn git(&self, arguments: &[&str]) {
        let mut git = Command::new("git");
        for variable in ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"] {
            git.env(variable, "test@example.com");
        }
        for variable in ["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"] {
            git.env(variable, "1700000000 +0000");
        }
        let output = git.args(arguments).current_dir(self.root()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Calls the program as `cargo xtask package` does.
    pub(crate) fn package(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scalyr-package"));
        for variable in ["CARGO_TARGET_DIR", "SOURCE_DATE_EPOCH", "RUSTFLAGS", "CFLAGS"] {
            command.env_remove(variable);
        }
        command.args(arguments).env("CARGO_NET_OFFLINE", "true").current_dir(self.root()).output().unwrap()
    }

    /// What a refused call said; no package may be there.
    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        let output = self.package(arguments);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {told}");
        assert!(told.ends_with("cargo xtask package: no package was written\n"), "{told}");
        assert!(!self.root().join("target/packages").exists(), "{told}");
        told
    }
}
