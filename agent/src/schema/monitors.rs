//! The schemas of the entries of `monitors`: one for each linked monitor, chosen by `module`.
//!
//! `if` the module is this one, `then` the entry conforms to its schema, and to no other: so an editor offers the
//! options of the monitor that was named, and a mistake is judged by the schema of that monitor alone. Each of them is
//! closed by `additionalProperties`, which every editor knows.

use scalyr_monitor::registry::{Registration, Registry};
use scalyr_monitor::schema::option_schema;
use serde_json::{Map, Value, json};

use super::{DRAFT, forms, keys, object};
use crate::config::keys::{Key, MONITOR_ENTRY};
use crate::reference::first_sentence;

/// The schema of an entry of `monitors` that runs this monitor.
pub fn entry(registration: &Registration) -> Value {
    with_draft(monitor(registration, framework_key))
}

/// The schema of any entry of `monitors`.
pub fn any_entry(registry: &Registry) -> Value {
    let mut definitions = Map::new();
    define(registry, &mut definitions);
    let mut schema = json!({ "$ref": "#/$defs/monitor" });
    schema["$defs"] = Value::Object(definitions);
    with_draft(schema)
}

fn with_draft(schema: Value) -> Value {
    let mut out = Map::new();
    out.insert("$schema".to_owned(), DRAFT.into());
    if let Value::Object(schema) = schema {
        out.extend(schema);
    }
    Value::Object(out)
}

/// Adds `monitor`, the schema of any entry, and those it refers to.
pub(super) fn define(registry: &Registry, definitions: &mut Map<String, Value>) {
    let cases: Vec<Value> = registry
        .iter()
        .map(|registration| {
            json!({
                "if": { "required": ["module"], "properties": { "module": { "enum": modules(registration) } } },
                "then": { "$ref": format!("#/$defs/{}", definition(registration)) },
            })
        })
        .collect();
    let mut any = json!({
        "description": "A monitor to run. Its `module` decides which options there are.",
        "type": "object",
        "required": ["module"],
        "properties": { "module": module(registry) },
    });
    if !cases.is_empty() {
        any["allOf"] = cases.into();
    }
    definitions.insert("monitor".to_owned(), any);
    let framework: Map<String, Value> =
        MONITOR_ENTRY.iter().map(|key| (key.name.to_owned(), framework_key(key))).collect();
    definitions.insert(
        "monitor_keys".to_owned(),
        json!({ "description": "The keys of every entry, whatever its monitor.", "properties": framework }),
    );
    for registration in registry.iter() {
        let shared = |key: &Key| json!({ "$ref": format!("#/$defs/monitor_keys/properties/{}", key.name) });
        definitions.insert(definition(registration), monitor(registration, shared));
    }
}

fn definition(registration: &Registration) -> String {
    format!("monitor_{}", registration.name)
}

/// All that `module` can be. `enumDescriptions` is no word of JSON Schema; editors show it beside the names that they
/// offer, and validators pass over it.
fn module(registry: &Registry) -> Value {
    let names = || {
        registry.iter().flat_map(|registration| modules(registration).into_iter().map(move |name| (name, registration)))
    };
    json!({
        "description": MONITOR_ENTRY.iter().find(|key| key.name == "module").map(|key| key.doc),
        "enum": names().map(|(name, _)| name).collect::<Vec<_>>(),
        "enumDescriptions": names().map(|(_, registration)| first_sentence(registration.doc)).collect::<Vec<_>>(),
    })
}

fn modules(registration: &Registration) -> Vec<&'static str> {
    let dotted = registration.module.filter(|module| *module != registration.name);
    std::iter::once(registration.name).chain(dotted).collect()
}

/// An entry of one monitor; `framework` gives the schema of a key that the agent itself reads.
fn monitor(registration: &Registration, framework: impl Fn(&Key) -> Value) -> Value {
    let mut properties = Map::new();
    properties.insert("module".to_owned(), json!({ "enum": modules(registration) }));
    let mut required = vec!["module"];
    let mut alternatives = Vec::new();
    for option in registration.options() {
        let schema = option_schema(&option);
        for alias in option.aliases {
            properties.insert((*alias).to_owned(), keys::older(&schema, option.key));
        }
        properties.insert(option.key.to_owned(), schema);
        // The environment may give the others.
        if option.required && option.env.is_none() {
            if option.aliases.is_empty() {
                required.push(option.key);
            } else {
                let names = std::iter::once(option.key).chain(option.aliases.iter().copied());
                let any: Vec<Value> = names.map(|name| json!({ "required": [name] })).collect();
                alternatives.push(json!({ "anyOf": any }));
            }
        }
    }
    for key in MONITOR_ENTRY.iter().filter(|key| key.name != "module") {
        properties.insert(key.name.to_owned(), framework(key));
    }
    let mut schema = object(registration.doc, properties, &required);
    if !alternatives.is_empty() {
        schema["allOf"] = alternatives.into();
    }
    schema
}

fn framework_key(key: &Key) -> Value {
    keys::schema(key, if key.name == "id" { forms::id() } else { json!({}) })
}
