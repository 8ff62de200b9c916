//! A request of ours beside a recorded one of the Python agent, field by field.

use std::collections::{BTreeMap, BTreeSet};

use scalyr_agent::receiver::{Attribute, Event, Request};
use serde_json::{Value, json};

use super::body::{TIME, fields_of_events, show};
use super::recorded;
use super::scene::Sent;

/// We send them once, in `logs`.
const NOT_REPEATED: &str = "the attributes of the log are not repeated in its events";
/// Ours have one time for what was read at once.
const TIME_OF_READ: &str = "events have the time of the read, not of the line";
/// Where it stands in its object.
const ORDER_OF_ATTRIBUTES: &str = "attributes stand in another order";
/// With a sampled line the Python agent writes `ts` first.
pub(super) const DIFFERENCE_LAST: &str = "sampled lines have `sd` before `ts`";
/// Chance.
pub(super) const SAMPLES: &str = "other lines are sampled";
/// What is between the parts of a line is not counted with the first part.
pub(super) const BETWEEN_PARTS: &str = "a line between the parts of another one counts its own bytes only";
/// A generation of a file has a number and a sequence of its own.
pub(super) const OWN_SEQUENCE: [&str; 3] = [
    "another generation of the file is a log of its own",
    "another generation of the file has a sequence of its own",
    "the number counts from the begin of the generation",
];
/// What differs nearly everywhere.
pub(super) const COMMON: [&str; 2] = [NOT_REPEATED, TIME_OF_READ];

