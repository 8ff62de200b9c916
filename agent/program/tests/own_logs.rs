//! The files that the agent writes itself must not outrun it: a server that stalls, and metric logs that are full.

mod story;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use story::{AgentProcess, ReceiverProcess, Scratch, assert_reconciles, wait_until, write_config};

const PATIENCE: Duration = Duration::from_secs(90);

/// The metric log holds nine samples or so in its two files.
#[test]
fn a_monitor_waits_for_a_stalled_server_and_no_sample_that_it_took_is_rotated_away() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let monitor = json!({ "module": "coin", "sample_interval": 0.1,
        "log_rotation_max_bytes": 1000, "log_rotation_backup_count": 1 });
    let extra = json!({ "monitors": [monitor], "request_deadline": 5 });
    let config = write_config(&scratch, &receiver.url(), json!([]), extra);
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("the first samples have arrived", PATIENCE, || !receiver.events().is_empty());

    receiver.freeze();
    let held = |agent: &AgentProcess| agent.status().is_some_and(|status| status["monitors"][0]["held_secs"].is_f64());
    wait_until("the monitor waits", PATIENCE, || held(&agent));
    let status = agent.status().unwrap();
    assert!(status["troubles"].to_string().contains("wait until their metric logs are uploaded"), "{status}");
    receiver.thaw();
    wait_until("it goes on", PATIENCE, || !held(&agent));
    let reached = receiver.events().len();
    wait_until("more samples have arrived", PATIENCE, || receiver.events().len() > reached + 20);
    assert_eq!(agent.stop(PATIENCE), Some(0));

    let of_uniform = |text: &str| {
        let (_, count) = text.contains(" uniform ").then(|| text.split_once("count=")).flatten()?;
        count.trim().parse::<u64>().ok()
    };
    let counts: BTreeSet<u64> = receiver.events().iter().filter_map(|event| of_uniform(&event.text())).collect();
    let last = counts.last().copied().unwrap();
    let missing: Vec<u64> = (1..=last).filter(|count| !counts.contains(count)).collect();
    assert_eq!(missing, Vec::<u64>::new(), "of {last} samples");
    assert_reconciles(&status);
    let log = std::fs::read_to_string(scratch.path("log/agent.log")).unwrap();
    assert_eq!(log.matches("coin() waits: its log").count(), log.matches("coin() goes on after").count(), "{log}");
}
