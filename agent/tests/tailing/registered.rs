//! Files that monitors register, change and withdraw.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use scalyr_agent::config::Workers;
use scalyr_agent::config::plan::LogPlan;
use scalyr_agent::logs::{RegisteredLogs, Registrations, Withdrawal};
use scalyr_monitor::{Clock, LogConfig, LogFiles, Logger};
use serde_json::json;

use super::{Tailing, worker};

fn described(mut log: LogPlan, name: &str) -> LogPlan {
    log.attributes.insert("name".into(), name.into());
    log
}

/// What two monitors are given.
fn monitors(tailing: &Tailing) -> (Registrations, [Arc<RegisteredLogs>; 2]) {
    let all = Registrations::new(tailing.running().tail.clone());
    let of = |id, name: &str| all.of_monitor(id, name.to_owned(), tailing.path(""), Workers::default(), Logger::none());
    let monitors = [of(1, "docker()"), of(2, "kubernetes()")];
    (all, monitors)
}

#[test]
fn a_registered_file_may_be_withdrawn_and_come_back_and_goes_on_where_it_was() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    let entry = tailing.entry("container.log");
    for round in 0..20 {
        tailing.register(entry.clone());
        tailing.append("container.log", format!("{round} a\n"));
        assert_eq!(tailing.lines(1), [format!("{round} a\n")]);
        // Written in the moment before the withdrawal, after the last look.
        tailing.append("container.log", format!("{round} b\n"));
        tailing.withdraw("container.log");
        assert_eq!(tailing.lines(1), [format!("{round} b\n")]);
        if round % 2 == 0 {
            tailing.watches(1);
        }
    }
}

#[test]
fn a_registered_file_that_comes_later_is_copied_from_its_first_byte() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.register(tailing.entry("later.log"));
    tailing.register(tailing.entry("pods/*/[ab].log"));
    tailing.watches(2);
    // Longer than it takes to let go of paths that nobody wants.
    std::thread::sleep(Duration::from_millis(1500));
    let unmatched = tailing.running().tail.snapshot().unmatched;
    assert!(unmatched.contains_key(&tailing.entry("pods/*/[ab].log").path), "{unmatched:?}");
    tailing.append("later.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    fs::create_dir_all(tailing.path("pods/x")).unwrap();
    tailing.append("pods/x/a.log", "2\n");
    tailing.append("pods/x/c.log", "not asked for\n");
    assert_eq!(tailing.lines(1), ["2\n"]);
    tailing.append("pods/x/a.log", "3\n");
    tailing.withdraw("pods/*/[ab].log");
    assert_eq!(tailing.lines(1), ["3\n"]);
    tailing.watches(2);
    tailing.append("pods/x/a.log", "4\n");
    tailing.nothing_comes();
}

#[test]
fn a_short_lived_file_is_caught_although_its_entry_never_matched_before_it_was_withdrawn() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    for (pattern, name) in [("short.log", "short.log"), ("*.short", "b.short")] {
        tailing.register(tailing.entry(pattern));
        std::thread::sleep(Duration::from_millis(700));
        tailing.append(name, "1\n");
        tailing.withdraw(pattern);
        assert_eq!(tailing.lines(1), ["1\n"], "{pattern}");
        tailing.watches(1);
    }
}

#[test]
fn a_changed_entry_goes_on_from_where_it_was_with_its_new_settings() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    for round in 0..10 {
        tailing.register(described(tailing.entry("container.log"), &format!("round {round}")));
        tailing.append("container.log", format!("{round}\n"));
        let (line, attributes) = tailing.described_line();
        assert_eq!(line, format!("{round}\n"));
        let path = tailing.path("container.log");
        assert_eq!(attributes, json!({ "name": format!("round {round}"), "logfile": path }));
    }
    // What it leaves out from now on is read to its end.
    tailing.append("container.log", "last\n");
    let mut without = tailing.entry("container.log");
    without.exclude.push("*container*".into());
    tailing.register(without);
    assert_eq!(tailing.lines(1), ["last\n"]);
    tailing.watches(1);
    tailing.nothing_comes();
}

#[test]
fn a_file_that_is_withdrawn_at_once_stays_where_it_was_read_to_and_goes_on_there() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    let lines: Vec<String> = (0..40_000).map(|n| format!("{n:0>100}\n")).collect();
    tailing.append("big.log", lines.concat());
    tailing.register(tailing.entry("big.log"));
    // The channel is full, most of the file is unread.
    tailing.fills_the_channel();
    tailing.running().tail.withdraw(worker(), tailing.entry("big.log").path, Withdrawal::AtOnce);
    std::thread::sleep(Duration::from_millis(300));
    let mut arrived = Vec::new();
    while let Ok(batch) = tailing.running().batches.recv_timeout(Duration::from_millis(700)) {
        arrived.extend(super::messages(&batch));
        super::settle(&batch);
    }
    assert!(!arrived.is_empty() && arrived.len() < lines.len() / 2, "{}", arrived.len());
    tailing.watches(1);
    assert!(tailing.totals().reconciles());
    tailing.register(tailing.entry("big.log"));
    while arrived.len() < lines.len() {
        let batch = tailing.running().batches.recv_timeout(super::DEADLINE).unwrap();
        arrived.extend(super::messages(&batch));
        super::settle(&batch);
    }
    assert!(arrived == lines, "each line came once and in order");
}

