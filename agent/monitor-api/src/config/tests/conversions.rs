//! One type after the other: what it reads, what it warns of, what it refuses and how.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::*;

#[test]
fn a_boolean_reads_from_words_and_refuses_unknown_ones() {
    for word in ["true", "TRUE", "t", "1", "yes", "Y", "on", " true "] {
        assert_eq!(read(json!(word)), Ok(true), "{word}");
    }
    for word in ["false", "False", "f", "0", "no", "n", "OFF", ""] {
        assert_eq!(read(json!(word)), Ok(false), "{word}");
    }
    assert_eq!(read(json!(true)), Ok(true));
    assert_eq!(read(json!(0)), Ok(false));
    assert_eq!(refused::<bool>(json!("nope")), r#""nope" is not true or false"#);
    assert_eq!(refused::<bool>(json!(2)), "2 is not true or false");
    assert_eq!(refused::<bool>(json!([true])), "a list is not true or false");
}

#[test]
fn a_whole_number_reads_from_numbers_without_fraction_and_from_their_text() {
    assert_eq!(read(json!(5)), Ok(5_i32));
    assert_eq!(read(json!(2.0)), Ok(2_u8));
    assert_eq!(read(json!(" -1_000 ")), Ok(-1000_i64));
    assert_eq!(read(json!(u64::MAX)), Ok(u64::MAX));
    assert_eq!(read(json!("18446744073709551615")), Ok(usize::MAX));
    assert_eq!((read(json!("1e3")), read(json!(1e18))), (Ok(1000_u16), Ok(1_000_000_000_000_000_000_i64)));
    for text in ["", "abc", "1__0", "_1", "inf", "nan", "1e300"] {
        assert_eq!(refused::<i64>(json!(text)), format!("\"{text}\" is not a whole number"));
    }
    assert_eq!(refused::<u8>(json!(true)), "true is not a whole number");
    assert_eq!(refused::<u8>(json!({})), "an object is not a whole number");
    assert_eq!(refused::<u8>(json!(300)), "300 is above 255, the most that fits");
    assert_eq!(refused::<u8>(json!(-1)), "-1 is below 0, the least that fits");
    assert_eq!(refused::<usize>(json!(-1)), "-1 is below 0, the least that fits");
    assert_eq!(refused::<i64>(json!(1e300)), "1e+300 is not a whole number");
}

#[test]
fn what_the_old_agent_read_otherwise_is_told() {
    fn warned<T: ConfigValue>(value: Value) -> (Option<Value>, Vec<String>) {
        let mut problems = Vec::new();
        let read = T::read(&mut Found::new(&value, "option", "", &mut problems));
        (read.map(|read| read.to_value()), problems.into_iter().map(|problem| problem.text()).collect())
    }
    let cut = |shown: &str| vec![format!("{shown} is cut to 2: this must be a whole number")];
    assert_eq!(warned::<u8>(json!(2.9)), (Some(json!(2)), cut("2.9")));
    assert_eq!(warned::<usize>(json!("2.9")), (Some(json!(2)), cut("\"2.9\"")));
    assert_eq!(warned::<u8>(json!(300.5)), (None, vec!["300.5 is above 255, the most that fits".to_owned()]));
    for word in ["yes", "1", "on", " true"] {
        let message = format!("\"{word}\" is read as true; the Python agent took it as false");
        assert_eq!(warned::<bool>(json!(word)), (Some(json!(true)), vec![message]));
    }
    for word in ["TRUE", "no", "0", "False"] {
        assert!(warned::<bool>(json!(word)).1.is_empty(), "{word}");
    }
}

#[test]
fn a_number_reads_from_numbers_and_their_text_and_is_finite() {
    assert_eq!(read(json!(5)), Ok(5.0));
    assert_eq!(read(json!("1e3")), Ok(1000.0));
    assert_eq!(read(json!(" 0.5 ")), Ok(0.5_f32));
    assert_eq!(refused::<f64>(json!("abc")), r#""abc" is not a number"#);
    assert_eq!(refused::<f64>(json!("")), r#""" is not a number"#);
    assert_eq!(refused::<f64>(json!("nan")), r#""nan" is not a finite number"#);
    assert_eq!(refused::<f64>(json!("-inf")), r#""-inf" is not a finite number"#);
    assert_eq!(refused::<f64>(json!(false)), "false is not a number");
    assert_eq!(refused::<f32>(json!(1e300)), "1e+300 is too large");
}

#[test]
fn text_reads_from_text_and_numbers_and_doubtfully_from_booleans() {
    assert_eq!(read(json!("a b")), Ok("a b".to_owned()));
    assert_eq!(read(json!(8080)), Ok("8080".to_owned()));
    assert_eq!(read(json!(2.9)), Ok("2.9".to_owned()));
    assert_eq!(refused::<String>(json!(["a"])), "a list is not text");

    let mut problems = Vec::new();
    let text = String::read(&mut Found::new(&json!(true), "flag", "", &mut problems));
    assert_eq!(text.as_deref(), Some("True"));
    let told = Problem::warning("flag", "true is read as the text \"True\"").of_kind(ProblemKind::Type);
    assert_eq!(problems, [told.with_hint("write it in quotes")]);
}

#[test]
fn paths_times_and_addresses_read_from_their_text() {
    assert_eq!(read(json!("/proc")), Ok(PathBuf::from("/proc")));
    assert_eq!(refused::<PathBuf>(json!(5)), "5 is not a path");
    assert_eq!(read(json!(1.5)), Ok(Duration::from_millis(1500)));
    assert_eq!(read(json!("30")), Ok(Duration::from_secs(30)));
    assert_eq!(refused::<Duration>(json!(-1)), "-1 is negative; a time in seconds is 0 or more");
    assert_eq!(refused::<Duration>(json!(1e30)), "1e+30 is no usable time in seconds");
    assert_eq!(refused::<Duration>(json!("nan")), "\"nan\" is no usable time in seconds");
    assert_eq!(refused::<Duration>(json!("soon")), "\"soon\" is not a time in seconds");
    assert_eq!(read(json!("::1")), "::1".parse::<IpAddr>().map_err(|error| error.to_string()));
    assert_eq!(refused::<IpAddr>(json!("localhost")), r#""localhost" is not an IP address"#);
}

#[test]
fn a_list_reads_from_a_list_or_from_text_with_separators() {
    let list = |value: Value| read::<Vec<String>>(value).unwrap();
    assert_eq!(list(json!(["a", "b"])), ["a", "b"]);
    let spaced = |value: Value| read::<SpacedList<String>>(value).unwrap().0;
    assert_eq!(spaced(json!(["a b", "c"])), ["a b", "c"]);
    for text in ["a,b,c", "a, b , c", "[a, b, c]", "['a', \"b\", c]", " [ \"a\",\"b\",'c' ] ", "a,,b,c,"] {
        assert_eq!(list(json!(text)), ["a", "b", "c"], "{text}");
        assert_eq!(spaced(json!(text)), ["a", "b", "c"], "{text}");
    }
    assert_eq!(list(json!("a b  c")), ["a b  c"]);
    assert_eq!(list(json!("a b, 'c d' e ")), ["a b", "c d e"]);
    for text in ["a b  c", "a,b\tc", "[a b\nc ]"] {
        assert_eq!(spaced(json!(text)), ["a", "b", "c"], "{text}");
    }
    assert_eq!(list(json!("'a,b', c")), ["a,b", "c"], "a separator inside quotes does not split");
    assert_eq!(spaced(json!("'a b' c")), ["a b", "c"], "a separator inside quotes does not split");
    assert_eq!(list(json!("'abc")), ["'abc"], "a quote that is never closed stays");
    assert!(list(json!("")).is_empty());
    assert!(list(json!("  ")).is_empty());
    assert_eq!(read(json!("1, 2")), Ok(vec![1_u8, 2]));
    assert_eq!(refused::<Vec<String>>(json!(5)), "5 is not a list, each element text");
}

#[test]
fn every_bad_element_is_told_with_its_place() {
    let mut problems = Vec::new();
    let ports = json!([80, "x", 443, -1]);
    assert_eq!(Vec::<u16>::read(&mut Found::new(&ports, "ports", "", &mut problems)), None);
    let map = json!({ "a": 1, "b": { "c": 2 } });
    assert_eq!(BTreeMap::<String, u16>::read(&mut Found::new(&map, "map", "", &mut problems)), None);
    let told: Vec<String> = problems.iter().map(|problem| format!("{}: {}", problem.path, problem.text())).collect();
    assert_eq!(
        told,
        [
            "ports[1]: \"x\" is not a whole number",
            "ports[3]: -1 is below 0, the least that fits",
            "map.b: an object is not a whole number"
        ]
    );
}

#[test]
fn an_object_reads_from_an_object_or_from_its_text() {
    let map = BTreeMap::from([("a".to_owned(), 1_u64)]);
    assert_eq!(read(json!({ "a": 1 })), Ok(map.clone()));
    assert_eq!(read(json!("{\"a\": 1}")), Ok(map));
    assert_eq!(read(json!("")), Ok(Map::new()));
    assert_eq!(read(json!("{ a: 1, /* gone */ b: null, }")), Ok(BTreeMap::from([("a".to_owned(), 1_u64)])));
    assert!(refused::<Map<String, Value>>(json!("{a")).starts_with("the text is no object: "));
    assert_eq!(refused::<Map<String, Value>>(json!("[1]")), "the text is no object; it begins with { and ends with }");
    assert_eq!(refused::<Map<String, Value>>(json!([])), "a list is not an object, each member any value");
}

#[test]
fn a_password_inside_a_list_or_an_object_is_not_shown() {
    let secret = "hunter2";
    let (list, object) = (json!([[secret]]), json!({ "password": secret }));
    for message in [refused::<String>(object.clone()), refused::<bool>(list.clone()), refused::<u8>(object.clone())] {
        assert!(message.starts_with("a list is not ") || message.starts_with("an object is not "), "{message}");
    }
    for message in [refused::<Vec<String>>(object), refused::<BTreeMap<String, u8>>(list)] {
        assert!(!message.contains(secret), "{message}");
    }
}

#[test]
fn a_number_that_loses_digits_as_a_text_is_warned_of() {
    let warned = |number: &str| {
        let (value, mut problems) = (serde_json::from_str(number).unwrap(), Vec::new());
        let text = String::read(&mut Found::new(&value, "", "", &mut problems)).unwrap();
        (text, told(problems))
    };
    assert_eq!(warned("18446744073709551615"), ("18446744073709551615".to_owned(), vec![]));
    assert_eq!(warned("1.5"), ("1.5".to_owned(), vec![]));
    assert_eq!(
        warned("123456789012345678901234567890").1,
        [r#"Warning : 1.2345678901234568e+29 is read as the text "1.2345678901234568e+29"; write it in quotes"#]
    );
}

#[test]
fn a_path_with_a_nul_is_refused() {
    assert_eq!(refused::<PathBuf>(json!("/a\0b")), r#""/a\u0000b" is not a path: it holds a NUL character"#);
}

#[test]
fn only_a_plain_host_and_digits_are_a_host_and_a_port() {
    for plain in ["localhost:80", "a_b-c.d:00080", "bücher.example:1", "[::1]:65535", " 10.0.0.1:0 "] {
        assert!(read::<HostPort>(json!(plain)).is_ok(), "{plain}");
    }
    for odd in ["h:+80", "h:-0", "h:", "h:٣", "h\0:80", "h\u{202e}:80", "h?a:80", "h#a:80", "a,b:80", "h\\x:80", "*:80"]
    {
        assert!(read::<HostPort>(json!(odd)).is_err(), "{odd:?}");
    }
}

#[test]
fn what_would_steer_a_terminal_or_hide_is_shown_by_its_code() {
    let message = refused::<u8>(json!("a\u{202e}b\u{9b}c\u{200b}\u{1b}\u{7f}é"));
    assert_eq!(message, r#""a\u{202e}b\u{9b}c\u{200b}\u001b\u{7f}é" is not a whole number"#);
}

#[test]
fn a_long_value_is_cut_short_in_a_message() {
    let message = refused::<f64>(json!("é".repeat(5000)));
    assert!(message.len() < 200, "{message}");
    assert!(message.ends_with("… is not a number"), "{message}");
}

// monitor-framework.md, sharp edge 10
#[test]
fn what_the_python_agent_took_for_something_else_is_a_conversion() {
    fn told<T: ConfigValue>(value: Value) -> Vec<(ProblemKind, String)> {
        let mut problems = Vec::new();
        assert!(T::read(&mut Found::new(&value, "option", "", &mut problems)).is_some(), "{value}");
        problems.into_iter().map(|problem| (problem.kind, problem.text())).collect()
    }
    let conversion = |text: &str| vec![(ProblemKind::Conversion, text.to_owned())];
    for (text, flag) in [("yes", true), ("1", true), ("On", true), ("t", true)] {
        let expected = format!("{text:?} is read as {flag}; the Python agent took it as false");
        assert_eq!(told::<bool>(json!(text)), conversion(&expected));
    }
    for same in [json!("TRUE"), json!("no"), json!("0"), json!(""), json!("off"), json!(true), json!(0)] {
        assert_eq!(told::<bool>(same), []);
    }
    assert_eq!(
        told::<Vec<String>>(json!("'a,b', c")),
        conversion(
            "\"'a,b', c\" is read as 2 elements; the Python agent split it inside the quotes or cut it; write a list, \
             [\"...\"]"
        )
    );
    assert_eq!(told::<Vec<String>>(json!("it's, 'x")).len(), 1);
    for same in [json!("a, 'b', \"c\""), json!("['a b',c]"), json!("it's, b"), json!(["'a"])] {
        assert_eq!(told::<Vec<String>>(same), []);
    }
    // Cut off by both.
    assert_eq!(
        told::<u8>(json!(2.9)),
        [(ProblemKind::Type, "2.9 is cut to 2: this must be a whole number".to_owned())]
    );
}
