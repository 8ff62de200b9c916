//! "Everything went wrong at our end for a while. Did you get it all?" Every kind of trouble in turn, by chance.

mod story;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use serde_json::json;
use story::{
    AgentProcess, Event, Lines, ReceiverProcess, Rotation, Scratch, assert_each_once,
    assert_repeats_are_numbered_alike, end_well, missing_and_repeated, now, say, seeded_rng, wait_until, write_config,
};

const PATIENCE: Duration = Duration::from_secs(180);
/// How long trouble lasts.
const TROUBLE: Duration = Duration::from_secs(15);
const FILES: usize = 6;

/// What a server, or somebody in front of it, does to requests that it does not accept, and to those that it does and
/// answers in full.
const ANSWERED: [&str; 24] = [
    "ok",
    "delay:50ms+ok",
    "drip:1ms",
    "close",
    "hangup",
    "cut",
    "cut:head",
    "huge",
    "status:error/server/backoff",
    "status:parseResponseFailed",
    "status:discardBufferNot",
    "http:200:empty",
    "http:200:half",
    "http:200:html",
    "http:302:success",
    "http:401",
    "http:404:html",
    "http:429:success",
    "http:500:success",
    "http:502:html",
    "http:503:empty",
    "retry-after:1+http:503",
    "too-large:3000+ok",
    "too-large:20000+ok",
];

/// What accepts a request and answers it too late, or not at all; and a server that is silent.
const UNANSWERED: [&str; 5] = ["cut:accepted", "cut:answer", "late:5s", "drip:300ms", "stall"];

/// Some trouble, by chance, for the next requests.
fn script(rng: &mut impl Rng, kinds: &[&str]) -> String {
    let mut item = || {
        let kind = kinds.choose(rng).expect("there are kinds");
        format!("{}*{kind}", rng.random_range(1..=4))
    };
    (0..6).map(|_| item()).collect::<Vec<_>>().join(",")
}

/// Some files that grow, a receiver with moods, and an agent with two sessions.
struct Host {
    files: BTreeMap<String, Lines>,
    receiver: ReceiverProcess,
    agent: AgentProcess,
    rng: StdRng,
    /// Behind all that it names.
    _scratch: Scratch,
}

impl Host {
    fn start(more: serde_json::Value) -> Self {
        let scratch = Scratch::new();
        let receiver = ReceiverProcess::start(&scratch, "receiver");
        let paths: Vec<PathBuf> = (0..FILES).map(|number| scratch.path(&format!("{number}.log"))).collect();
        let mut extra = json!({
            "default_sessions_per_worker": 2,
            "max_error_request_spacing_interval": 0.2,
            "max_allowed_request_size": 60_000,
            "min_allowed_request_size": 2_000,
        });
        extra.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let config = write_config(&scratch, &receiver.url(), json!([{ "path": scratch.path("*.log") }]), extra);
        let agent = AgentProcess::start(&scratch, &config);
        wait_until("the agent runs", PATIENCE, || agent.status().is_some());
        let file = |path: PathBuf| (path.display().to_string(), Lines::new(&path, 100));
        let files = paths.into_iter().map(file).collect();
        Self { files, receiver, agent, rng: seeded_rng(), _scratch: scratch }
    }

    /// Writes and rotates, while trouble of these kinds goes on.
    fn suffer(&mut self, kinds: &[&str]) {
        let begin = now();
        let mut turn = 0_usize;
        while begin.elapsed() < TROUBLE {
            turn += 1;
            match turn % 12 {
                // A wrong key, by itself: with other trouble around it, it would look like a fault of one event.
                0 => self.receiver.set_faults("key"),
                1 => self.receiver.set_faults(""),
                2..=11 => self.receiver.set_faults(&script(&mut self.rng, kinds)),
                _ => unreachable!("the rest of a division by 12"),
            }
            for lines in self.files.values_mut() {
                lines.append(self.rng.random_range(1..60));
            }
            if turn.is_multiple_of(8) {
                let rotation = Rotation::Rename;
                let lines = self.files.values_mut().nth(turn / 8 % FILES).expect("there are so many");
                rotation.rotate(lines, 100);
            }
            thread::sleep(Duration::from_millis(250));
        }
    }

