//! Copies: `copytruncate`, what a writer leaves in a truncated file, and files that only begin like another one.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use scalyr_agent::ledger::SkipReason;

use scalyr_agent::upload::Save;

use super::{Tailing, append};

fn copy_and_truncate(original: &Path, copy: &Path) {
    fs::copy(original, copy).unwrap();
    OpenOptions::new().write(true).open(original).unwrap().set_len(0).unwrap();
}

fn numbered(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|number| format!("{number} {}\n", "x".repeat(1_000))).collect()
}

#[test]
fn what_was_not_read_before_a_copytruncate_is_read_from_the_copy() {
    for name in ["a.log.1", "a.1.log", "a.log-20261122", "a-20261122.log"] {
        let mut tailing = Tailing::new();
        tailing.start("a.log");
        let lines = numbered(0..3_000);
        tailing.append("a.log", lines.concat());
        tailing.fills_the_channel();
        copy_and_truncate(&tailing.path("a.log"), &tailing.path(name));
        tailing.append("a.log", "fresh\n");
        assert!(tailing.lines(3_000) == lines, "{name}");
        assert_eq!(tailing.lines(1), ["fresh\n"]);
        tailing.nothing_comes();
        let skipped = tailing.totals().skipped;
        assert_eq!(skipped.get(&SkipReason::Truncated), None, "{skipped:?}");
    }
}

#[test]
fn without_a_copy_the_unread_bytes_are_counted_as_lost() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", numbered(0..3_000).concat());
    tailing.fills_the_channel();
    // Another file of a like name is no copy.
    tailing.append("a.log.1", numbered(7..3_000).concat());
    OpenOptions::new().write(true).open(tailing.path("a.log")).unwrap().set_len(0).unwrap();
    tailing.append("a.log", "fresh\n");
    let mut last = String::new();
    while last != "fresh\n" {
        last = tailing.lines_of_batches(1).pop().unwrap_or_default();
    }
    tailing.nothing_comes();
    assert!(tailing.totals().skipped[&SkipReason::Truncated].bytes > 1_000_000);
}

#[test]
fn a_glob_that_matches_the_copies_too_sends_no_line_twice() {
    let mut tailing = Tailing::new();
    tailing.start("a*log*");
    for round in 0..3 {
        for (name, lines) in [("a.log", numbered(round..round + 5)), ("ab.log", vec![format!("short {round}\n")])] {
            tailing.append(name, lines.concat());
            assert_eq!(tailing.lines(lines.len()), lines);
            for generation in (1..3).rev() {
                let of = |generation| tailing.path(&format!("{name}.{generation}"));
                _ = fs::rename(of(generation), of(generation + 1));
            }
            copy_and_truncate(&tailing.path(name), &tailing.path(&format!("{name}.1")));
            tailing.nothing_comes();
        }
    }
}

#[test]
fn a_compressed_generation_is_not_sent_as_if_it_were_lines() {
    let mut tailing = Tailing::new();
    tailing.start("a.log*");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    for ending in ["gz", "bz2", "xz", "zst"] {
        tailing.append(&format!("a.log.1.{ending}"), b"\x1f\x8bbytes\n");
    }
    tailing.nothing_comes();
}

#[test]
fn a_file_that_only_begins_like_another_one_is_copied_whole() {
    let mut tailing = Tailing::new();
    tailing.start("*.log");
    tailing.append("a.log", "time,level,text\n1\n");
    assert_eq!(tailing.lines(2), ["time,level,text\n", "1\n"]);
    tailing.append("a.2.log", "time,level,text\n");
    tailing.nothing_comes();
    tailing.append("a.2.log", "2\n");
    assert_eq!(tailing.lines(2), ["time,level,text\n", "2\n"]);
}

