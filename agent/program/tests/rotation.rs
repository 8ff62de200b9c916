//! "Twenty megabytes a second, rotated every second, and the server is slow. Is every line there?"

#![expect(clippy::print_stderr, reason = "a test prints for the person who reads its failure")]

mod story;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::thread;
use std::time::Duration;

use serde_json::json;
use story::{
    AgentProcess, Lines, ReceiverProcess, Rotation, Scratch, assert_each_once, end_well, now, wait_for_lines,
    wait_until, write_config,
};

const PATIENCE: Duration = Duration::from_secs(120);

/// How long the log is written.
const SECONDS: u64 = 3;
/// A line of 1,000 bytes: 20 MB are so many of them.
const LINES_PER_SECOND: u64 = 20_000;
const PADDING: usize = 984;
/// So many old files stay, so that the disk is not filled; what was removed unread is still open.
const KEEP: u32 = 3;

/// Writes for some seconds at 20 MB/s with a rotation each second, and waits until each line has arrived once.
fn a_fast_writer_and_a_slow_server(rotation: Rotation) {
    let scratch = Scratch::new();
    // Four requests a second at most, where the log alone makes that many.
    let mut receiver = ReceiverProcess::start_with(&scratch, "receiver", &["--fault", "delay:250ms"]);
    let log = scratch.path("app.log");
    let config = write_config(&scratch, &receiver.url(), json!([{ "path": log }]), json!({}));
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("the agent runs", PATIENCE, || agent.status().is_some());
    let mut lines = Lines::new(&log, PADDING);
    let begin = now();
    for second in 0..SECONDS {
        for tenth in 1..=10 {
            lines.append(LINES_PER_SECOND / 10);
            let due = Duration::from_millis(second * 1_000 + tenth * 100);
            thread::sleep(due.saturating_sub(begin.elapsed()));
        }
        rotation.rotate(&mut lines, KEEP);
    }
    lines.append(1);
    let (written, took) = (lines.written(), begin.elapsed());
    wait_for_lines(&mut receiver, written, PATIENCE);
    eprintln!("{rotation:?}: {written} lines of 1,000 bytes in {took:.1?}, all there after {:.1?}", begin.elapsed());
    assert_each_once(receiver.events(), written);
    end_well(&mut agent, PATIENCE);
}

#[test]
fn a_log_of_20_mb_a_second_that_is_renamed_every_second_arrives_whole_at_a_slow_server() {
    a_fast_writer_and_a_slow_server(Rotation::Rename);
}

#[test]
fn a_log_of_20_mb_a_second_that_is_compressed_in_its_second_rotation_arrives_whole_at_a_slow_server() {
    a_fast_writer_and_a_slow_server(Rotation::Compress);
}

#[test]
fn a_log_that_got_the_inode_of_the_one_before_it_is_read_from_its_first_byte() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let log = scratch.path("app.log");
    // As long as the deleted file is open, nobody gets its inode.
    let more = json!({ "log_deletion_delay": 0.5 });
    let config = write_config(&scratch, &receiver.url(), json!([{ "path": log }]), more);
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("the agent runs", PATIENCE, || agent.status().is_some());
    fs::write(&log, "of the old file\n".repeat(200)).unwrap();
    let inode = fs::metadata(&log).unwrap().ino();
    wait_until("the old file has arrived", PATIENCE, || receiver.events().len() == 200);
    fs::remove_file(&log).unwrap();
    wait_until("the old file is let go", PATIENCE, || {
        agent.status().is_some_and(|status| status["files"].as_array().is_some_and(Vec::is_empty))
    });
    if !scratch.gives_the_inode(inode, &log) {
        return;
    }
    // Longer than the old one, so that neither its inode nor its length tells.
    let mut lines = Lines::new(&log, 80);
    lines.append(1_000);
    wait_until("the new file has arrived", PATIENCE, || receiver.events().len() >= 1_200);
    assert_each_once(receiver.events(), lines.written());
    end_well(&mut agent, PATIENCE);
}

#[test]
fn a_log_of_20_mb_a_second_that_is_copied_and_truncated_every_second_arrives_whole_at_a_slow_server() {
    a_fast_writer_and_a_slow_server(Rotation::CopyTruncate);
}

#[test]
fn a_log_that_is_renamed_before_anyone_looked_at_it_is_read_all_the_same() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let log = scratch.path("app.log");
    let config = write_config(&scratch, &receiver.url(), json!([{ "path": log }]), json!({}));
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("the agent runs", PATIENCE, || agent.status().is_some());
    let mut lines = Lines::new(&log, 80);
    lines.append(100);
    lines.rotate();
    lines.append(100);
    wait_for_lines(&mut receiver, lines.written(), PATIENCE);
    assert_each_once(receiver.events(), lines.written());
    end_well(&mut agent, PATIENCE);
}
