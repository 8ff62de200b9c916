//! `agent_debug.log`: the lines of `debug_level`, and those of the parts that `debug_level_logger_names` names.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use scalyr_monitor::Level;
use scalyr_monitor::log::Record;

use crate::config::plan::{AgentLogPlan, Rotation};
use crate::own_logs::rotating_file::{RotatingFile, WhenHeld, Written};
use crate::own_logs::source_tag::SourceTag;

/// The level of the parts that are named.
const OF_NAMED: u8 = 5;

/// Which records are written (`logging.md` section 10).
#[derive(Clone, Debug, Default)]
pub(super) struct DebugRules {
    level: u8,
    names: Arc<[String]>,
}

impl DebugRules {
    /// Those of a plan.
    pub(super) fn of(plan: &AgentLogPlan) -> Self {
        Self { level: plan.debug_level, names: Arc::clone(&plan.debug_names) }
    }

    /// The finest debug level of which a record may be written; 0 for none.
    pub(super) fn finest(&self) -> u8 {
        if self.names.is_empty() { self.level } else { OF_NAMED }
    }

    /// Whether this record is written: all up to `debug_level`, and everything of the parts that are named.
    pub(super) fn want(&self, record: &Record<'_>) -> bool {
        record.level >= Level::threshold(self.level)
            || self.names.iter().any(|name| is_of(name, record.component))
            || (!self.names.is_empty() && {
                let module = SourceTag::new(record.place).module();
                self.names.iter().any(|name| is_of(name, &module))
            })
    }
}

/// Whether `part` is what is named or a part of that: `monitor:coin` has the part `monitor:coin(1)`, and
/// `scalyr_agent.upload` the part `scalyr_agent.upload.pace`.
pub(crate) fn is_of(name: &str, part: &str) -> bool {
    part.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '(', ':']))
}

/// The file, while there is one.
pub(super) struct DebugLog {
    path: PathBuf,
    file: Option<RotatingFile>,
    rotation: Rotation,
    rules: DebugRules,
    trouble_told: bool,
}

impl DebugLog {
    /// At this path; not opened yet.
    pub(super) fn new(path: PathBuf, rotation: Rotation) -> Self {
        Self { path, file: None, rotation, rules: DebugRules::default(), trouble_told: false }
    }

    /// Rotates it in another way from now on.
    pub(super) fn set_rotation(&mut self, rotation: Rotation) {
        self.rotation = rotation;
        if let Some(file) = &mut self.file {
            file.set_rotation(rotation);
        }
    }

    /// Follows these rules from now on: opens the file when they want any record, else closes it.
    ///
    /// # Errors
    /// When it is needed and cannot be opened; the rules stay as they were.
    pub(super) fn follow(&mut self, rules: DebugRules) -> io::Result<()> {
        if rules.finest() == 0 {
            self.file = None;
        } else if self.file.is_none() {
            self.file = Some(super::agent_log::open(&self.path, self.rotation)?);
        }
        self.rules = rules;
        Ok(())
    }

    /// The rules in force.
    pub(super) fn rules(&self) -> DebugRules {
        self.rules.clone()
    }

    /// Writes a line; tells what became of it, and what is to be reported of it: each trouble once.
    pub(super) fn write(&mut self, line: &str) -> (Written, Option<String>) {
        let Some(file) = &mut self.file else { return (Written::default(), None) };
        let written = file.write_lines(line.as_bytes(), WhenHeld::Grow);
        let told = std::mem::replace(&mut self.trouble_told, written.trouble.is_some());
        let trouble = written.trouble.as_ref().filter(|_| !told);
        let report = trouble.map(|error| format!("Cannot write or rotate {}: {error}", self.path.display()));
        (written, report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_itself_and_for_its_parts_and_for_nothing_that_only_begins_like_it() {
        assert!(is_of("core", "core"));
        assert!(is_of("monitor:coin", "monitor:coin(1)") && is_of("monitor:coin(1)", "monitor:coin(1)"));
        assert!(is_of("monitor", "monitor:coin()"));
        assert!(is_of("scalyr_agent.upload", "scalyr_agent.upload.pace.rate"));
        assert!(!is_of("monitor:coin", "monitor:coins()") && !is_of("monitor:coin(1)", "monitor:coin(12)"));
        assert!(!is_of("scalyr_agent.up", "scalyr_agent.upload") && !is_of("core", "scalyr_agent.core"));
    }
}
