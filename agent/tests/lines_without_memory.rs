//! Lines are taken apart without taking memory for each of them.

use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use scalyr_agent::config::line_plan::{GroupEnd, GrouperPlan, LineFormat, LinePlan};
use scalyr_agent::config::plan::TailPlan;
use scalyr_agent::ledger::Offset;
use scalyr_agent::logs::batch::Blank;
use scalyr_agent::logs::{Lines, Window};
use scalyr_monitor::Timestamp;
use scalyr_monitor::config::Pattern;

/// The allocations of a window with so many lines, once the buffers have their size.
fn allocations(plan: LinePlan, line: &str, count: usize) -> u64 {
    let mut lines = Lines::new(Arc::new(plan), "sequence");
    let source = line.repeat(count);
    let mut blank = Blank::new();
    let mut take = || {
        blank.arena.clear();
        blank.arena.extend_from_slice(source.as_bytes());
        let window = Window { at: Offset(0), flush: true, now: Timestamp::from_nanos(0) };
        let taken = lines.take_in_time(&mut blank, window, &TailPlan::default(), &|| Duration::ZERO);
        assert_eq!((taken.bytes, taken.events.len(), taken.told.unparsed), (source.len(), count, 0));
        taken.give_back(&mut blank);
    };
    take();
    measure(take).count_total
}

#[test]
fn a_thousand_lines_without_rules_take_no_memory() {
    assert_eq!(allocations(LinePlan::default(), "a line\n", 1000), 0);
}

#[test]
fn a_thousand_lines_take_no_more_memory_than_the_lists_of_what_is_made_of_them() {
    let json = LineFormat::Json { message_field: "log".to_owned(), timestamp_field: "time".to_owned() };
    let (start, end) = (Pattern::new("^start").unwrap(), Pattern::new("^ ").unwrap());
    let groupers = vec![GrouperPlan { start, end: GroupEnd::ContinueThrough(end) }];
    for (plan, line) in [
        (LinePlan::default(), "a line\n"),
        (LinePlan { groupers, ..LinePlan::default() }, "a line\n"),
        (
            LinePlan { format: json, ..LinePlan::default() },
            "{\"log\":\"a\\tline\\n\",\"stream\":\"stdout\",\"\\u0061\":[1.0],\"time\":\"2026-01-31T12:00:00Z\"}\n",
        ),
        (LinePlan { format: LineFormat::Cri, ..LinePlan::default() }, "2026-01-31T12:00:00.5Z stdout F a line\r\n"),
    ] {
        let made = allocations(plan, line, 1000);
        assert!(made <= 16, "{made} allocations for {line:?}");
    }
}
