//! "I install the unit; does systemd like it, and does the agent live under it?"
#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod story;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use story::{Lines, Process, ReceiverProcess, Scratch, UNIT, say, status, wait_for_lines, wait_until, write_config};

const PATIENCE: Duration = Duration::from_secs(120);
const AGENT: &str = env!("CARGO_BIN_EXE_agent");
/// What `systemd-analyze security` may say at most, in tenths: what is above is listed by it, with what each costs.
const MOST_EXPOSED: u32 = 40;

/// Runs a program of systemd.
#[track_caller]
fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    output.unwrap_or_else(|error| panic!("{program}: {error}; install it with: apt-get install systemd"))
}

/// The unit, with an agent that is there.
fn write_unit(folder: &Path) -> PathBuf {
    let unit = folder.join("scalyr-agent-2.service");
    fs::write(&unit, UNIT.replacen("\nExecStart=/usr/sbin/scalyr-agent-2 ", &format!("\nExecStart={AGENT} "), 1))
        .unwrap();
    unit
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit_and_thinks_it_well_protected() {
    let scratch = Scratch::new();
    let unit = write_unit(scratch.folder());
    let unit = unit.to_str().unwrap();
    let verified = run("systemd-analyze", &["verify", "--man=no", unit]);
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    let about_it: Vec<&str> = said.lines().filter(|line| line.contains("scalyr-agent-2")).collect();
    assert!(verified.status.success() && about_it.is_empty(), "{said}");
    let threshold = format!("--threshold={MOST_EXPOSED}");
    let judged = run("systemd-analyze", &["security", "--offline=true", "--no-pager", &threshold, unit]);
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stdout));
}

/// A systemd with nothing but our unit, in name spaces and a cgroup of its own.
struct Systemd {
    process: Process,
    cgroup: PathBuf,
    /// The manager itself, as seen from here.
    pid: u32,
}

impl Systemd {
    fn start(scratch: &Scratch, drop_in: &str) -> Self {
        let units = scratch.path("units");
        fs::create_dir_all(units.join("scalyr-agent-2.service.d")).unwrap();
        write_unit(&units);
        fs::write(units.join("scalyr-agent-2.service.d/story.conf"), drop_in).unwrap();
        // Those of the host would start what belongs to the host.
        for target in ["story", "sysinit", "basic", "shutdown", "multi-user", "network", "remote-fs", "nss-lookup"] {
            let text = format!("[Unit]\nDescription={target} of the story\nDefaultDependencies=no\n");
            fs::write(units.join(format!("{target}.target")), text).unwrap();
        }
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        let unified = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>()).find(|of| of[2] == "cgroup2");
        let unified = unified.expect("a cgroup2 file system is mounted")[1].to_owned();
        let cgroup = Path::new(&unified).join(format!("agent-story-{}", std::process::id()));
        fs::create_dir(&cgroup).expect("root may make a cgroup");
        let script = format!(
            "echo $$ > {cgroup}/cgroup.procs && exec unshare --pid --fork --mount --cgroup --uts --ipc --mount-proc \
             --kill-child sh -c 'mount --make-rprivate / && (umount -R /sys/fs/cgroup || true) && \
             mount -t cgroup2 none /sys/fs/cgroup && mount -t tmpfs none /run && \
             exec env -i container=story SYSTEMD_UNIT_PATH={units} /lib/systemd/systemd --system --unit=story.target \
             --log-target=null --show-status=no'",
            cgroup = cgroup.display(),
            units = units.display()
        );
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(script);
        let process = Process::start(scratch, "systemd", command);
        let mut systemd = Self { process, cgroup, pid: 0 };
        wait_until("systemd runs", PATIENCE, || {
            let parent = systemd.process.id();
            let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
            systemd.pid = children.trim().parse().unwrap_or_default();
            systemd.pid != 0 && systemd.systemctl(&["is-system-running"]).contains("running")
        });
        systemd
    }

    /// What `systemctl` says, on both ways.
    fn systemctl(&self, arguments: &[&str]) -> String {
        let pid = self.pid.to_string();
        let enter = ["--target", &pid, "--mount", "--pid", "--cgroup", "--uts", "--ipc", "systemctl"];
        let output = run("nsenter", &[&enter, arguments].concat());
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    fn show(&self, property: &str) -> String {
        self.systemctl(&["show", "--value", "--property", property, "scalyr-agent-2"]).trim().to_owned()
    }

    /// The agent, as seen from here.
    fn agent(&self) -> Option<Pid> {
        let inside = self.show("MainPID");
        let is_it = |pid: &i32| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
            let mut numbers = numbers.split_whitespace().rev();
            numbers.next() == Some(inside.as_str()) && numbers.next().is_some()
        };
        let under = |pid: &i32| {
            let of = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
            of.contains(self.cgroup.file_name().unwrap().to_str().unwrap())
        };
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let mut pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        pids.find(|pid| under(pid) && is_it(pid)).and_then(Pid::from_raw)
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        // The kernel ends all that is in its name space with it.
        if self.process.ended().is_none() {
            self.process.kill();
        }
        let all_gone = || {
            let mut folders = vec![self.cgroup.clone()];
            let mut at = 0;
            while let Some(folder) = folders.get(at) {
                let below = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
                let below: Vec<_> = below.filter(|path| path.is_dir()).collect();
                folders.extend(below);
                at += 1;
            }
            folders.iter().rev().all(|folder| fs::remove_dir(folder).is_ok())
        };
        for _ in 0..100 {
            if all_gone() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        say(&format!("{} could not be removed", self.cgroup.display()));
    }
}

