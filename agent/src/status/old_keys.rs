//! The JSON report: the keys that the Python agent has (`cli-and-service.md` section 7), and ours beside them at the top
//! level. Times of the old keys are seconds since the epoch; `last_success_time` and its like are null before the first.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{FileSnapshot, LogSnapshot, Snapshot, build, health};
use crate::ledger::{SkipReason, Totals, WorkerId};
use crate::monitors::state::{MonitorSnapshot, Phase};
use crate::upload::SessionSnapshot;

/// The whole report. A key that both have is the same in both.
#[derive(Serialize)]
pub(super) struct Report<'s> {
    #[serde(flatten)]
    old: OldKeys<'s>,
    #[serde(flatten)]
    ours: &'s Snapshot,
}

impl<'s> Report<'s> {
    pub(super) fn of(snapshot: &'s Snapshot) -> Self {
        Self { old: OldKeys::of(snapshot), ours: snapshot }
    }
}

/// The top level. `user`, `version` and `server_host` are keys of ours as well, and stand there.
#[derive(Serialize)]
struct OldKeys<'s> {
    launch_time: f64,
    revision: &'static str,
    scalyr_server: &'s str,
    compression_type: &'s str,
    python_version: String,
    avg_status_report_duration: Option<f64>,
    config_status: ConfigStatus,
    copying_manager_status: CopyingManagerStatus<'s>,
    monitor_manager_status: MonitorManagerStatus<'s>,
    overall_stats: OverallStats<'s>,
}

impl<'s> OldKeys<'s> {
    fn of(snapshot: &'s Snapshot) -> Self {
        Self {
            launch_time: snapshot.started,
            revision: build::revision(),
            scalyr_server: &snapshot.server,
            compression_type: &snapshot.compression,
            python_version: build::language(),
            avg_status_report_duration: snapshot.average_seconds,
            config_status: ConfigStatus::of(snapshot),
            copying_manager_status: CopyingManagerStatus::of(snapshot),
            monitor_manager_status: MonitorManagerStatus::of(&snapshot.monitors),
            overall_stats: OverallStats::of(snapshot),
        }
    }
}

#[derive(Serialize)]
struct ConfigStatus {
    path: String,
    additional_paths: Vec<String>,
    last_read_time: f64,
    status: &'static str,
    last_error: Option<String>,
    last_good_read: f64,
    last_check_time: f64,
}

impl ConfigStatus {
    fn of(snapshot: &Snapshot) -> Self {
        let configuration = &snapshot.configuration;
        let is_good = configuration.found.is_none();
        Self {
            path: configuration.file.display().to_string(),
            additional_paths: configuration.fragments.iter().map(|path| path.display().to_string()).collect(),
            last_read_time: configuration.found.unwrap_or(configuration.loaded),
            status: if is_good { "Good" } else { "Error, using last good configuration" },
            last_error: (!is_good).then(|| configuration.problems.join("\n")),
            last_good_read: configuration.loaded,
            last_check_time: configuration.last_checked,
        }
    }
}

/// With exactly one session its keys stand on this level, too.
#[derive(Serialize)]
struct CopyingManagerStatus<'s> {
    total_bytes_uploaded: u64,
    total_errors: u64,
    total_scan_iterations: u64,
    num_worker_sessions: usize,
    health_check_result: String,
    worker_sessions_health_check: String,
    total_rate_limited_time: f64,
    rate_limited_time_since_last_status: f64,
    total_read_time: f64,
    total_waiting_time: f64,
    total_blocking_response_time: f64,
    total_request_time: f64,
    total_pipelined_requests: u64,
    log_matchers: Vec<LogMatcher<'s>>,
    workers: Vec<Worker<'s>>,
    #[serde(flatten)]
    only_session: Option<OnlySession>,
}

/// The keys of a session that the level above does not have.
#[derive(Serialize)]
struct OnlySession {
    session_id: String,
    pid: u32,
    last_success_time: Option<f64>,
    last_attempt_time: Option<f64>,
    last_attempt_size: Option<u64>,
    last_response: String,
    last_response_status: Option<String>,
    total_copy_iterations: u64,
}

