//! "What my command says is on the server, and a command that hangs hangs nobody else."

mod story;

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use story::{AgentProcess, ReceiverProcess, Scratch, end_well, wait_until, write_config};

const PATIENCE: Duration = Duration::from_secs(90);

fn start(scratch: &Scratch, receiver: &ReceiverProcess, monitors: &Value) -> AgentProcess {
    let extra = json!({ "monitors": monitors, "global_monitor_sample_interval_enable_jitter": false });
    AgentProcess::start(scratch, &write_config(scratch, &receiver.url(), json!([]), extra))
}

/// Whether a line with all of these has arrived.
fn has_arrived(receiver: &mut ReceiverProcess, parts: &[&str]) -> bool {
    receiver.events().iter().any(|event| parts.iter().all(|part| event.text().contains(part)))
}

fn is_running(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn what_commands_tell_reaches_the_server_also_beside_one_that_hangs() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let pid = scratch.path("pid");
    let hangs = format!("echo begun; sleep 1000 & echo $! > {}; wait", pid.display());
    let module = "scalyr_agent.builtin_monitors.shell_monitor";
    let mut agent = start(
        &scratch,
        &receiver,
        &json!([
            { "module": module, "id": "kernel", "command": "uname -s", "sample_interval": 1 },
            { "module": module, "id": "fails", "command": "echo no such thing >&2; exit 3", "sample_interval": 1 },
            { "module": module, "id": "load", "command": "cat /proc/loadavg", "extract": r"^(\S+)", "emit_number": true,
              "sample_interval": 1 },
            { "module": module, "id": "hangs", "command": hangs, "timeout": 2, "sample_interval": 3 },
        ]),
    );
    for parts in [
        &["[shell_monitor(kernel)] output \"Linux\" command=\"uname -s\" duration=", " exit_code=0 length=6"][..],
        &["[shell_monitor(fails)] output \"no such thing\" command=", " exit_code=3 length=14"],
        &["[shell_monitor(load)] number ", " command=\"cat /proc/loadavg\""],
        &["[shell_monitor(kernel)] duration_ms ", " exit_code=0"],
        &["[shell_monitor(hangs)] output \"begun\" command=", " exit_code=-9 length=6"],
    ] {
        wait_until(&format!("{parts:?} has arrived"), PATIENCE, || has_arrived(&mut receiver, parts));
    }
    let log = || read(&scratch.path("log/agent.log"));
    wait_until("it is told what to do", PATIENCE, || log().contains("had not ended after 2 s and was killed"));
    end_well(&mut agent, PATIENCE);
    wait_until("nothing is left of it", PATIENCE, || !is_running(&read(&pid)));
}

#[test]
fn the_agent_stops_at_once_while_a_command_runs_and_leaves_none_of_it_behind() {
    let scratch = Scratch::new();
    let receiver = ReceiverProcess::start(&scratch, "receiver");
    let pid = scratch.path("pid");
    let command = format!("sleep 100000 & echo $! > {}; wait", pid.display());
    let mut agent =
        start(&scratch, &receiver, &json!([{ "module": "shell_monitor", "command": command, "timeout": 80000 }]));
    wait_until("the command runs", PATIENCE, || read(&pid).ends_with('\n'));
    let pid = read(&pid);
    assert!(is_running(&pid));
    assert_eq!(agent.stop(PATIENCE), Some(0));
    wait_until("nothing is left of it", PATIENCE, || !is_running(&pid));
    let log = read(&scratch.path("log/agent.log"));
    assert!(log.contains("The command was ended before its time, because the monitor stops"), "{log}");
}
