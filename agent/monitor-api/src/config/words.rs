//! Options that are one of a few words: an enum with `#[derive(ConfigValue)]`.

use serde_json::Value;

use super::kind::{Kind, Word};
use super::value::Found;
use crate::nearest;
use crate::problem::ProblemKind;

/// Which of the words was found, by its place among them. Capitals and blanks around it do not matter; an older
/// spelling is read with a warning, and anything else refused, with all words that there are.
pub fn read(found: &mut Found<'_>, words: &'static [Word]) -> Option<usize> {
    let text = match found.value() {
        Value::String(text) => text.trim().to_owned(),
        // `mode: true` and `level: 2` mean the words `true` and `2` where there are such.
        value @ (Value::Bool(_) | Value::Number(_)) => value.to_string(),
        _ => return found.refuse_kind(Kind::Words(words)),
    };
    let is_it = |word: &str| word.eq_ignore_ascii_case(&text);
    if let Some(at) = words.iter().position(|word| is_it(word.name)) {
        return Some(at);
    }
    if let Some((at, word)) = words.iter().enumerate().find(|(_, word)| word.aliases.iter().any(|alias| is_it(alias))) {
        let (given, name) = (found.shown(), word.name);
        found.warn_as(ProblemKind::Obsolete, format_args!("{given} is an older spelling of \"{name}\""), "write that");
        return Some(at);
    }
    let (given, allowed) = (found.shown(), Kind::Words(words));
    let near = nearest::nearest(&text, words.iter().map(|word| word.name));
    let hint = near.first().map(|near| format!("did you mean \"{near}\"?")).unwrap_or_default();
    found.refuse_as(ProblemKind::Choice, format_args!("{given} is not {allowed}"), &hint)
}

/// A word as a user would write it.
pub fn to_value(word: &'static str) -> Value {
    word.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::registry::Severity;

    const WORDS: &[Word] = &[
        Word { name: "tcp", aliases: &["stream"], doc: "" },
        Word { name: "udp", aliases: &[], doc: "" },
        Word { name: "plain_text", aliases: &[], doc: "" },
        Word { name: "true", aliases: &[], doc: "" },
    ];

    /// Which word it is, and what is said about it.
    fn told(value: Value) -> (Option<usize>, Vec<String>) {
        let mut problems = Vec::new();
        let read = read(&mut Found::new(&value, "mode", "", &mut problems), WORDS);
        let mark = |severity| if severity == Severity::Warning { "?" } else { "" };
        (read, problems.iter().map(|problem| format!("{}{}", mark(problem.severity), problem.text())).collect())
    }

    #[test]
    fn a_word_is_read_whatever_its_capitals() {
        assert_eq!(told(json!("tcp")), (Some(0), vec![]));
        assert_eq!(told(json!(" UDP\n")), (Some(1), vec![]));
        assert_eq!(told(json!(true)), (Some(3), vec![]));
        let warning = r#"?"Stream" is an older spelling of "tcp"; write that"#.to_owned();
        assert_eq!(told(json!("Stream")), (Some(0), vec![warning]));
    }

    #[test]
    fn another_word_is_refused_with_those_that_there_are() {
        let all = r#""tcp", "udp", "plain_text" or "true""#;
        assert_eq!(
            told(json!("plaintext")),
            (None, vec![format!(r#""plaintext" is not {all}; did you mean "plain_text"?"#)])
        );
        assert_eq!(told(json!("http")), (None, vec![format!(r#""http" is not {all}"#)]));
        assert_eq!(told(json!("")), (None, vec![format!(r#""" is not {all}"#)]));
        assert_eq!(told(json!(["tcp"])), (None, vec![format!("a list is not {all}")]));
    }
}
