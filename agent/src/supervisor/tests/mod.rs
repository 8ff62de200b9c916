//! What monitors say about their logs and about the host, from the configuration to the wire: a whole agent, a whole
//! receiver, plans that follow each other.

mod at_once;
mod handover;
mod listening;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scalyr_monitor::Clock;
use scalyr_monitor::prelude::*;
use scalyr_monitor::registry::Environment;
use serde_json::{Map, Value, json};

use super::{Edge, Supervisor};
use crate::cli::configuration;
use crate::config::Report;
use crate::config::plan::Plan;
use crate::monitors::panic_place;
use crate::receiver::{Arrival, Attribute, Observer, Options, Raw, Receiver};
use crate::status::RefusedMonitor;
use crate::threads::Threads;

const PATIENCE: Duration = Duration::from_secs(60);

/// How often a speaker that ends was built.
static BUILT: AtomicU64 = AtomicU64::new(0);

/// Says what its options tell it to.
#[scalyr_monitor(name = "speaker")]
struct Speaker {
    /// Attributes of the host.
    #[config(default)]
    host: Map<String, Value>,

    /// Its part of the `User-Agent`.
    #[config(default)]
    fragment: String,

    /// Keys of its log, as in `logs`.
    #[config(default)]
    log: Map<String, Value>,

    /// Attributes of its log.
    #[config(default)]
    of_log: Map<String, Value>,

    /// Log files that it registers.
    #[config(default)]
    files: Vec<String>,

    /// `disable`: does not want to run. `end`: ends after its first sample, and counts in `built` how often it was built.
    /// `add`: adds another one, which says that it was added.
    #[config(default)]
    mode: String,

    /// Always one.
    #[metric]
    one: Metric<u64>,

    monitors: Option<Monitors>,
}

impl Monitor for Speaker {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        context.disabled = self.mode == "disable";
        context.server_attributes = self.host.clone();
        if self.mode == "end" {
            context.server_attributes.insert("built".into(), (BUILT.fetch_add(1, Ordering::SeqCst) + 1).into());
        }
        context.log_config.options = self.log.clone();
        context.log_config.attributes = self.of_log.clone();
        for file in &self.files {
            context.log_files().register(LogConfig::new(file).parser("registered"))?;
        }
        self.monitors = Some(context.monitors().clone());
        context.user_agent().set(&self.fragment)
    }

    fn run(&mut self, run: &mut Run) -> Result<()> {
        while run.next() {
            run.sample(|out| {
                out.emit(self.one, 1);
                Ok(())
            });
            if let Some(monitors) = self.monitors.take().filter(|_| self.mode == "add") {
                let new = NewMonitor::new("speaker", "added")
                    .with("fragment", "added:1")
                    .with("files", json!(["of_added.log"]));
                monitors.add(new.with("host", json!({ "zone": "added", "added": 1 })).with("log_path", "added.log"))?;
            }
            if self.mode == "end" {
                return Err(Error::new("it has nothing more to say"));
            }
        }
        Ok(())
    }
}

/// What came over the wire.
#[derive(Clone, Debug, Default, PartialEq)]
struct Heard {
    connection: u64,
    fragments: Vec<String>,
    host: BTreeMap<String, String>,
    /// Attributes and text of each event.
    events: Vec<(BTreeMap<String, String>, String)>,
}

/// An agent and its receiver.
struct Story {
    directory: tempfile::TempDir,
    receiver: Receiver,
    heard: Arc<Mutex<Vec<Heard>>>,
    supervisor: Option<Supervisor>,
}

