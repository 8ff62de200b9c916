//! Where the entries of a plan stand in the files, and what the options of a monitor are.

use std::collections::HashMap;

use scalyr_monitor::config::OptionDecl;
use serde_json::Value;

use super::Checked;
use crate::cli::problems::SecretNames;
use crate::config::effective::MASKED;
use crate::config::origin::Origin;
use crate::config::plan::MonitorPlan;

/// Finds the entries of `logs` and `monitors` by the names that the plan calls them.
pub(super) struct Entries<'c> {
    checked: &'c Checked<'c>,
    /// Path of each in the merged values, by its name.
    paths: HashMap<String, String>,
}

/// An option of a monitor.
pub(super) struct MonitorOption {
    pub(super) name: &'static str,
    /// What the monitor reads, masked when it is secret; `None` when nobody gave it and it has no default.
    pub(super) value: Option<Value>,
    pub(super) origin: Origin,
}

impl<'c> Entries<'c> {
    pub(super) fn of(checked: &'c Checked<'c>) -> Self {
        let mut paths = HashMap::new();
        for key in ["logs", "journald_logs", "k8s_logs", "monitors"] {
            let length = checked.loaded.values.get(key).and_then(Value::as_array).map_or(0, Vec::len);
            for index in 0..length {
                let path = format!("{key}[{index}]");
                paths.insert(checked.report().sources().entry_name(key, index), path.clone());
                // What the plan calls an entry when nothing else is known of it.
                paths.entry(path.clone()).or_insert(path);
            }
        }
        Self { checked, paths }
    }

    /// Where the entry of this name stands; the default for one that the agent adds by itself.
    pub(super) fn origin(&self, name: &str) -> Origin {
        self.paths.get(name).map_or(Origin::Default, |path| self.checked.report().sources().origin(path))
    }

    /// The options of an instance as the monitor reads them, in the order of their declaration.
    pub(super) fn options(&self, monitor: &MonitorPlan, names: &SecretNames) -> Vec<MonitorOption> {
        monitor.registration.options().iter().map(|option| self.option(option, monitor, names)).collect()
    }

    fn option(&self, option: &OptionDecl, monitor: &MonitorPlan, names: &SecretNames) -> MonitorOption {
        let given = std::iter::once(&option.key).chain(option.aliases);
        let given = given.filter_map(|key| Some((*key, monitor.entry.get(*key)?))).find(|(_, value)| !value.is_null());
        let variable = || {
            let name = option.env?;
            Some((Value::from(self.checked.environment.get(name)?), Origin::Variable(name.to_owned())))
        };
        let (value, origin) = match (given, variable()) {
            (Some((key, value)), _) => {
                let path = self.paths.get(&monitor.origin).map(|entry| format!("{entry}.{key}"));
                let origin = path.map_or(Origin::Default, |path| self.checked.report().sources().origin(&path));
                (Some(value.clone()), origin)
            }
            (None, Some((value, origin))) => (Some(value), origin),
            (None, None) => (option.default.clone(), Origin::Default),
        };
        let shown = |value: Value| if option.secret { MASKED.into() } else { names.masked(option.key, &value) };
        MonitorOption { name: option.key, value: value.map(shown), origin }
    }
}
