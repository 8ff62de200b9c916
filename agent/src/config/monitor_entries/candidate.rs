//! The entries that are to become monitors: the user's own, and those that the agent runs by itself.

use scalyr_monitor::registry::{Registration, Registry};
use serde_json::{Map, Value};

use super::super::module_names::{module_text, settle_module, short_name};
use super::super::monitor_ids::Wanted;
use super::super::report::{Kind, Report};
use super::super::settings::Settings;
use super::super::value;
use super::place::EntryPlace;

/// The module that `implicit_metric_monitor` runs.
const SYSTEM_METRICS: &str = "scalyr_agent.builtin_monitors.linux_system_metrics";
/// The module that `implicit_agent_process_metrics_monitor` runs.
const PROCESS_METRICS: &str = "scalyr_agent.builtin_monitors.linux_process_metrics";
/// What follows from a refusal while the monitor has no name yet.
const DOES_NOT_RUN: &str = "this monitor does not run";

/// An entry on its way to a plan.
pub(super) struct Candidate {
    pub(super) place: EntryPlace,
    pub(super) entry: Map<String, Value>,
    pub(super) wanted: Wanted,
    /// Whether something about it was refused already.
    pub(super) refused: bool,
}

impl Candidate {
    /// The short name of its module, and the monitor that it names, if there is one.
    pub(super) fn registration(&self, registry: &Registry) -> (&str, Option<&'static Registration>) {
        let module = self.entry.get("module").and_then(module_text).unwrap_or_default();
        (&self.wanted.short_name, registry.find(&module))
    }
}

/// The candidate that an entry is, unless it names no module.
pub(super) fn candidate(
    entry: &Value,
    place: EntryPlace,
    registry: &Registry,
    report: &mut Report,
) -> Option<Candidate> {
    let Value::Object(entry) = entry else {
        let message = format!("must be an object with a `module`, but is {}; {DOES_NOT_RUN}", value::kind(entry));
        report.refuse(place.of(""), message).kind(Kind::Type);
        return None;
    };
    let mut entry = entry.clone();
    if let Some((given, name)) = settle_module(&mut entry, registry) {
        let message = format!("{given:?} is the monitor `{name}`");
        report.warn(place.of("module"), message).hint(format!("write `{name}`"));
    }
    let Some(module) = entry.get("module").and_then(module_text) else {
        let (kind, found) = match entry.get("module").filter(|module| !module.is_null()) {
            None => (Kind::Missing, "missing".to_owned()),
            Some(Value::String(_)) => (Kind::Missing, "empty".to_owned()),
            Some(other) => (Kind::Type, format!("{}, not a text", value::kind(other))),
        };
        let message = format!("is {found}: an entry names the monitor that it runs; {DOES_NOT_RUN}");
        report.refuse(place.of("module"), message).kind(kind);
        return None;
    };
    let id = read_id(&entry);
    let refused = id.is_err();
    let id = id.unwrap_or_else(|message| {
        report.refuse(place.of("id"), format!("{message}; {DOES_NOT_RUN}")).kind(Kind::Type);
        None
    });
    let wanted = Wanted { short_name: short_name(&module).to_owned(), id };
    Some(Candidate { place, entry, wanted, refused })
}

/// The monitors that the agent runs by itself, each by its key.
pub(super) fn implicit(settings: &Settings<'_>, registry: &Registry, report: &mut Report) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for (key, module, options) in [
        ("implicit_metric_monitor", SYSTEM_METRICS, &[][..]),
        ("implicit_agent_process_metrics_monitor", PROCESS_METRICS, &[("id", "agent"), ("pid", "$$")][..]),
    ] {
        if !settings.boolean(key) {
            continue;
        }
        if registry.find(module).is_none() {
            let message = format!("the monitor {} that it runs is not built yet", short_name(module));
            report.warn(key, message).kind(Kind::NotBuilt).hint(format!("`{key}: false` ends this warning"));
            continue;
        }
        let entry: Map<String, Value> = [("module", module)]
            .iter()
            .chain(options)
            .map(|(key, value)| ((*key).to_owned(), Value::from(*value)))
            .collect();
        candidates.extend(candidate(&Value::Object(entry), EntryPlace::named(key), registry, report));
    }
    candidates
}

/// The monitors that run although no entry names them: those that are made for it, as `enabled_by_default` of their
/// registration says. An entry of theirs takes their place, `disabled: true` being enough.
pub(super) fn enabled_by_default(candidates: &[Candidate], registry: &Registry, report: &mut Report) -> Vec<Candidate> {
    let named = |registration: &'static Registration| {
        let modules = candidates.iter().filter_map(|candidate| candidate.entry.get("module").and_then(module_text));
        modules.filter_map(|module| registry.find(&module)).any(|other| std::ptr::eq(other, registration))
    };
    let unnamed = registry.iter().filter(|registration| registration.enabled_by_default && !named(registration));
    unnamed
        .filter_map(|registration| {
            let entry = Map::from_iter([("module".to_owned(), Value::from(registration.name))]);
            let origin = format!("enabled_by_default of crate {}", registration.krate);
            candidate(&Value::Object(entry), EntryPlace::named(&origin), registry, report)
        })
        .collect()
}

/// The id of an entry, if it gives one.
pub(in crate::config) fn read_id(entry: &Map<String, Value>) -> Result<Option<String>, String> {
    match entry.get("id") {
        None | Some(Value::Null) => Ok(None),
        Some(id) => match value::scalar_text(id) {
            Some(text) if text.chars().any(char::is_control) => {
                Err("must not hold line breaks or other control characters: it becomes a part of every line".to_owned())
            }
            Some(text) => Ok(Some(text)),
            None => Err(format!("must be a text, a number, true or false, but is {}", value::kind(id))),
        },
    }
}
