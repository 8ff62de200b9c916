//! "I swap the packages. Does the new agent go on at the line where the old one stopped? And when I swap back?"
//!
//! The checkpoint files are those of a real Python agent 2.2.8 (`tests/fixtures/python_checkpoints`).

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod story;

use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};
use story::{AgentProcess, Process, ReceiverProcess, Scratch, wait_until, write_config};

const PATIENCE: Duration = Duration::from_secs(120);
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/python_checkpoints");

/// A recorded case, laid out in a story's folder: its logs in `logs`, the old agent's files in `data`.
struct Recorded {
    accepted: Vec<String>,
    unsent: Vec<String>,
}

impl Recorded {
    /// Lays it out as if the old agent had stopped `ahead` seconds from now (a negative number: ago).
    fn lay_out(scratch: &Scratch, case: &str, ahead: f64) -> Self {
        let from = Path::new(FIXTURES).join(case);
        let logs = scratch.path("logs");
        fs::create_dir_all(scratch.path("data")).unwrap();
        fs::create_dir_all(&logs).unwrap();
        let mut inodes = Vec::new();
        let mut now = 0.0_f64;
        for log in fs::read_dir(from.join("logs")).unwrap() {
            let name = log.unwrap().file_name().into_string().unwrap();
            // Not a copy, which would keep nothing of the time.
            fs::write(logs.join(&name), fs::read(from.join("logs").join(&name)).unwrap()).unwrap();
            let metadata = fs::metadata(logs.join(&name)).unwrap();
            now = now.max(metadata.modified().unwrap().duration_since(UNIX_EPOCH).unwrap().as_secs_f64());
            inodes.push((format!("\"@INODE {name}@\""), metadata.ino().to_string()));
        }
        let mut files: Vec<(PathBuf, Value)> = Vec::new();
        for file in fs::read_dir(from.join("data")).unwrap() {
            let path = file.unwrap().path();
            let mut text = fs::read_to_string(&path).unwrap().replace("@DIR@", logs.to_str().unwrap());
            for (placeholder, inode) in &inodes {
                text = text.replace(placeholder, inode);
            }
            files.push((scratch.path("data").join(path.file_name().unwrap()), serde_json::from_str(&text).unwrap()));
        }
        let newest = files.iter().map(|(_, file)| file["time"].as_f64().unwrap()).fold(0.0, f64::max);
        let later = now + ahead - newest;
        for (path, mut file) in files {
            file["time"] = json!(file["time"].as_f64().unwrap() + later);
            for entry in file["checkpoints"].as_object_mut().unwrap().values_mut() {
                entry["time"] = json!(entry["time"].as_f64().unwrap() + later);
            }
            fs::write(path, file.to_string()).unwrap();
        }
        let story: Value = serde_json::from_slice(&fs::read(from.join("story.json")).unwrap()).unwrap();
        let messages = |key: &str| serde_json::from_value(story[key].clone()).unwrap();
        Self { accepted: messages("accepted"), unsent: messages("unsent") }
    }
}

