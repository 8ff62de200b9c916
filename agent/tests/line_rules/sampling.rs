use scalyr_agent::config::line_plan::SamplingPlan;

use super::*;

fn half() -> LinePlan {
    let sampling = vec![SamplingPlan { expression: pattern("debug"), rate: 0.5 }];
    LinePlan { sampling, ..LinePlan::default() }
}

#[test]
fn what_is_left_out_and_what_is_sent_is_all_there_is_and_a_restart_decides_the_same() {
    let mut story = Story::new();
    let lines: Vec<String> = (0..2000).map(|line| format!("{} {line}\n", ["debug", "error"][line % 2])).collect();
    story.append("a.log", lines.concat());
    let bytes = lines.concat().len() as u64;
    story.start(vec![story.entry("a.log", half())]);
    // Killed when everything was handed on, and nothing was saved.
    let mut before = Vec::new();
    while before.last().is_none_or(|seen: &Seen| !seen.text().contains("1999")) {
        before.extend(seen(&story.running().batches.recv_timeout(DEADLINE).unwrap()));
    }
    story.crash();
    story.start(vec![story.entry("a.log", half())]);
    // A session that was to make way hands everything back: it is read once more.
    let first = story.running().batches.recv_timeout(DEADLINE).unwrap();
    let again = seen(&first);
    story.running().tail.rewind(worker());
    drop(first);
    let after = story.events_until(bytes);
    assert!(after.starts_with(&again) || after.len() >= again.len());
    let of = |events: &[Seen]| events.iter().map(|event| (event.text(), event.number)).collect::<Vec<_>>();
    let mut once = of(&after);
    once.sort_by_key(|(_, number)| *number);
    once.dedup();
    // The kill may have come before the position was known, with another sequence and so other dice; within a run they
    // are the same, line by line.
    assert!(of(&again).iter().all(|event| once.contains(event)));
    let totals = story.totals();
    assert_eq!(once.iter().filter(|(text, _)| text.starts_with("error")).count(), 1000);
    let debug = once.len() as u64 - 1000;
    assert!((350..650).contains(&debug), "{debug} of 1000");
    assert_eq!(totals.sampled_out.lines, 1000 - debug);
    for event in &after {
        let rate = event.own.get("sample_rate").and_then(Value::as_f64);
        assert_eq!(rate, event.text().starts_with("debug").then_some(0.5), "{event:?}");
    }
}

#[test]
fn a_file_whose_position_is_known_keeps_its_dice_over_a_restart() {
    let mut story = Story::new();
    story.append("a.log", "error\n");
    story.start(vec![story.entry("a.log", half())]);
    assert_eq!(story.texts(1), ["error\n"]);
    let more: String = (0..500).map(|line| format!("debug {line}\n")).collect();
    let mut runs = Vec::new();
    for run in 0..3 {
        if run > 0 {
            story.crash();
            story.start(vec![story.entry("a.log", half())]);
        } else {
            story.append("a.log", more.clone() + "error last\n");
        }
        // Neither settled nor saved.
        let (mut batches, mut events) = (Vec::new(), Vec::new());
        while events.last().is_none_or(|seen: &Seen| seen.text() != "error last\n") {
            let batch = story.running().batches.recv_timeout(DEADLINE).unwrap();
            events.extend(seen(&batch));
            batches.push(batch);
        }
        runs.push(events);
    }
    assert!(runs[0].len() > 100 && runs[0] == runs[1] && runs[1] == runs[2]);
}
