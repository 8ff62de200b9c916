//! "The key is wrong. When do I hear of it?" `agent start` as an operator uses it.

mod story;

use std::time::Duration;

use serde_json::{Value, json};
use story::{API_KEY, AgentProcess, Process, ReceiverProcess, Scratch, end_well, wait_until, write_config};

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn without_a_terminal_the_servers_are_asked_when_the_configuration_says_so_and_a_refused_key_ends_the_start() {
    let scratch = Scratch::new();
    let receiver = ReceiverProcess::start_with(&scratch, "receiver", &["--fault", "key"]);
    let config = write_config(&scratch, &receiver.url(), json!([]), json!({ "check_remote_if_no_tty": true }));
    let mut agent = AgentProcess::start(&scratch, &config);
    assert_eq!(agent.process().wait(PATIENCE), Some(1));
    let told = agent.process().stderr();
    assert!(told.contains(&format!("error: {} refuses the api key: the server answers", receiver.url())), "{told}");
    assert!(told.contains("--no-check-remote-server") && told.contains("The agent does not run."), "{told}");
    assert!(!told.contains(API_KEY), "{told}");
}

#[test]
fn the_agent_starts_beside_a_server_that_is_down_and_status_tells_of_a_refused_key() {
    let scratch = Scratch::new();
    let receiver = ReceiverProcess::start_with(&scratch, "receiver", &["--fault", "1*http:503,key"]);
    let log = scratch.path("app.log");
    std::fs::write(&log, "one\n").unwrap();
    let more = json!({ "check_remote_if_no_tty": true });
    let config = write_config(&scratch, &receiver.url(), json!([{ "path": log, "copy_from_start": true }]), more);
    let mut agent = AgentProcess::start(&scratch, &config);
    let state = |agent: &AgentProcess| agent.status().map(|status| status["sessions"][0]["state"].clone());
    wait_until("the key is refused", PATIENCE, || state(&agent) == Some(Value::from("key_refused")));
    let told = agent.process().stderr();
    assert!(told.contains(&format!("warning: {} takes no uploads with the api key: ", receiver.url())), "{told}");
    let status = agent.status().unwrap();
    assert!(status["troubles"].to_string().contains("the api key is refused"), "{status:#}");
    receiver.set_faults("");
    wait_until("it is accepted", PATIENCE, || state(&agent) == Some(Value::from("ok")));
    end_well(&mut agent, PATIENCE);
}

/// Sharp edge 5 of `cli-and-service.md`: without a terminal the option made no difference.
#[test]
fn whoever_asks_for_no_check_gets_none_whatever_the_configuration_says() {
    let scratch = Scratch::new();
    let receiver = ReceiverProcess::start_with(&scratch, "receiver", &["--fault", "key"]);
    let config = write_config(&scratch, &receiver.url(), json!([]), json!({ "check_remote_if_no_tty": true }));
    let agent = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_agent"));
        command.env_clear().args(arguments).arg("-c").arg(&config);
        command
    };
    let mut started = Process::start(&scratch, "agent", agent(&["--no-check-remote-server", "--no-fork", "start"]));
    let runs = || agent(&["status"]).output().is_ok_and(|output| output.status.success());
    wait_until("the agent runs", PATIENCE, runs);
    assert_eq!(started.stop(PATIENCE), Some(0));
    assert!(!started.stderr().contains("refuses the api key"), "{}", started.stderr());
}
