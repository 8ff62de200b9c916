//! The entries of `monitors`: entry → [`MonitorPlan`], in the same way for the daemon and for `--run-monitor`.

mod candidate;
mod defaults;
mod entry;
mod journal;
mod options;
mod place;
mod variables;

use std::collections::BTreeSet;
use std::sync::Arc;

use scalyr_monitor::registry::{Environment, Registration, Registry};
use serde_json::{Map, Value};

pub(super) use self::candidate::read_id;
use self::candidate::{Candidate, candidate, enabled_by_default, implicit};
pub(super) use self::defaults::{ALLOW_HTTP, Defaults, interval_or, rotation};
pub(super) use self::entry::monitor_plan;
pub(super) use self::journal::JournaldLogs;
pub(super) use self::place::EntryPlace;
pub(super) use self::variables::warn_of_variables;
use super::module_names::{module_text, refuse_unknown};
use super::monitor_ids::{self, Id, Wanted};
use super::plan::MonitorPlan;
use super::report::{Kind, Report, on_one_line};
use super::settings::Settings;
use super::value;

/// The monitors of the configuration, the implicit ones behind them. An entry that is refused is left out.
pub(super) fn plan(
    settings: &Settings<'_>,
    defaults: &Defaults,
    registry: &Registry,
    environment: &Arc<Environment>,
    report: &mut Report,
) -> Vec<MonitorPlan> {
    let candidates = candidates(settings, registry, report);
    warn_of_variables(candidates.iter().map(|candidate| &candidate.entry), environment, report);
    let modules: Vec<_> = candidates.iter().map(|candidate| candidate.registration(registry)).collect();
    defaults.rates.warn_of_unknown(&modules, registry, report);
    let named = modules.iter().filter_map(|(_, registration)| *registration);
    journal::warn_of_unread(&defaults.journald_logs, named, report);

    let wanted: Vec<Wanted> = candidates.iter().map(|candidate| candidate.wanted.clone()).collect();
    let origins: Vec<String> = candidates.iter().map(|candidate| candidate.place.origin.clone()).collect();
    let mut monitors = Vec::new();
    for (candidate, id) in candidates.into_iter().zip(monitor_ids::assign(&wanted)) {
        let Candidate { place, entry, wanted, refused } = candidate;
        let known = report.problems().len();
        let is_free = settle_id(&id, &wanted, &place, &origins, report);
        let id = match id {
            Id::Free(id) | Id::Moved(id, _) => id,
            Id::Taken(_) => wanted.id.unwrap_or_default(),
        };
        let name = format!("{}({id})", wanted.short_name);
        let resolved = resolve(&entry, &place, registry, report);
        // Every problem of the entry is reported, also when one was found already.
        let made = resolved.and_then(|registration| {
            monitor_plan(registration, entry.clone(), &place, id, defaults, environment, report)
        });
        let made = made.filter(|_| is_free && !refused);
        if made.is_none() {
            // Another entry has the name that this one cannot have.
            let which = if is_free { &name } else { "this monitor" };
            report.conclude_each(known, &format!("{which} does not run"));
            report.refuse_monitor(&name, known);
            if is_true(&entry, "stop_agent_on_failure") {
                report
                    .fail(place.of("stop_agent_on_failure"), format!("is set, and {name} is refused"))
                    .hint("mend it, or set `stop_agent_on_failure: false`");
            }
        }
        monitors.extend(made);
    }
    monitors
}

/// The entries that name a module, and behind them those that the agent adds by itself.
fn candidates(settings: &Settings<'_>, registry: &Registry, report: &mut Report) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for (index, entry) in settings.list("monitors").iter().enumerate() {
        let origin = report.sources().entry_name("monitors", index);
        let place = EntryPlace { origin, prefix: format!("monitors[{index}]") };
        let (known, origin) = (report.problems().len(), place.origin.clone());
        match candidate(entry, place, registry, report) {
            Some(candidate) => candidates.push(candidate),
            None => report.refuse_monitor(origin, known),
        }
    }
    candidates.extend(implicit(settings, registry, report));
    candidates.extend(enabled_by_default(&candidates, registry, report));
    candidates
}

/// The names of all these monitors: as registered, or as an entry writes it when there is none of that name.
pub(super) fn names(settings: &Settings<'_>, registry: &Registry, report: &mut Report) -> BTreeSet<String> {
    let name = |candidate: &Candidate| {
        let module = candidate.entry.get("module").and_then(module_text).unwrap_or_default();
        registry.find(&module).map_or_else(|| on_one_line(&module), |registration| registration.name.to_owned())
    };
    candidates(settings, registry, report).iter().map(name).collect()
}

/// Tells what is wrong with the id of an entry; false when it cannot have it. `origins` are those of all entries.
fn settle_id(id: &Id, wanted: &Wanted, place: &EntryPlace, origins: &[String], report: &mut Report) -> bool {
    match id {
        Id::Free(_) => true,
        Id::Moved(id, taken) => {
            let message = format!("its automatic id {taken} is given to another entry; it gets {id}");
            report.warn(place.of(""), message).kind(Kind::Conflict);
            true
        }
        Id::Taken(owner) => {
            let given = wanted.id.as_deref().unwrap_or_default();
            let owner = origins.get(*owner).map_or("", String::as_str);
            let problem = report.refuse(place.of("id"), format!("{given:?} is the id of {owner} too"));
            problem.kind(Kind::Conflict).hint(format!("give each {} its own", wanted.short_name));
            false
        }
    }
}

/// Whether an entry, which may be refused, has this flag set.
pub(super) fn is_true(entry: &Map<String, Value>, flag: &str) -> bool {
    let flag = entry.get(flag).filter(|flag| !flag.is_null());
    flag.is_some_and(|flag| value::boolean(flag).is_ok_and(|flag| flag.value))
}

/// The monitor that an entry names; it is refused when there is none.
pub(super) fn resolve(
    entry: &Map<String, Value>,
    place: &EntryPlace,
    registry: &Registry,
    report: &mut Report,
) -> Option<&'static Registration> {
    let module = entry.get("module").and_then(module_text).unwrap_or_default();
    let found = registry.find(&module);
    if found.is_none() {
        refuse_unknown(&module, place.of("module"), registry, report);
    }
    found
}

#[cfg(test)]
mod tests;
