//! `docs/copying-logs.md` says what is so: its configurations are good, and each test that it names is there.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn guide() -> String {
    fs::read_to_string(root().join("docs/copying-logs.md")).unwrap()
}

#[test]
fn the_agent_accepts_each_of_its_configurations() {
    let text = guide();
    let blocks: Vec<&str> = text.split("```js\n").skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect();
    assert!(blocks.len() >= 6, "only {} configurations were found", blocks.len());
    let folder = tempfile::tempdir().unwrap();
    for block in blocks {
        let file = folder.path().join("agent.json");
        let more = "{ api_key: \"key\", implicit_agent_process_metrics_monitor: false,";
        fs::write(&file, block.replacen('{', more, 1)).unwrap();
        Command::new("chmod").arg("600").arg(&file).status().unwrap();
        let output =
            Command::new(env!("CARGO_BIN_EXE_agent")).args(["check", "-c"]).arg(&file).env_clear().output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !told.contains("warning"), "{block}\n{told}");
    }
}

/// The sources of a folder, put together.
fn sources(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            sources(&entry, into);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            into.push_str(&fs::read_to_string(&entry).unwrap());
        }
    }
}

#[test]
fn every_weakness_of_the_python_agent_has_a_test_that_is_there() {
    let mut all = String::new();
    sources(&root().join("agent"), &mut all);
    let text = guide();
    let table = text.split("## What the Python agent lost").nth(1).unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| |")).collect();
    assert_eq!(rows.len(), 30, "{rows:?}");
    for (number, row) in (1..).zip(rows) {
        let columns: Vec<&str> = row.split('|').map(str::trim).collect();
        assert_eq!(columns[1], number.to_string(), "{row}");
        let tests: Vec<&str> = columns[3].split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "{row}");
        for test in tests {
            assert!(all.contains(&format!("fn {test}(")), "{test} is not there");
        }
    }
}
