//! "I edited the configuration of a busy host, again and again. Did every line arrive, once?"

#![expect(clippy::print_stderr, reason = "a test prints for the person who reads its failure")]

mod story;

use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use rustix::process::Signal;
use serde_json::{Value, json};
use story::{
    AgentProcess, Event, Lines, ReceiverProcess, Scratch, assert_each_once, assert_reconciles, seeded_rng, wait_until,
    write_config,
};

const PATIENCE: Duration = Duration::from_secs(180);
const FOLDERS: usize = 10;
const FILES_IN_EACH: usize = 10;
const MONITORS: usize = 20;
const RELOADS: usize = 12;
/// What the agent log says when a new configuration is in use.
const RELOADED: &str = "Configuration reloaded";
/// What it says when a session has made way for the next one: with everything delivered, or not.
const HANDED_OVER: [&str; 2] = ["has delivered everything that it had been handed", "they are read again"];

/// A configuration that is edited again and again.
struct Host {
    scratch: Scratch,
    server: String,
    rng: StdRng,
    means: [f64; MONITORS],
    level: u8,
}

impl Host {
    fn folder(&self, folder: usize) -> String {
        self.scratch.path(&format!("logs/{folder}")).display().to_string()
    }

    /// Writes a configuration in which something is different everywhere; the last one copies everything.
    fn edit(&mut self, is_last: bool) {
        let mut logs = Vec::new();
        for folder in 0..FOLDERS {
            let path = self.folder(folder);
            // Some folders are left out for a while, some are copied file by file, some by a pattern, some by both.
            if is_last || self.rng.random_bool(0.8) {
                logs.push(
                    json!({ "path": format!("{path}/*.log"), "attributes": { "by": self.rng.random_range(0..3) } }),
                );
            }
            for file in 0..FILES_IN_EACH {
                if self.rng.random_bool(0.2) {
                    let attributes = json!({ "of": self.rng.random_range(0..3) });
                    logs.push(json!({ "path": format!("{path}/{file}.log"), "attributes": attributes }));
                }
            }
        }
        logs.shuffle(&mut self.rng);
        for mean in &mut self.means {
            if self.rng.random_bool(0.3) {
                *mean = f64::from(self.rng.random_range(1..100_u8)) / 10.0;
            }
        }
        // Each time another session.
        self.level = self.level % 9 + 1;
        let monitors: Vec<Value> = (self.means.iter().enumerate())
            .map(|(index, mean)| json!({ "module": "coin", "id": format!("m{index}"), "gauss_mean": mean }))
            .collect();
        let extra = json!({
            "monitors": monitors,
            "compression_level": self.level,
            "max_error_request_spacing_interval": 0.2,
            "server_attributes": { "serverHost": "story", "tier": self.rng.random_range(0..3).to_string() },
            "global_monitor_sample_interval": 0.2,
            // Only SIGHUP: a look in the middle of a write would find a half of it.
            "config_change_check_interval": 3600,
        });
        write_config(&self.scratch, &self.server, logs.into(), extra);
    }

    /// How often the agent log says something.
    fn told(&self, text: &str) -> usize {
        let log = fs::read_to_string(self.scratch.path("log/agent.log")).unwrap_or_default();
        log.matches(text).count()
    }
}

#[test]
fn a_configuration_that_is_edited_under_load_loses_and_repeats_nothing() {
    let scratch = Scratch::new();
    // A server with moods: a session may have to leave before it has delivered everything.
    let moods = ["4*delay:20ms+ok", "2*http:503"].repeat(50).join(",");
    let mut receiver = ReceiverProcess::start_with(&scratch, "receiver", &["--fault", &moods]);
    let mut host = Host { server: receiver.url(), rng: seeded_rng(), means: [0.5; MONITORS], level: 1, scratch };
    let mut files = BTreeMap::new();
    for folder in 0..FOLDERS {
        fs::create_dir_all(host.folder(folder)).unwrap();
        for file in 0..FILES_IN_EACH {
            let path = format!("{}/{file}.log", host.folder(folder));
            files.insert(path.clone(), Lines::new(path.as_ref(), 40));
        }
    }
    host.edit(true);
    let mut agent = AgentProcess::start(&host.scratch, &host.scratch.path("agent.json"));
    wait_until("the agent runs", PATIENCE, || agent.status().is_some());
    for reload in 1..=RELOADS {
        write_a_little(&mut files, &mut host.rng, 10);
        host.edit(reload == RELOADS);
        agent.process().signal(Signal::HUP);
        wait_until("the configuration is in use", PATIENCE, || {
            write_a_little(&mut files, &mut host.rng, 1);
            host.told(RELOADED) == reload
        });
    }
    write_a_little(&mut files, &mut host.rng, 10);

    let total: u64 = files.values().map(Lines::written).sum();
    let is_line = |event: &&Event| files.contains_key(&event.logfile);
    wait_until("all lines have arrived", PATIENCE, || receiver.events().iter().filter(is_line).count() as u64 >= total);
    wait_until("everything is acknowledged", PATIENCE, || {
        agent.status().is_some_and(|status| status["files"].as_array().unwrap().iter().all(is_quiet))
    });
    assert_reconciles(&agent.status().unwrap());
    assert_eq!(agent.stop(PATIENCE), Some(0));
    let [delivered, read_again] = HANDED_OVER.map(|text| host.told(text));
    eprintln!("{delivered} sessions delivered everything, of {read_again} the rest was read again");
    assert!(delivered + read_again > 0);

    let mut events: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for event in receiver.events() {
        events.entry(event.logfile.clone()).or_default().push(event.clone());
    }
    for (path, lines) in &files {
        assert_each_once(&events.remove(path).unwrap_or_default(), lines.written());
    }
    // What is left are the lines of the monitors: as they were written, from the first one on.
    assert!(!events.is_empty());
    for (path, events) in events {
        let written = fs::read(&path).unwrap();
        let arrived: Vec<u8> = events.iter().flat_map(|event| event.message.iter().copied()).collect();
        assert!(written.starts_with(&arrived), "{path}: {} of {} bytes", arrived.len(), written.len());
    }
}

/// Whether nothing is on its way of a file, unless a monitor goes on writing it.
fn is_quiet(file: &Value) -> bool {
    file["pending"] == 0 || file["path"].as_str().is_some_and(|path| path.contains("/log/"))
}

/// Each file grows by a few lines, so many times.
fn write_a_little(files: &mut BTreeMap<String, Lines>, rng: &mut impl Rng, times: usize) {
    for _ in 0..times {
        for lines in files.values_mut() {
            lines.append(rng.random_range(0..4));
        }
        thread::sleep(Duration::from_millis(5));
    }
}
