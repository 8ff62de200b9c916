//! Where copying goes on, from what the old agent noted and what is on disk.

use std::fs::{self, File};
use std::time::{Duration, UNIX_EPOCH};

use scalyr_agent::ledger::Offset;
use scalyr_monitor::{Level, Timestamp};
use serde_json::json;

use super::{Host, chain, piece};

#[test]
fn pieces_are_found_by_their_inode_whatever_their_name_is_now() {
    let host = Host::new();
    let old = host.log("a.log", "1\n2\n3\n");
    fs::rename(host.path("a.log"), host.path("a-rotated")).unwrap();
    let new = host.log("a.log", "4\n");
    host.entry(&chain(&[piece(old, -2, 4, false), piece(new, 4, 6, true)]));
    assert_eq!(host.taken(), [("a.log".to_owned(), old, 2), ("a.log".to_owned(), new, 0)]);
    assert_eq!(host.warnings(), 0);
    let positions = host.read().unwrap().positions;
    assert_eq!((positions[0].sequence.id.as_str(), positions[0].sequence.number(Offset(6))), ("the-sequence", 104));
    assert_ne!(positions[1].sequence.id, "the-sequence");
    assert_eq!(positions[1].sequence.number(Offset(2)), 2);
}

#[test]
fn a_symbolic_link_leads_to_where_the_rotation_happened() {
    let host = Host::new();
    fs::create_dir(host.path("real")).unwrap();
    let old = host.log("real/a.log", "1\n2\n");
    std::os::unix::fs::symlink(host.path("real/a.log"), host.path("a.log")).unwrap();
    fs::rename(host.path("real/a.log"), host.path("real/a.log.1")).unwrap();
    host.log("real/a.log", "3\n");
    host.entry(&chain(&[piece(old, -2, 2, true)]));
    assert_eq!(host.taken(), [("a.log".to_owned(), old, 2)]);
}

#[test]
fn a_piece_that_is_gone_is_told_with_its_unread_bytes_and_the_next_generation_begins_at_its_first_byte() {
    let host = Host::new();
    let now = host.log("a.log", "new\n");
    host.entry(&chain(&[piece(now + 1_000_000, -2, 40, true)]));
    assert_eq!(host.taken(), [("a.log".to_owned(), now, 0)]);
    host.tells(Level::Warning, "40 bytes of it were not read and are lost");
}

#[test]
fn a_compressed_file_that_got_the_inode_is_not_the_piece() {
    let host = Host::new();
    let inode = host.log("a.log.1.gz", "not the lines");
    host.entry(&chain(&[piece(inode, -2, 4, true)]));
    assert_eq!(host.taken(), []);
    host.tells(Level::Warning, "is not there any more");
}

#[test]
fn a_file_that_was_created_after_the_old_agents_last_word_has_only_got_the_inode() {
    let host = Host::new();
    let inode = host.log("a.log", "a new file with an old number\n");
    let file = json!({
        "time": host.now() - 100.0,
        "checkpoints": { host.path("a.log").to_str().unwrap(): chain(&[piece(inode, -6, 0, true)]) },
    });
    host.checkpoints("checkpoints.json", &file);
    // Where the file system does not tell when a file was created, its inode has to do.
    let tells = fs::metadata(host.path("a.log")).unwrap().created().is_ok();
    assert_eq!(host.taken(), [("a.log".to_owned(), inode, if tells { 0 } else { 6 })]);
}

#[test]
fn a_file_that_was_truncated_meanwhile_is_read_from_its_first_byte_and_the_loss_is_told() {
    let host = Host::new();
    let inode = host.log("a.log", "new\n");
    host.entry(&chain(&[piece(inode, -50, 7, true)]));
    assert_eq!(host.taken(), [("a.log".to_owned(), inode, 0)]);
    host.tells(Level::Warning, "was truncated while no agent ran, to 4 bytes; 7 bytes were not read and are lost");
}

