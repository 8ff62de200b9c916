//! Texts of the reference that are made of other texts.

use serde_json::Value;

/// The first sentence of a doc comment, on one line.
pub(crate) fn first_sentence(doc: &str) -> String {
    let paragraph = doc.split("\n\n").next().unwrap_or_default();
    let text = on_one_line(paragraph);
    let end = text.match_indices(". ").map(|(at, _)| at).find(|at| !ends_in_abbreviation(&text[..*at]));
    end.map_or(text.clone(), |end| text[..=end].to_owned())
}

fn ends_in_abbreviation(text: &str) -> bool {
    ["e.g", "i.e", "etc", "vs"].iter().any(|abbreviation| text.ends_with(abbreviation))
}

/// A text with its line breaks made blanks.
pub(super) fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A value as a user would write it.
pub(super) fn written(value: &Value) -> String {
    match value {
        Value::Array(elements) => format!("[{}]", elements.iter().map(written).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// No disk, no timer and no counter of a host comes near; a bound beyond it only keeps arithmetic sound.
const BEYOND_REASON: f64 = 3e9;

/// The bounds of a number: `0 to 10`, `at least 1`. `None` when nothing is bounded that anybody would run into.
pub(super) fn bounds(min: Option<&Value>, max: Option<&Value>) -> Option<String> {
    let near = |bound: &&Value| bound.as_f64().is_some_and(|bound| bound.abs() < BEYOND_REASON);
    match (min.filter(near), max.filter(near)) {
        (Some(min), Some(max)) => Some(format!("{min} to {max}")),
        (Some(min), None) => Some(format!("at least {min}")),
        (None, Some(max)) => Some(format!("at most {max}")),
        (None, None) => None,
    }
}

/// `a, b or c`
pub(super) fn either(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [word] => word.clone(),
        [words @ .., last] => format!("{} or {last}", words.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_sentence_ends_at_its_full_stop() {
        assert_eq!(first_sentence("Reads it. And more."), "Reads it.");
        assert_eq!(first_sentence("Reads 1.5 files\nof /proc/net. More"), "Reads 1.5 files of /proc/net.");
        assert_eq!(first_sentence("Takes text, e.g. a name. More."), "Takes text, e.g. a name.");
        assert_eq!(first_sentence("No full stop\n\nAnother paragraph."), "No full stop");
        assert_eq!(first_sentence(""), "");
    }

    #[test]
    fn bounds_are_named_where_somebody_may_run_into_them() {
        assert_eq!(bounds(Some(&json!(0)), Some(&json!(10))), Some("0 to 10".to_owned()));
        assert_eq!(bounds(Some(&json!(0.1)), Some(&json!(1e18))), Some("at least 0.1".to_owned()));
        assert_eq!(bounds(None, Some(&json!(-1))), Some("at most -1".to_owned()));
        assert_eq!(bounds(Some(&json!(i64::MIN)), None), None);
    }
}