#[test]
fn a_file_that_is_still_read_after_its_withdrawal_can_be_let_go_at_once_by_its_own_monitor() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    let (_, [docker, kubernetes]) = monitors(&tailing);
    let [one, other] = [&docker, &kubernetes].map(|logs| LogFiles::new(logs.clone()));
    let lines: Vec<String> = (0..40_000).map(|n| format!("{n:0>100}\n")).collect();
    tailing.append("big.log", lines.concat());
    one.register(LogConfig::new("big.log")).unwrap();
    tailing.fills_the_channel();
    one.withdraw("big.log").unwrap();
    // Another one's word, or one about another file, changes nothing.
    other.withdraw_now("big.log").unwrap();
    one.withdraw_now("other.log").unwrap();
    let mut arrived = tailing.lines_of_batches(12);
    tailing.fills_the_channel();
    one.withdraw_now("big.log").unwrap();
    std::thread::sleep(Duration::from_millis(300));
    while let Ok(batch) = tailing.running().batches.recv_timeout(Duration::from_millis(700)) {
        arrived.extend(super::messages(&batch));
        super::settle(&batch);
    }
    assert!(arrived.len() < lines.len(), "{}", arrived.len());
    tailing.watches(1);
    one.register(LogConfig::new("big.log")).unwrap();
    while arrived.len() < lines.len() {
        arrived.extend(tailing.lines_of_batches(1));
    }
    assert!(arrived == lines, "each line came once and in order");
}

#[test]
fn the_position_of_a_withdrawn_file_is_kept_for_a_quarter_of_an_hour_also_over_a_restart() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.register(tailing.entry("container.log"));
    tailing.append("container.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.withdraw("container.log");
    tailing.watches(1);
    // Saved with the next thing that happens.
    tailing.append("a.log", "x\n");
    assert_eq!(tailing.lines(1), ["x\n"]);
    let saved = fs::read_to_string(tailing.path("positions.1.journal")).unwrap();
    let now = Clock::system().now().as_nanos();
    let left = saved.lines().find_map(|line| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let kept = &record[1]["put"];
        let is_it = kept["path"].to_string().contains("container.log");
        Some((kept["kept_until"].as_i64().filter(|_| is_it)? - now) / 1_000_000_000)
    });
    assert!(left.is_some_and(|seconds| (840..=900).contains(&seconds)), "{saved}");
    tailing.crash();
    tailing.append("container.log", "2\n");
    tailing.start("a.log");
    tailing.register(tailing.entry("container.log"));
    assert_eq!(tailing.lines(1), ["2\n"]);
}

#[test]
fn a_withdrawn_file_that_another_entry_knows_under_its_next_name_goes_on_there() {
    let mut tailing = Tailing::new();
    tailing.start("*.old");
    tailing.append("container.log", "1\n");
    tailing.register(tailing.entry("container.log"));
    assert_eq!(tailing.lines(1), ["1\n"]);
    fs::rename(tailing.path("container.log"), tailing.path("container.old")).unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    tailing.withdraw("container.log");
    std::thread::sleep(Duration::from_millis(1500));
    tailing.append("container.old", "2\n");
    assert_eq!(tailing.lines(1), ["2\n"]);
    tailing.nothing_comes();
}

