//! "My lines are in the journal of systemd. Do they all arrive, each once, and where I said?" Told with journals that
//! the real systemd-journal-remote writes, and the real journalctl.

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod story;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::ops::Range;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use story::{AgentProcess, ReceiverProcess, Scratch, end_well, wait_until, write_config};

const PATIENCE: Duration = Duration::from_secs(90);

/// It comes with the package systemd-journal-remote.
const WRITER: &str = "/lib/systemd/systemd-journal-remote";

/// The moment of the entry with number 0, microseconds since 1970.
const EPOCH: u64 = 1_795_354_280_000_000;

/// A journal in the story's folder, and numbered entries in it: those of even numbers are of `ssh.service`.
struct Journal<'s>(&'s Scratch);

impl Journal<'_> {
    fn folder(&self) -> PathBuf {
        self.0.path("journal")
    }

    fn add(&self, numbers: Range<u64>) {
        let mut text = String::new();
        for number in numbers {
            let (time, unit) = (EPOCH + number, if number.is_multiple_of(2) { "ssh.service" } else { "app.service" });
            text.push_str(&format!(
                "__REALTIME_TIMESTAMP={time}\n__MONOTONIC_TIMESTAMP={}\n_BOOT_ID=11111111222243338444555555555555\n\
                 _MACHINE_ID=aaaaaaaabbbb4ccc8dddeeeeeeeeeeee\n_SYSTEMD_UNIT={unit}\nPRIORITY=6\nMESSAGE=entry {number}\n\n",
                number + 1,
            ));
        }
        fs::create_dir_all(self.folder()).unwrap();
        let mut command = Command::new(WRITER);
        command.arg(format!("--output={}", self.folder().join("story.journal").display())).arg("-");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| {
            panic!("{WRITER} cannot be started: {error}; apt-get install systemd-journal-remote")
        });
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }

    /// Whether a journalctl reads it.
    fn is_read(&self) -> bool {
        let folder = format!("--directory={}", self.folder().display());
        let processes = fs::read_dir("/proc").unwrap().flatten();
        processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok()).any(|arguments| {
            let arguments = String::from_utf8_lossy(&arguments);
            arguments.contains("--follow") && arguments.split('\0').any(|argument| argument == folder)
        })
    }
}

/// An agent that copies the journal; `monitor` are more options of its monitor.
fn config(scratch: &Scratch, receiver: &ReceiverProcess, monitor: Value, journald_logs: Value) -> PathBuf {
    let folder = Journal(scratch).folder();
    let mut entry = json!({ "module": "journald_monitor", "journal_path": folder, "journal_poll_interval": 0.2 });
    entry.as_object_mut().unwrap().extend(monitor.as_object().unwrap().clone());
    write_config(
        scratch,
        &receiver.url(),
        json!([]),
        json!({ "monitors": [entry], "journald_logs": journald_logs, "config_change_check_interval": 0.2 }),
    )
}

/// How often each entry has arrived, and in which files.
fn arrived(receiver: &mut ReceiverProcess) -> BTreeMap<u64, Vec<String>> {
    let mut arrived: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for event in receiver.events() {
        let text = event.text();
        let (_, number) = text.split_once("[journald_monitor()] details \"entry ").expect("a line of the journal");
        let (number, _) = number.split_once('"').unwrap();
        let file = event.logfile.rsplit('/').next().unwrap_or_default().to_owned();
        arrived.entry(number.parse().unwrap()).or_default().push(file);
    }
    arrived
}

#[track_caller]
fn wait_for_entries(receiver: &mut ReceiverProcess, numbers: Range<u64>) {
    let what = format!("the entries {numbers:?} have arrived");
    wait_until(&what, PATIENCE, || {
        let arrived = arrived(receiver);
        numbers.clone().all(|number| arrived.contains_key(&number))
    });
}

