//! `debug_level_logger_names`: parts of the agent whose debug lines are written whatever `debug_level` is.
//!
//! A part is a component or a module, as they stand in the brackets of a line of the agent log: `core`, `monitor:coin(1)`,
//! `scalyr_agent.upload.pace`. The names of the Python agent's loggers of monitors are read, too.

use std::sync::Arc;

use scalyr_monitor::registry::Registry;

use super::keys::nearest_name;
use super::module_names::short_name;
use super::report::{Kind, Report};
use super::settings::Settings;
use crate::own_logs::debug_log::is_of;

const KEY: &str = "debug_level_logger_names";
/// Every module of the agent itself, one in a line.
const MODULES: &str = include_str!(concat!(env!("OUT_DIR"), "/modules.txt"));
/// The agent itself.
const AGENT: &str = "scalyr_agent";
/// The modules of the monitors that come with the agent.
const BUILTIN: &str = "scalyr_agent.builtin_monitors";

/// The parts that are named, in their own spelling. A name that stands for nothing is warned about.
pub(super) fn read(settings: &Settings<'_>, registry: &Registry, report: &mut Report) -> Arc<[String]> {
    let mut parts = Vec::new();
    for (index, given) in settings.texts(KEY).iter().enumerate() {
        let name = given.trim();
        match part(name, registry) {
            Some(part) => parts.push(part),
            None => {
                let message = format!("{name:?} is no part of this agent, so this has no effect");
                let near = nearest_part(name, registry);
                let hint = near.map_or_else(
                    || "write `core`, `monitor:NAME`, or a module as it stands in a line of agent.log".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                report.warn(format!("{KEY}[{index}]"), message).kind(Kind::Reference).hint(hint);
            }
        }
    }
    parts.sort_unstable();
    parts.dedup();
    parts.into()
}

/// The part of this name, if there is one.
fn part(name: &str, registry: &Registry) -> Option<String> {
    if matches!(name, "core" | "monitor") {
        return Some(name.to_owned());
    }
    let of_monitor = |instance: &str| {
        let (module, id) = instance.split_at(instance.find('(').unwrap_or(instance.len()));
        let found = registry.find(module).or_else(|| registry.find(short_name(module)))?;
        Some(format!("monitor:{}{id}", found.name))
    };
    if let Some(instance) = name.strip_prefix("monitor:") {
        return of_monitor(instance);
    }
    let is_module = MODULES.lines().any(|module| module == name)
        || registry.iter().any(|monitor| monitor.module == Some(name) || is_of_krate(monitor.krate, name));
    // A logger of the Python agent for an instance, or for the module of a monitor that is one file here.
    if is_module { Some(name.to_owned()) } else { of_monitor(name) }
}

/// Whether it is a module of a crate of monitors; those of the agent itself are known one by one.
fn is_of_krate(krate: &str, name: &str) -> bool {
    let krate = krate_of(krate);
    krate != AGENT && is_of(&krate, name)
}

/// The module of a crate of monitors.
fn krate_of(krate: &str) -> String {
    if matches!(krate, "builtin-monitors" | "builtin_monitors") { BUILTIN.to_owned() } else { krate.replace('-', "_") }
}

fn nearest_part(name: &str, registry: &Registry) -> Option<String> {
    let monitors: Vec<String> = registry.iter().map(|monitor| format!("monitor:{}", monitor.name)).collect();
    let krates: Vec<String> = registry.iter().map(|monitor| krate_of(monitor.krate)).collect();
    let known = ["core"].into_iter().chain(MODULES.lines()).chain(monitors.iter().chain(&krates).map(String::as_str));
    nearest_name(name, known).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(names: &[&str]) -> Vec<Option<String>> {
        let registry = Registry::linked().unwrap();
        names.iter().map(|name| part(name, &registry)).collect()
    }

    #[test]
    fn parts_are_components_and_modules_as_the_log_has_them() {
        let names = [
            "core",
            "monitor",
            "scalyr_agent.upload.pace.rate",
            "scalyr_agent.own_logs",
            "scalyr_agent.monitor_api.log",
        ];
        assert_eq!(parts(&names), names.map(|name| Some(name.to_owned())));
        let unknown = ["cor", "monitor:nobody", "scalyr_agent.copying_manager.worker", "scalyr_agent.upload.pase", ""];
        assert_eq!(parts(&unknown), unknown.map(|_| None));
    }

    #[test]
    fn a_misspelt_part_finds_its_neighbour() {
        let registry = Registry::linked().unwrap();
        let near = |name| nearest_part(name, &registry);
        assert_eq!(near("scalyr_agent.upload.pase").as_deref(), Some("scalyr_agent.upload.pace"));
        assert_eq!(near("Core").as_deref(), Some("core"));
        assert_eq!(near("something else altogether"), None);
    }
}
