//! The command line as people's fingers and old scripts type it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod story;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::json;
use story::{Scratch, write_config};

const AGENT: &str = env!("CARGO_BIN_EXE_agent");

fn run(program: &Path, arguments: &[&str]) -> Output {
    Command::new(program).env_clear().args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn agent(arguments: &[&str]) -> Output {
    run(Path::new(AGENT), arguments)
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The exit code of a command line whose words are separated by blanks; `FILE` is `config`.
#[track_caller]
fn code(line: &str, config: &Path) -> (Option<i32>, String) {
    let config = config.to_str().unwrap();
    let arguments: Vec<&str> = line.split(' ').map(|word| if word == "FILE" { config } else { word }).collect();
    let output = agent(&arguments);
    (output.status.code(), out(&output) + &err(&output))
}

#[test]
fn the_old_invocations_that_need_no_agent_have_the_old_exit_codes() {
    let scratch = Scratch::new();
    let config = write_config(&scratch, "http://127.0.0.1:9", json!([]), json!({}));
    for (line, expected) in [
        ("version", 0),
        ("version -c /nowhere/agent.json -q -v -H --no-fork -p /nowhere/agent.pid", 0),
        ("--no-change-user version", 0),
        ("-h", 0),
        ("--help", 0),
        ("start -h", 0),
        ("-h start", 0),
        ("status -c FILE", 4),
        ("-c FILE status", 4),
        ("--config-file=FILE --no-fork -q status", 4),
        ("status -v -c FILE", 1),
        ("-H -c FILE status", 1),
        ("status --health_check -c FILE", 1),
        ("status --health-check --debug --stats-capture-interval 0.5 -c FILE", 1),
        ("-v --format json -c FILE status", 1),
        ("status -v --format xml -c FILE", 1),
        ("--format xml status -c FILE", 1),
        ("stop -c FILE", 0),
        ("-q --no-change-user stop -c FILE", 0),
        ("condrestart -c FILE", 0),
        ("condrestart --quiet -c FILE", 0),
        ("start -c /nowhere/agent.json", 1),
        ("start --no-fork --no-check-remote-server -c /nowhere/agent.json", 1),
        ("sart", 2),
        ("-c FILE", 2),
        ("status --frob -c FILE", 2),
        ("check --format xml", 2),
    ] {
        let line = line.replace("--config-file=FILE", &format!("--config-file={}", config.display()));
        let (code, text) = code(&line, &config);
        assert_eq!(code, Some(expected), "{line}: {text}");
        assert!(!text.contains("panicked"), "{line}: {text}");
    }
    let without_command = agent(&[]);
    assert_eq!(without_command.status.code(), Some(2));
}

#[test]
fn the_version_is_told_in_the_old_sentence_without_any_configuration() {
    let output = agent(&["version"]);
    assert_eq!((output.status.code(), err(&output)), (Some(0), String::new()));
    assert!(out(&output).starts_with("The Scalyr Agent 2 version is ") && out(&output).lines().count() == 1);
}

#[test]
fn a_misspelt_command_or_option_is_answered_with_the_nearest_one() {
    for (arguments, told) in [
        (&["statsu"][..], "status"),
        (&["status", "--verbsoe"], "--verbose"),
        (&["status", "--format", "jsn"], "json"),
        (&["completions", "bas"], "bash"),
    ] {
        let output = agent(arguments);
        assert!(output.status.code() == Some(2) || arguments.contains(&"jsn"), "{arguments:?}");
        assert!(err(&output).contains(&format!("'{told}'")), "{arguments:?}: {}", err(&output));
    }
}

#[test]
fn an_option_that_acts_elsewhere_is_taken_and_told_of() {
    let scratch = Scratch::new();
    let config = write_config(&scratch, "http://127.0.0.1:9", json!([]), json!({}));
    let (status, text) = code("stop -v --format json -c FILE", &config);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("warning: -v has no effect on `stop`") && text.contains("--format has no effect"), "{text}");
    let (status, text) = code("status --format json -c FILE", &config);
    assert_eq!(status, Some(4), "{text}");
    assert!(text.contains("--format has no effect without -v or -H"), "{text}");
}

#[test]
fn through_its_old_names_it_behaves_as_the_old_programs() {
    let scratch = Scratch::new();
    let link = |name: &str| {
        let path = scratch.path(name);
        symlink(AGENT, &path).unwrap();
        path
    };
    let (old, tool) = (link("scalyr-agent-2"), link("scalyr-agent-2-config"));
    let version = run(&old, &["--version"]);
    assert!(out(&version).starts_with("scalyr-agent-2 "), "{}", out(&version));
    let help = out(&run(&old, &["status", "--help"]));
    assert!(help.contains("Usage: scalyr-agent-2 status") && help.contains("  scalyr-agent-2 status -v"), "{help}");
    assert!(!help.contains("  agent status"), "{help}");
    assert_eq!(run(&old, &["-c", "/nowhere/agent.json", "version"]).status.code(), Some(0));

    let [direct, by_name] =
        [run(&old, &["config", "--frob"]), run(&tool, &["--frob"])].map(|output| (output.status.code(), err(&output)));
    assert_eq!(direct.0, Some(2));
    assert_eq!(direct, by_name, "the tool is the command");
}

#[test]
fn the_help_shows_the_commands_by_what_they_are_for() {
    let help = out(&agent(&["--help"]));
    let place = |text: &str| help.find(text).unwrap_or_else(|| panic!("{text:?} is not in {help}"));
    let order = [
        "\nRun:\n",
        "\n  start ",
        "\nLook:\n",
        "\n  status ",
        "\nConfigure:\n",
        "\n  check ",
        "\nDevelop and try:\n",
        "\n  demo ",
    ];
    let places: Vec<usize> = order.iter().map(|text| place(text)).collect();
    assert!(places.is_sorted(), "{help}");
    assert!(help.contains("Examples:\n") && help.contains("  agent status -v "), "{help}");
}

#[test]
fn shells_take_the_completions() {
    let scratch = Scratch::new();
    for (shell, word) in [("bash", "complete -F"), ("zsh", "#compdef agent"), ("fish", "complete -c agent")] {
        let output = agent(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0));
        assert!(out(&output).contains(word) && out(&output).contains("health_check"), "{shell}: {}", out(&output));
    }
    let file = scratch.path("completions.bash");
    fs::write(&file, out(&agent(&["completions", "bash"]))).unwrap();
    let asked = "source \"$1\"; COMP_WORDS=(agent st); COMP_CWORD=1; _agent agent st agent; echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash").args(["-c", asked, "bash"]).arg(&file).output().unwrap();
    let replies = out(&output);
    assert!(
        ["start", "stop", "status"].iter().all(|word| replies.split_whitespace().any(|reply| reply == *word)),
        "{replies}"
    );
}

