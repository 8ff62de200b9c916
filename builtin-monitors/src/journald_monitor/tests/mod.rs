//! The monitor as a whole, with journals that the real systemd-journal-remote wrote, and its parser.

mod export;
mod journal;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use expect_test::expect;
use scalyr_monitor::testing::{Harness, Running, json};

use self::journal::{Journals, Made};
use super::JournaldMonitor;
use super::checkpoints::{DEFAULT_NAME, FILE_NAME};

const PATIENCE: Duration = Duration::from_secs(60);
/// The file of the unit `cron`, of the instance `jid`.
const CRON_OF_JID: &str = "journald_f21e56d9fd.log";
/// The one of its other entries.
const REST_OF_JID: &str = "journald_5526df66cd.log";
const MAIN: &str = "journald_monitor.log";

/// A harness with a journal in `journals`, and a data path.
fn harness(journals: &Journals, options: serde_json::Value) -> Harness<JournaldMonitor> {
    let mut entry = json!({ "journal_path": journals.path(), "journal_poll_interval": 0.1 });
    entry.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    Harness::from_config(entry).with_data_path(journals.data_path()).with_patience(PATIENCE)
}

/// The messages in a log file.
fn messages(text: &str) -> Vec<String> {
    let message = |line: &str| {
        let (_, details) = line.split_once(" [journald_monitor()] details ").expect("a line of the journal");
        let mut values = serde_json::Deserializer::from_str(details).into_iter::<String>();
        values.next().unwrap().unwrap()
    };
    text.lines().map(message).collect()
}

/// Waits until so many lines are in a log file.
fn wait_for_lines(running: &Running, path: &str, count: usize) -> String {
    running.wait_for_log_text(path, |text| text.lines().count() >= count)
}