#[track_caller]
fn assert_each_once(receiver: &mut ReceiverProcess, numbers: Range<u64>) {
    let arrived = arrived(receiver);
    assert_eq!(arrived.keys().copied().collect::<Vec<_>>(), numbers.collect::<Vec<_>>());
    let repeated: Vec<_> = arrived.iter().filter(|(_, files)| files.len() > 1).collect();
    assert!(repeated.is_empty(), "{repeated:?}");
}

/// Waits until the agent has found its place in the journal.
#[track_caller]
fn wait_for_begin(scratch: &Scratch, words: &str) {
    wait_until(words, PATIENCE, || {
        fs::read_to_string(scratch.path("log/agent.log")).is_ok_and(|log| log.contains(words))
    });
}

#[test]
fn entries_made_while_no_agent_ran_arrive_once_and_in_the_files_that_journald_logs_say() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let journal = Journal(&scratch);
    journal.add(0..10);
    let logs = json!([{ "journald_unit": "ssh\\.", "parser": "sshParser", "attributes": { "tier": "login" } }]);
    let config = config(&scratch, &receiver, json!({}), logs);
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_for_begin(&scratch, "begins at its end");
    journal.add(10..60);
    wait_for_entries(&mut receiver, 10..60);
    end_well(&mut agent, PATIENCE);
    assert!(!journal.is_read(), "journalctl ends with the agent");

    journal.add(60..120);
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_for_entries(&mut receiver, 60..120);
    journal.add(120..130);
    wait_for_entries(&mut receiver, 120..130);
    end_well(&mut agent, PATIENCE);
    // Those from before the first start stay where they are.
    assert_each_once(&mut receiver, 10..130);
    let mut files: BTreeMap<bool, Vec<String>> = BTreeMap::new();
    for (number, file) in arrived(&mut receiver) {
        files.entry(number.is_multiple_of(2)).or_default().extend(file);
    }
    files.values_mut().for_each(Vec::dedup);
    assert_eq!(files[&false], ["journald_monitor.log"]);
    let [ssh] = files[&true].as_slice() else { panic!("{files:?}") };
    assert!(ssh.starts_with("journald_") && ssh.len() == "journald_0123456789.log".len(), "{ssh}");
    // The receiver wrote down what belongs to a file beside each event.
    let received = fs::read_to_string(scratch.path("receiver-1.jsonl")).unwrap();
    for line in received.lines() {
        let of_ssh = line.contains("ssh.service");
        assert_eq!((line.contains("sshParser"), line.contains("login")), (of_ssh, of_ssh), "{line}");
        assert_eq!(line.contains("\"parser\":\"journald\""), !of_ssh, "{line}");
    }
}

#[test]
fn an_agent_that_is_killed_repeats_no_more_than_it_has_read_since_it_saved_its_place() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let journal = Journal(&scratch);
    journal.add(0..1);
    let rare = config(&scratch, &receiver, json!({ "journal_poll_interval": 3600 }), json!([]));
    let mut agent = AgentProcess::start(&scratch, &rare);
    wait_for_begin(&scratch, "begins at its end");
    journal.add(1..40);
    wait_for_entries(&mut receiver, 1..40);
    // A clean stop saves the place.
    end_well(&mut agent, PATIENCE);
    let mut agent = AgentProcess::start(&scratch, &rare);
    wait_for_begin(&scratch, "goes on behind");
    journal.add(40..80);
    wait_for_entries(&mut receiver, 40..80);
    wait_until("they are acknowledged", PATIENCE, || {
        agent.status().is_some_and(|status| status["totals"]["pending"] == 0)
    });
    agent.kill();
    wait_until("the journalctl of the killed agent is gone", PATIENCE, || !journal.is_read());
    journal.add(80..100);
    let mut agent = AgentProcess::start(&scratch, &rare);
    wait_for_entries(&mut receiver, 80..100);
    end_well(&mut agent, PATIENCE);
    for (number, files) in arrived(&mut receiver) {
        let expected = if (40..80).contains(&number) { 2 } else { 1 };
        assert_eq!(files.len(), expected, "entry {number}");
    }

    // Killed at any time, it skips nothing.
    let often = config(&scratch, &receiver, json!({}), json!([]));
    let mut agent = AgentProcess::start(&scratch, &often);
    for round in 0..6_u64 {
        let begin = 100 + round * 50;
        journal.add(begin..begin + 50);
        wait_until("some of them have arrived", PATIENCE, || {
            arrived(&mut receiver).keys().any(|number| *number >= begin + round * 8)
        });
        agent.kill();
        agent = AgentProcess::start(&scratch, &often);
    }
    wait_for_entries(&mut receiver, 1..400);
    end_well(&mut agent, PATIENCE);
}

