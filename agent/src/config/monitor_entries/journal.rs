//! The entries of `journald_logs`, on their way to the monitors that read the journal.

use std::fmt;
use std::sync::Arc;

use scalyr_monitor::registry::Registration;
use serde_json::{Map, Value};

use super::super::log_entries::JOURNALD_LOGS;
use super::super::report::{Kind, Report};

/// The entries of `journald_logs`. Cheap to clone.
#[derive(Clone, Default)]
pub(in crate::config) struct JournaldLogs(Arc<[Map<String, Value>]>);

/// Not the entries: salts are among them.
impl fmt::Debug for JournaldLogs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} entries", self.0.len())
    }
}

impl From<Vec<Map<String, Value>>> for JournaldLogs {
    fn from(entries: Vec<Map<String, Value>>) -> Self {
        Self(entries.into())
    }
}

/// Whether a monitor reads the journal: it has an option of this name.
fn reads_journal(registration: &Registration) -> bool {
    registration.options().iter().any(|option| option.key == JOURNALD_LOGS)
}

/// Puts the entries behind those of the monitor's own entry, if it reads the journal.
pub(super) fn add_journald_logs(
    registration: &Registration,
    entry: &mut Map<String, Value>,
    JournaldLogs(logs): &JournaldLogs,
) {
    if logs.is_empty() || !reads_journal(registration) {
        return;
    }
    let own = entry.entry(JOURNALD_LOGS).or_insert_with(|| Value::Array(Vec::new()));
    // What is no list is told of by the option.
    if let Value::Array(own) = own {
        own.extend(logs.iter().cloned().map(Value::Object));
    }
}

/// Warns of entries that nobody reads.
pub(super) fn warn_of_unread(
    JournaldLogs(logs): &JournaldLogs,
    mut monitors: impl Iterator<Item = &'static Registration>,
    report: &mut Report,
) {
    if !logs.is_empty() && !monitors.any(reads_journal) {
        let message = "has no effect: no monitor reads the journal of systemd";
        let problem = report.warn(JOURNALD_LOGS, message).kind(Kind::Missing);
        problem.hint("add `{ module: \"journald_monitor\" }` to `monitors`");
    }
}
