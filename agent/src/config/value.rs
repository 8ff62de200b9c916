//! Conversions of single values (`configuration.md` section 5), and how a value is shown in a message.

use std::fmt::Write as _;

use scalyr_monitor::config::literals;
use serde_json::{Number, Value};

use super::report::Kind;

/// Longer texts are cut in messages.
const SHOWN_CHARS: usize = 60;

/// A converted value, and what is odd about the conversion: a [`Kind::Conversion`].
#[derive(Debug, PartialEq)]
pub(super) struct Reading<T> {
    pub(super) value: T,
    pub(super) note: Option<String>,
}

impl<T> Reading<T> {
    pub(super) fn plain(value: T) -> Self {
        Self { value, note: None }
    }

    pub(super) fn map<U>(self, convert: impl FnOnce(T) -> U) -> Reading<U> {
        Reading { value: convert(self.value), note: self.note }
    }
}

/// Why a value cannot be converted.
#[derive(Debug, PartialEq)]
pub(super) struct Misfit {
    pub(super) kind: Kind,
    /// What was found, and what is allowed.
    pub(super) message: String,
}

impl Misfit {
    /// It is of another type.
    pub(super) fn of_type(message: impl Into<String>) -> Self {
        Self { kind: Kind::Type, message: message.into() }
    }