#[test]
fn entries_of_journald_logs_may_change_while_the_agent_runs_and_nothing_is_lost() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let journal = Journal(&scratch);
    journal.add(0..1);
    let ssh = json!([{ "journald_unit": "ssh" }]);
    let config_file = config(&scratch, &receiver, json!({}), json!([]));
    let mut agent = AgentProcess::start(&scratch, &config_file);
    wait_for_begin(&scratch, "begins at its end");
    journal.add(1..50);
    for (round, logs) in [ssh.clone(), json!([]), ssh].into_iter().enumerate() {
        let begin = 50 + round as u64 * 50;
        config(&scratch, &receiver, json!({}), logs);
        journal.add(begin..begin + 50);
        let words = "goes on behind";
        wait_until("the monitor was started anew", PATIENCE, || {
            let log = fs::read_to_string(scratch.path("log/agent.log")).unwrap();
            log.matches(words).count() > round
        });
    }
    wait_for_entries(&mut receiver, 1..200);
    end_well(&mut agent, PATIENCE);
    assert_each_once(&mut receiver, 1..200);
}

#[test]
fn two_monitors_read_one_journal_each_with_its_place_and_its_files() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let journal = Journal(&scratch);
    journal.add(0..2);
    let monitor = |id: &str| {
        let unit = format!("_SYSTEMD_UNIT={id}.service");
        json!({ "module": "journald_monitor", "id": id, "journal_path": journal.folder(), "journal_matches": [unit] })
    };
    let extra = json!({ "monitors": [monitor("ssh"), monitor("app")], "journald_logs": [{ "journald_unit": "ssh" }] });
    let config = write_config(&scratch, &receiver.url(), json!([]), extra);
    let mut agent = AgentProcess::start(&scratch, &config);
    let places = || -> Value {
        let text = fs::read_to_string(scratch.path("data/journald-checkpoints.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    };
    wait_until("both have found their places", PATIENCE, || {
        let places = places();
        places["ssh"].is_string() && places["app"].is_string()
    });
    journal.add(2..50);
    wait_for_entries(&mut receiver, 2..50);
    end_well(&mut agent, PATIENCE);
    journal.add(50..60);
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_for_entries(&mut receiver, 2..60);
    end_well(&mut agent, PATIENCE);
    assert_each_once(&mut receiver, 2..60);
    assert_ne!(places()["ssh"], places()["app"]);
}

#[test]
fn a_journal_that_is_larger_than_its_log_files_waits_until_the_server_answers() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let journal = Journal(&scratch);
    journal.add(0..1);
    let small = json!({ "max_log_size": 16_384, "max_log_rotations": 1 });
    let config = config(&scratch, &receiver, small, json!([]));
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_for_begin(&scratch, "begins at its end");
    receiver.kill();
    // About half a megabyte of lines.
    journal.add(1..2_000);
    wait_for_begin(&scratch, "Reading the journal waits: the log file");
    let size = |name: &str| fs::metadata(scratch.path(name)).map_or(0, |found| found.len());
    assert!(size("log/journald_monitor.log") + size("log/journald_monitor.log.1") < 40_000, "the disk is bounded");
    receiver.restart(&scratch, &[]);
    wait_for_entries(&mut receiver, 1..2_000);
    end_well(&mut agent, PATIENCE);
    assert_each_once(&mut receiver, 1..2_000);
}