#[test]
#[ignore = "needs root, systemd and a cgroup of its own; to tell it: cargo test -p agent --test under_systemd -- --ignored"]
fn a_real_systemd_starts_the_agent_reloads_it_brings_it_back_and_stops_it() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let log = scratch.path("app.log");
    let logs = json!([{ "path": log, "copy_from_start": true }]);
    let config = write_config(&scratch, &receiver.url(), logs, json!({}));
    let mut lines = Lines::new(&log, 20);
    // The drop-in for other folders that the unit's comments give.
    let drop_in = format!(
        "[Unit]\nConditionPathExists=\n[Service]\nExecStart=\nExecStart={AGENT} start --no-fork -c {config}\n\
         ReadWritePaths={log} {data}\nRestartSec=1s\nWatchdogSec=10s\n",
        config = config.display(),
        log = scratch.path("log").display(),
        data = scratch.path("data").display(),
    );
    let systemd = Systemd::start(&scratch, &drop_in);
    let started = systemd.systemctl(&["start", "scalyr-agent-2"]);
    // `start` of a unit with Type=notify comes back when the agent is ready.
    assert_eq!((systemd.show("ActiveState").as_str(), started.as_str()), ("active", ""));
    assert!(status(&config).is_some(), "it answers");
    wait_until("the line is told", PATIENCE, || systemd.show("StatusText").contains("1 file"));
    say(&systemd.systemctl(&["status", "--no-pager", "scalyr-agent-2"]));
    lines.append(1000);
    wait_for_lines(&mut receiver, lines.written(), PATIENCE);

    assert_eq!(systemd.systemctl(&["reload", "scalyr-agent-2"]), "");
    wait_until("it is active again", PATIENCE, || systemd.show("ActiveState") == "active");
    assert_eq!(systemd.show("NRestarts"), "0");

    for (restarts, signal) in [(1, Signal::ABORT), (2, Signal::KILL), (3, Signal::STOP)] {
        let agent = systemd.agent().expect("the agent runs");
        kill_process(agent, signal).unwrap();
        lines.append(1000);
        wait_until(&format!("it is back after {signal:?}"), PATIENCE, || {
            systemd.show("NRestarts") == restarts.to_string() && systemd.show("ActiveState") == "active"
        });
        wait_for_lines(&mut receiver, lines.written(), PATIENCE);
    }
    assert_eq!(systemd.systemctl(&["stop", "scalyr-agent-2"]), "");
    let ended = (systemd.show("ActiveState"), systemd.show("Result"), systemd.show("ExecMainStatus"));
    assert_eq!(ended, ("inactive".to_owned(), "success".to_owned(), "0".to_owned()));
}
