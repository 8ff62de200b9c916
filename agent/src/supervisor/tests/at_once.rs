//! "I asked for the status and the agent stood still": whoever asks meets the agent at its own work.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use scalyr_monitor::registry::Environment;
use scalyr_monitor::{Clock, Timestamp};
use serde_json::json;

use super::super::{Edge, Supervisor};
use crate::cli::configuration::Source;
use crate::threads::Threads;

#[test]
fn a_status_that_is_asked_for_while_the_statistics_are_told_keeps_nobody_waiting_for_ever() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("agent.json");
    let keys = json!({
        "api_key": "key",
        "scalyr_server": "http://127.0.0.1:9",
        "allow_http": true,
        "agent_log_path": directory.path().join("log"),
        "agent_data_path": directory.path().join("data"),
        "implicit_metric_monitor": false,
        "implicit_agent_process_metrics_monitor": false,
    });
    fs::write(&file, keys.to_string()).unwrap();
    let source = Source::new(&file, None, &Arc::new(Environment::default())).unwrap();
    let (plan, report) = source.draft(&source.load()).runnable().unwrap();
    let clock = Clock::manual(Timestamp::from_millis(i64::from(u32::MAX) * 1000));
    let edge = Edge { config_file: file, report, options: Vec::new(), clock: clock.clone(), stdout: None };
    let supervisor = Arc::new(Supervisor::start(plan, edge).unwrap());
    let (threads, is_over) = (Threads::new(), Arc::new(AtomicBool::new(false)));
    for _ in 0..2 {
        let (supervisor, is_over) = (Arc::clone(&supervisor), Arc::clone(&is_over));
        let ask = move || {
            while !is_over.load(Ordering::SeqCst) {
                supervisor.snapshot();
            }
        };
        threads.spawn("asks", ask).unwrap();
    }
    // A deadlock shows as a test that does not end.
    for _ in 0..300 {
        clock.advance(Duration::from_secs(60));
        supervisor.tick().unwrap();
    }
    is_over.store(true, Ordering::SeqCst);
    while threads.running() > 0 {
        std::thread::yield_now();
    }
    Arc::into_inner(supervisor).unwrap().stop();
}
