//! A configuration that is edited while the agent runs, step by step: what is noticed, what restarts, what is refused,
//! what `agent status` says; and that no line is lost or sent twice by it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod story;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use story::{
    API_KEY, AgentProcess, Event, Lines, ReceiverProcess, Scratch, assert_each_once, assert_reconciles, wait_until,
    write_config,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// An agent whose configuration is edited, its receiver, and its log files.
struct Edited {
    agent: AgentProcess,
    receiver: ReceiverProcess,
    scratch: Scratch,
}

impl Edited {
    /// Starts it with entries of `logs` for files of these names, and with more keys.
    fn start(logs: &[&str], extra: Value) -> Self {
        let scratch = Scratch::new();
        let receiver = ReceiverProcess::start(&scratch, "receiver");
        for log in logs {
            fs::write(scratch.path(log), "").unwrap();
        }
        let config = write(&scratch, &receiver, logs, extra);
        let agent = AgentProcess::start(&scratch, &config);
        let edited = Self { agent, receiver, scratch };
        edited.wait_for("the agent answers", |_| true);
        edited
    }

    fn edit(&self, logs: &[&str], extra: Value) {
        write(&self.scratch, &self.receiver, logs, extra);
    }

    fn config(&self) -> PathBuf {
        self.scratch.path("agent.json")
    }

    /// Changes the text of the configuration as it stands.
    fn replace(&self, old: &str, new: &str) {
        let text = fs::read_to_string(self.config()).unwrap();
        assert!(text.contains(old), "{text}");
        fs::write(self.config(), text.replacen(old, new, 1)).unwrap();
    }

    /// The status, once it is as wished.
    #[track_caller]
    fn wait_for(&self, what: &str, mut wish: impl FnMut(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        wait_until(what, PATIENCE, || {
            let status = self.agent.status();
            last = status.unwrap_or_default();
            !last.is_null() && wish(&last)
        });
        last
    }

    /// `agent status -v` as text, and its exit code.
    fn status_text(&self) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
        command.args(["status", "-v", "-c"]).arg(self.config()).env_clear().stdin(Stdio::null());
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }

    fn log(&self, name: &str) -> String {
        fs::read_to_string(self.scratch.path("log").join(name)).unwrap_or_default()
    }

    /// Waits until the agent log holds a text so many times.
    #[track_caller]
    fn wait_for_line(&self, text: &str, count: usize) {
        let log = || self.log("agent.log");
        wait_until(&format!("agent.log says {count} times: {text}"), PATIENCE, || log().matches(text).count() >= count);
        assert_eq!(log().matches(text).count(), count, "{}", log());
    }

    fn lines(&self, name: &str) -> Lines {
        Lines::new(&self.scratch.path(name), 20)
    }

    /// Waits until a file's lines have come, then each of them has come once.
    #[track_caller]
    fn wait_for_events(&mut self, name: &str, lines: &Lines) {
        let path = self.scratch.path(name).display().to_string();
        let of =
            |events: &[Event]| -> Vec<Event> { events.iter().filter(|event| event.logfile == path).cloned().collect() };
        let written = lines.written();
        wait_until(&format!("all lines of {name} have come"), PATIENCE, || {
            of(self.receiver.events()).len() as u64 >= written
        });
        assert_each_once(&of(self.receiver.events()), written);
    }

    #[track_caller]
    fn stop(mut self) {
        assert_reconciles(&self.agent.status().unwrap());
        assert_eq!(self.agent.stop(PATIENCE), Some(0));
        assert!(!self.log("agent.log").contains(API_KEY));
    }
}

fn write(scratch: &Scratch, receiver: &ReceiverProcess, logs: &[&str], extra: Value) -> PathBuf {
    let logs = logs.iter().map(|log| json!({ "path": scratch.path(log) })).collect();
    let mut keys = json!({
        "config_change_check_interval": 0.1,
        "global_monitor_sample_interval": 0.1,
        "global_monitor_sample_interval_enable_jitter": false,
    });
    keys.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    write_config(scratch, &receiver.url(), logs, keys)
}

fn coin(id: &str) -> Value {
    json!({ "module": "coin", "id": id })
}

fn monitor<'a>(status: &'a Value, name: &str) -> Option<&'a Value> {
    status["monitors"].as_array()?.iter().find(|monitor| monitor["name"] == name)
}

fn samples(status: &Value, name: &str) -> u64 {
    monitor(status, name).and_then(|monitor| monitor["samples"].as_u64()).unwrap_or(0)
}

fn state(status: &Value) -> &str {
    status["configuration"]["state"].as_str().unwrap()
}

