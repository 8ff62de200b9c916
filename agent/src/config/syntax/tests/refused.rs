//! What is refused: what was expected, what was found, where, and what to do.

use expect_test::expect;

use super::*;

// configuration.md, sharp edge 3
// configuration.md, sharp edge 4
// configuration.md, sharp edge 6
#[test]
fn each_refusal_says_where_and_what_to_do() {
    let texts = [
        // keys
        "{a-b: 1}",
        "{a.b: 1}",
        "{1a: 1}",
        "{a€: 1}",
        "{a\\u002d: 1}",
        "{a = 1}",
        "{a 1}",
        "{a}",
        "{{}}",
        "{\"a\" + \"b\": 1}",
        "{\"\"\"a\"\"\": 1}",
        // commas
        "{a:1,,b:2}",
        "{,a:1}",
        "{a: [1,,2]}",
        "{a: [,1]}",
        "{a:1 b:2}",
        "{a: [1 2]}",
        "{a:1\n/* c */ b:2}",
        "{a: {} b: 1}",
        "{a:1\n:2}",
        // brackets
        "{",
        "{ a: 1,\n  b:\n",
        "{ a: [1,\n  2 }",
        "{ a: (1) }",
        "{ a: { b: 1 ]}",
        "{a: 1},",
        "{\n}}",
        "{\n// a: {\n b: 1\n}\n}",
        "a: 1",
        "\"a\": 1",
        "",
        " // nothing\n",
        "[1]",
        "7",
        // comments
        "{ /* a: 1 }",
        "# comment\n{}",
        "{ # comment\n}",
        "{ a: 1 # comment\n}",
        "{ a: / }",
        "{ a: /var/log }",
        // texts
        "{ a: \"x\n\" }",
        "{ a: \"x }",
        "{ a: 'x\ry' }",
        "{ a: \"\"\"x\" }",
        "{ a: \"\"\"x\"\"\"\" }",
        "{ a: \"x\" + }",
        "{ a: \"x\" +",
        "{ a: \"x\" + 1 }",
        "{ a: \"x\" + \"\"\"y\"\"\" }",
        "{ a: \"\"\"x\"\"\" + \"y\" }",
        "{ a: 1 + 2 }",
        "{ a: \"x\" \"y\" }",
        "{ a: \"\\d+\" }",
        "{ a: \"ä\\u12\" }",
        "{ a: \"\\u12\" + \"34\" }",
        "{ a: \"\\x4\" }",
        "{ a: \"\\1\" }",
        "{ a: \"\\",
        "{ b: 010, a: \"x\" + \"\\ud83d!\" }",
        "{ a: \"\"\"\n\n\\ude00\"\"\" }",
        "{ a: \"\\ud83d\" + \"\\ude00\" }",
        "{ a: \"\\ud83d\\u0041\" }",
        "{ a: “x” }",
        // words and numbers
        "{ a: x }",
        "{ a: True }",
        "{ a: NULL }",
        "{ a: undefined }",
        "{ a: - }",
        "{ a: --1 }",
        "{ a: . }",
        "{ a: 1_000 }",
        "{ a: 10.0.0.1 }",
        "{ a: 10s }",
        "{ a: 1e }",
        "{ a: 0x }",
        "{ b: 007\n a: 1e400 }",
        "{ a: NaN }",
        "{ a: -Infinity }",
        "{ a: 0xfffffffffffffffffffffffffffffffff }",
        "{ a:\r\n1,\r\nb: \u{1} }",
        "{ a:\r1,\rb: \u{a0}\u{200b} }",
        "\u{feff}{ ä: y }",
    ];
    let all: String = texts.iter().map(|text| format!("{text:?}\n  {}\n", problem(text))).collect();
    expect![[r##"
        "{a-b: 1}"
          f:1:3: expected `:` and a value behind the key, found `-`; a key of other characters than letters, digits, $ and _ needs quotes around it
        "{a.b: 1}"
          f:1:3: expected `:` and a value behind the key, found `.`; a key of other characters than letters, digits, $ and _ needs quotes around it
        "{1a: 1}"
          f:1:2: expected a key, found `1`; a key of other characters than letters, digits, $ and _ needs quotes around it
        "{a€: 1}"
          f:1:3: expected `:` and a value behind the key, found `€` (U+20AC); a key of other characters than letters, digits, $ and _ needs quotes around it
        "{a\\u002d: 1}"
          f:1:3: expected `:` and a value behind the key, found `\`; a key of other characters than letters, digits, $ and _ needs quotes around it
        "{a = 1}"
          f:1:4: expected `:` and a value behind the key, found `=`
        "{a 1}"
          f:1:4: expected `:` and a value behind the key, found `1`
        "{a}"
          f:1:3: expected `:` and a value behind the key, found `}`
        "{{}}"
          f:1:2: expected a key, found `{`; write the key
        "{\"a\" + \"b\": 1}"
          f:1:6: expected `:` and a value behind the key, found `+`; keys cannot be joined, write one text
        "{\"\"\"a\"\"\": 1}"
          f:1:2: a key cannot stand in triple quotes; write it in plain ones
        "{a:1,,b:2}"
          f:1:6: expected a key, found `,`; remove the comma
        "{,a:1}"
          f:1:2: expected a key, found `,`; remove the comma
        "{a: [1,,2]}"
          f:1:8: expected a value, found `,`; remove the comma, or write the value before it
        "{a: [,1]}"
          f:1:6: expected a value, found `,`; remove the comma, or write the value before it
        "{a:1 b:2}"
          f:1:6: expected a comma, a line break or `}`, found `b`
        "{a: [1 2]}"
          f:1:8: expected a comma, a line break or `]`, found `2`
        "{a:1\n/* c */ b:2}"
          f:2:9: expected a comma, a line break or `}`, found `b`; a block comment does not end the line, put a comma before it
        "{a: {} b: 1}"
          f:1:8: expected a comma, a line break or `}`, found `b`
        "{a:1\n:2}"
          f:2:1: expected a comma, a line break or `}`, found `:`
        "{"
          f:1:1: this `{` is never closed; write a `}` where it ends
        "{ a: 1,\n  b:\n"
          f:2:5: the text ends where a value is expected; write it, and the `}` behind it
        "{ a: [1,\n  2 }"
          f:2:5: expected a comma or `]`, found `}`: the `[` at 1:6 is still open
        "{ a: (1) }"
          f:1:6: expected a value, found `(`; texts need quotes around them
        "{ a: { b: 1 ]}"
          f:1:13: expected a comma or `}`, found `]`: the `{` at 1:6 is still open
        "{a: 1},"
          f:1:7: found `,` behind the end of the configuration, which is at 1:6; is a bracket missing or commented out before that?
        "{\n}}"
          f:2:2: found `}` behind the end of the configuration, which is at 2:1; remove the `}` at 2:1, or write the `{` that it closes
        "{\n// a: {\n b: 1\n}\n}"
          f:5:1: found `}` behind the end of the configuration, which is at 4:1; remove the `}` at 4:1, or write the `{` that it closes
        "a: 1"
          f:1:1: expected `{`, found `a`; the configuration stands in braces, { ... }
        "\"a\": 1"
          f:1:4: found `:` behind the first value; the configuration stands in braces, { ... }
        ""
          f: is empty; it must hold an object, { ... }
        " // nothing\n"
          f: is empty; it must hold an object, { ... }
        "[1]"
          f: must be an object, { ... }, but is a list
        "7"
          f: must be an object, { ... }, but is a number
        "{ /* a: 1 }"
          f:1:3: the text ends inside this comment: `*/` is missing somewhere behind here
        "# comment\n{}"
          f:1:1: expected `{`, found `#`; comments begin with //
        "{ # comment\n}"
          f:1:3: expected a key, found `#`; comments begin with //
        "{ a: 1 # comment\n}"
          f:1:8: expected a comma, a line break or `}`, found `#`; comments begin with //
        "{ a: / }"
          f:1:6: expected `//` or `/*`, found `/` and ` ` behind it; texts need quotes around them
        "{ a: /var/log }"
          f:1:6: expected `//` or `/*`, found `/` and `v` behind it; texts need quotes around them
        "{ a: \"x\n\" }"
          f:1:6: the line ends inside this string: its closing quote is missing; a text over several lines stands in triple quotes, or has \n in place of the line break
        "{ a: \"x }"
          f:1:6: the text ends inside this string: its closing quote is missing
        "{ a: 'x\ry' }"
          f:1:6: the line ends inside this string: its closing quote is missing; a text over several lines stands in triple quotes, or has \n in place of the line break
        "{ a: \"\"\"x\" }"
          f:1:6: the text ends inside this string: its closing `"""` is missing
        "{ a: \"\"\"x\"\"\"\" }"
          f:1:13: found `"` behind the closing `"""`; write `\"` for a quote at the end
        "{ a: \"x\" + }"
          f:1:12: expected a text in quotes behind `+`, found `}`
        "{ a: \"x\" +"
          f:1:10: expected a text in quotes behind `+`, found the end of the text
        "{ a: \"x\" + 1 }"
          f:1:12: expected a text in quotes behind `+`, found `1`
        "{ a: \"x\" + \"\"\"y\"\"\" }"
          f:1:12: expected a text in plain quotes behind `+`: one in triple quotes cannot be joined
        "{ a: \"\"\"x\"\"\" + \"y\" }"
          f:1:14: a text in triple quotes cannot be joined with `+`; write one text
        "{ a: 1 + 2 }"
          f:1:8: expected a comma, found `+`: only texts can be joined with it
        "{ a: \"x\" \"y\" }"
          f:1:10: expected a comma, a line break or `}`, found `"`
        "{ a: \"\\d+\" }"
          f:1:7: expected an escape such as \n behind `\`, found `d`; write `\\` for a backslash
        "{ a: \"ä\\u12\" }"
          f:1:8: expected 4 hexadecimal digits in this escape, found `"`; write `\\` for a backslash
        "{ a: \"\\u12\" + \"34\" }"
          f:1:7: expected 4 hexadecimal digits in this escape, found `"`; write `\\` for a backslash
        "{ a: \"\\x4\" }"
          f:1:7: expected 2 hexadecimal digits in this escape, found `"`; write `\\` for a backslash
        "{ a: \"\\1\" }"
          f:1:7: expected an escape such as \n behind `\`, found `1`; write `\\` for a backslash
        "{ a: \"\\"
          f:1:6: the text ends inside this string: its closing quote is missing
        "{ b: 010, a: \"x\" + \"\\ud83d!\" }"
          f:1:21: this escape is half a character; write both halves behind each other, as in \ud83d\ude00
        "{ a: \"\"\"\n\n\\ude00\"\"\" }"
          f:3:1: this escape is half a character; write both halves behind each other, as in \ud83d\ude00
        "{ a: \"\\ud83d\" + \"\\ude00\" }"
          f:1:7: this escape is half a character; write both halves behind each other, as in \ud83d\ude00 (and look at 1 more in this text)
        "{ a: \"\\ud83d\\u0041\" }"
          f:1:7: this escape is half a character; write both halves behind each other, as in \ud83d\ude00
        "{ a: “x” }"
          f:1:6: expected a value, found `“` (U+201C); the quotes of texts are "
        "{ a: x }"
          f:1:6: expected a value, found `x`; texts need quotes around them
        "{ a: True }"
          f:1:6: expected a value, found `T`; write true in small letters
        "{ a: NULL }"
          f:1:6: expected a value, found `N`; write null in small letters
        "{ a: undefined }"
          f:1:6: expected a value, found `u`; write null, or leave the key out
        "{ a: - }"
          f:1:7: expected a digit, found the end of the number
        "{ a: --1 }"
          f:1:7: expected a digit, found `-`; numbers have one sign and are not added
        "{ a: . }"
          f:1:7: expected a digit, found the end of the number
        "{ a: 1_000 }"
          f:1:7: expected a digit, found `_`; write the digits without it
        "{ a: 10.0.0.1 }"
          f:1:10: expected a number, found `.` in it; texts need quotes around them
        "{ a: 10s }"
          f:1:8: expected a number, found `s` in it; texts need quotes around them
        "{ a: 1e }"
          f:1:8: expected a digit, found the end of the number
        "{ a: 0x }"
          f:1:8: expected a digit, found the end of the number
        "{ b: 007\n a: 1e400 }"
          f:2:5: expected a finite number, up to about 1.8e308
        "{ a: NaN }"
          f:1:6: expected a finite number, up to about 1.8e308
        "{ a: -Infinity }"
          f:1:6: expected a finite number, up to about 1.8e308
        "{ a: 0xfffffffffffffffffffffffffffffffff }"
          f:1:6: hexadecimal numbers have up to 16 digits
        "{ a:\r\n1,\r\nb: \u{1} }"
          f:3:4: expected a value, found the character U+0001; texts need quotes around them
        "{ a:\r1,\rb: \u{a0}\u{200b} }"
          f:3:5: expected a value, found the character U+200B; texts need quotes around them
        "\u{feff}{ ä: y }"
          f:1:6: expected a value, found `y`; texts need quotes around them
    "##]].assert_eq(&all);
}

#[test]
fn depth_size_and_keys_are_bounded() {
    let nested = |levels: usize| format!("{{a: {}{}}}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(
        problem(&nested(scan::MAX_DEPTH)),
        "f:1:304: objects and lists lie in each other more than 300 levels deep"
    );
    assert!(problem(&"[".repeat(1_000_000)).contains("300 levels"));
    assert!(problem(&"{a:".repeat(1_000_000)).contains("300 levels"));
    assert_eq!(problem(&" ".repeat(MAX_BYTES + 1)), "f: is larger than 16 MiB");
    assert!(problem(&format!("{{{}: 1}}", "k".repeat(scan::MAX_KEY + 1))).contains("more than 10000 bytes"));
    assert!(problem(&format!("{{a: {}}}", "1".repeat(101))).contains("more than 100 characters"));
    assert_eq!(
        problem(&format!("{{a: [{}]}}", "0,".repeat(scan::MAX_VALUES))),
        format!("f:1:{}: here begins value 1000001; more are not read", 6 + 2 * (scan::MAX_VALUES - 2))
    );
}

#[test]
fn no_more_than_one_character_of_a_value_is_shown() {
    let secret = "wEiRd_SeCrEt";
    for text in [
        format!("{{ api_key: {secret} }}"),
        format!("{{ api_key: 1{secret} }}"),
        format!("{{ api_key: '{secret} }}"),
        format!("{{ api_key: '{secret}' '{secret}' }}"),
        format!("{{ api_key: '\\u{secret}' }}"),
        format!("{{ api_key: '{secret}' + {secret} }}"),
        format!("{{ api_key: '\\ud83d{secret}' }}"),
        format!("{{ api_key: '{secret}' }} {secret}"),
        secret.to_owned(),
    ] {
        let problem = problem(&text);
        assert!(!problem.contains(secret) && !problem.contains(&secret[1..]), "{problem}");
    }
}

#[test]
fn a_quote_too_many_or_a_strange_one_is_told_as_that() {
    expect!["f:1:11: expected a comma, a line break or `}`, found `h`; is a quote within the text meant? write a backslash before it"]
        .assert_eq(&problem(r#"{a: "say "hi" to"}"#));
    expect!["f:1:9: expected a comma, a line break or `}`, found `s`; is a quote within the text meant? write a backslash before it"]
        .assert_eq(&problem("{a: 'it's'}"));
    expect!["f:1:9: expected a comma, a line break or `}`, found `b`"].assert_eq(&problem(r#"{a: "x" b: 1}"#));
    expect!["f:1:2: expected a key, found `“` (U+201C); the quotes of keys are \""].assert_eq(&problem("{“a”: 1}"));
}

#[test]
fn a_semicolon_is_told_as_what_stands_in_place_of_a_comma() {
    for value in ["1", "true", "\"x\"", "[]"] {
        let told = problem(&format!("{{a: {value}; b: 2}}"));
        assert!(told.ends_with("expected a comma, a line break or `}`, found `;`"), "{value}: {told}");
    }
}
