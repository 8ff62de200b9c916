use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use rustix::process::{Pid, test_kill_process};

use super::*;

const GENEROUS: Bounds = Bounds { timeout: Duration::from_secs(60), max_output_bytes: 1 << 20 };

fn sh(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(script);
    command
}

fn run(script: &str, bounds: Bounds) -> Ended {
    Children::default().run(sh(script), bounds, &Stop::new()).unwrap()
}

/// Runs it until its deadline, a later one each time, until it did before what it is to do: a machine may be busy.
fn run_to_deadline(script: &str, is_done: impl Fn(&Ended) -> bool) -> Ended {
    let run = |seconds| run(script, Bounds { timeout: Duration::from_secs(seconds), ..GENEROUS });
    [1, 5, 30].into_iter().map(run).find(is_done).unwrap_or_else(|| panic!("not done: {script}"))
}

/// Whether a process has written its number to this file.
fn is_told(file: &Path) -> bool {
    fs::read_to_string(file).is_ok_and(|text| text.ends_with('\n'))
}

/// Waits until a process that wrote its number to this file is gone.
fn wait_until_gone(file: &Path) {
    let pid: i32 = fs::read_to_string(file).unwrap().trim().parse().unwrap();
    let is_there = || {
        // A zombie that nobody reaps yet is as good as gone.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let is_zombie = stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'));
        test_kill_process(Pid::from_raw(pid).unwrap()).is_ok() && !is_zombie
    };
    for _ in 0..6000 {
        if !is_there() {
            return;
        }
        Stop::new().wait(Duration::from_millis(10));
    }
    panic!("process {pid} is still there");
}

#[test]
fn both_streams_and_the_exit_code_are_had() {
    let ended = run("echo out; echo err >&2; exit 3", GENEROUS);
    assert_eq!((ended.stdout.bytes.as_slice(), ended.stderr.bytes.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
    assert_eq!((ended.status.code(), ended.cut_short), (Some(3), None));
}

#[test]
fn there_is_nothing_to_read_for_the_command() {
    assert_eq!(run("cat; echo end", GENEROUS).stdout.bytes, b"end\n");
}

#[test]
fn a_signal_that_ends_the_shell_is_told() {
    assert_eq!(run("kill -9 $$", GENEROUS).status.signal(), Some(9));
}

#[test]
fn what_is_beyond_the_bound_is_counted_and_the_command_still_ends() {
    let ended = run("head -c 3000000 /dev/zero; echo done >&2; exit 4", Bounds { max_output_bytes: 1000, ..GENEROUS });
    assert_eq!((ended.stdout.bytes.len(), ended.stdout.left_out), (1000, 2_999_000));
    assert_eq!((ended.stderr.bytes.as_slice(), ended.status.code()), (&b"done\n"[..], Some(4)));
}

#[test]
fn at_the_deadline_the_whole_group_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    // What writes without end must not keep the deadline from being seen.
    for script in [
        "sleep 1000 & echo $! > FILE; wait",
        "sh -c 'echo $$ > FILE; yes'",
        "exec >&- 2>&-; echo $$ > FILE; sleep 1000",
    ] {
        _ = fs::remove_file(&file);
        let ended = run_to_deadline(&script.replace("FILE", file.to_str().unwrap()), |_| is_told(&file));
        assert_eq!((ended.cut_short, ended.status.signal()), (Some(CutShort::Deadline), Some(9)), "{script}");
        assert!(ended.took >= Duration::from_secs(1) && ended.stdout.bytes.len() <= GENEROUS.max_output_bytes);
        wait_until_gone(&file);
    }
}

#[test]
fn what_was_written_before_the_deadline_is_had() {
    let ended = run_to_deadline("echo before; sleep 1000", |ended| !ended.stdout.bytes.is_empty());
    assert_eq!((ended.stdout.bytes.as_slice(), ended.cut_short), (&b"before\n"[..], Some(CutShort::Deadline)));
}

#[test]
fn a_process_that_stays_behind_with_the_output_is_killed_at_the_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!("sleep 1000 & echo $! > {}; exit 5", file.display());
    let ended = run_to_deadline(&script, |ended| ended.status.code() == Some(5));
    assert_eq!(ended.cut_short, Some(CutShort::OutputHeld));
    wait_until_gone(&file);
}

#[test]
fn a_process_that_stays_behind_without_the_output_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let ended = run(&format!("sleep 1000 >/dev/null 2>&1 & echo $! > {}", file.display()), GENEROUS);
    assert_eq!((ended.cut_short, ended.status.code()), (None, Some(0)));
    let pid = Pid::from_raw(fs::read_to_string(&file).unwrap().trim().parse().unwrap()).unwrap();
    assert!(test_kill_process(pid).is_ok());
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[test]
fn a_stop_ends_the_command_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let stop = Stop::new();
    let ended = std::thread::scope(|threads| {
        threads.spawn(|| {
            while !is_told(&file) {
                Stop::new().wait(Duration::from_millis(5));
            }
            stop.stop();
        });
        let script = format!("sleep 1000 & echo $! > {}; wait", file.display());
        Children::default().run(sh(&script), GENEROUS, &stop).unwrap()
    });
    assert_eq!(ended.cut_short, Some(CutShort::Stopped));
    assert!(ended.took < GENEROUS.timeout);
    wait_until_gone(&file);
}

#[test]
fn a_program_that_is_not_there_is_told_with_what_to_do() {
    let error = Children::default().run(Command::new("/nowhere/program"), GENEROUS, &Stop::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot start /nowhere/program: No such file or directory (os error 2); is it installed, and its path right?"
    );
    let error = Children::default().run(Command::new("/etc/passwd"), GENEROUS, &Stop::new()).unwrap_err().to_string();
    assert!(error.ends_with("(os error 13); may the agent's user execute it?"), "{error}");
}
