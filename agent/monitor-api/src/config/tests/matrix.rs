//! The conversion matrix (`monitor-framework.md` sections 10.2 and 10.3) as one table.

use std::fmt::Write as _;

use expect_test::expect;

use super::*;

/// What is read, `~` behind it when there is a warning; `X` when it is refused.
fn cell<T: ConfigValue>(value: &Value) -> String {
    let mut problems = Vec::new();
    match T::read(&mut Found::new(value, "option", "", &mut problems)) {
        Some(read) => read.to_value().to_string() + if problems.is_empty() { "" } else { "~" },
        None => "X".to_owned(),
    }
}

/// Where the Python agent gave the same, the row is its own. Where it parts: `yes`, `on`, `1` are true and `0` is false,
/// with a warning where it had the opposite; the text of a list or object is not made into Python's debug text; `nan` and
/// `inf` are no numbers; a fraction is cut with a warning, also in text, which was refused; elements of a list of texts
/// may be numbers; empty text is an empty list, which crashed.
#[test]
fn every_row_of_the_matrix() {
    let rows = [
        json!(true),
        json!(false),
        json!(5),
        json!(0),
        json!(1),
        json!(2.9),
        json!("true"),
        json!("FALSE"),
        json!("yes"),
        json!("no"),
        json!("abc"),
        json!(""),
        json!("  "),
        json!(" 42 "),
        json!("1_000"),
        json!("2.9"),
        json!("1e3"),
        json!("nan"),
        json!("inf"),
        json!("a,b"),
        json!("a, b c"),
        json!("[a, b]"),
        json!("['a', \"b\", c]"),
        json!("'a,b'"),
        json!("'a"),
        json!("[1, 2]"),
        json!("[[1], {b: 2}]"),
        json!("{a: 1}"),
        json!("{}"),
        json!([]),
        json!(["a", "b c"]),
        json!([1, 2.5]),
        json!([["a"]]),
        json!({}),
        json!({ "a": 1 }),
    ];
    let mut table = String::new();
    let mut line = |cells: [String; 9]| {
        let [first, rest @ ..] = cells;
        _ = write!(table, "{first:<18}");
        for cell in rest {
            _ = write!(table, " | {cell:<14}");
        }
        table.truncate(table.trim_end().len());
        table.push('\n');
    };
    let titles = ["from / to", "bool", "integer", "number", "text", "list (,)", "list ( ,)", "array", "object"];
    line(titles.map(str::to_owned));
    for value in rows {
        line([
            value.to_string(),
            cell::<bool>(&value),
            cell::<i64>(&value),
            cell::<f64>(&value),
            cell::<String>(&value),
            cell::<Vec<String>>(&value),
            cell::<SpacedList<String>>(&value),
            cell::<Vec<Value>>(&value),
            cell::<Map<String, Value>>(&value),
        ]);
    }
    expect![[r#"
        from / to          | bool           | integer        | number         | text           | list (,)       | list ( ,)      | array          | object
        true               | true           | X              | X              | "True"~        | X              | X              | X              | X
        false              | false          | X              | X              | "False"~       | X              | X              | X              | X
        5                  | X              | 5              | 5              | "5"            | X              | X              | X              | X
        0                  | false          | 0              | 0              | "0"            | X              | X              | X              | X
        1                  | true           | 1              | 1              | "1"            | X              | X              | X              | X
        2.9                | X              | 2~             | 2.9            | "2.9"          | X              | X              | X              | X
        "true"             | true           | X              | X              | "true"         | ["true"]       | ["true"]       | X              | X
        "FALSE"            | false          | X              | X              | "FALSE"        | ["FALSE"]      | ["FALSE"]      | X              | X
        "yes"              | true~          | X              | X              | "yes"          | ["yes"]        | ["yes"]        | X              | X
        "no"               | false          | X              | X              | "no"           | ["no"]         | ["no"]         | X              | X
        "abc"              | X              | X              | X              | "abc"          | ["abc"]        | ["abc"]        | X              | X
        ""                 | false          | X              | X              | ""             | []             | []             | []             | {}
        "  "               | false          | X              | X              | "  "           | []             | []             | []             | {}
        " 42 "             | X              | 42             | 42             | " 42 "         | ["42"]         | ["42"]         | X              | X
        "1_000"            | X              | 1000           | 1000           | "1_000"        | ["1_000"]      | ["1_000"]      | X              | X
        "2.9"              | X              | 2~             | 2.9            | "2.9"          | ["2.9"]        | ["2.9"]        | X              | X
        "1e3"              | X              | 1000           | 1000           | "1e3"          | ["1e3"]        | ["1e3"]        | X              | X
        "nan"              | X              | X              | X              | "nan"          | ["nan"]        | ["nan"]        | X              | X
        "inf"              | X              | X              | X              | "inf"          | ["inf"]        | ["inf"]        | X              | X
        "a,b"              | X              | X              | X              | "a,b"          | ["a","b"]      | ["a","b"]      | X              | X
        "a, b c"           | X              | X              | X              | "a, b c"       | ["a","b c"]    | ["a","b","c"]  | X              | X
        "[a, b]"           | X              | X              | X              | "[a, b]"       | ["a","b"]      | ["a","b"]      | X              | X
        "['a', \"b\", c]"  | X              | X              | X              | "['a', \"b\", c]" | ["a","b","c"]  | ["a","b","c"]  | X              | X
        "'a,b'"            | X              | X              | X              | "'a,b'"        | ["a,b"]~       | ["a,b"]~       | X              | X
        "'a"               | X              | X              | X              | "'a"           | ["'a"]~        | ["'a"]~        | X              | X
        "[1, 2]"           | X              | X              | X              | "[1, 2]"       | ["1","2"]      | ["1","2"]      | [1,2]          | X
        "[[1], {b: 2}]"    | X              | X              | X              | "[[1], {b: 2}]" | ["[1]","{b: 2}"] | ["[1]","{b:","2}"] | [[1],{"b":2}]  | X
        "{a: 1}"           | X              | X              | X              | "{a: 1}"       | ["{a: 1}"]     | ["{a:","1}"]   | X              | {"a":1}
        "{}"               | X              | X              | X              | "{}"           | ["{}"]         | ["{}"]         | X              | {}
        []                 | X              | X              | X              | X              | []             | []             | []             | X
        ["a","b c"]        | X              | X              | X              | X              | ["a","b c"]    | ["a","b c"]    | ["a","b c"]    | X
        [1,2.5]            | X              | X              | X              | X              | ["1","2.5"]    | ["1","2.5"]    | [1,2.5]        | X
        [["a"]]            | X              | X              | X              | X              | X              | X              | [["a"]]        | X
        {}                 | X              | X              | X              | X              | X              | X              | X              | {}
        {"a":1}            | X              | X              | X              | X              | X              | X              | X              | {"a":1}
    "#]].assert_eq(&table);
}

/// Each refusal of the matrix says what was found and what is wanted.
#[test]
fn every_refusal_of_the_matrix_has_its_text() {
    let all = [
        refused::<bool>(json!("maybe")),
        refused::<bool>(json!(2)),
        refused::<bool>(json!([])),
        refused::<i64>(json!(true)),
        refused::<i64>(json!("")),
        refused::<i64>(json!("abc")),
        refused::<i64>(json!([1])),
        refused::<f64>(json!(false)),
        refused::<f64>(json!("")),
        refused::<f64>(json!("nan")),
        refused::<f64>(json!({})),
        refused::<String>(json!(["a"])),
        refused::<String>(json!({ "a": 1 })),
        refused::<Vec<String>>(json!(true)),
        refused::<Vec<String>>(json!(5)),
        refused::<Vec<String>>(json!({})),
        refused::<Vec<String>>(json!([["a"]])),
        refused::<Vec<Value>>(json!("abc")),
        refused::<Vec<Value>>(json!("{}")),
        refused::<Vec<Value>>(json!("[1, 2")),
        refused::<Vec<Value>>(json!("[".repeat(100_000))),
        refused::<Map<String, Value>>(json!("abc")),
        refused::<Map<String, Value>>(json!("[1]")),
        refused::<Map<String, Value>>(json!("{a: 1")),
        refused::<Map<String, Value>>(json!("{a:".repeat(100_000))),
        refused::<Map<String, Value>>(json!([])),
        refused::<HostPort>(json!("localhost")),
        refused::<HostPort>(json!("::1:80")),
        refused::<HostPort>(json!("http://a:80")),
        refused::<HostPort>(json!("a:99999")),
        refused::<Pattern>(json!("a(b")),
        refused::<Pattern>(json!(["a"])),
        refused::<Glob>(json!(true)),
    ];
    expect![[r#"
        "maybe" is not true or false
        2 is not true or false
        a list is not true or false
        true is not a whole number
        "" is not a whole number
        "abc" is not a whole number
        a list is not a whole number
        false is not a number
        "" is not a number
        "nan" is not a finite number
        an object is not a number
        a list is not text
        an object is not text
        true is not a list, each element text
        5 is not a list, each element text
        an object is not a list, each element text
        a list is not text
        the text is no list: expected value at line 1 column 1
        the text is no list; it begins with [ and ends with ]
        the text is no list: EOF parsing array at line 1 column 1
        the text is no list: objects and lists lie in each other more than 100 deep at line 1 column 101
        the text is no object: expected value at line 1 column 1
        the text is no object; it begins with { and ends with }
        the text is no object: EOF parsing object at line 1 column 1
        the text is no object: objects and lists lie in each other more than 100 deep at line 1 column 301
        a list is not an object, each member any value
        "localhost" is not a host and a port, like localhost:80: it has no port
        "::1:80" is not a host and a port, like localhost:80: an IPv6 address needs brackets, like [::1]:80
        "http://a:80" is not a host and a port, like localhost:80: the host is no plain name or address; leave out the scheme and the path
        "a:99999" is not a host and a port, like localhost:80: the port behind the last `:` is no number from 0 to 65535
        "a(b" is not a regular expression: the `(` at character 2 is never closed
        a list is not a regular expression
        true is not a pattern with * and ?
    "#]].assert_eq(&(all.join("\n") + "\n"));
}
