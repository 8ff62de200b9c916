//! `agent status --watch`: on a real terminal, which is left as it was found, and without one.

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]
#![expect(clippy::print_stderr, reason = "a test tells why it could not look")]

mod story;

use std::fs::File;
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Termios, Winsize, tcgetattr, tcsetwinsize};
use serde_json::{Value, json};

use story::{AgentProcess, Process, Scratch, wait_until, write_config};

const PATIENCE: Duration = Duration::from_secs(60);
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// A terminal with a process in front of it.
struct Terminal {
    master: OwnedFd,
    slave: OwnedFd,
    child: Child,
    /// All that it was sent.
    shown: String,
    /// Its settings before anybody watched.
    before: Termios,
}

impl Terminal {
    /// Watches the agent of this configuration.
    fn watch(config: &std::path::Path) -> Self {
        Self::watch_with(config, true)
    }

    /// With its keys, or nothing, on the standard input.
    fn watch_with(config: &std::path::Path, has_keys: bool) -> Self {
        Self::watch_by(Command::new(env!("CARGO_BIN_EXE_agent")), config, has_keys)
    }

    /// By this command, which takes the arguments of the agent.
    fn watch_by(mut command: Command, config: &std::path::Path, has_keys: bool) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = ptsname(&master, Vec::new()).unwrap();
        let slave = rustix::fs::open(path, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        rustix::io::ioctl_fionbio(&master, true).unwrap();
        resize(&master, 100, 30);
        let of_slave = || Stdio::from(File::from(slave.try_clone().unwrap()));
        command.env_clear().env("TERM", "xterm").args(["status", "--watch=0.2", "-c"]).arg(config);
        let stdin = if has_keys { of_slave() } else { Stdio::null() };
        let before = tcgetattr(&slave).unwrap();
        let child = command.stdin(stdin).stdout(of_slave()).stderr(of_slave()).spawn().unwrap();
        Self { master, slave, child, shown: String::new(), before }
    }

    fn settings(&self) -> Termios {
        tcgetattr(&self.slave).unwrap()
    }

    /// Reads what was sent up to now.
    fn read(&mut self) -> &str {
        let mut bytes = [0; 4096];
        loop {
            match rustix::io::read(self.master.as_fd(), &mut bytes) {
                Ok(0) | Err(Errno::AGAIN | Errno::IO) => return &self.shown,
                Ok(read) => self.shown.push_str(&String::from_utf8_lossy(&bytes[..read])),
                Err(Errno::INTR) => {}
                Err(error) => panic!("the terminal cannot be read: {error}"),
            }
        }
    }

    /// Waits until `text` is sent, from now on.
    fn wait_for(&mut self, text: &str) {
        self.shown.clear();
        wait_until(&format!("the screen shows {text:?}"), PATIENCE, || self.read().contains(text));
    }