/// `groff` and `man-db` are what reads manual pages on Debian.
#[test]
fn the_manual_page_is_well_formed_and_tells_of_every_command() {
    let scratch = Scratch::new();
    let file = scratch.path("agent.1");
    fs::write(&file, out(&agent(&["man"]))).unwrap();
    let groff = Command::new("groff").args(["-man", "-Tutf8", "-ww", "-rLL=80n", "-P-cbu"]).arg(&file).output();
    let groff = groff.expect("groff shows manual pages: install it with `apt-get install groff-base`");
    assert_eq!(err(&groff), "", "no warnings");
    let text = out(&groff);
    for told in ["AGENT(1)", "agent start", "agent status", "--health_check", "agent completions bash", "SYNOPSIS"] {
        assert!(text.contains(told), "{told:?} is not in {text}");
    }
}

#[test]
fn the_page_and_the_completion_of_any_of_its_names_can_be_asked_for() {
    let name = "scalyr-agent-2-config";
    let page = out(&agent(&["man", name])).replace("\\-", "-");
    assert!(
        page.contains(".TH SCALYR-AGENT-2-CONFIG 1") && page.contains("  scalyr-agent-2-config --set-user"),
        "{page}"
    );
    assert!(page.contains("--set-server-host") && !page.contains("COMMAND"), "{page}");
    assert!(out(&agent(&["completions", "fish", name])).contains("complete -c scalyr-agent-2-config -l set-user"));

    let page = out(&agent(&["man", "scalyr-agent-2"])).replace("\\-", "-");
    assert!(page.contains("scalyr-agent-2 check && scalyr-agent-2 start"), "{page}");
    assert!(out(&agent(&["completions", "zsh", "scalyr-agent-2"])).starts_with("#compdef scalyr-agent-2\n"));

    let wrong = agent(&["man", "scalyr-agent-2-confg"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(err(&wrong).contains("'scalyr-agent-2-config'"), "{}", err(&wrong));
}
