//! A small system for stories: what the scripts need of one, in a folder of its own. dpkg and rpm of this machine install into
//! it, and run the scripts inside of it, in a mount namespace that has its /proc.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::package;
use crate::package::{Architecture, Package};
use crate::tree::Role;
use crate::{deb, rpm};

/// For anything to happen on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(120);
/// Programs that the scripts call; busybox has them all.
const TOOLS: [&str; 22] = [
    "cat", "chmod", "chown", "cmp", "cp", "env", "find", "grep", "id", "ln", "ls", "mkdir", "mv", "printf", "readlink", "rm", "sed",
    "sleep", "stat", "touch", "tr", "true",
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
        for folder in ["bin", "sbin", "dev", "proc", "tmp", "run", "etc/init.d", "usr/bin", "usr/sbin", "var/lib/dpkg/updates", "var/lib/dpkg/info"] {
            fs::create_dir_all(root.path(folder)).unwrap();
        }
        for file in ["var/lib/dpkg/status", "var/lib/dpkg/available"] {
            fs::write(root.path(file), "").unwrap();
        }
        fs::write(root.path("etc/passwd"), "root:x:0:0::/:/bin/sh\nscalyr:x:777:777::/:/bin/sh\n").unwrap();
        for (program, name) in [("/bin/busybox", "bin/busybox"), ("/bin/dash", "bin/sh")] {
            let copied = fs::copy(program, root.path(name));
            copied.unwrap_or_else(|error| panic!("{program}: {error}; apt-get install dash busybox-static"));
        }
        for tool in TOOLS {
            symlink("busybox", root.path("bin").join(tool)).unwrap();
        }
        for program in [agent(), Path::new("/bin/dash")] {
            for library in libraries(program) {
                let place = root.path(library.to_str().unwrap().trim_start_matches('/'));
                fs::create_dir_all(place.parent().unwrap()).unwrap();
                fs::copy(&library, &place).unwrap();
            }
        }
        run(Command::new("mknod").args(["-m", "666"]).arg(root.path("dev/null")).args(["c", "1", "3"])).well();
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
        command.args(["--mount", "sh", "-c", "mount -t proc proc \"$1/proc\" && shift && exec \"$@\"", "sh"]);
        command.arg(self.folder.path()).args(words);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").envs(environment.iter().copied());
        run(&mut command)
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

    pub(super) fn dpkg_with(&self, environment: &[(&str, &str)], words: &[&str]) -> Ran {
        let root = format!("--root={}", self.folder.path().display());
        let first = ["dpkg", &root, "--force-depends", "--no-debsig"];
        self.beside(environment, &[&first[..], words].concat())
    }

    /// Installs a package, as an upgrade if it is there.
    pub(super) fn install(&self, package: &Package) -> Ran {
        self.install_with(&[], &[], package)
    }

    pub(super) fn install_with(&self, environment: &[(&str, &str)], options: &[&str], package: &Package) -> Ran {
        let file = self.folder.path().join(format!("{}_{}.deb", package.name, package.version));
        fs::write(&file, deb::write(package, &super::for_deb(package)).unwrap()).unwrap();
        self.dpkg_with(environment, &[options, &["--install", file.to_str().unwrap()]].concat())
    }

    /// rpm of this machine, for the root. Nothing in it provides libc.
    pub(super) fn rpm(&self, words: &[&str]) -> Ran {
        self.rpm_with(&[], words)
    }

    pub(super) fn rpm_with(&self, environment: &[(&str, &str)], words: &[&str]) -> Ran {
        let root = format!("--root={}", self.folder.path().display());
        self.beside(environment, &[&["rpm", &root][..], words].concat())
    }

    pub(super) fn upgrade_rpm(&self, package: &Package) -> Ran {
        let file = self.folder.path().join(format!("{}-{}.rpm", package.name, package.version));
        fs::write(&file, rpm::write(package, &super::for_rpm(package)).unwrap()).unwrap();
        self.rpm(&["--upgrade", "--nodeps", "--nosignature", file.to_str().unwrap()])
    }

    /// Writes the configuration as its owner would: the file keeps its mode.
    pub(super) fn configure(&self, text: &str) {
        fs::write(self.path("etc/scalyr-agent-2/agent.json"), text).unwrap();
    }

    /// The agent that runs.
    pub(super) fn pid(&self) -> Option<u32> {
        let pid = fs::read_to_string(self.path("var/log/scalyr-agent-2/agent.pid")).ok()?.trim().parse().ok()?;
        self.processes().contains(&pid).then_some(pid)
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

/// A server on this machine that takes what is sent to it.
pub(super) struct Server {
    child: Child,
    pub(super) address: String,
    events: PathBuf,
    _folder: TempDir,
}

impl Server {
    pub(super) fn new() -> Self {
        use std::io::{BufRead as _, BufReader};
        let folder = tempfile::tempdir().unwrap();
        let events = folder.path().join("events.jsonl");
        let mut child = Command::new(agent())
            .args(["receive", "--listen", "127.0.0.1:0", "--output"])
            .arg(&events)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.map_while(Result::ok).find_map(|line| {
            let from = line.find("http://127.0.0.1:")?;
            Some(line[from..].split(|c: char| c.is_whitespace() || "\"',".contains(c)).next()?.to_owned())
        });
        Self { child, address: address.unwrap(), events, _folder: folder }
    }

    /// A configuration that sends /tmp/app.log to it, with more members.
    pub(super) fn configuration(&self, more: &str) -> String {
        format!(
            "{{ api_key: 'key', scalyr_server: '{}', allow_http: true, implicit_metric_monitor: false, \
             implicit_agent_process_metrics_monitor: false, compression_type: 'deflate', \
             logs: [ {{ path: '/tmp/app.log', copy_from_start: true }} ], {more} }}\n",
            self.address
        )
    }

    /// Waits for a text among the events; how often it is there.
    pub(super) fn wait_for(&self, text: &str) -> usize {
        let count = || fs::read_to_string(&self.events).unwrap_or_default().matches(text).count();
        wait(&format!("{text} at the server"), || count() > 0);
        count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
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

pub(super) fn run(command: &mut Command) -> Ran {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{name}: {error}; apt-get install dpkg rpm util-linux"));
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    Ran { code: output.status.code(), said }
}

/// The agent of this checkout, without what debuggers need: ten copies of it are made.
fn agent() -> &'static Path {
    static AGENT: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = AGENT.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = run(Command::new(cargo).args(["build", "--quiet", "--package", "agent"]).current_dir(&root));
        built.well();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent");
        run(Command::new("strip").arg("-o").arg(&path).arg(root.join("target/debug/agent"))).well();
        (folder, path)
    });
    path
}

/// The libraries that a program is linked with, its loader among them.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let listed = run(Command::new("ldd").arg(program)).well();
    let paths = listed.split_whitespace().filter(|word| word.starts_with("/lib") || word.starts_with("/usr/lib"));
    paths.map(PathBuf::from).collect()
}

/// A package with the agent in it, and with these monitors by what its scripts say.
pub(super) fn packaged(release: &str, monitors: &[&str]) -> Package {
    let mut package = package(monitors);
    package.version.release = release.to_owned();
    package.architecture = match std::env::consts::ARCH {
        "aarch64" => Architecture::Aarch64,
        _ => Architecture::X86_64,
    };
    package.tree.file("usr/sbin/scalyr-agent-2", 0o755, Role::Plain, fs::read(agent()).unwrap());
    package.tree.link("usr/share/scalyr-agent-2/bin/scalyr-agent-2", "../../../sbin/scalyr-agent-2");
    package.tree.folder("var/log/scalyr-agent-2", 0o755);
    package.tree.folder("var/lib/scalyr-agent-2", 0o755);
    package
}
