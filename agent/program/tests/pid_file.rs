//! "Something was left behind. Does the agent start?" And the Python agent, which looks at the same file.

mod story;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;
use story::{AgentProcess, Background, Process, ReceiverProcess, Scratch, agent, run, wait_until, write_config};

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn after_a_kill_the_next_start_works() {
    let scratch = Scratch::new();
    let config = write_config(&scratch, "http://127.0.0.1:9", json!([]), json!({}));
    let mut killed = AgentProcess::start(&scratch, &config);
    wait_until("the agent runs", PATIENCE, || killed.status().is_some());
    let before = killed.process().id();
    killed.kill();
    let pid_file = scratch.path("log/agent.pid");
    assert_eq!(fs::read_to_string(&pid_file).unwrap(), format!("{before}\n"), "it is left");
    let background = Background::of(&scratch);
    let started = run(agent(&["start"], &config));
    assert_eq!((started.code, started.err.as_str()), (Some(0), ""), "{started:?}");
    assert_ne!(background.pid().unwrap(), before);
}

#[test]
fn a_pid_file_that_names_a_process_of_somebody_else_stops_no_start_and_no_such_process() {
    let scratch = Scratch::new();
    let config = write_config(&scratch, "http://127.0.0.1:9", json!([]), json!({}));
    let mut sleep = Command::new("sleep");
    sleep.arg("1000");
    let mut somebody = Process::start(&scratch, "sleep", sleep);
    let background = Background::of(&scratch);
    for left in [format!("{}\n", somebody.id()), format!("{} locked\n", somebody.id()), somebody.id().to_string()] {
        fs::write(scratch.path("log/agent.pid"), &left).unwrap();
        let stopped = run(agent(&["stop"], &config));
        assert_eq!((stopped.code, stopped.out.as_str()), (Some(0), ""), "{left:?}: {stopped:?}");
        let started = run(agent(&["start"], &config));
        assert_eq!((started.code, started.err.as_str()), (Some(0), ""), "{left:?}: {started:?}");
        assert_ne!(background.pid().unwrap(), somebody.id());
        assert_eq!(run(agent(&["stop", "-q"], &config)).words(), (Some(0), "", ""));
        assert!(somebody.ended().is_none());
    }
}

/// `scalyr-agent-2 COMMAND` of the Python agent.
fn python(command: &str, config: &Path) -> Command {
    #[expect(clippy::disallowed_methods, reason = "the edge of a test is where its environment is read")]
    let path = env::var_os("PYTHON_AGENT");
    let path = PathBuf::from(path.expect("PYTHON_AGENT: the python of a venv with scalyr-agent-2"));
    let mut python = Command::new(path);
    python.args(["-m", "scalyr_agent.agent_main", "--no-change-user", "-c"]).arg(config).arg(command);
    python.stdin(Stdio::null()).current_dir("/");
    python
}

#[test]
#[ignore = "not done without PYTHON_AGENT, the python of a venv with scalyr-agent-2"]
fn the_real_python_agent_and_this_one_see_and_stop_each_other() {
    let scratch = Scratch::new();
    let receiver = ReceiverProcess::start(&scratch, "receiver");
    let config = write_config(&scratch, &receiver.url(), json!([]), json!({}));
    let background = Background::of(&scratch);
    assert_eq!(run(agent(&["start", "-q"], &config)).words(), (Some(0), "", ""));
    let ours = background.pid().unwrap();
    let status = run(python("status", &config));
    assert!(status.code == Some(0) && status.out.contains("running"), "{status:?}");
    let started = run(python("start", &config));
    assert!(started.err.contains(&ours.to_string()), "{started:?}");
    assert_eq!(background.pid(), Some(ours));
    let stopped = run(python("stop", &config));
    assert!(stopped.code == Some(0) && stopped.out.contains("Agent has stopped."), "{stopped:?}");
    assert!(!background.all().contains(&ours));

    let mut command = python("start", &config);
    command.arg("--no-fork");
    let mut theirs = Process::start(&scratch, "python", command);
    wait_until("the Python agent runs", PATIENCE, || background.pid() == Some(theirs.id()));
    let started = run(agent(&["start"], &config));
    assert_eq!(started.words(), (Some(0), "", &*format!("The agent is already running (process {}).\n", theirs.id())));
    let stopped = run(agent(&["stop"], &config));
    assert_eq!((stopped.code, stopped.err.as_str()), (Some(0), ""), "{stopped:?}");
    assert_eq!(theirs.wait(PATIENCE), Some(0));
}