#[test]
fn a_log_is_added_an_option_changed_a_third_thing_broken_and_mended() {
    let mut story = Edited::start(&["a.log", "b.log"], json!({ "monitors": [coin("kept"), coin("changed")] }));
    let [mut a, mut b] = ["a.log", "b.log"].map(|name| story.lines(name));
    [&mut a, &mut b].into_iter().for_each(|lines| lines.append(100));
    story.wait_for_events("a.log", &a);

    // A log is added.
    fs::write(story.scratch.path("c.log"), "").unwrap();
    story.edit(&["c.log", "a.log", "b.log"], json!({ "monitors": [coin("kept"), coin("changed")] }));
    let log = story.scratch.path("c.log").display().to_string();
    story.wait_for_line(&format!("Configuration reloaded: log {log} added"), 1);
    let mut c = story.lines("c.log");
    [&mut a, &mut b, &mut c].into_iter().for_each(|lines| lines.append(100));
    story.wait_for_events("c.log", &c);

    // An option of a monitor is changed: that one restarts, the other one counts on.
    let before = samples(&story.wait_for("the coin falls", |status| samples(status, "coin(kept)") > 5), "coin(kept)");
    let mut changed = coin("changed");
    changed["gauss_mean"] = 5.into();
    story.edit(&["c.log", "a.log", "b.log"], json!({ "monitors": [coin("kept"), changed] }));
    story.wait_for_line("Configuration reloaded: monitor coin(changed) restarted", 1);
    let status = story.wait_for("the other one falls on", |status| samples(status, "coin(kept)") > before);
    assert_eq!(state(&status), "good");
    assert_eq!(story.log("agent.log").matches("Starting monitor coin(kept)").count(), 1);

    // A third thing is broken, and a fourth one added beside it: nothing of that is used.
    changed["gauss_mean"] = 11.into();
    story.edit(&["d.log", "c.log", "a.log", "b.log"], json!({ "monitors": [coin("kept"), changed] }));
    let status = story.wait_for("it is noticed", |status| state(status) == "newer_and_invalid");
    assert_eq!(status["troubles"], json!(["the configuration on disk is newer and invalid"]));
    let problems = status["configuration"]["problems"].as_array().unwrap();
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    let (problem, file) = (problem.as_str().unwrap(), story.config().display().to_string());
    assert!(problem.starts_with(&format!("refused: {file}:")), "{problem}");
    assert!(problem.contains("  monitors[1].gauss_mean: 11 is above the maximum 10"), "{problem}");
    let (code, text) = story.status_text();
    assert_eq!(code, Some(0));
    assert!(text.contains("\nStatus:                Bad (could not parse, using last good version)\n"), "{text}");
    assert!(text.contains("The one on disk is newer and invalid, found at "), "{text}");
    assert!(text.contains(problem), "{text}");
    story.wait_for_line("[error=\"badConfigFile\"] The configuration on disk is newer and invalid", 1);
    // The old one works on: what is written now is sent, and the monitors go on.
    [&mut a, &mut b, &mut c].into_iter().for_each(|lines| lines.append(100));
    for (name, lines) in [("a.log", &a), ("b.log", &b), ("c.log", &c)] {
        story.wait_for_events(name, lines);
    }
    let before = ["coin(kept)", "coin(changed)"].map(|name| samples(&status, name));
    story.wait_for("both go on", |status| {
        samples(status, "coin(kept)") > before[0] && samples(status, "coin(changed)") > before[1]
    });

    // Mended: what is in use is what stands there, so nothing restarts.
    changed["gauss_mean"] = 5.into();
    story.edit(&["c.log", "a.log", "b.log"], json!({ "monitors": [coin("kept"), changed] }));
    story.wait_for("it is good again", |status| state(status) == "good");
    story.wait_for_line("is valid again", 1);
    assert!(story.status_text().1.contains("\nStatus:                Good (files parsed successfully)\n"));
    assert_eq!(story.log("agent.log").matches("Starting monitor coin(changed)").count(), 2);

    [&mut a, &mut b, &mut c].into_iter().for_each(|lines| lines.append(100));
    for (name, lines) in [("a.log", &a), ("b.log", &b), ("c.log", &c)] {
        story.wait_for_events(name, lines);
    }
    story.stop();
}

#[test]
fn whatever_becomes_of_the_file_the_agent_runs_on_and_status_finds_it_by_what_can_be_read() {
    let mut story = Edited::start(&["a.log"], json!({ "monitors": [coin("")] }));
    let good = fs::read(story.config()).unwrap();
    story.replace("\"logs\"", "\"logs\" \"logs\"");
    story.wait_for_line("badConfigFile", 1);
    fs::remove_file(story.config()).unwrap();
    story.wait_for_line("badConfigFile", 2);
    fs::write(story.config(), &good).unwrap();
    story.wait_for_line("is valid again", 1);
    story.replace(API_KEY, "");
    let status = story.wait_for("status tells of the missing key", |status| state(status) == "newer_and_invalid");
    assert!(status["configuration"]["problems"][0].as_str().unwrap().contains("api_key"), "{status}");
    fs::write(story.config(), &good).unwrap();
    story.wait_for_line("is valid again", 2);
    let mut lines = story.lines("a.log");
    lines.append(10);
    story.wait_for_events("a.log", &lines);
    assert_eq!(story.log("agent.log").matches("Starting monitor coin()").count(), 1);
    story.stop();
}

