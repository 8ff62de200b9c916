//! A small system for stories: what the scripts need of one, in a folder of its own. dpkg and rpm of this machine install into
//! it, and run the scripts inside of it, in a mount namespace that has its /proc.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::packaged::{CONFIG, as_deb, as_rpm};
use crate::contents::tests::agent;
use crate::package::Package;

/// For anything to happen on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(120);
/// What a command finds mounted in the root.
const MOUNTED: &str =
    "mount -t proc proc \"$1/proc\" && mount --bind /dev/null \"$1/dev/null\" && shift && exec \"$@\"";
/// Programs that the scripts call, besides those of `PATH` in a shell itself; each Debian has them.
const TOOLS: [&str; 22] = [
    "cat", "chmod", "chown", "cmp", "cp", "env", "find", "grep", "id", "ln", "ls", "mkdir", "mv", "readlink", "rm",
    "sed", "sh", "sleep", "stat", "touch", "tr", "true",
];

/// What a command said, and how it ended.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) code: Option<i32>,
    /// Both of its outputs.
    pub(super) said: String,
}

impl Ran {
    /// What it said, having gone well.
    #[track_caller]
    pub(super) fn well(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.said);
        self.said
    }

    /// What it said, having failed.
    #[track_caller]
    pub(super) fn failed(self) -> String {
        assert!(self.code.is_some_and(|code| code != 0), "{self:?}");
        self.said
    }
}

/// The system; all of its processes end with it.
pub(super) struct Root {
    folder: TempDir,
}

impl Root {
    pub(super) fn new() -> Self {
        let root = Self { folder: tempfile::tempdir().unwrap() };
        for folder in [
            "bin",
            "sbin",
            "dev",
            "proc",
            "tmp",
            "run",
            "etc/init.d",
            "usr/bin",
            "usr/sbin",
            "var/lib/dpkg/updates",
            "var/lib/dpkg/info",
        ] {
            fs::create_dir_all(root.path(folder)).unwrap();
        }
        for file in ["var/lib/dpkg/status", "var/lib/dpkg/available"] {
            fs::write(root.path(file), "").unwrap();
        }
        fs::write(root.path("etc/passwd"), "root:x:0:0::/:/bin/sh\nscalyr:x:777:777::/:/bin/sh\n").unwrap();
        for (from, to) in system() {
            let place = root.path(to.to_str().unwrap().trim_start_matches('/'));
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::copy(from, place).unwrap();
        }
        fs::write(root.path("dev/null"), "").unwrap();
        let tried = root.inside(&["true"]);
        assert_eq!(tried.code, Some(0), "the stories need root, and may mount and chroot: {}", tried.said);
        root
    }