#[test]
fn the_hole_that_a_writer_leaves_in_a_truncated_file_is_passed_over() {
    for before in [10, 5_000, 300_000] {
        let mut tailing = Tailing::new();
        tailing.start("a.log");
        let mut writer = File::create(tailing.path("a.log")).unwrap();
        let long = "x".repeat(before) + "\n";
        writer.write_all(long.as_bytes()).unwrap();
        while !tailing.lines_of_batches(1).pop().unwrap().ends_with('\n') {}
        copy_and_truncate(&tailing.path("a.log"), &tailing.path("a.log.1"));
        // It does not append, and goes on where it was.
        assert_eq!(writer.stream_position().unwrap(), long.len() as u64);
        writer.write_all(b"after\n").unwrap();
        assert_eq!(tailing.lines(1), ["after\n"], "{before}");
        writer.write_all(b"\0\0more\n").unwrap();
        assert_eq!(tailing.lines(1), ["\0\0more\n"], "zeros in the middle are data");
        assert_eq!(tailing.totals().skipped[&SkipReason::Repeated].bytes, long.len() as u64);
    }
}

#[test]
fn a_writer_that_seeks_back_after_a_truncation_leaves_no_hole() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    let mut writer = File::create(tailing.path("a.log")).unwrap();
    writer.write_all(b"a first line\n").unwrap();
    assert_eq!(tailing.lines(1), ["a first line\n"]);
    writer.set_len(0).unwrap();
    writer.seek(SeekFrom::Start(0)).unwrap();
    writer.write_all(b"2\n").unwrap();
    assert_eq!(tailing.lines(1), ["2\n"]);
    assert!(tailing.totals().skipped.is_empty());
}

#[test]
fn a_copytruncate_while_the_agent_is_down_loses_nothing() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.crash();
    tailing.append("a.log", "2\n");
    copy_and_truncate(&tailing.path("a.log"), &tailing.path("a.log.1"));
    append(&tailing.path("a.log"), "3\n");
    tailing.start("a.log");
    assert_eq!(tailing.lines(2), ["2\n", "3\n"]);
    tailing.nothing_comes();
}

#[test]
fn a_copy_of_what_was_read_before_a_stop_is_not_read_again_after_it() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    for round in 0..3 {
        tailing.append("a.log", format!("{round} before\n"));
        assert_eq!(tailing.lines(1), [format!("{round} before\n")]);
        copy_and_truncate(&tailing.path("a.log"), &tailing.path(&format!("a.log.{round}")));
        tailing.append("a.log", format!("{round} after\n"));
        assert_eq!(tailing.lines(1), [format!("{round} after\n")]);
        tailing.crash();
        tailing.append("a.log", format!("{round} down\n"));
        tailing.start("a.log");
        assert_eq!(tailing.lines(1), [format!("{round} down\n")]);
        tailing.nothing_comes();
    }
}

#[test]
fn a_copy_that_a_glob_matches_is_known_under_its_next_names_also_after_a_restart() {
    let mut tailing = Tailing::new();
    tailing.start("a.log*");
    tailing.append("a.log", numbered(0..5).concat());
    assert_eq!(tailing.lines(5), numbered(0..5));
    copy_and_truncate(&tailing.path("a.log"), &tailing.path("a.log.1"));
    tailing.nothing_comes();
    tailing.running().checkpoint.save();
    for generation in 1..4 {
        tailing.crash();
        let of = |generation| tailing.path(&format!("a.log.{generation}"));
        fs::rename(of(generation), of(generation + 1)).unwrap();
        tailing.start("a.log*");
        tailing.nothing_comes();
    }
}

#[test]
fn several_copies_and_truncations_in_a_moment_lose_nothing() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "first\n");
    assert_eq!(tailing.lines(1), ["first\n"]);
    for round in 0..5 {
        for part in 0..3 {
            tailing.append("a.log", format!("{round} {part}\n"));
            copy_and_truncate(&tailing.path("a.log"), &tailing.path(&format!("a.log.{round}{part}")));
        }
        tailing.append("a.log", format!("{round} end\n"));
        let expected = ["0", "1", "2", "end"].map(|part| format!("{round} {part}\n"));
        assert_eq!(tailing.lines(4), expected);
    }
    tailing.nothing_comes();
}
