//! The monitors that are linked into this binary, and how one is built from its configuration entry.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::monitor::Monitor;

/// The environment, captured once at the edge.
#[derive(Clone, Debug, Default)]
pub struct Environment(HashMap<String, String>);

impl Environment {
    /// From pairs of name and value.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(variables.into_iter().collect())
    }

    /// The value of a variable. An empty one counts as set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Odd, and the monitor runs all the same.
    Warning,
    /// The entry is refused.
    Refused,
}

/// Something that is wrong with a configuration entry, for the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The value it is about, within the entry: `gauss_mean`, `hosts[2]`; empty for the entry as a whole.
    pub path: String,
    /// What was found, what is allowed, what to do; without the path.
    pub message: String,
    /// How bad it is.
    pub severity: Severity,
}

/// A monitor that was built from its entry.
pub struct Built {
    /// The instance, not yet initialised.
    pub monitor: Box<dyn Monitor>,
    /// What is odd about the entry.
    pub warnings: Vec<Problem>,
}

/// A monitor that registered itself at link time; made by `#[scalyr_monitor]`.
#[derive(Debug)]
pub struct Registration {
    /// The short name: `coin`.
    pub name: &'static str,
    /// The dotted module name of existing configurations, for example
    /// `scalyr_agent.builtin_monitors.linux_system_metrics`.
    pub module: Option<&'static str>,
    /// The crate it comes from.
    pub krate: &'static str,
    /// That crate's version.
    pub version: &'static str,
}

impl Registration {
    /// Builds an instance from its configuration entry: reads every option, and reports all problems at once.
    ///
    /// # Errors
    /// All problems of the entry, at least one of them [`Severity::Refused`].
    pub fn build(&self, entry: &Map<String, Value>, environment: &Environment) -> Result<Built, Vec<Problem>> {
        let _ = (entry, environment);
        Err(Vec::new())
    }
}

/// All linked monitors, sorted by name.
#[derive(Debug)]
pub struct Registry(Vec<&'static Registration>);

impl Registry {
    /// The monitors linked into this binary.
    ///
    /// # Errors
    /// One sentence for each name that two crates register, naming both.
    pub fn linked() -> Result<Self, Vec<String>> {
        Ok(Self(Vec::new()))
    }

    /// Finds a monitor by its short name or by the dotted module name of existing configurations.
    pub fn find(&self, module: &str) -> Option<&'static Registration> {
        self.0.iter().find(|registration| registration.name == module || registration.module == Some(module)).copied()
    }

    /// The names most like `module`, best first, for a did-you-mean; at most three.
    pub fn nearest(&self, module: &str) -> Vec<&'static str> {
        let _ = module;
        Vec::new()
    }

    /// All of them, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &'static Registration> + '_ {
        self.0.iter().copied()
    }
}
