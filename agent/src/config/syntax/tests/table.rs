//! The syntax table of `configuration.md` section 2, row by row and in its order. Where JSON5 reads more than the Python
//! agent did, or an accident of that agent is refused, the row says so.

use super::*;

enum Row {
    /// Read, as this JSON.
    Is(&'static str),
    /// Read, as JSON5 adds it to what the Python agent read.
    Json5(&'static str),
    /// Refused, with this in the words.
    No(&'static str),
}

use Row::{Is, Json5, No};

#[rustfmt::skip]
const TABLE: &[(&str, &[(&str, Row)])] = &[
    ("keys with and without quotes", &[
        ("{a: 1}", Is(r#"{"a":1}"#)),
        (r#"{"a": 1}"#, Is(r#"{"a":1}"#)),
        ("{_aZ09: 1}", Is(r#"{"_aZ09":1}"#)),
        ("{true: 1}", Is(r#"{"true":1}"#)),
    ]),
    ("keys that must be quoted", &[
        ("{a-b: 1}", No("1:3: expected `:` and a value behind the key, found `-`")),
        ("{a.b: 1}", No("1:3: expected `:` and a value behind the key, found `.`")),
        ("{1a: 1}", No("1:2: expected a key, found `1`")),
        ("{$a: 1}", Json5(r#"{"$a":1}"#)),
        ("{é: 1}", Json5(r#"{"é":1}"#)),
        ("{€: 1}", No("1:2: expected a key, found `€` (U+20AC)")),
    ]),
    ("single quotes", &[
        ("{'a': 1}", Json5(r#"{"a":1}"#)),
        (r#"{"a": 'x'}"#, Json5(r#"{"a":"x"}"#)),
    ]),
    ("one trailing comma", &[("{a: 1,}", Is(r#"{"a":1}"#)), ("{a: [1,2,]}", Is(r#"{"a":[1,2]}"#))]),
    ("other commas", &[
        ("{a:1,,b:2}", No("1:6: expected a key, found `,`")),
        ("{,a:1}", No("1:2: expected a key, found `,`")),
        ("{a:[1,,2]}", No("1:7: expected a value, found `,`")),
        ("{a:[,1]}", No("1:5: expected a value, found `,`")),
    ]),
    ("newline instead of comma", &[
        ("{a:1\nb:2}", Is(r#"{"a":1,"b":2}"#)),
        ("{a:1\rb:2}", Is(r#"{"a":1,"b":2}"#)),
        ("{a:1\r\n \t b:2}", Is(r#"{"a":1,"b":2}"#)),
        ("{a:[1\n2\r3\r\n4]}", Is(r#"{"a":[1,2,3,4]}"#)),
        ("{a:1 // why\n b:2}", Is(r#"{"a":1,"b":2}"#)),
    ]),
    ("nothing instead of comma", &[("{a:1 b:2}", No("1:6: expected a comma, a line break or `}`, found `b`"))]),
    ("a block comment hides the break", &[
        ("{a:1\n/* c */ b:2}", No("2:9: expected a comma, a line break or `}`, found `b`")),
        ("{a:1 /* c */\n b:2}", Is(r#"{"a":1,"b":2}"#)),
    ]),
    ("comments", &[
        ("// x\n/* y */{// z\na/**/:/* z */1}// x\n/* y */", Is(r#"{"a":1}"#)),
        ("{a//c\n: 1}", Json5(r#"{"a":1}"#)),
    ]),
    ("shell comments", &[
        ("# x\n{a: 1}", No("1:1: expected `{`, found `#`; comments begin with //")),
        ("{a: 1 # x\n}", No("1:7: expected a comma, a line break or `}`, found `#`; comments begin with //")),
    ]),
    ("joined texts", &[
        (r#"{a: "a" + "b"}"#, Is(r#"{"a":"ab"}"#)),
        ("{a: \"a\" // x\n + /* y */\n \"b\"}", Is(r#"{"a":"ab"}"#)),
        (r#"{"a" + "b": 1}"#, No("1:6: expected `:` and a value behind the key, found `+`")),
        (r#"{a: """a""" + "b"}"#, No("1:13: a text in triple quotes cannot be joined")),
        (r#"{a: "a" + """b"""}"#, No("1:11: expected a text in plain quotes behind `+`")),
    ]),
    ("triple quotes", &[
        ("{a: \"\"\"x\n\"y\" \\t\"\"\"}", Is(r#"{"a":"x\n\"y\" \t"}"#)),
        (r#"{"""a""": 1}"#, No("1:2: a key cannot stand in triple quotes")),
        (r#"{a: """x""""}"#, No("1:12: found `\"` behind the closing `\"\"\"`")),
    ]),
    ("raw line breaks and tabs", &[
        ("{a: \"x\ny\"\n}", No("1:5: the line ends inside this string")),
        ("{a: \"x\ty\"}", Is(r#"{"a":"x\ty"}"#)),
    ]),
    ("escapes", &[
        (r#"{a: "\t\n\r\b\f\"\\\/\u00e4"}"#, Is("{\"a\":\"\\t\\n\\r\\b\\f\\\"\\\\/ä\"}")),
        (r#"{a: "\x41"}"#, Json5(r#"{"a":"A"}"#)),
        (r#"{a: "\'"}"#, Json5(r#"{"a":"'"}"#)),
        ("{a: \"x\\\ny\"}", Json5(r#"{"a":"xy"}"#)),
        (r#"{a: "\d"}"#, No("1:6: expected an escape such as \\n behind `\\`, found `d`")),
        (r#"{a: "\ud83d\ude00"}"#, Is(r#"{"a":"😀"}"#)),
        (r#"{a: "\ud83d"}"#, No("1:6: this escape is half a character")),
        (r#"{a: "\u00g0"}"#, No("1:6: expected 4 hexadecimal digits in this escape, found `g`")),
    ]),
    ("words", &[
        ("{a: [true, false, null]}", Is(r#"{"a":[true,false,null]}"#)),
        ("{a: True}", No("1:5: expected a value, found `T`; write true in small letters")),
        ("{a: yes}", No("1:5: expected a value, found `y`; write true or false")),
    ]),
    ("numbers of JSON5", &[
        ("{a: [+1, .5, 0x10]}", Json5(r#"{"a":[1,0.5,16]}"#)),
        ("{a: NaN}", No("1:5: expected a finite number")),
        ("{a: Infinity}", No("1:5: expected a finite number")),
        ("{a: 1_000}", No("1:6: expected a digit, found `_`")),
    ]),
    ("numbers", &[("{a: [-1, 1.5, 5., 1e3, 010]}", Is(r#"{"a":[-1,1.5,5.0,1000.0,10]}"#))]),
    ("accidents, refused", &[
        ("{a: -}", No("1:6: expected a digit, found the end of the number")),
        ("{a: --1}", No("1:6: expected a digit, found `-`")),
        ("{a: 1e400}", No("1:5: expected a finite number")),
    ]),
    ("whole numbers", &[
        ("{a: [9223372036854775807, -9223372036854775808]}", Is(r#"{"a":[9223372036854775807,-9223372036854775808]}"#)),
        (
            "{a: 9999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999}",
            Is(r#"{"a":1e+100}"#),
        ),
        (
            "{a: 99999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999}",
            No("1:5: this number has more than 100 characters"),
        ),
    ]),
    ("null members are dropped, null elements stay", &[
        ("{a: null}", Is("{}")),
        ("{a:1, a:null}", Is("{}")),
        ("{a: [null]}", Is(r#"{"a":[null]}"#)),
    ]),
    ("the last of two values counts", &[("{a: 1, a: 2}", Is(r#"{"a":2}"#))]),
    ("no braces", &[("a: 1", No("1:1: expected `{`, found `a`"))]),
    ("text behind the end", &[
        ("{a: 1},", No("1:7: found `,` behind the end of the configuration, which is at 1:6")),
        ("{a: 1}}", No("1:7: found `}` behind the end of the configuration, which is at 1:6")),
    ]),
    ("no object", &[
        ("[1]", No("f: must be an object, { ... }, but is a list")),
        ("\"x\"", No("f: must be an object, { ... }, but is a text")),
    ]),
    ("empty", &[("", No("f: is empty; it must hold an object")), (" \n", No("f: is empty; it must hold an object"))]),
    // Nesting, size and number of values: `refused::depth_size_and_keys_are_bounded`.
    // Section 1, and what every text of a fault holds: a byte-order mark is accepted; CR, LF and CRLF end lines.
    ("beside the table", &[
        ("\u{feff}{a: 1}", Is(r#"{"a":1}"#)),
        ("{\r\n\r\n\n a: x}", No("4:5: expected a value, found `x`")),
    ]),
];

#[test]
fn each_row_of_the_table_holds() {
    for (name, row) in TABLE {
        for (text, expected) in *row {
            let (faults, values) = faults(text);
            match expected {
                Is(json) | Json5(json) => {
                    assert_eq!((faults, values.as_deref()), (Vec::new(), Some(*json)), "{name}: {text:?}");
                }
                No(words) => {
                    assert_eq!(faults.len(), 1, "{name}: {text:?}: {faults:#?}");
                    assert!(faults[0].contains(words), "{name}: {text:?}: {}", faults[0]);
                }
            }
        }
    }
}
