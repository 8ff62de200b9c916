//! A small repository for the tests: the aggregator, and the real program around it where a test wants one.
#![expect(dead_code, reason = "each test file uses its part of it")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The aggregator's manifest, without any monitor.
pub(crate) const MANIFEST: &str = "[package]
name = \"local-monitors\"
version = \"0.1.0\"
edition = \"2024\"

[lib]
path = \"lib.rs\"

[dependencies]
# >>> xtask: local monitors (written by `cargo xtask link`)
# <<< xtask

[lints]
";

/// The aggregator's library, without any monitor.
pub(crate) const LIBRARY: &str = "//! Links every monitor crate.
// >>> xtask: local monitors (written by `cargo xtask link`)
// <<< xtask
";

/// A repository with nothing but the aggregator, in a folder of this test's own.
pub(crate) struct Repository(PathBuf);

impl Repository {
    pub(crate) fn new(test: &str) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
        if root.exists() {
            fs::remove_dir_all(&root).unwrap();
        }
        let repository = Self(root);
        repository.put("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"local-monitors\"]\n");
        repository.put("local-monitors/Cargo.toml", MANIFEST);
        repository.put("local-monitors/lib.rs", LIBRARY);
        repository
    }

    pub(crate) fn put(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).unwrap()
    }

    pub(crate) fn add_crate(&self, folder: &str, package: &str) {
        let manifest = format!("[package]\nname = \"{package}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        self.put(&format!("local-monitors/{folder}/Cargo.toml"), &manifest);
        self.put(&format!("local-monitors/{folder}/src/lib.rs"), "//! A monitor.\n");
    }

    pub(crate) fn delete(&self, folder: &str) {
        fs::remove_dir_all(self.0.join("local-monitors").join(folder)).unwrap();
    }

    pub(crate) fn xtask(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(args).env("CARGO_MANIFEST_DIR", self.0.join("xtask")).env("CARGO_NET_OFFLINE", "true");
        command.env_remove("CARGO_TARGET_DIR").current_dir(&self.0).output().unwrap()
    }

    /// What a successful command printed.
    pub(crate) fn told(&self, args: &[&str]) -> String {
        let output = self.xtask(args);
        let (told, problems) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{args:?}: {told}{problems}");
        told
    }

    /// What a refused command printed; not one file may have come, gone or changed.
    pub(crate) fn refused(&self, args: &[&str]) -> String {
        let before = self.files();
        let output = self.xtask(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {}", String::from_utf8_lossy(&output.stdout));
        assert_eq!(self.files(), before, "{args:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Every file with its text, but for what cargo and git keep.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, String> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.0.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if !path.is_dir() {
                    files.insert(path.clone(), fs::read_to_string(&path).unwrap());
                } else if !path.ends_with("target") && !path.ends_with(".git") {
                    folders.push(path);
                }
            }
        }
        files
    }

    /// Where it is.
    pub(crate) fn root(&self) -> &Path {
        &self.0
    }

    /// What a successful `link` printed.
    pub(crate) fn link(&self) -> String {
        self.told(&["link"])
    }

    /// Type-checks the aggregator with cargo; the error is what cargo said.
    pub(crate) fn builds(&self) -> Result<(), String> {
        let output = self.cargo(&["check", "--quiet", "--offline"]);
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    }

    /// A repository laid out like the real one, with the real program, guard and configuration, around an agent that
    /// prints its arguments; `coin` is a local monitor of it.
    ///
    /// Each monitor crate says `linked: NAME` when the program starts, by the means with which monitors register.
    pub(crate) fn with_program(test: &str) -> Self {
        let repository = Self::new(test);
        let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let copy = |file: &str| repository.put(file, &fs::read_to_string(real.join(file)).unwrap());
        for file in ["agent/program/src/main.rs", "local-monitors/build.rs", ".gitignore", ".cargo/config.toml"] {
            copy(file);
        }
        let folders = ["agent", "agent/monitor-api", "agent/program", "builtin-monitors", "local-monitors"];
        let packages = ["scalyr-agent", "scalyr-monitor", "agent", "builtin-monitors", "local-monitors"];
        let paths = |(package, folder)| format!("{package} = {{ path = \"{folder}\" }}\n");
        let paths: String = packages.iter().zip(&folders).map(paths).collect();
        let root = format!(
            "[workspace]\nresolver = \"3\"\nmembers = {folders:?}\ndefault-members = [\"agent/program\"]\n\n\
             [workspace.package]\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace.dependencies]\n{paths}\n\
             [profile.dev]\ndebug = false\n"
        );
        repository.put("Cargo.toml", &root);
        for (folder, package) in folders.iter().zip(packages).take(4) {
            let manifest =
                format!("[package]\nname = \"{package}\"\nversion.workspace = true\nedition.workspace = true\n");
            let dependencies = "\n[dependencies]\nscalyr-agent.workspace = true\nbuiltin-monitors.workspace = true\n\
                                local-monitors.workspace = true\n";
            let dependencies = if package == "agent" { dependencies } else { "" };
            repository.put(&format!("{folder}/Cargo.toml"), &format!("{manifest}{dependencies}"));
            if package != "agent" {
                repository.put(&format!("{folder}/src/lib.rs"), "//! A part of the agent.\n");
            }
        }
        let cli = "pub mod cli {\n    pub fn run(args: std::env::ArgsOs) -> std::process::ExitCode {\n        \
                   println!(\"arguments: {:?}\", args.skip(1).collect::<Vec<_>>());\n        \
                   std::process::ExitCode::SUCCESS\n    }\n}\n";
        repository.put("agent/src/lib.rs", cli);
        let manifest = MANIFEST.replace("[dependencies]", "[features]\noutside = []\n\n[dependencies]");
        repository.put("local-monitors/Cargo.toml", &manifest.replace("\n[lints]\n", ""));
        repository.put_monitor("local-monitors/coin", "coin", "scalyr-monitor.workspace = true");
        repository.link();
        assert!(repository.cargo(&["generate-lockfile", "--offline"]).status.success());
        repository
    }

    /// A monitor crate that depends on the API as given.
    pub(crate) fn put_monitor(&self, folder: &str, package: &str, api: &str) {
        let manifest = format!(
            "[package]\nname = \"{package}\"\nversion = \"0.2.0\"\nedition = \"2024\"\n\n[dependencies]\n{api}\n"
        );
        self.put(&format!("{folder}/Cargo.toml"), &manifest);
        let name = package.replace('-', "_");
        let library = format!(
            "//! Registers as a real monitor does: `#[scalyr_monitor(name = \"{name}\")]`.\n\
             #[cfg(any())]\n#[scalyr_monitor(name = \"{name}\")]\nstruct Registered;\n\n\
             extern \"C\" fn register() {{\n    println!(\"linked: {name}\");\n}}\n\n\
             #[used]\n#[unsafe(link_section = \".init_array\")]\nstatic REGISTER: extern \"C\" fn() = register;\n"
        );
        self.put(&format!("{folder}/src/lib.rs"), &library);
    }

    /// Runs cargo itself.
    pub(crate) fn cargo(&self, args: &[&str]) -> Output {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        cargo.args(args).current_dir(&self.0).env("CARGO_TARGET_DIR", self.0.join("target")).output().unwrap()
    }
}
