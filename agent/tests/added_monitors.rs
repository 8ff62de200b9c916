//! "My monitor discovers things and adds a monitor for each." In a whole agent, with real files and threads.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scalyr_agent::cli::configuration;
use scalyr_agent::monitors::added::MOST_ADDED;
use scalyr_agent::monitors::panic_place;
use scalyr_agent::monitors::state::{MonitorSnapshot, Phase};
use scalyr_agent::receiver::{Options, Receiver};
use scalyr_agent::supervisor::{Edge, Supervisor};
use scalyr_agent::threads::Threads;
use scalyr_monitor::prelude::*;
use scalyr_monitor::registry::Environment;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);

/// The handles of the monitors `finder`, by their names.
static HANDLES: Mutex<BTreeMap<String, Monitors>> = Mutex::new(BTreeMap::new());

fn handle(name: &str) -> Monitors {
    HANDLES.lock().unwrap().get(name).cloned().unwrap()
}

/// Adds a worker for each of its names when it begins, and panics when it is told to.
#[scalyr_monitor(name = "finder")]
pub struct Finder {
    /// What it finds.
    #[config(default)]
    finds: Vec<String>,

    /// Whether it panics in its third sample.
    #[config(default = false)]
    panics: bool,

    /// Whether it never comes back from `initialize`, once it has added its workers.
    #[config(default = false)]
    hangs: bool,

    samples: u64,
}

impl Monitor for Finder {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        HANDLES.lock().unwrap().insert(context.name().to_owned(), context.monitors().clone());
        for id in &self.finds {
            let path = format!("worker-{id}.log");
            let worker = NewMonitor::new("worker", id).with("sample_interval", 0.1);
            context.monitors().add(worker.with_log(move |log| log.path = path.clone().into()))?;
        }
        if self.hangs {
            loop {
                std::thread::sleep(PATIENCE);
            }
        }
        Ok(())
    }

    fn gather_sample(&mut self, _: &mut Sample) -> Result<()> {
        self.samples += 1;
        assert!(!self.panics || self.samples < 3, "lost its way");
        Ok(())
    }
}

/// Emits a beat.
#[scalyr_monitor(name = "worker")]
pub struct Worker {
    /// What goes wrong.
    #[config(default = "")]
    trouble: String,

    /// Has bounds.
    #[config(default = 1, min = 0, max = 1000)]
    size: u64,

    /// Always the size.
    #[metric]
    beat: Metric<u64>,
}

/// How many began to hang for ever.
static HANGING: AtomicU64 = AtomicU64::new(0);
static RELEASED: AtomicBool = AtomicBool::new(false);

fn hang() {
    while !RELEASED.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl Monitor for Worker {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        match self.trouble.as_str() {
            "refuses" => Err(Error::new("there is no such thing")),
            "panics" => panic!("no such thing"),
            "hangs" => {
                hang();
                Ok(())
            }
            "hangs for ever" => loop {
                HANGING.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(PATIENCE);
            },
            // Without end, whatever the answer is.
            "multiplies" => {
                let next = NewMonitor::new("worker", &format!("{}+", self.size + 1));
                _ = context.monitors().add(next.with("trouble", "multiplies").with("size", self.size + 1));
                Ok(())
            }
            // Its own offspring: to be found under it, and to end with it.
            "adds" => context.monitors().add(NewMonitor::new("worker", "child")).map(drop),
            _ => Ok(()),
        }
    }

    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        if self.trouble == "hangs later" {
            hang();
        }
        out.emit(self.beat, self.size);
        Ok(())
    }
}

/// Adds and removes in each sample, as fast as it can.
#[scalyr_monitor(name = "restless_finder")]
pub struct RestlessFinder {
    monitors: Option<Monitors>,
}

static CHANGES: AtomicU64 = AtomicU64::new(0);

impl Monitor for RestlessFinder {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        self.monitors = Some(context.monitors().clone());
        Ok(())
    }

    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        let monitors = self.monitors.as_ref().unwrap();
        for _ in 0..10 {
            let name = monitors.add(NewMonitor::new("worker", "brief"))?;
            monitors.remove(&name)?;
            CHANGES.fetch_add(1, Ordering::Relaxed);
        }
        out.line("changed");
        Ok(())
    }
}

fn start(directory: &Path, server: &str, monitors: Value) -> Supervisor {
    panic_place::install();
    let config = json!({
        "api_key": "added",
        "scalyr_server": server,
        "allow_http": true,
        "agent_log_path": directory.join("log"),
        "agent_data_path": directory.join("data"),
        "implicit_metric_monitor": false,
        "implicit_agent_process_metrics_monitor": false,
        "implicit_agent_log_collection": false,
        "global_monitor_sample_interval_enable_jitter": false,
        "monitors": monitors,
    });
    let file = directory.join("agent.json");
    fs::write(&file, config.to_string()).unwrap();
    let (plan, report) = configuration::read(&file, &Arc::new(Environment::default())).unwrap();
    let edge = Edge { config_file: file, report, options: Vec::new(), clock: Clock::system(), stdout: None };
    Supervisor::start(plan, edge).unwrap()
}