impl OnlySession {
    #[expect(clippy::cast_precision_loss, reason = "exact for thousands of years")]
    fn of(snapshot: &Snapshot, session: &SessionSnapshot) -> Self {
        let seconds = |millis: Option<i64>| millis.map(|millis| millis as f64 / 1e3);
        Self {
            session_id: session.name.to_string(),
            pid: snapshot.pid,
            last_success_time: seconds(session.last_success_ms),
            last_attempt_time: seconds(session.last_attempt_ms),
            last_attempt_size: session.last_attempt_ms.map(|_| session.last_request_bytes),
            last_response: session.last_answer.clone().unwrap_or_default(),
            last_response_status: session.last_status.clone(),
            total_copy_iterations: session.requests_succeeded + session.requests_failed,
        }
    }
}

impl<'s> CopyingManagerStatus<'s> {
    fn of(snapshot: &'s Snapshot) -> Self {
        let uploads = &snapshot.uploads;
        let only_session = match snapshot.sessions.as_slice() {
            [session] => Some(OnlySession::of(snapshot, session)),
            _ => None,
        };
        let sick = snapshot.sessions.iter().any(|session| health::of_session(snapshot, session) != health::GOOD);
        Self {
            total_bytes_uploaded: snapshot.sessions.iter().map(|session| session.bytes_dealt_with).sum(),
            total_errors: uploads.requests_failed,
            total_scan_iterations: snapshot.tail.looks,
            num_worker_sessions: snapshot.sessions.len(),
            // That of all, also with several sessions: a failed one must not hide.
            health_check_result: snapshot.health_check(),
            worker_sessions_health_check: if sick { "Some workers have failed.".into() } else { health::GOOD.into() },
            total_rate_limited_time: uploads.rate_limit_seconds,
            rate_limited_time_since_last_status: 0.0,
            total_read_time: snapshot.tail.busy_seconds,
            total_waiting_time: uploads.rest_seconds,
            total_blocking_response_time: uploads.request_seconds,
            total_request_time: uploads.compression_seconds + uploads.request_seconds,
            total_pipelined_requests: uploads.requests_prepared_ahead,
            log_matchers: log_matchers(snapshot),
            workers: workers(snapshot),
            only_session,
        }
    }
}

#[derive(Serialize)]
struct LogMatcher<'s> {
    log_path: &'s str,
    is_glob: bool,
    last_check_time: Option<f64>,
    log_processors_status: Vec<LogProcessor>,
}

/// The entries with the files that they mean; a file of no entry, as that of a monitor, is one of its own.
fn log_matchers(snapshot: &Snapshot) -> Vec<LogMatcher<'_>> {
    let mut by_entry: BTreeMap<&str, Vec<&FileSnapshot>> = BTreeMap::new();
    let mut others: BTreeMap<&str, Vec<&FileSnapshot>> = BTreeMap::new();
    for file in &snapshot.files {
        let entry = file.entry.as_deref().filter(|entry| snapshot.logs.iter().any(|log| log.entry == *entry));
        match entry {
            Some(entry) => by_entry.entry(entry).or_default().push(file),
            None => others.entry(file.path.to_str().unwrap_or_default()).or_default().push(file),
        }
    }
    let last_check_time = snapshot.tail.last_round;
    let matcher = |log_path, is_glob, files: Option<Vec<&FileSnapshot>>| LogMatcher {
        log_path,
        is_glob,
        last_check_time,
        log_processors_status: files.into_iter().flatten().map(LogProcessor::of).collect(),
    };
    let of_logs = snapshot.logs.iter().map(|LogSnapshot { entry, path, is_glob, .. }| {
        matcher(path.as_str(), *is_glob, by_entry.remove(entry.as_str()))
    });
    let mut matchers: Vec<_> = of_logs.collect();
    matchers.extend(others.into_iter().map(|(path, files)| matcher(path, false, Some(files))));
    matchers
}

#[derive(Serialize)]
struct Worker<'s> {
    worker_id: &'s WorkerId,
    sessions: Vec<Session>,
}

fn workers(snapshot: &Snapshot) -> Vec<Worker<'_>> {
    let mut workers: BTreeMap<&WorkerId, Vec<Session>> = BTreeMap::new();
    for session in &snapshot.sessions {
        workers.entry(&session.worker).or_default().push(Session::of(snapshot, session));
    }
    workers.into_iter().map(|(worker_id, sessions)| Worker { worker_id, sessions }).collect()
}