    fn press(&self, keys: &[u8]) {
        assert_eq!(rustix::io::write(&self.master, keys).unwrap(), keys.len());
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Its exit code.
    fn end(&mut self) -> Option<i32> {
        let mut ended = None;
        wait_until("the watcher has ended", PATIENCE, || {
            self.read();
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        });
        self.read();
        ended.and_then(|status| status.code())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn resize(master: &OwnedFd, columns: u16, rows: u16) {
    tcsetwinsize(master, Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
}

fn agent(scratch: &Scratch) -> (AgentProcess, std::path::PathBuf) {
    // Nobody listens there: the session fails, which is something to look at.
    let config = write_config(scratch, "http://127.0.0.1:9", json!([]), json!({ "monitors": [{ "module": "coin" }] }));
    let agent = AgentProcess::start(scratch, &config);
    wait_until("the agent runs", PATIENCE, || agent.status().is_some());
    (agent, config)
}

#[test]
fn it_draws_follows_size_and_keys_outlives_the_agent_and_leaves_the_terminal_as_it_was() {
    let scratch = Scratch::new();
    let (mut agent, config) = agent(&scratch);
    let mut terminal = Terminal::watch(&config);
    let before = terminal.before.clone();
    assert!(before.local_modes.contains(LocalModes::ICANON | LocalModes::ECHO));
    wait_until("it has the screen", PATIENCE, || terminal.read().contains(ENTER));
    terminal.wait_for("coin()");
    terminal.wait_for("story");
    assert!(!terminal.settings().local_modes.intersects(LocalModes::ICANON | LocalModes::ECHO));

    terminal.press(b"?");
    terminal.wait_for("this help");
    terminal.press(b"m");
    terminal.wait_for(" monitors 1 ");
    resize(&terminal.master, 40, 10);
    terminal.signal(Signal::WINCH);
    terminal.wait_for("q quit  f m u a  ? help");

    agent.kill();
    terminal.wait_for("nobody answers");
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("the agent runs again", PATIENCE, || agent.status().is_some());
    terminal.wait_for(" health ");

    terminal.press(b"q");
    assert_eq!(terminal.end(), Some(0));
    assert!(terminal.shown.ends_with(LEAVE), "{:?}", terminal.shown);
    let after = terminal.settings();
    assert_eq!(
        (after.local_modes, after.input_modes, after.output_modes),
        (before.local_modes, before.input_modes, before.output_modes)
    );
    assert_eq!(agent.stop(PATIENCE), Some(0));
}

#[test]
fn ctrl_c_and_a_signal_leave_the_terminal_as_it_was_too() {
    let scratch = Scratch::new();
    let config = write_config(&scratch, "http://127.0.0.1:9", json!([]), json!({}));
    for end in [None, Some(Signal::TERM), Some(Signal::HUP)] {
        let mut terminal = Terminal::watch(&config);
        let before = terminal.before.clone();
        // Also without any agent.
        wait_until("it has the screen", PATIENCE, || terminal.read().contains(ENTER));
        terminal.wait_for("it is waited for");
        match end {
            Some(signal) => terminal.signal(signal),
            None => terminal.press(b"\x03"),
        }
        assert_eq!(terminal.end(), Some(0), "{end:?}");
        assert!(terminal.shown.ends_with(LEAVE), "{end:?}: {:?}", terminal.shown);
        assert_eq!(terminal.settings().local_modes, before.local_modes, "{end:?}");
    }
}

#[test]
fn without_a_terminal_it_prints_a_line_each_time() {
    let scratch = Scratch::new();
    let (mut agent, config) = agent(&scratch);
    let watch = |name: &str, more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
        command.env_clear().args(["status", "-n", "0.2", "-c"]).arg(&config).args(more);
        Process::start(&scratch, name, command)
    };
    let (mut lines, mut reports) = (watch("lines", &[]), watch("reports", &["--format", "json"]));
    let last = |process: &Process| process.stdout().lines().last().unwrap_or_default().to_owned();
    let pid = format!(" pid={} ", agent.process().id());
    wait_until("three lines are there", PATIENCE, || lines.stdout().matches(&pid).count() >= 3);
    wait_until("three reports are there", PATIENCE, || reports.stdout().lines().count() >= 3);
    assert!(lines.stdout().contains(" shipped_bytes_per_second=") && !lines.stdout().contains('\x1b'));
    agent.kill();
    wait_until("it is missed", PATIENCE, || last(&lines).contains(" health=absent "));
    wait_until("it is missed", PATIENCE, || last(&reports).contains("\"running\":false"));
    for process in [&mut lines, &mut reports] {
        process.signal(Signal::INT);
        assert_eq!(process.wait(PATIENCE), Some(0));
    }
    for line in reports.stdout().lines() {
        let report: Value = serde_json::from_str(line).unwrap();
        assert!(report["running"] == false || report["pid"].is_u64(), "{line}");
    }
}

#[test]
fn without_keys_it_is_drawn_all_the_same() {
    let scratch = Scratch::new();
    let config = write_config(&scratch, "http://127.0.0.1:9", json!([]), json!({}));
    let mut terminal = Terminal::watch_with(&config, false);
    for _ in 0..3 {
        terminal.wait_for("it is waited for");
    }
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn a_stopped_watcher_leaves_the_terminal_to_others_until_it_is_continued() {
    let scratch = Scratch::new();
    let config = write_config(&scratch, "http://127.0.0.1:9", json!([]), json!({}));
    let mut terminal = Terminal::watch(&config);
    let before = terminal.before.clone();
    terminal.wait_for("it is waited for");
    let watcher = Pid::from_child(&terminal.child);
    for by_key in [true, false] {
        match by_key {
            true => terminal.press(b"\x1a"),
            false => terminal.signal(Signal::TSTP),
        }
        wait_until("it has stopped", PATIENCE, || is_stopped(watcher));
        assert!(terminal.read().ends_with(LEAVE), "{:?}", terminal.shown);
        assert_eq!(terminal.settings().local_modes, before.local_modes);
        terminal.signal(Signal::CONT);
        terminal.wait_for("it is waited for");
        assert!(!terminal.settings().local_modes.contains(LocalModes::ECHO));
    }
    terminal.press(b"q");
    assert_eq!(terminal.end(), Some(0));
}

/// A shell in a container: whoever leads the session is outside of its namespace of processes, and has the number 0 in it.
#[test]
fn in_a_namespace_of_processes_it_is_stopped_and_ended_too() {
    let scratch = Scratch::new();
    let config = write_config(&scratch, "http://127.0.0.1:9", json!([]), json!({}));
    let namespace = || {
        let mut command = Command::new("/usr/bin/unshare");
        command.args(["--user", "--map-root-user", "--pid", "--fork", "--kill-child", "/bin/sh", "-c"]);
        command
    };
    if !namespace().arg("true").status().is_ok_and(|status| status.success()) {
        eprintln!("this machine gives no namespace of processes, so there is none to watch from");
        return;
    }
    // The first process of a namespace cannot be stopped: the watcher is its child.
    let mut command = namespace();
    command.args(["\"$@\"; echo ended with $?", "sh", env!("CARGO_BIN_EXE_agent")]);
    let mut terminal = Terminal::watch_by(command, &config, true);
    terminal.wait_for("it is waited for");
    let watcher = find_watcher(&config);
    terminal.press(b"\x1a");
    wait_until("it has stopped", PATIENCE, || is_stopped(watcher));
    assert!(terminal.read().ends_with(LEAVE), "{:?}", terminal.shown);
    kill_process(watcher, Signal::CONT).unwrap();
    terminal.wait_for("it is waited for");
    terminal.press(b"q");
    terminal.wait_for("ended with 0");
    assert_eq!(terminal.end(), Some(0));
}

/// The process of the agent that watches by this configuration.
fn find_watcher(config: &std::path::Path) -> Pid {
    let begin = format!("{}\0status\0", env!("CARGO_BIN_EXE_agent"));
    let end = format!("{}\0", config.display());
    let watches = |pid: &i32| {
        std::fs::read_to_string(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| line.starts_with(&begin) && line.ends_with(&end))
    };
    let processes = std::fs::read_dir("/proc").unwrap();
    let mut numbers = processes.filter_map(|each| each.ok()?.file_name().to_str()?.parse().ok());
    Pid::from_raw(numbers.find(watches).expect("the watcher runs")).unwrap()
}

fn is_stopped(process: Pid) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap().contains(") T ")
}
