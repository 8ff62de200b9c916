//! The JSON Schema (draft 2020-12) of the whole `agent.json`, for editors and for checks without the agent.
//!
//! It is made of the tables of keys and of what the linked monitors declare, so it is that of this very binary. It
//! accepts what the reader accepts, and refuses what `agent check` is to refuse, unknown keys among it. Three things are
//! beyond a schema: the bounds of a number that is written as text, what one key says about another (`worker_id` and
//! `workers`), and a monitor's own checks.

mod forms;
mod keys;
mod logs;
mod monitors;

pub use monitors::{any_entry, entry};

use scalyr_monitor::registry::Registry;
use serde_json::{Map, Value, json};

use crate::config::keys::{GLOBAL, WORKER_ENTRY};

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of `agent.json`, with every monitor of the registry. A file of `agent.d` conforms to it as well: no key
/// is required at the top level, since each may stand in another file or in the environment.
pub fn of_agent_json(registry: &Registry) -> Value {
    let mut schema = json!({
        "$schema": DRAFT,
        "title": format!("agent.json of the Scalyr agent {}", env!("CARGO_PKG_VERSION")),
        "description": "The configuration of the agent. Made by `agent schema`, with the monitors of that agent.",
    });
    let mut properties = Map::new();
    for key in GLOBAL {
        keys::add(&mut properties, key, top_level(key.name));
    }
    insert_object(&mut schema, properties, &[]);
    schema["$defs"] = Value::Object(definitions(registry));
    schema
}

/// What the members of a key at the top level are, beyond its kind.
fn top_level(key: &str) -> Value {
    let list_of = |definition: &str| json!({ "items": { "$ref": format!("#/$defs/{definition}") } });
    match key {
        "logs" => list_of("log"),
        "journald_logs" => list_of("journald_log"),
        "k8s_logs" => list_of("k8s_log"),
        "workers" => list_of("worker"),
        "monitors" => list_of("monitor"),
        "server_attributes" => forms::attributes(),
        "import_vars" => forms::imports(),
        "api_key" => forms::api_key(),
        "scalyr_server" => forms::server(),
        "max_send_rate_enforcement" => forms::rate(),
        "stdout_severity" => forms::severity(),
        _ => json!({}),
    }
}

fn definitions(registry: &Registry) -> Map<String, Value> {
    let mut definitions = Map::new();
    definitions.insert("log".to_owned(), logs::file());
    definitions.insert("journald_log".to_owned(), logs::journald());
    definitions.insert("k8s_log".to_owned(), logs::kubernetes());
    definitions.insert("worker".to_owned(), worker());
    monitors::define(registry, &mut definitions);
    definitions
}

fn worker() -> Value {
    let mut properties = Map::new();
    for key in WORKER_ENTRY {
        let more = match key.name {
            "id" => json!({ "type": "string", "pattern": "^[A-Za-z0-9_]+$" }),
            "api_key" => forms::api_key(),
            "server_url" => forms::server(),
            _ => json!({}),
        };
        keys::add(&mut properties, key, more);
    }
    object("Where logs are uploaded to.", properties, &["id"])
}

/// An object that has these properties and no others.
fn object(description: &str, properties: Map<String, Value>, required: &[&str]) -> Value {
    let mut schema = json!({ "description": description });
    insert_object(&mut schema, properties, required);
    schema
}

fn insert_object(schema: &mut Value, properties: Map<String, Value>, required: &[&str]) {
    schema["type"] = "object".into();
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema["properties"] = Value::Object(properties);
    schema["additionalProperties"] = false.into();
}
