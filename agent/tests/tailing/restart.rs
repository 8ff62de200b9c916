//! What is known after a stop, a kill or a damaged positions file.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use scalyr_monitor::Clock;

use super::{DEADLINE, Tailing, messages};

#[test]
fn the_end_that_was_taken_at_start_survives_a_crash_before_the_first_line() {
    let mut tailing = Tailing::new();
    tailing.append("a.log", "history\n");
    tailing.start("a.log");
    tailing.crash();
    tailing.append("a.log", "written while down\n");
    tailing.start("a.log");
    assert_eq!(tailing.lines(1), ["written while down\n"]);
}

#[test]
fn copying_goes_on_where_it_was_settled_after_a_crash() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n2\n");
    assert_eq!(tailing.lines(2), ["1\n", "2\n"]);
    tailing.append("a.log", "3\n");
    let unsettled = tailing.running().batches.recv_timeout(DEADLINE).unwrap();
    assert_eq!(messages(&unsettled), ["3\n"]);
    tailing.crash();
    tailing.append("a.log", "4\n");
    tailing.start("a.log");
    assert_eq!(tailing.lines(2), ["3\n", "4\n"]);
}

#[test]
fn files_rotated_while_the_agent_is_down_are_read_to_their_end_first() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.crash();
    tailing.append("a.log", "2\n");
    fs::rename(tailing.path("a.log"), tailing.path("a.log.1")).unwrap();
    tailing.append("a.log", "3\n");
    tailing.start("a.log");
    assert_eq!(tailing.lines(2), ["2\n", "3\n"]);
}

#[test]
fn a_directory_that_is_not_mounted_yet_keeps_its_positions() {
    let mut tailing = Tailing::new();
    fs::create_dir(tailing.path("mount")).unwrap();
    tailing.start("mount/a.log");
    tailing.append("mount/a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.crash();
    fs::rename(tailing.path("mount"), tailing.path("away")).unwrap();
    for _ in 0..2 {
        tailing.start("mount/a.log");
        tailing.crash();
    }
    tailing.start("mount/a.log");
    fs::rename(tailing.path("away"), tailing.path("mount")).unwrap();
    tailing.append("mount/a.log", "2\n");
    assert_eq!(tailing.lines(1), ["2\n"]);
}

#[test]
fn a_file_that_came_after_the_start_is_not_lost_when_nothing_of_it_was_acknowledged_yet() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n2\n");
    let unsettled = tailing.running().batches.recv_timeout(DEADLINE).unwrap();
    assert_eq!(messages(&unsettled), ["1\n", "2\n"]);
    tailing.crash();
    tailing.append("a.log", "3\n");
    tailing.start("a.log");
    assert_eq!(tailing.lines(3), ["1\n", "2\n", "3\n"]);
}

#[test]
fn a_file_that_came_while_the_agent_was_down_begins_at_its_first_byte_if_its_entry_is_an_old_one() {
    let mut tailing = Tailing::new();
    tailing.append("old.log", "history\n");
    tailing.start("*.log");
    tailing.crash();
    tailing.append("new.log", "1\n");
    tailing.append("old.log", "2\n");
    tailing.start("*.log");
    let mut lines = tailing.lines(2);
    lines.sort();
    assert_eq!(lines, ["1\n", "2\n"]);
}

#[test]
fn a_file_that_came_just_before_a_stop_is_read_then_or_after_the_next_start() {
    for _ in 0..5 {
        let mut tailing = Tailing::new();
        tailing.start("*.log");
        tailing.append("late.log", "1\n");
        tailing.running().tail.finish(Clock::system().monotonic() + Duration::from_secs(2), Duration::from_secs(10));
        if let Ok(batch) = tailing.running().batches.try_recv() {
            assert_eq!(messages(&batch), ["1\n"]);
            continue;
        }
        tailing.crash();
        tailing.start("*.log");
        assert_eq!(tailing.lines(1), ["1\n"]);
    }
}

