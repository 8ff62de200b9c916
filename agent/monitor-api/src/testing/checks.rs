//! What a monitor must not do in a test: emit what it did not declare, what is no number, or one thing twice.

use std::collections::BTreeSet;

use super::emitted::Emitted;
use super::record::Recorder;
use super::taken::Taken;
use crate::metric::MetricDecl;
use crate::nearest;
use crate::registry::Registration;

/// Fails the test when something is wrong with what was emitted; all of it at once.
#[track_caller]
pub(super) fn check(registration: &Registration, recorder: &Recorder, taken: &Taken, allows_dynamic: bool) {
    let metrics = registration.metrics();
    let mut faults: Vec<String> = recorder.unreadable().iter().map(|line| unreadable(line)).collect();
    if let Some(most) = recorder.overflow() {
        let name = registration.name;
        // Without what was taken: nobody reads so much.
        panic!("the monitor `{name}` wrote more than {most} lines in one test; does its `run` wait for anything?");
    }
    let mut seen = BTreeSet::new();
    for emitted in taken.emitted() {
        faults.extend(not_finite(emitted));
        let is_allowed = emitted.is_rate() || allows_dynamic && emitted.is_dynamic();
        if !is_allowed {
            faults.extend(undeclared(emitted, &metrics));
        }
        if !seen.insert(emitted.series()) {
            faults.push(format!(
                "`{emitted}` is emitted twice in one sample: same metric, fields, id and time. Emit it once, or tell the \
                 two apart by an extra field"
            ));
        }
    }
    if !faults.is_empty() {
        let name = registration.name;
        panic!("the monitor `{name}` does what it must not:\n  - {}\n{taken}", faults.join("\n  - "));
    }
}

fn unreadable(line: &str) -> String {
    let start = &line[..line.floor_char_boundary(200)];
    format!(
        "the metric line `{start}` cannot be read back: it is longer than 1 MiB, or one of its values is no JSON scalar"
    )
}

fn not_finite(emitted: &Emitted) -> Option<String> {
    let named = [("its value", emitted.value())].into_iter();
    let mut all = named.chain(emitted.fields().iter().map(|(name, value)| (name.as_str(), value)));
    let (what, _) = all.find(|(_, value)| value.is_null())?;
    Some(format!("`{emitted}`: {what} is not a finite number, so null is written; look before it is emitted"))
}

/// That no metric of this name, with these fields, was declared.
fn undeclared(emitted: &Emitted, metrics: &[&'static MetricDecl]) -> Option<String> {
    const DOOR: &str = "if the name is only known at run time, say `allow_dynamic()` to the harness";
    let name = emitted.name();
    let mut same_name = metrics.iter().filter(|metric| metric.name == name).peekable();
    if same_name.peek().is_none() {
        let near = nearest::nearest(name, metrics.iter().map(|metric| metric.name));
        let near = near.first().map(|near| format!(" (is it `{near}`?)")).unwrap_or_default();
        return Some(format!(
            "the metric `{name}` is not declared{near}; mark a field with #[metric] for it, or {DOOR}"
        ));
    }
    if same_name.clone().any(|metric| has_fields(emitted, metric)) {
        return None;
    }
    let given: Vec<&str> = emitted.fields().iter().map(|(name, _)| name.as_str()).collect();
    let declared: Vec<String> = same_name
        .map(|metric| {
            let constants = metric.constants.iter().map(|(name, value)| format!("{name}={value:?}"));
            let fields = metric.fields.iter().map(|name| (*name).to_owned()).chain(constants);
            format!("[{}]", fields.collect::<Vec<_>>().join(", "))
        })
        .collect();
    Some(format!(
        "`{emitted}` has the fields [{}], but `{name}` is declared with {}; {DOOR}",
        given.join(", "),
        declared.join(" or ")
    ))
}

/// The metrics that were never emitted; two of one name are told apart by the fields that never change.
pub(super) fn missing(metrics: &[&'static MetricDecl], emitted: &[Emitted]) -> Vec<String> {
    let is_there = |metric: &MetricDecl| emitted.iter().any(|it| it.name() == metric.name && has_fields(it, metric));
    let shown = |metric: &MetricDecl| match metric.constants {
        [] => metric.name.to_owned(),
        constants => {
            let constants: Vec<String> = constants.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
            format!("{}[{}]", metric.name, constants.join(", "))
        }
    };
    metrics.iter().filter(|metric| !is_there(metric)).map(|metric| shown(metric)).collect()
}

fn has_fields(emitted: &Emitted, metric: &MetricDecl) -> bool {
    let fields = emitted.fields();
    fields.len() == metric.fields.len() + metric.constants.len()
        && metric.fields.iter().all(|name| fields.iter().any(|(given, _)| given == name))
        && metric.constants.iter().all(|(name, value)| fields.iter().any(|(given, it)| given == name && *it == *value))
}
