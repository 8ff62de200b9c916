//! The schemas of the entries of `logs`, `journald_logs` and `k8s_logs`.

use serde_json::{Map, Value, json};

use super::{forms, keys, object};
use crate::config::keys::{
    JOURNALD_LOG_ENTRY, K8S_LOG_ENTRY, Key, LINE_GROUPER, LOG_ENTRY, REDACTION_RULE, RENAMING, SAMPLING_RULE,
};

/// What ends an event: a line grouper says exactly one of these.
const ENDS: [&str; 4] = ["continueThrough", "continuePast", "haltBefore", "haltWith"];

/// An entry of `logs`.
pub(super) fn file() -> Value {
    object("Files to copy, and how.", shared(), &["path"])
}

/// An entry of `journald_logs`.
pub(super) fn journald() -> Value {
    object("Units of the systemd journal to copy, and how.", instead_of_path(JOURNALD_LOG_ENTRY), &[])
}

/// An entry of `k8s_logs`.
pub(super) fn kubernetes() -> Value {
    object("Logs of Kubernetes pods to copy, and how.", instead_of_path(K8S_LOG_ENTRY), &[])
}

fn instead_of_path(own: &[Key]) -> Map<String, Value> {
    let mut properties = Map::new();
    for key in own {
        let more = if key.name == "journald_globs" {
            json!({ "additionalProperties": { "type": ["string", "null"] } })
        } else {
            json!({})
        };
        keys::add(&mut properties, key, more);
    }
    let mut shared = shared();
    shared.shift_remove("path");
    properties.extend(shared);
    properties
}

fn shared() -> Map<String, Value> {
    let mut properties = Map::new();
    for key in LOG_ENTRY {
        keys::add(&mut properties, key, member(key.name));
    }
    properties
}

/// What the members of a key are, beyond its kind.
fn member(key: &str) -> Value {
    match key {
        "attributes" => forms::attributes(),
        "rename_logfile" => {
            let mut renaming = rule("What is replaced in the real path, and by what.", RENAMING);
            // What is required may still be nothing.
            renaming["properties"]["replacement"]["minLength"] = 0.into();
            json!({ "anyOf": [{ "type": ["string", "null"] }, renaming] })
        }
        "sampling_rules" => json!({ "items": rule("Which share of some lines is uploaded.", SAMPLING_RULE) }),
        "redaction_rules" => json!({ "items": rule("What is replaced in each line.", REDACTION_RULE) }),
        "lineGroupers" => {
            let mut grouper = rule("Which lines together make one event.", LINE_GROUPER);
            grouper["oneOf"] = ENDS.iter().map(|end| json!({ "required": [end] })).collect();
            json!({ "items": grouper })
        }
        _ => json!({}),
    }
}

fn rule(description: &str, table: &[Key]) -> Value {
    let mut properties = Map::new();
    for key in table {
        keys::add(&mut properties, key, json!({}));
    }
    let required: Vec<&str> = table.iter().filter(|key| key.required).map(|key| key.name).collect();
    object(description, properties, &required)
}
