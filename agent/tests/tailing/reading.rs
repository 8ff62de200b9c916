//! What is read: where it begins, how lines end, how much at a time.

use std::time::Duration;

use scalyr_agent::ledger::SkipReason;
use scalyr_monitor::Clock;

use super::{DEADLINE, Tailing, messages};

#[test]
fn a_file_that_is_there_at_start_begins_at_its_end_and_a_new_one_at_its_first_byte() {
    let mut tailing = Tailing::new();
    tailing.append("old.log", "history\n");
    tailing.start("*.log");
    tailing.append("old.log", "news\n");
    assert_eq!(tailing.lines(1), ["news\n"]);
    tailing.append("new.log", "first\nsecond\n");
    assert_eq!(tailing.lines(2), ["first\n", "second\n"]);
    assert_eq!(tailing.totals().read, 5 + 13);
}

#[test]
fn an_unfinished_last_line_waits_for_its_end_and_is_sent_when_that_does_not_come() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "one\ntw");
    assert_eq!(tailing.lines(1), ["one\n"]);
    tailing.append("a.log", "o\n");
    assert_eq!(tailing.lines(1), ["two\n"]);
    tailing.append("a.log", "thr");
    assert_eq!(tailing.lines(1), ["thr"]);
    tailing.append("a.log", "ee\n");
    assert_eq!(tailing.lines(1), ["ee\n"]);
}

#[test]
fn a_long_line_is_cut_and_a_line_longer_than_a_batch_still_goes_through() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    let long = format!("{}\n", "x".repeat(300_000));
    tailing.append("a.log", &long);
    let pieces = tailing.lines(7);
    assert_eq!(pieces.concat(), long);
    assert!(pieces.iter().all(|piece| piece.len() <= 49_900));
}

#[test]
fn more_files_than_may_be_open_are_told_and_the_others_go_on() {
    let mut tailing = Tailing::new();
    tailing.max_open_files = 2;
    tailing.start("*.log");
    for name in ["a.log", "b.log", "c.log"] {
        tailing.append(name, "1\n");
    }
    assert_eq!(tailing.lines(2), ["1\n", "1\n"]);
    let deadline = Clock::system().monotonic() + DEADLINE;
    let troubles = || tailing.running().tail.snapshot().troubles;
    while !troubles().get(&tailing.path("c.log")).is_some_and(|it| it.contains("2 files are open already")) {
        assert!(Clock::system().monotonic() < deadline, "{:?}", troubles());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_is_too_far_behind_is_skipped_up_to_a_line_border_and_counted() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "0\n");
    tailing.lines(1);
    tailing.crash();
    tailing.append("a.log", "1111\n2222\n3333\n4444\n");
    tailing.plan.max_existing_log_offset_size = Some(12);
    tailing.start("a.log");
    let marker =
        "[scalyr-agent: 10 bytes of this log were skipped here: too far behind (max_existing_log_offset_size 12)]\n";
    assert_eq!(tailing.lines(3), [marker, "3333\n", "4444\n"]);
    let skipped = tailing.totals().skipped[&SkipReason::TooFarBehind];
    assert_eq!(skipped.bytes, 10);
}

#[test]
fn a_full_channel_parks_its_files_and_nothing_is_lost_when_it_drains() {
    let mut tailing = Tailing::new();
    tailing.start("*.log");
    let lines: String = (0..400_000).map(|n| format!("{n:09}\n")).collect();
    tailing.append("a.log", &lines);
    tailing.fills_the_channel();
    assert_eq!(tailing.lines(400_000).concat(), lines);
    assert_eq!(tailing.totals().pending, 0);
}

#[test]
fn a_line_that_grows_little_by_little_is_waited_for_no_longer_than_one_that_stands_still() {
    let mut tailing = Tailing::new();
    tailing.append("a.log", "");
    tailing.start("a.log");
    let mut written = String::new();
    let sent = loop {
        written.push('.');
        tailing.append("a.log", ".");
        if let Ok(batch) = tailing.running().batches.recv_timeout(Duration::from_millis(20)) {
            break messages(&batch).concat();
        }
        assert!(written.len() < 3000, "it has grown for a minute");
    };
    assert!(written.starts_with(&sent) && !sent.is_empty(), "{sent} of {written}");
}
