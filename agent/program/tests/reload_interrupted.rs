//! A reload that is interrupted: by `kill -9`, by a stop, by a hundred others; and a configuration that is a link.

#![expect(clippy::print_stderr, reason = "a test prints for the person who reads its failure")]

mod story;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use rand::RngExt;
use rustix::process::Signal;
use serde_json::{Value, json};

use story::{
    AgentProcess, Event, Lines, ReceiverProcess, Scratch, assert_each_once, assert_reconciles, missing_and_repeated,
    seeded_rng, wait_until, write_config,
};

const PATIENCE: Duration = Duration::from_secs(60);
const FILES: usize = 6;
/// What the agent log says when a configuration is in use.
const RELOADED: &str = "Configuration reloaded";

/// Files that two workers share, each with a server of its own.
struct Host {
    scratch: Scratch,
    receivers: [ReceiverProcess; 2],
    lines: Vec<Lines>,
}

impl Host {
    fn new(faults: &str) -> Self {
        let scratch = Scratch::new();
        let receivers = ["one", "two"].map(|name| ReceiverProcess::start_with(&scratch, name, &["--fault", faults]));
        let lines = (0..FILES).map(|file| Lines::new(&scratch.path(&format!("{file}.log")), 40)).collect();
        Self { scratch, receivers, lines }
    }

    /// Writes a configuration in which the files belong to workers as `of` says, with another `level` of compression.
    fn edit(&self, level: u64, of: impl Fn(usize) -> bool) -> PathBuf {
        let logs: Vec<Value> = (0..FILES)
            .map(|file| {
                let path = self.scratch.path(&format!("{file}.log"));
                json!({ "path": path, "copy_from_start": true, "worker_id": if of(file) { "two" } else { "default" } })
            })
            .collect();
        let extra = json!({
            "workers": [{ "id": "two", "api_key": "another-key", "server_url": self.receivers[1].url() }],
            "compression_level": level % 9 + 1,
            "max_error_request_spacing_interval": 0.2,
            "config_change_check_interval": 3600,
        });
        write_config(&self.scratch, &self.receivers[0].url(), logs.into(), extra)
    }

    fn grow(&mut self, count: u64) {
        self.lines.iter_mut().for_each(|lines| lines.append(count));
    }

    /// The events of one file, over both servers.
    fn events(&mut self, file: usize) -> Vec<Event> {
        let path = self.scratch.path(&format!("{file}.log")).display().to_string();
        let of = |receiver: &mut ReceiverProcess| {
            receiver.events().iter().filter(|event| event.logfile == path).cloned().collect::<Vec<_>>()
        };
        self.receivers.iter_mut().flat_map(of).collect()
    }

    #[track_caller]
    fn nothing_is_missing(&mut self) {
        wait_until("all lines have come", PATIENCE, || {
            (0..FILES).all(|file| {
                let written = self.lines[file].written();
                missing_and_repeated(&self.events(file), written).missing.is_empty()
            })
        });
    }

    fn told(&self, text: &str) -> usize {
        fs::read_to_string(self.scratch.path("log/agent.log")).unwrap_or_default().matches(text).count()
    }
}

#[test]
fn kill_9_in_the_middle_of_handovers_and_moves_loses_nothing() {
    let moods = ["3*delay:20ms+ok", "1*http:503"].repeat(200).join(",");
    let mut host = Host::new(&moods);
    let mut rng = seeded_rng();
    host.grow(1);
    let config = host.edit(1, |_| false);
    let mut agent = AgentProcess::start(&host.scratch, &config);
    wait_until("the agent runs", PATIENCE, || agent.status().is_some());
    let kills = 6;
    for round in 1..=kills {
        host.grow(300);
        let seed: usize = rng.random_range(0..64);
        host.edit(round, |file| seed >> file & 1 == 1);
        agent.process().signal(Signal::HUP);
        let spin = rng.random_range(0..120);
        for _ in 0..spin {
            host.grow(1);
            thread::sleep(Duration::from_millis(1));
        }
        if round % 2 == 0 {
            host.lines.iter_mut().for_each(Lines::rotate);
            host.grow(20);
        }
        agent.kill();
        host.grow(10);
        agent = AgentProcess::start(&host.scratch, &config);
        wait_until("the agent runs again", PATIENCE, || agent.status().is_some());
    }
    host.grow(10);
    host.nothing_is_missing();
    wait_until("all is settled", PATIENCE, || agent.status().is_some_and(|status| status["totals"]["pending"] == 0));
    assert_reconciles(&agent.status().unwrap());
    assert_eq!(agent.stop(PATIENCE), Some(0));
    let mut repeated = 0;
    for file in 0..FILES {
        let written = host.lines[file].written();
        let tally = missing_and_repeated(&host.events(file), written);
        assert!(tally.missing.is_empty() && tally.damaged.is_empty(), "{tally}");
        // No line was on its way in more kills than there were.
        assert!(tally.repeated.values().all(|&times| u64::from(times) <= kills + 1), "{tally}");
        repeated += tally.repeated.len();
    }
    eprintln!("{repeated} lines were sent again after {kills} kills");
}

