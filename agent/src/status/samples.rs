//! A snapshot for the tests of its renderings: everything in it that others wrote would like to be markup.

use std::collections::BTreeMap;

use super::*;
use crate::ledger::{Count, DropReason, SkipReason};
use crate::monitors::last_values::MetricValue;
use crate::monitors::state::Phase;
use crate::upload::SessionState;

/// Breaks out of tags, attributes and labels that are not escaped.
pub(super) const HOSTILE: &str =
    "</title><script>alert(1)</script>\"'&\\\n\u{1b}[2J\u{202e}<img src=x onerror=alert(1)>";

/// When everything was looked at, seconds since the epoch.
pub(super) const NOW: f64 = 1_795_353_451.0;

/// A file that is so far behind.
pub(super) fn file(path: &str, lag_bytes: u64) -> FileSnapshot {
    let count = |bytes| Count { bytes, lines: 1 };
    let totals = Totals {
        read: 1000,
        accepted: count(500),
        dropped: [(DropReason::TooLarge, count(7))].into(),
        skipped: [(SkipReason::TooFarBehind, count(9))].into(),
        ..Totals::default()
    };
    FileSnapshot {
        id: FileId(1),
        path: path.into(),
        worker: WorkerId("default".into()),
        session_number: 0,
        identity: Identity { device: 1, inode: 2, born: None, head_length: 0, head_hash: String::new() },
        read_to: Offset(1000),
        settled_to: Offset(600),
        totals,
        lag_bytes,
        unread_bytes: lag_bytes,
        lag_seconds: 75.0,
        last_checked: Some(NOW),
        last_error: Some(HOSTILE.to_owned()),
        last_error_at: Some(NOW - 10.0),
    }
}

/// A monitor that does this.
pub(super) fn monitor(name: &str, state: Phase) -> MonitorSnapshot {
    let value = MetricValue { metric: HOSTILE.to_owned(), value: HOSTILE.to_owned(), fields: HOSTILE.to_owned() };
    MonitorSnapshot {
        name: name.to_owned(),
        id: String::new(),
        module: "coin".to_owned(),
        short_hash: "0123456789".to_owned(),
        state,
        added_by: Some(HOSTILE.to_owned()),
        stop_agent_on_failure: false,
        sample_interval_secs: 30.0,
        samples: 4,
        failed_samples: 0,
        slow_samples: 1,
        missed_samples: 1,
        last_sample_secs: Some(0.25),
        last_sample_at: Some(NOW - 3.0),
        values: vec![value; 5],
        more_values: 2,
        errors: 0,
        panics: 0,
        restarts: 0,
        lines_emitted: 8,
        lines_dropped: 1,
        sample_running_secs: None,
        held_secs: None,
        restart_in_secs: Some(4.0),
        last_failure: Some(HOSTILE.to_owned()),
    }
}

/// An agent with so many files and monitors, all with hostile names, and one session that fails.
pub(super) fn snapshot(files: usize, monitors: usize) -> Snapshot {
    let id = crate::config::plan::SessionId { worker: WorkerId(HOSTILE.into()), number: 0 };
    let session = SessionSnapshot {
        state: SessionState::Failing,
        requests_failed: 3,
        last_answer: Some(HOSTILE.to_owned()),
        last_success_ms: Some(1_795_353_000_000),
        back_off_seconds: Some(4.0),
        ..SessionSnapshot::new(id, "abc".to_owned(), HOSTILE.to_owned())
    };
    let files: Vec<_> = (0..files).map(|number| file(&format!("/{HOSTILE}-{number}.log"), number as u64)).collect();
    let monitors: Vec<_> =
        (0..monitors).map(|number| monitor(&format!("{HOSTILE}({number})"), Phase::Running)).collect();
    Snapshot {
        version: "1.2.3".into(),
        pid: 1,
        started: NOW - 3_700.0,
        now: NOW,
        config_file: HOSTILE.into(),
        user: HOSTILE.into(),
        healthy_within: 60.0,
        healthy: true,
        health: Health::Good,
        failures: Vec::new(),
        troubles: Vec::new(),
        config_problems: vec![HOSTILE.to_owned()],
        refused_values: 1,
        configuration: ConfigurationSnapshot {
            file: HOSTILE.into(),
            loaded: NOW - 100.0,
            last_checked: NOW - 5.0,
            state: ConfigurationState::NewerAndInvalid,
            found: Some(NOW - 5.0),
            problems: vec![HOSTILE.to_owned()],
        },
        log_path: "/log".into(),
        data_path: "/data".into(),
        server_host: HOSTILE.into(),
        memory_bound: MemoryBound::default(),
        sessions: vec![session],
        leaving_sessions: Vec::new(),
        running_monitors: monitors.len(),
        monitors,
        dead_monitors: 0,
        refused: vec![RefusedMonitor { name: HOSTILE.to_owned(), why: HOSTILE.to_owned() }],
        files,
        closed_files: Totals::default(),
        totals: Totals::default(),
        lag: LagSnapshot::default(),
        behind: BehindSnapshot::default(),
        tail: TailSnapshot { troubles: [(HOSTILE.into(), HOSTILE.to_owned())].into(), ..TailSnapshot::default() },
        checkpoint: CheckpointSnapshot { last_error: Some(HOSTILE.to_owned()), ..CheckpointSnapshot::default() },
        agent_log: AgentLogSnapshot {
            skipped_lines: 0,
            skipped_by_component: BTreeMap::new(),
            lost_lines: 0,
            removed_unsettled_bytes: 0,
        },
        status_listen: None,
    }
    .judged()
}
