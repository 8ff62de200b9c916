//! Monitors that a monitor adds and removes while it runs: one for each thing that it discovers.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::context::LogConfig;
use crate::error::{Error, Result};

/// Changes where the metric lines of an added monitor go and how they are copied.
type AdjustLog = Arc<dyn Fn(&mut LogConfig) + Send + Sync>;

/// A monitor to be added: its configuration entry, and how its metric log differs from what the entry says.
#[derive(Clone)]
pub struct NewMonitor {
    /// The entry, as it would stand in `monitors`. It needs a `module` and an `id`.
    pub entry: Map<String, Value>,
    adjust_log: Option<AdjustLog>,
}

impl NewMonitor {
    /// The monitor `module` with this `id`, and nothing else in its entry yet.
    pub fn new(module: &str, id: &str) -> Self {
        Self::from_entry([("module", module), ("id", id)].map(|(key, text)| (key.to_owned(), text.into())))
    }

    /// A monitor with a whole entry.
    pub fn from_entry(entry: impl IntoIterator<Item = (String, Value)>) -> Self {
        Self { entry: entry.into_iter().collect(), adjust_log: None }
    }

    /// Sets a key of the entry.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.entry.insert(key.to_owned(), value.into());
        self
    }

    /// Changes the metric log of the new monitor: its path, parser, attributes. Called after the monitor's own
    /// `initialize`, so it has the last word; again when the instance is built anew after a failure.
    #[must_use]
    pub fn with_log(mut self, adjust: impl Fn(&mut LogConfig) + Send + Sync + 'static) -> Self {
        self.adjust_log = Some(Arc::new(adjust));
        self
    }

    /// Applies what [`with_log`](Self::with_log) was given.
    #[doc(hidden)]
    pub fn adjust_log(&self, log: &mut LogConfig) {
        if let Some(adjust) = &self.adjust_log {
            adjust(log);
        }
    }
}

/// The keys of the entry only: a value may be a password.
impl fmt::Debug for NewMonitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = self.entry.keys().collect::<Vec<_>>();
        f.debug_struct("NewMonitor").field("options", &options).finish_non_exhaustive()
    }
}

/// A monitor that was added and has not been removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedMonitor {
    /// `<short module>(<id>)`.
    pub name: String,
    /// `<module>-<id>`.
    pub uid: String,
    /// The `module` of its entry.
    pub module: String,
    /// First ten hex digits of SHA-256 over `<module>:<id>`.
    pub short_hash: String,
    /// Whether it takes samples now: it is neither disabled nor resting after a failure.
    pub running: bool,
}

/// Adds and removes monitors on behalf of one monitor instance; implemented by the agent.
#[doc(hidden)]
pub trait MonitorRegistry: Send + Sync {
    /// Builds the monitor and starts it.
    ///
    /// # Errors
    /// All problems of the entry; or why the agent cannot take it.
    fn add(&self, monitor: NewMonitor) -> Result<String>;

    /// Asks a monitor to stop, by name or uid, and does not wait for it.
    ///
    /// # Errors
    /// When this instance has added none of that name.
    fn remove(&self, name: &str) -> Result<()>;

    /// What this instance has added and not removed.
    fn list(&self) -> Vec<AddedMonitor>;
}

/// Adds and removes monitors while the agent runs. Cheap to clone; works in
/// [`initialize`](crate::Monitor::initialize), in samples, and from threads of the monitor's own.
///
/// What an instance adds belongs to it: it is removed when the instance is, when the instance stops or fails, and then
/// added again by the instance that takes its place. The agent bounds how many there may be at a time.
#[derive(Clone)]
pub struct Monitors(Arc<dyn MonitorRegistry>);

impl Monitors {
    /// A handle onto the agent's registry.
    #[doc(hidden)]
    pub fn new(registry: Arc<dyn MonitorRegistry>) -> Self {
        Self(registry)
    }

    /// A handle where nobody can add monitors.
    #[doc(hidden)]
    pub fn none() -> Self {
        Self(Arc::new(Nobody))
    }

    /// Builds a monitor and starts it; returns its name, `<short module>(<id>)`. Takes as long as the monitor takes to
    /// initialise itself, five seconds at most.
    ///
    /// # Errors
    /// All problems of the entry at once; a name that another instance has; too many instances; the agent, or the
    /// instance that adds, is stopping. Nothing was started then.
    pub fn add(&self, monitor: NewMonitor) -> Result<String> {
        self.0.add(monitor)
    }

    /// Asks a monitor that this instance has added to stop, and does not wait for it. `name` is what
    /// [`add`](Self::add) returned, or the uid, `<module>-<id>`. What it has written is still copied.
    ///
    /// # Errors
    /// When this instance has added none of that name.
    pub fn remove(&self, name: &str) -> Result<()> {
        self.0.remove(name)
    }

    /// What this instance has added and not removed, sorted by name.
    pub fn list(&self) -> Vec<AddedMonitor> {
        self.0.list()
    }

    /// The one of [`list`](Self::list) with this name, uid or short hash.
    pub fn find(&self, key: &str) -> Option<AddedMonitor> {
        let is_it = |monitor: &AddedMonitor| monitor.name == key || monitor.uid == key || monitor.short_hash == key;
        self.list().into_iter().find(is_it)
    }
}

/// Nobody who could add monitors.
struct Nobody;

impl MonitorRegistry for Nobody {
    fn add(&self, _: NewMonitor) -> Result<String> {
        Err(Error::new("monitors cannot be added here; they can be in a running agent and in --run-monitor"))
    }

    fn remove(&self, name: &str) -> Result<()> {
        Err(Error::new(format!("there is no monitor {name} to be removed: none could be added here")))
    }

    fn list(&self) -> Vec<AddedMonitor> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_put_together_and_its_log_adjusted() {
        let new = NewMonitor::new("coin", "a").with("gauss_mean", 3).with_log(|log| log.parser = "coins".into());
        assert_eq!(Value::from(new.entry.clone()), serde_json::json!({ "module": "coin", "id": "a", "gauss_mean": 3 }));
        let mut log = LogConfig::new("coin.log");
        new.adjust_log(&mut log);
        assert_eq!(log.parser, "coins");
        assert!(!format!("{new:?}").contains('3'), "values may be secrets");
    }

    #[test]
    fn where_nobody_can_add_monitors_the_error_says_so() {
        let error = Monitors::none().add(NewMonitor::new("coin", "a")).unwrap_err().to_string();
        assert!(error.contains("--run-monitor"), "{error}");
        assert!(Monitors::none().remove("coin(a)").is_err() && Monitors::none().list().is_empty());
    }
}
