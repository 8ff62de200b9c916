//! The watched agent in a line each time, for logs and programs.

use std::fmt::Write as _;

use scalyr_monitor::Timestamp;
use serde_json::{Value, json};

use super::amounts::harmless;
use super::report::{Seen, View};

/// A line for people and their logs: `<time> health=good pid=… …`, as `key=value`. Rates are those since the line before and
/// missing in the first one of a run.
pub(super) fn line(view: &View) -> String {
    let mut line = view.wall.to_string();
    if let Some(absence) = &view.absence {
        _ = write!(line, " health=absent why={:?}", harmless(&absence.why));
        return line;
    }
    let Some(report) = &view.report else { return line };
    let dead = |state: &str| matches!(state, "failed" | "left_behind" | "stopped" | "backing_off");
    let running = report.monitors.iter().filter(|monitor| monitor.state == "running").count();
    let failed = report.monitors.iter().filter(|monitor| dead(&monitor.state)).count();
    let delivering = report.sessions.iter().filter(|session| session.state == "ok" && session.broken.is_none()).count();
    _ = write!(
        line,
        " health={} pid={} uptime={:.0}",
        harmless(report.health()),
        report.pid,
        report.now - report.started
    );
    if let Some(rates) = &view.rates {
        _ = write!(
            line,
            " shipped_bytes_per_second={:.0} read_bytes_per_second={:.0} requests_per_second={:.2}",
            rates.shipped, rates.read, rates.requests
        );
    }
    _ = write!(
        line,
        " lag_bytes={} lag_seconds={:.0} shipped_bytes={} files={} monitors_running={running} monitors_dead={failed} \
         sessions={} sessions_delivering={delivering} troubles={}",
        report.lag.bytes,
        report.lag.seconds,
        report.totals.accepted.bytes,
        report.files.len(),
        report.sessions.len(),
        report.troubles.len()
    );
    if let Some(first) = report.troubles.first() {
        _ = write!(line, " trouble={:?}", harmless(first));
    }
    line
}

/// The report itself in a line; while there is none `{"running":false,…}`.
pub(super) fn json_line(seen: &Seen, now: Timestamp) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a time in seconds, as all times of a report are")]
    let absent = |why: String| json!({ "running": false, "now": now.as_millis() as f64 / 1000.0, "error": why });
    let report = match &seen.text {
        Ok(text) => serde_json::from_str::<Value>(text).unwrap_or_else(|error| absent(error.to_string())),
        Err(error) => absent(error.to_string()),
    };
    report.to_string()
}
