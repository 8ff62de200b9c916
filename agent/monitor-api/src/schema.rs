//! What may stand in a monitor's entry, as JSON Schema (draft 2020-12): for editors, and for checks without the agent.
//!
//! A schema accepts all that the reader accepts, thus also a number that is written as text, and refuses what the reader
//! refuses as far as a schema can say it: the bounds of a number that is written as text, and a monitor's own checks,
//! are beyond it.

use serde_json::{Map, Value, json};

use crate::config::{Kind, Number, OptionDecl, Word};

/// Digits, perhaps with an underscore between two.
const DIGITS: &str = "[0-9](_?[0-9])*";
/// The words for true and false.
const TRUTHS: [&str; 13] = ["true", "t", "1", "yes", "y", "on", "false", "f", "0", "no", "n", "off", ""];

/// The schema of one option: its description, type in every form that is read, bounds and default.
pub fn option_schema(option: &OptionDecl) -> Value {
    let mut schema = kind_schema(&option.kind, option.min.as_ref(), option.max.as_ref());
    if !option.required || option.env.is_some() {
        // A null counts as not given: a default is used then, or the environment.
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

/// The schema of a value of a kind, between two bounds; those of a list or a map hold for each element.
fn kind_schema(kind: &Kind, min: Option<&Value>, max: Option<&Value>) -> Map<String, Value> {
    match kind {
        Kind::Bool => schema(json!({
            "type": ["boolean", "integer", "string"], "minimum": 0, "maximum": 1, "pattern": words(&TRUTHS),
        })),
        Kind::Integer { min: least, max: most } => whole(*least, *most, min, max),
        Kind::Number => number(min, max),
        Kind::Seconds => number(Some(min.unwrap_or(&json!(0))), max),
        Kind::Text | Kind::Secret => schema(json!({ "type": ["string", "number", "boolean"] })),
        Kind::Pattern | Kind::Glob => schema(json!({ "type": ["string", "number"] })),
        Kind::Path | Kind::Form(_) => schema(json!({ "type": "string" })),
        Kind::List(element) | Kind::SpacedList(element) => {
            schema(json!({ "type": ["array", "string"], "items": inner(element, min, max) }))
        }
        Kind::Map(member) => {
            schema(json!({ "type": ["object", "string"], "additionalProperties": inner(member, min, max) }))
        }
        Kind::Words(all) => one_of_words(all),
        Kind::Any => Map::new(),
    }
}

/// The schema of an element or a member. Whether it may be absent is not known here, so a null is let through.
fn inner(kind: &Kind, min: Option<&Value>, max: Option<&Value>) -> Map<String, Value> {
    let mut schema = kind_schema(kind, min, max);
    allow_null(&mut schema);
    schema
}

/// The words, each with what it means for the editor that offers it; then all spellings that are read, older ones and
/// other capitals among them. A word may be a number, or `true`.
fn one_of_words(all: &[Word]) -> Map<String, Value> {
    let offered = all.iter().map(|word| json!({ "const": word.name, "description": word.doc }));
    let spellings: Vec<&str> = all.iter().flat_map(|word| [&[word.name], word.aliases].concat()).collect();
    let read = json!({ "type": "string", "pattern": words(&spellings) });
    // What is no text is read by its JSON: `mode: true`, `level: 2`.
    let plain =
        spellings.iter().filter_map(|word| serde_json::from_str::<Value>(word).ok()).filter(|value| !value.is_null());
    let plain = plain.map(|value| json!({ "const": value }));
    let any: Vec<Value> = offered.chain([read]).chain(plain).collect();
    Map::from_iter([("anyOf".to_owned(), any.into())])
}

fn schema(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// A number or its text.
fn number(min: Option<&Value>, max: Option<&Value>) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!(["number", "string"]));
    for (key, bound) in [("minimum", min), ("maximum", max)] {
        if let Some(bound) = bound {
            schema.insert(key.to_owned(), bound.clone());
        }
    }
    schema.insert("pattern".to_owned(), number_pattern().into());
    schema
}

/// A whole number or its text. A fraction is cut off towards zero before the bounds are looked at, so `-0.5` is within
/// a minimum of 0, and `10.5` within a maximum of 10.
fn whole(least: i128, most: i128, min: Option<&Value>, max: Option<&Value>) -> Map<String, Value> {
    let read = |bound: &Value| bound.as_i64().map(i128::from).or_else(|| bound.as_u64().map(i128::from));
    let least = min.and_then(read).map_or(least, |min| min.max(least));
    let most = max.and_then(read).map_or(most, |max| max.min(most));
    let mut schema = number(None, None);
    let mut insert = |key: &str, bound: i128| schema.insert(key.to_owned(), Number::Integer(bound).to_value());
    // So far out there are no fractions, and some judges see only the nearest f64.
    let is_far = |bound: i128| bound.abs() > 1 << 53;
    match least > 0 || is_far(least) {
        true => insert("minimum", least),
        false => insert("exclusiveMinimum", least - 1),
    };
    match most < 0 || is_far(most) {
        true => insert("maximum", most),
        false => insert("exclusiveMaximum", most + 1),
    };
    schema
}

fn number_pattern() -> String {
    format!(r"^\s*[+-]?({DIGITS}\.?({DIGITS})?|\.{DIGITS})([eE][+-]?{DIGITS})?\s*$")
}

/// One of these words in any case, with blanks around it.
fn words(words: &[&str]) -> String {
    let any_case = |word: &&str| -> String {
        word.chars()
            .map(|c| match c {
                _ if c.is_ascii_alphabetic() => format!("[{}{}]", c.to_ascii_uppercase(), c.to_ascii_lowercase()),
                _ if r"\^$.|?*+()[]{}/".contains(c) => format!("\\{c}"),
                _ => c.to_string(),
            })
            .collect()
    };
    format!(r"^\s*({})\s*$", words.iter().map(any_case).collect::<Vec<_>>().join("|"))
}

fn allow_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(any)) = schema.get_mut("anyOf") {
        any.push(json!({ "type": "null" }));
        return;
    }
    match schema.get_mut("type") {
        Some(Value::Array(types)) => types.push("null".into()),
        Some(one) => *one = json!([one.clone(), "null"]),
        None => {}
    }
}

