//! The result of a check for a program.

use serde_json::{Map, Value, json};

use super::Checked;
use super::entries::Entries;
use crate::cli::problems::{SecretNames, Wording, by_place};
use crate::config::effective::MASKED;
use crate::config::plan::{LogPlan, MonitorPlan};
use crate::config::{Problem, Report};

/// One object; whole whatever the problems are.
pub(super) fn of(checked: &Checked<'_>) -> Value {
    let mut object = Map::from_iter([("ok".to_owned(), checked.is_ok().into())]);
    object.extend(configuration(checked));
    object.insert("problems".to_owned(), problems(checked.report()));
    if let Some(asked) = &checked.asked {
        let one = |asked: &super::Asked| {
            json!({
                "worker": asked.worker,
                "server": asked.server,
                "ok": asked.accepted,
                "answer": asked.answer,
            })
        };
        object.insert("connect".to_owned(), asked.iter().map(one).collect());
    }
    object.into()
}

/// What the configuration means; empty when it could not be read at all.
fn configuration(checked: &Checked<'_>) -> Map<String, Value> {
    let names = SecretNames::known();
    let entries = Entries::of(checked);
    let plan = Some(checked.draft.plan()).filter(|_| !checked.is_unread());
    let options =
        checked.draft.options.iter().filter(|_| plan.is_some()).map(|option| {
            (option.name.to_owned(), json!({ "value": option.value, "origin": option.origin.to_string() }))
        });
    let logs = plan.iter().flat_map(|plan| &plan.logs).map(|log| log_entry(log, &entries, &names));
    let monitors = plan.iter().flat_map(|plan| &plan.monitors).map(|monitor| instance(monitor, &entries, &names));
    let sessions = plan
        .iter()
        .flat_map(|plan| &plan.sessions)
        .map(|session| json!({ "worker": session.worker, "server": session.server, "api_key": MASKED }));
    Map::from_iter([
        ("options".to_owned(), Value::Object(options.collect())),
        ("logs".to_owned(), logs.collect()),
        ("monitors".to_owned(), monitors.collect()),
        ("sessions".to_owned(), sessions.collect()),
    ])
}

fn log_entry(log: &LogPlan, entries: &Entries<'_>, names: &SecretNames) -> Value {
    json!({
        "path": log.path,
        "exclude": log.exclude,
        "attributes": names.masked("", &log.attributes.clone().into()),
        "worker": log.worker,
        "copy_from_start": log.copy_from_start,
        "entry": log.origin,
        "origin": entries.origin(&log.origin).to_string(),
    })
}

fn instance(monitor: &MonitorPlan, entries: &Entries<'_>, names: &SecretNames) -> Value {
    let option = |option: super::entries::MonitorOption| {
        (option.name.to_owned(), json!({ "value": option.value, "origin": option.origin.to_string() }))
    };
    let options: Map<String, Value> = entries.options(monitor, names).into_iter().map(option).collect();
    json!({
        "name": monitor.name(),
        "module": monitor.registration.name,
        "id": monitor.id,
        "sample_interval": monitor.sample_interval.as_secs_f64(),
        "metric_log": monitor.metric_log,
        "disabled": monitor.disabled,
        "options": options,
        "entry": monitor.origin,
        "origin": entries.origin(&monitor.origin).to_string(),
    })
}

/// All of them, by file and line.
fn problems(report: &Report) -> Value {
    by_place(report.problems()).into_iter().map(problem).collect()
}

fn problem(problem: &Problem) -> Value {
    let position = problem.place.position;
    json!({
        "severity": Wording::Check.word(problem),
        "kind": problem.kind,
        "file": problem.place.source,
        "line": position.map(|position| position.line),
        "column": position.map(|position| position.column),
        "path": problem.place.path,
        "message": problem.message,
        "hint": problem.hint,
    })
}
