//! Conversions of single values (`configuration.md` section 5), and how a value is shown in a message.

use std::fmt::Write as _;

use scalyr_monitor::config::literals;
use serde_json::{Number, Value};

/// Longer texts are cut in messages.
const SHOWN_CHARS: usize = 60;

/// A converted value, and what is odd about it.
#[derive(Debug, PartialEq)]
pub(super) struct Reading<T> {
    pub(super) value: T,
    pub(super) note: Option<String>,
}

impl<T> Reading<T> {
    fn plain(value: T) -> Self {
        Self { value, note: None }
    }
}

/// The kind of a value, with its article: `a list`.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A value as messages show it: short, on one line; lists and objects by their kind only.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.chars().count() > SHOWN_CHARS => {
            let start: String = text.chars().take(SHOWN_CHARS).collect();
            format!("{start:?}...")
        }
        Value::String(text) => format!("{text:?}"),
        Value::Array(_) | Value::Object(_) => kind(value).to_owned(),
        other => other.to_string(),
    }
}

/// The path of a member of the object at `path`; keys that would be misread are quoted.
pub(super) fn member_path(path: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
    let mut out = path.to_owned();
    if !out.is_empty() {
        out.push('.');
    }
    if plain {
        out.push_str(key);
    } else {
        _ = write!(out, "{key:?}");
    }
    out
}

/// A bool, one of the words for one, or 0 and 1. Words that the Python agent took for the other value get a note.
pub(super) fn boolean(value: &Value) -> Result<Reading<bool>, String> {
    let flag = literals::truth(value).ok_or_else(|| format!("{} is neither true nor false", shown(value)))?;
    let note = match value {
        Value::String(text) => {
            let old = !matches!(text.as_str(), "" | "f" | "false");
            (flag != old).then(|| format!("{} is read as {flag}; the Python agent took it as {old}", shown(value)))
        }
        _ => None,
    };
    Ok(Reading { value: flag, note })
}

/// A whole number; a fraction is cut off with a note. A text that holds a number is accepted.
pub(super) fn integer(value: &Value) -> Result<Reading<i64>, String> {
    let whole = literals::whole_number(value);
    match whole.and_then(|whole| Some((i64::try_from(whole.number).ok()?, whole.is_cut))) {
        Some((number, false)) => Ok(Reading::plain(number)),
        Some((number, true)) => {
            let note = format!("{} is cut to {number}: this must be a whole number", shown(value));
            Ok(Reading { value: number, note: Some(note) })
        }
        None if float(value).is_ok() => Err(format!("{} is too large for a whole number", shown(value))),
        None => Err(format!("{} is not a whole number", shown(value))),
    }
}

/// A finite number. A text that holds a number is accepted.
pub(super) fn float(value: &Value) -> Result<Reading<f64>, String> {
    match literals::number(value) {
        Some(number) if number.is_finite() => Ok(Reading::plain(number)),
        _ => Err(format!("{} is not a number", shown(value))),
    }
}

/// A text; a number is taken as its text.
pub(super) fn text(value: &Value) -> Result<Reading<String>, String> {
    match value {
        Value::String(text) => Ok(Reading::plain(text.clone())),
        Value::Number(number) => Ok(Reading::plain(number_text(number))),
        other => Err(format!("must be a text, but is {}", kind(other))),
    }
}

/// A list of texts.
pub(super) fn texts(value: &Value) -> Result<Reading<Vec<String>>, String> {
    let Value::Array(items) = value else {
        return Err(format!("must be a list of texts, [\"...\"], but is {}", kind(value)));
    };
    let texts = items.iter().enumerate().map(|(index, item)| match item {
        Value::String(text) => Ok(text.clone()),
        other => Err(format!("must be a list of texts, but element {index} is {}", kind(other))),
    });
    Ok(Reading::plain(texts.collect::<Result<_, _>>()?))
}

/// The texts of a list that is written as one text: `a, b`, `[a, b]`, `['a', "b"]` (`monitor-framework.md` section
/// 10.3, but only a comma separates).
pub(super) fn texts_in(text: &str) -> Vec<String> {
    let text = text.trim();
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let unquoted = |piece: &str| {
        let quotes = ['"', '\''].into_iter();
        let mut inner = quotes.filter_map(|quote| piece.strip_prefix(quote)?.strip_suffix(quote));
        inner.next().unwrap_or(piece).to_owned()
    };
    inner.split(',').map(str::trim).filter(|piece| !piece.is_empty()).map(unquoted).collect()
}

/// The text of a scalar as the Python agent prints it: `True`, `1.5`, `7`.
pub(super) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::Bool(true) => Some("True".to_owned()),
        Value::Bool(false) => Some("False".to_owned()),
        Value::Number(number) => Some(number_text(number)),
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

