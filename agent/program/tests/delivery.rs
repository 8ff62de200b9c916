//! "Does every line arrive, once? And is it quiet when there is nothing to say?"

mod story;

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use story::{
    API_KEY, AgentProcess, Lines, ReceiverProcess, Scratch, assert_each_once, assert_reconciles, wait_until,
    write_config,
};

const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn each_line_of_a_log_that_grows_while_it_is_read_arrives_exactly_once() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let log = scratch.path("app.log");
    let mut lines = Lines::new(&log, 125);
    lines.append(50_000);
    let logs = json!([{ "path": log, "copy_from_start": true, "attributes": { "parser": "app" } }]);
    let config = write_config(&scratch, &receiver.url(), logs, json!({}));
    let mut agent = AgentProcess::start(&scratch, &config);
    for _ in 0..30 {
        lines.append(5_000);
        thread::sleep(Duration::from_millis(20));
    }
    let total = lines.written();
    wait_until("all lines have arrived", PATIENCE, || receiver.events().len() as u64 >= total);
    assert_each_once(receiver.events(), total);
    wait_until("everything is acknowledged", PATIENCE, || {
        agent.status().is_some_and(|status| status["totals"]["pending"] == 0)
    });
    let status = agent.status().unwrap();
    let size = fs::metadata(&log).unwrap().len();
    assert_eq!(status["totals"]["accepted"], json!({ "bytes": size, "lines": total }));
    assert_eq!(status["totals"]["read"], size);
    assert_reconciles(&status);
    assert_eq!(agent.stop(PATIENCE), Some(0));
    assert_eq!(agent.process().stderr(), "");
    assert!(!scratch.path("data/status.sock").exists(), "a stopped agent leaves no socket behind");
}

#[test]
fn a_clean_stop_and_start_repeats_nothing() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let log = scratch.path("app.log");
    let mut lines = Lines::new(&log, 60);
    let logs = json!([{ "path": log, "copy_from_start": true }]);
    let config = write_config(&scratch, &receiver.url(), logs, json!({}));
    for _ in 0..3 {
        let mut agent = AgentProcess::start(&scratch, &config);
        lines.append(1_000);
        wait_until("the agent runs", PATIENCE, || agent.status().is_some());
        lines.append(1_000);
        assert_eq!(agent.stop(PATIENCE), Some(0));
        lines.append(1_000);
    }
    let mut agent = AgentProcess::start(&scratch, &config);
    let total = lines.written();
    wait_until("all lines have arrived", PATIENCE, || receiver.events().len() as u64 >= total);
    assert_each_once(receiver.events(), total);
    assert_eq!(agent.stop(PATIENCE), Some(0));
}

#[test]
fn an_idle_agent_falls_silent_and_never_shows_the_key() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let log = scratch.path("app.log");
    let logs = json!([{ "path": log }]);
    // Its own log is shipped too: a line about an upload would cause an upload.
    let extra = json!({ "implicit_agent_log_collection": true });
    let config = write_config(&scratch, &receiver.url(), logs, extra);
    let mut agent = AgentProcess::start(&scratch, &config);
    let mut lines = Lines::new(&log, 20);
    wait_until("the agent runs", PATIENCE, || agent.status().is_some());
    lines.append(10);
    wait_until("the lines and the agent's own log have arrived", PATIENCE, || {
        let own = receiver.events().iter().filter(|event| event.logfile.ends_with("agent.log")).count();
        own > 0 && receiver.events().len() - own == 10
    });
    // What the start had to say has arrived after a moment; from then on not a request and not a line of its own.
    thread::sleep(Duration::from_secs(3));
    let agent_log_size = || fs::metadata(scratch.path("log/agent.log")).unwrap().len();
    let requests = |status: &Value| status["sessions"][0]["requests_sent"].as_u64();
    let before = (requests(&agent.status().unwrap()), agent_log_size());
    thread::sleep(Duration::from_secs(20));
    let shown = agent.status().unwrap();
    assert_eq!((requests(&shown), agent_log_size()), before, "an idle agent talks");

    // The server shouts the key back, and then is gone.
    receiver.restart(&scratch, &["--fault", &format!("status:error/{API_KEY}")]);
    lines.append(10);
    wait_until("the refusal is told", PATIENCE, || {
        agent.status().is_some_and(|status| status["sessions"][0]["requests_failed"].as_u64() > Some(0))
    });
    let text = agent.status().unwrap().to_string();
    assert!(text.contains("MASKED") && !text.contains(API_KEY), "{text}");
    receiver.restart(&scratch, &[]);
    wait_until("the lines have arrived", PATIENCE, || {
        receiver.events().iter().filter(|event| event.logfile.ends_with("app.log")).count() == 20
    });
    assert_eq!(agent.stop(PATIENCE), Some(0));

    let agent_log = fs::read_to_string(scratch.path("log/agent.log")).unwrap();
    assert!(agent_log.contains("Starting scalyr agent"), "{agent_log}");
    for output in [agent_log, agent.process().stdout(), agent.process().stderr()] {
        assert!(!output.contains(API_KEY), "{output}");
    }
    let is_positions = |path: &PathBuf| path.to_string_lossy().contains("positions.");
    let data = fs::read_dir(scratch.path("data")).unwrap().map(|entry| entry.unwrap().path());
    let positions: String = data.filter(is_positions).map(|path| fs::read_to_string(path).unwrap()).collect();
    assert!(positions.contains("app.log"), "{positions}");
    assert!(!positions.contains(API_KEY) && !shown.to_string().contains(API_KEY));
}

#[test]
fn a_second_agent_on_the_same_data_is_refused() {
    let scratch = Scratch::new();
    let receiver = ReceiverProcess::start(&scratch, "receiver");
    let config = write_config(&scratch, &receiver.url(), json!([]), json!({}));
    let mut first = AgentProcess::start(&scratch, &config);
    wait_until("the first agent runs", PATIENCE, || first.status().is_some());
    // Its pid file tells nothing in a folder of its own.
    let text = fs::read_to_string(&config).unwrap();
    let elsewhere = scratch.path("another-log");
    fs::write(&config, text.replace(scratch.path("log").to_str().unwrap(), elsewhere.to_str().unwrap())).unwrap();
    let mut second = AgentProcess::start(&scratch, &config);
    assert_eq!(second.process().wait(PATIENCE), Some(1));
    let told = second.process().stderr();
    assert!(told.contains("another agent") && !told.contains(API_KEY), "{told}");
    assert_eq!(first.stop(PATIENCE), Some(0));
}
