//! A snapshot for tests: an agent that has done a little of everything.

pub(super) mod hostile;

use std::collections::BTreeMap;

use super::{
    AgentLogSnapshot, ConfigurationSnapshot, ConfigurationState, EnvironmentVariable, FileSnapshot, Health,
    LagSnapshot, LogSnapshot, Snapshot,
};
use crate::checkpoint::CheckpointSnapshot;
use crate::config::plan::SessionId;
use crate::lag::BehindSnapshot;
use crate::ledger::{Count, DropReason, FileId, Identity, Offset, SkipReason, Totals, WorkerId};
use crate::logs::TailSnapshot;
use crate::monitors::last_values::MetricValue;
use crate::monitors::state::{MonitorSnapshot, Phase};
use crate::statistics::{Figures, ProcessUsage};
use crate::upload::{MemoryBound, SessionSnapshot};

/// Sun Nov 22 13:17:31 2026 UTC.
pub(super) const NOW: f64 = 1_795_353_451.0;

/// All is well.
pub(super) fn good() -> Snapshot {
    let files = vec![file("/var/log/app.log", "logs[0]"), file("/var/log/web/a.log", "logs[1]")];
    let mut totals = Totals::default();
    files.iter().for_each(|file| totals.merge(&file.totals));
    Snapshot {
        version: "1.2.3".into(),
        pid: 4711,
        started: NOW - 3600.0,
        now: NOW,
        config_file: "/etc/agent.json".into(),
        user: "root".into(),
        healthy_within: 60.0,
        healthy: true,
        health: Health::Good,
        failures: Vec::new(),
        troubles: Vec::new(),
        environment: vec![
            EnvironmentVariable { name: "SCALYR_API_KEY".into(), value: "<Redacted>".into() },
            EnvironmentVariable { name: "SCALYR_SERVER".into(), value: "<Missing>".into() },
        ],
        server: "https://agent.scalyr.com".into(),
        compression: "deflate".into(),
        compression_level: 6,
        average_seconds: Some(0.0012),
        usage: ProcessUsage { user_seconds: 1.5, system_seconds: 0.5, resident_bytes: 9_216_000 },
        uploads: Figures { requests_sent: 7, bytes_sent: 900, ..Figures::default() },
        logs: [("logs[0]", "/var/log/app.log", false), ("logs[1]", "/var/log/web/*.log", true)]
            .map(|(entry, path, is_glob)| LogSnapshot {
                entry: entry.into(),
                path: path.into(),
                is_glob,
                worker: WorkerId("default".into()),
            })
            .into(),
        config_problems: Vec::new(),
        refused_values: 0,
        configuration: ConfigurationSnapshot {
            file: "/etc/agent.json".into(),
            fragments: Vec::new(),
            loaded: NOW - 3600.0,
            last_checked: NOW - 11.0,
            state: ConfigurationState::Good,
            found: None,
            problems: Vec::new(),
        },
        log_path: "/var/log/agent".into(),
        data_path: "/var/lib/agent".into(),
        server_host: "web 1".into(),
        sessions: vec![session("default", 0)],
        leaving_sessions: Vec::new(),
        monitors: vec![monitor("coin(a)", "a"), monitor("shell(b)", "b")],
        running_monitors: 2,
        dead_monitors: 0,
        refused: Vec::new(),
        refused_entries: Vec::new(),
        files,
        closed_files: Totals::default(),
        totals,
        memory_bound: MemoryBound::default(),
        lag: LagSnapshot::default(),
        behind: BehindSnapshot::default(),
        tail: TailSnapshot { last_round: Some(NOW - 2.0), watched_paths: 3, looks: 12, ..TailSnapshot::default() },
        checkpoint: CheckpointSnapshot::default(),
        agent_log: AgentLogSnapshot {
            skipped_lines: 0,
            skipped_by_component: BTreeMap::new(),
            lost_lines: 0,
            removed_unsettled_bytes: 0,
        },
        status_listen: None,
    }
}

