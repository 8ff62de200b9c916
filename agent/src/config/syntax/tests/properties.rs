//! What holds for any text, and for any value in any spelling.

use proptest::prelude::*;

use super::super::super::report::Position;
use super::*;

/// A value, and one way to write it.
#[derive(Clone, Debug)]
enum Written {
    Leaf { text: String, value: Value },
    List(Vec<(Written, String)>),
    Object(Vec<(String, String, Written, String)>),
}

fn gap() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => Just(""),
        4 => Just(" "),
        2 => Just("\n"),
        1 => Just("\r\n"),
        1 => Just("\r"),
        1 => Just("\t"),
        1 => Just("\u{a0}"),
        1 => Just("/* { \" é */"),
        1 => Just("// [ ' 😀\n"),
        1 => Just("/*\n*/"),
    ];
    prop::collection::vec(piece, 0..3).prop_map(|pieces| pieces.concat())
}

/// What separates two members.
fn separator() -> impl Strategy<Value = String> {
    let middle = prop_oneof![Just(","), Just("\n"), Just("\r"), Just("\r\n  "), Just("// x\n"), Just(",\n")];
    (gap(), middle, prop_oneof![Just(""), Just(" "), Just("\t")])
        .prop_map(|(gap, middle, blank)| format!("{gap}{middle}{blank}"))
}

