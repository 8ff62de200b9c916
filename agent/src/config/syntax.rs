//! The syntax: text → values. JSON5 for now; the old dialect is still to come.

use std::fmt;

use json5::ErrorCode;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::report::{Place, Position, Problem, Report, Severity};
use super::value;

/// How deep objects and lists may lie in each other: the parser recurses, and its stack is bounded.
const MAX_DEPTH: usize = 200;

/// Reads a text whose top level is an object. Members that are null are left out, as if they were not there; a key
/// that is given twice gets a warning, and its last value counts (`configuration.md` section 2).
///
/// # Errors
/// One fatal problem, with its line and column when the syntax is wrong.
pub(super) fn parse_object(text: &str, source: &str, report: &mut Report) -> Result<Map<String, Value>, Problem> {
    let fatal = |position, message| Problem {
        severity: Severity::Fatal,
        place: Place { source: source.to_owned(), path: String::new(), position },
        message,
    };
    if text.trim().is_empty() {
        return Err(fatal(None, "is empty; it must hold an object, { ... }".to_owned()));
    }
    if let Some(offset) = too_deep(text) {
        let message = format!("objects and lists lie in each other more than {MAX_DEPTH} levels deep");
        return Err(fatal(Some(position_of(text, offset)), message));
    }
    let tree: Tree = json5::from_str(text).map_err(|error| {
        let (position, message) = explain(&error, text);
        fatal(Some(position), message)
    })?;
    match tree.into_value("", report) {
        Value::Object(values) => Ok(values),
        other => Err(fatal(None, format!("must be an object, {{ ... }}, but is {}", value::kind(&other)))),
    }
}