/// What differs also where attributes are repeated.
pub(super) fn same_but_for(names: &[&'static str]) -> Vec<&'static str> {
    [&[TIME_OF_READ], names].concat()
}

/// Compares all requests of a situation. Exactly the `known` differences must be there, each somewhere.
#[track_caller]
pub(super) fn compare(name: &str, capture: usize, sent: &[Sent], known: &[&str]) {
    let recorded = recorded::bodies(name, capture);
    assert_eq!(sent.len(), recorded.len());
    let mut found = BTreeMap::new();
    let mut names = Sequences::default();
    for (sent, recorded) in sent.iter().zip(&recorded) {
        let request = Request::parse(&sent.body).unwrap();
        let shown = show(&sent.body);
        let comparison = Comparison { request: &request, recorded, most: sent.most, shown: &shown };
        for difference in comparison.differences(&mut names) {
            found.entry(difference).or_insert_with(|| shown.clone());
        }
    }
    let known: BTreeSet<String> = known.iter().map(|&name| name.to_owned()).collect();
    for (difference, shown) in &found {
        assert!(known.contains(difference), "{name}: {difference}\n{shown}");
    }
    // Chance may also make the same choice.
    let missing: Vec<_> = known.iter().filter(|name| *name != SAMPLES && !found.contains_key(*name)).collect();
    assert!(missing.is_empty(), "{name}: no longer so: {missing:?}");
}

/// Which recorded sequence each of ours stands for.
#[derive(Default)]
struct Sequences(Vec<(String, String)>);

impl Sequences {
    /// Whether ours and theirs are the same one, as far as is known; from now on they are.
    fn are_same(&mut self, ours: &str, theirs: &str) -> bool {
        match self.0.iter().find(|(known, other)| known == ours || other == theirs) {
            Some((known, other)) => known == ours && other == theirs,
            None => {
                self.0.push((ours.to_owned(), theirs.to_owned()));
                true
            }
        }
    }
}

struct Comparison<'c> {
    request: &'c Request<'c>,
    recorded: &'c Value,
    most: usize,
    shown: &'c str,
}

fn object(attrs: &[Attribute<'_>]) -> Value {
    Value::Object(attrs.iter().map(|attr| (attr.name.to_string(), attr.value.value().unwrap())).collect())
}

fn keys(object: &Value) -> Vec<&String> {
    object.as_object().unwrap().keys().collect()
}

impl Comparison<'_> {
    fn differences(&self, sequences: &mut Sequences) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        self.compare_tables(&mut all);
        let recorded = self.recorded["events"].as_array().unwrap();
        let count = self.request.events.len();
        if count.min(self.most) != recorded.len() {
            all.insert(format!("{count} events, recorded are {}", recorded.len()));
            return all;
        }
        let fields = fields_of_events(self.shown);
        assert_eq!(fields.len(), count, "{}", self.shown);
        for ((event, recorded), fields) in self.request.events.iter().zip(recorded).zip(&fields) {
            let is_sampled = recorded["attrs"].get("sample_rate").is_some();
            self.compare_attributes(event, recorded, is_sampled, &mut all);
            self.compare_place(event, recorded, (fields, is_sampled), sequences, &mut all);
            let ts = event.ts.to_string();
            let read_at = ts == (TIME * 1_000_000_000).to_string();
            let recorded_ts = recorded["ts"].as_str().unwrap();
            if read_at && recorded_ts[..6] == TIME.to_string()[..6] {
                all.insert(TIME_OF_READ.to_owned());
            } else if ts != recorded_ts {
                all.insert(format!("ts {ts}, recorded is {recorded_ts}"));
            }
        }
        all
    }

    /// Everything but the events.
    fn compare_tables(&self, all: &mut BTreeSet<String>) {
        let Self { request, recorded, .. } = self;
        assert_eq!(request.token.reveal(), recorded["token"]);
        assert_eq!(request.session_info.as_deref().map(object).as_ref(), recorded.get("sessionInfo"));
        assert_eq!(request.client_time, TIME);
        let threads: Vec<_> =
            request.threads.iter().map(|thread| json!({ "id": thread.id, "name": thread.name })).collect();
        let mut name = |ours: &[Value], recorded: &Value, what: &str| {
            let recorded = recorded.as_array().unwrap();
            if ours == recorded.as_slice() {
                return;
            }
            // The same but for the id, once or for each generation.
            let content = |it: &Value| (it["name"].clone(), it["attrs"].clone());
            let is_generation = ours.iter().all(|our| recorded.iter().any(|other| content(our) == content(other)));
            let text = if is_generation { OWN_SEQUENCE[0].to_owned() } else { format!("{what}: {ours:?}") };
            all.insert(text);
        };
        name(&threads, &recorded["threads"], "threads");
        match &request.logs {
            Some(logs) => {
                let logs: Vec<_> =
                    logs.iter().map(|log| json!({ "id": log.id, "attrs": object(&log.attrs) })).collect();
                name(&logs, &recorded["logs"], "logs");
            }
            None => _ = all.insert("there is no `logs`, and no `log` in events".to_owned()),
        }
    }

    fn compare_attributes(&self, event: &Event<'_>, recorded: &Value, is_sampled: bool, all: &mut BTreeSet<String>) {
        let message = recorded::bytes(&recorded["attrs"]["message"]);
        if *event.message != message {
            let is_chance = is_sampled && event.message.starts_with(b"INFO sampled ");
            let text = String::from_utf8_lossy(&event.message);
            all.insert(if is_chance { SAMPLES.to_owned() } else { format!("message {text:?}") });
        }
        let mut theirs = recorded["attrs"].clone();
        theirs.as_object_mut().unwrap().shift_remove("message");
        let ours = object(&event.attrs);
        if ours != theirs {
            let empty = Vec::new();
            let logs = self.request.logs.as_ref().unwrap_or(&empty);
            let of_log = event.log.map_or(json!({}), |log| object(&logs[log].attrs));
            let mut whole = of_log.as_object().unwrap().clone();
            whole.extend(ours.as_object().unwrap().clone());
            let is_same = Value::Object(whole) == theirs;
            all.insert(if is_same { NOT_REPEATED.to_owned() } else { format!("attrs {ours}, recorded are {theirs}") });
        } else if keys(&ours) != keys(&theirs) {
            all.insert(ORDER_OF_ATTRIBUTES.to_owned());
        }
    }

    fn compare_place(
        &self,
        event: &Event<'_>,
        recorded: &Value,
        (fields, is_sampled): (&Vec<String>, bool),
        sequences: &mut Sequences,
        all: &mut BTreeSet<String>,
    ) {
        let is_chance = is_sampled && event.sd.is_some() && recorded.get("sd").is_some();
        match (recorded.get("si"), fields.contains(&"si".to_owned())) {
            (Some(si), true) => {
                if !sequences.are_same(&event.si, si.as_str().unwrap()) {
                    all.insert(OWN_SEQUENCE[1].to_owned());
                }
                if recorded["sn"].as_u64() != Some(event.sn) {
                    let is_of_generation = all.contains(OWN_SEQUENCE[1]);
                    let text = format!("sn {}, recorded is {}", event.sn, recorded["sn"]);
                    all.insert(if is_of_generation { OWN_SEQUENCE[2].to_owned() } else { text });
                }
            }
            // The switch to another generation is one to another sequence.
            (None, true) if event.log != Some(0) => _ = all.insert(OWN_SEQUENCE[1].to_owned()),
            (None, false) if event.sd == recorded["sd"].as_u64() || is_chance => {}
            // The whole is the same: 87 and 44 bytes, or 43 and 88.
            (None, false)
                if matches!((event.sd, recorded["sd"].as_u64()), (Some(43), Some(87)) | (Some(88), Some(44))) =>
            {
                all.insert(BETWEEN_PARTS.to_owned());
            }
            _ => _ = all.insert(format!("sd {:?}, recorded is {}", event.sd, recorded["sd"])),
        }
        // The order of what both have.
        let theirs: Vec<&String> = keys(recorded).into_iter().filter(|name| fields.contains(name)).collect();
        let ours: Vec<&String> = fields.iter().filter(|name| recorded.get(name.as_str()).is_some()).collect();
        if ours != theirs {
            let is_known = is_sampled && theirs.ends_with(&[&"ts".to_owned(), &"sd".to_owned()]);
            all.insert(if is_known {
                DIFFERENCE_LAST.to_owned()
            } else {
                format!("fields {ours:?}, recorded {theirs:?}")
            });
        }
    }
}
