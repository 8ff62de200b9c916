//! Whole records through all rules.

use std::sync::Arc;

use scalyr_monitor::config::Pattern;

use super::*;
use crate::config::line_plan::{LinePlan, Piece, RedactionPlan, Replacement, SamplingPlan};

fn redacting(expression: &str, text: &str) -> RedactionPlan {
    RedactionPlan {
        expression: Pattern::with_steps(expression, 1000).unwrap(),
        replacement: Replacement { pieces: vec![Piece::Literal(text.to_owned())], salt: String::new() },
        place: "redaction_rules[0] of /var/log/a.log".to_owned(),
    }
}

fn sampling(expression: &str, rate: f64) -> SamplingPlan {
    SamplingPlan { expression: Pattern::with_steps(expression, 1000).unwrap(), rate }
}

/// The events of these lines: message, attributes, number.
fn applied(plan: LinePlan, lines: &[&str], attributes: &str, tail: &TailPlan) -> (Vec<(String, String, u64)>, Taken) {
    let mut rules = Rules::new(&Arc::new(plan), "si");
    let mut arena = lines.concat().into_bytes();
    let attributes = append(&mut arena, attributes.as_bytes());
    let (mut taken, mut at) = (Taken::default(), 0);
    for line in lines {
        let start = at;
        at += line.len();
        let record = Record {
            message: range(start, at),
            attributes: attributes.clone(),
            time: None,
            end: Offset(at as u64),
            told: Default::default(),
        };
        rules.apply(&mut arena, &record, tail, &mut taken);
    }
    let text = |at: &Range<u32>| String::from_utf8(bytes(&arena, at).to_vec()).unwrap();
    let events = taken.events.iter().map(|event| (text(&event.message), text(&event.attributes), event.number.0));
    (events.collect(), taken)
}

fn messages(events: &[(String, String, u64)]) -> Vec<&str> {
    events.iter().map(|(message, ..)| message.as_str()).collect()
}

#[test]
fn every_byte_has_a_verdict_and_neighbours_are_one_segment() {
    let plan = LinePlan {
        sampling: vec![sampling("^d", 0.0)],
        redaction: vec![redacting("(?s)^secret.*", "")],
        ..LinePlan::default()
    };
    let (events, taken) = applied(plan, &["a\n", "d1\n", "d2\n", "secret\n", "b\n", "c\n"], "", &TailPlan::default());
    assert_eq!(messages(&events), ["a\n", "b\n", "c\n"]);
    let segments: Vec<_> =
        taken.segments.iter().map(|segment| (segment.end.0, segment.lines, segment.verdict)).collect();
    assert_eq!(
        segments,
        [
            (2, 1, Verdict::Send),
            (8, 2, Verdict::SampledOut),
            (15, 1, Verdict::Dropped(DropReason::RedactedAway)),
            (19, 2, Verdict::Send),
        ]
    );
    assert_eq!((taken.told.redacted, taken.told.failed), (1, 0));
}

#[test]
fn sharp_edge_12_a_line_that_a_rule_fails_at_is_replaced_and_the_next_ones_go_on() {
    let plan = LinePlan { redaction: vec![redacting(r"^(a|aa)+$\1b", "")], ..LinePlan::default() };
    let long = "a".repeat(100) + "\n";
    let (events, taken) = applied(plan, &["fine\n", &long, "fine, too\n"], "", &TailPlan::default());
    assert_eq!(
        messages(&events),
        [
            "fine\n",
            "[101 bytes withheld: redaction_rules[0] of /var/log/a.log could not be applied to them]\n",
            "fine, too\n",
        ]
    );
    assert_eq!((taken.told.redacted, taken.told.failed), (0, 1));
}

#[test]
fn sharp_edge_13_an_expression_that_explodes_on_every_line_is_hardly_ever_tried() {
    let plan = LinePlan { redaction: vec![redacting(r"^(a|aa)+$\1b", "")], ..LinePlan::default() };
    let long = "a".repeat(100) + "\n";
    let (events, taken) = applied(plan, &[long.as_str(); 2000], "", &TailPlan::default());
    assert_eq!((events.len(), taken.told.failed), (2000, 2000));
    assert!(events.iter().all(|(message, ..)| message.starts_with("[101 bytes withheld")));
}

#[test]
fn a_sample_says_its_rate_once() {
    let plan = || LinePlan { sampling: vec![sampling("x", 0.999)], ..LinePlan::default() };
    let rated = |attributes| applied(plan(), &["x\n"], attributes, &TailPlan::default()).0.remove(0).1;
    assert_eq!(rated(""), r#""sample_rate":0.999"#);
    assert_eq!(rated(r#""a":1"#), r#""sample_rate":0.999,"a":1"#);
    assert_eq!(rated(r#""sample_rate":7,"a":"b""#), r#""sample_rate":0.999,"a":"b""#);
}

#[test]
fn sharp_edge_17_pieces_are_cut_between_characters_and_their_numbers_grow() {
    let tail = TailPlan { max_line_size: 4, ..TailPlan::default() };
    let plan = LinePlan { redaction: vec![redacting("x", "éé")], ..LinePlan::default() };
    let (events, taken) = applied(plan, &["1\n", "aéaéx\n", "2\n"], "", &tail);
    assert_eq!(messages(&events), ["1\n", "aéa", "éé", "é\n", "2\n"]);
    let numbers: Vec<_> = events.iter().map(|(.., number)| *number).collect();
    assert_eq!(numbers, [2, 8, 9, 10, 12]);
    assert!(taken.events.iter().skip(1).take(3).all(|event| event.end == Offset(10)));
    assert_eq!(taken.segments, [Segment { end: Offset(12), lines: 5, verdict: Verdict::Send }]);
}