    /// All is well again: everything arrives, and every byte has its outcome.
    fn recover(&mut self) {
        self.receiver.set_faults("");
        for lines in self.files.values_mut() {
            lines.append(1);
        }
        let Self { files, receiver, .. } = self;
        wait_until("all lines have arrived", PATIENCE, || {
            let arrived = by_file(receiver.events());
            files.iter().all(|(path, lines)| {
                let events = arrived.get(path).map_or(&[][..], Vec::as_slice);
                missing_and_repeated(events, lines.written()).missing.is_empty()
            })
        });
        let status = end_well(&mut self.agent, PATIENCE);
        let written: u64 = self.files.values().map(Lines::written).sum();
        let totals = &status["totals"];
        assert_eq!((&totals["accepted"]["lines"], &totals["dropped"]), (&json!(written), &json!({})), "{totals}");
        assert_eq!(totals["skipped"], json!({}), "{totals}");
        let sessions = status["sessions"].as_array().expect("a list");
        assert_eq!(sessions.len(), 2);
        let sum = |name: &str| sessions.iter().map(|session| session[name].as_u64().expect(name)).sum::<u64>();
        let (accepted, failed, sent) = (sum("events_accepted"), sum("requests_failed"), sum("requests_sent"));
        say(&format!("{written} lines, {sent} requests, {failed} of them failed, {} repeated lines", self.repeated()));
        assert_eq!(accepted, written, "each was settled once");
        assert!(failed >= 20, "there was trouble: {failed}");
    }

    fn repeated(&mut self) -> u64 {
        self.receiver.summary()["repeated_events"].as_u64().expect("a number")
    }
}

fn by_file(events: &[Event]) -> BTreeMap<String, Vec<Event>> {
    let mut files: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for event in events {
        files.entry(event.logfile.clone()).or_default().push(event.clone());
    }
    files
}

#[test]
fn trouble_of_which_the_agent_hears_costs_no_line_and_repeats_none() {
    let mut host = Host::start(json!({}));
    host.suffer(&ANSWERED);
    host.recover();
    let mut arrived = by_file(host.receiver.events());
    for (path, lines) in &host.files {
        assert_each_once(&arrived.remove(path).unwrap_or_default(), lines.written());
    }
    assert!(arrived.is_empty());
}

#[test]
fn after_every_kind_of_trouble_each_line_is_there_and_only_what_was_accepted_unheard_came_again() {
    let mut host = Host::start(json!({ "request_deadline": 1.5 }));
    host.suffer(&[&ANSWERED[..], &UNANSWERED, &UNANSWERED].concat());
    host.recover();
    let events = host.receiver.events().to_vec();
    for (path, arrived) in by_file(&events) {
        let tally = missing_and_repeated(&arrived, host.files[&path].written());
        assert!(
            tally.missing.is_empty() && tally.damaged.is_empty() && tally.out_of_order.is_empty(),
            "{path}: {tally}"
        );
        assert_repeats_are_numbered_alike(&arrived);
    }
    assert_only_the_last_request_of_a_connection_came_again(&events);
}

/// A request that was accepted and not answered is the last one of its connection. So of what came over a connection, only
/// the end may have come again: what stands before it was answered.
#[track_caller]
fn assert_only_the_last_request_of_a_connection_came_again(events: &[Event]) {
    let mut last = HashMap::new();
    for (at, event) in events.iter().enumerate() {
        last.insert((&event.logfile, &event.message), at);
    }
    let mut came_again: HashMap<u64, bool> = HashMap::new();
    for (at, event) in events.iter().enumerate() {
        let again = last[&(&event.logfile, &event.message)] > at;
        let before = came_again.insert(event.client, again);
        assert!(
            again || before != Some(true),
            "before {} something of connection {} came again",
            event.text(),
            event.client
        );
    }
}