#[test]
fn a_hundred_sighups_and_a_stop_among_them_lose_and_repeat_nothing() {
    let mut host = Host::new("delay:5ms+ok");
    host.grow(1);
    let config = host.edit(1, |_| false);
    let mut agent = AgentProcess::start(&host.scratch, &config);
    // Some of them during the start.
    wait_until("the agent heeds signals", PATIENCE, || host.scratch.path("data").read_dir().unwrap().next().is_some());
    for round in 0..100_u64 {
        host.grow(5);
        if round % 7 == 0 {
            host.edit(round, |file| (round + file as u64).is_multiple_of(2));
        }
        agent.process().signal(Signal::HUP);
        thread::sleep(Duration::from_millis(10));
    }
    wait_until("some of them were heard", PATIENCE, || host.told(RELOADED) > 0);
    let known = host.told(RELOADED);
    host.edit(98, |file| file % 2 == 1);
    agent.process().signal(Signal::HUP);
    wait_until("the last one was heard", PATIENCE, || host.told(RELOADED) > known);
    host.grow(100);
    // A stop in the middle of the next one.
    host.edit(99, |file| file % 2 == 0);
    agent.process().signal(Signal::HUP);
    assert_eq!(agent.stop(Duration::from_secs(15)), Some(0));
    host.grow(10);
    let mut agent = AgentProcess::start(&host.scratch, &config);
    host.nothing_is_missing();
    wait_until("all is settled", PATIENCE, || agent.status().is_some_and(|status| status["totals"]["pending"] == 0));
    assert_reconciles(&agent.status().unwrap());
    assert_eq!(agent.stop(PATIENCE), Some(0));
    for file in 0..FILES {
        let (events, written) = (host.events(file), host.lines[file].written());
        // Over two servers the order of arrival is not that of the lines.
        let tally = missing_and_repeated(&events, written);
        assert!(tally.repeated.is_empty() && tally.damaged.is_empty(), "{tally}");
    }
}

#[test]
fn a_configuration_behind_links_that_are_swapped_is_followed() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let server = receiver.url();
    let logs = |names: &[&str]| names.iter().map(|name| json!({ "path": scratch.path(name) })).collect::<Value>();
    let mut lines = ["a.log", "b.log"].map(|name| Lines::new(&scratch.path(name), 20));
    // As Kubernetes mounts a ConfigMap: the files are links through `..data`, which is exchanged as a whole.
    let conf = scratch.path("conf");
    fs::create_dir(&conf).unwrap();
    let version = |number: u32, names: &[&str]| {
        let keys = json!({ "config_change_check_interval": 0.1 });
        let written = write_config(&scratch, &server, logs(names), keys);
        let folder = conf.join(format!("..version_{number}"));
        fs::create_dir(&folder).unwrap();
        fs::rename(written, folder.join("agent.json")).unwrap();
        let link = conf.join("..data_tmp");
        symlink(folder.file_name().unwrap(), &link).unwrap();
        fs::rename(link, conf.join("..data")).unwrap();
    };
    version(1, &["a.log"]);
    symlink("..data/agent.json", conf.join("agent.json")).unwrap();
    let mut agent = AgentProcess::start(&scratch, &conf.join("agent.json"));
    wait_until("the agent runs", PATIENCE, || agent.status().is_some());
    version(2, &["a.log", "b.log"]);
    let told = |text: &str| fs::read_to_string(scratch.path("log/agent.log")).unwrap().matches(text).count();
    wait_until("the second one is in use", PATIENCE, || told(RELOADED) == 1);
    fs::remove_dir_all(conf.join("..version_1")).unwrap();
    lines.iter_mut().for_each(|lines| lines.append(50));
    let of = |receiver: &mut ReceiverProcess, name: &str| -> Vec<Event> {
        let path = scratch.path(name).display().to_string();
        receiver.events().iter().filter(|event| event.logfile == path).cloned().collect()
    };
    for name in ["a.log", "b.log"] {
        wait_until("its lines come", PATIENCE, || of(&mut receiver, name).len() >= 50);
        assert_each_once(&of(&mut receiver, name), 50);
    }
    // The same text under another link is no change.
    version(3, &["a.log", "b.log"]);
    let status = agent.status().unwrap();
    let checked = status["configuration"]["last_checked"].as_f64();
    wait_until("it was looked at", PATIENCE, || {
        agent.status().is_some_and(|status| status["configuration"]["last_checked"].as_f64() > checked)
    });
    assert_eq!((told(RELOADED), told("badConfigFile")), (1, 0));
    assert_eq!(agent.stop(PATIENCE), Some(0));
}
