//! Reloads of a whole agent: what restarts, what is left alone, what is refused.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scalyr_monitor::Clock;
use scalyr_monitor::prelude::*;
use scalyr_monitor::registry::Environment;
use serde_json::{Value, json};

use super::Reloaded;
use crate::cli::configuration::Source;
use crate::monitors::panic_place;
use crate::monitors::state::{MonitorSnapshot, Phase};
use crate::status::{ConfigurationState, Snapshot};
use crate::supervisor::{Edge, Supervisor};

const PATIENCE: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_secs(3);

/// How often a monitor with this tag was initialised.
static INITIALISED: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());

/// Opened when `status` has answered.
static GATE: AtomicBool = AtomicBool::new(false);

/// Says in its debug log that it lives.
#[scalyr_monitor(name = "reload_witness")]
struct Witness {
    /// Counts in `INITIALISED`.
    #[config(required)]
    tag: String,

    /// Something that may change.
    #[config(default = 0, max = 10)]
    value: u64,

    /// Whether it refuses to initialise.
    #[config(default)]
    refuse: bool,

    /// Whether its initialisation waits until `GATE` is open.
    #[config(default)]
    wait: bool,

    /// What hangs: `initialize` or `sample`.
    #[config(default)]
    hang: String,

    /// A file without which it refuses to initialise, as without a port that is taken.
    #[config(default)]
    needs: String,

    /// What may change.
    #[metric]
    seen: Metric<u64>,

    logger: Option<Logger>,
}

impl Monitor for Witness {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        *INITIALISED.lock().unwrap().entry(self.tag.clone()).or_default() += 1;
        self.logger = Some(context.logger().clone());
        while self.wait && !GATE.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(1));
        }
        if self.hang == "initialize" {
            std::thread::sleep(PATIENCE);
        }
        if !self.needs.is_empty() && !std::path::Path::new(&self.needs).exists() {
            return Err(Error::new("what it needs is not there"));
        }
        if self.refuse { Err(Error::new("it has no mind to")) } else { Ok(()) }
    }

    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        out.emit(self.seen, self.value);
        if self.hang == "sample" {
            std::thread::sleep(PATIENCE);
        }
        if let Some(logger) = &self.logger {
            logger.debug("a debug line");
        }
        Ok(())
    }
}

fn initialised(tag: &str) -> u64 {
    INITIALISED.lock().unwrap().get(tag).copied().unwrap_or(0)
}

/// An agent whose configuration is rewritten. Nobody listens at its server.
struct Story {
    directory: tempfile::TempDir,
    supervisor: Option<Supervisor>,
}

