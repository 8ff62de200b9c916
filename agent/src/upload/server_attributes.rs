//! The attributes of this host that all sessions send: the configured ones, and what monitors add to them
//! (`monitor-framework.md` section 14).

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scalyr_monitor::Logger;
use serde_json::{Map, Value};

use crate::order;

/// So many bytes of attributes may come from monitors: they are a part of every request.
const MOST_BYTES: usize = 16 * 1024;

/// What one monitor instance says about this host.
#[derive(Clone, Debug)]
pub struct HostAttributes {
    /// Tells instances apart, also two of the same name that follow each other.
    pub id: u64,
    /// The instance's name: `coin()`.
    pub monitor: String,
    /// Its module, as the configuration names it.
    pub module: String,
    /// Text, numbers and booleans.
    pub attributes: Map<String, Value>,
}

/// The attributes of this host, shared by all sessions. Cheap to clone; clones are the same attributes.
///
/// What the configuration gives wins over every monitor, and a monitor that stands earlier in it over a later one.
#[derive(Clone)]
pub struct ServerAttributes(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    version: AtomicU64,
    logger: Logger,
}

#[derive(Default)]
struct State {
    configured: Map<String, Value>,
    /// The names of the instances, in the order of the configuration.
    order: Vec<String>,
    /// In this order; what the configuration does not name stands behind the others.
    given: Vec<HostAttributes>,
    /// What is added to the configured ones.
    added: Map<String, Value>,
    /// Which attributes of which modules were told of as not sent, as long as they are not.
    told: BTreeSet<(String, String)>,
    told_of_room: bool,
    /// A plan is being followed; what is said is merged when it is complete.
    held: bool,
}

impl ServerAttributes {
    /// None yet. What is not sent is told through `logger`.
    pub fn new(logger: Logger) -> Self {
        Self(Arc::new(Shared { state: Mutex::default(), version: AtomicU64::new(0), logger }))
    }

    /// Collects what instances say, until [`follow`](Self::follow).
    pub fn hold(&self) {
        self.lock().held = true;
    }

    /// Follows a plan: its attributes, and the order of its monitors.
    pub fn follow(&self, configured: &Map<String, Value>, order: Vec<String>) {
        let mut state = self.lock();
        state.configured = configured.clone();
        state.order = order;
        state.held = false;
        self.merge(state);
    }

    /// What an instance says takes the place of what it said before.
    pub fn say(&self, said: HostAttributes) {
        let mut state = self.lock();
        state.put(said);
        self.merge(state);
    }

    /// Takes back what an instance said.
    pub fn take_back(&self, id: u64) {
        let mut state = self.lock();
        state.given.retain(|given| given.id != id);
        self.merge(state);
    }

    /// Changes whenever the attributes do.
    pub(super) fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    /// A session's own attributes, those of the monitors behind them as far as they have `room`, in bytes: what is left
    /// of a request is for lines.
    pub(super) fn beside(&self, configured: &Map<String, Value>, room: usize) -> Map<String, Value> {
        let mut all = configured.clone();
        let mut state = self.lock();
        let (mut bytes, mut left_out) = (0, Vec::new());
        for (key, value) in &state.added {
            let size = size(key, value);
            if bytes + size > room {
                left_out.push(key.clone());
            } else if !all.contains_key(key) {
                bytes += size;
                all.insert(key.clone(), value.clone());
            }
        }
        let is_news = !left_out.is_empty() && !state.told_of_room;
        state.told_of_room |= is_news;
        drop(state);
        if is_news {
            self.0.logger.warn(format_args!(
                "Server attributes of monitors may take {room} bytes of a request (max_allowed_request_size); not sent: {}",
                left_out.join(", ")
            ));
        }
        all
    }

