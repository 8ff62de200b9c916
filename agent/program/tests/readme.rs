//! "I typed what README.md says." Its chapters about running and changing an agent, in a shell, as they stand there.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod story;
mod weaknesses;

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use story::{Background, Process, Ran, Scratch, wait_until};

const PATIENCE: Duration = Duration::from_secs(60);

/// The shell blocks of README.md behind this heading and before the next one.
fn blocks(heading: &str) -> Vec<String> {
    let text = fs::read_to_string(weaknesses::root().join("README.md")).unwrap();
    let chapter = text.split(&format!("\n{heading}\n")).nth(1).unwrap();
    let chapter = chapter.split("\n## ").next().unwrap().split("\n### ").next().unwrap();
    chapter.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

/// What is typed, in the folder of this story, with the receiver at this address.
struct Shell<'s> {
    scratch: &'s Scratch,
    receiver: String,
}

impl Shell<'_> {
    fn translated(&self, typed: &str) -> String {
        typed
            .replace("/tmp/try", self.scratch.folder().to_str().unwrap())
            .replace("target/release/agent", env!("CARGO_BIN_EXE_agent"))
            .replace("127.0.0.1:8088", &self.receiver)
            .replace("127.0.0.1:8126", "127.0.0.1:0")
    }

    fn run(&self, typed: &str, input: &str) -> Ran {
        let mut command = Command::new("/bin/sh");
        command.env_clear().env("PATH", "/usr/bin:/bin").arg("-ec").arg(self.translated(typed));
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        // Who reads none of it has gone away already.
        _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

/// The only line of a block that has this in it.
fn line<'b>(block: &'b str, wanted: &str) -> &'b str {
    block.lines().find(|line| line.contains(wanted)).unwrap_or_else(|| panic!("no line with {wanted} in {block}"))
}

#[test]
fn whoever_types_what_the_readme_says_has_an_agent_that_ships_a_thousand_lines() {
    let scratch = Scratch::new();
    let [prepare, receive, start, ship] = blocks("## Run the agent").try_into().unwrap();
    // A port that the system chooses: other tests run beside this one.
    let mut shell = Shell { scratch: &scratch, receiver: "127.0.0.1:0".to_owned() };
    let mut receiver = Command::new("/bin/sh");
    receiver.arg("-c").arg(format!("exec {}", shell.translated(receive.trim())));
    let receiver = Process::start(&scratch, "receiver", receiver);
    wait_until("the receiver listens", PATIENCE, || receiver.stdout().contains("listening on http://"));
    shell.receiver = receiver.stdout().trim().strip_prefix("listening on http://").unwrap().to_owned();

    let prepared: String =
        prepare.lines().filter(|line| !line.starts_with("cargo ")).map(|line| format!("{line}\n")).collect();
    assert_eq!(shell.run(&prepared, "").words(), (Some(0), "", ""));
    let background = Background::of(&scratch);

    let without_key = shell.run(line(&start, "agent start"), "");
    assert_eq!(without_key.code, Some(1), "{without_key:?}");
    assert!(without_key.err.contains("REPLACE_THIS"), "it says where the key is missing: {without_key:?}");
    let started = shell.run(&start, "a-key\n");
    assert_eq!((started.code, started.err.as_str()), (Some(0), ""), "{started:?}");
    assert!(background.pid().is_some());

    shell.run(line(&ship, "seq 1000").split(';').next().unwrap(), "");
    let count = line(&ship, "grep -c");
    let (_, expected) = count.split_once(" # ").unwrap();
    wait_until("all lines have arrived", PATIENCE, || shell.run(count, "").out.trim() == expected.trim());
    let status = shell.run(line(&ship, "agent status -c"), "");
    assert!(status.code == Some(0) && status.out.starts_with("The agent is running"), "{status:?}");

    let [change] = blocks("### Change a running agent").try_into().unwrap();
    assert_eq!(shell.run(&change, "").words(), (Some(0), "", ""));
    let log = scratch.path("log/agent.log");
    let told = "Configuration reloaded: monitor coin() restarted";
    wait_until("what changed has restarted", PATIENCE, || fs::read_to_string(&log).unwrap().contains(told));

    let stopped = shell.run("target/release/agent stop -c /tmp/try/agent.json", "");
    assert_eq!(stopped.words(), (Some(0), "Sending signal to terminate agent.\nAgent has stopped.\n", ""));
}
