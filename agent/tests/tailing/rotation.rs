//! Files that are renamed, truncated, rewritten or copied while they are followed.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::time::Duration;

use scalyr_agent::ledger::SkipReason;

use super::{DEADLINE, Tailing, settle};

#[test]
fn a_renamed_file_is_read_to_its_end_before_the_new_one_and_late_writes_are_not_lost() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    let mut writer = OpenOptions::new().append(true).open(tailing.path("a.log")).unwrap();
    writer.write_all(b"2\n").unwrap();
    fs::rename(tailing.path("a.log"), tailing.path("a.log.1")).unwrap();
    writer.write_all(b"3\n").unwrap();
    tailing.append("a.log", "4\n");
    assert_eq!(tailing.lines(3), ["2\n", "3\n", "4\n"]);
    writer.write_all(b"late\n").unwrap();
    assert_eq!(tailing.lines(1), ["late\n"]);
    tailing.append("a.log", "5\n");
    assert_eq!(tailing.lines(1), ["5\n"]);
    assert_eq!(tailing.totals().pending, 0);
}

#[test]
fn a_gap_between_rename_and_the_new_file_loses_nothing() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    fs::rename(tailing.path("a.log"), tailing.path("a.log.1")).unwrap();
    std::thread::sleep(Duration::from_millis(600));
    tailing.append("a.log", "2\n3\n");
    assert_eq!(tailing.lines(2), ["2\n", "3\n"]);
}

#[test]
fn a_truncated_file_is_read_from_its_beginning_and_the_unread_bytes_are_counted() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "a long first line\n");
    assert_eq!(tailing.lines(1), ["a long first line\n"]);
    let file = File::options().write(true).open(tailing.path("a.log")).unwrap();
    file.set_len(0).unwrap();
    std::thread::sleep(Duration::from_millis(600));
    tailing.append("a.log", "fresh\n");
    assert_eq!(tailing.lines(1), ["fresh\n"]);
    assert_eq!(tailing.totals().skipped.get(&SkipReason::Truncated), None, "everything had been read");
}

#[test]
fn a_file_that_was_rewritten_and_is_longer_already_is_read_from_its_beginning() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n2\n");
    assert_eq!(tailing.lines(2), ["1\n", "2\n"]);
    fs::write(tailing.path("a.log"), "new 1\nnew 2\nnew 3\n").unwrap();
    assert_eq!(tailing.lines(3), ["new 1\n", "new 2\n", "new 3\n"]);
}

#[test]
fn a_file_that_came_and_went_between_two_looks_is_found_by_its_rotated_name() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    for round in 0..3 {
        for generation in 1..4 {
            fs::rename(tailing.path("a.log"), tailing.path(&format!("a.log.{round}{generation}"))).unwrap();
            tailing.append("a.log", format!("{round} {generation}\n"));
        }
        let expected: Vec<_> = (1..4).map(|generation| format!("{round} {generation}\n")).collect();
        // Each is a file of its own: one may be found before those that are older.
        let mut lines = tailing.lines(3);
        lines.sort();
        assert_eq!(lines, expected);
    }
    tailing.crash();
    for generation in 1..4 {
        fs::rename(tailing.path("a.log"), tailing.path(&format!("a.log.9{generation}"))).unwrap();
        tailing.append("a.log", format!("down {generation}\n"));
    }
    tailing.start("a.log");
    assert_eq!(tailing.lines(3), ["down 1\n", "down 2\n", "down 3\n"]);
    tailing.nothing_comes();
}

#[test]
fn a_glob_that_matches_the_rotated_names_too_sends_nothing_twice() {
    let mut tailing = Tailing::new();
    tailing.append("a.log", "");
    tailing.append("a.1.log", "history\n");
    tailing.start("*.log");
    let mut line = 0;
    for round in 0..3 {
        for _ in 0..2 {
            line += 1;
            tailing.append("a.log", format!("{line}\n"));
            assert_eq!(tailing.lines(1), [format!("{line}\n")]);
            for generation in (1..4).rev() {
                let name = |n: i32| tailing.path(&format!("a.{n}.log"));
                _ = fs::rename(name(generation), name(generation + 1));
            }
            fs::rename(tailing.path("a.log"), tailing.path("a.1.log")).unwrap();
            tailing.append("a.log", "");
            tailing.nothing_comes();
        }
        if round == 1 {
            tailing.crash();
            tailing.start("*.log");
            tailing.nothing_comes();
        }
    }
}

#[test]
fn a_renamed_file_of_a_glob_is_read_to_its_end_although_its_path_does_not_come_back() {
    let mut tailing = Tailing::new();
    tailing.start("*.log");
    tailing.append("app-1.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.crash();
    tailing.append("app-1.log", "2\n");
    fs::rename(tailing.path("app-1.log"), tailing.path("app-1.log.1")).unwrap();
    tailing.start("*.log");
    assert_eq!(tailing.lines(1), ["2\n"]);
}

#[test]
fn the_unfinished_last_line_of_a_renamed_file_comes_before_the_next_file() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\ntail without an end");
    assert_eq!(tailing.lines(1), ["1\n"]);
    fs::rename(tailing.path("a.log"), tailing.path("a.log.1")).unwrap();
    tailing.append("a.log", "2\n3\n");
    assert_eq!(tailing.lines(3), ["tail without an end", "2\n", "3\n"]);
}

