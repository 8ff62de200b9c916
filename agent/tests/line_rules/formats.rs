use scalyr_agent::config::line_plan::LineFormat;
use serde_json::json;

use super::*;

const T: &str = "2026-01-31T12:00:00.000000001Z";

fn json_lines() -> LinePlan {
    let format = LineFormat::Json { message_field: "log".to_owned(), timestamp_field: "time".to_owned() };
    LinePlan { format, ..LinePlan::default() }
}

fn cri() -> LinePlan {
    LinePlan { format: LineFormat::Cri, ..LinePlan::default() }
}

#[test]
fn sharp_edge_28_a_long_json_record_comes_in_pieces_that_share_what_it_says() {
    let mut story = Story::new();
    let long = "0123456789".repeat(6000);
    story.append(
        "a.log",
        format!("{{\"log\":\"{long}\\n\",\"time\":\"{T}\",\"pod\":\"p\"}}\n{{\"log\":\"short\\n\"}}\n"),
    );
    story.start(vec![story.entry("a.log", json_lines())]);
    let events = story.events(3);
    assert_eq!(events.iter().map(|event| event.message.len()).collect::<Vec<_>>(), [49_900, 10_101, 6]);
    assert_eq!([&events[0].own, &events[1].own], [&json!({ "pod": "p", "raw_timestamp": T }); 2]);
    assert_numbers_grow(&events);
}

#[test]
fn keys_of_a_record_that_the_agent_uses_too_are_passed_on_and_what_is_too_deep_is_sent_as_it_is() {
    let mut story = Story::new();
    let record = json!({ "log": "m\u{0}\n", "logfile": "x", "parser": "y", "message": "z", "sample_rate": 7,
        "scalyr_agent_skipped_bytes": 1 });
    let deep = format!("{{\"log\":\"m\",\"a\":{}{}}}\n", "[".repeat(100_000 / 4), "]".repeat(100_000 / 4));
    story.append("a.log", format!("{record}\n{{\"log\":\"1\",\"log\":\"2\",\"a\":1,\"a\":2}}\n{deep}"));
    story.start(vec![story.entry("a.log", json_lines())]);
    let events = story.events(4);
    assert_eq!((events[0].text(), events[0].own["parser"].clone()), ("m\0\n".to_owned(), json!("y")));
    assert_eq!((events[1].text(), events[1].own.clone()), ("2".to_owned(), json!({ "a": 2 })));
    assert_eq!(events[2].text() + &events[3].text(), deep);
    assert_eq!(story.totals().unparsed_lines, 1);
}

#[test]
fn merged_json_that_is_open_at_a_restart_is_read_again_from_its_first_record() {
    let mut story = Story::patient();
    story.plan.merges_json = true;
    story.append("a.log", "{\"log\":\"one\\n\"}\n{\"log\":\"two, \"}\n{\"log\":\"and \"}\n");
    story.start(vec![story.entry("a.log", json_lines())]);
    assert_eq!(story.texts(1), ["one\n"]);
    story.nothing_comes();
    story.crash();
    story.append("a.log", "{\"log\":\"three\\n\"}\n");
    story.start(vec![story.entry("a.log", json_lines())]);
    assert_eq!(story.texts(1), ["two, and three\n"]);
}

#[test]
fn sharp_edge_18_parts_of_two_streams_are_whole_after_a_restart_between_them() {
    let mut story = Story::patient();
    story.append("a.log", format!("{T} stdout F a\n{T} stdout P b1,\n{T} stderr P c1,\n{T} stdout P b2,\n"));
    story.start(vec![story.entry("a.log", cri())]);
    let mut events = story.events(1);
    story.nothing_comes();
    story.crash();
    story.append("a.log", format!("{T} stderr F c2\n{T} stdout F b3\nno container line\n"));
    story.start(vec![story.entry("a.log", cri())]);
    events.extend(story.events(3));
    let texts: Vec<_> = events.iter().map(Seen::text).collect();
    assert_eq!(texts, ["a\n", "c1,c2\n", "b1,b2,b3\n", "no container line\n"]);
    assert_eq!([&events[1].own["stream"], &events[2].own["stream"]], ["stderr", "stdout"]);
    assert_eq!(events[3].own, json!({ "cri_unparsed": true }));
    assert_numbers_grow(&events);
}

#[test]
fn sharp_edge_19_a_container_line_without_end_waits_no_longer_than_any_other() {
    let mut story = Story::new();
    story.append("a.log", format!("{T} stdout P never ended\n{T} stderr F other\n"));
    story.start(vec![story.entry("a.log", cri())]);
    let mut texts = story.texts(2);
    texts.sort_unstable();
    assert_eq!(texts, ["never ended", "other\n"]);
}

#[test]
fn sharp_edge_30_frames_are_counted_once_by_what_became_of_their_lines() {
    let mut story = Story::patient();
    let lines = [
        format!("{T} stdout F sent\n"),
        format!("{T} stdout F left out\n"),
        format!("{T} stdout P part of what is \n"),
        format!("{T} stderr F left out, too\n"),
        format!("{T} stdout F sent\n"),
        format!("{T} stdout F\n"),
        format!("{T} stdout F gone\n"),
    ];
    story.append("a.log", lines.concat());
    let sampling = vec![scalyr_agent::config::line_plan::SamplingPlan { expression: pattern("left out"), rate: 0.0 }];
    let plan = LinePlan { format: LineFormat::Cri, sampling, ..redacting(r"gone\n", vec![], "") };
    story.start(vec![story.entry("a.log", plan)]);
    let read = lines.concat().len() as u64;
    let events = story.events_until(read);
    let totals = story.totals();
    assert_eq!(events.iter().map(Seen::text).collect::<Vec<_>>(), ["sent\n", "part of what is sent\n", "\n"]);
    assert_eq!((totals.read, totals.sampled_out.lines), (read, 2), "{totals:?}");
    let dropped: u64 = totals.dropped.values().map(|count| count.bytes).sum();
    assert_eq!((dropped + totals.sampled_out.bytes, totals.skipped.len()), (read, 0), "{totals:?}");
    assert_eq!(totals.dropped[&DropReason::RedactedAway].bytes, lines[6].len() as u64);
}
