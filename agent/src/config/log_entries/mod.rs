//! The entries of `logs`, and the agent's own log (`log-copying.md` section 2).

use std::path::Path;

use serde_json::{Map, Value};

use super::keys;
use super::patterns;
use super::plan::LogPlan;
use super::report::Report;
use super::session::DEFAULT_WORKER;
use super::settings::{Scope, Settings};
use super::value;
use super::workers::Workers;
use crate::ledger::WorkerId;

/// The log entries, in the order of the configuration, the agent's own log behind them.
pub(super) fn plan(settings: &Settings<'_>, log_path: &Path, workers: &Workers, report: &mut Report) -> Vec<LogPlan> {
    let mut logs = Vec::new();
    // Files whose lines must not leave the host: a later, wider entry must not pick them up.
    let mut withheld = Vec::new();
    for (index, entry) in settings.list("logs").iter().enumerate() {
        let origin = format!("logs[{index}]");
        let known = report.problems().len();
        match read_entry(entry, &origin, log_path, workers, report) {
            Ok(mut log) => {
                log.exclude.extend(withheld.iter().cloned());
                logs.push(log);
            }
            Err(Refused { withhold }) => {
                report.conclude(
                    known,
                    match withhold {
                        Some(_) => "this entry is not copied, and no other entry copies its files",
                        None => "this entry is not copied",
                    },
                );
                withheld.extend(withhold);
            }
        }
    }
    for name in ["journald_logs", "k8s_logs"] {
        let source = if name == "journald_logs" { "the systemd journal" } else { "the logs of Kubernetes pods" };
        for index in 0..settings.list(name).len() {
            report.refuse(format!("{name}[{index}]"), format!("{source} cannot be copied yet"));
        }
    }
    if settings.boolean("implicit_agent_log_collection") {
        logs.push(agent_log(log_path, withheld));
    }
    logs
}

fn agent_log(log_path: &Path, exclude: Vec<String>) -> LogPlan {
    let mut attributes = Map::new();
    attributes.insert("parser".to_owned(), "scalyrAgentLog".into());
    LogPlan {
        origin: "agent log".to_owned(),
        path: log_path.join("agent.log").to_string_lossy().into_owned(),
        exclude,
        attributes,
        copy_from_start: false,
        worker: WorkerId(DEFAULT_WORKER.to_owned()),
    }
}

/// An entry that is not copied; the report says why.
pub(super) struct Refused {
    /// The pattern of files that no other entry may copy either.
    withhold: Option<String>,
}

/// An entry that stands at `origin`, or what a monitor says in the same words.
pub(super) fn read_entry(
    entry: &Value,
    origin: &str,
    log_path: &Path,
    workers: &Workers,
    report: &mut Report,
) -> Result<LogPlan, Refused> {
    let Value::Object(values) = entry else {
        report.refuse(origin, format!("must be an object with a `path`, but is {}", value::kind(entry)));
        return Err(Refused { withhold: None });
    };
    let settings = Settings::read(values, keys::LOG_ENTRY, origin, Scope::Entry, report);
    let mut refused = settings.is_refused();

    let path = settings.text("path").filter(|path| !path.is_empty());
    let path = path.map(|path| log_path.join(path).to_string_lossy().into_owned());
    if path.is_none() && !values.get("path").is_some_and(|path| !path.is_null() && !path.is_string()) {
        report.refuse(format!("{origin}.path"), "is missing: an entry names the file or glob that it copies");
        refused = true;
    }
    refused |= !check_patterns(path.as_deref(), &settings.texts("exclude"), origin, report);
    let worker = settings.text("worker_id").unwrap_or(DEFAULT_WORKER);
    refused |= !workers.check_reference(worker, &format!("{origin}.worker_id"), report);
    check_format(&settings, origin, report);

    let mut attributes = Map::new();
    for (key, attribute) in settings.object("attributes").into_iter().flatten() {
        if is_scalar(attribute) {
            attributes.insert(key.clone(), attribute.clone());
        } else {
            let path = value::member_path(&format!("{origin}.attributes"), key);
            report.refuse(path, format!("must be a text, a number, true or false, but is {}", value::kind(attribute)));
            refused = true;
        }
    }
    if let Some(parser) = settings.text("parser") {
        attributes.insert("parser".to_owned(), parser.into());
    }

    let redacts =
        values.get("redaction_rules").is_some_and(|rules| !matches!(rules, Value::Array(rules) if rules.is_empty()));
    match path {
        Some(path) if !refused => Ok(LogPlan {
            origin: origin.to_owned(),
            path,
            exclude: settings.texts("exclude"),
            attributes,
            copy_from_start: settings.boolean("copy_from_start"),
            worker: WorkerId(worker.to_owned()),
        }),
        path => Err(Refused { withhold: path.filter(|_| redacts).map(exclusion) }),
    }
}

/// Whether path and exclusions can be read as patterns; says so of each that cannot.
fn check_patterns(path: Option<&str>, exclude: &[String], origin: &str, report: &mut Report) -> bool {
    let known = report.problems().len();
    if let Some(Err(message)) = path.map(patterns::check_path) {
        report.refuse(format!("{origin}.path"), message);
    }
    for (index, pattern) in exclude.iter().enumerate() {
        if let Err(message) = patterns::check_exclusion(pattern) {
            report.refuse(format!("{origin}.exclude[{index}]"), message);
        }
    }
    report.problems().len() == known
}

/// A path as an item of `exclude`. One that is no pattern there means itself, so that it refuses no other entry.
fn exclusion(path: String) -> String {
    let is_pattern = patterns::is_pattern(&path) && patterns::check_path(&path).is_ok();
    if is_pattern && patterns::check_exclusion(&path).is_ok() { path } else { globset::escape(&path) }
}

/// Only raw lines are sent yet; a format that would take them apart is named.
fn check_format(settings: &Settings<'_>, origin: &str, report: &mut Report) {
    if settings.is_given("parse_lines_as_json") {
        if settings.boolean("parse_lines_as_json") {
            report.warn(format!("{origin}.parse_lines_as_json"), "is not honoured yet: lines are sent as they are");
        }
        return;
    }
    match settings.text("parse_format").unwrap_or_default() {
        "raw" => {}
        format @ ("json" | "cri") => {
            let message = format!("{format} is not honoured yet: lines are sent as they are");
            report.warn(format!("{origin}.parse_format"), message);
        }
        other => {
            let message = format!("{other:?} is not known (raw, json and cri are): lines are sent as they are");
            report.warn(format!("{origin}.parse_format"), message);
        }
    }
}

/// Whether a value can be an attribute.
pub(super) fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::Bool(_) | Value::Number(_) | Value::String(_))
}