impl Story {
    fn start(keys: Value) -> Self {
        panic_place::install();
        let mut story = Self { directory: tempfile::tempdir().unwrap(), supervisor: None };
        story.write(keys);
        let source = story.source();
        let mut draft = source.draft(&source.load());
        let options = std::mem::take(&mut draft.options);
        let (plan, report) = draft.runnable().unwrap();
        let edge =
            Edge { config_file: story.path("agent.json"), report, options, clock: Clock::system(), stdout: None };
        story.supervisor = Some(Supervisor::start(plan, edge).unwrap());
        story
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn source(&self) -> Source {
        Source::new(&self.path("agent.json"), None, &Arc::new(Environment::default())).unwrap()
    }

    fn write(&self, keys: Value) {
        let mut config = json!({
            "api_key": "key",
            "scalyr_server": "http://127.0.0.1:9",
            "allow_http": true,
            "agent_log_path": self.path("log"),
            "agent_data_path": self.path("data"),
            "implicit_metric_monitor": false,
            "implicit_agent_process_metrics_monitor": false,
            "implicit_agent_log_collection": false,
            "global_monitor_sample_interval": 0.1,
            "global_monitor_sample_interval_enable_jitter": false,
        });
        config.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        fs::write(self.path("agent.json"), config.to_string()).unwrap();
    }

    fn running(&self) -> &Supervisor {
        self.supervisor.as_ref().unwrap()
    }

    /// Reads what is on disk.
    fn reload(&self) -> Reloaded {
        let source = self.source();
        self.running().reload(source.draft(&source.load()), false).unwrap()
    }

    /// Reads it because somebody asked for it.
    fn asked(&self) -> Reloaded {
        let source = self.source();
        self.running().reload(source.draft(&source.load()), true).unwrap()
    }

    /// Writes a configuration and reads it; in words what became of it.
    fn change(&self, keys: Value) -> String {
        self.write(keys);
        match self.reload() {
            Reloaded::Unchanged => "unchanged".to_owned(),
            Reloaded::Applied(changes) => changes.to_string(),
            Reloaded::CalledOff => "called off".to_owned(),
            Reloaded::Refused(reasons) => reasons.join("\n").replace(self.directory.path().to_str().unwrap(), ""),
        }
    }

    fn snapshot(&self) -> Snapshot {
        self.running().snapshot()
    }

    fn monitor(&self, name: &str) -> MonitorSnapshot {
        self.snapshot().monitors.into_iter().find(|monitor| monitor.name == name).unwrap()
    }

    /// Waits until a monitor has taken more than `samples`; returns how many those are.
    #[track_caller]
    fn sampled(&self, name: &str, samples: u64) -> u64 {
        let begin = Clock::system().monotonic();
        loop {
            let now = self.monitor(name).samples;
            if now > samples {
                return now;
            }
            assert!(begin.elapsed() < PATIENCE, "{name} took no more than {now} samples");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn log(&self, name: &str) -> String {
        fs::read_to_string(self.path("log").join(name)).unwrap_or_default()
    }

    /// The lines of the agent log that hold a text.
    fn told(&self, text: &str) -> usize {
        self.log("agent.log").lines().filter(|line| line.contains(text)).count()
    }
}

fn witness(id: &str, tag: &str) -> Value {
    json!({ "module": "reload_witness", "id": id, "tag": tag })
}

fn with(mut entry: Value, key: &str, value: impl Into<Value>) -> Value {
    entry[key] = value.into();
    entry
}

// configuration.md, sharp edge 12
#[test]
fn only_the_monitor_whose_option_changed_starts_anew() {
    let (a, b) = (witness("a", "only-a"), witness("b", "only-b"));
    let story = Story::start(json!({ "monitors": [a, b] }));
    let of_a = story.sampled("reload_witness(a)", 2);
    let c = witness("c", "only-c");
    let told = story.change(json!({ "monitors": [c, a, with(b.clone(), "value", 3)] }));
    assert_eq!(told, "monitor reload_witness(c) started, monitor reload_witness(b) restarted");
    assert!(story.sampled("reload_witness(a)", of_a) > of_a, "its counter goes on");
    assert_eq!([initialised("only-a"), initialised("only-b"), initialised("only-c")], [1, 2, 1]);
    let names: Vec<String> = story.snapshot().monitors.into_iter().map(|monitor| monitor.name).collect();
    assert_eq!(names, ["reload_witness(c)", "reload_witness(a)", "reload_witness(b)"], "as the configuration has them");
    assert_eq!(story.change(json!({ "monitors": [a] })), "2 monitors stopped (reload_witness(c) reload_witness(b))");
    assert_eq!(story.told("Configuration reloaded: 2 monitors stopped"), 1);
}

#[test]
fn a_worker_more_leaves_the_monitors_alone_and_a_worker_less_may_be_theirs() {
    let a = witness("a", "workers");
    let story = Story::start(json!({ "monitors": [a] }));
    let worker = json!({ "id": "more", "api_key": "other" });
    story.change(json!({ "monitors": [a], "workers": [worker] }));
    assert_eq!((story.snapshot().sessions.len(), initialised("workers")), (2, 1));
    let registrations = &story.running().lender.contributions;
    assert!(registrations.workers().ids().iter().any(|id| id == "more"), "what it registers may go there");
    story.change(json!({ "monitors": [a] }));
    assert_eq!((story.snapshot().sessions.len(), initialised("workers")), (1, 2));
}

// configuration.md, sharp edge 11
// configuration.md, sharp edge 13
// monitor-framework.md, sharp edge 8
#[test]
fn what_means_the_same_restarts_nothing() {
    let a = witness("a", "same");
    let story = Story::start(json!({ "monitors": [a], "logs": [{ "path": "/nowhere/a.log" }] }));
    let samples = story.sampled("reload_witness(a)", 0);
    let same = json!({ "logs": [{ "path": "/nowhere/a.log" }], "monitors": [a], "a_new_unknown_key": 1 });
    assert_eq!(story.change(same), "unchanged");
    // Comments, another layout, a number as a text.
    let text = fs::read_to_string(story.path("agent.json")).unwrap();
    let text =
        text.replace("\"global_monitor_sample_interval\":0.1", "// every\n global_monitor_sample_interval: \"0.1\"\n");
    fs::write(story.path("agent.json"), text).unwrap();
    assert_eq!(story.reload(), Reloaded::Unchanged);
    assert!(story.sampled("reload_witness(a)", samples) > samples);
    assert_eq!((initialised("same"), story.told("Stopping monitor")), (1, 0));
    assert!(story.snapshot().config_problems.iter().any(|problem| problem.contains("a_new_unknown_key")));
    assert_eq!(story.told("a_new_unknown_key"), 1, "a new warning is told, once");
}

// configuration.md, sharp edge 11
#[test]
fn a_new_mistake_keeps_everything_as_it_was_and_each_is_told_once() {
    let a = witness("a", "mistake");
    let odd = json!({ "path": 5 });
    let good = json!({ "monitors": [a], "logs": [odd] });
    let story = Story::start(good.clone());
    story.sampled("reload_witness(a)", 0);
    let bad =
        |value: u64| json!({ "monitors": [with(a.clone(), "value", value)], "logs": [odd, { "path": "/nowhere/x" }] });
    let reasons = story.change(bad(11));
    assert!(reasons.starts_with("refused: /agent.json:") && reasons.contains("monitors[0].value"), "{reasons}");
    assert_eq!(reasons.lines().count(), 1, "what was wrong before is not among them: {reasons}");
    let found = |story: &Story| {
        let configuration = story.snapshot().configuration;
        assert_eq!(configuration.state, ConfigurationState::NewerAndInvalid);
        assert_eq!(configuration.problems.len(), 1);
        configuration.found.unwrap()
    };
    let first = found(&story);
    assert_eq!(story.change(bad(11)), reasons);
    assert_eq!((found(&story), story.told("badConfigFile")), (first, 1), "the same is told once");
    assert!(story.change(bad(12)).contains("12"));
    assert_eq!(story.told("badConfigFile"), 2, "another one is told too");
    assert!(found(&story) > first);
    fs::remove_file(story.path("agent.json")).unwrap();
    assert!(matches!(story.reload(), Reloaded::Refused(_)), "a deleted file is a bad one");
    assert_eq!(story.change(good), "unchanged");
    let configuration = story.snapshot().configuration;
    assert_eq!((configuration.state, configuration.found), (ConfigurationState::Good, None));
    assert_eq!(story.told("is valid again"), 1);
    assert_eq!((initialised("mistake"), story.told("Stopping monitor")), (1, 0));
}

#[test]
fn what_was_refused_before_keeps_nobody_from_an_unrelated_change() {
    let refused = with(witness("a", "unrelated"), "value", 11);
    let story = Story::start(json!({ "monitors": [refused] }));
    let b = witness("b", "unrelated-b");
    assert_eq!(story.change(json!({ "monitors": [b, refused] })), "monitor reload_witness(b) started");
    let late = with(witness("c", "unrelated-c"), "refuse", true);
    let reasons = story.change(json!({ "monitors": [b, refused, late] }));
    assert!(reasons.contains("reload_witness(c)") && reasons.contains("it has no mind to"), "{reasons}");
}

#[test]
fn a_monitor_that_refuses_to_initialise_brings_back_the_one_before() {
    let (a, b) = (witness("a", "back-a"), witness("b", "back-b"));
    let story = Story::start(json!({ "monitors": [a, b] }));
    let of_b = story.sampled("reload_witness(b)", 0);
    let vital = with(with(a.clone(), "refuse", true), "stop_agent_on_failure", true);
    let logs = json!([{ "path": "/nowhere/new.log" }]);
    let new = json!({ "monitors": [vital, b, witness("c", "back-c")], "logs": logs });
    let reasons = story.change(new);
    assert!(reasons.contains("reload_witness(a)") && reasons.contains("it has no mind to"), "{reasons}");
    assert_eq!(story.running().tick(), Ok(()), "the agent does not end because of a reload");
    story.sampled("reload_witness(a)", 0);
    story.sampled("reload_witness(b)", of_b);
    let snapshot = story.snapshot();
    assert_eq!((snapshot.monitors.len(), snapshot.refused.len(), snapshot.running_monitors), (2, 0, 2));
    let waits = &snapshot.tail.unmatched;
    assert!(!waits.contains_key("/nowhere/new.log"), "nothing else of it is in use: {waits:?}");
    assert_eq!(initialised("back-b"), 1);
    let mended = json!({ "monitors": [a, b, witness("c", "back-c")], "logs": logs });
    assert_eq!(story.change(mended), "log /nowhere/new.log added, monitor reload_witness(c) started");
}

#[test]
fn status_answers_while_a_monitor_takes_its_time() {
    let story = Story::start(json!({ "monitors": [witness("a", "busy-a")] }));
    story.write(
        json!({ "monitors": [with(witness("a", "busy-a"), "value", 1), with(witness("b", "busy-b"), "wait", true)] }),
    );
    std::thread::scope(|scope| {
        let reload = scope.spawn(|| story.reload());
        let begin = Clock::system().monotonic();
        while initialised("busy-b") == 0 {
            assert!(begin.elapsed() < PATIENCE, "the reload never came to the new monitor");
            std::thread::sleep(Duration::from_millis(1));
        }
        // What is in use still, as it stands.
        assert_eq!(story.snapshot().monitors.len(), 1);
        GATE.store(true, Ordering::Release);
        assert!(matches!(reload.join().unwrap(), Reloaded::Applied(_)));
    });
    assert_eq!(story.snapshot().monitors.len(), 2);
}

#[test]
fn a_monitor_that_was_refused_leaves_the_list_when_it_is_mended_or_gone() {
    let bad = |id| with(witness(id, "list"), "refuse", true);
    let story = Story::start(json!({ "monitors": [bad("a"), bad("b"), bad("c")] }));
    let refused = || story.snapshot().refused.into_iter().map(|refused| refused.name).collect::<Vec<_>>();
    assert_eq!(refused().len(), 3);
    // The second one is changed, and refuses still.
    let told = story.change(json!({ "monitors": [witness("a", "list"), with(bad("b"), "value", 1)] }));
    assert!(told.contains("reload_witness(c) stopped"), "{told}");
    assert_eq!(refused(), ["reload_witness(b)"]);
    assert_eq!(story.monitor("reload_witness(a)").state, Phase::Running);
}

// configuration.md, sharp edge 14
#[test]
fn an_agent_that_is_to_stop_waits_for_no_monitor_of_a_reload() {
    let cases = [("initialize", "hurry-i"), ("sample", "hurry-s")];
    for (hang, tag) in cases {
        let first = if hang == "sample" { with(witness("a", tag), "hang", hang) } else { witness("a", tag) };
        let story = Story::start(json!({ "monitors": [first] }));
        let begin = Clock::system().monotonic();
        while hang == "sample" && !story.log("reload_witness.log").contains("seen") && begin.elapsed() < SHORT {
            std::thread::sleep(Duration::from_millis(10));
        }
        let second = with(witness("b", tag), "hang", "initialize");
        story.write(json!({ "monitors": [with(first, "value", 1), second] }));
        let stop = scalyr_monitor::Stop::new();
        story.running().hurry_on(&stop);
        std::thread::scope(|scope| {
            let reload = scope.spawn(|| story.reload());
            let is_at_it = || match hang {
                "sample" => story.told("Stopping monitor reload_witness(a)") > 0,
                _ => initialised(tag) >= 3,
            };
            while !is_at_it() {
                assert!(begin.elapsed() < PATIENCE, "the reload never came to it");
                std::thread::sleep(Duration::from_millis(1));
            }
            stop.stop();
            assert_eq!(reload.join().unwrap(), Reloaded::CalledOff, "{hang}");
        });
        assert_eq!(story.told("did not initialise within"), 0);
        assert_eq!(story.snapshot().configuration.state, ConfigurationState::Good);
    }
}

#[test]
fn whoever_asks_has_refused_monitors_tried_again() {
    let story = Story::start(json!({}));
    let needed = story.path("needed");
    let a = with(witness("a", "again"), "needs", needed.to_str().unwrap());
    let refused = || story.snapshot().refused.len();
    // Nothing of it is used, because the monitor refuses; nor when it is tried once more.
    assert!(story.change(json!({ "monitors": [a] })).contains("what it needs is not there"));
    assert!(matches!(story.asked(), Reloaded::Refused(_)));
    fs::write(&needed, "").unwrap();
    let Reloaded::Applied(changes) = story.asked() else { panic!("it is there now") };
    assert_eq!(changes.to_string(), "monitor reload_witness(a) started");

    // A change that is refused, and what had stopped for it cannot start again.
    fs::remove_file(&needed).unwrap();
    assert!(story.change(json!({ "monitors": [with(a.clone(), "value", 1)] })).contains("is not there"));
    assert_eq!((story.snapshot().monitors.len(), refused()), (0, 1));
    // Back to what is in use: the monitor is tried once more, and is still refused.
    assert_eq!(story.change(json!({ "monitors": [a] })), "unchanged");
    assert_eq!(refused(), 1);
    assert_eq!(story.reload(), Reloaded::Unchanged, "nobody asked");
    fs::write(&needed, "").unwrap();
    assert_eq!(story.reload(), Reloaded::Unchanged, "nobody asked");
    assert_eq!(refused(), 1);
    let Reloaded::Applied(changes) = story.asked() else { panic!("it is there now") };
    assert_eq!(changes.to_string(), "monitor reload_witness(a) started");
    assert_eq!((story.snapshot().monitors.len(), refused()), (1, 0));
    story.sampled("reload_witness(a)", 0);
    let before = initialised("again");
    assert_eq!((story.asked(), initialised("again")), (Reloaded::Unchanged, before), "one that runs is left alone");
}

#[test]
fn other_folders_need_another_start() {
    let story = Story::start(json!({}));
    for key in ["agent_log_path", "agent_data_path"] {
        let reasons = story.change(json!({ key: story.path("elsewhere"), "monitors": [witness("a", "folders")] }));
        assert!(reasons.contains(key) && reasons.contains("/elsewhere takes effect only when"), "{reasons}");
    }
    assert_eq!((initialised("folders"), story.path("elsewhere").exists()), (0, false));
    assert!(story.snapshot().monitors.is_empty());
}

// monitor-framework.md, sharp edge 19
#[test]
fn the_debug_level_changes_at_once_and_debug_lines_of_monitors_go_on_over_many_looks() {
    let a = witness("a", "debug");
    let story = Story::start(json!({ "monitors": [a] }));
    let samples = story.sampled("reload_witness(a)", 1);
    assert_eq!(story.log("agent_debug.log"), "");
    let debug = json!({ "monitors": [a], "debug_level": 1 });
    assert_eq!(story.change(debug.clone()), "the agent's own log changed");
    let lines = || story.log("agent_debug.log").matches("[monitor:reload_witness(a)]").count();
    for _ in 0..3 {
        let before = lines();
        assert_eq!(story.change(debug.clone()), "unchanged");
        let samples = story.sampled("reload_witness(a)", 0);
        story.sampled("reload_witness(a)", samples + 1);
        assert!(lines() > before);
    }
    assert!(story.sampled("reload_witness(a)", samples) > samples);
    assert_eq!(initialised("debug"), 1, "no hook of a monitor runs when the configuration is looked at");
}

#[test]
fn limits_of_reading_and_the_interval_of_looking_change_without_a_restart() {
    let story = Story::start(json!({ "logs": [{ "path": story_log(), "copy_from_start": true }] }));
    assert_eq!(story.running().config_check_interval(), Some(Duration::from_secs(30)));
    let told = story.change(json!({
        "logs": [{ "path": story_log(), "copy_from_start": true }],
        "max_line_size": 1000,
        "config_change_check_interval": 2,
    }));
    assert_eq!(told, "the limits of reading changed, the interval of these checks changed");
    assert_eq!(story.running().config_check_interval(), Some(Duration::from_secs(2)));
}

fn story_log() -> &'static str {
    "/nowhere/limits.log"
}
