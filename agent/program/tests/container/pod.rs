//! A container without an engine: the root file system of the image, the mounts, the user and the powers of the manifest,
//! and the agent as the first process of its own world of processes.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::manifest::{Manifest, folder};
use super::story::{Process, Scratch, wait_until};

const PATIENCE: Duration = Duration::from_secs(60);
/// Where the program is in the image.
pub(crate) const PROGRAM: &str = "/usr/sbin/scalyr-agent-2";

/// The root file system of the image, made by the script that the Dockerfile runs. A program that is not static gets the
/// libraries that it needs beside it.
pub(crate) fn make_root(scratch: &Scratch, agent: &Path) -> PathBuf {
    assert!(rustix::process::geteuid().is_root(), "this story changes its root and mounts: run it as root");
    let root = scratch.path("root");
    let mut script = Command::new(folder().join("rootfs.sh"));
    run(script.arg(agent).arg(&root));
    for library in libraries(agent) {
        let place = root.join(library.strip_prefix("/").unwrap());
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::copy(&library, place).unwrap();
    }
    root
}

/// The libraries of a dynamic program, among them the loader.
fn libraries(agent: &Path) -> Vec<PathBuf> {
    let ldd = Command::new("ldd").arg(agent).output().unwrap();
    let text = String::from_utf8(ldd.stdout).unwrap();
    text.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}

/// Runs it to its end, which must be a good one.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}: {output:?}", output.status);
    output
}

/// The volume of a ConfigMap as the kubelet lays it out: links to a folder that is exchanged whole.
pub(crate) struct ConfigVolume {
    folder: PathBuf,
    versions: u32,
}

impl ConfigVolume {
    pub(crate) fn new(folder: PathBuf, files: &BTreeMap<String, String>) -> Self {
        fs::create_dir_all(&folder).unwrap();
        let mut volume = Self { folder, versions: 0 };
        volume.exchange(files);
        let mut names: Vec<&str> = files.keys().map(|path| path.split('/').next().unwrap()).collect();
        names.dedup();
        for name in names {
            symlink(format!("..data/{name}"), volume.folder.join(name)).unwrap();
        }
        volume
    }

    /// Puts other files in the place of those that are there, at once.
    pub(crate) fn exchange(&mut self, files: &BTreeMap<String, String>) {
        self.versions += 1;
        let version = format!("..version_{}", self.versions);
        for (path, text) in files {
            let path = self.folder.join(&version).join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o440)).unwrap();
        }
        symlink(&version, self.folder.join("..data_new")).unwrap();
        fs::rename(self.folder.join("..data_new"), self.folder.join("..data")).unwrap();
    }
}

/// A running container. Its process is killed when this is dropped.
pub(crate) struct Pod {
    process: Process,
    /// The agent, as this world of processes has it.
    agent: Pid,
    powers: Vec<String>,
}

impl Pod {
    /// Starts it. Folders of the node are those below `node`, but for /proc and /sys, which are this machine's.
    pub(crate) fn start(
        scratch: &Scratch,
        root: &Path,
        manifest: &Manifest,
        node: &Path,
        environment: &BTreeMap<String, String>,
    ) -> Self {
        let mut script = format!("mount --bind '{0}' '{0}' && mount -o remount,bind,ro '{0}'\n", root.display());
        for (path, is_read_only, volume) in manifest.mounts() {
            let place = root.join(path.strip_prefix('/').unwrap());
            // As engines do, before nothing can be made any more.
            fs::create_dir_all(&place).unwrap();
            script += &mount(&place, is_read_only, volume, node, scratch);
        }
        script += &format!("mount -t proc proc '{}/proc'\n", root.display());
        script += &devices(&root.join("dev"));
        let powers = powers(root, manifest);
        let arguments = manifest.arguments();
        script += &format!("exec capsh {} -- {}\n", powers.join(" "), arguments.join(" "));
        // The agent gets the number 1, and leads a session as with an engine.
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--kill-child", "setsid", "sh", "-ec", &script]);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").envs(environment);
        let process = Process::start(scratch, "pod", command);
        let agent = first_process(&process);
        Self { process, agent, powers }
    }

    /// A line such as `CapEff:` of the agent in /proc.
    pub(crate) fn fact(&self, name: &str) -> String {
        let status = fs::read_to_string(format!("/proc/{}/status", self.agent.as_raw_nonzero())).unwrap();
        let mut lines = status.lines();
        lines.find_map(|line| line.strip_prefix(name)).expect("the kernel tells it").trim().to_owned()
    }

    /// What `docker exec` and `kubectl exec` do: the program once more, beside the agent.
    pub(crate) fn exec(&self, arguments: &[&str]) -> Output {
        let agent = self.agent.as_raw_nonzero().to_string();
        let root = format!("--chroot=/proc/{agent}/root");
        let mut command = Command::new("nsenter");
        command.args(["--target", &agent, "--pid", "capsh", &root]).args(&self.powers[1..]).arg("--").args(arguments);
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// A process that nobody waits for: its parent, who was not the agent, has ended.
    pub(crate) fn leave_an_orphan(&self) -> Pid {
        let agent = self.agent.as_raw_nonzero().to_string();
        run(Command::new("nsenter").args(["--target", &agent, "--pid", "sh", "-c", "sleep 1000 >/dev/null 2>&1 &"]));
        let mut found = None;
        wait_until("the agent has a child", PATIENCE, || {
            found = self.children().first().copied();
            found.is_some()
        });
        found.expect("wait_until saw it")
    }

    /// The children of the agent, dead or alive.
    pub(crate) fn children(&self) -> Vec<Pid> {
        let text = fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.agent.as_raw_nonzero())).unwrap();
        text.split_whitespace().filter_map(|number| Pid::from_raw(number.parse().ok()?)).collect()
    }

    /// SIGTERM to the agent; the exit code of the container.
    #[track_caller]
    pub(crate) fn stop(&mut self, deadline: Duration) -> Option<i32> {
        kill_process(self.agent, Signal::TERM).unwrap();
        self.process.wait(deadline)
    }

    /// What `docker logs` and `kubectl logs` show.
    pub(crate) fn printed(&self) -> String {
        self.process.stdout() + &self.process.stderr()
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        // With a change of the user the kernel forgets that it should end with `unshare`.
        if self.process.ended().is_none() {
            _ = kill_process(self.agent, Signal::KILL);
        }
    }
}

