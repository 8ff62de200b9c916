//! The damage table of `log-copying.md` section 10: each kind is told, and treated as absent.

use std::fs;

use scalyr_monitor::Level;
use serde_json::json;

use super::{Host, chain, piece};

#[test]
fn a_file_that_is_no_checkpoint_file_is_told_and_treated_as_absent() {
    let cases: [&[u8]; 9] = [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b"7",
        b"null",
        b"{\"time\": 1}",
        b"{\"time\": 1, \"checkpoints\": []}",
        b"{\"checkpoints\": {\"/a\": ",
    ];
    for text in cases {
        let host = Host::new();
        fs::write(host.path("checkpoints.json"), text).unwrap();
        assert!(host.read().is_none(), "{}", String::from_utf8_lossy(text));
        host.tells(Level::Error, "the positions of the Python agent cannot be read");
        assert_eq!(host.warnings(), 1);
    }
}

#[test]
fn nesting_without_end_is_damage_and_no_crash() {
    let host = Host::new();
    fs::write(host.path("checkpoints.json"), "{\"checkpoints\":{\"/a\":".to_owned() + &"[".repeat(1_000_000)).unwrap();
    assert!(host.read().is_none());
    host.tells(Level::Error, "recursion limit");
}

#[test]
fn a_file_that_cannot_be_read_does_not_keep_the_others_from_it() {
    let host = Host::new();
    let inode = host.log("a.log", "1\n2\n");
    host.entry(&chain(&[piece(inode, -2, 2, true)]));
    fs::write(host.path("active-checkpoints-worker-default-0.json"), "{\"time\": ").unwrap();
    assert_eq!(host.taken(), [("a.log".to_owned(), inode, 2)]);
    host.tells(Level::Error, "active-checkpoints-worker-default-0.json");
}

#[test]
fn a_damaged_entry_is_told_and_its_neighbours_are_used() {
    let host = Host::new();
    let inode = host.log("a.log", "1\n2\n");
    let path = |name: &str| host.path(name).to_str().unwrap().to_owned();
    let mut without_inode = piece(inode, -2, 2, true);
    without_inode.as_object_mut().unwrap().remove("inode");
    host.checkpoints(
        "checkpoints.json",
        &json!({ "time": host.now(), "checkpoints": {
            path("a.log"): chain(&[piece(inode, -2, 2, true)]),
            path("b.log"): { "pending_files": [] },
            path("c.log"): { "position": 0 },
            path("d.log"): chain(&[without_inode]),
            path("e.log"): "text",
            "relative.log": chain(&[]),
        }}),
    );
    assert_eq!(host.taken(), [("a.log".to_owned(), inode, 2)]);
    for part in ["b.log is treated as absent: it has no `position`", "it has no `pending_files`", "it has no `inode`"] {
        host.tells(Level::Warning, part);
    }
    host.tells(Level::Warning, "e.log is treated as absent: it is not an object");
    host.tells(Level::Warning, "relative.log is treated as absent: its path is not absolute");
}

#[test]
fn many_damaged_entries_are_summed_up() {
    let host = Host::new();
    let entries: serde_json::Map<_, _> = (0..1000).map(|number| (format!("/{number}.log"), json!(1))).collect();
    host.checkpoints("checkpoints.json", &json!({ "time": 1, "checkpoints": entries }));
    assert!(host.read().unwrap().positions.is_empty());
    host.tells(Level::Warning, "980 more entries are damaged");
    assert_eq!(host.warnings(), 21);
}

#[test]
fn no_time_a_time_to_come_and_a_time_long_ago_are_no_damage() {
    for time in [json!(null), json!("soon"), json!(1e18), json!(0.5)] {
        let host = Host::new();
        // Nobody can say that the file is too young for a time that is not known, or long ago by mistake.
        let inode = host.log("a.log", "1\n2\n");
        let mut file =
            json!({ "checkpoints": { host.path("a.log").to_str().unwrap(): chain(&[piece(inode, -2, 2, true)]) } });
        if time != json!(0.5) {
            file["time"] = time.clone();
        }
        host.checkpoints("checkpoints.json", &file);
        assert_eq!(host.taken(), [("a.log".to_owned(), inode, 2)], "{time}");
        assert_eq!(host.warnings(), 0);
    }
}

#[test]
fn an_entry_that_was_noted_long_before_its_file_was_written_is_used() {
    let host = Host::new();
    let inode = host.log("a.log", "1\n2\n");
    let mut entry = chain(&[piece(inode, -2, 2, true)]);
    entry["time"] = json!(1.0);
    host.entry(&entry);
    assert_eq!(host.taken(), [("a.log".to_owned(), inode, 2)]);
}
