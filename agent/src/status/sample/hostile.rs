//! A snapshot for the tests of its renderings: everything in it that others wrote would like to be markup.

use super::{NOW, good};
use crate::checkpoint::CheckpointSnapshot;
use crate::config::plan::SessionId;
use crate::ledger::{Count, DropReason, Offset, SkipReason, Totals, WorkerId};
use crate::logs::TailSnapshot;
use crate::monitors::last_values::MetricValue;
use crate::monitors::state::{MonitorSnapshot, Phase};
use crate::status::{ConfigurationSnapshot, ConfigurationState, FileSnapshot, RefusedMonitor, Snapshot};
use crate::upload::{SessionSnapshot, SessionState};

/// Breaks out of tags, attributes and labels that are not escaped.
pub(in crate::status) const HOSTILE: &str =
    "</title><script>alert(1)</script>\"'&\\\n\u{1b}[2J\u{202e}<img src=x onerror=alert(1)>";

/// A file that is so far behind.
pub(in crate::status) fn file(path: &str, lag_bytes: u64) -> FileSnapshot {
    let count = |bytes| Count { bytes, lines: 1 };
    let totals = Totals {
        read: 1000,
        accepted: count(500),
        dropped: [(DropReason::TooLarge, count(7))].into(),
        skipped: [(SkipReason::TooFarBehind, count(9))].into(),
        ..Totals::default()
    };
    FileSnapshot {
        read_to: Offset(1000),
        settled_to: Offset(600),
        totals,
        lag_bytes,
        unread_bytes: lag_bytes,
        lag_seconds: 75.0,
        last_error: Some(HOSTILE.to_owned()),
        last_error_at: Some(NOW - 10.0),
        ..super::file(path, HOSTILE)
    }
}

/// A monitor that does this.
pub(in crate::status) fn monitor(name: &str, state: Phase) -> MonitorSnapshot {
    let value = MetricValue { metric: HOSTILE.to_owned(), value: HOSTILE.to_owned(), fields: HOSTILE.to_owned() };
    MonitorSnapshot {
        state,
        added_by: Some(HOSTILE.to_owned()),
        slow_samples: 1,
        missed_samples: 1,
        values: vec![value; 5],
        more_values: 2,
        lines_dropped: 1,
        restart_in_secs: Some(4.0),
        last_failure: Some(HOSTILE.to_owned()),
        trouble: Some(HOSTILE.to_owned()),
        ..super::monitor(name, "")
    }
}

/// An agent with so many files and monitors, all with hostile names, and one session that fails.
pub(in crate::status) fn snapshot(files: usize, monitors: usize) -> Snapshot {
    let id = SessionId { worker: WorkerId(HOSTILE.into()), number: 0 };
    let session = SessionSnapshot {
        state: SessionState::Failing,
        requests_failed: 3,
        last_answer: Some(HOSTILE.to_owned()),
        last_success_ms: Some(1_795_353_000_000),
        back_off_seconds: Some(4.0),
        ..SessionSnapshot::new(id, "abc".to_owned(), HOSTILE.to_owned())
    };
    let good = good();
    Snapshot {
        started: NOW - 3_700.0,
        config_file: HOSTILE.into(),
        user: HOSTILE.into(),
        config_problems: vec![HOSTILE.to_owned()],
        refused_values: 1,
        configuration: ConfigurationSnapshot {
            file: HOSTILE.into(),
            state: ConfigurationState::NewerAndInvalid,
            found: Some(NOW - 5.0),
            problems: vec![HOSTILE.to_owned()],
            ..good.configuration
        },
        server_host: HOSTILE.into(),
        sessions: vec![session],
        running_monitors: monitors,
        monitors: (0..monitors).map(|number| monitor(&format!("{HOSTILE}({number})"), Phase::Running)).collect(),
        refused: vec![RefusedMonitor { name: HOSTILE.to_owned(), why: HOSTILE.to_owned() }],
        files: (0..files).map(|number| file(&format!("/{HOSTILE}-{number}.log"), number as u64)).collect(),
        totals: Totals::default(),
        tail: TailSnapshot { troubles: [(HOSTILE.into(), HOSTILE.to_owned())].into(), ..TailSnapshot::default() },
        checkpoint: CheckpointSnapshot { last_error: Some(HOSTILE.to_owned()), ..CheckpointSnapshot::default() },
        ..good
    }
    .judged()
}