/// Something of each kind is wrong.
pub(super) fn bad() -> Snapshot {
    let mut snapshot = good();
    snapshot.configuration.fragments = vec!["/etc/agent.d/a.json".into()];
    snapshot.configuration.state = ConfigurationState::NewerAndInvalid;
    snapshot.configuration.found = Some(NOW - 40.0);
    snapshot.configuration.problems = vec!["error: /etc/agent.json:3:7: expected a comma".into()];
    let lagging = &mut snapshot.files[1];
    (lagging.read_to, lagging.settled_to) = (Offset(300), Offset(200));
    (lagging.lag_bytes, lagging.unread_bytes, lagging.lag_seconds) = (400, 300, 75.0);
    lagging.totals.skipped.insert(SkipReason::TooFarBehind, Count { bytes: 7, lines: 0 });
    lagging.totals.dropped.insert(DropReason::TooLarge, Count { bytes: 9, lines: 1 });
    lagging.totals.sampled_out = Count { bytes: 5, lines: 2 };
    lagging.totals.redacted_lines = 3;
    lagging.last_error = Some("Permission denied (os error 13)".into());
    lagging.last_error_at = Some(NOW - 500.0);
    snapshot.tail.unmatched.insert("/var/log/none.log".into(), "logs[2]".into());
    snapshot.tail.troubles.insert("/root/secret.log".into(), "Permission denied (os error 13)".into());
    let dead = &mut snapshot.monitors[1];
    (dead.state, dead.errors, dead.restarts) = (Phase::BackingOff, 1, 2);
    (dead.restart_in_secs, dead.last_failure) = (Some(4.0), Some("The monitor failed: no\nluck".into()));
    (snapshot.running_monitors, snapshot.dead_monitors) = (1, 1);
    let mut refused = session("team", 0);
    refused.state = crate::upload::SessionState::KeyRefused;
    refused.state_since_ms = Some(1_795_353_441_000);
    refused.failing_since_ms = refused.state_since_ms;
    refused.requests_failed = 3;
    refused.last_status = Some("401".into());
    refused.last_answer = Some("Invalid\nkey".into());
    refused.blocked = Some(crate::upload::Blocked { by: "key refused", seconds: 10.0 });
    snapshot.sessions.push(refused);
    snapshot.judged()
}

pub(super) fn session(worker: &str, number: u32) -> SessionSnapshot {
    let id = SessionId { worker: WorkerId(worker.into()), number };
    SessionSnapshot {
        bytes_dealt_with: 800,
        requests_succeeded: 7,
        last_success_ms: Some(1_795_353_451_000 - 5000),
        last_attempt_ms: Some(1_795_353_451_000 - 5000),
        last_request_bytes: 120,
        last_response_bytes: Some(21),
        last_status: Some("success".into()),
        bytes_per_second: 12.5,
        ..SessionSnapshot::new(id, "abc".into(), "https://agent.scalyr.com".into())
    }
}

pub(super) fn file(path: &str, entry: &str) -> FileSnapshot {
    FileSnapshot {
        id: FileId(1),
        path: path.into(),
        worker: WorkerId("default".into()),
        session_number: 0,
        entry: Some(entry.into()),
        identity: Identity { device: 1, inode: 1, born: None, head_length: 0, head_hash: String::new() },
        read_to: Offset(100),
        settled_to: Offset(100),
        totals: Totals { read: 100, accepted: Count { bytes: 100, lines: 4 }, ..Totals::default() },
        lag_bytes: 0,
        unread_bytes: 0,
        lag_seconds: 0.0,
        last_checked: Some(NOW - 9.0),
        last_error: None,
        last_error_at: None,
    }
}

pub(super) fn monitor(name: &str, id: &str) -> MonitorSnapshot {
    MonitorSnapshot {
        name: name.into(),
        id: id.into(),
        module: "coin".into(),
        short_hash: "0123456789".into(),
        state: Phase::Running,
        added_by: None,
        stop_agent_on_failure: false,
        sample_interval_secs: 30.0,
        samples: 4,
        failed_samples: 0,
        slow_samples: 0,
        missed_samples: 0,
        last_sample_secs: Some(0.25),
        last_sample_at: Some(NOW - 8.0),
        values: (1..=4)
            .map(|at| MetricValue { metric: format!("m{at}"), value: at.to_string(), fields: String::new() })
            .collect(),
        more_values: 0,
        errors: 0,
        panics: 0,
        restarts: 0,
        lines_emitted: 8,
        lines_dropped: 0,
        sample_running_secs: None,
        held_secs: None,
        restart_in_secs: None,
        last_failure: None,
        trouble: None,
    }
}
