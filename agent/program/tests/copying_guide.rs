//! `docs/copying-logs.md` says what is so: its configurations are good, and each test that it names is there.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod weaknesses;

use std::fs;
use std::process::Command;

use weaknesses::root;

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

#[test]
fn every_weakness_of_the_python_agent_has_a_test_that_is_there() {
    weaknesses::check("docs/copying-logs.md", (30, 3));
}
