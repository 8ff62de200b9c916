//! "Somebody else may write in the folders of the agent, or it was started in an odd place. What can go wrong?"
#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod story;

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use serde_json::json;
use story::{AgentProcess, Background, Process, Scratch, agent, run, wait_until, write_config};

const PATIENCE: Duration = Duration::from_secs(60);

fn nothing_to_send(scratch: &Scratch) -> PathBuf {
    write_config(scratch, "http://127.0.0.1:9", json!([]), json!({}))
}

#[track_caller]
fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_pipe_or_a_link_in_the_place_of_the_pid_file_keeps_no_command_waiting_and_is_not_written_through() {
    let scratch = Scratch::new();
    let config = nothing_to_send(&scratch);
    let (pid_file, lock, precious) =
        (scratch.path("log/agent.pid"), scratch.path("data/agent.lock"), scratch.path("precious"));
    let symbolic = |at: &Path| symlink(&precious, at).unwrap();
    let hard = |at: &Path| fs::hard_link(&precious, at).unwrap();
    let plants: [&dyn Fn(&Path); 3] = [&|at| make_pipe(at), &symbolic, &hard];
    for (at, plant) in [&pid_file, &lock].into_iter().flat_map(|at| plants.map(|plant| (at, plant))) {
        fs::write(&precious, "precious\n").unwrap();
        // The round before may have left a lock that nobody holds.
        _ = fs::remove_file(at);
        plant(at);
        // Each of them ends.
        assert_eq!(run(agent(&["status"], &config)).code, Some(4));
        run(agent(&["stop"], &config));
        let started = run(agent(&["start"], &config));
        assert_eq!((started.code, started.out.as_str()), (Some(1), ""), "{started:?}");
        assert!(started.err.contains(at.to_str().unwrap()) && started.err.contains("remove it"), "{started:?}");
        assert_eq!(fs::read_to_string(&precious).unwrap(), "precious\n");
        fs::remove_file(at).unwrap();
        assert_eq!(Background::of(&scratch).all(), BTreeSet::new());
    }
}

#[test]
fn stop_sends_no_signal_to_a_stranger_whom_a_locked_pid_file_names() {
    let scratch = Scratch::new();
    let config = nothing_to_send(&scratch);
    let mut sleep = Command::new("sleep");
    sleep.arg("1000");
    let mut stranger = Process::start(&scratch, "sleep", sleep);
    let pid_file = scratch.path("log/agent.pid");
    fs::write(&pid_file, format!("{}\n", stranger.id())).unwrap();
    let held = File::open(&pid_file).unwrap();
    flock(&held, FlockOperation::NonBlockingLockExclusive).unwrap();
    for command in ["stop", "restart"] {
        let refused = run(agent(&[command, "--no-change-user"], &config));
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.err.contains("is not the one that holds it"), "{refused:?}");
        assert!(stranger.ended().is_none());
    }
    drop(held);
    // The form of the oldest agents, which took no lock; but of a user to whom that process does not belong.
    wait_until("it sleeps", PATIENCE, || {
        fs::read_to_string(format!("/proc/{}/cmdline", stranger.id())).unwrap().starts_with("sleep")
    });
    fs::write(&pid_file, format!("{} sleep 1000\n", stranger.id())).unwrap();
    std::os::unix::fs::chown(&pid_file, Some(65_534), None)
        .expect("this test gives a file away: run it as root, as CI does");
    assert_eq!(run(agent(&["stop", "--no-change-user"], &config)).code, Some(1));
    assert!(stranger.ended().is_none());
}

#[test]
fn an_agent_in_the_background_holds_nothing_that_its_starter_had_open() {
    let scratch = Scratch::new();
    let config = nothing_to_send(&scratch);
    let _background = Background::of(&scratch);
    let lock = scratch.path("cron.lock");
    let mut command = Command::new("flock");
    command.arg(&lock).arg(env!("CARGO_BIN_EXE_agent")).args(["start", "-q", "-c"]).arg(&config).env_clear();
    command.stdin(Stdio::null());
    assert_eq!(run(command).words(), (Some(0), "", ""));
    flock(File::open(&lock).unwrap(), FlockOperation::NonBlockingLockExclusive)
        .expect("the lock of cron is free again");
}

#[test]
fn an_agent_whose_starter_had_blocked_all_signals_hears_them_all_the_same() {
    let scratch = Scratch::new();
    let config = nothing_to_send(&scratch);
    let mut command = Command::new("env");
    command.args(["-i", "--block-signal", env!("CARGO_BIN_EXE_agent"), "start", "--no-fork", "-c"]).arg(&config);
    let mut process = Process::start(&scratch, "agent", command);
    wait_until("the agent runs", PATIENCE, || story::status(&config).is_some());
    assert_eq!(process.stop(PATIENCE), Some(0));
}