#[test]
fn an_initial_position_counts_for_whatever_stands_at_the_path() {
    let host = Host::new();
    let inode = host.log("a.log", "1\n2\n");
    host.entry(&json!({ "initial_position": 2 }));
    assert_eq!(host.taken(), [("a.log".to_owned(), inode, 2)]);
    host.entry(&json!({ "initial_position": 200 }));
    assert_eq!(host.taken(), [("a.log".to_owned(), inode, 4)]);
}

#[test]
fn within_a_long_record_it_goes_on_at_its_begin_and_says_so() {
    let host = Host::new();
    let inode = host.log("a.log", "first\n{a long record}\n");
    let mut entry = chain(&[piece(inode, -6, 16, true)]);
    entry["elp_position"] = json!(8);
    entry["elp_raw_size"] = json!(16);
    entry["elp_overhead_size"] = json!(2);
    host.entry(&entry);
    assert_eq!(host.taken(), [("a.log".to_owned(), inode, 6)]);
    host.tells(Level::Info, "within a long record; it is sent from its begin again");
}

#[test]
fn the_newest_entry_of_a_path_counts_wherever_it_stands() {
    for (merged, full, active, expected) in
        [(1.0, 2.0, 3.0, 6), (1.0, 3.0, 2.0, 4), (3.0, 1.0, 2.0, 2), (1.0, 1.0, 1.0, 6)]
    {
        let host = Host::new();
        let inode = host.log("a.log", "1\n2\n3\n4\n");
        let now = host.now();
        let write = |file: &str, time: f64, byte: i64| {
            let mut entry = chain(&[piece(inode, -byte, 8 - byte, true)]);
            entry["time"] = json!(now + time);
            let path = host.path("a.log");
            host.checkpoints(file, &json!({ "time": now, "checkpoints": { path.to_str().unwrap(): entry } }));
        };
        write("checkpoints.json", merged, 2);
        write("checkpoints-worker-default-0.json", full, 4);
        write("active-checkpoints-worker-default-0.json", active, 6);
        assert_eq!(host.taken(), [("a.log".to_owned(), inode, expected)]);
    }
}

#[test]
fn the_worker_is_the_one_that_the_files_name_tells() {
    let host = Host::new();
    let inode = host.log("a.log", "1\n");
    let path = host.path("a.log");
    let file =
        json!({ "time": host.now(), "checkpoints": { path.to_str().unwrap(): chain(&[piece(inode, -2, 0, true)]) } });
    host.checkpoints("checkpoints-worker-my-worker-1.json", &file);
    assert_eq!(*host.read().unwrap().positions[0].worker.0, *"my-worker");
}

#[test]
fn a_quiet_file_with_nothing_accepted_was_passed_over_and_a_fresh_one_was_not() {
    let host = Host::new();
    let inode = host.log("a.log", "history\n");
    let mut entry = chain(&[piece(inode, 0, 8, true)]);
    entry["sequence_number"] = json!(0);
    host.entry(&entry);
    assert_eq!(host.taken(), [("a.log".to_owned(), inode, 0)]);
    host.tells(Level::Info, "nothing of it was accepted so far");
    let long_ago = UNIX_EPOCH + Duration::from_secs_f64(host.now() - 1000.0);
    File::options().append(true).open(host.path("a.log")).unwrap().set_modified(long_ago).unwrap();
    assert_eq!(host.taken(), []);
    host.tells(Level::Info, "1 files were passed over by the Python agent");
}

#[test]
fn positions_of_our_own_give_way_only_to_what_is_newer() {
    let host = Host::new();
    let inode = host.log("a.log", "1\n");
    host.entry(&chain(&[piece(inode, -2, 0, true)]));
    let at = |seconds: f64| Some(Timestamp::from_nanos(((host.now() + seconds) * 1e9) as i64));
    assert!(host.read_since(at(60.0)).is_none());
    assert_eq!(host.read_since(at(-60.0)).unwrap().positions.len(), 1);
}

#[test]
fn without_any_checkpoint_file_there_is_nothing_to_take_over() {
    let host = Host::new();
    assert!(host.read().is_none());
    assert_eq!(host.warnings(), 0);
}
