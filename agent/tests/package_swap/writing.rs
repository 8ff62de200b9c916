//! The file that is left for the way back.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use scalyr_agent::checkpoint::python::write;
use scalyr_agent::ledger::WorkerId;
use scalyr_agent::logs::Position;
use scalyr_monitor::Timestamp;
use serde_json::{Value, json};

use super::{Host, chain, piece, settle_at};

const NOW: Timestamp = Timestamp::from_nanos(1_795_395_140_250_000_000);

fn written(host: &Host, positions: &[Position]) -> Value {
    write(host.folder.path(), positions, NOW).unwrap();
    serde_json::from_slice(&fs::read(host.path("checkpoints.json")).unwrap()).unwrap()
}

#[test]
fn a_chain_is_written_in_the_old_agents_coordinates_and_read_back_as_it_was() {
    let host = Host::new();
    let old = host.log("a.log.1", "1\n2\n3\n");
    let new = host.log("a.log", "4\n5\n");
    host.entry(&chain(&[piece(old, -2, 4, false), piece(new, 4, 8, true)]));
    let before = host.read().unwrap().positions;
    let file = written(&host, &before);
    let entry = &file["checkpoints"][host.path("a.log").to_str().unwrap()];
    assert_eq!(entry["pending_files"], json!([piece(old, -2, 4, false), piece(new, 4, 8, true)]));
    assert_eq!((&entry["sequence_id"], &entry["sequence_number"]), (&json!("the-sequence"), &json!(100)));
    assert_eq!(
        (&entry["position"], &entry["time"], &file["time"]),
        (&json!(0), &json!(1795395140.25), &json!(1795395140.25))
    );
    assert_eq!(fs::metadata(host.path("checkpoints.json")).unwrap().permissions().mode() & 0o777, 0o644);
    assert!(!host.path("checkpoints.json~").exists());
}

#[test]
fn what_was_read_ahead_in_the_newer_piece_stays_read() {
    let host = Host::new();
    let old = host.log("a.log.1", "1\n2\n3\n");
    let new = host.log("a.log", "4\n5\n");
    host.entry(&chain(&[piece(old, -2, 4, false), piece(new, 4, 8, true)]));
    let mut positions = host.read().unwrap().positions;
    positions[1] = settle_at(&positions[1], 2);
    let file = written(&host, &positions);
    let entry = &file["checkpoints"][host.path("a.log").to_str().unwrap()];
    assert_eq!(entry["pending_files"], json!([piece(old, -2, 4, false), piece(new, 2, 6, true)]));
}

#[test]
fn an_older_piece_that_is_read_and_a_file_that_is_gone_are_left_out() {
    let host = Host::new();
    let old = host.log("a.log.1", "1\n2\n");
    let new = host.log("a.log", "3\n");
    let gone = host.log("b.log", "4\n");
    host.entry(&chain(&[piece(old, -4, 0, false), piece(new, 0, 2, true)]));
    let mut positions = host.read().unwrap().positions;
    let path = host.path("b.log");
    host.checkpoints(
        "checkpoints.json",
        &json!({ "time": host.now(), "checkpoints": { path.to_str().unwrap(): chain(&[piece(gone, -2, 0, true)]) } }),
    );
    positions.extend(host.read().unwrap().positions);
    fs::remove_file(&path).unwrap();
    let file = written(&host, &positions);
    let entries = file["checkpoints"].as_object().unwrap();
    assert_eq!(entries.len(), 1, "{file}");
    let entry = &entries[host.path("a.log").to_str().unwrap()];
    assert_eq!(entry["pending_files"], json!([piece(new, 0, 2, true)]));
}

#[test]
fn the_sessions_files_are_removed_because_they_would_count_where_they_are_newer() {
    let host = Host::new();
    for name in ["active-checkpoints-worker-default-0.json", "checkpoints-worker-other-1.json", "checkpoints-mine.json"]
    {
        fs::write(host.path(name), "{}").unwrap();
    }
    written(&host, &[]);
    let mut names: Vec<_> = fs::read_dir(host.folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["checkpoints-mine.json", "checkpoints.json"]);
}

#[test]
fn a_path_of_two_workers_has_the_entry_of_the_one_that_has_more_to_read() {
    let host = Host::new();
    let inode = host.log("a.log", "1\n2\n");
    host.entry(&chain(&[piece(inode, -4, 0, true)]));
    let far = host.read().unwrap().positions.remove(0);
    let near = Position { worker: WorkerId("other".into()), ..settle_at(&far, 2) };
    let file = written(&host, &[near, far]);
    let entry = &file["checkpoints"][host.path("a.log").to_str().unwrap()];
    assert_eq!(entry["pending_files"], json!([piece(inode, -2, 2, true)]));
}

#[test]
fn a_path_of_any_bytes_is_read_back_as_it_was() {
    let host = Host::new();
    host.log("a.log", "1\n");
    let strange = host.folder.path().join(OsString::from_vec(b"\"\xff\\\xc3\xa9\n\x80.log\"".to_vec()));
    fs::write(&strange, "1\n").unwrap();
    let inode = fs::metadata(&strange).unwrap().ino();
    host.entry(&chain(&[piece(host.inode("a.log"), -2, 0, true)]));
    let mut position = host.read().unwrap().positions.remove(0);
    (position.path, position.identity.inode) = (strange.clone(), inode);
    write(host.folder.path(), &[position], Timestamp::from_nanos((host.now() * 1e9) as i64)).unwrap();
    assert!(host.read_since(Some(Timestamp::from_nanos(0))).is_none(), "what is ours is not the old agent's");
    let taken = host.read().unwrap();
    assert_eq!(taken.paths, [strange]);
    assert_eq!((taken.positions[0].identity.inode, taken.positions[0].settled.0), (inode, 2));
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_and_no_panic() {
    let host = Host::new();
    assert!(write(&host.path("missing"), &[], NOW).is_err());
}
