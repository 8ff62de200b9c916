//! Variables of the environment that set keys of monitors in the old agent.

use scalyr_monitor::registry::Environment;
use serde_json::{Map, Value};

use super::super::keys;
use super::super::report::{Kind, Report};

/// Names each variable that gave the old agent a framework key of an entry without it. The ones that set a key of the
/// whole configuration as well are named where that is read.
pub(in crate::config) fn warn_of_variables<'e>(
    entries: impl Iterator<Item = &'e Map<String, Value>> + Clone,
    environment: &Environment,
    report: &mut Report,
) {
    let mut of_environment = Report::new("environment");
    for key in keys::MONITOR_ENTRY.iter().map(|key| key.name) {
        let is_told_elsewhere =
            ["module", "sample_interval"].contains(&key) || keys::GLOBAL.iter().any(|global| global.name == key);
        if is_told_elsewhere || entries.clone().all(|entry| entry.get(key).is_some_and(|value| !value.is_null())) {
            continue;
        }
        let upper = format!("SCALYR_{}", key.to_ascii_uppercase());
        let names = [upper.to_ascii_lowercase(), upper];
        if let Some(name) = names.iter().rev().find(|name| environment.get(name).is_some()) {
            let problem = of_environment.warn(name, "is not read for entries of `monitors`").kind(Kind::Obsolete);
            problem.hint(format!("write `{key}` into each of them"));
        }
    }
    report.merge(of_environment);
}
