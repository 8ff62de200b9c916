//! "What has it done?" The agent log says so now and then, and yet falls silent when there is nothing to say.

mod story;

use std::fs;
use std::time::Duration;

use serde_json::json;
use story::{AgentProcess, Lines, ReceiverProcess, Scratch, end_well, now, say, wait_until, write_config};

const PATIENCE: Duration = Duration::from_secs(120);

/// The agent looks every five seconds whether a line is due; each is due at each look.
const SILENCE: Duration = Duration::from_secs(16);

const NAMES: [&str; 4] = ["agent_requests", "agent_status", "copy_manager_status", "worker_session_requests"];

#[test]
fn an_agent_with_traffic_writes_its_statistics_and_an_idle_one_falls_silent() {
    let scratch = Scratch::new();
    let receiver = ReceiverProcess::start(&scratch, "receiver");
    let log = scratch.path("app.log");
    let extra = json!({
        "implicit_agent_log_collection": true,
        "bandwidth_stats_log_interval": 1,
        "overall_stats_log_interval": 1,
        "copying_manager_stats_log_interval": 1,
        "default_worker_session_status_message_interval": 1,
    });
    let config = write_config(&scratch, &receiver.url(), json!([{ "path": log }]), extra);
    let mut agent = AgentProcess::start(&scratch, &config);
    let agent_log = scratch.path("log/agent.log");
    let read = || fs::read_to_string(&agent_log).unwrap_or_default();
    wait_until("the agent runs", PATIENCE, || agent.status().is_some());
    let mut lines = Lines::new(&log, 40);
    wait_until("each line was written twice", PATIENCE, || {
        lines.append(1);
        let text = read();
        NAMES.iter().all(|name| text.matches(&format!(" {name} ")).count() >= 2)
    });
    assert!(read().contains(" bytes_sent="), "{}", read());

    // Its own log is shipped: what the last lines cause must not cause the next ones.
    let requests = || receiver.summary()["requests"].as_u64().unwrap();
    let (mut seen, mut since) = ((read().len(), requests()), now());
    wait_until("it is silent", PATIENCE, || {
        let look = (read().len(), requests());
        if look != seen {
            (seen, since) = (look, now());
        }
        since.elapsed() >= SILENCE
    });
    let (written, made) = seen;
    say(&format!("silent after {written} bytes of agent log and {made} requests"));

    // A single line elsewhere, and they are back; once.
    lines.append(1);
    wait_until("it says so", PATIENCE, || read().len() > written);
    end_well(&mut agent, PATIENCE);
    let text = read();
    let last: Vec<&str> = text.lines().rev().take(3).collect();
    assert!(last.iter().any(|line| line.contains(" agent_status launch_time=\"")), "at the end: {last:?}");
}

#[test]
fn an_interval_of_nothing_means_never() {
    let scratch = Scratch::new();
    let receiver = ReceiverProcess::start(&scratch, "receiver");
    let log = scratch.path("app.log");
    let extra = json!({
        "bandwidth_stats_log_interval": 1,
        "overall_stats_log_interval": 0,
        "copying_manager_stats_log_interval": 0,
        "default_worker_session_status_message_interval": 0,
    });
    let config = write_config(&scratch, &receiver.url(), json!([{ "path": log }]), extra);
    let mut agent = AgentProcess::start(&scratch, &config);
    let read = || fs::read_to_string(scratch.path("log/agent.log")).unwrap_or_default();
    let mut lines = Lines::new(&log, 40);
    wait_until("the wanted line was written three times", PATIENCE, || {
        lines.append(1);
        read().matches(" agent_requests ").count() >= 3
    });
    end_well(&mut agent, PATIENCE);
    for name in ["agent_status", "copy_manager_status", "worker_session_requests"] {
        assert!(!read().contains(&format!(" {name} ")), "{name}");
    }
}