#[derive(Serialize)]
struct Session {
    #[serde(flatten)]
    own: OnlySession,
    total_bytes_uploaded: u64,
    total_errors: u64,
    total_rate_limited_time: f64,
    rate_limited_time_since_last_status: f64,
    total_read_time: f64,
    total_waiting_time: f64,
    total_blocking_response_time: f64,
    total_request_time: f64,
    total_pipelined_requests: u64,
    health_check_result: String,
    log_processors: Vec<LogProcessor>,
}

impl Session {
    fn of(snapshot: &Snapshot, session: &SessionSnapshot) -> Self {
        let is_of =
            |file: &&FileSnapshot| file.worker == session.worker && file.session_number == session.session_number;
        Self {
            own: OnlySession::of(snapshot, session),
            total_bytes_uploaded: session.bytes_dealt_with,
            total_errors: session.requests_failed,
            total_rate_limited_time: session.rate_limit_seconds,
            rate_limited_time_since_last_status: 0.0,
            // Files are read for all sessions together.
            total_read_time: 0.0,
            total_waiting_time: session.rest_seconds,
            total_blocking_response_time: session.request_seconds,
            total_request_time: session.compression_seconds + session.request_seconds,
            total_pipelined_requests: session.requests_prepared_ahead,
            health_check_result: health::of_session(snapshot, session),
            log_processors: snapshot.files.iter().filter(is_of).map(LogProcessor::of).collect(),
        }
    }
}

#[derive(Serialize)]
struct LogProcessor {
    log_path: String,
    last_scan_time: Option<f64>,
    total_bytes_pending: u64,
    #[serde(flatten)]
    fate: Fate,
    total_lines_copied: u64,
    total_lines_dropped_by_sampling: u64,
    total_redactions: u64,
    total_bytes_failed: u64,
    total_bytes_dropped_by_sampling: u64,
}

impl LogProcessor {
    fn of(file: &FileSnapshot) -> Self {
        let totals = &file.totals;
        Self {
            log_path: file.path.display().to_string(),
            last_scan_time: file.last_checked,
            total_bytes_pending: file.lag_bytes,
            fate: Fate::of(totals),
            total_lines_copied: totals.accepted.lines,
            total_lines_dropped_by_sampling: totals.sampled_out.lines,
            total_redactions: totals.redacted_lines,
            total_bytes_failed: totals.dropped.values().map(|count| count.bytes).sum(),
            total_bytes_dropped_by_sampling: totals.sampled_out.bytes,
        }
    }
}

/// What became of bytes, as files and the whole agent have it. Both limits of unread bytes are one reason here:
/// `skipped_preexisting_bytes` has what either of them skipped, `skipped_new_bytes` is 0, as in the statistics lines.
#[derive(Serialize)]
struct Fate {
    total_bytes_copied: u64,
    total_bytes_skipped: u64,
    skipped_new_bytes: u64,
    skipped_preexisting_bytes: u64,
}

impl Fate {
    fn of(totals: &Totals) -> Self {
        Self {
            total_bytes_copied: totals.accepted.bytes,
            total_bytes_skipped: totals.skipped.values().map(|count| count.bytes).sum(),
            skipped_new_bytes: 0,
            skipped_preexisting_bytes: totals.skipped.get(&SkipReason::TooFarBehind).map_or(0, |count| count.bytes),
        }
    }
}

#[derive(Serialize)]
struct MonitorManagerStatus<'s> {
    total_alive_monitors: usize,
    monitors_status: Vec<MonitorStatus<'s>>,
}

#[derive(Serialize)]
struct MonitorStatus<'s> {
    monitor_name: &'s str,
    monitor_id: &'s str,
    monitor_short_hash: &'s str,
    stop_agent_on_failure: bool,
    reported_lines: u64,
    errors: u64,
    is_alive: bool,
}

impl<'s> MonitorManagerStatus<'s> {
    fn of(monitors: &'s [MonitorSnapshot]) -> Self {
        let status = |monitor: &'s MonitorSnapshot| MonitorStatus {
            monitor_name: &monitor.name,
            monitor_id: &monitor.id,
            monitor_short_hash: &monitor.short_hash,
            stop_agent_on_failure: monitor.stop_agent_on_failure,
            reported_lines: monitor.lines_emitted,
            errors: monitor.errors,
            is_alive: matches!(monitor.state, Phase::Running | Phase::Stopping),
        };
        let monitors_status: Vec<_> = monitors.iter().map(status).collect();
        let total_alive_monitors = monitors_status.iter().filter(|monitor| monitor.is_alive).count();
        Self { total_alive_monitors, monitors_status }
    }
}

