//! "The disk was full. Did the agent go on, did it say so, and did it recover?"

mod story;

use std::fs;
use std::time::Duration;

use serde_json::json;
use story::{
    AgentProcess, Lines, ReceiverProcess, Scratch, SmallDisk, assert_each_once, end_well, wait_for_lines, wait_until,
    write_config,
};

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_full_disk_of_the_positions_stops_no_line_and_is_told_and_they_are_written_once_there_is_room() {
    let scratch = Scratch::new();
    let Some(disk) = SmallDisk::mount(&scratch.path("data")) else { return };
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let log = scratch.path("app.log");
    let config = write_config(&scratch, &receiver.url(), json!([{ "path": log }]), json!({}));
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("the agent runs", PATIENCE, || agent.status().is_some());
    let mut lines = Lines::new(&log, 60);
    lines.append(500);
    wait_for_lines(&mut receiver, lines.written(), PATIENCE);

    disk.fill();
    let agent_log = || fs::read_to_string(scratch.path("log/agent.log")).unwrap();
    // Positions that still find room on a disk that is full are none of our business; go on until there is none.
    wait_until("the agent says that its positions cannot be written", PATIENCE, || {
        lines.append(50);
        let status = agent.status();
        let failures = status.as_ref().and_then(|status| status["checkpoint"]["failures"].as_u64());
        failures > Some(0) && agent_log().lines().any(|line| line.contains("positions") && line.contains("space"))
    });
    lines.append(500);
    wait_for_lines(&mut receiver, lines.written(), PATIENCE);

    disk.free();
    lines.append(500);
    wait_for_lines(&mut receiver, lines.written(), PATIENCE);
    wait_until("positions are written again", PATIENCE, || {
        agent.status().is_some_and(|status| status["checkpoint"]["last_error"].is_null())
    });
    end_well(&mut agent, PATIENCE);
    lines.append(500);
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_for_lines(&mut receiver, lines.written(), PATIENCE);
    assert_each_once(receiver.events(), lines.written());
    end_well(&mut agent, PATIENCE);
}

#[test]
fn a_full_disk_of_the_agents_own_log_stops_no_line() {
    let scratch = Scratch::new();
    let Some(disk) = SmallDisk::mount(&scratch.path("log")) else { return };
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let log = scratch.path("app.log");
    let config = write_config(&scratch, &receiver.url(), json!([{ "path": log }]), json!({}));
    // Already at the start there is no room for a line.
    disk.fill();
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("the agent runs", PATIENCE, || agent.status().is_some());
    let mut lines = Lines::new(&log, 60);
    for _ in 0..5 {
        lines.append(500);
        wait_for_lines(&mut receiver, lines.written(), PATIENCE);
        lines.rotate();
    }
    disk.free();
    let named = || fs::read_to_string(scratch.path("log/agent.pid")).is_ok_and(|pid| pid.ends_with('\n'));
    wait_until("the pid file has room", PATIENCE, named);
    lines.append(500);
    wait_for_lines(&mut receiver, lines.written(), PATIENCE);
    assert_each_once(receiver.events(), lines.written());
    end_well(&mut agent, PATIENCE);
    let agent_log = fs::read_to_string(scratch.path("log/agent.log")).unwrap();
    assert!(!agent_log.is_empty(), "the agent writes its log again once there is room");
}
