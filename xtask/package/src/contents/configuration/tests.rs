//! Both files as a user meets them: read by the agent as they are, and with each example switched on.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::super::tests::agent;
use super::*;

/// Whether a line is switched off: two slashes right before its text.
fn is_off(line: &str) -> bool {
    let text = line.trim_start().strip_prefix("//");
    text.is_some_and(|text| text.starts_with(|first: char| first != ' ' && first != '/'))
}

/// The line without its slashes.
fn on(line: &str) -> String {
    line.replacen("//", "", 1)
}

/// What can be switched on by itself: from a line that is off to the one that closes its brackets; the first line's
/// number, and how many they are.
fn examples(text: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if !is_off(lines[at]) {
            at += 1;
            continue;
        }
        let (begin, mut depth) = (at, 0);
        loop {
            assert!(is_off(lines[at]), "line {}: the example above is not closed", at + 1);
            // The brackets of a text are in pairs, too.
            let count = |brackets: [char; 2]| lines[at].matches(brackets).count();
            depth = depth + count(['{', '[']) - count(['}', ']']);
            at += 1;
            if depth == 0 {
                break;
            }
        }
        found.push((begin, at - begin));
    }
    found
}

/// The text with these examples switched on.
fn switched_on(text: &str, examples: &[(usize, usize)]) -> String {
    let is_chosen = |at: usize| examples.iter().any(|(begin, count)| (*begin..begin + count).contains(&at));
    let line = |(at, line): (usize, &str)| if is_chosen(at) { on(line) } else { line.to_owned() };
    text.lines().enumerate().map(line).collect::<Vec<_>>().join("\n") + "\n"
}

/// A folder with the configuration, its fragment, and the key files that examples name.
struct Host(tempfile::TempDir);

impl Host {
    fn new(main: &str, fragment: &str) -> Self {
        let host = Self(tempfile::tempdir().expect("a folder"));
        fs::create_dir(host.path().join("agent.d")).expect("a folder of fragments");
        let texts =
            [("agent.json", main), ("agent.d/examples.json", fragment), ("api_key", "k\n"), ("security.key", "k\n")];
        for (name, text) in texts {
            let file = host.path().join(name);
            let here = format!("{}/", host.path().display());
            fs::write(&file, text.replace("/etc/scalyr-agent-2/", &here)).expect("written");
            fs::set_permissions(&file, Permissions::from_mode(0o640)).expect("kept from others");
        }
        host
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// The exit status, and all that is printed.
    fn asked(&self, arguments: &[&str], typed: &str) -> (Option<i32>, String) {
        let mut command = Command::new(agent());
        command.args(arguments).arg("-c").arg(self.path().join("agent.json")).env_clear();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the agent runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        // A command that reads nothing may have ended by now.
        _ = stdin.write_all(typed.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).expect("UTF-8"))
    }

    /// That `check` has nothing to say against it.
    fn is_well(&self, what: &str) -> String {
        let (code, said) = self.asked(&["check"], "");
        let complains = said.lines().any(|line| line.starts_with("error") || line.starts_with("warning"));
        assert!(code == Some(0) && !complains, "{what}:\n{said}");
        said
    }
}

fn with_key(text: &str) -> String {
    text.replace("REPLACE_THIS", "0-a-key")
}

fn first_line(text: &str, example: (usize, usize)) -> &str {
    text.lines().nth(example.0).unwrap_or_default()
}

#[test]
fn a_fresh_install_lacks_nothing_but_a_key() {
    let host = Host::new(DEFAULT, EXAMPLES);
    let (code, said) = host.asked(&["check"], "");
    assert_eq!(code, Some(1));
    assert!(said.contains("REPLACE_THIS") && said.contains(": 1 error."), "{said}");

    let (code, said) = host.asked(&["config", "--set-key-from-stdin"], "0-my-own-key\n");
    assert_eq!(code, Some(0), "{said}");
    let said = host.is_well("with a key");
    assert!(said.contains("runs 2 monitors"), "the metrics of the host and of the agent: {said}");
    let text = fs::read_to_string(host.path().join("agent.json")).expect("readable");
    let here = format!("{}/", host.path().display());
    let expected = DEFAULT.replace("REPLACE_THIS", "0-my-own-key").replace("/etc/scalyr-agent-2/", &here);
    assert_eq!(text, expected, "nothing but the key changes");
}

