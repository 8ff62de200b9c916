//! What is the same file and what is another one.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt, MetadataExt, symlink};
use std::thread::sleep;
use std::time::Duration;

use super::Tailing;

#[test]
fn a_file_that_was_given_the_inode_of_a_deleted_one_is_another_file_although_it_begins_alike() {
    let mut reused = false;
    for _ in 0..20 {
        let mut tailing = Tailing::new();
        tailing.start("a.log");
        tailing.append("a.log", "header\n");
        assert_eq!(tailing.lines(1), ["header\n"]);
        tailing.crash();
        let inode = fs::metadata(tailing.path("a.log")).unwrap().ino();
        fs::remove_file(tailing.path("a.log")).unwrap();
        sleep(Duration::from_millis(20));
        tailing.append("a.log", "header\nnew\n");
        reused |= fs::metadata(tailing.path("a.log")).unwrap().ino() == inode;
        tailing.start("a.log");
        assert_eq!(tailing.lines(2), ["header\n", "new\n"], "the same inode: {reused}");
        if reused {
            break;
        }
    }
}

#[test]
fn a_file_that_was_rewritten_in_place_with_the_same_size_is_read_from_its_beginning() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "one 1\ntwo 2\n");
    assert_eq!(tailing.lines(2), ["one 1\n", "two 2\n"]);
    sleep(Duration::from_millis(300));
    let writer = OpenOptions::new().write(true).open(tailing.path("a.log")).unwrap();
    writer.write_all_at(b"new 1\nnew 2\n", 0).unwrap();
    assert_eq!(tailing.lines(2), ["new 1\n", "new 2\n"]);
}

#[test]
fn a_file_that_was_rewritten_behind_the_same_long_header_is_read_from_its_beginning() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    let header = "#".repeat(3_000) + "\n";
    tailing.append("a.log", header.clone() + "old 1\nold 2\n");
    assert_eq!(tailing.lines(3), [header.clone(), "old 1\n".into(), "old 2\n".into()]);
    sleep(Duration::from_millis(300));
    // As if it had been truncated and written between two looks.
    let writer = OpenOptions::new().write(true).open(tailing.path("a.log")).unwrap();
    writer.write_all_at((header.clone() + "new 1\nnew 2\nnew 3\n").as_bytes(), 0).unwrap();
    assert_eq!(tailing.lines(4), [header, "new 1\n".into(), "new 2\n".into(), "new 3\n".into()]);
}

#[test]
fn a_change_of_times_alone_sends_nothing_again() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    let file = File::options().append(true).open(tailing.path("a.log")).unwrap();
    file.set_modified(file.metadata().unwrap().modified().unwrap() + Duration::from_secs(5)).unwrap();
    tailing.nothing_comes();
    tailing.append("a.log", "2\n");
    assert_eq!(tailing.lines(1), ["2\n"]);
}

#[test]
fn another_file_that_is_renamed_over_the_path_is_copied_behind_the_one_before() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.append("a.log", "2\n");
    tailing.append("next", "3\n4\n");
    fs::rename(tailing.path("next"), tailing.path("a.log")).unwrap();
    assert_eq!(tailing.lines(3), ["2\n", "3\n", "4\n"]);
}

#[test]
fn a_file_that_was_deleted_with_unread_lines_and_created_again_loses_nothing() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    for round in 0..5 {
        tailing.append("a.log", format!("{round} a\n"));
        assert_eq!(tailing.lines(1), [format!("{round} a\n")]);
        tailing.append("a.log", format!("{round} b\n"));
        fs::remove_file(tailing.path("a.log")).unwrap();
        tailing.append("a.log", format!("{round} c\n"));
        assert_eq!(tailing.lines(2), [format!("{round} b\n"), format!("{round} c\n")]);
    }
}

#[test]
fn a_symbolic_link_that_points_to_the_next_file_is_followed_there_after_the_end_of_the_one_before() {
    let mut tailing = Tailing::new();
    tailing.append("app-1", "");
    symlink(tailing.path("app-1"), tailing.path("current.log")).unwrap();
    tailing.start("current.log");
    tailing.append("app-1", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.append("app-1", "2\n");
    tailing.append("app-2", "3\n");
    symlink(tailing.path("app-2"), tailing.path("next")).unwrap();
    fs::rename(tailing.path("next"), tailing.path("current.log")).unwrap();
    assert_eq!(tailing.lines(2), ["2\n", "3\n"]);
    tailing.append("app-1", "late\n");
    assert_eq!(tailing.lines(1), ["late\n"]);
    tailing.crash();
    tailing.append("app-2", "4\n");
    tailing.append("app-3", "5\n");
    symlink(tailing.path("app-3"), tailing.path("next")).unwrap();
    fs::rename(tailing.path("next"), tailing.path("current.log")).unwrap();
    tailing.start("current.log");
    assert_eq!(tailing.lines(2), ["4\n", "5\n"]);
}

#[test]
fn two_names_of_one_file_are_both_followed() {
    let mut tailing = Tailing::new();
    tailing.append("a.log", "");
    fs::hard_link(tailing.path("a.log"), tailing.path("b.log")).unwrap();
    tailing.start("*.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(2), ["1\n", "1\n"]);
    tailing.nothing_comes();
}
