//! Files that rest: quiet, deleted or stale.

use std::fs::{self, File};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use scalyr_agent::config::plan::LogPlan;
use scalyr_agent::ledger::SkipReason;
use scalyr_monitor::Clock;

use super::{DEADLINE, Tailing, settle};

fn waits_for_open_files(tailing: &Tailing, count: usize) {
    let deadline = Clock::system().monotonic() + DEADLINE;
    while tailing.running().tail.snapshot().open_files != count {
        assert!(Clock::system().monotonic() < deadline, "{:?}", tailing.running().tail.snapshot());
        sleep(Duration::from_millis(10));
    }
}

/// Waits until one more file than `others` is open, and then closed.
fn rests(tailing: &Tailing, others: usize) {
    waits_for_open_files(tailing, others + 1);
    waits_for_open_files(tailing, others);
}

#[test]
fn quiet_files_make_room_for_others_and_go_on_where_they_were() {
    let mut tailing = Tailing::new();
    tailing.max_open_files = 2;
    tailing.start("*.log");
    for round in 0..2 {
        for n in 0..6 {
            tailing.append(&format!("{n}.log"), format!("{round} {n}\n"));
        }
        let mut lines = tailing.lines(6);
        lines.sort();
        assert_eq!(lines, (0..6).map(|n| format!("{round} {n}\n")).collect::<Vec<_>>());
        assert!(tailing.running().tail.snapshot().open_files <= 2);
    }
    tailing.nothing_comes();
}

#[test]
fn a_file_that_was_quiet_and_closed_and_is_written_to_and_renamed_at_once_loses_nothing() {
    let mut tailing = Tailing::new();
    tailing.plan.close_quiet_after = Duration::from_millis(1_500);
    tailing.start("a.log");
    for round in 0..3 {
        tailing.append("a.log", format!("{round} a\n"));
        assert_eq!(tailing.lines(1), [format!("{round} a\n")]);
        rests(&tailing, round);
        tailing.append("a.log", format!("{round} b\n"));
        fs::rename(tailing.path("a.log"), tailing.path(&format!("a.log.{round}"))).unwrap();
        tailing.append("a.log", format!("{round} c\n"));
        assert_eq!(tailing.lines(2), [format!("{round} b\n"), format!("{round} c\n")]);
    }
}

#[test]
fn a_file_that_was_quiet_and_closed_and_is_replaced_is_read_from_its_beginning() {
    let mut tailing = Tailing::new();
    tailing.plan.close_quiet_after = Duration::from_millis(1_500);
    tailing.start("a.log");
    tailing.append("a.log", "first one\n");
    assert_eq!(tailing.lines(1), ["first one\n"]);
    rests(&tailing, 0);
    fs::remove_file(tailing.path("a.log")).unwrap();
    // Its inode may be that of the one before.
    tailing.append("a.log", "other one\n");
    assert_eq!(tailing.lines(1), ["other one\n"]);
    rests(&tailing, 0);
    File::options().write(true).open(tailing.path("a.log")).unwrap().set_len(0).unwrap();
    tailing.append("a.log", "x\n");
    assert_eq!(tailing.lines(1), ["x\n"]);
    assert_eq!(tailing.totals().skipped.values().map(|count| count.bytes).sum::<u64>(), 0);
}

#[test]
fn a_quiet_file_that_was_closed_keeps_its_position_over_a_restart() {
    let mut tailing = Tailing::new();
    tailing.plan.close_quiet_after = Duration::from_millis(1_500);
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    rests(&tailing, 0);
    tailing.crash();
    tailing.append("a.log", "2\n");
    tailing.start("a.log");
    assert_eq!(tailing.lines(1), ["2\n"]);
}

#[test]
fn a_deleted_file_is_read_to_its_end_however_long_the_server_takes() {
    let mut tailing = Tailing::new();
    tailing.plan.log_deletion_delay = Duration::from_millis(200);
    tailing.start("a.log");
    let lines: Vec<String> = (0..3_000).map(|n| format!("{n} {}\n", "x".repeat(1_000))).collect();
    tailing.append("a.log", lines.concat());
    tailing.fills_the_channel();
    fs::remove_file(tailing.path("a.log")).unwrap();
    sleep(Duration::from_millis(1_500));
    assert!(tailing.lines(3_000) == lines);
    waits_for_open_files(&tailing, 0);
}