#[test]
fn an_entry_becomes_a_line_like_those_of_the_python_agent() {
    let journals = Journals::new();
    journals.add([Made::new(1, "before the start")]);
    let mut monitor = harness(
        &journals,
        json!({ "id": "jid", "journald_logs": [{ "journald_unit": "cron", "emit_raw_details": true }] }),
    );
    let (mut main, mut cron) = (String::new(), String::new());
    monitor.running(|running| {
        running.wait_for_diagnostic("begins at its end");
        journals.add([
            Made::new(2, "Accepted \"publickey\" for root\nünd more").unit("ssh.service"),
            Made::new(3, "cron job\nof two lines").unit("cron.service"),
            Made::bytes(4, b"binary \xff\x00 message").unit("ssh.service"),
        ]);
        main = wait_for_lines(running, REST_OF_JID, 2);
        let logs = running.taken();
        assert!(logs.error().is_none());
        cron = wait_for_lines(running, CRON_OF_JID, 1);
    });
    expect![[r#"
        2026-01-01 00:00:00.000Z [journald_monitor()] details "Accepted \"publickey\" for root\nünd more" boot_id="11111111-2222-4333-8444-555555555555" machine_id="aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee" monitor_id="jid" pid="102" priority="6" timestamp="2026-11-22 13:31:20.001993+00:00" unit="ssh.service"
        2026-01-01 00:00:00.000Z [journald_monitor()] details "binary �\u0000 message" boot_id="11111111-2222-4333-8444-555555555555" machine_id="aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee" monitor_id="jid" pid="104" priority="6" timestamp="2026-11-22 13:31:20.003993+00:00" unit="ssh.service"
    "#]].assert_eq(&main);
    expect![[r#"
        2026-01-01 00:00:00.000Z [journald_monitor()] details cron job\nof two lines boot_id="11111111-2222-4333-8444-555555555555" machine_id="aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee" monitor_id="jid" pid="103" priority="6" timestamp="2026-11-22 13:31:20.002993+00:00" unit="cron.service"
    "#]].assert_eq(&cron);
    let logs = monitor.registered_logs();
    assert_eq!(logs.len(), 2);
    assert!(logs.iter().all(|log| log.parser == "journald"), "{logs:?}");
    assert_eq!(monitor.context().log_config.parser, "journald");
}

#[test]
fn nothing_is_skipped_or_repeated_over_a_stop() {
    let journals = Journals::new();
    journals.add([Made::new(0, "old")]);
    let mut first = harness(&journals, json!({}));
    let begun = first.running(|running| {
        running.wait_for_diagnostic("begins at its end");
        journals.add((1..=20).map(|number| Made::new(number, &format!("line {number}"))));
        wait_for_lines(running, MAIN, 20)
    });
    journals.add((21..=30).map(|number| Made::new(number, &format!("line {number}"))));
    let mut second = harness(&journals, json!({}));
    let rest = second.running(|running| {
        running.wait_for_diagnostic("goes on behind");
        wait_for_lines(running, MAIN, 10)
    });
    let all = messages(&begun).into_iter().chain(messages(&rest));
    let expected: Vec<String> = (1..=30).map(|number| format!("line {number}")).collect();
    assert_eq!(all.collect::<Vec<_>>(), expected);
}

#[test]
fn no_entry_is_skipped_when_the_one_that_was_read_last_was_removed() {
    let journals = Journals::new();
    journals.add([Made::new(0, "old")]);
    harness(&journals, json!({})).running(|running| running.wait_for_diagnostic("begins at its end"));
    fs::remove_dir_all(journals.path()).unwrap();
    fs::create_dir(journals.path()).unwrap();
    journals.add([Made::new(1, "first"), Made::new(2, "second")]);
    let text = harness(&journals, json!({})).running(|running| wait_for_lines(running, MAIN, 2));
    assert_eq!(messages(&text), ["first", "second"]);
}

#[test]
fn a_journal_that_is_empty_at_the_first_start_is_read_from_its_first_entry_also_after_a_stop() {
    let journals = Journals::new();
    journals.add([Made::new(0, "of another kind").field("KIND", "b")]);
    let options = json!({ "journal_matches": ["KIND=a"] });
    harness(&journals, options.clone()).running(|running| running.wait_for_diagnostic("there is none yet"));
    journals.add([Made::new(1, "first").field("KIND", "a"), Made::new(2, "other").field("KIND", "b")]);
    let text = harness(&journals, options).running(|running| wait_for_lines(running, MAIN, 1));
    assert_eq!(messages(&text), ["first"]);
}

#[test]
fn an_old_cursor_counts_unless_the_user_gives_a_threshold() {
    let journals = Journals::new();
    journals.add([Made::new(0, "old")]);
    harness(&journals, json!({})).running(|running| running.wait_for_diagnostic("begins at its end"));
    journals.add([Made::new(1, "missed")]);
    let skipping = harness(&journals, json!({ "staleness_threshold_secs": 5 }));
    // The entries are of the year 2026, and so is the clock of a test, from its first moment on.
    skipping.clock().advance(Duration::from_secs(400 * 86_400));
    let mut skipping = skipping;
    skipping.running(|running| {
        running.wait_for_diagnostic("more than staleness_threshold_secs (5 s)");
        running.wait_for_diagnostic("begins at its end");
        journals.add([Made::new(2, "new")]);
        assert_eq!(messages(&wait_for_lines(running, MAIN, 1)), ["new"]);
    });
}

#[test]
fn a_cursor_that_journalctl_does_not_take_is_told_of_and_reading_goes_on_at_the_end() {
    let journals = Journals::new();
    journals.add([Made::new(0, "old")]);
    fs::write(journals.data_path().join(FILE_NAME), json!({ DEFAULT_NAME: "q=1" }).to_string()).unwrap();
    harness(&journals, json!({})).running(|running| {
        running.wait_for_diagnostic("takes no cursor like the one that was kept");
        running.wait_until(|_| {
            running.clock().advance(Duration::from_secs(1));
            running.taken().diagnostics().iter().any(|told| told.message.contains("begins at its end"))
        });
        journals.add([Made::new(1, "new")]);
        assert_eq!(messages(&wait_for_lines(running, MAIN, 1)), ["new"]);
    });
}

#[test]
fn a_journal_that_comes_later_is_read_and_its_absence_is_told_with_what_to_do() {
    let journals = Journals::new();
    harness(&journals, json!({})).running(|running| {
        let told = running.wait_for_diagnostic("There is no journal in");
        assert!(told.contains("`journal_path` of this monitor names another folder"), "{told}");
        journals.add([Made::new(0, "first")]);
        running.wait_until(|_| {
            running.clock().advance(Duration::from_secs(1));
            running.log_text(MAIN).lines().count() == 1
        });
    });
}

#[test]
fn a_program_that_is_missing_is_told_of_with_what_to_do() {
    let journals = Journals::new();
    journals.add([Made::new(0, "old")]);
    harness(&journals, json!({ "journalctl_path": "/no/journalctl" })).running(|running| {
        let told = running.wait_for_diagnostic("/no/journalctl cannot be started");
        assert!(told.contains("it belongs to the package systemd"), "{told}");
    });
}

/// A program in the place of journalctl.
fn program(folder: &Path, script: &str) -> String {
    let path = folder.join("journalctl");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn what_journalctl_complains_of_is_told_with_what_to_do_and_once() {
    let journals = Journals::new();
    journals.add([Made::new(0, "old")]);
    let script = "echo 'No journal files were opened due to insufficient permissions.' >&2; exit 1";
    let path = program(journals.data_path().as_path(), script);
    harness(&journals, json!({ "journalctl_path": path })).running(|running| {
        let told = running.wait_for_diagnostic("insufficient permissions");
        assert!(told.contains("usermod -aG systemd-journal"), "{told}");
        running.wait_until(|_| {
            running.clock().advance(Duration::from_secs(1));
            running.clock().now().as_secs() > 1_767_225_600 + 100
        });
        let taken = running.taken();
        let times = taken.diagnostics().iter().filter(|told| told.message.contains("insufficient permissions")).count();
        assert_eq!(times, 1);
    });
}

#[test]
fn a_journalctl_that_ends_in_the_middle_of_an_entry_is_started_again_where_it_stood() {
    let journals = Journals::new();
    journals.add([Made::new(0, "old")]);
    // It ends within the second entry behind the one that it begins with.
    let script = "case \"$*\" in *--lines=1*) exec journalctl \"$@\";; esac\n\
                  timeout 1 journalctl \"$@\" | { head -c 1000; sleep 0.2; }";
    let path = program(journals.data_path().as_path(), script);
    let mut monitor = harness(&journals, json!({ "journalctl_path": path }));
    monitor.running(|running| {
        running.wait_for_diagnostic("begins at its end");
        journals.add((1..=3).map(|number| Made::new(number, &format!("line {number}"))));
        running.wait_until(|_| {
            running.clock().advance(Duration::from_secs(1));
            running.log_text(MAIN).lines().count() >= 3
        });
        assert_eq!(messages(&running.log_text(MAIN)), ["line 1", "line 2", "line 3"]);
    });
    let told = monitor.diagnostics();
    assert!(told.iter().any(|told| told.message.contains("is started again")), "{told:?}");
}

#[test]
fn lines_that_find_a_full_disk_are_written_later_and_none_is_lost() {
    let journals = Journals::new();
    journals.add([Made::new(0, "old")]);
    harness(&journals, json!({})).running(|running| {
        running.wait_for_diagnostic("begins at its end");
        let place = || fs::read_to_string(journals.data_path().join(FILE_NAME)).unwrap();
        let before = place();
        running.fill_disk(true);
        journals.add([Made::new(1, "one"), Made::new(2, "two")]);
        running.wait_for_diagnostic("What was read is kept");
        assert_eq!((running.log_text(MAIN), place()), (String::new(), before), "what is not written is not settled");
        running.fill_disk(false);
        assert_eq!(messages(&wait_for_lines(running, MAIN, 2)), ["one", "two"]);
    });
}

#[test]
fn an_entry_that_the_agent_refused_is_written_nowhere_and_that_is_told() {
    let journals = Journals::new();
    journals.add([Made::new(0, "old")]);
    let logs = json!([{ "journald_unit": "secret", "withheld": true }]);
    harness(&journals, json!({ "journald_logs": logs })).running(|running| {
        running.wait_for_diagnostic("begins at its end");
        journals.add([Made::new(1, "hidden").unit("secret.service"), Made::new(2, "seen")]);
        assert_eq!(messages(&wait_for_lines(running, MAIN, 1)), ["seen"]);
        running.clock().advance(Duration::from_secs(1));
        running.wait_for_diagnostic("1 entries of the journal were left out");
    });
}

#[test]
fn options_that_cannot_be_are_refused_with_what_is_allowed() {
    let problems = |options: serde_json::Value| {
        let harness = Harness::<JournaldMonitor>::from_config(options);
        harness.problems().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    expect![[r#"
        journal_path: must be an absolute path, or "" for all journals of this host
        journal_matches: "PRIORITY" is no FIELD=value, as _SYSTEMD_UNIT=ssh.service is one"#]]
    .assert_eq(&problems(json!({ "journal_path": "journal", "journal_matches": ["PRIORITY", "unit=a"] })));
    expect![[r#"journal_fields.MESSAGE: "a b" cannot be a name in a line; it must not be empty and holds no blanks, quotes or `=`"#]].assert_eq(&problems(json!({ "journal_fields": { "MESSAGE": "a b" } })));
    expect![[
        r#"journald_logs[0].journald_unit: "(" is not a regular expression: the `(` at character 1 is never closed"#
    ]]
    .assert_eq(&problems(json!({ "journald_logs": [{ "journald_unit": "(" }] })));
    assert_eq!(problems(json!({ "journal_path": "", "journal_matches": ["PRIORITY=3", "PRIORITY=4"] })), "");
}