fn quoted(text: &str, quote: char) -> String {
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

fn text() -> impl Strategy<Value = Written> {
    let plain = "[a-z\"'\\\\\n\r\té😀/{\\[,:]{0,8}";
    let joined =
        prop::collection::vec((plain, prop_oneof![Just('"'), Just('\'')], gap(), gap()), 1..4).prop_map(|parts| {
            let mut written = String::new();
            let mut value = String::new();
            for (index, (part, quote, before, behind)) in parts.iter().enumerate() {
                if index > 0 {
                    written.extend([before.as_str(), "+", behind]);
                }
                written.push_str(&quoted(part, *quote));
                value.push_str(part);
            }
            Written::Leaf { text: written, value: value.into() }
        });
    let triple = "[a-z'\n\r\té😀/{\\[,:]{1,8}"
        .prop_map(|text| Written::Leaf { text: format!("\"\"\"\"{text}\"\"\""), value: format!("\"{text}").into() });
    prop_oneof![3 => joined, 1 => triple]
}

fn number() -> impl Strategy<Value = Written> {
    let whole = (any::<i64>(), 0..3_usize).prop_map(|(number, zeros)| {
        let sign = if number < 0 { "-" } else { "" };
        let text = format!("{sign}{}{}", "0".repeat(zeros), number.unsigned_abs());
        Written::Leaf { text, value: number.into() }
    });
    let float = any::<f64>().prop_filter("finite", |number| number.is_finite());
    let float = float.prop_map(|number| Written::Leaf { text: format!("{number:e}"), value: Value::from(number) });
    let short =
        (0..1000_u32).prop_map(|number| Written::Leaf { text: format!("{number}."), value: f64::from(number).into() });
    prop_oneof![whole, float, short]
}

fn word() -> impl Strategy<Value = Written> {
    prop_oneof![Just(("true", Value::from(true))), Just(("false", Value::from(false)))]
        .prop_map(|(text, value)| Written::Leaf { text: text.to_owned(), value })
}

fn key() -> impl Strategy<Value = (String, String)> {
    prop_oneof![
        "[A-Za-z_][A-Za-z0-9_]{0,6}".prop_map(|key| (key.clone(), key)),
        "[a-z .é\\[\\]\"\n\\\\]{0,6}".prop_map(|key| (quoted(&key, '"'), key)),
    ]
}

fn written() -> impl Strategy<Value = Written> {
    prop_oneof![text(), number(), word()].prop_recursive(4, 40, 5, |inner| {
        prop_oneof![prop::collection::vec((inner.clone(), separator()), 0..5).prop_map(Written::List), object(inner)]
    })
}

fn object(inner: impl Strategy<Value = Written>) -> impl Strategy<Value = Written> {
    prop::collection::vec((key(), inner, separator()), 0..5).prop_map(|members| {
        let mut seen = std::collections::BTreeSet::new();
        let members = members.into_iter().filter(|((_, key), ..)| seen.insert(key.clone()));
        Written::Object(members.map(|((spelling, key), value, separator)| (spelling, key, value, separator)).collect())
    })
}

/// Writes a value; gives it as it is to be read, and notes for each path the offset of the value's first character.
fn write(written: &Written, path: &str, out: &mut String, offsets: &mut Vec<(String, usize)>) -> Value {
    if !path.is_empty() {
        offsets.push((path.to_owned(), out.len()));
    }
    match written {
        Written::Leaf { text, value } => {
            out.push_str(text);
            value.clone()
        }
        Written::List(items) => {
            out.push('[');
            let mut values = Vec::new();
            for (index, (item, separator)) in items.iter().enumerate() {
                values.push(write(item, &format!("{path}[{index}]"), out, offsets));
                out.push_str(separator);
            }
            out.push(']');
            values.into()
        }
        Written::Object(members) => {
            out.push('{');
            let mut values = Map::new();
            for (spelling, key, member, separator) in members {
                out.extend([spelling, " : "]);
                values.insert(key.clone(), write(member, &value::member_path(path, key), out, offsets));
                out.push_str(separator);
            }
            out.push('}');
            values.into()
        }
    }
}

/// The byte offset of a line and column, by a way of its own.
fn offset_of(text: &str, Position { line, column }: Position) -> usize {
    let mut start = 0;
    for _ in 1..line {
        let end = start + text[start..].find(['\n', '\r']).expect("a line end");
        start = end + if text[end..].starts_with("\r\n") { 2 } else { 1 };
    }
    start + text[start..].char_indices().nth(column - 1).expect("a column").0
}

fn check(root: &Written, before: &str, behind: &str) {
    let mut text = before.to_owned();
    let mut offsets = Vec::new();
    let value = write(root, "", &mut text, &mut offsets);
    text.push_str(behind);
    let parsed = parse(&text);
    assert_eq!(parsed.faults, [], "{text}");
    assert_eq!(parsed.value, Some(value), "{text}");
    let places = parsed.places.expect("a value has places");
    assert_eq!(parsed.oddities, []);
    for (path, offset) in offsets {
        let found = places.value(&path).unwrap_or_else(|| panic!("{path} has no place\n{text}"));
        assert_eq!(offset_of(&text, found), offset, "{path}\n{text}");
    }
}

/// Faults lie within the text, on a character's boundary, in its order; what the scanner lets through, json5 reads; a
/// text without values has a fault.
fn check_any(text: &str) {
    let parsed = parse(text);
    for Fault { at, message, .. } in &parsed.faults {
        match at {
            Some(at) => assert!(text.is_char_boundary(*at), "{at} in {text}: {message}"),
            None => assert!(message.starts_with("is empty; "), "{text}: {message}"),
        }
    }
    assert!(parsed.faults.len() <= fault::MAX_FAULTS);
    assert!(parsed.value.is_some() || !parsed.faults.is_empty(), "{text}");
}

/// So many cases, or more if `PROPTEST_CASES` says so.
fn at_least(cases: u32) -> ProptestConfig {
    let given = ProptestConfig::default();
    ProptestConfig { cases: given.cases.max(cases), ..given }
}

proptest! {
    #![proptest_config(at_least(512))]

    #[test]
    fn a_value_in_any_spelling_reads_back_and_each_place_is_its_first_character(
        root in object(written()), before in gap(), behind in gap()
    ) {
        check(&root, &before, &behind);
    }

    #[test]
    fn no_text_makes_it_panic(text in r#"([{}\[\]:,"'/*\\+\-.0-9a-zA-Z_ \n\r]|"""|\\u|\PC){0,60}"#) {
        for text in [text.clone(), format!("{{ a: {text}"), format!("{{ a: \"{text}\" }}"), format!("{{ a: {text} }}")] {
            check_any(&text);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        check_any(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_text_that_is_cut_or_changed_somewhere_has_its_fault_within(
        root in object(written()), at in any::<prop::sample::Index>(), piece in r#"[{}\[\]:,"'/*\\+.0a\n-]{0,2}"#
    ) {
        let mut text = String::new();
        write(&root, "", &mut text, &mut Vec::new());
        let boundaries: Vec<usize> = text.char_indices().map(|(offset, _)| offset).collect();
        let offset = boundaries[at.index(boundaries.len())];
        for damaged in [text[..offset].to_owned(), format!("{}{piece}{}", &text[..offset], &text[offset..])] {
            check_any(&damaged);
        }
    }
}
