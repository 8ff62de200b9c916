//! Files that went elsewhere: to another directory, or into a compressed file.

use std::fs::{self, File};
use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use scalyr_monitor::Clock;

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
    // From before the agent ran.
    change_at(&tailing, "a.log.7.gz", Duration::from_secs(100));
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

/// As `gzip`: the compressed file keeps the time when the file was changed last.
fn gzip(tailing: &Tailing, name: &str) {
    let status = std::process::Command::new("gzip").arg(tailing.path(name)).status().unwrap();
    assert!(status.success());
}

/// As `gzip < FILE > FILE.gz`: the compressed file has a time of its own, and the one of the file in its header.
fn gzip_from_stdin(tailing: &Tailing, name: &str, to: &str) {
    let (from, to) = (File::open(tailing.path(name)).unwrap(), File::create(tailing.path(to)).unwrap());
    let status = std::process::Command::new("gzip").arg("-c").stdin(from).stdout(to).status().unwrap();
    assert!(status.success());
    fs::remove_file(tailing.path(name)).unwrap();
}

fn change_at(tailing: &Tailing, name: &str, ago: Duration) {
    let then = File::open(tailing.path(name)).unwrap().metadata().unwrap().modified().unwrap() - ago;
    File::options().write(true).open(tailing.path(name)).unwrap().set_modified(then).unwrap();
}

#[test]
fn generations_that_came_and_were_compressed_while_the_agent_was_down_are_read_oldest_first() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.crash();
    tailing.append("a.log", "2\n");
    fs::rename(tailing.path("a.log"), tailing.path("a.log.4")).unwrap();
    for (number, text) in [(3, "3\n"), (2, "4\n")] {
        tailing.append(&format!("a.log.{number}"), text);
        std::thread::sleep(Duration::from_millis(20));
    }
    gzip(&tailing, "a.log.4");
    gzip(&tailing, "a.log.3");
    // Without a time in its header.
    compress(&tailing, "a.log.2");
    tailing.append("a.log.1", "5\n");
    tailing.append("a.log", "6\n");
    tailing.start("a.log");
    assert_eq!(tailing.lines(5), ["2\n", "3\n", "4\n", "5\n", "6\n"]);
    tailing.nothing_comes();
    tailing.crash();
    tailing.start("a.log");
    tailing.append("a.log", "7\n");
    assert_eq!(tailing.lines(1), ["7\n"]);
    tailing.nothing_comes();
}

#[test]
fn a_compressed_generation_that_was_not_seen_is_gone_on_with_after_a_kill() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.crash();
    fs::rename(tailing.path("a.log"), tailing.path("a.log.2")).unwrap();
    let lines: Vec<String> = (0..20_000).map(|n| format!("{n} {}\n", n * n)).collect();
    tailing.append("a.log.1", lines.concat());
    gzip_from_stdin(&tailing, "a.log.1", "a.log.1.gz");
    tailing.append("a.log", "fresh\n");
    tailing.start("a.log");
    let begun = tailing.lines_of_batches(1);
    use scalyr_agent::upload::Save;
    tailing.running().checkpoint.save();
    tailing.crash();
    fs::rename(tailing.path("a.log.1.gz"), tailing.path("a.log.3.gz")).unwrap();
    tailing.start("a.log");
    let mut rest = Vec::new();
    while rest.last().is_none_or(|line| line != "fresh\n") {
        rest.extend(tailing.lines_of_batches(1));
    }
    assert!(rest[..rest.len() - 1] == lines[begun.len()..], "{} of {} lines", rest.len() - 1, lines.len());
    assert_eq!(tailing.totals().pending, 0);
}

