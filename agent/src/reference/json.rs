//! Monitors for programs.

use scalyr_monitor::config::{Kind, OptionDecl};
use scalyr_monitor::metric::MetricDecl;
use scalyr_monitor::registry::Registration;
use serde_json::{Map, Value, json};

use super::is_builtin;

/// Monitors, in their order.
pub fn all<'r>(registrations: impl IntoIterator<Item = &'r Registration>) -> Value {
    registrations.into_iter().map(one).collect()
}

/// Everything that a monitor declares.
pub fn one(registration: &Registration) -> Value {
    json!({
        "name": registration.name,
        "module": registration.module,
        "source": if is_builtin(registration) { "builtin" } else { "local" },
        "crate": registration.krate,
        "version": registration.version,
        "description": registration.doc,
        "enabled_by_default": registration.enabled_by_default,
        "options": registration.options().iter().map(option).collect::<Vec<_>>(),
        "metrics": registration.metrics().into_iter().map(metric).collect::<Vec<_>>(),
        "log_fields": registration
            .log_fields
            .iter()
            .map(|field| json!({ "name": field.name, "description": field.doc }))
            .collect::<Vec<_>>(),
    })
}

fn option(option: &OptionDecl) -> Value {
    json!({
        "name": option.key,
        "aliases": option.aliases,
        "description": option.doc,
        "type": option.kind.to_string(),
        "words": words(option.kind),
        "required": option.required,
        "default": option.default,
        "min": option.min,
        "max": option.max,
        "environment": option.env,
        "secret": option.secret,
        "forced_to_https": option.no_http,
    })
}

/// The words that an option, or an element of it, is one of.
fn words(kind: Kind) -> Vec<Value> {
    match kind {
        Kind::Words(words) => words
            .iter()
            .map(|word| json!({ "name": word.name, "aliases": word.aliases, "description": word.doc }))
            .collect(),
        Kind::List(element) | Kind::SpacedList(element) | Kind::Map(element) => words(*element),
        _ => Vec::new(),
    }
}

fn metric(metric: &MetricDecl) -> Value {
    let docs = metric.field_docs.iter().copied().chain(std::iter::repeat(""));
    let fields: Vec<Value> =
        metric.fields.iter().zip(docs).map(|(name, doc)| json!({ "name": name, "description": doc })).collect();
    let constants: Map<String, Value> =
        metric.constants.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    json!({
        "name": metric.name,
        "description": metric.doc,
        "type": metric.kind,
        "unit": metric.unit,
        "category": metric.category,
        "cumulative": metric.cumulative,
        "constants": constants,
        "fields": fields,
    })
}