const NOWHERE: &str = "http://127.0.0.1:9";

#[track_caller]
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Clock::system().monotonic();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn find(supervisor: &Supervisor, name: &str) -> Option<MonitorSnapshot> {
    supervisor.snapshot().monitors.into_iter().find(|monitor| monitor.name == name)
}

#[test]
fn what_a_monitor_adds_runs_is_shipped_and_can_be_removed() {
    let directory = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(Options::default(), &Threads::new(), &Clock::system()).unwrap();
    let entry = json!([{ "module": "finder", "id": "ships", "sample_interval": 0.1, "finds": ["a", "b"] }]);
    let supervisor = start(directory.path(), &receiver.url(), entry);
    let log = |id: &str| directory.path().join(format!("log/worker-{id}.log"));
    let events = |summary: &scalyr_agent::receiver::Summary, id: &str| {
        summary.files.get(log(id).to_string_lossy().as_ref()).map_or(0, |file| file.events)
    };
    assert!(receiver.wait_until(PATIENCE, |summary| events(summary, "a") >= 3 && events(summary, "b") >= 3));

    let monitors = handle("finder(ships)");
    let names = |monitors: &Monitors| monitors.list().into_iter().map(|added| added.name).collect::<Vec<_>>();
    assert_eq!(names(&monitors), ["worker(a)", "worker(b)"]);
    let found = monitors.find("worker-a").unwrap();
    assert!(found.running && found.name == "worker(a)" && monitors.find(&found.short_hash) == Some(found.clone()));
    let shown = find(&supervisor, "worker(a)").unwrap();
    assert_eq!((shown.added_by.as_deref(), shown.state), (Some("finder(ships)"), Phase::Running));

    monitors.remove("worker-a").unwrap();
    assert_eq!(names(&monitors), ["worker(b)"]);
    wait_until("it has ended", || {
        supervisor.tick().unwrap();
        find(&supervisor, "worker(a)").is_none()
    });
    let written = fs::read_to_string(log("a")).unwrap().lines().count() as u64;
    assert!(receiver.wait_until(PATIENCE, |summary| events(summary, "a") == written), "all of it is shipped");
    let error = monitors.remove("worker(a)").unwrap_err().to_string();
    let told = "finder(ships) has added no monitor \"worker(a)\" that could be removed; it has `worker(b)`";
    assert_eq!(error, told);

    // The same thing comes back.
    let again = NewMonitor::new("worker", "a").with("size", 7).with_log(|log| log.path = "worker-a.log".into());
    assert_eq!(monitors.add(again.with("sample_interval", 0.1)).unwrap(), "worker(a)");
    wait_until("it is at work again", || fs::read_to_string(log("a")).unwrap().contains(" beat 7\n"));
    monitors.remove("worker(a)").unwrap();
    wait_until("it has ended again", || {
        supervisor.tick().unwrap();
        find(&supervisor, "worker(a)").is_none()
    });
    let all = fs::read_to_string(log("a")).unwrap().lines().count() as u64;
    assert!(all > written);
    let arrived = receiver.wait_until(PATIENCE, |summary| events(summary, "a") == all);
    assert!(arrived, "each line once: {all} written, {} arrived", events(&receiver.summary(), "a"));

    let stopped = supervisor.stop();
    assert!(stopped.left_behind.is_empty() && stopped.drained && stopped.totals.reconciles(), "{stopped:?}");
    let agent_log = fs::read_to_string(directory.path().join("log/agent.log")).unwrap();
    assert!(agent_log.contains("Starting monitor worker(a), added by finder(ships)\n"), "{agent_log}");
    assert!(monitors.add(NewMonitor::new("worker", "late")).unwrap_err().to_string().contains("stopping"));
}

