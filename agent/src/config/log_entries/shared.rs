//! What the entries of `logs`, `journald_logs` and `k8s_logs` say in the same words.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::super::line_plan::{LinePlan, Renaming, SharedLinePlan};
use super::super::patterns;
use super::super::report::{Kind, Report};
use super::super::session::{self, DEFAULT_WORKER};
use super::super::settings::Settings;
use super::super::value;
use super::file::LogReader;
use super::{format, is_scalar, line_groupers, redaction, renaming, sampling};
use crate::ledger::WorkerId;

/// What an entry says beside what it copies.
pub(super) struct Shared {
    pub(super) exclude: Vec<String>,
    pub(super) attributes: Map<String, Value>,
    pub(super) worker: WorkerId,
    pub(super) lines: SharedLinePlan,
    pub(super) renaming: Option<Renaming>,
    pub(super) stale_after: Option<Duration>,
    pub(super) scan_interval: Option<Duration>,
}

/// The report says why an entry cannot be used.
pub(super) struct Unusable;

/// Reads what an entry says, which stands at `at`; every problem is reported.
pub(super) fn read(
    settings: &Settings<'_>,
    values: &Map<String, Value>,
    at: &str,
    reader: &mut LogReader<'_>,
    report: &mut Report,
) -> Result<Shared, Unusable> {
    let exclude = exclusions(settings.texts("exclude"), at, report);
    let mut is_fine = !settings.is_refused();
    let worker = settings.text("worker_id").unwrap_or(DEFAULT_WORKER);
    is_fine &= reader.workers.check_reference(worker, &format!("{at}.worker_id"), report);
    let (format, attributes) = (format::read(settings, at, report), attributes(settings, at, report));
    let expressions = &mut reader.expressions;
    let path = values.get("path").and_then(Value::as_str).unwrap_or(at);
    let groupers = line_groupers::read(settings.list("lineGroupers"), at, expressions, report);
    let sampling = sampling::read(settings.list("sampling_rules"), at, expressions, report);
    let redaction = redaction::read(settings.list("redaction_rules"), at, path, expressions, report);
    let renaming = renaming::read(values, at, expressions, report);
    let (Some(groupers), Some(sampling), Some(redaction)) = (groupers, sampling, redaction) else {
        return Err(Unusable);
    };
    let (Some(attributes), true) = (attributes, is_fine) else { return Err(Unusable) };
    let leaves_out_stale_files = settings.boolean("ignore_stale_files");
    Ok(Shared {
        exclude,
        attributes,
        worker: WorkerId(worker.into()),
        lines: Arc::new(LinePlan { format, groupers, sampling, redaction }),
        renaming,
        stale_after: leaves_out_stale_files.then(|| session::seconds(settings, "staleness_threshold_secs")),
        scan_interval: session::whole_seconds(settings, "minimum_scan_interval"),
    })
}

/// Whether an entry, which may be refused, has lines that must not leave the host as they are.
pub(super) fn redacts(values: &Map<String, Value>) -> bool {
    let rules = values.get("redaction_rules").filter(|rules| !rules.is_null());
    rules.is_some_and(|rules| !matches!(rules, Value::Array(rules) if rules.is_empty()))
}

/// The patterns of files that are left out. One that is none stands for itself, as it did with the Python agent.
fn exclusions(exclude: Vec<String>, at: &str, report: &mut Report) -> Vec<String> {
    let checked = exclude.into_iter().enumerate().map(|(index, pattern)| match patterns::check_exclusion(&pattern) {
        Ok(()) => pattern,
        Err(fault) => {
            let message = format!("{}; it leaves out the file of this very name", fault.message);
            report.refuse(format!("{at}.exclude[{index}]"), message).kind(Kind::Pattern).hint(fault.hint);
            globset::escape(&pattern)
        }
    });
    checked.collect()
}

/// The attributes of each event, `parser` among them.
fn attributes(settings: &Settings<'_>, at: &str, report: &mut Report) -> Option<Map<String, Value>> {
    let mut attributes = Map::new();
    let mut is_fine = true;
    for (key, attribute) in settings.object("attributes").into_iter().flatten() {
        if is_scalar(attribute) {
            attributes.insert(key.clone(), attribute.clone());
        } else if !attribute.is_null() {
            let path = value::member_path(&format!("{at}.attributes"), key);
            let message = format!("must be a text, a number, true or false, but is {}", value::kind(attribute));
            report.refuse(path, message).kind(Kind::Type);
            is_fine = false;
        }
    }
    if let Some(parser) = settings.text("parser") {
        attributes.insert("parser".to_owned(), parser.into());
    }
    is_fine.then_some(attributes)
}