    fn merge(&self, mut state: MutexGuard<'_, State>) {
        if state.held {
            return;
        }
        let (added, left_out) = state.merged();
        let changed = state.added != added;
        state.added = added;
        let still: BTreeSet<_> = order::tree(left_out.iter().map(|left_out| left_out.key.clone()));
        let news: Vec<_> = left_out.into_iter().filter(|left_out| !state.told.contains(&left_out.key)).collect();
        state.told = still;
        drop(state);
        if changed {
            self.0.version.fetch_add(1, Ordering::Release);
        }
        for LeftOut { key: (attribute, module), monitor, because } in news {
            self.0.logger.info(format_args!(
                "The server attribute {attribute:?} of module {module} ({monitor}) is not sent: {because}"
            ));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An attribute that is not sent.
struct LeftOut {
    /// The attribute and the module.
    key: (String, String),
    monitor: String,
    because: String,
}

impl State {
    fn put(&mut self, said: HostAttributes) {
        match self.given.iter_mut().find(|given| given.id == said.id) {
            Some(given) => *given = said,
            None => self.given.push(said),
        }
    }

    /// What is added to the configured attributes, and what is not because it is there already (with another value) or
    /// too much.
    fn merged(&mut self) -> (Map<String, Value>, Vec<LeftOut>) {
        let order = &self.order;
        order::by_key(&mut self.given, |given| {
            order.iter().position(|name| *name == given.monitor).unwrap_or(usize::MAX)
        });
        let (mut added, mut left_out, mut bytes) = (Map::<String, Value>::new(), Vec::new(), 0);
        let mut owners: Vec<(&str, &str)> = Vec::new();
        for HostAttributes { monitor, module, attributes, .. } in &self.given {
            for (key, value) in attributes {
                let size = size(key, value);
                let because = match (self.configured.get(key), added.get(key)) {
                    (Some(there), _) | (None, Some(there)) if there == value => continue,
                    (Some(_), _) => "the configuration gives it".to_owned(),
                    (None, Some(_)) => {
                        let owner = owners.iter().find(|(owned, _)| owned == key).map_or("", |(_, owner)| *owner);
                        format!("monitor {owner}, which comes before it, gives it")
                    }
                    (None, None) if bytes + size > MOST_BYTES => {
                        format!("all monitors together may add {MOST_BYTES} bytes to each request")
                    }
                    (None, None) => {
                        bytes += size;
                        owners.push((key, monitor));
                        added.insert(key.clone(), value.clone());
                        continue;
                    }
                };
                left_out.push(LeftOut { key: (key.clone(), module.clone()), monitor: monitor.clone(), because });
            }
        }
        (added, left_out)
    }
}

/// How many bytes an attribute takes in a request, without quotes and colon.
fn size(key: &str, value: &Value) -> usize {
    key.len() + value.to_string().len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::upload::tests::fixture::Lines;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    fn said(id: u64, module: &str, attributes: Value) -> HostAttributes {
        let monitor = format!("{module}()");
        HostAttributes { id, monitor, module: module.to_owned(), attributes: object(attributes) }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn the_configuration_wins_then_the_earlier_monitor_and_each_loser_is_told_once() {
        let lines = Lines::default();
        let attributes = ServerAttributes::new(lines.logger());
        let configured = object(json!({ "serverHost": "h", "tier": "web" }));
        let order = names(&["a()", "b()", "c()"]);
        attributes.hold();
        attributes.say(said(3, "c", json!({ "zone": "c", "tier": "web" })));
        attributes.say(said(2, "b", json!({ "zone": "b", "rack": 2 })));
        attributes.follow(&configured, order);
        let sent = || Value::Object(attributes.beside(&configured, MOST_BYTES));
        assert_eq!(sent(), json!({ "serverHost": "h", "tier": "web", "zone": "b", "rack": 2 }));
        // One that is added later stands where the configuration has it.
        attributes.say(said(1, "a", json!({ "zone": "a", "tier": "db" })));
        assert_eq!(sent(), json!({ "serverHost": "h", "tier": "web", "zone": "a", "rack": 2 }));
        assert_eq!(
            lines.all(),
            [
                "INFO The server attribute \"zone\" of module c (c()) is not sent: monitor b(), which comes before it, \
                 gives it",
                "INFO The server attribute \"tier\" of module a (a()) is not sent: the configuration gives it",
                "INFO The server attribute \"zone\" of module b (b()) is not sent: monitor a(), which comes before it, \
                 gives it",
            ]
        );
        // Built anew, with the same and with others; then taken back, and the next one comes forward.
        attributes.say(said(1, "a", json!({ "zone": "a", "tier": "db", "built": 2 })));
        assert_eq!(sent()["built"], 2);
        let version = attributes.version();
        attributes.say(said(1, "a", json!({ "zone": "a", "tier": "db", "built": 2 })));
        assert_eq!(attributes.version(), version);
        attributes.take_back(1);
        assert_eq!(sent(), json!({ "serverHost": "h", "tier": "web", "zone": "b", "rack": 2 }));
        assert_ne!(attributes.version(), version);
        assert_eq!(lines.all().len(), 3);
    }

    #[test]
    fn no_monitor_can_make_every_request_too_large() {
        let lines = Lines::default();
        let attributes = ServerAttributes::new(lines.logger());
        let big = "x".repeat(10_000);
        attributes.say(said(1, "a", json!({ "one": big, "two": big, "three": 3 })));
        let keys = |room| attributes.beside(&Map::new(), room).keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(MOST_BYTES), ["one", "three"]);
        assert!(lines.all()[0].ends_with("all monitors together may add 16384 bytes to each request"));
        assert_eq!((keys(100), keys(100)), (vec!["three".to_owned()], vec!["three".to_owned()]));
        assert!(lines.all()[1].ends_with("may take 100 bytes of a request (max_allowed_request_size); not sent: one"));
        assert_eq!(lines.all().len(), 2);
    }
}