#[test]
fn what_cannot_be_added_is_refused_with_all_that_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let entries = json!([
        { "module": "finder", "id": "refused" },
        { "module": "finder", "id": "other" },
        { "module": "worker", "id": "configured" },
    ]);
    let supervisor = start(directory.path(), NOWHERE, entries);
    let (monitors, other) = (handle("finder(refused)"), handle("finder(other)"));
    let refused = |new: NewMonitor| monitors.add(new).unwrap_err().to_string();
    let worker = |id: &str| NewMonitor::new("worker", id);

    let all =
        refused(NewMonitor::from_entry([("module".to_owned(), "worker".into()), ("size".to_owned(), 1001.into())]));
    assert!(all.contains("added by finder(refused)  id: is missing"), "{all}");
    assert!(all.contains("size: 1001 is above the maximum 1000"), "{all}");
    assert!(refused(NewMonitor::new("wroker", "a")).contains("did you mean `worker`?"));
    let taken =
        "Monitor worker(configured) is not added: the configuration has a monitor of that name; give it another id";
    assert_eq!(refused(worker("configured")), taken);
    other.add(worker("mine")).unwrap();
    let taken =
        "Monitor worker(mine) is not added: finder(other) has added one of that name already; give it another id";
    assert_eq!(refused(worker("mine")), taken);
    assert!(monitors.remove("worker(mine)").is_err(), "only its owner may remove it");
    let why = refused(worker("a").with("trouble", "refuses"));
    assert_eq!(why, "Invalid configuration of monitor worker(a) (added by finder(refused)): there is no such thing");
    assert!(refused(worker("a").with("trouble", "panics")).contains("initialising panicked at agent/tests/added_"));
    assert!(refused(worker("a").with_log(|_| panic!("no log"))).contains("setting up its metric log panicked at"));
    assert!(refused(worker("a").with_log(|log| log.path = "agent.log".into())).contains("the agent's own log"));
    let why = refused(worker("late").with("trouble", "hangs"));
    assert_eq!(why, "Monitor worker(late) is not added: it did not initialise within 5 s");
    assert!(monitors.list().is_empty());

    // Nothing of what was refused has a hold on its name.
    assert_eq!(monitors.add(worker("a")).unwrap(), "worker(a)");
    RELEASED.store(true, Ordering::Relaxed);
    assert!(supervisor.stop().left_behind.is_empty());
}

// monitor-framework.md, sharp edge 1
#[test]
fn there_is_a_bound_and_disabled_ones_are_shown() {
    let directory = tempfile::tempdir().unwrap();
    let supervisor = start(directory.path(), NOWHERE, json!([{ "module": "finder", "id": "many" }]));
    let monitors = handle("finder(many)");
    for number in 0..MOST_ADDED {
        monitors.add(NewMonitor::new("worker", &number.to_string()).with("disabled", true)).unwrap();
    }
    let error = monitors.add(NewMonitor::new("worker", "one too many")).unwrap_err().to_string();
    assert!(error.ends_with("there are 500 added monitors already, which is the most; remove some first"), "{error}");
    assert_eq!(find(&supervisor, "worker(0)").unwrap().state, Phase::Disabled);
    monitors.remove("worker(0)").unwrap();
    monitors.add(NewMonitor::new("worker", "one too many")).unwrap();
    supervisor.stop();
}

#[test]
fn what_a_monitor_has_added_ends_when_it_fails_and_comes_back_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let entry = json!([{ "module": "finder", "id": "fails", "sample_interval": 0.1, "finds": ["c"], "panics": true }]);
    let supervisor = start(directory.path(), NOWHERE, entry);
    let first = handle("finder(fails)");
    wait_until("it was built anew", || find(&supervisor, "finder(fails)").is_some_and(|finder| finder.restarts >= 1));
    let error = first.add(NewMonitor::new("worker", "stale")).unwrap_err().to_string();
    assert!(error.ends_with("finder(fails) has ended, or was asked to stop"), "{error}");
    wait_until("its worker is back", || find(&supervisor, "worker(c)").is_some_and(|worker| worker.samples >= 1));
    let log = fs::read_to_string(directory.path().join("log/agent.log")).unwrap();
    assert!(log.matches("Starting monitor worker(c), added by finder(fails)\n").count() >= 2, "{log}");
    supervisor.stop();
}

#[test]
fn what_an_added_monitor_adds_ends_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let supervisor = start(directory.path(), NOWHERE, json!([{ "module": "finder", "id": "root" }]));
    let monitors = handle("finder(root)");
    monitors.add(NewMonitor::new("worker", "parent").with("trouble", "adds")).unwrap();
    assert_eq!(find(&supervisor, "worker(child)").unwrap().added_by.as_deref(), Some("worker(parent)"));
    assert_eq!(monitors.list().len(), 1, "the child is not its own");
    monitors.remove("worker(parent)").unwrap();
    wait_until("both have ended", || {
        supervisor.tick().unwrap();
        supervisor.snapshot().monitors.len() == 1
    });
    supervisor.stop();
}

#[test]
fn an_agent_stops_while_monitors_are_added_and_removed() {
    for _ in 0..3 {
        let directory = tempfile::tempdir().unwrap();
        let entries = json!([{ "module": "restless_finder", "sample_interval": 0.1 }]);
        let supervisor = start(directory.path(), NOWHERE, entries);
        let before = CHANGES.load(Ordering::Relaxed);
        wait_until("it is at it", || {
            supervisor.tick().unwrap();
            supervisor.snapshot();
            CHANGES.load(Ordering::Relaxed) > before + 5
        });
        assert!(supervisor.stop().left_behind.is_empty());
    }
}

