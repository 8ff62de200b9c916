//! What may stand in a monitor's entry, as JSON Schema (draft 2020-12): for editors, and for checks without the agent.
//!
//! A schema accepts all that the reader accepts, thus also a number that is written as text, and refuses what the reader
//! refuses as far as a schema can say it: the bounds of a number that is written as text, and a monitor's own checks,
//! are beyond it.

use serde_json::{Map, Value, json};

use crate::config::{Kind, OptionDecl};

/// Digits, perhaps with an underscore between two.
const DIGITS: &str = "[0-9](_?[0-9])*";
/// The words for true and false.
const TRUTHS: [&str; 13] = ["true", "t", "1", "yes", "y", "on", "false", "f", "0", "no", "n", "off", ""];

/// The schema of one option: its description, type in every form that is read, bounds and default.
pub fn option_schema(option: &OptionDecl) -> Value {
    let mut schema = kind_schema(&option.kind, option.min.as_ref(), option.max.as_ref());
    if !option.required {
        // A null counts as not given.
        allow_null(&mut schema);
    }
    schema.insert("description".to_owned(), option.doc.into());
    if let Some(default) = &option.default {
        schema.insert("default".to_owned(), default.clone());
    }
    if option.secret {
        schema.insert("writeOnly".to_owned(), true.into());
    }
    Value::Object(schema)
}

/// The schema of a value of a kind, between two bounds.
fn kind_schema(kind: &Kind, min: Option<&Value>, max: Option<&Value>) -> Map<String, Value> {
    let schema = match kind {
        Kind::Bool => {
            json!({ "type": ["boolean", "integer", "string"], "minimum": 0, "maximum": 1, "pattern": words(&TRUTHS) })
        }
        Kind::Integer { min: least, max: most } => return whole(*least, *most, min, max),
        Kind::Number => return number(min, max),
        Kind::Seconds => return number(Some(min.unwrap_or(&json!(0))), max),
        Kind::Text => json!({ "type": ["string", "number", "boolean"] }),
        Kind::Path | Kind::Pattern | Kind::Glob | Kind::Form(_) => json!({ "type": "string" }),
        Kind::Secret => json!({ "type": ["string", "number", "boolean"], "writeOnly": true }),
        Kind::List(element) | Kind::SpacedList(element) => {
            json!({ "type": ["array", "string"], "items": kind_schema(element, None, None) })
        }
        Kind::Map(member) => {
            json!({ "type": ["object", "string"], "additionalProperties": kind_schema(member, None, None) })
        }
        Kind::Any => json!({}),
    };
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}

/// A number or its text.
fn number(min: Option<&Value>, max: Option<&Value>) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!(["number", "string"]));
    schema.insert("pattern".to_owned(), number_pattern().into());
    for (key, bound) in [("minimum", min), ("maximum", max)] {
        if let Some(bound) = bound {
            schema.insert(key.to_owned(), bound.clone());
        }
    }
    schema
}

/// A whole number or its text. A fraction is cut off towards zero before the bounds are looked at, so at a bound that
/// is not of the other sign any fraction behind it is still allowed.
fn whole(least: i128, most: i128, min: Option<&Value>, max: Option<&Value>) -> Map<String, Value> {
    let bound = |bound: Option<&Value>| {
        bound.and_then(|bound| bound.as_i64().map(i128::from).or_else(|| bound.as_u64().map(i128::from)))
    };
    let least = bound(min).map_or(least, |min| min.max(least));
    let most = bound(max).map_or(most, |max| max.min(most));
    let mut schema = number(None, None);
    let (key, value) = if least > 0 { ("minimum", least) } else { ("exclusiveMinimum", least - 1) };
    schema.insert(key.to_owned(), integer(value));
    let (key, value) = if most < 0 { ("maximum", most) } else { ("exclusiveMaximum", most + 1) };
    schema.insert(key.to_owned(), integer(value));
    schema
}

fn integer(number: i128) -> Value {
    match (i64::try_from(number), u64::try_from(number)) {
        (Ok(number), _) => number.into(),
        (_, Ok(number)) => number.into(),
        _ => (number as f64).into(),
    }
}

fn number_pattern() -> String {
    format!(r"^\s*[+-]?({DIGITS}\.?({DIGITS})?|\.{DIGITS})([eE][+-]?{DIGITS})?\s*$")
}

/// One of these words in any case, with blanks around it.
fn words(words: &[&str]) -> String {
    let any_case = |word: &&str| -> String {
        word.chars()
            .map(|c| match c.is_ascii_alphabetic() {
                true => format!("[{}{}]", c.to_ascii_uppercase(), c.to_ascii_lowercase()),
                false => c.to_string(),
            })
            .collect()
    };
    format!(r"^\s*({})\s*$", words.iter().map(any_case).collect::<Vec<_>>().join("|"))
}

fn allow_null(schema: &mut Map<String, Value>) {
    match schema.get_mut("type") {
        Some(Value::Array(types)) => types.push("null".into()),
        Some(one) => *one = json!([one.clone(), "null"]),
        None => {}
    }
}