#[derive(Serialize)]
struct OverallStats<'s> {
    launch_time: f64,
    version: &'s str,
    num_watched_paths: usize,
    num_copying_paths: usize,
    num_running_monitors: usize,
    num_dead_monitor: usize,
    num_worker_sessions: usize,
    user_cpu: f64,
    system_cpu: f64,
    /// The peak, KiB, as always.
    rss_size: u64,
    #[serde(flatten)]
    fate: Fate,
    total_bytes_pending: u64,
    total_rate_limited_time: f64,
    total_bytes_subsampled: u64,
    total_bytes_failed: u64,
    total_redactions: u64,
    total_copy_requests_errors: u64,
    total_monitor_reported_lines: u64,
    total_monitor_errors: u64,
    total_requests_sent: u64,
    total_requests_failed: u64,
    total_request_bytes_sent: u64,
    total_compressed_request_bytes_sent: u64,
    total_response_bytes_received: u64,
    total_request_latency_secs: f64,
    total_connections_created: u64,
    total_scan_iterations: u64,
    total_read_time: f64,
    total_compression_time: f64,
    total_waiting_time: f64,
    total_blocking_response_time: f64,
    total_request_time: f64,
    total_pipelined_requests: u64,
    avg_bytes_produced_rate: f64,
    avg_bytes_copied_rate: f64,
    rate_limited_time_since_last_status: f64,
    avg_status_report_duration: Option<f64>,
}

impl<'s> OverallStats<'s> {
    #[expect(clippy::cast_precision_loss, reason = "a rate need not be exact")]
    fn of(snapshot: &'s Snapshot) -> Self {
        let (totals, uploads, monitors) = (&snapshot.totals, &snapshot.uploads, &snapshot.monitors);
        let seconds = (snapshot.now - snapshot.started).max(1.0);
        Self {
            launch_time: snapshot.started,
            version: &snapshot.version,
            num_watched_paths: snapshot.tail.watched_paths,
            num_copying_paths: snapshot.files.len(),
            num_running_monitors: snapshot.running_monitors,
            num_dead_monitor: snapshot.dead_monitors,
            num_worker_sessions: snapshot.sessions.len(),
            user_cpu: snapshot.usage.user_seconds,
            system_cpu: snapshot.usage.system_seconds,
            rss_size: snapshot.usage.resident_bytes,
            fate: Fate::of(totals),
            total_bytes_pending: snapshot.lag.bytes,
            total_rate_limited_time: uploads.rate_limit_seconds,
            total_bytes_subsampled: totals.sampled_out.bytes,
            total_bytes_failed: totals.dropped.values().map(|count| count.bytes).sum(),
            total_redactions: totals.redacted_lines,
            total_copy_requests_errors: uploads.requests_failed,
            total_monitor_reported_lines: monitors.iter().map(|monitor| monitor.lines_emitted).sum(),
            total_monitor_errors: monitors.iter().map(|monitor| monitor.errors).sum(),
            total_requests_sent: uploads.requests_sent,
            total_requests_failed: uploads.requests_failed,
            total_request_bytes_sent: uploads.bytes_sent,
            total_compressed_request_bytes_sent: uploads.compressed_bytes_sent,
            total_response_bytes_received: uploads.bytes_received,
            total_request_latency_secs: uploads.request_seconds,
            total_connections_created: uploads.connections_created,
            total_scan_iterations: snapshot.tail.looks,
            total_read_time: snapshot.tail.busy_seconds,
            total_compression_time: uploads.compression_seconds,
            total_waiting_time: uploads.rest_seconds,
            total_blocking_response_time: uploads.request_seconds,
            total_request_time: uploads.compression_seconds + uploads.request_seconds,
            total_pipelined_requests: uploads.requests_prepared_ahead,
            avg_bytes_produced_rate: (totals.read + snapshot.lag.unread_bytes) as f64 / seconds,
            avg_bytes_copied_rate: totals.accepted.bytes as f64 / seconds,
            rate_limited_time_since_last_status: 0.0,
            avg_status_report_duration: snapshot.average_seconds,
        }
    }
}

#[cfg(test)]
mod tests;