#[test]
fn a_start_without_any_standard_stream_and_one_with_a_closing_dash_work() {
    let scratch = Scratch::new();
    let config = nothing_to_send(&scratch);
    let background = Background::of(&scratch);
    let mut command = Command::new("sh");
    command
        .args(["-c", "exec \"$0\" start -c \"$1\" <&- >&- 2>&-", env!("CARGO_BIN_EXE_agent")])
        .arg(&config)
        .env_clear();
    assert_eq!(run(command).code, Some(0));
    let pid = background.pid().unwrap();
    for descriptor in 0..3 {
        assert_eq!(fs::read_link(format!("/proc/{pid}/fd/{descriptor}")).unwrap(), Path::new("/dev/null"));
    }
    assert_eq!(run(agent(&["stop", "-q"], &config)).code, Some(0));
    fs::set_permissions(scratch.folder(), Permissions::from_mode(0o755)).unwrap();
    let given = Command::new("chown").args(["-R", "nobody"]).arg(scratch.folder()).status().unwrap();
    assert!(given.success(), "this test gives files away: run it as root, as CI does");
    let mut command = agent(&["start"], &config);
    command.arg("--");
    assert_eq!(run(command).words().2, "Running as nobody\n");
    let mut command = agent(&["stop", "-q"], &config);
    command.arg("--");
    assert_eq!(run(command).words(), (Some(0), "", ""));
}

/// A control group of the name that systemd gives, with a program in the place of `systemctl` that stops and starts agents.
struct Group(PathBuf);

impl Group {
    fn new() -> Self {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        let unified = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>()).find(|of| of[2] == "cgroup2");
        let unified = unified.expect("a cgroup2 file system is mounted")[1].to_owned();
        let story = Path::new(&unified).join(format!("agent-story-planted-{}", std::process::id()));
        fs::create_dir_all(story.join("scalyr-agent-2.service"))
            .expect("root may make a cgroup: run it as root, as CI does");
        Self(story)
    }

    fn take_in(&self, pid: u32) {
        fs::write(self.0.join("scalyr-agent-2.service/cgroup.procs"), pid.to_string()).unwrap();
    }

    /// A command that runs in this group.
    fn inside(&self, arguments: &[&str], config: &Path) -> Command {
        let mut command = Command::new("sh");
        let script = format!("echo $$ > {}/scalyr-agent-2.service/cgroup.procs; exec \"$0\" \"$@\"", self.0.display());
        command.args(["-c", &script, env!("CARGO_BIN_EXE_agent")]).args(arguments).arg("-c").arg(config).env_clear();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for _ in 0..100 {
            if fs::remove_dir(self.0.join("scalyr-agent-2.service")).is_ok() && fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        story::say(&format!("{} could not be removed", self.0.display()));
    }
}

#[test]
#[ignore = "needs root and a cgroup file system that may be written; to tell it: cargo test -p agent --test planted -- --ignored"]
fn an_agent_that_systemd_runs_is_stopped_and_restarted_by_systemd_but_not_from_within_its_unit() {
    let group = Group::new();
    let scratch = Scratch::new();
    let config = nothing_to_send(&scratch);
    let mut service = AgentProcess::start(&scratch, &config);
    wait_until("the agent runs", PATIENCE, || service.status().is_some());
    let pid = service.process().id();
    group.take_in(pid);
    let (bin, asked) = (scratch.path("bin"), scratch.path("asked"));
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("systemctl"), format!("#!/bin/sh\necho \"$@\" >> {}\n", asked.display())).unwrap();
    fs::set_permissions(bin.join("systemctl"), Permissions::from_mode(0o755)).unwrap();
    let with_systemctl = |arguments: &[&str]| {
        let mut command = agent(arguments, &config);
        command.env("PATH", &bin);
        run(command)
    };
    let line =
        |verb: &str| format!("The agent is the systemd service scalyr-agent-2: systemctl {verb} scalyr-agent-2\n");
    assert_eq!(with_systemctl(&["restart"]).words(), (Some(0), &*line("restart"), ""));
    assert_eq!(with_systemctl(&["condrestart", "--quiet"]).words(), (Some(0), "", ""));
    let stopped = line("stop") + "Agent has stopped.\n";
    assert_eq!(with_systemctl(&["stop"]).words(), (Some(0), &*stopped, ""));
    let all = "restart scalyr-agent-2\nrestart scalyr-agent-2\nstop scalyr-agent-2\n";
    assert_eq!(fs::read_to_string(&asked).unwrap(), all);

    let refused = with_systemctl(&["restart", "--no-fork"]);
    assert!(refused.code == Some(1) && refused.err.contains("sudo systemctl restart scalyr-agent-2"), "{refused:?}");
    let broken = fs::read_to_string(&config).unwrap();
    write_config(&scratch, "http://127.0.0.1:9", json!([]), json!({ "api_key": "" }));
    let refused = with_systemctl(&["restart"]);
    assert!(refused.code == Some(1) && refused.err.contains("api_key"), "{refused:?}");
    assert_eq!(fs::read_to_string(&asked).unwrap(), all, "a broken configuration stops nothing");
    fs::write(&config, broken).unwrap();
    fs::write(bin.join("systemctl"), "#!/bin/sh\nexit 5\n").unwrap();
    let failed = with_systemctl(&["stop"]);
    assert!(failed.code == Some(1) && failed.err.contains("exit status: 5"), "{failed:?}");
    assert!(service.process().ended().is_none());

    // The `ExecStop` of the Python agent's unit, and the init script that systemd made a unit of.
    let stopped = run(group.inside(&["stop"], &config));
    assert_eq!(stopped.words(), (Some(0), "Sending signal to terminate agent.\nAgent has stopped.\n", ""));
    assert_eq!(service.process().wait(PATIENCE), Some(0));
}
