//! What holds for any text that can be read, and how it looks in the usual ones.

use proptest::prelude::*;

use super::*;

fn way() -> [Step; 1] {
    [Step::Member("api_key".to_owned())]
}

fn set(text: &str) -> String {
    set_text(text, &way(), "NEW").unwrap()
}

#[test]
fn only_the_value_changes_wherever_comments_and_odd_spellings_stand() {
    for (text, expected) in [
        ("{api_key:'old'}", "{api_key:\"NEW\"}"),
        (
            "\u{feff}// api_key: \"old\"\r\n{\r\n\t\"api_key\" : \"old\" // mine\r\n}",
            "\u{feff}// api_key: \"old\"\r\n{\r\n\t\"api_key\" : \"NEW\" // mine\r\n}",
        ),
        (
            "{ a: \"old\"\n  api_key: \"o\" + /* x */ 'ld'\n b: \"\"\"old\"\"\" }",
            "{ a: \"old\"\n  api_key: \"NEW\"\n b: \"\"\"old\"\"\" }",
        ),
        ("{ api_key: \"\"\"old\"\"\", b: 1 }", "{ api_key: \"NEW\", b: 1 }"),
        ("{ api_key: null }", "{ api_key: \"NEW\" }"),
        ("{ api_key: 17/*x*/}", "{ api_key: \"NEW\"/*x*/}"),
        ("{ x: { api_key: 'inner' }, api_key: [1, {a: 2}] }", "{ x: { api_key: 'inner' }, api_key: \"NEW\" }"),
    ] {
        assert_eq!(set(text), expected);
    }
}

#[test]
fn a_key_that_is_absent_is_added_where_a_person_would_write_it() {
    for (text, expected) in [
        ("{}", "{\"api_key\": \"NEW\"}"),
        ("{ }", "{ \"api_key\": \"NEW\" }"),
        ("{\n}", "{\n  \"api_key\": \"NEW\"\n}"),
        ("{ // mine\r\n\tlogs: []\r\n}", "{ // mine\r\n\t\"api_key\": \"NEW\",\r\n\tlogs: []\r\n}"),
        ("{\n    // of logs\n    logs: []\n}", "{\n    \"api_key\": \"NEW\",\n    // of logs\n    logs: []\n}"),
        ("{ a: 1 }", "{ \"api_key\": \"NEW\", a: 1 }"),
        ("{a: 1}", "{\"api_key\": \"NEW\", a: 1}"),
        ("{/* a\n b */ a: 1\n}", "{\"api_key\": \"NEW\", /* a\n b */ a: 1\n}"),
        ("{ // nothing\n}", "{ // nothing\n  \"api_key\": \"NEW\"\n}"),
    ] {
        assert_eq!(set(text), expected);
    }
}

#[test]
fn what_cannot_be_told_is_not_changed() {
    let twice = set_text("{ api_key: 1,\n  api_key: 2 }", &way(), "NEW").unwrap_err();
    assert_eq!(twice.to_string(), "api_key is given twice, at 1:3 and at 2:3; remove one of the two");
    assert_eq!(set_text("{ api_key: ", &way(), "NEW"), Err(NoEdit::Unreadable));
    assert_eq!(set_text("[]", &way(), "NEW"), Err(NoEdit::NoObject("api_key".to_owned())));
}

fn blank() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just(""),
        Just(" "),
        Just("\n"),
        Just("\r\n"),
        Just("\t"),
        Just("/* { \" api_key: 'x' é */"),
        Just("// [ '😀\n")
    ]
}

fn written() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("17".to_owned()),
        Just("null".to_owned()),
        Just("\"\"\"a\n\"b\"\"\"".to_owned()),
        Just("\"a\" + 'b'".to_owned()),
        "'[a-z{\\[,:/é]{0,6}'",
        "\"[a-z}\\]#'$]{0,6}\"",
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(inner, 0..3).prop_map(|items| {
                let members = items.iter().enumerate().map(|(index, item)| format!("k{index}: {item}"));
                format!("{{{}}}", members.collect::<Vec<_>>().join("\n"))
            }),
        ]
    })
}

fn member() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        1 => Just("api_key".to_owned()),
        1 => Just("\"api_key\"".to_owned()),
        4 => "[b-z]{1,3}",
        1 => Just("'api key'".to_owned()),
    ];
    (key, blank(), blank(), written(), blank())
        .prop_map(|(key, one, two, value, three)| format!("{key}{one}:{two}{value}{three}"))
}

fn text() -> impl Strategy<Value = String> {
    (
        blank(),
        prop::collection::vec((member(), blank(), prop_oneof![Just(","), Just("\n"), Just("\r\n")]), 0..5),
        blank(),
    )
        .prop_map(|(head, members, tail)| {
            let inside: String = members.into_iter().map(|(member, gap, end)| format!("{gap}{member}{end}")).collect();
            format!("{head}{{{inside}}}{tail}")
        })
}

/// A fault of the syntax, a key that is given twice, or the new value and nothing else changed.
fn changes_one_value(text: &str, new: &str) {
    let Some(outline) = syntax::outline(text) else {
        assert_eq!(set_text(text, &way(), new), Err(NoEdit::Unreadable));
        return;
    };
    let Inside::Object(members) = &outline.inside else {
        assert!(matches!(set_text(text, &way(), new), Err(NoEdit::NoObject(_))));
        return;
    };
    let found: Vec<_> = members.iter().filter(|(key, _)| key == "api_key").map(|(_, member)| member).collect();
    let changed = set_text(text, &way(), new);
    match found.as_slice() {
        [] => {
            let changed = changed.unwrap();
            let added = changed.len() - text.len();
            let at = text.bytes().zip(changed.bytes()).take_while(|(one, two)| one == two).count();
            // What is added may begin or end as what stands beside it, so that its place is not unique.
            let (old, with) = (text.as_bytes(), changed.as_bytes());
            let is_inserted = (0..=at).any(|at| with.get(at + added..) == old.get(at..));
            assert!(is_inserted, "{text:?} became {changed:?}");
            assert_eq!(edit_of(&changed), Some(Value::from(new)));
        }
        [member] => {
            let changed = changed.unwrap();
            let (before, behind) = (&text[..member.bytes.start], &text[member.bytes.end..]);
            let piece = changed.strip_prefix(before).and_then(|rest| rest.strip_suffix(behind));
            assert_eq!(piece.map(str::to_owned), Some(Value::from(new).to_string()));
            assert_eq!(edit_of(&changed), Some(Value::from(new)));
        }
        _ => assert!(matches!(changed, Err(NoEdit::Twice { .. }))),
    }
}

fn edit_of(text: &str) -> Option<Value> {
    super::written(text, &way())
}

proptest! {
    #[test]
    fn of_any_text_that_can_be_read_only_the_value_of_the_key_changes(text in text(), new in "\\PC{0,12}") {
        changes_one_value(&text, &new);
    }

    #[test]
    fn no_text_makes_it_panic(text in "[{}a-k:,\"'+ \n\r/*\\[\\]é]{0,40}", new in any::<String>()) {
        changes_one_value(&text, &new);
    }
}