/// The commands that mount a volume.
fn mount(place: &Path, is_read_only: bool, volume: &Value, node: &Path, scratch: &Scratch) -> String {
    let place = place.display();
    let from = match (volume["hostPath"]["path"].as_str(), volume["configMap"].is_object()) {
        (Some(own @ ("/proc" | "/sys")), _) => PathBuf::from(own),
        (Some(path), _) => {
            let from = node.join(path.strip_prefix('/').unwrap());
            if volume["hostPath"]["type"] == "DirectoryOrCreate" {
                fs::create_dir_all(&from).unwrap();
            }
            from
        }
        (None, true) => scratch.path("config"),
        (None, false) => {
            assert!(volume["emptyDir"].is_object(), "{volume}");
            return format!("mount -t tmpfs -o mode=0777 tmpfs '{place}'\n");
        }
    };
    let how = if is_read_only { "ro" } else { "rw" };
    format!("mount --rbind '{}' '{place}' && mount -o remount,bind,{how} '{place}'\n", from.display())
}

/// The devices that each container has. A static program takes its chance from one of them.
fn devices(place: &Path) -> String {
    let place = place.display();
    let device = |name: &str| format!("touch '{place}/{name}' && mount --bind '/dev/{name}' '{place}/{name}'\n");
    let devices: String = ["null", "zero", "full", "random", "urandom"].map(device).concat();
    format!("mount -t tmpfs -o mode=0755 tmpfs '{place}'\n{devices}")
}

/// What capsh is told: root, user, group and what is left of the powers of root.
fn powers(root: &Path, manifest: &Manifest) -> Vec<String> {
    let (user, group, added) = manifest.powers();
    let left: Vec<String> = added.iter().map(|name| format!("cap_{}", name.to_lowercase())).collect();
    let all = String::from_utf8(run(Command::new("capsh").arg("--print")).stdout).unwrap();
    let all = all.lines().find_map(|line| line.strip_prefix("Bounding set =")).expect("capsh tells the bounding set");
    // What is dropped can still be used here, and by no program that is run from here.
    let dropped: Vec<&str> = all.split(',').filter(|name| !left.iter().any(|one| one == name)).collect();
    let mut words = vec![format!("--chroot={}", root.display()), "--no-new-privs".to_owned()];
    words.extend([format!("--gid={group}"), "--groups=".to_owned(), format!("--drop={}", dropped.join(","))]);
    words.extend([format!("--uid={user}"), format!("--shell={PROGRAM}")]);
    words
}

/// The one child of `unshare`, which is the container's first process.
fn first_process(unshare: &Process) -> Pid {
    let children = format!("/proc/{0}/task/{0}/children", unshare.id());
    let mut found = None;
    wait_until("the container has a process", PATIENCE, || {
        let text = fs::read_to_string(&children).unwrap_or_default();
        found = text.split_whitespace().next().and_then(|number| Pid::from_raw(number.parse().ok()?));
        found.is_some()
    });
    found.expect("wait_until saw it")
}
