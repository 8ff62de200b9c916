//! The entries of monitors that a monitor adds while it runs: entry → [`MonitorPlan`], as those of `monitors`.

use std::fmt;
use std::sync::Arc;

use scalyr_monitor::registry::{Environment, Registry};
use serde_json::{Map, Value};

use super::module_names::settle_module;
use super::monitor_entries::{Defaults, EntryPlace, monitor_plan, read_id, resolve};
use super::plan::MonitorPlan;
use super::report::{Report, Severity};
use super::workers::Workers;

/// What an entry means that is added at run time: the defaults and the environment of the configuration.
#[derive(Clone)]
pub struct AddedEntries {
    pub(super) defaults: Defaults,
    pub(super) environment: Arc<Environment>,
}

/// Not the environment: keys are among it.
impl fmt::Debug for AddedEntries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddedEntries").field("defaults", &self.defaults).finish_non_exhaustive()
    }
}

impl AddedEntries {
    /// The environment that entries are read with.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The workers that upload.
    pub fn workers(&self) -> &Workers {
        &self.defaults.workers
    }

    /// The plan of an entry. It must have an `id`: an automatic one would change from run to run, and with it the name
    /// in each line.
    ///
    /// # Errors
    /// All problems of the entry; `origin` says whose it is.
    pub fn plan(
        &self,
        origin: &str,
        mut entry: Map<String, Value>,
        registry: &Registry,
    ) -> Result<MonitorPlan, Report> {
        let mut report = Report::new(origin);
        settle_module(&mut entry, registry);
        let place = EntryPlace { origin: origin.to_owned(), prefix: String::new() };
        let id = match read_id(&entry) {
            Ok(Some(id)) => id,
            Ok(None) => {
                report.refuse("id", "is missing: a monitor that is added needs one, by which it can be removed");
                String::new()
            }
            Err(message) => {
                report.refuse("id", message);
                String::new()
            }
        };
        let plan = resolve(&entry, &place, registry, &mut report).and_then(|registration| {
            monitor_plan(registration, entry, &place, id, &self.defaults, &self.environment, &mut report)
        });
        plan.filter(|_| report.worst() < Some(Severity::Refused)).ok_or(report)
    }
}
