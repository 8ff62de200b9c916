use scalyr_monitor::testing::{Harness, json};

use super::*;

fn harness(entry: serde_json::Value) -> Harness<ShellMonitor> {
    Harness::from_config(entry)
}

/// The line of `output` that a command leads to.
#[track_caller]
fn line(entry: serde_json::Value) -> String {
    let taken = harness(entry).sample();
    assert_eq!(taken.error(), None);
    taken.lines()[0].to_owned()
}

#[test]
fn the_captured_lines_of_the_python_agent_come_again() {
    for (entry, expected) in [
        (
            json!({ "command": "echo 6.18.44-fc-v445" }),
            r#"output "6.18.44-fc-v445" command="echo 6.18.44-fc-v445" duration=0 exit_code=0 length=16"#,
        ),
        (
            json!({ "command": "echo out1; echo out2; echo err1 >&2; exit 3", "log_all_lines": true }),
            r#"output "err1\n\nout1\nout2\n" command="echo out1; echo out2; echo err1 >&2; exit 3" duration=0 exit_code=3 length=16"#,
        ),
        (
            json!({ "command": "echo abcdefghijkl", "max_characters": 5 }),
            r#"output "abcde..." command="echo abcdefghijkl" duration=0 exit_code=0 length=13"#,
        ),
        (json!({ "command": "kill -9 $$" }), r#"output "" command="kill -9 $$" duration=0 exit_code=-9 length=0"#),
    ] {
        // A machine that is busy may need longer than a second.
        let seconds = |line: &str| {
            let (head, rest) = line.split_once(" duration=").unwrap();
            format!("{head} duration=N{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
        };
        assert_eq!(seconds(&line(entry)), seconds(expected));
    }
}

#[test]
fn the_standard_error_comes_first_or_last_or_not_at_all() {
    let value = |stderr: &str, command: &str| {
        let entry = json!({ "command": command, "stderr": stderr, "log_all_lines": true });
        harness(entry).sample().value("output").as_text()
    };
    let both = "echo out; echo err >&2";
    assert_eq!(value("before", both), "err\n\nout\n");
    assert_eq!(value("after", both), "out\n\nerr\n");
    assert_eq!(value("ignore", both), "out\n");
    assert_eq!((value("after", "echo err >&2"), value("before", "echo out")), ("err\n".into(), "out\n".into()));
}

#[test]
fn a_command_that_is_not_there_is_an_output_with_127() {
    let taken = harness(json!({ "command": "no-such-command-at-all" })).sample();
    let output = taken.metric("output");
    assert_eq!(output.field("exit_code"), 127);
    assert!(output.value().as_text().contains("not found"), "{output}");
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    let taken = harness(json!({ "command": r"printf 'a\377b'" })).sample();
    assert_eq!(taken.value("output"), "a\u{fffd}b");
}

#[test]
fn a_number_is_emitted_as_one_where_that_is_asked_for() {
    let entry = json!({ "command": "echo 'load: 1.5e1 %'", "extract": r"load: (\S+)", "emit_number": true });
    let mut monitor = harness(entry);
    let taken = monitor.sample();
    assert_eq!(taken.value("number"), 15.0);
    assert_eq!(taken.value("output"), "1.5e1");
    assert!(taken.value("duration_ms").as_f64() > 0.0);
    monitor.expect_all_emitted();

    for text in ["5%", "nan", "inf", ""] {
        let mut monitor = harness(json!({ "command": format!("echo '{text}'"), "emit_number": true }));
        let taken = monitor.sample();
        assert!(!taken.has("number"), "{text}");
        assert!(taken.diagnostics()[0].to_string().contains("is no number"), "{text}");
        assert!(monitor.sample().diagnostics().is_empty(), "once in five minutes");
    }
}

#[test]
fn a_command_that_hangs_is_killed_and_told_of_once() {
    let mut monitor = harness(json!({ "command": "sleep 1000", "timeout": 1.5 }));
    let taken = monitor.sample();
    assert_eq!(taken.metric("output").field("exit_code").as_i64(), -9);
    let told = taken.diagnostics()[0].to_string();
    assert!(told.contains("had not ended after 1.5 s and was killed"), "{told}");
    assert!(monitor.sample().diagnostics().is_empty());
    monitor.clock().advance(TOLD_EVERY);
    assert!(monitor.sample().diagnostics()[0].to_string().contains("1 more like this"));
}

#[test]
fn a_process_in_the_background_that_holds_the_output_is_told_with_what_to_do() {
    let taken = harness(json!({ "command": "sleep 1000 & echo done", "timeout": 5 })).sample();
    assert_eq!(taken.metric("output").field("exit_code"), 0);
    assert_eq!(taken.value("output"), "done");
    assert!(taken.diagnostics()[0].to_string().contains(">/dev/null 2>&1 &"), "{taken}");
}

#[test]
fn output_without_measure_is_bounded_and_what_is_left_out_is_told() {
    let entry = json!({ "command": "head -c 100000 /dev/zero | tr '\\0' x", "max_output_bytes": 1000 });
    let taken = harness(entry).sample();
    assert_eq!(taken.metric("output").field("length"), 1000);
    let told = taken.diagnostics()[0].to_string();
    assert!(told.contains("more than `max_output_bytes`, 1000; the last 99000 bytes are left out"), "{told}");
}

#[test]
fn a_stop_ends_the_command_and_emits_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let begun = folder.path().join("begun");
    let mut monitor = harness(json!({ "command": format!("touch {}; sleep 1000", begun.display()) }));
    let taken = monitor.running(|running| {
        while !begun.exists() {
            Stop::new().wait(Duration::from_millis(5));
        }
        running.taken()
    });
    assert!(!taken.has("output"));
    assert!(monitor.diagnostics().iter().any(|told| told.to_string().contains("because the monitor stops")));
}

#[test]
fn a_mistake_in_an_option_is_told_with_what_to_do() {
    let problems = |entry: serde_json::Value| {
        let monitor = harness(entry);
        monitor.problems().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(problems(json!({})), ["command: required, but not given"]);
    assert_eq!(
        problems(
            json!({ "command": "true", "extract": "abc", "max_characters": 10001, "stderr": "mixed", "timeout": 0 })
        ),
        [
            r"extract: has no group; put brackets around the part that is wanted, as in `load: (\d+)`",
            "max_characters: 10001 is above the maximum 10000",
            "timeout: 0 is below the minimum 0.1",
            r#"stderr: "mixed" is not "before", "after" or "ignore""#,
        ]
    );
    assert_eq!(
        problems(json!({ "command": " " })),
        ["`command` is empty: give the command line that is run with each sample"]
    );
    assert_eq!(problems(json!({ "command": "a\0b" })), ["`command` holds a NUL character, which no command can"]);
}
