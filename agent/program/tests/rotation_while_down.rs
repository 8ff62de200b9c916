//! "The log was rotated while no agent ran. What of it did I get?"

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod story;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use story::{
    AgentProcess, Lines, ReceiverProcess, Scratch, assert_each_once, end_well, wait_for_lines, wait_until, write_config,
};

const PATIENCE: Duration = Duration::from_secs(90);

/// An agent copies the first lines and ends, `meanwhile` the log goes on without it, then it is started again: each line
/// arrives once. Both ways to end it are told.
fn each_line_arrives_once(more_logs: &[&str], meanwhile: impl Fn(&Scratch, &mut Lines)) {
    for kill in [false, true] {
        let scratch = Scratch::new();
        let mut receiver = ReceiverProcess::start(&scratch, "receiver");
        let log = scratch.path("logs/app.log");
        fs::create_dir_all(scratch.path("logs")).unwrap();
        fs::create_dir_all(scratch.path("archive")).unwrap();
        let mut logs = vec![json!({ "path": log })];
        logs.extend(more_logs.iter().map(|below| json!({ "path": scratch.path(below) })));
        let config = write_config(&scratch, &receiver.url(), Value::Array(logs), json!({}));
        let mut agent = AgentProcess::start(&scratch, &config);
        wait_until("the agent runs", PATIENCE, || agent.status().is_some());
        let mut lines = Lines::new(&log, 80);
        lines.append(1_000);
        wait_for_lines(&mut receiver, 1_000, PATIENCE);
        wait_until("they are acknowledged", PATIENCE, || {
            agent.status().is_some_and(|status| status["totals"]["pending"] == 0)
        });
        if kill {
            agent.kill();
        } else {
            assert_eq!(agent.stop(PATIENCE), Some(0));
        }
        lines.append(500);
        meanwhile(&scratch, &mut lines);
        lines.append(500);

        let mut agent = AgentProcess::start(&scratch, &config);
        lines.append(500);
        wait_for_lines(&mut receiver, lines.written(), PATIENCE);
        assert_each_once(receiver.events(), lines.written());
        end_well(&mut agent, PATIENCE);
    }
}

#[test]
fn a_log_that_was_renamed_while_no_agent_ran_is_read_to_its_end_before_the_new_one() {
    each_line_arrives_once(&[], |_, lines| lines.rotate());
}

#[test]
fn logs_that_were_renamed_twice_while_no_agent_ran_are_read_to_their_ends_in_order() {
    each_line_arrives_once(&[], |_, lines| {
        story::Rotation::Rename.rotate(lines, 5);
        lines.append(300);
        story::Rotation::Rename.rotate(lines, 5);
    });
}

#[test]
fn a_log_that_was_moved_into_another_followed_folder_while_no_agent_ran_goes_on_there() {
    each_line_arrives_once(&["archive/*.log"], |scratch, lines| {
        fs::rename(lines.path(), scratch.path("archive/app-1.log")).unwrap();
        lines.reopen();
    });
}

#[test]
fn another_file_that_got_the_inode_of_the_old_one_while_no_agent_ran_is_read_from_its_first_byte() {
    for kill in [false, true] {
        let scratch = Scratch::new();
        let mut receiver = ReceiverProcess::start(&scratch, "receiver");
        let log = scratch.path("app.log");
        let config = write_config(&scratch, &receiver.url(), json!([{ "path": log }]), json!({}));
        let mut agent = AgentProcess::start(&scratch, &config);
        wait_until("the agent runs", PATIENCE, || agent.status().is_some());
        fs::write(&log, "of the old file\n".repeat(200)).unwrap();
        let inode = fs::metadata(&log).unwrap().ino();
        wait_until("the old file has arrived", PATIENCE, || receiver.events().len() == 200);
        wait_until("it is acknowledged", PATIENCE, || {
            agent.status().is_some_and(|status| status["totals"]["pending"] == 0)
        });
        if kill {
            agent.kill();
        } else {
            assert_eq!(agent.stop(PATIENCE), Some(0));
        }
        fs::remove_file(&log).unwrap();
        if !scratch.gives_the_inode(inode, &log) {
            return;
        }
        // Longer than the old one, so that neither its inode nor its length tells.
        let mut lines = Lines::new(&log, 80);
        lines.append(1_000);
        let mut agent = AgentProcess::start(&scratch, &config);
        wait_until("the new file has arrived", PATIENCE, || receiver.events().len() >= 1_200);
        assert_each_once(receiver.events(), lines.written());
        end_well(&mut agent, PATIENCE);
    }
}

#[test]
fn a_log_that_was_copied_and_truncated_while_no_agent_ran_is_read_to_its_end_from_the_copy() {
    each_line_arrives_once(&[], |_, lines| story::Rotation::CopyTruncate.rotate(lines, 5));
}

#[test]
fn a_log_that_was_compressed_while_no_agent_ran_is_read_to_its_end() {
    each_line_arrives_once(&[], |_, lines| {
        lines.rotate();
        gzip(&lines.path().with_extension("log.1"));
    });
}

#[test]
fn a_log_that_was_moved_away_while_no_agent_ran_is_told_as_a_loss_and_the_new_one_is_whole() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let log = scratch.path("logs/app.log");
    fs::create_dir_all(scratch.path("logs")).unwrap();
    let config = write_config(&scratch, &receiver.url(), json!([{ "path": log }]), json!({}));
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("the agent runs", PATIENCE, || agent.status().is_some());
    let mut lines = Lines::new(&log, 80);
    lines.append(1_000);
    wait_for_lines(&mut receiver, 1_000, PATIENCE);
    assert_eq!(agent.stop(PATIENCE), Some(0));
    lines.append(500);
    // Another folder, that neither the configuration names nor rotation tools use: nobody can find these lines again.
    fs::create_dir_all(scratch.path("far/away")).unwrap();
    fs::rename(&log, scratch.path("far/away/old.log")).unwrap();
    let mut lines = Lines::new(&log, 30);
    lines.append(2_000);

    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("the new log has arrived", PATIENCE, || receiver.events().len() >= 3_000);
    assert_each_once(&receiver.events()[1_000..], 2_000);
    end_well(&mut agent, PATIENCE);
    let agent_log = fs::read_to_string(scratch.path("log/agent.log")).unwrap();
    let told = agent_log.lines().any(|line| line.contains("WARN") && line.contains(&*log.to_string_lossy()));
    assert!(told, "the file that is gone is named:\n{agent_log}");
}

fn gzip(path: &Path) {
    let status = Command::new("gzip").arg(path).stdin(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "gzip could not compress {}", path.display());
}
