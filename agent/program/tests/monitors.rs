//! `agent monitors` and `agent schema` as a shell gets to see them: streams, exit codes, pipes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn agent(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
    command.args(arguments).env_clear().env("TERM", "xterm-256color").stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn colours_are_for_terminals_and_a_wrong_name_exits_with_1() {
    let list = agent(&["monitors"]);
    let out = text(list.stdout);
    assert_eq!(list.status.code(), Some(0));
    assert!(out.contains("\n  coin ") && out.contains("linux_system_metrics") && !out.contains('\x1b'), "{out}");

    let unknown = agent(&["monitors", "cion"]);
    assert_eq!((unknown.status.code(), text(unknown.stdout)), (Some(1), String::new()));
    assert_eq!(text(unknown.stderr), "\"cion\" is no monitor of this agent; did you mean `coin`?\n");

    let two = agent(&["monitors", "coin", "--builtin"]);
    assert_eq!(two.status.code(), Some(2));
}

#[test]
fn what_is_for_programs_is_json() {
    for (arguments, member) in [
        (&["schema"][..], "properties"),
        (&["monitors", "--format", "schema"], "$defs"),
        (&["monitors", "coin", "--format", "schema"], "properties"),
        (&["monitors", "coin", "--format", "json"], "options"),
    ] {
        let printed: Value = serde_json::from_slice(&agent(arguments).stdout).unwrap();
        assert!(!printed[member].is_null(), "{arguments:?}");
    }
    let all: Value = serde_json::from_slice(&agent(&["monitors", "--format", "json"]).stdout).unwrap();
    assert!(all.as_array().unwrap().iter().any(|monitor| monitor["name"] == "coin"), "{all}");
}

#[test]
fn a_reader_that_goes_away_has_seen_enough() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
    let mut child = command.arg("schema").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::with_capacity(16, child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(output.stderr)), (Some(0), String::new()));
    assert_eq!(first, "{\n");
}

#[test]
fn a_configuration_is_asked_for_its_monitors_and_each_is_named_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent.json");
    let asked = |text: &str| {
        fs::write(&file, text).unwrap();
        agent(&["monitors", "--configured", "-c", file.to_str().unwrap()])
    };
    fs::create_dir(folder.path().join("agent.d")).unwrap();
    fs::write(folder.path().join("agent.d/more.json"), r#"{ monitors: [ { module: "gauges", disabled: true } ] }"#)
        .unwrap();
    // No key, an entry that is refused, one of another agent, one by the spelling of Python, and one that names nothing.
    let listed = asked(
        r#"{ monitors: [ { module: "rain-gauge\n" }, { module: "coin" }, { module: "coin", id: 2, gauss_mean: 99 },
            { module: "scalyr_agent.builtin_monitors.test_monitor" }, { id: "x" } ] }"#,
    );
    assert_eq!((listed.status.code(), text(listed.stderr)), (Some(0), String::new()));
    let names = text(listed.stdout);
    let names: Vec<&str> = names.lines().collect();
    assert!(names.is_sorted() && names.iter().filter(|name| **name == "coin").count() == 1, "{names:?}");
    for name in ["gauges", "rain-gauge ", "linux_process_metrics", "linux_system_metrics"] {
        assert!(names.contains(&name), "{name:?}: {names:?}");
    }
    let off = asked("{ implicit_metric_monitor: false, implicit_agent_process_metrics_monitor: false }");
    assert!(!text(off.stdout).contains("linux_"));

    let broken = asked("{ monitors: [ ");
    assert_eq!((broken.status.code(), text(broken.stdout)), (Some(1), String::new()));
    assert!(text(broken.stderr).contains("this `[` is never closed"));
    let missing = agent(&["monitors", "--configured", "-c", "/nowhere/agent.json"]);
    assert_eq!((missing.status.code(), text(missing.stdout)), (Some(1), String::new()));
    for wrong in [&["monitors", "-c", "x"][..], &["monitors", "coin", "--configured"]] {
        assert_eq!(agent(wrong).status.code(), Some(2), "{wrong:?}");
    }
}