#[test]
fn what_the_configuration_asks_for_a_monitor_can_neither_change_nor_withdraw() {
    let mut tailing = Tailing::new();
    tailing.start("*.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.register(described(tailing.entry("a.log"), "of the monitor"));
    tailing.append("a.log", "2\n");
    assert_eq!(tailing.described_line(), ("2\n".to_owned(), json!({ "logfile": tailing.path("a.log") })));
    tailing.withdraw("a.log");
    std::thread::sleep(Duration::from_millis(1500));
    tailing.append("a.log", "3\n");
    assert_eq!(tailing.lines(1), ["3\n"]);
}

#[test]
fn a_file_that_the_configuration_lets_go_goes_on_as_the_monitor_says() {
    let mut tailing = Tailing::new();
    tailing.start("*.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.register(described(tailing.entry("a.log"), "of the monitor"));
    tailing.follow(vec![]);
    std::thread::sleep(Duration::from_millis(1500));
    tailing.append("a.log", "2\n");
    let (line, attributes) = tailing.described_line();
    assert_eq!((line.as_str(), &attributes["name"]), ("2\n", &json!("of the monitor")));
}

#[test]
fn an_entry_that_is_taken_away_and_comes_back_changed_goes_on_where_it_was() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    tailing.append("a.log", "1\n");
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.follow(vec![]);
    tailing.follow(vec![described(tailing.entry("a.log"), "changed")]);
    std::thread::sleep(Duration::from_millis(1500));
    tailing.append("a.log", "2\n");
    let (line, attributes) = tailing.described_line();
    assert_eq!((line.as_str(), &attributes["name"]), ("2\n", &json!("changed")));
}

#[test]
fn only_the_monitor_that_registered_a_path_may_change_it() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    let (_, [docker, kubernetes]) = monitors(&tailing);
    let [one, other] = [&docker, &kubernetes].map(|logs| LogFiles::new(logs.clone()));
    let log = LogConfig::new("container.log").parser("");
    tailing.append("container.log", "1\n");
    one.register(log.clone()).unwrap();
    one.register(log.clone()).unwrap();
    assert_eq!(tailing.lines(1), ["1\n"]);

    let path = tailing.path("container.log");
    let foreign =
        format!("the log file {} was registered by monitor docker(); only that one may change it", path.display());
    assert_eq!(other.register(log.clone()).unwrap_err().to_string(), foreign);
    assert_eq!(other.update(log.clone()).unwrap_err().to_string(), foreign);
    assert_eq!(other.withdraw(&path).unwrap_err().to_string(), foreign);
    assert_eq!(other.withdraw_now("container.log").unwrap_err().to_string(), foreign);
    assert_eq!((one.registered(), other.registered()), (vec![path.clone()], Vec::<PathBuf>::new()));

    let unknown = one.update(LogConfig::new("b.log")).unwrap_err().to_string();
    assert!(unknown.ends_with("/b.log is not registered; register it first"), "{unknown}");
    one.withdraw("b.log").unwrap();

    one.update(log.clone().attribute("n", 2)).unwrap();
    tailing.append("container.log", "2\n");
    assert_eq!(tailing.described_line(), ("2\n".to_owned(), json!({ "n": 2, "logfile": path })));

    // Once it is withdrawn the path is free, and the next one goes on where the first one was.
    one.withdraw("container.log").unwrap();
    other.register(log).unwrap();
    tailing.is_heard();
    tailing.append("container.log", "3\n");
    assert_eq!(tailing.described_line(), ("3\n".to_owned(), json!({ "logfile": path })));
}

#[test]
fn what_a_monitor_must_not_register_is_refused_by_name_and_not_copied() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    let (_, [docker, _]) = monitors(&tailing);
    let logs = LogFiles::new(docker);
    tailing.append("secret.log", "password\n");
    let rules = json!([{ "match_expression": "password", "replacement": "\\2" }]);
    let log = LogConfig::new("secret.log").option("redaction_rules", rules);
    assert_eq!(
        logs.register(log.clone()).unwrap_err().to_string(),
        "the log file secret.log is not copied: log_config.redaction_rules[0].replacement: `\\2` is not a \
         group: the expression has no groups"
    );
    let both = logs.register(log.attribute("labels", json!({}))).unwrap_err().to_string();
    assert!(both.contains("redaction_rules") && both.contains("labels") && !both.contains('\n'), "{both}");
    assert!(logs.registered().is_empty());
    tailing.nothing_comes();
}

#[test]
fn what_a_stopped_monitor_had_registered_is_let_go_once_it_is_read_and_nothing_more_is_taken_of_it() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    let (all, [docker, kubernetes]) = monitors(&tailing);
    let log = |name: &str| LogConfig::new(name.to_owned());
    for (logs, names) in [(&docker, ["1.log", "2.log"]), (&kubernetes, ["3.log", "4.log"])] {
        let logs = LogFiles::new(logs.clone());
        names.iter().for_each(|name| logs.register(log(name)).unwrap());
    }
    tailing.watches(5);
    tailing.append("1.log", "1\n");
    docker.end();
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.watches(3);
    let late = LogFiles::new(docker).register(log("5.log")).unwrap_err().to_string();
    assert_eq!(late, "the monitor was stopped; its log files are not copied any more");

    // When the whole agent stops everything stays as it is, so that the next start finds it so.
    all.freeze();
    kubernetes.end();
    std::thread::sleep(Duration::from_millis(700));
    tailing.watches(3);
}

#[test]
fn a_withdrawn_file_is_read_to_its_end_and_let_go() {
    let mut tailing = Tailing::new();
    tailing.start("a.log");
    let mut entry = tailing.entry("container.log");
    entry.origin = "monitor docker_monitor()".into();
    tailing.append("container.log", "1\n");
    tailing.register(entry);
    assert_eq!(tailing.lines(1), ["1\n"]);
    tailing.append("container.log", "2\n");
    tailing.withdraw("container.log");
    assert_eq!(tailing.lines(1), ["2\n"]);
    tailing.watches(1);
    tailing.append("container.log", "3\n");
    tailing.nothing_comes();
}