    /// It is too small or too large.
    pub(super) fn of_range(message: impl Into<String>) -> Self {
        Self { kind: Kind::Range, message: message.into() }
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
pub(super) fn boolean(value: &Value) -> Result<Reading<bool>, Misfit> {
    let old = value.as_str().map(|text| !matches!(text, "" | "f" | "false"));
    boolean_unlike(value, old)
}

/// The same for the text of a variable, where the Python agent knew only one word for true.
pub(super) fn boolean_of_variable(text: &str) -> Result<Reading<bool>, Misfit> {
    boolean_unlike(&Value::from(text), Some(text.eq_ignore_ascii_case("true")))
}

/// A bool that the Python agent took for `old`.
fn boolean_unlike(value: &Value, old: Option<bool>) -> Result<Reading<bool>, Misfit> {
    let flag =
        literals::truth(value).ok_or_else(|| Misfit::of_type(format!("{} is neither true nor false", shown(value))))?;
    let note = old
        .filter(|old| *old != flag)
        .map(|old| format!("{} is read as {flag}; the Python agent took it as {old}", shown(value)));
    Ok(Reading { value: flag, note })
}

/// A whole number; a fraction is cut off with a note. A text that holds a number is accepted.
pub(super) fn integer(value: &Value) -> Result<Reading<i64>, Misfit> {
    let whole = literals::whole_number(value);
    match whole.and_then(|whole| Some((i64::try_from(whole.number).ok()?, whole.is_cut))) {
        Some((number, false)) => Ok(Reading::plain(number)),
        Some((number, true)) => {
            let note = format!("{} is cut to {number}: this must be a whole number", shown(value));
            Ok(Reading { value: number, note: Some(note) })
        }
        None if float(value).is_ok() => {
            Err(Misfit::of_range(format!("{} is too large for a whole number", shown(value))))
        }
        None => Err(Misfit::of_type(format!("{} is not a whole number", shown(value)))),
    }
}

/// The same for the text of a variable, which must be written without a fraction and without an exponent.
pub(super) fn integer_of_variable(text: &str) -> Result<Reading<i64>, Misfit> {
    let digits = text.trim();
    let digits = digits.strip_prefix(['+', '-']).unwrap_or(digits);
    if digits.is_empty() || digits.contains(|c: char| !c.is_ascii_digit() && c != '_') {
        let shown = shown(&Value::from(text));
        return Err(Misfit::of_type(format!("{shown} is not a whole number, written with digits only")));
    }
    integer(&Value::from(text))
}

/// A finite number. A text that holds a number is accepted.
pub(super) fn float(value: &Value) -> Result<Reading<f64>, Misfit> {
    match literals::number(value) {
        Some(number) if number.is_finite() => Ok(Reading::plain(number)),
        Some(number) if !number.is_nan() => {
            Err(Misfit::of_range(format!("{} is infinite, and no number that can be used", shown(value))))
        }
        _ => Err(Misfit::of_type(format!("{} is not a number", shown(value)))),
    }
}

/// A text; a number is taken as its text.
pub(super) fn text(value: &Value) -> Result<Reading<String>, Misfit> {
    match value {
        Value::String(text) => Ok(Reading::plain(text.clone())),
        Value::Number(number) => Ok(Reading::plain(number_text(number))),
        other => Err(Misfit::of_type(format!("must be a text, but is {}", kind(other)))),
    }
}

/// A list of texts.
pub(super) fn texts(value: &Value) -> Result<Reading<Vec<String>>, Misfit> {
    let Value::Array(items) = value else {
        return Err(Misfit::of_type(format!("must be a list of texts, [\"...\"], but is {}", kind(value))));
    };
    let texts = items.iter().enumerate().map(|(index, item)| match item {
        Value::String(text) => Ok(text.clone()),
        other => Err(Misfit::of_type(format!("must be a list of texts, but element {index} is {}", kind(other)))),
    });
    Ok(Reading::plain(texts.collect::<Result<_, _>>()?))
}

/// The texts of a list that is written as one text: `a, b`, `[a, b]`, `['a', "b"]` (`monitor-framework.md` section
/// 10.3).
pub(super) fn texts_in(text: &str, separates: impl Fn(char) -> bool) -> Vec<String> {
    let text = text.trim();
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let unquoted = |piece: &str| {
        let quotes = ['"', '\''].into_iter();
        let mut inner = quotes.filter_map(|quote| piece.strip_prefix(quote)?.strip_suffix(quote));
        inner.next().unwrap_or(piece).to_owned()
    };
    inner.split(separates).map(str::trim).filter(|piece| !piece.is_empty()).map(unquoted).collect()
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

    fn table<T: std::fmt::Debug>(read: impl Fn(&Value) -> Result<Reading<T>, Misfit>, values: &[Value]) -> String {
        values
            .iter()
            .map(|value| match read(value) {
                Ok(Reading { value: read, note: None }) => format!("{value} -> {read:?}\n"),
                Ok(Reading { value: read, note: Some(note) }) => format!("{value} -> {read:?} ({note})\n"),
                Err(Misfit { kind, message }) => format!("{value} -> {kind:?}: {message}\n"),
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
            2 -> Type: 2 is neither true nor false
            "true" -> true
            "TRUE" -> true
            "no" -> false ("no" is read as false; the Python agent took it as true)
            "Off" -> false ("Off" is read as false; the Python agent took it as true)
            "y" -> true
            "N" -> false ("N" is read as false; the Python agent took it as true)
            "0" -> false ("0" is read as false; the Python agent took it as true)
            "f" -> false
            "" -> false
            "maybe" -> Type: "maybe" is neither true nor false
            [] -> Type: a list is neither true nor false
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
            "abc" -> Type: "abc" is not a whole number
            "" -> Type: "" is not a whole number
            true -> Type: true is not a whole number
            18446744073709551615 -> Range: 18446744073709551615 is too large for a whole number
            "inf" -> Type: "inf" is not a whole number
            "nan" -> Type: "nan" is not a whole number
            {} -> Type: an object is not a whole number
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
            "inf" -> Range: "inf" is infinite, and no number that can be used
            "NaN" -> Type: "NaN" is not a number
            false -> Type: false is not a number
            "1,5" -> Type: "1,5" is not a number
        "#]]
        .assert_eq(&table(float, &values));
    }

    #[test]
    fn texts_may_be_numbers_and_lists_hold_texts() {
        expect![[r#"
            "a" -> "a"
            5 -> "5"
            1.5 -> "1.5"
            true -> Type: must be a text, but is true or false
            ["a"] -> Type: must be a text, but is a list
        "#]]
        .assert_eq(&table(text, &[json!("a"), json!(5), json!(1.5), json!(true), json!(["a"])]));
        expect![[r#"
            ["a","b"] -> ["a", "b"]
            [] -> []
            "a" -> Type: must be a list of texts, ["..."], but is a text
            ["a",1] -> Type: must be a list of texts, but element 1 is a number
        "#]]
        .assert_eq(&table(texts, &[json!(["a", "b"]), json!([]), json!("a"), json!(["a", 1])]));
    }

    #[test]
    fn a_list_may_be_written_as_one_text() {
        let by_comma = |text| texts_in(text, |c| c == ',');
        let by_blank = |text| texts_in(text, |c| c == ',' || c.is_whitespace());
        for text in ["a,b", " a , b ", "[a, b]", "['a', \"b\"]", "\"a\",\"b\"", "a,,b,", "[ 'a' ,b ]"] {
            assert_eq!(by_comma(text), ["a", "b"], "{text}");
            assert_eq!(by_blank(text), ["a", "b"], "{text}");
        }
        assert_eq!(by_comma("a b, 'c"), ["a b", "'c"]);
        assert_eq!(by_blank("a b\t'c"), ["a", "b", "'c"]);
        for text in ["", "  ", "[]", ",", "[ , ]"] {
            assert_eq!(by_comma(text), [] as [&str; 0], "{text}");
            assert_eq!(by_blank(text), [] as [&str; 0], "{text}");
        }
    }

    #[test]
    fn long_texts_are_cut_in_messages() {
        assert_eq!(shown(&json!("ä".repeat(61))), format!("{:?}...", "ä".repeat(60)));
        assert_eq!(member_path("a[0]", "b c"), "a[0].\"b c\"");
    }
}
