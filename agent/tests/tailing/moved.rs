//! Files that went elsewhere: to another directory, or into a compressed file.

use std::fs::{self, File};
use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{DEADLINE, Tailing, messages};

fn compress(tailing: &Tailing, name: &str) {
    let text = fs::read(tailing.path(name)).unwrap();
    let mut packed = GzEncoder::new(File::create(tailing.path(&format!("{name}.gz"))).unwrap(), Compression::fast());
    packed.write_all(&text).unwrap();
    packed.finish().unwrap();
    fs::remove_file(tailing.path(name)).unwrap();
}

#[test]
fn a_file_that_is_moved_to_another_directory_is_read_to_its_end() {
    let mut tailing = Tailing::new();
    fs::create_dir(tailing.path("elsewhere")).unwrap();
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    fs::rename(tailing.path("a.log"), tailing.path("elsewhere/b")).unwrap();
    tailing.append("elsewhere/b", "2\n");
    assert_eq!(tailing.lines(1), ["2\n"]);
    tailing.append("a.log", "3\n");
    assert_eq!(tailing.lines(1), ["3\n"]);
    tailing.append("elsewhere/b", "late\n");
    assert_eq!(tailing.lines(1), ["late\n"]);
}

#[test]
fn a_file_that_was_moved_to_another_directory_while_the_agent_was_down_is_found() {
    for to in ["logs/old/a.log.1", "logs/2026-11-22/a.log", "old/a.log"] {
        let mut tailing = Tailing::new();
        fs::create_dir(tailing.path("logs")).unwrap();
        tailing.start("logs/a.log");
        tailing.append("logs/a.log", "1\n");
        assert_eq!(tailing.lines(1), ["1\n"]);
        tailing.crash();
        tailing.append("logs/a.log", "2\n");
        fs::create_dir_all(tailing.path(to).parent().unwrap()).unwrap();
        fs::rename(tailing.path("logs/a.log"), tailing.path(to)).unwrap();
        tailing.append("logs/a.log", "3\n");
        tailing.start("logs/a.log");
        assert_eq!(tailing.lines(2), ["2\n", "3\n"], "{to}");
        tailing.nothing_comes();
    }
}

#[test]
fn hundreds_of_files_that_were_moved_while_the_agent_was_down_are_all_found() {
    let mut tailing = Tailing::new();
    tailing.max_open_files = 1_000;
    tailing.start("*.log");
    for n in 0..300 {
        tailing.append(&format!("{n}.log"), "1\n");
    }
    assert_eq!(tailing.lines(300), vec!["1\n"; 300]);
    tailing.crash();
    fs::create_dir(tailing.path("old")).unwrap();
    for n in 0..300 {
        tailing.append(&format!("{n}.log"), "2\n");
        fs::rename(tailing.path(&format!("{n}.log")), tailing.path(&format!("old/{n}.log.1"))).unwrap();
    }
    tailing.start("*.log");
    assert_eq!(tailing.lines(300), vec!["2\n"; 300]);
    tailing.nothing_comes();
}

#[test]
fn the_rest_of_a_file_that_was_compressed_while_the_agent_was_down_is_read_from_the_compressed_one() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.crash();
    // More than is unpacked at a time, and more than a batch holds.
    let lines: Vec<String> = (0..20_000).map(|n| format!("{n} {}\n", n * n)).collect();
    tailing.append("a.log", lines.concat());
    fs::rename(tailing.path("a.log"), tailing.path("a.log.1")).unwrap();
    tailing.append("a.log.7", "1\nanother file that begins alike\n");
    compress(&tailing, "a.log.7");
    std::thread::sleep(Duration::from_millis(20));
    compress(&tailing, "a.log.1");
    tailing.append("a.log", "fresh\n");
    tailing.start("a.log");
    // Killed in the middle of it, it goes on there.
    let batch = tailing.running().batches.recv_timeout(DEADLINE).unwrap();
    let begun = messages(&batch);
    super::settle(&batch);
    assert!(begun[..] == lines[..begun.len()]);
    let more = tailing.lines_of_batches(1);
    assert!(more[..] == lines[begun.len()..begun.len() + more.len()]);
    use scalyr_agent::upload::Save;
    tailing.running().checkpoint.save();
    tailing.crash();
    tailing.start("a.log");
    let rest = &lines[begun.len() + more.len()..];
    let mut last = Vec::new();
    while last.last().is_none_or(|line| line != "fresh\n") {
        last.extend(tailing.lines_of_batches(1));
    }
    assert!(last[..last.len() - 1] == *rest, "{} of {} lines", last.len() - 1, rest.len());
    assert_eq!(tailing.totals().pending, 0);
}

#[test]
fn a_compressed_file_that_is_damaged_is_given_up_and_its_bytes_are_counted() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.crash();
    let lines: String = (0..100_000_u64).map(|n| format!("{n} {}\n", n * n)).collect();
    tailing.append("a.log", lines);
    compress(&tailing, "a.log");
    let length = fs::metadata(tailing.path("a.log.gz")).unwrap().len();
    use std::os::unix::fs::FileExt;
    let file = File::options().write(true).open(tailing.path("a.log.gz")).unwrap();
    file.write_all_at(&[0xff; 4_000], length / 2).unwrap();
    tailing.append("a.log", "fresh\n");
    tailing.start("a.log");
    let mut last = String::new();
    while last != "fresh\n" {
        last = tailing.lines_of_batches(1).pop().unwrap_or_default();
    }
    let skipped = tailing.totals().skipped;
    assert!(skipped[&scalyr_agent::ledger::SkipReason::Unreadable].bytes > 100_000, "{skipped:?}");
}
