//! The lines themselves.

use std::fmt::Write as _;
use std::time::Instant;

use scalyr_monitor::Timestamp;

use crate::ledger::SkipReason;
use crate::status::Snapshot;
use crate::upload::SessionSnapshot;

use super::figures::Figures;
use super::process::ProcessUsage;

/// `agent_status`. `dead_monitors` is the true number, and `ram_usage` the resident memory of now in bytes. Both limits of unread
/// bytes are one reason here: `skipped_preexisting_bytes` has what either of them skipped, `skipped_new_bytes` is 0.
pub(super) fn agent_status(snapshot: &Snapshot, figures: Figures, usage: &ProcessUsage) -> String {
    let totals = &snapshot.totals;
    let skipped: u64 = totals.skipped.values().map(|count| count.bytes).sum();
    let failed: u64 = totals.dropped.values().map(|count| count.bytes).sum();
    let too_far_behind = totals.skipped.get(&SkipReason::TooFarBehind).map_or(0, |count| count.bytes);
    let reported: u64 = snapshot.monitors.iter().map(|monitor| monitor.lines_emitted).sum();
    #[expect(clippy::cast_possible_truncation, reason = "a time within the centuries around now")]
    let launched = Timestamp::from_nanos((snapshot.started * 1e9) as i64);
    let mut line = format!("agent_status launch_time=\"{launched}\" version=\"{}\"", snapshot.version);
    let numbers: [(&str, u64); 11] = [
        ("watched_paths", snapshot.tail.watched_paths as u64),
        ("copying_paths", snapshot.files.len() as u64),
        ("total_bytes_copied", totals.accepted.bytes),
        ("total_bytes_skipped", skipped),
        ("total_bytes_subsampled", totals.sampled_out.bytes),
        ("total_redactions", totals.redacted_lines),
        ("total_bytes_failed", failed),
        ("total_copy_request_errors", figures.requests_failed),
        ("total_monitor_reported_lines", reported),
        ("running_monitors", snapshot.running_monitors as u64),
        ("dead_monitors", snapshot.dead_monitors as u64),
    ];
    for (name, number) in numbers {
        let _ = write!(line, " {name}={number}");
    }
    let ProcessUsage { user_seconds, system_seconds, resident_bytes } = usage;
    let pending = snapshot.lag.bytes;
    let _ = write!(
        line,
        " user_cpu_={user_seconds:.6} system_cpu={system_seconds:.6} ram_usage={resident_bytes} skipped_new_bytes=0 \
         skipped_preexisting_bytes={too_far_behind} total_bytes_pending={pending}"
    );
    line
}

/// `agent_requests`; with `debug_init` it says that it is of the agent itself, as the Python agent does.
pub(super) fn agent_requests(figures: Figures, says_is_agent: bool) -> String {
    format!("agent_requests {}{}", requests(&figures), if says_is_agent { " is_agent=True" } else { "" })
}

/// `worker_session_requests`: the same of one session.
pub(super) fn worker_session_requests(session: &SessionSnapshot, figures: &Figures) -> String {
    let SessionSnapshot { worker, session, .. } = session;
    format!("worker_session_requests worker_id=\"{worker}\" session_id=\"{session}\" {}", requests(figures))
}

fn requests(figures: &Figures) -> String {
    let Figures { requests_sent, requests_failed, bytes_sent, compressed_bytes_sent, bytes_received, .. } = figures;
    format!(
        "requests_sent={requests_sent} requests_failed={requests_failed} bytes_sent={bytes_sent} \
         compressed_bytes_sent={compressed_bytes_sent} bytes_received={bytes_received} request_latency_secs={:.6} \
         connections_created={}",
        figures.request_seconds, figures.connections_created
    )
}

/// `copy_manager_status`. Times are sums over all sessions, in seconds: waiting is what a session does while nothing is on
/// its way, a request takes its compression and the time until its answer.
pub(super) fn copy_manager_status(snapshot: &Snapshot, figures: Figures, (produced, copied): (f64, f64)) -> String {
    format!(
        "copy_manager_status num_worker_sessions={} total_scan_iterations={} total_read_time={:.6} \
         total_compression_time={:.6} total_waiting_time={:.6} total_blocking_response_time={:.6} \
         total_request_time={:.6} total_pipelined_requests={} avg_bytes_produced_rate={produced:.6} \
         avg_bytes_copied_rate={copied:.6}",
        snapshot.sessions.len(),
        snapshot.tail.looks,
        snapshot.tail.busy_seconds,
        figures.compression_seconds,
        figures.rest_seconds,
        figures.request_seconds,
        figures.compression_seconds + figures.request_seconds,
        figures.requests_prepared_ahead,
    )
}

/// How fast logs grew and were accepted between two `copy_manager_status` lines.
#[derive(Debug)]
pub(super) struct Rates {
    at: Instant,
    produced: u64,
    copied: u64,
}

impl Rates {
    /// Nothing was read yet.
    pub(super) fn new(now: Instant) -> Self {
        Self { at: now, produced: 0, copied: 0 }
    }

    /// Bytes per second since the last call: what was written to the followed files, and what the servers accepted of it.
    #[expect(clippy::cast_precision_loss, reason = "a rate need not be exact")]
    pub(super) fn since(&mut self, snapshot: &Snapshot, now: Instant) -> (f64, f64) {
        let produced = snapshot.totals.read + snapshot.lag.unread_bytes;
        let copied = snapshot.totals.accepted.bytes;
        let before = std::mem::replace(self, Self { at: now, produced, copied });
        let seconds = now.saturating_duration_since(before.at).as_secs_f64();
        let rate = |now: u64, before: u64| match now.saturating_sub(before) {
            _ if seconds <= 0.0 => 0.0,
            bytes => bytes as f64 / seconds,
        };
        (rate(produced, before.produced), rate(copied, before.copied))
    }
}