#[test]
fn the_examples_have_no_effect_as_they_are() {
    let (with, without) = (Host::new(&with_key(DEFAULT), EXAMPLES), Host::new(&with_key(DEFAULT), "{}"));
    let told = |host: &Host| {
        let (code, said) = host.asked(&["check", "--format", "json"], "");
        assert_eq!(code, Some(0), "{said}");
        let mut told: serde_json::Value = serde_json::from_str(&said).expect("JSON");
        told.as_object_mut().expect("an object").remove("files");
        told.to_string().replace(&host.path().display().to_string(), "")
    };
    assert_eq!(told(&with), told(&without));
}

#[test]
fn each_line_of_the_default_that_is_switched_on_gives_a_configuration_that_is_well() {
    let text = with_key(DEFAULT);
    let all = examples(&text);
    assert!(all.len() > 10, "{all:?}");
    for example in all {
        let name = first_line(&text, example);
        let mut changed = switched_on(&text, &[example]);
        if name.contains("api_key_file") {
            // As the comment beside it says.
            changed = changed.replace("  api_key: \"0-a-key\",\n", "");
        }
        Host::new(&changed, EXAMPLES).is_well(name);
    }
}

#[test]
fn each_example_that_is_switched_on_gives_a_configuration_that_is_well() {
    let all = examples(EXAMPLES);
    let workers = all.iter().find(|example| first_line(EXAMPLES, **example).contains("workers:")).copied();
    let workers = workers.expect("an example of workers");
    assert!(all.len() >= 11, "{all:?}");
    for example in all {
        let lines: Vec<&str> = EXAMPLES.lines().skip(example.0).take(example.1).collect();
        let block = lines.join("\n");
        let mut chosen = vec![example];
        let mut main = with_key(DEFAULT);
        // Two need what the words beside them name.
        if block.contains("worker_id") {
            chosen.push(workers);
        }
        if block.contains("linux_system_metrics") {
            main = main.replace("//implicit_metric_monitor: false", "implicit_metric_monitor: false");
        }
        Host::new(&main, &switched_on(EXAMPLES, &chosen)).is_well(&block);
    }
}

#[test]
fn all_examples_together_are_well() {
    let main = with_key(DEFAULT).replace("//implicit_metric_monitor: false", "implicit_metric_monitor: false");
    let said = Host::new(&main, &switched_on(EXAMPLES, &examples(EXAMPLES))).is_well("all examples");
    assert!(said.contains("runs 3 monitors"), "{said}");
}

/// `Default: X` in a comment is the default of the key below it.
#[test]
fn the_defaults_that_are_told_are_the_real_ones() {
    let (_, schema) = Host::new(DEFAULT, EXAMPLES).schema();
    let mut told = 0;
    let lines: Vec<&str> = DEFAULT.lines().collect();
    for pair in lines.windows(2) {
        let Some(default) = pair[0].trim_start().strip_prefix("// Default: ") else { continue };
        let key = pair[1].trim_start().trim_start_matches('/').split(':').next().unwrap_or_default();
        let default: serde_json::Value = serde_json::from_str(default).expect("a default is written as JSON");
        assert_eq!(schema["properties"][key]["default"], default, "{key}");
        told += 1;
    }
    assert_eq!(told, DEFAULT.matches("Default:").count());
    assert!(told >= 5, "{told}");
    // These are told in a sentence.
    assert_eq!(schema["properties"]["config_change_check_interval"]["default"], 30, "\"within half a minute\"");
    assert_eq!(schema["properties"]["config_directory"]["default"], "agent.d");
}

/// What the comments put between backticks, and looks like a key, is one.
#[test]
fn the_keys_that_the_comments_name_exist() {
    let (schema, _) = Host::new(DEFAULT, EXAMPLES).schema();
    let mut named = 0;
    for text in [DEFAULT, EXAMPLES] {
        for word in text.lines().filter(|line| !is_off(line)).flat_map(|line| line.split('`').skip(1).step_by(2)) {
            let key = word.split(':').next().unwrap_or_default();
            let is_key =
                key != "docs" && key.len() > 2 && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if is_key && key != "false" {
                assert!(schema.contains(&format!("\"{key}\":")) || key == "serverHost", "`{key}`");
                named += 1;
            }
        }
    }
    assert!(named > 8, "{named}");
}

impl Host {
    /// The schema, as text and as value.
    fn schema(&self) -> (String, serde_json::Value) {
        let output =
            Command::new(agent()).arg("schema").env_clear().stdin(Stdio::null()).output().expect("the agent runs");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let value = serde_json::from_str(&text).expect("JSON");
        (text, value)
    }
}
