//! What is accepted, and what it means.

use expect_test::expect;

use super::*;

/// Without anything odd.
fn json(text: &str) -> String {
    let (json, odd) = read(text);
    assert_eq!(odd, "", "{text:?}");
    json
}

#[test]
fn keys_may_go_without_quotes() {
    assert_eq!(json("{a: 1}"), r#"{"a":1}"#);
    assert_eq!(json(r#"{"a": 1, "b-c": 2, "d.e": 3, "": 4}"#), r#"{"a":1,"b-c":2,"d.e":3,"":4}"#);
    assert_eq!(json("{true: 1, null: 2, _a9: 3}"), r#"{"true":1,"null":2,"_a9":3}"#);
    // JSON5
    assert_eq!(json("{'a': 'x\"y', $a: 1, schlüssel: 2}"), r#"{"a":"x\"y","$a":1,"schlüssel":2}"#);
}

#[test]
fn one_comma_may_stand_at_the_end() {
    assert_eq!(json("{a: 1,}"), r#"{"a":1}"#);
    assert_eq!(json("{a: [1,2,], b: [], c: {}}"), r#"{"a":[1,2],"b":[],"c":{}}"#);
}

#[test]
fn a_line_break_may_stand_in_place_of_a_comma() {
    for line_break in
        ["\n", "\r", "\r\n", "  \n\t \n  ", " // why: this\n", "// x\r", " /* x */ \n", ",\n", "\n,", ",// x\n"]
    {
        assert_eq!(json(&format!("{{a: 1{line_break}b: 2}}")), r#"{"a":1,"b":2}"#, "{line_break:?}");
        assert_eq!(json(&format!("{{a: [1{line_break}\"x\"{line_break}]}}")), r#"{"a":[1,"x"]}"#, "{line_break:?}");
        let nested =
            format!("{{a: {{}}{line_break}b: []{line_break}c: [[]{line_break}{{}}{line_break}true{line_break}-1]}}");
        assert_eq!(json(&nested), r#"{"a":{},"b":[],"c":[[],{},true,-1]}"#, "{line_break:?}");
    }
    assert_eq!(json("{\na\n:\n1\n}\n"), r#"{"a":1}"#);
}

#[test]
fn the_stock_file_of_the_python_package_is_read() {
    let text = "// Configuration for the Scalyr Agent.\n\
        {\n  // Enter a \"Write Logs\" api key.\n  api_key: \"REPLACE_THIS\"\n\n  // Fields describing this server.\n  \
        server_attributes: {\n     // serverHost: \"REPLACE_THIS\"\n     tier: \"production\"\n  }\n\n  \
        // Log files to upload\n  logs: [\n     // { path: \"/var/log/httpd/access.log\", attributes: {parser: \"accessLog\"} }\n  ],\n\n  \
        monitors: [\n  ]\n}\n";
    assert_eq!(
        json(text),
        r#"{"api_key":"REPLACE_THIS","server_attributes":{"tier":"production"},"logs":[],"monitors":[]}"#
    );
}

#[test]
fn comments_stand_between_tokens_and_around_the_text() {
    assert_eq!(json("// a\n/* b */{/**/a/**/:/* c\n*/1// d\n/* { */}// e"), r#"{"a":1}"#);
    assert_eq!(json("{a//c\n: 1}//"), r#"{"a":1}"#);
    assert_eq!(json("{a: \"// no /* comment\"}"), r#"{"a":"// no /* comment"}"#);
}

#[test]
fn texts_are_joined_with_plus_also_over_lines_and_comments() {
    assert_eq!(json(r#"{a: "a" + "b"}"#), r#"{"a":"ab"}"#);
    assert_eq!(json("{a: \"a\"\n  + // x\n /* y */ \"b\"+'c\"' + \"\"\n b: 1}"), r#"{"a":"abc\"","b":1}"#);
    assert_eq!(json(r#"{a: ["a" + "b", "c"]}"#), r#"{"a":["ab","c"]}"#);
    // What was apart stays apart.
    assert_eq!(json(r#"{a: "\0" + "1" + "\\" + "n"}"#), "{\"a\":\"\\u00001\\\\n\"}");
}

#[test]
fn texts_in_triple_quotes_keep_their_lines_and_quotes() {
    assert_eq!(json("{a: \"\"\"x\n \"y\" \"\"z'\r\n\"\"\"}"), "{\"a\":\"x\\n \\\"y\\\" \\\"\\\"z'\\r\\n\"}");
    assert_eq!(json(r#"{a: """""", b: """ä\n\"\u00e9\"""" }"#), "{\"a\":\"\",\"b\":\"ä\\n\\\"é\\\"\"}");
    assert_eq!(json("{a: \"\"\"{ b: [ // \"\"\"\nb: 1}"), r#"{"a":"{ b: [ // ","b":1}"#);
}

#[test]
fn escapes_and_tabs_in_texts_are_read() {
    assert_eq!(json("{a: \"\t\\t\\n\\r\\b\\f\\\"\\\\\\/\\u00e4\"}"), "{\"a\":\"\\t\\t\\n\\r\\b\\f\\\"\\\\/ä\"}");
    assert_eq!(json(r#"{a: "\ud83d\ude00", b: "x\uD83D\uDE00\u00e4"}"#), "{\"a\":\"😀\",\"b\":\"x😀ä\"}");
    // JSON5
    assert_eq!(json("{a: '\\x41\\'\\v\\\nb\\\r\nc\\\u{2028}d'}"), "{\"a\":\"A'\\u000bbcd\"}");
    assert_eq!(json("{a: \"x\u{2028}y\", b: 2}"), "{\"a\":\"x\u{2028}y\",\"b\":2}");
}

#[test]
fn words_and_numbers_are_read() {
    assert_eq!(json("{a: true, b: false, c: [null]}"), r#"{"a":true,"b":false,"c":[null]}"#);
    assert_eq!(json("{a: [-1, 1.5, 5., 1e3, 010, -007, 0, -0.0]}"), r#"{"a":[-1,1.5,5.0,1000.0,10,-7,0,-0.0]}"#);
    assert_eq!(
        json("{a: [18446744073709551615, -9223372036854775808]}"),
        r#"{"a":[18446744073709551615,-9223372036854775808]}"#
    );
    // JSON5
    assert_eq!(json("{a: [+1, .5, 0x10, -0xfF, 00.5, +.5e-1]}"), r#"{"a":[1,0.5,16,-255,0.5,0.05]}"#);
}

#[test]
fn whole_numbers_of_any_size_are_read_and_those_that_lose_digits_are_named() {
    let (json, odd) = read(&format!("{{a: 18446744073709551616, b: [1, {}]}}", "9".repeat(100)));
    assert_eq!(json, r#"{"a":1.8446744073709552e+19,"b":[1,1e+100]}"#);
    expect![[r#"
        warning: f:1:5  a: is too large to be kept exactly, and becomes 1.8446744073709552e+19; a text in quotes stays as it is
        warning: f:1:34  b[1]: is too large to be kept exactly, and becomes 1e+100; a text in quotes stays as it is
    "#]].assert_eq(&odd);
}

#[test]
fn members_that_are_null_are_not_there() {
    assert_eq!(json("{a: null}"), "{}");
    assert_eq!(json("{a: {b: null, c: [null, {d: null}]}}"), r#"{"a":{"c":[null,{}]}}"#);
}

// configuration.md, sharp edge 6
#[test]
fn the_last_of_two_values_counts_and_both_places_are_named() {
    let (json, odd) = read("{ a: 1, b: [{ c: 1,\n  c: 2 }], a: null, 'x y': {},\n\"x y\": 1\r\n'x y': 2 }");
    assert_eq!(json, r#"{"b":[{"c":2}],"x y":2}"#);
    expect![[r#"
        warning: f:2:3  b[0].c: is given twice, before this at 1:15; the last one counts
        warning: f:2:12  a: is given twice, before this at 1:3; the last one counts
        warning: f:3:1  "x y": is given twice, before this at 2:21; the last one counts
        warning: f:4:1  "x y": is given twice, before this at 3:1; the last one counts
    "#]]
    .assert_eq(&odd);
    assert_eq!(read("{a: 1, a: null}").0, "{}");
}

#[test]
fn oddities_are_told_up_to_a_number_and_counted_beyond() {
    let (_, odd) = read(&format!("{{{}}}", "a: 1, ".repeat(151)));
    assert_eq!(odd.lines().count(), 101);
    assert!(odd.ends_with("warning: f: 50 more values are given twice or too large to be kept exactly\n"), "{odd}");
}

#[test]
fn oddities_far_down_below_long_keys_do_not_fill_the_memory() {
    let (levels, key) = (scan::MAX_DEPTH - 1, "k".repeat(1000));
    let text = format!("{}{{{}}}{}", format!("{{{key}:").repeat(levels), "a: 1, ".repeat(50), "}".repeat(levels));
    let (_, odd) = read(&text);
    assert_eq!(odd.lines().count(), 2, "{} bytes", odd.len());
    assert!(odd.ends_with("warning: f: 48 more values are given twice or too large to be kept exactly\n"));
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_text() {
    assert_eq!(json("\u{feff}{a: 1}"), r#"{"a":1}"#);
    assert_eq!(json("\u{feff} // x\n{a: 1}"), r#"{"a":1}"#);
}

#[test]
fn depth_up_to_the_limit_is_read_and_brackets_in_texts_and_comments_do_not_count() {
    let nested = |levels: usize| format!("{{a: {}{}}}", "[".repeat(levels), "]".repeat(levels));
    json(&nested(scan::MAX_DEPTH - 1));
    json(&format!("{}1{}", "{a:".repeat(scan::MAX_DEPTH), "}".repeat(scan::MAX_DEPTH)));
    let brackets = "[".repeat(500);
    json(&format!("{{ a: \"{brackets}\\\"{brackets}\", /* {brackets} */ b: '{brackets}' }} // {brackets}"));
}
