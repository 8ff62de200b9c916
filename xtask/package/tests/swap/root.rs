//! A Debian of its own for each story: what is installed in it, and what runs in it, is gone with the story.
//!
//! It is this machine's, seen through an overlay whose changes are kept in memory, in namespaces of its own for mounts and
//! processes; only the network is that of the machine. So a story needs to clean up nothing, and an agent that a package has
//! started in the background ends with the story, also with one that is killed.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `holds`; after [`PATIENCE`] the story fails with `what` was waited for.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain until {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// The folder of the repository where artefacts of the stories are kept.
pub(crate) fn kept(below: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/package-stories");
    fs::create_dir_all(&target).unwrap();
    target.canonicalize().unwrap().join(below)
}

/// Makes the folder `path` with `make`, unless it is there and was made of these `sources` as they are; stories of other
/// processes wait for it.
pub(crate) fn made_of(path: &Path, sources: &[&Path], make: impl FnOnce(&Path)) {
    let lock = File::create(path.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let line = |source: &&Path| format!("{} {:?}\n", source.display(), source.metadata().unwrap().modified().unwrap());
    let sources: String = sources.iter().map(line).collect();
    let told = path.with_extension("made-of");
    if path.exists() && fs::read_to_string(&told).is_ok_and(|text| text == sources) {
        return;
    }
    let new = path.with_extension("new");
    for old in [path, &new] {
        if old.exists() {
            fs::remove_dir_all(old).unwrap();
        }
    }
    make(&new);
    fs::rename(&new, path).unwrap();
    fs::write(told, sources).unwrap();
}

/// Runs a program of this machine to its end; one that is missing is named with the Debian package to install.
#[track_caller]
pub(crate) fn have_done(package: &str, command: &mut Command) {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| {
        panic!("{:?}: {error}; `apt-get install {package}` as root, as .ci/run does", command.get_program())
    });
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
}

/// Mounts the root below the folder `$1`, with the folder `$2` at its /mnt, and stays as its first process until stdin ends.
/// What a machine may have that the stories must not: what is in /run and /tmp, a policy and options of dpkg that those who
/// make images use, sources of apt, packages of rpm. With `xino` the root is one file system for whoever asks.
const FIRST: &str = r#"
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work,xino=on" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount -t tmpfs tmpfs "$1/root/run"
mount -t tmpfs tmpfs "$1/root/tmp"
mount --bind "$2" "$1/root/mnt"
cd "$1/root"
rm -rf usr/sbin/policy-rc.d etc/dpkg/dpkg.cfg.d etc/apt/sources.list* var/lib/apt/lists var/lib/rpm
exec 3<&0
exec chroot . sh -c 'echo ready; cat <&3 >/dev/null & wait $!'
"#;

/// What a command said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    /// stdout, and behind it stderr.
    pub(crate) said: String,
}

/// A root of a story.
pub(crate) struct Root {
    folder: PathBuf,
    first: Child,
    /// Its end is the end of the root.
    _stdin: ChildStdin,
}

impl Root {
    /// A fresh one. What is in `shared` is at its /mnt.
    pub(crate) fn new(shared: &Path) -> Self {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = kept(&format!("root-{}-{count}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", FIRST, "sh"]);
        command.arg(&folder).arg(shared);
        let mut first = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let stdin = first.stdin.take().unwrap();
        let mut line = String::new();
        BufReader::new(first.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "the root of the story could not be mounted; that needs the rights of root");
        Self { folder, first, _stdin: stdin }
    }

    /// A command of the shell in it, with nothing on stdin; not waited for.
    pub(crate) fn command(&self, script: &str) -> Command {
        let at = |namespace: &str| format!("/proc/{}/ns/{namespace}", self.first.id());
        let mut command = Command::new("nsenter");
        command.arg(format!("--mount={}", at("mnt"))).arg(format!("--pid={}", at("pid_for_children")));
        command.arg("chroot").arg(self.folder.join("root"));
        command.args([
            "env",
            "-i",
            "HOME=/root",
            "LC_ALL=C.UTF-8",
            "SYSTEMD_IGNORE_CHROOT=1",
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
        ]);
        // The stories must end, also when a package asks something that nobody answers.
        command.args(["timeout", "--kill-after=5", "200", "sh", "-c", script]).stdin(Stdio::null()).current_dir("/");
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, script: &str) -> Ran {
        let output = self.command(script).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        Ran { code: output.status.code(), said: String::from_utf8_lossy(&said).into_owned() }
    }

    /// The same for what has to succeed; returns what it said.
    #[track_caller]
    pub(crate) fn done(&self, script: &str) -> String {
        let ran = self.run(script);
        assert_eq!(ran.code, Some(0), "{script}\n{}", ran.said);
        ran.said
    }

    /// The text of a file in it; empty when it is not there.
    pub(crate) fn read(&self, path: &str) -> String {
        self.run(&format!("cat {path} 2>/dev/null")).said
    }

    /// Appends to a file in it.
    #[track_caller]
    pub(crate) fn append(&self, path: &str, text: &str) {
        self.write_by(path, text, ">>");
    }

    /// Writes a file in it.
    #[track_caller]
    pub(crate) fn write(&self, path: &str, text: &str) {
        self.write_by(path, text, ">");
    }

    #[track_caller]
    fn write_by(&self, path: &str, text: &str, how: &str) {
        let quoted = text.replace('\'', r"'\''");
        self.done(&format!("mkdir -p $(dirname {path}); printf %s '{quoted}' {how}{path}"));
    }

    /// Whether there is something at the path.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.run(&format!("test -e {path} || test -h {path}")).code == Some(0)
    }

    /// `MODE USER:GROUP` of a path.
    #[track_caller]
    pub(crate) fn mode(&self, path: &str) -> String {
        self.done(&format!("stat -c '%a %U:%G' {path}")).trim_end().to_owned()
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        if thread::panicking() {
            let logs = "tail -n 40 /var/log/scalyr-agent-2/agent.log; scalyr-agent-2 status -v; ls -lRA /etc/scalyr-agent-2 \
                        /var/lib/scalyr-agent-2";
            eprintln!("--- the root at the end of the story\n{}", self.run(logs).said);
        }
        // `unshare` takes everything with it.
        _ = self.first.kill();
        _ = self.first.wait();
        _ = fs::remove_dir(&self.folder);
    }
}