    /// A path in it.
    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub(super) fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap_or_else(|error| panic!("{below}: {error}"))
    }

    pub(super) fn has(&self, below: &str) -> bool {
        self.path(below).symlink_metadata().is_ok()
    }

    /// What is in a folder, sorted.
    pub(super) fn names(&self, below: &str) -> Vec<String> {
        let names =
            fs::read_dir(self.path(below)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect::<BTreeSet<_>>().into_iter().collect()
    }

    pub(super) fn mode(&self, below: &str) -> u32 {
        fs::metadata(self.path(below)).unwrap().permissions().mode() & 0o7777
    }

    /// A program that a story puts there.
    pub(super) fn program(&self, below: &str, script: &str) {
        fs::create_dir_all(self.path(below).parent().unwrap()).unwrap();
        fs::write(self.path(below), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(self.path(below), Permissions::from_mode(0o755)).unwrap();
    }

    /// A command of this machine that works on the root, while that has its /proc.
    fn beside(&self, environment: &[(&str, &str)], words: &[&str]) -> Ran {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", MOUNTED, "sh"]);
        command.arg(self.folder.path()).args(words);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        // For the story this is a host, not an image in the making.
        command.env("SYSTEMD_IGNORE_CHROOT", "1").envs(environment.iter().copied());
        let ran = run(&mut command);
        assert_ne!(ran.code, Some(127), "{}\napt-get install dpkg rpm mount", ran.said);
        ran
    }

    /// A command inside.
    pub(super) fn inside(&self, words: &[&str]) -> Ran {
        let root = self.folder.path().to_str().unwrap();
        self.beside(&[], &[&["chroot", root][..], words].concat())
    }

    pub(super) fn agent(&self, words: &[&str]) -> Ran {
        self.inside(&[&["/usr/sbin/scalyr-agent-2"][..], words].concat())
    }

    /// dpkg of this machine, for the root.
    pub(super) fn dpkg(&self, words: &[&str]) -> Ran {
        self.dpkg_with(&[], words)
    }

    fn dpkg_with(&self, environment: &[(&str, &str)], words: &[&str]) -> Ran {
        let root = format!("--root={}", self.folder.path().display());
        self.beside(environment, &[&["dpkg", &root, "--force-unsafe-io"][..], words].concat())
    }

    /// Installs a .deb, as an upgrade if it is there.
    pub(super) fn install(&self, package: &Package) -> Ran {
        self.install_with(&[], &["--install"], package)
    }

    pub(super) fn install_with(&self, environment: &[(&str, &str)], words: &[&str], package: &Package) -> Ran {
        let file = self.path("tmp/package.deb");
        fs::write(&file, as_deb(package)).unwrap();
        self.dpkg_with(environment, &[words, &[file.to_str().unwrap()]].concat())
    }

    /// rpm of this machine, for the root.
    pub(super) fn rpm(&self, words: &[&str]) -> Ran {
        self.rpm_with(&[], words)
    }

    fn rpm_with(&self, environment: &[(&str, &str)], words: &[&str]) -> Ran {
        let root = format!("--root={}", self.folder.path().display());
        self.beside(environment, &[&["rpm", &root][..], words].concat())
    }

    /// Installs an .rpm, as an upgrade if it is there.
    pub(super) fn upgrade_rpm(&self, package: &Package) -> Ran {
        self.upgrade_rpm_with(&[], package)
    }

    pub(super) fn upgrade_rpm_with(&self, environment: &[(&str, &str)], package: &Package) -> Ran {
        let file = self.path("tmp/package.rpm");
        fs::write(&file, as_rpm(package)).unwrap();
        self.rpm_with(environment, &["--upgrade", "--nosignature", file.to_str().unwrap()])
    }

    /// Writes the configuration as its owner would: the file keeps its mode.
    pub(super) fn configure(&self, text: &str) {
        fs::write(self.path(CONFIG), text).unwrap();
    }

    /// The agent that runs.
    pub(super) fn pid(&self) -> Option<u32> {
        let pid = fs::read_to_string(self.path("var/log/scalyr-agent-2/agent.pid")).ok()?.trim().parse().ok()?;
        self.processes().contains(&pid).then_some(pid)
    }

    /// One line more in the log that `Server::configuration` has copied.
    pub(super) fn log(&self, line: &str) {
        let log = File::options().create(true).append(true).open(self.path("tmp/app.log"));
        log.unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// All processes of the root.
    pub(super) fn processes(&self) -> BTreeSet<u32> {
        let folder = self.folder.path().canonicalize().unwrap();
        let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        pids.filter(|pid: &u32| fs::read_link(format!("/proc/{pid}/root")).is_ok_and(|root| root == folder)).collect()
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        for pid in self.processes() {
            _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
        }
        let end = Instant::now() + PATIENCE;
        while !self.processes().is_empty() && Instant::now() < end {
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Waits until it is so.
#[track_caller]
pub(super) fn wait(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "not within {} s: {what}", PATIENCE.as_secs());
        thread::sleep(Duration::from_millis(20));
    }
}

/// Runs a command to its end.
pub(super) fn run(command: &mut Command) -> Ran {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{name}: {error}; apt-get install util-linux binutils libc-bin"));
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    Ran { code: output.status.code(), said }
}

/// What each root has of this machine: the tools, and the libraries of these and of the agent; from where, and to where.
fn system() -> &'static BTreeSet<(PathBuf, PathBuf)> {
    static SYSTEM: OnceLock<BTreeSet<(PathBuf, PathBuf)>> = OnceLock::new();
    SYSTEM.get_or_init(|| {
        let mut system = BTreeSet::new();
        let mut programs = vec![agent().to_owned()];
        for tool in TOOLS {
            let is_there = |place: &PathBuf| place.exists();
            let found = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(tool)).into_iter().find(is_there);
            let found = found
                .unwrap_or_else(|| panic!("{tool} is missing; apt-get install coreutils dash diffutils findutils"));
            system.insert((found.clone(), Path::new("/bin").join(tool)));
            programs.push(found);
        }
        let listed = run(Command::new("ldd").args(&programs)).well();
        let libraries = listed
            .split_whitespace()
            .filter(|word| word.contains("/lib") && word.starts_with('/') && !word.ends_with(':'));
        system.extend(libraries.map(|library| (PathBuf::from(library), PathBuf::from(library))));
        system
    })
}