#[test]
fn what_means_the_same_touches_nothing_and_sighup_reads_at_once() {
    // So long that only a signal can be the reason.
    let slow = |level: u64| {
        json!({
            "monitors": [coin("")], "config_change_check_interval": 3600, "debug_level": level
        })
    };
    let mut story = Edited::start(&["a.log"], slow(0));
    let mut lines = story.lines("a.log");
    lines.append(10);
    let hang_up = |story: &mut Edited| story.agent.process().signal(Signal::HUP);

    // Another layout, comments, another order of the keys.
    let text = fs::read_to_string(story.config()).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    let members = value.as_object().unwrap().iter().rev();
    let turned: Vec<String> = members.map(|(key, value)| format!("  // of {key}\n  {key}: {value}")).collect();
    fs::write(story.config(), format!("{{\n{}\n}}\n", turned.join("\n"))).unwrap();
    hang_up(&mut story);
    story.wait_for_line("Configuration read again: nothing that runs is affected", 1);

    // The debug level, without any restart, and kept whenever the configuration is read again.
    story.edit(&["a.log"], slow(1));
    hang_up(&mut story);
    story.wait_for_line("Configuration reloaded: the agent's own log changed", 1);
    hang_up(&mut story);
    story.wait_for_line("Configuration read again: nothing that runs is affected", 2);
    assert!(story.scratch.path("log/agent_debug.log").exists());

    lines.append(10);
    story.wait_for_events("a.log", &lines);
    let log = story.log("agent.log");
    assert_eq!(log.matches("Starting monitor").count(), 1, "{log}");
    assert!(!log.contains("Stopping monitor"), "{log}");
    story.stop();
}

#[test]
fn fragments_come_and_go() {
    let mut story = Edited::start(&["a.log"], json!({ "monitors": [coin("main")] }));
    let folder = story.scratch.path("agent.d");
    fs::create_dir(&folder).unwrap();
    fs::write(story.scratch.path("b.log"), "").unwrap();
    let fragment = json!({ "logs": [{ "path": story.scratch.path("b.log") }], "monitors": [coin("fragment")] });
    fs::write(folder.join("web.json"), fragment.to_string()).unwrap();
    let log = story.scratch.path("b.log").display().to_string();
    story.wait_for_line(&format!("Configuration reloaded: log {log} added, monitor coin(fragment) started"), 1);
    let mut lines = story.lines("b.log");
    lines.append(50);
    story.wait_for_events("b.log", &lines);
    // The same, moved from the fragment to the main file at once.
    fs::rename(folder.join("web.json"), folder.join("web.json.off")).unwrap();
    story.wait_for_line(&format!("Configuration reloaded: log {log} removed, monitor coin(fragment) stopped"), 1);
    fs::write(folder.join("broken.json"), "{ logs: [ }").unwrap();
    let status = story.wait_for("it is noticed", |status| state(status) == "newer_and_invalid");
    let problem = status["configuration"]["problems"][0].as_str().unwrap();
    assert!(problem.contains("agent.d/broken.json:1:"), "{problem}");
    fs::remove_file(folder.join("broken.json")).unwrap();
    story.wait_for("it is good again", |status| state(status) == "good");
    assert_eq!(story.log("agent.log").matches("Starting monitor coin(main)").count(), 1);
    story.stop();
}

#[test]
fn another_log_path_needs_another_start() {
    let story = Edited::start(&["a.log"], json!({}));
    let elsewhere = story.scratch.path("elsewhere");
    story.edit(&["a.log"], json!({ "agent_log_path": elsewhere, "monitors": [coin("")] }));
    let status = story.wait_for("it is noticed", |status| state(status) == "newer_and_invalid");
    let problem = status["configuration"]["problems"][0].as_str().unwrap();
    assert!(problem.contains("agent_log_path") && problem.contains("only when the agent is restarted"), "{problem}");
    assert!(!elsewhere.exists());
    assert!(status["monitors"].as_array().unwrap().is_empty());
    story.stop();
}

#[test]
fn all_that_keeps_the_agent_from_starting_is_said_at_once() {
    let scratch = Scratch::new();
    for file in ["log", "data"] {
        fs::write(scratch.path(file), "a file").unwrap();
    }
    let config = scratch.path("agent.json");
    let start = |api_key: &str| {
        let keys = json!({
            "api_key": api_key, "agent_log_path": scratch.path("log"), "agent_data_path": scratch.path("data"),
        });
        fs::write(&config, keys.to_string()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
        command.args(["start", "--no-fork", "-c"]).arg(&config).env_clear().stdin(Stdio::null());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    for (api_key, of_key) in [("key", false), ("", true)] {
        let said = start(api_key);
        for folder in ["log", "data"] {
            let refusal =
                format!("{} is not a directory; agent_{folder}_path must name one", scratch.path(folder).display());
            assert_eq!(said.matches(&refusal).count(), 1, "{said}");
        }
        assert_eq!(said.contains("api_key"), of_key, "{said}");
    }
}