#[test]
fn an_empty_mount_point_keeps_the_positions_of_what_is_not_mounted() {
    let mut tailing = Tailing::new();
    fs::create_dir(tailing.path("mount")).unwrap();
    tailing.start("mount/*.log");
    tailing.append("mount/a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.crash();
    fs::rename(tailing.path("mount"), tailing.path("away")).unwrap();
    fs::create_dir(tailing.path("mount")).unwrap();
    tailing.start("mount/*.log");
    tailing.crash();
    tailing.start("mount/*.log");
    fs::remove_dir(tailing.path("mount")).unwrap();
    fs::rename(tailing.path("away"), tailing.path("mount")).unwrap();
    tailing.append("mount/a.log", "2\n");
    assert_eq!(tailing.lines(1), ["2\n"]);
    tailing.nothing_comes();
}

#[test]
fn a_file_for_which_there_was_no_room_is_not_sent_whole_after_a_restart() {
    let mut tailing = Tailing::new();
    for name in ["a.log", "b.log", "c.log"] {
        tailing.append(name, "history\n");
    }
    // A file that is younger than five seconds might not have been seen by the run before.
    std::thread::sleep(Duration::from_millis(5_200));
    tailing.max_open_files = 2;
    tailing.start("*.log");
    tailing.crash();
    tailing.max_open_files = 100;
    tailing.start("*.log");
    tailing.nothing_comes();
}

#[test]
fn another_file_with_the_same_inode_is_another_file() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "first file\n");
    assert_eq!(tailing.lines(1), ["first file\n"]);
    tailing.crash();
    // The same inode with other bytes at its head, as when the file system gives the number out again.
    fs::write(tailing.path("a.log"), "other file\nmore\n").unwrap();
    tailing.start("a.log");
    assert_eq!(tailing.lines(2), ["other file\n", "more\n"]);
}

#[test]
fn a_snapshot_that_a_power_cut_emptied_is_made_up_for_by_the_generation_before() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    // The next generation begins with the next start.
    tailing.crash();
    tailing.start("a.log");
    tailing.append("a.log", "2\n");
    assert_eq!(tailing.lines(1), ["2\n"]);
    tailing.crash();
    fs::write(tailing.path("positions.2.snapshot"), "").unwrap();
    tailing.append("a.log", "3\n");
    tailing.start("a.log");
    assert_eq!(tailing.lines(1), ["3\n"]);
}

#[test]
fn a_journal_that_is_lost_repeats_lines_and_loses_none() {
    for is_there in [false, true] {
        let mut tailing = Tailing::new();
        tailing.start("a.log");
        tailing.append("a.log", "1\n");
        assert_eq!(tailing.lines(1), ["1\n"]);
        tailing.crash();
        let journal = tailing.path("positions.1.journal");
        assert!(fs::metadata(&journal).unwrap().len() > 0, "the position is in it");
        if is_there {
            fs::write(&journal, "").unwrap()
        } else {
            fs::remove_file(&journal).unwrap()
        }
        tailing.append("a.log", "2\n");
        tailing.start("a.log");
        assert_eq!(tailing.lines(2), ["1\n", "2\n"]);
    }
}

#[test]
fn the_positions_of_version_1_are_taken_over_and_those_of_its_synced_copy_when_they_are_damaged() {
    for damaged in [false, true] {
        let mut tailing = Tailing::new();
        tailing.append("a.log", "1\n2\n");
        let metadata = fs::metadata(tailing.path("a.log")).unwrap();
        let text = serde_json::json!({
            "version": 1, "saved": Clock::system().now().as_nanos(), "entries": [],
            "positions": [{
                "worker": "default", "path": tailing.path("a.log"), "settled": 2,
                "identity": {
                    "device": metadata.dev(), "inode": metadata.ino(), "head_length": 2,
                    "head_hash": "4355a46b19d348dc",
                },
                "sequence": { "id": "of-version-1", "begin": 0 },
            }],
        });
        let (path, copy) = (tailing.path("positions.json"), tailing.path("positions.json.synced"));
        fs::write(&path, if damaged { String::new() } else { text.to_string() }).unwrap();
        fs::write(&copy, text.to_string()).unwrap();
        tailing.start("a.log");
        assert_eq!(tailing.lines(1), ["2\n"]);
        assert!(!path.exists() && !copy.exists(), "they are old now");
        tailing.crash();
        tailing.append("a.log", "3\n");
        tailing.start("a.log");
        assert_eq!(tailing.lines(1), ["3\n"]);
    }
}

#[test]
fn with_damaged_positions_a_file_is_rather_copied_twice_than_lost() {
    for damage in ["", "{", "[]", r#"{"version":9,"positions":[]}"#, r#"{"version":1,"positions":[1,{"path":"/x"}]}"#] {
        for name in ["positions.json", "positions.999.snapshot", "positions.999.journal"] {
            if name.ends_with("journal") && damage.is_empty() {
                // Not damaged: a first run that was killed before it had anything to write.
                continue;
            }
            let mut tailing = Tailing::new();
            tailing.append("a.log", "history\n");
            fs::write(tailing.path(name), damage).unwrap();
            tailing.start("a.log");
            tailing.append("a.log", "new\n");
            assert_eq!(tailing.lines(2), ["history\n", "new\n"], "{name}: {damage}");
        }
    }
}
