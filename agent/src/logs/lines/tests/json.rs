use super::*;

fn plan() -> LinePlan {
    let format = LineFormat::Json { message_field: "log".to_owned(), timestamp_field: "time".to_owned() };
    LinePlan { format, ..LinePlan::default() }
}

/// Messages, attributes and times.
fn read(tail: TailPlan, file: &str) -> (Vec<(String, String, Option<i64>)>, u64) {
    let (seen, told) = events(plan(), tail, file.as_bytes());
    (seen.iter().map(|event| (event.text(), event.attributes.clone(), event.time)).collect(), told.unparsed)
}

#[track_caller]
fn check(line: &str, message: &str, attributes: &str, time: Option<i64>) {
    let expected = (vec![(message.to_owned(), attributes.to_owned(), time)], 0);
    assert_eq!(read(TailPlan::default(), &format!("{line}\n")), expected, "{line}");
    if !attributes.is_empty() {
        assert!(serde_json::from_str::<serde_json::Value>(&format!("{{{attributes}}}")).is_ok());
    }
}

#[test]
fn message_time_and_other_fields_are_told_apart() {
    check(
        r#"{"log":"hello\n","stream":"stdout","time":"1970-01-01T00:00:01.5Z","n":{"a":[1,null]}}"#,
        "hello\n",
        r#""stream":"stdout","raw_timestamp":"1970-01-01T00:00:01.5Z","n":{"a":[1,null]}"#,
        Some(1_500_000_000),
    );
    check(r#"{"log":"no time"}"#, "no time", "", None);
    check(
        r#"{"time":"1970-01-01T02:00:00+02:00","log":""}"#,
        "",
        r#""raw_timestamp":"1970-01-01T02:00:00+02:00""#,
        Some(0),
    );
    check("{\"log\":\"é\\u00e9\\ud83d\\ude00\\u0000\"}\r", "éé😀\0", "", None);
}

#[test]
fn values_are_passed_on_as_they_are_written() {
    check(
        r#"{"log":"x","a":1.10,"b":123456789012345678901234567890,"c":1E+2, "d" : "\u00e9\/" ,"\u0065":-0}"#,
        "x",
        r#""a":1.10,"b":123456789012345678901234567890,"c":1E+2,"d":"\u00e9\/","\u0065":-0"#,
        None,
    );
    check(r#"{"message":"own","log":"x","parser":5}"#, "x", r#""message":"own","parser":5"#, None);
}

#[test]
fn of_a_key_that_is_given_twice_the_last_counts() {
    check(r#"{"log":"a","b":1,"b":2,"l\u006fg":"c","\u0062":3}"#, "c", r#""\u0062":3"#, None);
}

#[test]
fn the_time_is_never_lost() {
    check(r#"{"log":"x","time":"noon"}"#, "x", r#""raw_timestamp":"noon""#, None);
    check(r#"{"log":"x","time":12}"#, "x", r#""raw_timestamp":12"#, None);
    check(r#"{"log":"x","time":"noon","raw_timestamp":"mine"}"#, "x", r#""time":"noon","raw_timestamp":"mine""#, None);
    check(
        r#"{"log":"x","time":"1970-01-01T00:00:00Z","raw_timestamp":"mine"}"#,
        "x",
        r#""raw_timestamp":"mine""#,
        Some(0),
    );
    let without = TailPlan { raw_timestamp: false, ..TailPlan::default() };
    let (seen, _) =
        read(without, "{\"log\":\"x\",\"time\":\"1970-01-01T00:00:00Z\"}\n{\"log\":\"y\",\"time\":\"noon\"}\n");
    assert_eq!(seen[0], ("x".to_owned(), String::new(), Some(0)));
    assert_eq!(seen[1], ("y".to_owned(), r#""time":"noon""#.to_owned(), None));
}

#[test]
fn what_is_no_record_is_sent_as_it_is_and_counted() {
    let deep = format!("{{\"log\":\"x\",\"a\":{}1{}}}", "[".repeat(5000), "]".repeat(5000));
    let lines = [
        "text",
        "",
        "[]",
        "{}",
        "{\"log\":1}",
        "{\"log\":null}",
        "{\"a\":\"b\"}",
        "{\"log\":\"a\"",
        "{\"log\":\"\\ud800\"}",
        "{\"log\":\"\0\"}",
        "{\"log\":\"a\",\"b\":1e999}",
        "{\"log\":\"a\",\"b\":NaN}",
        "{\"log\":\"a\"} x",
        "{\"log\":\"a\",\"log\":5}",
        &deep,
    ];
    let file: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let (seen, unparsed) = read(TailPlan::default(), &file);
    let expected: Vec<_> = lines.iter().map(|line| (format!("{line}\n"), String::new(), None)).collect();
    assert_eq!((seen, unparsed), (expected, lines.len() as u64));
    let (seen, told) = events(plan(), TailPlan::default(), b"{\"log\":\"\xff\"}\n");
    assert_eq!((seen[0].message.as_slice(), told.unparsed), (&b"{\"log\":\"\xff\"}\n"[..], 1));
}

#[test]
fn a_record_without_final_newline_is_parsed_when_its_time_has_come() {
    let mut reader = Reader::new(plan(), TailPlan::default());
    reader.read_complete(b"{\"log\":\"x\"}");
    assert!(reader.seen.is_empty());
    reader.read_all(b"{\"log\":\"x\"}");
    assert_eq!((reader.seen[0].text(), reader.told.unparsed), ("x".to_owned(), 0));
}

#[test]
fn a_record_longer_than_a_line_may_be_is_parsed_whole() {
    let tail = TailPlan { max_line_size: 20, max_record_size: 100, ..TailPlan::default() };
    let file = format!("{{\"log\":\"{}\",\"a\":1}}\n", "0123456789".repeat(6));
    let (seen, unparsed) = read(tail, &file);
    assert_eq!(unparsed, 0);
    assert_eq!(seen.iter().map(|(message, ..)| message.as_str()).collect::<String>(), "0123456789".repeat(6));
    assert!(seen.iter().all(|(_, attributes, _)| attributes == "\"a\":1"));
    let (seen, unparsed) = read(tail, &format!("{{\"log\":\"{}\"}}\n", "x".repeat(150)));
    assert_eq!(unparsed, 2, "longer still: raw text, in pieces as long as a record may be");
    assert_eq!(seen.iter().map(|(message, ..)| message.len()).sum::<usize>(), 161);
}

#[test]
fn merged_records_are_joined_up_to_the_newline() {
    let tail = TailPlan { merges_json: true, ..TailPlan::default() };
    let (first, second) = ("1970-01-01T00:00:01Z", "1970-01-01T00:00:02Z");
    let file = format!(
        "{{\"log\":\"a\",\"time\":\"{first}\",\"s\":1}}\n{{\"log\":\"\\u0062\",\"time\":\"{second}\",\"s\":2}}\n{{\"log\":\"c\\n\"}}\n\
         {{\"log\":\"d\\n\"}}\n{{\"log\":\"e\"}}\nno record\n{{\"log\":\"f\"}}\n{{\"log\":\"g"
    );
    let mut reader = Reader::new(plan(), tail);
    reader.read_complete(file.as_bytes());
    let texts = |reader: &Reader| reader.seen.iter().map(Seen::text).collect::<Vec<_>>();
    assert_eq!(texts(&reader), ["abc\n", "d\n", "e", "no record\n"]);
    assert_eq!(reader.seen[0].time, Some(1_000_000_000));
    assert_eq!(reader.seen[0].attributes, format!("\"raw_timestamp\":\"{first}\",\"s\":1"));
    reader.read_all(file.as_bytes());
    assert_eq!(texts(&reader)[4..], ["f", "{\"log\":\"g"], "each when its time has come");
    assert_eq!(reader.told.unparsed, 2);
}

#[test]
fn merged_records_are_no_longer_than_one_may_be() {
    let tail = TailPlan { merges_json: true, max_record_size: 50, max_line_size: 50, ..TailPlan::default() };
    let file = "{\"log\":\"123456\"}\n".repeat(5);
    let (seen, _) = read(tail, &file);
    assert_eq!(
        seen.iter().map(|(message, ..)| message.as_str()).collect::<Vec<_>>(),
        ["123456123456", "123456123456", "123456"]
    );
}