#[test]
fn a_deleted_file_is_given_up_and_counted_only_when_others_wait_for_its_descriptor() {
    let mut tailing = Tailing::new();
    tailing.plan.log_deletion_delay = Duration::from_millis(200);
    tailing.max_open_files = 1;
    tailing.start("*.log");
    tailing.append("a.log", "x\n".repeat(1_000_000));
    tailing.fills_the_channel();
    fs::remove_file(tailing.path("a.log")).unwrap();
    tailing.append("b.log", "b\n");
    sleep(Duration::from_millis(1_500));
    loop {
        let batch = tailing.running().batches.recv_timeout(DEADLINE).unwrap();
        settle(&batch);
        if batch.account.path.ends_with("b.log") {
            break;
        }
    }
    assert!(tailing.totals().skipped[&SkipReason::Deleted].bytes > 100_000);
}

fn stale_entry(tailing: &Tailing, after: Duration) -> LogPlan {
    LogPlan { stale_after: Some(after), ..tailing.entry("*.log") }
}

#[test]
fn a_stale_file_is_not_copied_until_it_is_changed_and_then_from_where_it_would_have_begun() {
    let mut tailing = Tailing::new();
    tailing.start("none");
    tailing.append("old.log", "history\n");
    let hour = Duration::from_secs(3_600);
    #[expect(clippy::disallowed_methods, reason = "the file is to be older than the wall clock says")]
    let old = SystemTime::now() - 2 * hour;
    File::options().append(true).open(tailing.path("old.log")).unwrap().set_modified(old).unwrap();
    tailing.follow(vec![stale_entry(&tailing, hour)]);
    tailing.append("new.log", "new\n");
    assert_eq!(tailing.lines(1), ["new\n"]);
    tailing.nothing_comes();
    assert_eq!(tailing.running().tail.snapshot().open_files, 1);
    tailing.append("old.log", "awake\n");
    assert_eq!(tailing.lines(1), ["awake\n"]);
}

#[test]
fn a_file_that_becomes_stale_is_closed_and_goes_on_at_its_position_when_it_wakes() {
    let mut tailing = Tailing::new();
    tailing.start("none");
    tailing.follow(vec![stale_entry(&tailing, Duration::from_secs(2))]);
    for round in 0..3 {
        tailing.append("a.log", format!("{round}\n"));
        assert_eq!(tailing.lines(1), [format!("{round}\n")]);
        rests(&tailing, 0);
    }
}

#[test]
fn an_unfinished_last_line_stays_unread_at_a_stop_and_is_sent_whole_after_the_next_start() {
    let mut tailing = Tailing::new();
    tailing.plan.line_completion_wait = Duration::from_secs(60);
    tailing.start("a.log");
    tailing.append("a.log", "1\nhalf");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.running().tail.finish(Clock::system().monotonic() + Duration::from_secs(2), Duration::from_secs(10));
    assert!(tailing.running().batches.try_recv().is_err());
    tailing.crash();
    tailing.append("a.log", " and half\n");
    tailing.start("a.log");
    assert_eq!(tailing.lines(1), ["half and half\n"]);
}

#[test]
fn each_unfinished_line_has_a_clock_of_its_own() {
    let mut tailing = Tailing::new();
    tailing.plan.line_completion_wait = Duration::from_millis(1_500);
    tailing.start("a.log");
    tailing.append("a.log", "first");
    assert_eq!(tailing.lines(1), ["first"]);
    tailing.append("a.log", "second");
    tailing.nothing_comes();
    tailing.append("a.log", " whole\n");
    assert_eq!(tailing.lines(1), ["second whole\n"]);
}

#[test]
fn a_file_that_was_closed_and_grows_gets_the_descriptor_of_one_that_is_quiet() {
    let mut tailing = Tailing::new();
    tailing.max_open_files = 2;
    tailing.start("*.log");
    for n in 0..6 {
        tailing.append(&format!("{n}.log"), format!("{n}\n"));
        assert_eq!(tailing.lines(1), [format!("{n}\n")]);
    }
    waits_for_open_files(&tailing, 2);
    // All others are quiet, and nobody tells of them before the sweep.
    tailing.append("0.log", "again\n");
    assert_eq!(tailing.lines(1), ["again\n"]);
    tailing.append("new.log", "new\n");
    assert_eq!(tailing.lines(1), ["new\n"]);
}