impl Story {
    fn new() -> Self {
        panic_place::install();
        let heard = Arc::<Mutex<Vec<Heard>>>::default();
        let receiver = receiver(&heard);
        Self { directory: tempfile::tempdir().unwrap(), receiver, heard, supervisor: None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The plan of a configuration with these keys.
    fn plan(&self, keys: Value) -> (Plan, Report) {
        let mut config = json!({
            "api_key": "key",
            "scalyr_server": self.receiver.url(),
            "allow_http": true,
            "agent_log_path": self.path("log"),
            "agent_data_path": self.path("data"),
            "implicit_metric_monitor": false,
            "implicit_agent_process_metrics_monitor": false,
            "implicit_agent_log_collection": false,
            "global_monitor_sample_interval": 0.1,
            "global_monitor_sample_interval_enable_jitter": false,
            "server_attributes": { "serverHost": "story", "tier": "web" },
        });
        config.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        let file = self.path("agent.json");
        fs::write(&file, config.to_string()).unwrap();
        configuration::read(&file, &Arc::new(Environment::default())).unwrap()
    }

    /// Starts the agent, or brings the running one to this configuration.
    fn apply(&mut self, keys: Value) {
        let (plan, report) = self.plan(keys);
        self.follow(plan, report);
    }

    /// Starts the agent with this plan, or brings the running one to it.
    fn follow(&mut self, plan: Plan, report: Report) {
        match &self.supervisor {
            Some(supervisor) => _ = supervisor.apply(plan, false).unwrap(),
            None => {
                let config_file = self.path("agent.json");
                let edge = Edge { config_file, report, options: Vec::new(), clock: Clock::system(), stdout: None };
                self.supervisor = Some(Supervisor::start(plan, edge).unwrap());
            }
        }
    }

    /// The latest request, once it is as wished.
    #[track_caller]
    fn hears(&self, what: &str, wish: impl Fn(&Heard) -> bool) -> Heard {
        let mut last = Heard::default();
        self.waits(what, || {
            let heard = self.heard.lock().unwrap().last().cloned();
            last = heard.unwrap_or_default();
            wish(&last)
        });
        last
    }

    #[track_caller]
    fn waits(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let begin = Clock::system().monotonic();
        while !holds() {
            assert!(begin.elapsed() < PATIENCE, "waited in vain until {what}: {:?}", self.heard.lock().unwrap().last());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// All events of a file that have come so far.
    fn events(&self, file: &str) -> Vec<(BTreeMap<String, String>, String)> {
        let path = self.path(file).display().to_string();
        let heard = self.heard.lock().unwrap();
        let events = heard.iter().flat_map(|heard| &heard.events);
        events.filter(|(attributes, _)| attributes.get("logfile") == Some(&path)).cloned().collect()
    }

    fn append(&self, name: &str, text: &str) {
        fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.path(name))
            .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
            .unwrap();
    }

    /// The lines of the agent log that hold a text, from there on.
    fn told(&self, text: &str) -> Vec<String> {
        let log = fs::read_to_string(self.path("log/agent.log")).unwrap();
        log.lines().filter_map(|line| line.find(text).map(|at| line[at..].to_owned())).collect()
    }

    fn stop(mut self) {
        let stopped = self.supervisor.take().unwrap().stop();
        assert!(stopped.drained && stopped.totals.reconciles(), "{stopped:?}");
    }
}

/// A receiver whose requests go there.
fn receiver(heard: &Arc<Mutex<Vec<Heard>>>) -> Receiver {
    let into = Arc::clone(heard);
    let observer: Observer = Arc::new(move |arrival: &Arrival<'_, '_>| into.lock().unwrap().push(hear(arrival)));
    let options = Options { observer: Some(observer), ..Options::default() };
    Receiver::start(options, &Threads::new(), &Clock::system()).unwrap()
}

fn hear(arrival: &Arrival<'_, '_>) -> Heard {
    let text = |value: Raw<'_>| value.as_str().map_or_else(|| value.value().unwrap().to_string(), Cow::into_owned);
    let request = arrival.request;
    let own = crate::upload::user_agent().split(';').count();
    let fragments = arrival.user_agent.split(';').skip(own);
    let attributes = |all: &[Attribute<'_>]| -> BTreeMap<String, String> {
        all.iter().map(|attribute| (attribute.name.clone().into_owned(), text(attribute.value))).collect()
    };
    let events = request.events.iter().map(|event| {
        let mut all = attributes(&event.attrs);
        all.extend(request.inherited(event).map(|attr| (attr.name.clone().into_owned(), text(attr.value))));
        (all, String::from_utf8_lossy(&event.message).into_owned())
    });
    Heard {
        connection: arrival.connection,
        fragments: fragments.map(str::to_owned).collect(),
        host: attributes(request.session_info.as_deref().unwrap()),
        events: events.collect(),
    }
}

fn host(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let configured = [("serverHost", "story"), ("tier", "web")];
    configured.iter().chain(pairs).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn attributes_and_fragments_of_monitors_come_and_go_with_them_on_one_connection() {
    let mut story = Story::new();
    let b = json!({ "module": "speaker", "id": "b", "fragment": "k8s:1.2", "host": { "zone": "b", "tier": "db" } });
    let c = json!({ "module": "speaker", "id": "c", "fragment": "docker:9", "host": { "zone": "c", "rack": 3 } });
    let mute = json!({ "module": "speaker", "id": "d", "mode": "disable", "fragment": "d", "host": { "mute": 1 } });
    story.apply(json!({ "monitors": [b, c, mute] }));
    let heard = story.hears("the first request has come", |heard| heard.connection > 0);
    // Also the very first one has them: the sessions start behind the monitors.
    assert_eq!(
        (heard.host, heard.fragments),
        (host(&[("zone", "b"), ("rack", "3")]), vec!["docker:9".to_owned(), "k8s:1.2".to_owned()])
    );
    // One that is added later, and stands before the others.
    let a = json!({ "module": "speaker", "id": "a", "fragment": "k8s:1.2", "host": { "zone": "a" } });
    story.apply(json!({ "monitors": [a, b, c] }));
    let heard = story.hears("the new one is heard", |heard| heard.host.get("zone") == Some(&"a".to_owned()));
    assert_eq!((heard.host, heard.fragments.len()), (host(&[("zone", "a"), ("rack", "3")]), 2));
    // Two that are removed take back what they said, and the next one comes forward.
    story.apply(json!({ "monitors": [c] }));
    let alone = host(&[("zone", "c"), ("rack", "3")]);
    let heard = story.hears("they are gone", |heard| heard.fragments == ["docker:9"] && heard.host == alone);
    assert_eq!(heard.connection, 1, "over the connection that was kept");
    for told in [
        "attribute \"tier\" of module speaker (speaker(b)) is not sent: the configuration gives it",
        "attribute \"zone\" of module speaker (speaker(c)) is not sent: monitor speaker(b), which comes before it, gives",
    ] {
        assert_eq!(story.told(told).len(), 1, "{told}");
    }
    story.stop();
}

#[test]
fn what_a_monitor_says_when_it_is_built_anew_takes_the_place_of_what_it_said_before() {
    let mut story = Story::new();
    story.apply(json!({ "monitors": [
        { "module": "speaker", "id": "a", "mode": "end", "fragment": "again:1", "host": { "zone": "a" } },
        { "module": "speaker", "id": "b" }
    ] }));
    let built = |heard: &Heard| heard.host.get("built").and_then(|built| built.parse::<u64>().ok()).unwrap_or(0);
    let heard = story.hears("it was built twice", |heard| built(heard) >= 2);
    assert_eq!((heard.host["zone"].as_str(), heard.fragments), ("a", vec!["again:1".to_owned()]));
    story.apply(json!({ "monitors": [{ "module": "speaker", "id": "b" }] }));
    story.hears("it is gone", |heard| heard.fragments.is_empty() && heard.host == host(&[]));
    story.stop();
}

#[test]
fn a_metric_log_is_copied_once_as_the_first_says_that_speaks_of_it() {
    let mut story = Story::new();
    let a = json!({ "module": "speaker", "id": "a", "log_path": "sub.log", "of_log": { "of": "a", "parser": "x" } });
    let b = json!({ "module": "speaker", "id": "b", "log_path": "./sub.log", "of_log": { "of": "b" } });
    let c = json!({ "module": "speaker", "id": "c", "log_path": "listed.log" });
    let listed = json!([{ "path": "listed.l?g", "attributes": { "of": "logs" } }]);
    story.apply(json!({ "logs": listed, "monitors": [a, b, c] }));
    let has = |file: &str, id: &str, attribute: (&str, &str)| {
        let events = story.events(file);
        let of_id = events.iter().filter(|(_, line)| line.contains(&format!("[speaker({id})]")));
        let (_, wrong): (Vec<_>, Vec<_>) = of_id
            .clone()
            .partition(|(attributes, _)| attributes.get(attribute.0).map(String::as_str) == Some(attribute.1));
        assert!(wrong.is_empty(), "{wrong:?}");
        of_id.count() >= 3
    };
    story.waits("lines of all three have come", || {
        has("log/sub.log", "a", ("of", "a"))
            && has("log/sub.log", "b", ("of", "a"))
            && has("log/sub.log", "a", ("parser", "agent-metrics"))
            && has("log/listed.log", "c", ("of", "logs"))
    });
    assert_eq!(story.receiver.summary().repeated_events, 0);
    for (monitor, by) in [("speaker(b)", "monitor speaker(a)"), ("speaker(c)", "logs[0]")] {
        let told = story.told(&format!("monitor {monitor}: its log "));
        assert!(matches!(told.as_slice(), [one] if one.contains(&format!("is copied as {by} says"))), "{told:?}");
    }
    // When the first one goes, the next one's settings count for what comes then, and nothing is missed.
    story.apply(json!({ "logs": listed, "monitors": [b, c] }));
    story.waits("lines of the other have come as it says", || {
        story.events("log/sub.log").last().is_some_and(|(attributes, _)| attributes["of"] == "b")
    });
    let stopped = story.supervisor.take().unwrap().stop();
    assert!(stopped.drained, "{stopped:?}");
    let sent: String = story.events("log/sub.log").into_iter().map(|(_, line)| line).collect();
    assert_eq!(sent, fs::read_to_string(story.path("log/sub.log")).unwrap());
}

#[test]
fn a_metric_log_that_must_not_leave_unredacted_keeps_its_monitor_from_running_and_nobody_else() {
    let mut story = Story::new();
    story.apply(json!({ "monitors": [
        { "module": "speaker", "id": "a", "log_path": "a.log", "files": ["of_a.log"],
          "log": { "redaction_rules": [{ "match_expression": "one", "replacement": "\\2" }] } },
        { "module": "speaker", "id": "b", "log_path": "b.log", "host": { "list": [1], "b": true },
          "log": { "sampling_rules": [{ "match_expression": "x", "sampling_rate": 0 }], "exclud": [] } },
        { "module": "speaker", "id": "c", "log_path": "c.log", "of_log": { "labels": {} } }
    ] }));
    story.append("log/of_a.log", "of a monitor that does not run\n");
    let heard = story.hears("b is heard", |heard| heard.connection > 0);
    assert_eq!(heard.host, host(&[("b", "true")]));
    let refused = story.supervisor.as_ref().unwrap().snapshot().refused;
    let mut refused: Vec<_> = refused.into_iter().map(|RefusedMonitor { name, why }| format!("{name}|{why}")).collect();
    refused.sort();
    assert_eq!(
        refused,
        [
            "speaker(a)|Invalid configuration of monitor speaker(a) (monitors[0]): log_config.redaction_rules[0].replacement: \
             `\\2` is not a group: the expression has no groups; put what it is to stand for in brackets, or write `\\g<0>` \
             for all that was found",
            "speaker(c)|Invalid configuration of monitor speaker(c) (monitors[2]): log_config.attributes.labels: must be a text, \
             a number, true or false, but is an object",
        ]
    );
    for told in [
        "log_config.exclud: is not known and has no effect; did you mean `exclude`?",
        "server_attributes.list: must be a text, a number, true or false, but is a list; it is left out",
    ] {
        assert_eq!(story.told(told).len(), 1, "{told}");
    }
    assert!(!story.path("log/a.log").exists() && !story.path("log/c.log").exists());
    story.waits("what the refused one registered is let go", || {
        story.supervisor.as_ref().unwrap().snapshot().tail.watched_paths == 1
    });
    story.stop();
}

#[test]
fn files_that_a_monitor_registers_are_copied_below_the_log_path_until_it_is_removed() {
    let mut story = Story::new();
    let elsewhere = story.path("elsewhere.log");
    let registering = json!({ "module": "speaker", "id": "a", "files": ["sub/own.log", elsewhere] });
    let other = json!({ "module": "speaker", "id": "b" });
    story.apply(json!({ "monitors": [registering, other] }));
    fs::create_dir(story.path("log/sub")).unwrap();
    for file in ["log/sub/own.log", "elsewhere.log"] {
        story.append(file, "1\n");
        story.waits("the first line has come", || story.events(file).len() == 1);
        story.append(file, "2\n");
    }
    story.apply(json!({ "monitors": [other] }));
    story.waits("all was read and they are let go", || {
        story.supervisor.as_ref().unwrap().snapshot().tail.watched_paths == 1
    });
    for file in ["log/sub/own.log", "elsewhere.log"] {
        let events = story.events(file);
        let lines: Vec<_> = events.iter().map(|(_, line)| line.as_str()).collect();
        assert_eq!(lines, ["1\n", "2\n"], "{file}");
        assert!(events.iter().all(|(attributes, _)| attributes["parser"] == "registered"));
        story.append(file, "3\n");
    }
    // Registered again they go on where they were.
    story.apply(json!({ "monitors": [registering, other] }));
    for file in ["log/sub/own.log", "elsewhere.log"] {
        story.waits("the third line has come", || story.events(file).len() == 3);
    }
    assert_eq!(story.receiver.summary().repeated_events, 0);
    story.stop();
}

#[test]
fn what_an_added_monitor_says_comes_and_goes_with_it() {
    let mut story = Story::new();
    let adding = json!({ "module": "speaker", "id": "a", "mode": "add", "host": { "zone": "a" } });
    let other = json!({ "module": "speaker", "id": "b" });
    story.apply(json!({ "monitors": [adding, other] }));
    let both = host(&[("zone", "a"), ("added", "1")]);
    story.hears("it is heard", |heard| heard.fragments == ["added:1"] && heard.host == both);
    story.append("log/of_added.log", "1\n");
    story.waits("its files are copied", || {
        story.events("log/of_added.log").len() == 1 && !story.events("log/added.log").is_empty()
    });
    // It ends with the one that added it.
    story.apply(json!({ "monitors": [other] }));
    story.hears("it is gone", |heard| heard.fragments.is_empty() && heard.host == host(&[]));
    story.waits("its files are let go", || {
        let supervisor = story.supervisor.as_ref().unwrap();
        supervisor.tick().unwrap();
        supervisor.snapshot().tail.watched_paths == 1
    });
    let told =
        "attribute \"zone\" of module speaker (speaker(added)) is not sent: monitor speaker(a), which comes before";
    assert_eq!(story.told(told).len(), 1);
    story.stop();
}
