//! The result of a check for a program.

use serde_json::{Map, Value, json};

use super::Checked;
use super::entries::Entries;
use super::parts::{self, Parts};
use crate::cli::problems::{SecretNames, Wording, by_place};
use crate::config::effective::EffectiveOption;
use crate::config::effective::MASKED;
use crate::config::plan::{LogPlan, MonitorPlan};
use crate::config::report::is_obeyed;
use crate::config::{Problem, Report};

/// One object; whole whatever the problems are.
pub(super) fn of(checked: &Checked<'_>) -> Value {
    let mut object = Map::from_iter([
        ("ok".to_owned(), checked.is_ok().into()),
        ("verdict".to_owned(), super::verdict::word(checked).into()),
    ]);
    object.extend(configuration(checked));
    object.insert("problems".to_owned(), problems(checked.report()));
    if let Some(asked) = &checked.asked {
        let one = |asked: &super::Asked| {
            json!({
                "worker": asked.worker,
                "server": asked.server,
                "ok": asked.is_accepted(),
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
    let options = checked.draft.options.iter().filter(|_| plan.is_some());
    let options = options.map(|option| (option.name.to_owned(), global_option(option, checked)));
    let logs = plan.iter().flat_map(|plan| &plan.logs).map(|log| log_entry(log, &entries, &names));
    let monitors = plan.iter().flat_map(|plan| &plan.monitors).map(|monitor| instance(monitor, &entries, &names));
    let sessions = plan
        .iter()
        .flat_map(|plan| &plan.sessions)
        .map(|session| json!({ "worker": session.id.worker, "session_number": session.id.number, "server": session.server, "api_key": MASKED }));
    Map::from_iter([
        ("options".to_owned(), Value::Object(options.collect())),
        ("logs".to_owned(), logs.collect()),
        ("monitors".to_owned(), monitors.collect()),
        ("sessions".to_owned(), sessions.collect()),
    ])
}

fn global_option(option: &EffectiveOption, checked: &Checked<'_>) -> Value {
    let mut object = Map::from_iter([
        ("value".to_owned(), option.value.clone().unwrap_or_default()),
        ("origin".to_owned(), option.origin.to_string().into()),
    ]);
    match parts::of(option, checked) {
        Some(Parts::Members(members)) => {
            let members = members.into_iter().map(|(name, origin)| (name, origin.to_string().into()));
            object.insert("members".to_owned(), Value::Object(members.collect()));
        }
        Some(Parts::Elements(elements)) => {
            let elements = elements.iter().map(|origin| Value::from(origin.to_string()));
            object.insert("elements".to_owned(), elements.collect());
        }
        None => {}
    }
    object.into()
}

/// The same JSON, without characters that a terminal obeys: they stand in texts only, and there as escapes.
pub(super) fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_obeyed(c) && !matches!(c, '\n' | '\r' | '\t') {
            // All of them are in the first plane.
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
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
