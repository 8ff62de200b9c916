//! Whatever is written, nothing panics, and what is shown reads back to the same.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

/// Any JSON value, nested.
fn any_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![any::<String>(), "[ ,\\[\\]{}'\"_0-9a-zé.:-]{0,20}"];
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    scalar.prop_recursive(3, 20, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..5).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// Reads the value; a second reading of what was read gives the same, and a refusal says why.
fn settles<T: ConfigValue>(value: &Value) -> Result<(), TestCaseError> {
    let mut problems = Vec::new();
    match T::read(&mut Found::new(value, "option", "", &mut problems)) {
        Some(first) => {
            let again = read::<T>(first.to_value()).map_err(TestCaseError::fail)?;
            prop_assert_eq!(again.to_value(), first.to_value());
        }
        None => {
            prop_assert!(problems.iter().any(|problem| problem.severity == Severity::Refused));
            prop_assert!(problems.iter().all(|problem| problem.message.len() < 500));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_value_is_read_or_refused_with_a_reason(value in any_value()) {
        settles::<bool>(&value)?;
        settles::<i8>(&value)?;
        settles::<u64>(&value)?;
        settles::<isize>(&value)?;
        settles::<f32>(&value)?;
        settles::<f64>(&value)?;
        settles::<String>(&value)?;
        settles::<PathBuf>(&value)?;
        settles::<Duration>(&value)?;
        settles::<IpAddr>(&value)?;
        settles::<Option<u16>>(&value)?;
        settles::<Vec<String>>(&value)?;
        settles::<Vec<Option<f64>>>(&value)?;
        settles::<BTreeMap<String, Vec<i32>>>(&value)?;
        settles::<Map<String, Value>>(&value)?;
        settles::<HashMap<String, SpacedList<f32>>>(&value)?;
        settles::<Vec<Vec<String>>>(&value)?;
        settles::<Vec<Value>>(&value)?;
        settles::<SpacedList<String>>(&value)?;
        settles::<SocketAddr>(&value)?;
        settles::<HostPort>(&value)?;
        settles::<Glob>(&value)?;
        settles::<Pattern>(&value)?;
        settles::<Vec<Pattern>>(&value)?;
        settles::<Secret>(&value)?;
        settles::<Option<Vec<Secret>>>(&value)?;
        settles::<Value>(&value)?;
    }

    /// Whatever an entry holds, a reader gives a value or a reason, and never a secret.
    #[test]
    fn any_entry_and_environment_is_read_or_refused(given in any_value(), older in any_value(), text in ".*") {
        let all = TypedOption {
            aliases: &["older"],
            env: Some("X"),
            secret: true,
            no_http: true,
            ..option::<Vec<String>>("given", Absent::Refused)
        };
        let entry = json!({ "given": given, "older": older });
        let (value, told) = look_up_with(&all, entry, &[("X", &text)], false);
        prop_assert!(value.is_some() || told.iter().any(|told| told.starts_with("Refused")), "{told:?}");
        let marked = json!({ "given": [{ "hunter2": "hunter2" }, "hunter2", ["hunter2"]], "older": "hunter2" });
        let (_, told) = look_up_with(&all, marked, &[("X", "hunter2")], false);
        prop_assert!(!told.iter().any(|told| told.contains("hunter2")), "{told:?}");
    }

    #[test]
    fn any_text_is_a_pattern_or_refused_with_a_reason(text in r"([()\[\]{}?*+|^$\\.,:=!<>P#&~0-9a-z \n-]|\PC){0,25}") {
        if let Err(error) = Pattern::new(&text) {
            prop_assert!(error.to_string().contains(" is not a regular expression: "));
        }
        Glob::new(&text).matches(&text);
    }

    #[test]
    fn a_name_without_special_characters_matches_itself(name in "[^*?\\[]*", more in ".*") {
        prop_assert!(Glob::new(&name).matches(&name));
        let begins = format!("{name}*");
        prop_assert!(Glob::new(&begins).matches(&(name + &more)));
    }
}
