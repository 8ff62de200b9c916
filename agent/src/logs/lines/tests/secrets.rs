//! Secrets that stand where lines are cut, and rules that cost too much.

use std::cell::Cell;

use super::*;
use crate::config::line_plan::{Piece, RedactionPlan, Replacement, SamplingPlan};

fn redacting(expression: &str, pieces: Vec<Piece>) -> LinePlan {
    let expression = Pattern::with_steps(expression, 200_000).unwrap();
    let replacement = Replacement { pieces, salt: String::new() };
    LinePlan {
        redaction: vec![RedactionPlan { expression, replacement, place: "redaction_rules[0] of /a".to_owned() }],
        ..LinePlan::default()
    }
}

fn literal(text: &str) -> Vec<Piece> {
    vec![Piece::Literal(text.to_owned())]
}

fn all(seen: &[Seen]) -> String {
    seen.iter().map(Seen::text).collect()
}

#[test]
fn a_secret_where_a_line_is_cut_into_pieces_does_not_escape() {
    for (max_line_size, length) in [(49_900, 400_000), (100, 400_000), (49_900, 60_000)] {
        for format in [LineFormat::Raw, LineFormat::Json { message_field: "log".into(), timestamp_field: "t".into() }] {
            let tail = TailPlan { max_line_size, ..TailPlan::default() };
            let plan = LinePlan { format, ..redacting(r"card=\d{16}", literal("card=*")) };
            let secret = "card=4111111111111111";
            // Each place of the secret is at a cut once.
            let file = format!("{secret} é ").repeat(length / secret.len()) + "\nnext\n";
            let (seen, _) = events(plan, tail, file.as_bytes());
            let all = all(&seen);
            assert!(!all.contains("11"), "of {length}: {:?}", all.find("11").and_then(|at| all.get(at - 40..at + 40)));
            assert_eq!(all.matches("card=*").count(), length / secret.len());
            assert!(seen.iter().all(|event| event.message.len() <= max_line_size));
        }
    }
}

#[test]
fn a_secret_whose_line_is_sent_before_its_end_does_not_escape() {
    let file = b"first\nuser=bob password=hunter2secret, more\nlast password=x\n";
    let plan = || redacting(r"(password=)\w+", vec![Piece::Group(1), Piece::Literal("*".to_owned())]);
    for cuts in [vec![30], vec![26, 30, 33], vec![20], vec![35, 36, 37, 38]] {
        let mut reader = Reader::new(plan(), TailPlan::default());
        for cut in &cuts {
            reader.read_complete(&file[..*cut]);
            reader.read(&file[..*cut], true);
        }
        reader.read_all(file);
        let all = all(&reader.seen);
        assert!(
            ["hunter", "unter", "nter", "secret", "cret"].iter().all(|part| !all.contains(part)),
            "{cuts:?}: {all}"
        );
        assert!(all.starts_with("first\nuser=bob ") && all.ends_with(", more\nlast password=*\n"), "{all}");
    }
}

#[test]
fn the_rest_of_a_line_is_looked_at_alone_where_its_beginning_was_no_secret() {
    let plan = redacting("b+", literal("<b>"));
    let mut reader = Reader::new(plan, TailPlan::default());
    reader.read(b"abb \xc3", true);
    reader.read_all(b"abb \xc3\xa9 bb c\n");
    assert_eq!(
        reader.seen.iter().map(|seen| seen.message.clone()).collect::<Vec<_>>(),
        [&b"a<b> \xc3"[..], b"\xa9 <b> c\n"]
    );
}

#[test]
fn what_rules_make_of_a_window_is_bounded_and_nothing_is_withheld_for_it() {
    let tail = TailPlan::default();
    let mut lines = Lines::new(Arc::new(redacting("x", literal(&"y".repeat(10_000)))), "sequence");
    let file = "x\n".repeat(2000);
    let (mut position, mut count) = (0, 0);
    while position < file.len() {
        let mut arena = file.as_bytes()[position..].to_vec();
        let window = Window { at: Offset(position as u64), flush: false, now: Timestamp::from_nanos(0) };
        let taken = lines.take(&mut arena, window, &tail);
        assert!(arena.len() <= 5 * lines.window_bytes(&tail), "{}", arena.len());
        assert!(taken.bytes > 0 && (taken.was_stopped || position + taken.bytes == file.len()));
        assert_eq!((taken.told.redacted, taken.told.failed), (taken.events.len() as u64, 0));
        assert!(taken.events.iter().all(|event| event.message.len() == 10_001));
        (position, count) = (position + taken.bytes, count + taken.events.len());
    }
    assert_eq!(count, 2000);
}

#[test]
fn rules_that_take_long_leave_the_rest_of_a_window_for_later() {
    for format in [LineFormat::Raw, LineFormat::Json { message_field: "log".into(), timestamp_field: "t".into() }] {
        let sampling = vec![SamplingPlan { expression: Pattern::new("drop").unwrap(), rate: 0.0 }];
        let mut lines = Lines::new(Arc::new(LinePlan { format, sampling, ..redacting("1", literal("*")) }), "sequence");
        let file = "not json 1\n".repeat(1000);
        let elapsed = Cell::new(Duration::ZERO);
        let (mut position, mut told, mut takes, mut events) = (0, RuleCounts::default(), 0, 0);
        while position < file.len() {
            let mut blank = Blank { arena: file.as_bytes()[position..].to_vec(), ..Blank::default() };
            let window = Window { at: Offset(position as u64), flush: false, now: Timestamp::from_nanos(0) };
            let begin = elapsed.get();
            let taken = lines.take_in_time(&mut blank, window, &TailPlan::default(), &|| {
                elapsed.set(elapsed.get() + Duration::from_millis(5));
                elapsed.get() - begin
            });
            assert!(taken.bytes > 0 && taken.segments.last().unwrap().end.0 == (position + taken.bytes) as u64);
            (position, takes, events) = (position + taken.bytes, takes + 1, events + taken.events.len());
            told.add(taken.told);
        }
        assert!(takes > 10 && takes < 100, "{takes}");
        assert_eq!((events, told.redacted), (1000, 1000));
        assert!(told.unparsed == 0 || told.unparsed == 1000, "counted once: {}", told.unparsed);
    }
}

#[test]
fn a_sample_of_json_keeps_the_digits_of_its_numbers_and_its_names_are_unique() {
    let sampling = vec![SamplingPlan { expression: Pattern::new("m").unwrap(), rate: 0.999_999 }];
    let format = LineFormat::Json { message_field: "log".to_owned(), timestamp_field: "time".to_owned() };
    let line =
        r#"{"log":"m","sample_rate":1,"n":12345678901234567890.10,"sample\u005frate":{"a":[1]},"t":"sample_rate"}"#;
    let (seen, _) = events(LinePlan { format, sampling, ..LinePlan::default() }, TailPlan::default(), line.as_bytes());
    assert_eq!(seen[0].attributes, r#""sample_rate":0.999999,"n":12345678901234567890.10,"t":"sample_rate""#);
}