fn append(path: &Path, text: &str) {
    File::options().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

fn lines(text: &str) -> Vec<String> {
    text.split_inclusive('\n').map(str::to_owned).collect()
}

fn messages(receiver: &mut ReceiverProcess) -> Vec<String> {
    receiver.events().iter().map(|event| String::from_utf8_lossy(&event.message).into_owned()).collect()
}

/// Lays a case out, lets `meanwhile` happen, and expects what was not sent and then `new`, and nothing else.
#[track_caller]
fn goes_on(case: &str, ahead: f64, meanwhile: impl Fn(&Path), new: &str) {
    let scratch = Scratch::new();
    let recorded = Recorded::lay_out(&scratch, case, ahead);
    let logs = scratch.path("logs");
    meanwhile(&logs);
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let entries = json!([{ "path": logs.join("a.log") }, { "path": logs.join("old.log") }]);
    let config = write_config(&scratch, &receiver.url(), entries, json!({}));
    let mut agent = AgentProcess::start(&scratch, &config);
    let now = lines(&(recorded.unsent.concat() + new));
    wait_until("the rest has arrived", PATIENCE, || receiver.events().len() >= now.len());
    append(&logs.join("a.log"), "written later\n");
    wait_until("a new line has arrived", PATIENCE, || receiver.events().len() > now.len());
    assert_eq!(agent.stop(PATIENCE), Some(0));
    let expected = [now, vec!["written later\n".to_owned()]].concat();
    assert_eq!(messages(&mut receiver), expected, "{case}");
    let log = fs::read_to_string(scratch.path("log/agent.log")).unwrap();
    assert!(log.contains("taken over from the Python agent"), "{log}");
    // The same sequence goes on, with the number that comes next.
    if !recorded.accepted.is_empty() && !expected[0].is_empty() {
        let first = &receiver.events()[0];
        let bytes: usize = recorded.accepted.iter().chain(expected.first()).map(String::len).sum();
        assert_eq!(first.sn, Some(bytes as u64), "{case}: {first:?}");
    }
    // For the way back there is one file, with everything accepted.
    let left = fs::read_dir(scratch.path("data")).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let left: Vec<_> = left.filter(|name| name.contains("checkpoints")).collect();
    assert_eq!(left, ["checkpoints.json"]);
    let written: Value = serde_json::from_slice(&fs::read(scratch.path("data/checkpoints.json")).unwrap()).unwrap();
    let entry = &written["checkpoints"][logs.join("a.log").to_str().unwrap()];
    let metadata = fs::metadata(logs.join("a.log")).unwrap();
    let size = i64::try_from(metadata.len()).unwrap();
    assert_eq!(
        entry["pending_files"],
        json!([{ "position_start": -size, "position_end": 0, "last_known_size": size, "is_log_file": true,
                 "inode": metadata.ino() }]),
        "{written}"
    );
    assert_eq!(entry["sequence_id"].as_str(), receiver.events().last().unwrap().si.as_deref());
    assert_eq!(entry["sequence_number"].as_u64(), receiver.events().last().unwrap().sn);
}

#[test]
fn after_a_clean_stop_the_next_line_is_the_first_and_a_log_that_was_passed_over_stays_so() {
    // An hour passed between the last write to the logs and the stop.
    goes_on("plain", 3600.0, |logs| append(&logs.join("a.log"), "while down\n"), "while down\n");
}

#[test]
fn after_a_kill_the_newest_of_the_old_agents_files_counts() {
    goes_on("killed", 0.0, |logs| append(&logs.join("a.log"), "while down\n"), "while down\n");
}

#[test]
fn a_rotation_that_was_being_worked_off_is_read_to_its_end() {
    goes_on("rotation", 0.0, |_| {}, "");
}

#[test]
fn a_second_rotation_that_the_old_agent_never_saw_is_read_too() {
    goes_on("rotated_twice", 0.0, |_| {}, "");
}

#[test]
fn a_sequence_that_is_longer_than_its_file_goes_on() {
    goes_on("after_rotation", 0.0, |logs| append(&logs.join("a.log"), "while down\n"), "while down\n");
}

#[test]
fn the_copy_of_a_truncated_file_is_read_to_its_end_first() {
    goes_on("copytruncate", 0.0, |_| {}, "");
}

#[test]
fn an_unfinished_line_is_sent_whole() {
    goes_on("unfinished", 0.0, |logs| append(&logs.join("a.log"), "shed line\n"), "shed line\n");
}

#[test]
fn a_log_of_which_the_server_never_took_a_line_is_sent_from_its_begin() {
    goes_on("nothing_accepted", 0.0, |_| {}, "");
}

#[test]
fn a_rotation_between_the_two_agents_loses_nothing() {
    let rotate = |logs: &Path| {
        append(&logs.join("a.log"), "before the rotation\n");
        fs::rename(logs.join("a.log"), logs.join("a.log.1")).unwrap();
        append(&logs.join("a.log"), "after the rotation\n");
    };
    goes_on("plain", 3600.0, rotate, "before the rotation\nafter the rotation\n");
}

#[test]
fn the_old_agent_was_down_for_a_day_and_still_nothing_is_skipped() {
    let scratch = Scratch::new();
    Recorded::lay_out(&scratch, "plain", 0.0);
    // Times are only compared with those of files, which a test cannot create in the past: the old agent's files say
    // nothing of when they were written.
    let path = scratch.path("data/checkpoints.json");
    let mut file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    file.as_object_mut().unwrap().remove("time");
    for entry in file["checkpoints"].as_object_mut().unwrap().values_mut() {
        entry["time"] = json!(1.0);
    }
    fs::write(&path, file.to_string()).unwrap();
    append(&scratch.path("logs/a.log"), "a day later\n");
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let entries = json!([{ "path": scratch.path("logs/a.log") }]);
    let config = write_config(&scratch, &receiver.url(), entries, json!({}));
    let _agent = AgentProcess::start(&scratch, &config);
    wait_until("the line has arrived", PATIENCE, || !receiver.events().is_empty());
    assert_eq!(messages(&mut receiver), ["a day later\n"]);
}

/// The interpreter of an environment with the Python agent in it.
fn python_agent() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "the edge of a test is where its environment is read")]
    let path = env::var_os("PYTHON_AGENT");
    PathBuf::from(path.expect("PYTHON_AGENT: the python of a venv with scalyr-agent-2; there is no test without it"))
}

