//! The entries of `logs` and its relatives, and the agent's own log (`configuration.md` section 7, `log-copying.md`
//! section 2). What is not honoured yet is checked all the same.

mod expressions;
mod file;
mod format;
mod journald;
mod kubernetes;
mod line_groupers;
mod redaction;
mod renaming;
mod repeats;
mod replacement;
mod rule;
mod sampling;
mod shared;
mod withheld;

use std::path::Path;

use serde_json::{Map, Value};

pub(super) use self::file::LogReader;
pub(super) use self::journald::JOURNALD_LOGS;
use self::repeats::Repeats;
use self::withheld::Withheld;
use super::plan::LogPlan;
use super::report::Report;
use super::session::{self, DEFAULT_WORKER};
use super::settings::Settings;
use super::workers::Workers;
use crate::ledger::WorkerId;

/// What the entries of all these lists mean.
pub(super) struct LogEntries {
    /// The files to copy, in the order of the configuration, the agent's own log behind them.
    pub(super) logs: Vec<LogPlan>,
    /// The entries of `journald_logs`, for the monitors that read the journal.
    pub(super) journald: Vec<Map<String, Value>>,
}

/// The log entries of the configuration.
pub(super) fn plan(settings: &Settings<'_>, log_path: &Path, workers: &Workers, report: &mut Report) -> LogEntries {
    let scan_interval = session::whole_seconds(settings, "minimum_scan_interval");
    let mut reader = LogReader::new(log_path, workers).with_scan_interval(scan_interval);
    let mut logs = Vec::new();
    // Files whose lines must not leave the host: a later, wider entry must not pick them up.
    let mut withheld = Withheld::default();
    let mut repeats = Repeats::default();
    for (index, entry) in settings.list("logs").iter().enumerate() {
        let path = format!("logs[{index}]");
        let known = report.problems().len();
        match reader.read(entry, &path, report) {
            Ok(mut log) => {
                repeats.tell(&log, &path, report);
                log.origin = report.sources().entry_name("logs", index);
                log.exclude.extend(withheld.of_files(&log.path));
                logs.push(log);
            }
            Err(refused) => {
                report.conclude(known, &refused.consequence());
                withheld.extend(refused.withhold);
            }
        }
    }
    let mut journald = Vec::new();
    for (index, entry) in settings.list(JOURNALD_LOGS).iter().enumerate() {
        journald.extend(journald::read(entry, &format!("{JOURNALD_LOGS}[{index}]"), &mut reader, report));
    }
    for (index, entry) in settings.list("k8s_logs").iter().enumerate() {
        kubernetes::refuse(entry, &format!("k8s_logs[{index}]"), &mut reader, report);
    }
    if settings.boolean("implicit_agent_log_collection") {
        logs.push(agent_log(log_path, &withheld));
    }
    LogEntries { logs, journald }
}

fn agent_log(log_path: &Path, withheld: &Withheld) -> LogPlan {
    let mut attributes = Map::new();
    attributes.insert("parser".to_owned(), "scalyrAgentLog".into());
    let path = log_path.join("agent.log").to_string_lossy().into_owned();
    let exclude = withheld.of_files(&path);
    LogPlan { exclude, attributes, ..LogPlan::new("agent log", path, WorkerId(DEFAULT_WORKER.into())) }
}

/// Whether a value can be an attribute.
pub(super) fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::Bool(_) | Value::Number(_) | Value::String(_))
}

#[cfg(test)]
mod tests;
