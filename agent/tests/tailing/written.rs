//! Log files that monitors write themselves, as entries of the configuration say.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use scalyr_agent::config::Workers;
use scalyr_agent::config::own_files::OwnFiles;
use scalyr_agent::config::plan::Rotation;
use scalyr_agent::logs::Registrations;
use scalyr_agent::own_logs::metric_log::MetricLogs;
use scalyr_agent::own_logs::monitor_files::MonitorFiles;
use scalyr_monitor::{Clock, LogConfig, LogFiles, LogRotation, LogWriter, Logger, WhenFull};
use serde_json::{Map, json};

use super::Tailing;

/// What two monitors are given, where `pattern` is the only entry of `logs`.
fn monitors(tailing: &Tailing, pattern: &str) -> [LogFiles; 2] {
    let running = tailing.running();
    let (all, ledger) = (Registrations::new(running.tail.clone()), Arc::new(running.ledger.clone()));
    let mut entry = tailing.entry(pattern);
    entry.attributes.insert("of".into(), "the entry".into());
    all.follow_entries(&[entry]);
    let logs = Arc::new(MetricLogs::guarded(Logger::none(), ledger as _));
    [(1, "syslog(a)"), (2, "syslog(b)")].map(|(id, name)| {
        let registered = all.of_monitor(id, name.to_owned(), tailing.path(""), Workers::default(), Logger::none());
        LogFiles::new(Arc::new(MonitorFiles {
            registered,
            logs: Arc::clone(&logs),
            copies: Arc::clone(&running.checkpoint) as _,
            monitor: name.to_owned(),
            log_path: tailing.path(""),
            rotation: Rotation { max_bytes: 1000, backups: 2 },
            own_files: OwnFiles::new(&tailing.path(""), &tailing.path("data")),
        }))
    })
}

fn open_listed(files: &LogFiles, name: &str) -> LogWriter {
    let first = Map::from_iter([("host".to_owned(), json!("web"))]);
    files.open_listed(LogConfig::new(name).parser(""), first, LogRotation::default()).unwrap().unwrap()
}

fn write(log: &mut LogWriter, line: &str) {
    let appended = log.append(line.as_bytes(), WhenFull::Leave);
    assert_eq!(appended.written, line.len(), "{:?}", appended.obstacle);
}

/// Waits until the file is removed.
fn removes(files: &LogFiles, name: &str) {
    let deadline = Clock::system().monotonic() + super::DEADLINE;
    while !files.remove(name).unwrap() {
        assert!(Clock::system().monotonic() < deadline, "{name} is never settled");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn a_file_of_a_monitor_is_copied_as_its_entry_says_and_removed_whatever_its_name_holds() {
    let mut tailing = Tailing::new();
    tailing.start("hosts-*");
    let [files, _] = monitors(&tailing, "hosts-*");
    for name in ["hosts-web.log", "hosts-10.0.0.1", "hosts-[x]*?.log"] {
        let mut log = open_listed(&files, name);
        let expected = format!("of {name}\n");
        write(&mut log, &expected);
        let (line, attributes) = tailing.described_line();
        assert_eq!(line, expected);
        let expected = json!({ "host": "web", "of": "the entry", "logfile": tailing.path(name) });
        assert_eq!(attributes, expected, "{name}");
        drop(log);
        removes(&files, name);
        assert!(!tailing.path(name).exists());
        assert_eq!(files.registered(), Vec::<PathBuf>::new(), "{name} is let go");
    }
}

#[test]
fn a_file_whose_name_ends_in_a_number_can_be_removed_where_an_entry_names_it() {
    let mut tailing = Tailing::new();
    tailing.start("hosts-10.0.0.1");
    let [files, _] = monitors(&tailing, "hosts-10.0.0.1");
    write(&mut open_listed(&files, "hosts-10.0.0.1"), "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    fs::write(tailing.path("hosts-10.0.0.1.1"), "").unwrap();
    removes(&files, "hosts-10.0.0.1.1");
    removes(&files, "hosts-10.0.0.1");
    let foreign = files.remove("hosts-10.0.0.2").unwrap_err().to_string();
    assert!(foreign.contains("no entry of `logs` matches it"), "{foreign}");
}

#[test]
fn a_file_is_withdrawn_by_the_name_that_it_was_opened_by() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    let [files, other] = monitors(&tailing, "a.log");
    for name in ["b.log", "x/../b.log", "b[1].log"] {
        let mut log = files.open(LogConfig::new(name).parser(""), LogRotation::default()).unwrap();
        // Another one each time, as the next file may have the inode of the one before.
        write(&mut log, &format!("of {name}\n"));
        assert_eq!(tailing.lines(1), [format!("of {name}\n")]);
        drop(other.open(LogConfig::new(name).parser(""), LogRotation::default()).unwrap());
        for files in [&files, &other] {
            files.withdraw(name).unwrap();
            assert_eq!(files.registered(), Vec::<PathBuf>::new(), "{name}");
        }
        tailing.watches(1);
        fs::remove_file(log_path(&tailing, name)).unwrap();
    }
}

fn log_path(tailing: &Tailing, name: &str) -> PathBuf {
    tailing.path(name.trim_start_matches("x/../"))
}

#[test]
fn what_was_not_uploaded_before_a_restart_is_not_removed_before_it_is_opened_again() {
    let mut tailing = Tailing::new();
    tailing.start("hosts-*");
    let [files, _] = monitors(&tailing, "hosts-*");
    write(&mut open_listed(&files, "hosts-a.log"), "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.crash();
    tailing.append("hosts-a.log", "2\n");
    // The stage has not come to it yet.
    tailing.start("other.log");
    let [files, _] = monitors(&tailing, "hosts-*");
    assert!(!files.remove("hosts-a.log").unwrap());
    assert!(tailing.path("hosts-a.log").exists());
    tailing.follow(vec![tailing.entry("hosts-*")]);
    assert_eq!(tailing.lines(1), ["2\n"]);
    removes(&files, "hosts-a.log");
}

#[test]
fn a_file_that_cannot_be_opened_is_not_registered_either() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    let [files, _] = monitors(&tailing, "no-folder/*");
    tailing.append("no-folder", "");
    for listed in [true, false] {
        let log = LogConfig::new("no-folder/b.log");
        let refused = match listed {
            true => files.open_listed(log, Map::new(), LogRotation::default()).map(drop),
            false => files.open(log, LogRotation::default()).map(drop),
        };
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("no-folder/b.log: Not a directory"), "{refused}");
        assert_eq!(files.registered(), Vec::<PathBuf>::new());
    }
    tailing.watches(1);
}

#[test]
fn the_agents_own_files_are_neither_written_nor_removed() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    let [files, _] = monitors(&tailing, "*.log");
    let path = tailing.path("agent.log").display().to_string();
    let opened = files.open(LogConfig::new("x/../agent.log"), LogRotation::default()).map(drop);
    assert_eq!(
        opened.unwrap_err().to_string(),
        format!("the log file would be {path}, which is the agent's own log; choose another one")
    );
    let removed = files.remove("agent.log").unwrap_err().to_string();
    assert_eq!(removed, format!("not removed: {path}, which is the agent's own log"));
}