fn start_python_agent(scratch: &Scratch, config: &Path) -> Process {
    let mut command = Command::new(python_agent());
    command.args(["-m", "scalyr_agent.agent_main", "--no-fork", "--no-change-user", "-c"]).arg(config).arg("start");
    command.current_dir(scratch.folder());
    Process::start(scratch, "python", command)
}

/// `rotate` happens while our agent stands before a deaf server; it stops, and the old agent is to go on.
#[track_caller]
fn goes_back(rotate: impl Fn(&Path), rotated: &[&str]) {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.path("logs")).unwrap();
    let log = scratch.path("logs/a.log");
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let entries = json!([{ "path": log }]);
    let pace = json!({ "max_new_log_detection_time": 2, "max_request_spacing_interval": 1.0 });
    let config = write_config(&scratch, &receiver.url(), entries, pace);
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("the agent runs", PATIENCE, || agent.status().is_some());
    append(&log, "1\n2\n");
    wait_until("two lines have arrived", PATIENCE, || receiver.events().len() == 2);
    wait_until("they are settled", PATIENCE, || agent.status().is_some_and(|status| status["totals"]["pending"] == 0));
    receiver.kill();
    append(&log, "3\n");
    rotate(&log);
    wait_until("the new lines were read", PATIENCE, || {
        agent.status().is_some_and(|status| status["totals"]["pending"].as_u64() > Some(0))
    });
    assert_eq!(agent.stop(PATIENCE), Some(0));
    append(&log, "while down\n");
    receiver.restart(&scratch, &[]);
    let mut python = start_python_agent(&scratch, &config);
    let before = receiver.events().len();
    let rest = before + rotated.len() + 2;
    wait_until("the rest has arrived", PATIENCE, || receiver.events().len() >= rest);
    append(&log, "later\n");
    wait_until("the last line has arrived", PATIENCE, || {
        messages(&mut receiver).last().is_some_and(|last| last == "later\n")
    });
    assert_eq!(python.stop(PATIENCE), Some(0));
    // And forth again: what the old agent has sent is not sent once more, although we have positions of our own.
    append(&log, "and back\n");
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("the very last line has arrived", PATIENCE, || {
        messages(&mut receiver).last().is_some_and(|last| last == "and back\n")
    });
    assert_eq!(agent.stop(PATIENCE), Some(0));
    let messages = messages(&mut receiver);
    let expected = [&["1\n", "2\n", "3\n"], rotated, &["while down\n", "later\n", "and back\n"]].concat();
    assert_eq!(messages, expected);
}

#[test]
#[ignore = "not done without PYTHON_AGENT, the python of a venv with scalyr-agent-2"]
fn the_real_python_agent_goes_on_at_the_exact_line() {
    goes_back(|_| {}, &[]);
}

#[test]
#[ignore = "not done without PYTHON_AGENT, the python of a venv with scalyr-agent-2"]
fn the_real_python_agent_works_off_a_rotation_that_was_not_sent_yet() {
    let rotate = |log: &Path| {
        fs::rename(log, log.with_extension("log.1")).unwrap();
        append(log, "4\n5\n");
    };
    goes_back(rotate, &["4\n", "5\n"]);
}
