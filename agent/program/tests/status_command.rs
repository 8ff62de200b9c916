//! "Does it run, and is it well?" asked by people, scripts and probes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod story;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use story::{AgentProcess, ReceiverProcess, Scratch, end_well, wait_until, write_config};

const PATIENCE: Duration = Duration::from_secs(90);

fn command(arguments: &[&str], config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
    command.env_clear().args(arguments).arg("-c").arg(config).stdin(Stdio::null());
    command
}

/// `agent status`: exit code, what it printed, what it complained of.
fn status(arguments: &[&str], config: &Path) -> (Option<i32>, String, String) {
    of(command(&[&["status"], arguments].concat(), config).output().unwrap())
}

fn of(output: Output) -> (Option<i32>, String, String) {
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.code(), out, err)
}

fn running(scratch: &Scratch, receiver: &ReceiverProcess, more: Value) -> (AgentProcess, std::path::PathBuf) {
    let logs = json!([{ "path": scratch.path("app.log"), "copy_from_start": true }]);
    let config = write_config(scratch, &receiver.url(), logs, more);
    let agent = AgentProcess::start(scratch, &config);
    wait_until("the agent answers", PATIENCE, || agent.status().is_some());
    (agent, config)
}

#[test]
fn an_agent_that_runs_and_is_well_is_told_so_in_every_form() {
    let scratch = Scratch::new();
    let receiver = ReceiverProcess::start(&scratch, "receiver");
    let (mut agent, config) = running(&scratch, &receiver, json!({}));
    let (code, out, err) = status(&[], &config);
    assert_eq!((code, out), (Some(0), format!("The agent is running (process {}).\n", agent.process().id())), "{err}");
    assert_eq!(err, "");
    for option in ["-H", "--health_check", "--health-check"] {
        let (code, out, err) = status(&[option, "-v", "--format", "json"], &config);
        assert_eq!((code, out.as_str()), (Some(0), "Health check: Good\n"), "{err}");
    }
    let (code, out, _) = status(&["-v"], &config);
    assert!(code == Some(0) && out.starts_with("Scalyr Agent status."), "{out}");
    // Sharp edge 16 of `cli-and-service.md`: it was `Never` for half a minute.
    let checked = out.lines().find(|line| line.starts_with("Last checked:")).unwrap();
    assert!(!checked.contains("Never"), "{out}");
    let (code, out, _) = status(&["-v", "--format", "json"], &config);
    assert_eq!((code, serde_json::from_str::<Value>(&out).unwrap()["health"].as_str()), (Some(0), Some("good")));
    end_well(&mut agent, PATIENCE);
    assert_eq!(status(&[], &config).0, Some(4));
    assert_eq!((status(&["-v"], &config).0, status(&["-H"], &config).0), (Some(1), Some(1)));
}

#[test]
fn a_server_that_takes_nothing_makes_the_health_not_good() {
    let scratch = Scratch::new();
    let receiver = ReceiverProcess::start_with(&scratch, "receiver", &["--fault", "http:503"]);
    fs::write(scratch.path("app.log"), "one\n").unwrap();
    let (mut agent, config) = running(&scratch, &receiver, json!({ "healthy_max_time_since_last_copy_attempt": 1.0 }));
    wait_until("the health is not good", PATIENCE, || status(&["-H"], &config).0 == Some(2));
    let (code, out, err) = status(&["-H"], &config);
    assert!(code == Some(2) && out.starts_with("Health check: ") && !out.contains("Good"), "{out}{err}");
    let (code, out, _) = status(&["-v"], &config);
    assert!(code == Some(2) && out.starts_with("Scalyr Agent status."), "{out}");
    assert_eq!(status(&[], &config).0, Some(0), "it runs");
    receiver.set_faults("");
    wait_until("it is good again", PATIENCE, || status(&["-H"], &config).0 == Some(0));
    end_well(&mut agent, PATIENCE);
}

/// Sharp edges 1, 2, 18 and 19 of `cli-and-service.md`: a probe ended the agent, status an attribute error, and both built
/// every monitor.
#[test]
fn whatever_becomes_of_the_configuration_status_reports_the_running_agent_which_goes_on() {
    let scratch = Scratch::new();
    let receiver = ReceiverProcess::start(&scratch, "receiver");
    let (mut agent, config) = running(&scratch, &receiver, json!({ "config_change_check_interval": 0.2 }));
    let good = fs::read_to_string(&config).unwrap();
    let pid = agent.process().id();
    // The end is missing, yet the folders can be read of it.
    fs::write(&config, good.trim_end().trim_end_matches('}')).unwrap();
    let is_known = || agent.status().is_some_and(|status| status["configuration"]["state"] == "newer_and_invalid");
    wait_until("the agent has seen it", PATIENCE, is_known);
    for arguments in [&["-H"][..], &["-v"], &["-v", "--format", "json"], &[]] {
        let (code, out, err) = status(arguments, &config);
        assert_eq!(code, Some(0), "{arguments:?}: {out}{err}");
        assert!(err.contains("The configuration cannot be used. The agent is looked for in "), "{err}");
    }
    assert!(status(&["-v"], &config).1.contains("agent.json"), "the report names the mistakes");

    // A monitor that there is not, and an agent that has none of it.
    let unknown = json!({
        "agent_data_path": scratch.path("data"),
        "agent_log_path": scratch.path("log"),
        "monitors": [{ "module": "nonsense" }],
    });
    fs::write(&config, unknown.to_string()).unwrap();
    let (code, out, err) = status(&["-H"], &config);
    assert_eq!((code, out.as_str(), err.as_str()), (Some(0), "Health check: Good\n", ""));

    // Nothing to be read at all: the lock of the pid file leads to the agent.
    fs::remove_file(&config).unwrap();
    let pid_file = scratch.path("log/agent.pid");
    let (code, out, err) = status(&["-H", "-p", pid_file.to_str().unwrap()], &config);
    assert_eq!((code, out.as_str()), (Some(0), "Health check: Good\n"), "{err}");
    assert!(err.contains("there is no such file") && err.contains("agent.pid (-p)"), "{err}");
    let (code, _, err) = status(&[], &config);
    assert!(code == Some(4) && err.contains("/var/lib/scalyr-agent-2 (the default)"), "{err}");

    fs::write(&config, &good).unwrap();
    fs::set_permissions(&config, fs::Permissions::from_mode(0o600)).unwrap();
    wait_until("the agent goes on", PATIENCE, || {
        status(&["-v", "--format", "json"], &config).1.contains("\"state\": \"good\"")
    });
    assert_eq!(agent.process().id(), pid);
    end_well(&mut agent, PATIENCE);
}

