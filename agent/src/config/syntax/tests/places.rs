//! Where values stand.

use super::*;

/// Line and column of the value and of the key at a path.
fn places<const N: usize>(text: &str, paths: [&str; N]) -> [(String, String); N] {
    let parsed = parse(text);
    let found = parsed.places.unwrap_or_else(|| panic!("{:?}", parsed.faults));
    let shown = |position: Option<super::super::super::report::Position>| {
        position.map_or("-".to_owned(), |position| format!("{}:{}", position.line, position.column))
    };
    paths.map(|path| (shown(found.value(path)), shown(found.key(path))))
}

fn at<const N: usize>(pairs: [(&str, &str); N]) -> [(String, String); N] {
    pairs.map(|(value, key)| (value.to_owned(), key.to_owned()))
}

#[test]
fn a_value_in_an_entry_has_its_place() {
    let text = "{\n  monitors: [\n    { module: \"a\" },\n    { module: 'coin', gauss_mean:\n        11, hosts: [\"x\", 2] }\n  ]\n}";
    assert_eq!(
        places(text, ["monitors", "monitors[1]", "monitors[1].gauss_mean", "monitors[1].hosts[1]"]),
        at([("2:13", "2:3"), ("4:5", "4:5"), ("5:9", "4:23"), ("5:26", "5:26")])
    );
}

#[test]
fn what_is_missing_has_the_place_of_the_entry_that_lacks_it() {
    let text = "{\n  logs: [\n    {},\n    { path: 'x', attributes: 7 } ] }";
    assert_eq!(
        places(
            text,
            ["logs[0].path", "logs[1].attributes.a.b", "logs[2]", "logs[1].path[3]", "api_key", "", "[0]", "logs[x]"]
        ),
        at([
            ("3:5", "3:5"),
            ("4:30", "4:30"),
            ("2:9", "2:9"),
            ("4:13", "4:13"),
            ("-", "-"),
            ("-", "-"),
            ("-", "-"),
            ("2:9", "2:9")
        ])
    );
}

#[test]
fn columns_count_characters_and_lines_end_as_in_an_editor() {
    let text = "\u{feff}{ 'ä😀': 'é',\tb: 1,\r\nc: 2,\rd: 3,\n\r\te: 4, f: '\u{2028}', g: 5 }";
    assert_eq!(
        places(text, ["ä😀", "b", "c", "d", "e", "g", "\"ä😀\""]),
        at([
            ("1:9", "1:3"),
            ("1:17", "1:14"),
            ("2:4", "2:1"),
            ("3:4", "3:1"),
            ("5:5", "5:2"),
            ("5:19", "5:16"),
            ("1:9", "1:3")
        ])
    );
}

#[test]
fn rewritten_texts_and_comments_do_not_shift_what_is_behind_them() {
    assert_eq!(places("{ a: \"x\" + // c\n \"y\", b: 1 }", ["a", "b"]), at([("1:6", "1:3"), ("2:10", "2:7")]));
    let text = "{ a: \"\"\"x\n\"y\"\n\"\"\", /* \n */ b: 0010\n c: -007, d: +1 }";
    assert_eq!(
        places(text, ["a", "b", "c", "d"]),
        at([("1:6", "1:3"), ("4:8", "4:5"), ("5:5", "5:2"), ("5:14", "5:11")])
    );
}

#[test]
fn odd_keys_are_found_as_paths_spell_them() {
    let text = "{ 'a.b': { 'c d': [1] }, 'e\\n\"\\\\': { f: 2 }, '': 3, 'g]': { 'h.i': 4 }, j: { 'k': 5 } }";
    let keys = ["a.b", "e\n\"\\", "", "g]"].map(|key| value::member_path("", key));
    assert_eq!(
        places(
            text,
            [
                &format!("{}.\"c d\"[0]", keys[0]),
                &format!("{}.f", keys[1]),
                &keys[2],
                &format!("{}.\"h.i\"", keys[3]),
                // as monitors spell them
                &format!("{}.h.i", keys[3]),
                "a.b",
                "j.\"k",
            ]
        ),
        at([
            ("1:20", "1:20"),
            ("1:41", "1:38"),
            ("1:50", "1:46"),
            ("1:68", "1:61"),
            ("1:68", "1:61"),
            ("1:10", "1:3"),
            ("1:76", "1:76")
        ])
    );
}

#[test]
fn the_last_of_two_values_has_the_place() {
    assert_eq!(places("{ a: 1,\n a: [2],\n a: null }", ["a", "a[0]"]), at([("3:5", "3:2"), ("3:5", "3:5")]));
}

#[test]
fn the_last_of_thousands_of_entries_has_its_place() {
    let entry =
        "  {\n    // a log\n    path: \"/var/log/\" + \"a.log\"\n    attributes: { parser: \"\"\"a\nb\"\"\" } }\n";
    let text = format!("{{ logs: [\n{} ] }}", entry.repeat(5000));
    assert_eq!(places(&text, ["logs[4999].attributes.parser"]), at([("25000:27", "25000:19")]));
}