/// A value as it stands in the text, with keys that are given twice.
enum Tree {
    Leaf(Value),
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

impl Tree {
    fn into_value(self, path: &str, report: &mut Report) -> Value {
        match self {
            Self::Leaf(value) => value,
            Self::List(items) => items
                .into_iter()
                .enumerate()
                .map(|(index, item)| item.into_value(&format!("{path}[{index}]"), report))
                .collect(),
            Self::Object(members) => {
                let mut values = Map::new();
                for (key, member) in members {
                    let path = value::member_path(path, &key);
                    let member = member.into_value(&path, report);
                    if values.insert(key, member).is_some() {
                        report.warn(path, "is given twice; the last one counts");
                    }
                }
                values.retain(|_, value| !value.is_null());
                Value::Object(values)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Tree, E> {
        Ok(Tree::Leaf(Value::Null))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    /// `NaN` and `Infinity`, also by way of `1e400`, are no numbers of a configuration.
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Tree, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("this is not a finite number"))?;
        Ok(Tree::Leaf(number.into()))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(Tree::Object(members))
    }
}

/// Where the text first goes deeper than [`MAX_DEPTH`], as a byte offset.
fn too_deep(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut chars = text.char_indices().peekable();
    while let Some((offset, c)) = chars.next() {
        match c {
            '{' | '[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Some(offset);
                }
            }
            '}' | ']' => depth = depth.saturating_sub(1),
            '"' | '\'' => {
                while let Some((_, inside)) = chars.next() {
                    match inside {
                        '\\' => _ = chars.next(),
                        _ if inside == c => break,
                        _ => {}
                    }
                }
            }
            '/' => match chars.peek() {
                Some((_, '/')) => while chars.next().is_some_and(|(_, c)| !json5::char::is_json5_line_terminator(c)) {},
                Some((_, '*')) => {
                    chars.next();
                    let mut star = false;
                    for (_, c) in chars.by_ref() {
                        if star && c == '/' {
                            break;
                        }
                        star = c == '*';
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
    None
}

/// The line and column of a byte offset.
fn position_of(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let Json5Place { line, column } = json5_place(before);
    Position { line: line + 1, column: column + 1 }
}

/// The end of a text as json5 counts it: from 0, CRLF as one.
fn json5_place(text: &str) -> Json5Place {
    let mut place = Json5Place { line: 0, column: 0 };
    let mut after_cr = false;
    for c in text.chars() {
        if c == '\n' && after_cr {
            after_cr = false;
            continue;
        }
        after_cr = c == '\r';
        if json5::char::is_json5_line_terminator(c) {
            place = Json5Place { line: place.line + 1, column: 0 };
        } else {
            place.column += 1;
        }
    }
    place
}

struct Json5Place {
    line: usize,
    column: usize,
}

/// The byte offset of a position that json5 tells.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let mut chars = text.char_indices().peekable();
    let (mut at_line, mut at_column) = (0, 0);
    while let Some(&(offset, c)) = chars.peek() {
        if (at_line, at_column) == (line, column) {
            return offset;
        }
        chars.next();
        if json5::char::is_json5_line_terminator(c) {
            if c == '\r' && chars.peek().is_some_and(|(_, next)| *next == '\n') {
                chars.next();
            }
            (at_line, at_column) = (at_line + 1, 0);
        } else {
            at_column += 1;
        }
    }
    text.len()
}

/// Says what is wrong without quoting the line, which may hold a key.
fn explain(error: &json5::Error, text: &str) -> (Position, String) {
    let offset = match (error.code(), error.position()) {
        // json5 points to the beginning of what is not finished; the value is missing at the end.
        (Some(ErrorCode::EofParsingValue), _) | (_, None) => text.trim_end().len(),
        (_, Some(position)) => offset_of(text, position.line, position.column),
    };
    let position = position_of(text, offset);
    let found = text.get(offset..).and_then(|rest| rest.chars().next());
    let before = text.get(..offset).unwrap_or(text);
    let message = match error.code() {
        Some(code) => describe(code, found, before),
        None => custom(error),
    };
    (position, message)
}

/// json5's own text for an error without a code, such as a bad number.
fn custom(error: &json5::Error) -> String {
    let text = error.to_string();
    match error.position() {
        Some(position) => text.strip_suffix(&format!(" at {position}")).unwrap_or(&text).to_owned(),
        None => text,
    }
}

const QUOTE_KEYS: &str = "a key of other characters than letters, digits, $ and _ needs quotes around it";

fn describe(code: ErrorCode, found: Option<char>, before: &str) -> String {
    use ErrorCode as E;
    let found = found.map_or_else(|| "the end of the text".to_owned(), show_char);
    match code {
        E::EofParsingValue => {
            "the text ends where a value is expected; write it, and the `}` or `]` behind it".to_owned()
        }
        E::EofParsingArray | E::EofParsingObject => {
            "the text ends before what is opened here is closed: a `}` or `]` is missing".to_owned()
        }
        E::EofParsingString | E::EofParsingEscapeSequence => {
            "the text ends inside a string: a quote is missing somewhere behind here".to_owned()
        }
        E::EofParsingComment => "the text ends inside a comment: `*/` is missing somewhere behind here".to_owned(),
        E::EofParsingBool | E::EofParsingIdentifier | E::EofParsingNull | E::EofParsingNumber => {
            "the text ends in the middle of a word or number".to_owned()
        }
        E::ExpectedComma | E::ExpectedClosingBrace | E::ExpectedClosingBracket => missing_comma(&found, before),
        E::ExpectedColon => format!("expected `:` behind the key, found {found}; {QUOTE_KEYS}"),
        E::ExpectedIdentifier | E::InvalidKey => format!("expected a key, found {found}; {QUOTE_KEYS}"),
        E::ExpectedBool | E::ExpectedNull | E::ExpectedNumber | E::ExpectedValue | E::ExpectedString => {
            let hint = if found == "`#`" { "comments begin with //" } else { "texts need quotes around them" };
            format!("expected a value, found {found}; {hint}")
        }
        E::ExpectedComment => format!("expected `//` or `/*`, found `/` and {found}"),
        E::InvalidEscapeSequence => "this is no valid escape sequence; write `\\\\` for a backslash".to_owned(),
        E::LeadingZero => "a number must not begin with 0".to_owned(),
        E::LineTerminatorInString => "the line ends inside a string: a quote is missing".to_owned(),
        E::OverflowParsingNumber => "the number is too large".to_owned(),
        E::TrailingCharacters => format!("found {found} behind the end of the configuration"),
        other => format!("{other}, found {found}"),
    }
}

fn missing_comma(found: &str, before: &str) -> String {
    let gap = &before[before.trim_end().len()..];
    if gap.contains(['\n', '\r']) {
        format!(
            "expected a comma before {found}: put one at the end of the line above \
             (a line break in place of a comma is not read yet)"
        )
    } else if found == "`+`" {
        "expected a comma, found `+`: joining texts with + is not read yet; write one text".to_owned()
    } else if before.ends_with("\"\"") {
        format!("expected a comma, found {found}: texts in triple quotes are not read yet; write one text with \\n")
    } else {
        let closing = match found {
            "`}`" => " or `]`",
            "`]`" => " or `}`",
            _ => "",
        };
        format!("expected a comma{closing}, found {found}")
    }
}

fn show_char(c: char) -> String {
    if c.is_control() { format!("the character U+{:04X}", u32::from(c)) } else { format!("`{c}`") }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proptest::prelude::*;

    use super::*;

    fn problem(text: &str) -> String {
        parse_object(text, "agent.json", &mut Report::new("agent.json")).expect_err("a syntax error").to_string()
    }

    #[test]
    fn comments_bare_keys_and_trailing_commas_are_read() {
        let text = "// first\n{ a: 1, /* x */ 'b': [1, 2,], \"c\": { d: true, }, e: null, f: [null] } // last";
        let mut report = Report::new("agent.json");
        let values = parse_object(text, "agent.json", &mut report).unwrap();
        assert_eq!(Value::Object(values).to_string(), r#"{"a":1,"b":[1,2],"c":{"d":true},"f":[null]}"#);
        assert_eq!(report.problems(), []);
    }

    #[test]
    fn a_key_that_is_given_twice_is_named() {
        let mut report = Report::new("agent.json");
        let values = parse_object("{ a: 1, b: [{ c: 1, c: 2 }], a: null }", "agent.json", &mut report).unwrap();
        assert_eq!(Value::Object(values).to_string(), r#"{"b":[{"c":2}]}"#);
        expect![[r#"
            warning: agent.json  b[0].c: is given twice; the last one counts
            warning: agent.json  a: is given twice; the last one counts
        "#]]
        .assert_eq(&report.to_string());
    }

    #[test]
    fn syntax_errors_say_where_and_what_to_do() {
        let texts = [
            "",
            "{",
            "{ a: 1,\n  b:\n",
            "{ a: [1, 2 }",
            "{ a: 1\n  b: 2 }",
            "{ a: \"x\" + \"y\" }",
            "{ a: \"\"\"x\"\"\" }",
            "{ a: \"x }",
            "{ a: \"x\n\" }",
            "{ a: x }",
            "{ a-b: 1 }",
            "{ a 1 }",
            "{ a: 010 }",
            "{ a: 1e400 }",
            "{ a: NaN }",
            "{ a: 1 } }",
            "{ /* a: 1 }",
            "# comment\n{}",
            "[1]",
            "7",
            "{ a:\r\n1,\r\nb: \u{1} }",
        ];
        let all: String = texts.iter().map(|text| format!("{text:?}\n  {}\n", problem(text))).collect();
        expect![[r##"
            ""
              agent.json: is empty; it must hold an object, { ... }
            "{"
              agent.json:1:1: the text ends before what is opened here is closed: a `}` or `]` is missing
            "{ a: 1,\n  b:\n"
              agent.json:2:5: the text ends where a value is expected; write it, and the `}` or `]` behind it
            "{ a: [1, 2 }"
              agent.json:1:12: expected a comma or `]`, found `}`
            "{ a: 1\n  b: 2 }"
              agent.json:2:3: expected a comma before `b`: put one at the end of the line above (a line break in place of a comma is not read yet)
            "{ a: \"x\" + \"y\" }"
              agent.json:1:10: expected a comma, found `+`: joining texts with + is not read yet; write one text
            "{ a: \"\"\"x\"\"\" }"
              agent.json:1:8: expected a comma, found `"`: texts in triple quotes are not read yet; write one text with \n
            "{ a: \"x }"
              agent.json:1:1: the text ends inside a string: a quote is missing somewhere behind here
            "{ a: \"x\n\" }"
              agent.json:1:8: the line ends inside a string: a quote is missing
            "{ a: x }"
              agent.json:1:6: expected a value, found `x`; texts need quotes around them
            "{ a-b: 1 }"
              agent.json:1:4: expected `:` behind the key, found `-`; a key of other characters than letters, digits, $ and _ needs quotes around it
            "{ a 1 }"
              agent.json:1:5: expected `:` behind the key, found `1`; a key of other characters than letters, digits, $ and _ needs quotes around it
            "{ a: 010 }"
              agent.json:1:6: a number must not begin with 0
            "{ a: 1e400 }"
              agent.json:1:6: this is not a finite number
            "{ a: NaN }"
              agent.json:1:6: this is not a finite number
            "{ a: 1 } }"
              agent.json:1:10: found `}` behind the end of the configuration
            "{ /* a: 1 }"
              agent.json:1:1: the text ends inside a comment: `*/` is missing somewhere behind here
            "# comment\n{}"
              agent.json:1:1: expected a value, found `#`; comments begin with //
            "[1]"
              agent.json: must be an object, { ... }, but is a list
            "7"
              agent.json: must be an object, { ... }, but is a number
            "{ a:\r\n1,\r\nb: \u{1} }"
              agent.json:3:4: expected a value, found the character U+0001; texts need quotes around them
        "##]].assert_eq(&all);
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |levels: usize| format!("{{ a: {}{} }}", "[".repeat(levels), "]".repeat(levels));
        let mut report = Report::new("agent.json");
        assert!(parse_object(&nested(MAX_DEPTH - 1), "agent.json", &mut report).is_ok());
        assert!(problem(&nested(MAX_DEPTH)).contains("200 levels"));
        assert!(problem(&"[".repeat(1_000_000)).contains("200 levels"));
        assert!(problem(&"{a:".repeat(1_000_000)).contains("200 levels"));
        let brackets = "[".repeat(500);
        let text = format!("{{ a: \"{brackets}\\\"{brackets}\", /* {brackets} */ b: '{brackets}' }} // {brackets}");
        assert!(parse_object(&text, "agent.json", &mut report).is_ok());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r#"([{}\[\]:,"'/*\\+\-.0-9a-zA-Z \n\r]|\PC){0,60}"#) {
            let _ = parse_object(&text, "agent.json", &mut Report::new("agent.json"));
        }
    }
}