#[test]
fn monitors_that_add_each_other_without_end_meet_the_bound_and_the_agent_stops() {
    let directory = tempfile::tempdir().unwrap();
    let supervisor = start(directory.path(), NOWHERE, json!([{ "module": "finder", "id": "breeds" }]));
    // Refused after five seconds, or taken: the chain is longer than the patience or not.
    let added = handle("finder(breeds)").add(NewMonitor::new("worker", "1+").with("trouble", "multiplies"));
    let there = supervisor.snapshot().monitors.len();
    assert!(there <= 1 + MOST_ADDED, "{there}, {added:?}");
    assert!(supervisor.stop().left_behind.is_empty());
}

#[test]
fn an_added_monitor_can_stop_the_agent() {
    let directory = tempfile::tempdir().unwrap();
    let supervisor = start(directory.path(), NOWHERE, json!([{ "module": "finder", "id": "vital" }]));
    let vital = NewMonitor::new("finder", "inner").with("panics", true).with("stop_agent_on_failure", true);
    handle("finder(vital)").add(vital.with("sample_interval", 0.1)).unwrap();
    let mut failure = None;
    wait_until("the agent is told to stop", || {
        failure = supervisor.tick().err();
        failure.is_some()
    });
    assert!(failure.unwrap().starts_with("Monitor finder(inner) (short hash "));
    assert_eq!(supervisor.snapshot().dead_monitors, 1);
    supervisor.stop();
    let log = fs::read_to_string(directory.path().join("log/agent.log")).unwrap();
    assert!(log.contains("[error=\"failedAgentMain\"] Monitor finder(inner) (short hash "), "{log}");
}

#[test]
fn whoever_waits_for_what_it_adds_is_told_when_it_or_the_agent_has_to_end() {
    let directory = tempfile::tempdir().unwrap();
    let supervisor = start(directory.path(), NOWHERE, json!([{ "module": "finder", "id": "waits" }]));
    let monitors = handle("finder(waits)");
    monitors.add(NewMonitor::new("finder", "within")).unwrap();
    let hanging = |id: &str| NewMonitor::new("worker", id).with("trouble", "hangs for ever");
    let within = handle("finder(within)");
    let refused = std::thread::scope(|scope| {
        let adding = scope.spawn(|| within.add(hanging("one")).unwrap_err().to_string());
        wait_until("the new one hangs", || HANGING.load(Ordering::Relaxed) == 1);
        monitors.remove("finder(within)").unwrap();
        adding.join().unwrap()
    });
    assert!(refused.ends_with("finder(within) has ended, or was asked to stop"), "{refused}");
    let refused = std::thread::scope(|scope| {
        let adding = scope.spawn(|| monitors.add(hanging("two")).unwrap_err().to_string());
        wait_until("the new one hangs", || HANGING.load(Ordering::Relaxed) == 2);
        assert!(supervisor.stop().left_behind.is_empty());
        adding.join().unwrap()
    });
    assert_eq!(refused, "Monitor worker(two) is not added: the agent is stopping");
}

#[test]
fn what_a_monitor_adds_that_never_begins_ends_with_its_refusal() {
    let directory = tempfile::tempdir().unwrap();
    let entry = json!([{ "module": "finder", "id": "late", "finds": ["orphan"], "hangs": true }]);
    let supervisor = start(directory.path(), NOWHERE, entry);
    assert!(supervisor.snapshot().refused[0].why.contains("finder(late)"), "{:?}", supervisor.snapshot().refused);
    wait_until("its worker has ended", || {
        supervisor.tick().unwrap();
        supervisor.snapshot().monitors.is_empty()
    });
    let error = handle("finder(late)").add(NewMonitor::new("worker", "later")).unwrap_err().to_string();
    assert!(error.ends_with("finder(late) has ended, or was asked to stop"), "{error}");
    supervisor.stop();
}

#[test]
fn the_words_about_what_a_monitor_adds_are_within_its_own_share_of_the_agent_log() {
    let directory = tempfile::tempdir().unwrap();
    let supervisor = start(directory.path(), NOWHERE, json!([{ "module": "finder", "id": "talks" }]));
    let monitors = handle("finder(talks)");
    monitors.add(NewMonitor::new("worker", "words").with("sample_interval", 0.1)).unwrap();
    supervisor.stop();
    let log = fs::read_to_string(directory.path().join("log/agent.log")).unwrap();
    let told = log.lines().find(|line| line.contains("Starting monitor worker(words)")).expect(&log);
    assert!(told.contains(" INFO [monitor:finder(talks)] "), "a flood of them must not hide the agent's words: {told}");
}
