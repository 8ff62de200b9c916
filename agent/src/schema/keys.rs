//! The schema of a key of the tables.

use scalyr_monitor::config::{Kind as OptionKind, Number, OptionDecl};
use scalyr_monitor::schema::option_schema;
use serde_json::{Map, Value, json};

use crate::config::keys::{Effect, Key, Kind};

/// Adds a key, and its older name if it has one, to the properties of an object. `more` says what its kind does not.
pub(super) fn add(properties: &mut Map<String, Value>, key: &Key, more: Value) {
    let schema = schema(key, more);
    if let Some(alias) = key.alias {
        properties.insert(alias.to_owned(), older(&schema, key.name));
    }
    properties.insert(key.name.to_owned(), schema);
}

/// The schema of a name that is only kept for old files.
pub(super) fn older(schema: &Value, name: &str) -> Value {
    let mut older = schema.clone();
    older["description"] = format!("The older name of `{name}`.").into();
    older["deprecated"] = true.into();
    older
}

/// The schema of one key.
pub(super) fn schema(key: &Key, more: Value) -> Value {
    let mut schema = of_kind(key);
    if let (Value::Object(schema), Value::Object(more)) = (&mut schema, more) {
        schema.extend(more);
    }
    schema["description"] = description(key).into();
    let default = key.unless_legacy.map(Value::from).or_else(|| key.default());
    if let Some(default) = default.filter(|_| !key.when_given) {
        schema["default"] = default;
    }
    if key.secret {
        schema["writeOnly"] = true.into();
    }
    match key.effect {
        Effect::Obsolete(_) => schema["deprecated"] = true.into(),
        Effect::Refused(_) => refuse(key, &mut schema),
        Effect::Honoured | Effect::NotYet(_) => {}
    }
    schema
}

fn of_kind(key: &Key) -> Value {
    match key.kind {
        Kind::Boolean(_) => number_or_flag(key, OptionKind::Bool),
        Kind::Integer(_) => number_or_flag(key, OptionKind::Integer { min: i64::MIN.into(), max: i64::MAX.into() }),
        Kind::Float(_) => number_or_flag(key, OptionKind::Number),
        Kind::Text(_) if !key.words.is_empty() => json!({ "enum": key.words }),
        Kind::Text(_) if key.required => json!({ "type": ["string", "number"], "minLength": 1 }),
        Kind::Text(_) => json!({ "type": ["string", "number", "null"] }),
        Kind::Texts(_) => json!({ "type": ["array", "null"], "items": { "type": "string" } }),
        Kind::TextsOrText => json!({ "type": ["array", "string", "null"], "items": { "type": "string" } }),
        Kind::Object => json!({ "type": ["object", "null"] }),
        Kind::Objects => json!({ "type": ["array", "null"], "items": { "type": "object" } }),
        Kind::Any => json!({}),
    }
}

/// In every form that the reader takes, as for an option of a monitor.
fn number_or_flag(key: &Key, kind: OptionKind) -> Value {
    let bound = |bound: f64| Number::Float(bound).to_value();
    option_schema(&OptionDecl {
        key: key.name,
        aliases: &[],
        doc: key.doc,
        kind,
        required: key.required,
        env: None,
        default: None,
        min: key.range.map(|(min, _)| bound(min)),
        max: key.range.map(|(_, max)| bound(max)),
        secret: false,
        no_http: false,
    })
}

/// What the key is for, and what becomes of it in this version.
fn description(key: &Key) -> String {
    match key.effect.note() {
        Some(note) => format!("{} {note}", key.doc),
        None => key.doc.to_owned(),
    }
}

/// Leaves only the values with which a refused key says nothing.
fn refuse(key: &Key, schema: &mut Value) {
    match key.kind {
        Kind::Boolean(_) => schema["enum"] = json!([false, 0, "false", null]),
        Kind::Objects | Kind::Texts(_) => schema["maxItems"] = 0.into(),
        _ => schema["enum"] = json!([null]),
    }
}