#[test]
fn a_copy_that_was_made_before_a_rotation_is_not_a_generation_of_its_own() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    let long = "x".repeat(2_000) + "\n";
    tailing.append("a.log", &long);
    assert_eq!(tailing.lines(1), [long]);
    fs::copy(tailing.path("a.log"), tailing.path("a.log-20261122")).unwrap();
    fs::rename(tailing.path("a.log"), tailing.path("a.log.1")).unwrap();
    tailing.append("a.log", "2\n");
    assert_eq!(tailing.lines(1), ["2\n"]);
    tailing.nothing_comes();
}

#[test]
fn a_file_that_was_renamed_for_good_is_followed_under_its_new_name_and_not_sent_again() {
    let mut tailing = Tailing::new();
    tailing.plan.log_deletion_delay = Duration::from_secs(1);
    tailing.start("*.log");
    tailing.append("app.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    fs::rename(tailing.path("app.log"), tailing.path("app-b.log")).unwrap();
    std::thread::sleep(Duration::from_secs(3));
    tailing.append("app-b.log", "2\n");
    assert_eq!(tailing.lines(1), ["2\n"]);
    tailing.crash();
    tailing.append("app-b.log", "3\n");
    tailing.start("*.log");
    assert_eq!(tailing.lines(1), ["3\n"]);
    tailing.nothing_comes();
}

#[test]
fn a_renamed_file_that_is_rewritten_is_read_under_its_next_name() {
    let mut tailing = Tailing::new();
    tailing.start("*.log");
    tailing.append("a.log", "1 and more\n");
    assert_eq!(tailing.lines(1), ["1 and more\n"]);
    fs::rename(tailing.path("a.log"), tailing.path("a.1.log")).unwrap();
    tailing.append("a.log", "");
    std::thread::sleep(Duration::from_millis(1500));
    File::options().write(true).open(tailing.path("a.1.log")).unwrap().set_len(0).unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    tailing.append("a.1.log", "other\n");
    assert_eq!(tailing.lines(1), ["other\n"]);
}

#[test]
fn a_rotation_makes_room_for_the_next_file_when_there_is_none() {
    let mut tailing = Tailing::new();
    tailing.max_open_files = 1;
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    fs::rename(tailing.path("a.log"), tailing.path("a.log.1")).unwrap();
    tailing.append("a.log", "2\n");
    assert_eq!(tailing.lines(1), ["2\n"]);
}

#[test]
fn a_generation_that_nobody_saw_is_still_found_when_there_was_no_room_at_first() {
    let mut tailing = Tailing::new();
    tailing.max_open_files = 1;
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    let unsettled = tailing.running().batches.recv_timeout(DEADLINE).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    fs::rename(tailing.path("a.log"), tailing.path("a.log.1")).unwrap();
    tailing.append("a.log", "2\n");
    fs::rename(tailing.path("a.log"), tailing.path("a.log.2")).unwrap();
    tailing.append("a.log", "3\n");
    // Until the first file is settled it cannot make room.
    tailing.nothing_comes();
    settle(&unsettled);
    assert_eq!(tailing.lines(2), ["2\n", "3\n"]);
}

#[test]
fn old_copies_and_other_logs_of_like_names_are_no_generations() {
    let mut tailing = Tailing::new();
    tailing.start("worker.log");
    for n in 1..4 {
        let long = format!("{n}{}\n", "x".repeat(2_000));
        tailing.append("worker.log", &long);
        assert_eq!(tailing.lines(1), [long]);
        fs::copy(tailing.path("worker.log"), tailing.path(&format!("worker.log.{n}"))).unwrap();
        File::options().write(true).open(tailing.path("worker.log")).unwrap().set_len(0).unwrap();
        std::thread::sleep(Duration::from_millis(700));
    }
    tailing.append("worker-8080.log", "not configured\n");
    std::thread::sleep(Duration::from_secs(1));
    fs::remove_file(tailing.path("worker.log")).unwrap();
    tailing.append("worker.log", "new\n");
    assert_eq!(tailing.lines(1), ["new\n"]);
    tailing.nothing_comes();
}

#[test]
fn a_rewrite_is_noticed_although_a_line_was_unfinished() {
    let mut tailing = Tailing::new();
    tailing.plan.line_completion_wait = Duration::from_secs(5);
    tailing.start("a.log");
    tailing.append("a.log", "one\ntw");
    assert_eq!(tailing.lines(1), ["one\n"]);
    std::thread::sleep(Duration::from_millis(300));
    fs::write(tailing.path("a.log"), "new 1\nnew 2\nnew 3\n").unwrap();
    let marker = "[scalyr-agent: 2 bytes of this log were skipped here: truncated before they were read]\n";
    assert_eq!(tailing.lines(4), [marker, "new 1\n", "new 2\n", "new 3\n"]);
}