/// Sharp edge 13: the report was one shared file, which a second question with another format took away.
#[test]
fn questions_at_one_time_each_get_their_own_report() {
    let scratch = Scratch::new();
    let receiver = ReceiverProcess::start(&scratch, "receiver");
    let (mut agent, config) = running(&scratch, &receiver, json!({}));
    let ask = |arguments: &[&str]| {
        let mut command = command(&[&["status"], arguments].concat(), &config);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let asked: Vec<_> = (0..4).flat_map(|_| [ask(&["-v"]), ask(&["-v", "--format", "json"]), ask(&["-H"])]).collect();
    for (number, child) in asked.into_iter().enumerate() {
        let (code, out, err) = of(child.wait_with_output().unwrap());
        assert_eq!(code, Some(0), "{err}");
        let is_own = match number % 3 {
            0 => out.starts_with("Scalyr Agent status."),
            1 => serde_json::from_str::<Value>(&out).is_ok(),
            _ => out == "Health check: Good\n",
        };
        assert!(is_own, "{number}: {out}");
    }
    end_well(&mut agent, PATIENCE);
}

#[test]
fn an_agent_that_stands_still_is_waited_for_as_long_as_the_configuration_says_and_then_looked_at() {
    let scratch = Scratch::new();
    let receiver = ReceiverProcess::start(&scratch, "receiver");
    let (mut agent, config) = running(&scratch, &receiver, json!({ "agent_status_timeout": 2 }));
    agent.process().signal(Signal::STOP);
    let (code, out, err) = status(&["-v"], &config);
    assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
    assert!(err.contains("did not answer within 2 s (agent_status_timeout)") && err.contains("agent.log"), "{err}");
    let (code, out, err) = status(&["-H", "--debug", "--stats-capture-interval", "0.2"], &config);
    assert_eq!(code, Some(1), "{err}");
    let dump: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(dump["process"], agent.process().id());
    let captures = dump["captures"].as_array().unwrap();
    assert!(captures.len() > 1 && captures.iter().all(|capture| capture["state"] == "T"), "{dump:#}");
    let threads = captures[0]["threads"].as_array().unwrap();
    assert!(threads.iter().any(|thread| thread["name"] == "status"), "{dump:#}");
    assert!(dump["data_path_files"].to_string().contains("status.sock"), "{dump:#}");
    let (code, out, err) = status(&[], &config);
    assert!(code == Some(0) && out.starts_with("The agent is running (process "), "{out}{err}");
    assert!(err.contains("does not answer"), "{err}");
    agent.process().signal(Signal::CONT);
    wait_until("it answers again", PATIENCE, || status(&["-H"], &config).0 == Some(0));
    end_well(&mut agent, PATIENCE);
}

#[test]
fn another_user_is_told_that_it_runs_and_who_may_ask_for_more() {
    assert!(rustix::process::geteuid().is_root(), "this story changes the user: run it as root");
    let scratch = Scratch::new();
    let receiver = ReceiverProcess::start(&scratch, "receiver");
    let (mut agent, config) = running(&scratch, &receiver, json!({}));
    // Anybody may see the folders, but not the key.
    for folder in [".", "data", "log"] {
        fs::set_permissions(scratch.path(folder), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let folders = json!({ "agent_data_path": scratch.path("data"), "agent_log_path": scratch.path("log") });
    let public = scratch.path("public.json");
    fs::write(&public, folders.to_string()).unwrap();
    let program = scratch.path("agent");
    fs::copy(env!("CARGO_BIN_EXE_agent"), &program).unwrap();
    let as_nobody = |arguments: &[&str], config: &Path| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program).arg("status");
        of(command.args(arguments).arg("-c").arg(config).env("PATH", "/usr/bin").output().unwrap())
    };
    let (code, out, err) = as_nobody(&[], &public);
    assert!(code == Some(0) && out.starts_with("The agent is running (process "), "{out}{err}");
    for option in ["-v", "-H"] {
        let (code, out, err) = as_nobody(&[option], &public);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
        assert!(err.contains("answers root only: try `sudo agent status -v`"), "{err}");
    }
    let (code, _, err) = as_nobody(&[], &config);
    assert!(code == Some(4) && err.contains("agent.json") && err.contains("the default"), "{err}");
    end_well(&mut agent, PATIENCE);
}