fn number_text(number: &Number) -> String {
    number.to_string()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;

    fn table<T: std::fmt::Debug>(read: impl Fn(&Value) -> Result<Reading<T>, String>, values: &[Value]) -> String {
        values
            .iter()
            .map(|value| match read(value) {
                Ok(Reading { value: read, note: None }) => format!("{value} -> {read:?}\n"),
                Ok(Reading { value: read, note: Some(note) }) => format!("{value} -> {read:?} ({note})\n"),
                Err(message) => format!("{value} -> error: {message}\n"),
            })
            .collect()
    }

    #[test]
    fn words_for_true_and_false_are_read_in_any_case() {
        let values = [
            json!(true),
            json!(0),
            json!(1),
            json!(2),
            json!("true"),
            json!("TRUE"),
            json!("no"),
            json!("Off"),
            json!("y"),
            json!("N"),
            json!("0"),
            json!("f"),
            json!(""),
            json!("maybe"),
            json!([]),
        ];
        expect![[r#"
            true -> true
            0 -> false
            1 -> true
            2 -> error: 2 is neither true nor false
            "true" -> true
            "TRUE" -> true
            "no" -> false ("no" is read as false; the Python agent took it as true)
            "Off" -> false ("Off" is read as false; the Python agent took it as true)
            "y" -> true
            "N" -> false ("N" is read as false; the Python agent took it as true)
            "0" -> false ("0" is read as false; the Python agent took it as true)
            "f" -> false
            "" -> false
            "maybe" -> error: "maybe" is neither true nor false
            [] -> error: a list is neither true nor false
        "#]]
        .assert_eq(&table(boolean, &values));
    }

    #[test]
    fn whole_numbers_may_be_texts_and_lose_their_fraction() {
        let values = [
            json!(5),
            json!(-5),
            json!(5.9),
            json!("5.9"),
            json!(" 1e3 "),
            json!("1_000"),
            json!("abc"),
            json!(""),
            json!(true),
            json!(u64::MAX),
            json!("inf"),
            json!("nan"),
            json!({}),
        ];
        expect![[r#"
            5 -> 5
            -5 -> -5
            5.9 -> 5 (5.9 is cut to 5: this must be a whole number)
            "5.9" -> 5 ("5.9" is cut to 5: this must be a whole number)
            " 1e3 " -> 1000
            "1_000" -> 1000
            "abc" -> error: "abc" is not a whole number
            "" -> error: "" is not a whole number
            true -> error: true is not a whole number
            18446744073709551615 -> error: 18446744073709551615 is too large for a whole number
            "inf" -> error: "inf" is not a whole number
            "nan" -> error: "nan" is not a whole number
            {} -> error: an object is not a whole number
        "#]]
        .assert_eq(&table(integer, &values));
    }

    #[test]
    fn numbers_are_finite() {
        let values = [json!(5), json!(0.25), json!("2.5"), json!("inf"), json!("NaN"), json!(false), json!("1,5")];
        expect![[r#"
            5 -> 5.0
            0.25 -> 0.25
            "2.5" -> 2.5
            "inf" -> error: "inf" is not a number
            "NaN" -> error: "NaN" is not a number
            false -> error: false is not a number
            "1,5" -> error: "1,5" is not a number
        "#]]
        .assert_eq(&table(float, &values));
    }

    #[test]
    fn texts_may_be_numbers_and_lists_hold_texts() {
        expect![[r#"
            "a" -> "a"
            5 -> "5"
            1.5 -> "1.5"
            true -> error: must be a text, but is true or false
            ["a"] -> error: must be a text, but is a list
        "#]]
        .assert_eq(&table(text, &[json!("a"), json!(5), json!(1.5), json!(true), json!(["a"])]));
        expect![[r#"
            ["a","b"] -> ["a", "b"]
            [] -> []
            "a" -> error: must be a list of texts, ["..."], but is a text
            ["a",1] -> error: must be a list of texts, but element 1 is a number
        "#]]
        .assert_eq(&table(texts, &[json!(["a", "b"]), json!([]), json!("a"), json!(["a", 1])]));
    }

    #[test]
    fn a_list_may_be_written_as_one_text() {
        for text in ["a,b", " a , b ", "[a, b]", "['a', \"b\"]", "a,,b,", "[ 'a' ,b ]"] {
            assert_eq!(texts_in(text), ["a", "b"], "{text}");
        }
        assert_eq!(texts_in("a b, 'c"), ["a b", "'c"]);
        for text in ["", "  ", "[]", ",", "[ , ]"] {
            assert_eq!(texts_in(text), [] as [&str; 0], "{text}");
        }
    }

    #[test]
    fn long_texts_are_cut_in_messages() {
        assert_eq!(shown(&json!("ä".repeat(61))), format!("{:?}...", "ä".repeat(60)));
        assert_eq!(member_path("a[0]", "b c"), "a[0].\"b c\"");
    }
}