#[cfg(test)]
#[cfg(feature = "patterns")]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use expect_test::expect;
    use proptest::prelude::*;

    use super::*;
    use crate::config::{Absent, Bounded, Bounds, ConfigValue, Glob, HostPort, Reader, Secret, TypedOption, reading};
    use crate::registry::Environment;

    fn option<T: ConfigValue>(absent: Absent<T>) -> TypedOption<T> {
        TypedOption {
            key: "x",
            aliases: &[],
            doc: "What it is.",
            reading: reading(),
            env: None,
            absent,
            bounds: None,
            check: None,
            secret: false,
            no_http: false,
        }
    }

    /// An option of numbers from 1 to 10.
    fn bounded<T: Bounded>(min: fn() -> Number, max: fn() -> Number) -> TypedOption<T> {
        let bounds = Bounds { min: Some(min), max: Some(max), measure: T::measure };
        TypedOption { bounds: Some(bounds), ..option(Absent::Refused) }
    }

    fn schema_of<T>(option: &TypedOption<T>) -> Value {
        use crate::config::DescribeOption as _;
        option_schema(&option.describe())
    }

    /// Judges a value by the words that [`option_schema`] uses, as draft 2020-12 defines them.
    fn conforms(value: &Value, schema: &Value) -> bool {
        let is_of = |name: &Value| match (name.as_str().unwrap(), value) {
            ("null", Value::Null) | ("boolean", Value::Bool(_)) | ("string", Value::String(_)) => true,
            ("number", Value::Number(_)) | ("array", Value::Array(_)) | ("object", Value::Object(_)) => true,
            ("integer", Value::Number(number)) => number.as_f64().unwrap().fract() == 0.0,
            _ => false,
        };
        let judged = |(word, rule): (&String, &Value)| match (word.as_str(), value) {
            ("type", _) => rule.as_array().map_or_else(|| is_of(rule), |names| names.iter().any(is_of)),
            ("minimum", Value::Number(number)) => number.as_f64() >= rule.as_f64(),
            ("maximum", Value::Number(number)) => number.as_f64() <= rule.as_f64(),
            ("exclusiveMinimum", Value::Number(number)) => number.as_f64() > rule.as_f64(),
            ("exclusiveMaximum", Value::Number(number)) => number.as_f64() < rule.as_f64(),
            ("pattern", Value::String(text)) => {
                fancy_regex::Regex::new(rule.as_str().unwrap()).unwrap().is_match(text.as_str()).unwrap()
            }
            ("items", Value::Array(elements)) => elements.iter().all(|element| conforms(element, rule)),
            ("additionalProperties", Value::Object(members)) => members.values().all(|member| conforms(member, rule)),
            ("minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum", _) => true,
            ("pattern" | "items" | "additionalProperties" | "description" | "default" | "writeOnly", _) => true,
            (word, _) => panic!("{word} is not known to this test"),
        };
        schema.as_object().unwrap().iter().all(judged)
    }

    fn is_read<T>(option: &TypedOption<T>, value: &Value) -> bool {
        let entry = Map::from_iter([("x".to_owned(), value.clone())]);
        Reader::new(&entry, &Environment::default()).read(option).is_some()
    }

    #[test]
    fn a_schema_says_type_bounds_default_and_what_it_is() {
        let hosts = option::<Vec<String>>(Absent::Default(|| vec!["a".to_owned()]));
        let password = option::<Option<Secret>>(Absent::Nothing(|| None));
        let all = [
            schema_of(&bounded::<f64>(|| f64::limit(1.0), || f64::limit(10.0))),
            schema_of(&bounded::<Vec<u8>>(|| u8::limit(0), || u8::limit(10))),
            schema_of(&hosts),
            schema_of(&password),
        ];
        let text: Vec<String> = all.iter().map(|schema| serde_json::to_string_pretty(schema).unwrap()).collect();
        expect![[r#"
            {
              "type": [
                "number",
                "string"
              ],
              "minimum": 1,
              "maximum": 10,
              "pattern": "^\\s*[+-]?([0-9](_?[0-9])*\\.?([0-9](_?[0-9])*)?|\\.[0-9](_?[0-9])*)([eE][+-]?[0-9](_?[0-9])*)?\\s*$",
              "description": "What it is."
            }
            {
              "type": [
                "array",
                "string"
              ],
              "items": {
                "type": [
                  "number",
                  "string",
                  "null"
                ],
                "pattern": "^\\s*[+-]?([0-9](_?[0-9])*\\.?([0-9](_?[0-9])*)?|\\.[0-9](_?[0-9])*)([eE][+-]?[0-9](_?[0-9])*)?\\s*$",
                "exclusiveMinimum": -1,
                "exclusiveMaximum": 11
              },
              "description": "What it is."
            }
            {
              "type": [
                "array",
                "string",
                "null"
              ],
              "items": {
                "type": [
                  "string",
                  "number",
                  "boolean",
                  "null"
                ]
              },
              "description": "What it is.",
              "default": [
                "a"
              ]
            }
            {
              "type": [
                "string",
                "number",
                "boolean",
                "null"
              ],
              "description": "What it is.",
              "writeOnly": true
            }
        "#]].assert_eq(&(text.join("\n") + "\n"));
    }

    #[test]
    fn a_null_conforms_where_the_environment_may_give_the_value() {
        let named = TypedOption { env: Some("X"), ..option::<u8>(Absent::Refused) };
        assert!(conforms(&json!(null), &schema_of(&named)));
        assert!(!conforms(&json!(null), &schema_of(&option::<u8>(Absent::Refused))));
    }

    #[test]
    fn a_schema_refuses_what_the_reader_refuses_as_far_as_it_can() {
        let refused = |schema: &Value, values: &[Value]| {
            for value in values {
                assert!(!conforms(value, schema), "{value} conforms to {schema}");
            }
        };
        let whole = schema_of(&bounded::<i32>(|| i32::limit(0), || i32::limit(10)));
        refused(&whole, &[json!(-1), json!(11), json!(true), json!("x"), json!(""), json!([1]), json!(null)]);
        refused(&schema_of(&option::<u8>(Absent::Refused)), &[json!(256), json!(-1), json!({})]);
        refused(&schema_of(&option::<bool>(Absent::Refused)), &[json!(2), json!("maybe"), json!(0.5), json!([])]);
        refused(&schema_of(&option::<Duration>(Absent::Refused)), &[json!(-0.5), json!("soon"), json!(true)]);
        refused(&schema_of(&option::<String>(Absent::Refused)), &[json!([]), json!({}), json!(null)]);
        let ports = schema_of(&bounded::<Vec<u16>>(|| u16::limit(1), || u16::limit(99)));
        refused(&ports, &[json!([0]), json!([1, 100]), json!(["x"]), json!(5), json!({})]);
        let map = schema_of(&option::<BTreeMap<String, Vec<bool>>>(Absent::Refused));
        refused(&map, &[json!([]), json!({ "a": [2] }), json!({ "a": 1 })]);
    }

    /// Any value, and those near the edges of what is read.
    fn any_value() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            any::<String>(),
            "[ ]?[+-]?[0-9_]{0,3}[.]?[0-9_]{0,2}([eE][+-]?[0-9_]{1,2})?[ ]?",
            "[ ]?(TRUE|yes|oN|off|n|f|0|1|)[ ]?",
        ];
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-20_i64..300).prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-12.0..12.0).prop_map(Value::from),
            prop::sample::select(vec![i64::MIN, i64::MAX, -1, 0, 1, 10, 11, 255, 256]).prop_map(Value::from),
            text.prop_map(Value::from),
        ];
        scalar.prop_recursive(2, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..4).prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn what_the_reader_accepts_conforms_to_the_schema(value in any_value()) {
            fn agrees<T>(option: &TypedOption<T>, value: &Value) -> Result<(), TestCaseError> {
                let schema = schema_of(option);
                prop_assert!(!is_read(option, value) || conforms(value, &schema), "{} against {}", value, schema);
                Ok(())
            }
            agrees(&option::<bool>(Absent::Refused), &value)?;
            agrees(&option::<i8>(Absent::Refused), &value)?;
            agrees(&option::<i64>(Absent::Refused), &value)?;
            agrees(&option::<u64>(Absent::Refused), &value)?;
            agrees(&option::<Option<usize>>(Absent::Nothing(|| None)), &value)?;
            agrees(&bounded::<i32>(|| i32::limit(0), || i32::limit(10)), &value)?;
            agrees(&bounded::<i32>(|| i32::limit(-5), || i32::limit(-2)), &value)?;
            agrees(&bounded::<u8>(|| u8::limit(1), || u8::limit(10)), &value)?;
            agrees(&bounded::<f64>(|| f64::limit(-0.5), || f64::limit(10.0)), &value)?;
            agrees(&bounded::<Duration>(|| Duration::limit(Duration::from_secs(1)), || Number::Float(9.0)), &value)?;
            agrees(&option::<f32>(Absent::Default(|| 1.0)), &value)?;
            agrees(&option::<Duration>(Absent::Refused), &value)?;
            agrees(&option::<String>(Absent::Refused), &value)?;
            agrees(&option::<Secret>(Absent::Refused), &value)?;
            agrees(&option::<Glob>(Absent::Refused), &value)?;
            agrees(&option::<HostPort>(Absent::Refused), &value)?;
            agrees(&option::<std::path::PathBuf>(Absent::Refused), &value)?;
            agrees(&option::<Vec<Option<u16>>>(Absent::Refused), &value)?;
            agrees(&bounded::<Vec<u16>>(|| u16::limit(1), || u16::limit(99)), &value)?;
            agrees(&option::<BTreeMap<String, Vec<bool>>>(Absent::Refused), &value)?;
            agrees(&option::<Map<String, Value>>(Absent::Refused), &value)?;
            agrees(&option::<Value>(Absent::Refused), &value)?;
        }
    }
}