#[test]
fn a_file_that_was_empty_when_it_was_seen_is_found_in_what_gzip_made_of_it() {
    for is_copied in [false, true] {
        let mut tailing = Tailing::new();
        tailing.start("a.log");
        tailing.append("a.log", "");
        let deadline = Clock::system().monotonic() + DEADLINE;
        use scalyr_agent::upload::Save;
        while tailing.running().ledger.accounts().is_empty() {
            assert!(Clock::system().monotonic() < deadline);
            std::thread::sleep(Duration::from_millis(10));
        }
        tailing.running().checkpoint.save();
        tailing.crash();
        tailing.append("a.log", "1\n");
        if is_copied {
            fs::copy(tailing.path("a.log"), tailing.path("a.log.1")).unwrap();
            File::options().write(true).open(tailing.path("a.log")).unwrap().set_len(0).unwrap();
        } else {
            fs::rename(tailing.path("a.log"), tailing.path("a.log.1")).unwrap();
        }
        gzip_from_stdin(&tailing, "a.log.1", "a.log.1.gz");
        tailing.append("a.log", "2\n");
        tailing.start("a.log");
        assert_eq!(tailing.lines(2), ["1\n", "2\n"], "copied: {is_copied}");
        tailing.nothing_comes();
    }
}

#[test]
fn what_a_file_is_recognised_by_is_on_disk_before_its_first_line_leaves() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "");
    let deadline = Clock::system().monotonic() + DEADLINE;
    while tailing.running().ledger.accounts().is_empty() {
        assert!(Clock::system().monotonic() < deadline);
        std::thread::sleep(Duration::from_millis(10));
    }
    tailing.append("a.log", "1\n");
    assert_eq!(messages(&tailing.running().batches.recv_timeout(DEADLINE).unwrap()), ["1\n"]);
    // Killed before that was acknowledged.
    tailing.crash();
    let (clock, logger) = (scalyr_monitor::Clock::system(), scalyr_monitor::Logger::none());
    let ledger = scalyr_agent::ledger::Ledger::new();
    let left = scalyr_agent::checkpoint::Checkpoint::open(tailing.directory.path(), ledger, clock, logger);
    let heads: Vec<u64> = left.positions().iter().map(|position| position.identity.head_length).collect();
    assert_eq!(heads, [2]);
}

#[test]
fn what_was_sent_or_is_older_than_the_last_look_is_not_sent_from_a_compressed_file() {
    let mut tailing = Tailing::new();
    tailing.append("a.log.7", "history\n");
    change_at(&tailing, "a.log.7", Duration::from_secs(100));
    gzip(&tailing, "a.log.7");
    tailing.append("a.log.6", "later history\n");
    change_at(&tailing, "a.log.6", Duration::from_secs(90));
    // It is history for the clock of the file system, too.
    std::thread::sleep(Duration::from_millis(100));
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    fs::rename(tailing.path("a.log"), tailing.path("a.log.1")).unwrap();
    tailing.append("a.log", "2\n");
    assert_eq!(tailing.lines(1), ["2\n"]);
    tailing.crash();
    // Compressed only now, as by `delaycompress`, some with a time of its own, one without that of its content.
    gzip_from_stdin(&tailing, "a.log.6", "a.log.6.gz");
    compress(&tailing, "a.log.1");
    fs::rename(tailing.path("a.log.1.gz"), tailing.path("a.log.2.gz")).unwrap();
    fs::rename(tailing.path("a.log"), tailing.path("a.log.1")).unwrap();
    gzip(&tailing, "a.log.1");
    tailing.append("a.log", "3\n");
    tailing.start("a.log");
    assert_eq!(tailing.lines(1), ["3\n"]);
    tailing.nothing_comes();
}

#[test]
fn what_gzip_is_still_making_of_a_generation_is_not_sent_beside_it() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.crash();
    fs::rename(tailing.path("a.log"), tailing.path("a.log.3")).unwrap();
    let lines: Vec<String> = (0..20_000_u64).map(|n| format!("{n} {}\n", n * n * 7_919)).collect();
    tailing.append("a.log.1", lines.concat());
    tailing.append("again", lines.concat());
    gzip_from_stdin(&tailing, "again", "a.log.2.gz");
    let unfinished = File::options().write(true).open(tailing.path("a.log.2.gz")).unwrap();
    unfinished.set_len(65_536).unwrap();
    // Not even begun.
    File::create(tailing.path("a.log.4.gz")).unwrap();
    tailing.append("a.log", "fresh\n");
    tailing.start("a.log");
    let mut all = Vec::new();
    while all.last().is_none_or(|line| line != "fresh\n") {
        all.extend(tailing.lines_of_batches(1));
    }
    assert!(all[..all.len() - 1] == lines, "{} of {} lines", all.len() - 1, lines.len());
    tailing.nothing_comes();
}
