//! The names of modules, as an entry of `monitors` gives them, and why one is no monitor.

use scalyr_monitor::registry::{Registration, Registry};
use serde_json::{Map, Value};

use super::report::{Kind, Report};
use super::value;

/// Where the Python agent has its own monitors.
const PYTHON_PACKAGE: &str = "scalyr_agent.builtin_monitors.";

/// Its monitors that have no counterpart here; a name that is built is found before this list is looked at.
const NOT_BUILT: [&str; 11] = [
    "apache_monitor",
    "docker_monitor",
    "kubernetes_events_monitor",
    "kubernetes_monitor",
    "kubernetes_openmetrics_monitor",
    "mysql_monitor",
    "nginx_monitor",
    "postgres_monitor",
    "redis_monitor",
    "snmp_monitor",
    "tomcat_monitor",
];

/// Its monitors that never will have one, each with the reason and with what to do.
const NEVER_BUILT: [(&str, &str, &str); 4] = [
    ("garbage_monitor", NO_PYTHON, MEASURE_ITSELF),
    ("windows_event_log_monitor", NO_WINDOWS, REMOVE),
    ("windows_process_metrics", NO_WINDOWS, "`linux_process_metrics` measures processes here"),
    ("windows_system_metrics", NO_WINDOWS, "`linux_system_metrics` measures the host here"),
];

const NO_PYTHON: &str = "looks into the memory of Python, in which this agent is not written";
const NO_WINDOWS: &str = "is for Windows, and this agent runs on Linux";
const MEASURE_ITSELF: &str = "remove the entry; the memory, threads and files of the agent are measured by \
    `linux_process_metrics` with `pid: \"$$\"`, which runs without an entry";
const REMOVE: &str = "remove the entry";

/// Whether it is a monitor of the Python agent, by its name without the package, that is not run here.
pub(super) fn is_known_to_python_only(name: &str) -> bool {
    NOT_BUILT.contains(&name) || never_built(name).is_some()
}

fn never_built(name: &str) -> Option<(&'static str, &'static str)> {
    NEVER_BUILT.iter().find(|(known, ..)| *known == name).map(|&(_, reason, hint)| (reason, hint))
}

/// The name of a module as an entry gives it, a number as its text; `None` when it is anything else, or empty.
pub(super) fn module_text(module: &Value) -> Option<String> {
    match module {
        Value::String(_) | Value::Number(_) => value::scalar_text(module).filter(|text| !text.is_empty()),
        _ => None,
    }
}

/// The text behind the last dot.
pub(super) fn short_name(module: &str) -> &str {
    module.rsplit('.').next().unwrap_or(module)
}

/// The monitor whose names a module matches by `-` and `_` only. Its instance has the registered name then, everywhere:
/// else lines, ids, metric logs and dashboards would depend on a spelling.
pub(super) fn found_by_spelling(module: &str, registry: &Registry) -> Option<&'static Registration> {
    registry.find(module).filter(|registration| registration.name != module && registration.module != Some(module))
}

/// Gives an entry whose `module` is found by its spelling only the registered name; returns what it was, and what it
/// is now.
pub(super) fn settle_module(entry: &mut Map<String, Value>, registry: &Registry) -> Option<(String, &'static str)> {
    let given = entry.get("module").and_then(module_text)?;
    let name = found_by_spelling(&given, registry)?.name;
    entry.insert("module".to_owned(), name.into());
    Some((given, name))
}

/// Why a monitor of the Python agent is none of this one, and what to do, which may be nothing; `None` when it is no
/// monitor of the Python agent.
pub(crate) fn why_not_built(module: &str) -> Option<(String, &'static str)> {
    let shipped = module.strip_prefix(PYTHON_PACKAGE).unwrap_or(module);
    let (reason, hint) = match NOT_BUILT.contains(&shipped) {
        true => ("is not built yet", ""),
        false => never_built(shipped)?,
    };
    Some((format!("{module:?} is a monitor of the Python agent that {reason}"), hint))
}

/// Refuses the value at `path` because it names no monitor. It is told apart what the Python agent had, what its user
/// wrote for it in Python, and what is misspelt.
pub(super) fn refuse_unknown(module: &str, path: String, registry: &Registry, report: &mut Report) {
    if let Some((message, hint)) = why_not_built(module) {
        report.refuse(path, message).kind(Kind::NotBuilt).hint(hint);
        return;
    }
    let shipped = module.strip_prefix(PYTHON_PACKAGE).unwrap_or(module);
    let quoted = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let near = match registry.find(short_name(module)) {
        Some(registration) => vec![registration.name],
        None => registry.nearest(short_name(module)),
    };
    let how = how_to_add(module, shipped != module);
    let message = format!("{module:?} is no monitor of this agent");
    let (message, hint) = if near.is_empty() {
        let all: Vec<_> = registry.iter().map(|registration| registration.name).collect();
        (format!("{message}; it has {}", if all.is_empty() { "none".to_owned() } else { quoted(&all) }), how)
    } else {
        let how = how.replacen("a crate", " A crate", 1);
        (message, format!("did you mean {}?{how}", quoted(&near)))
    };
    report.refuse(path, message).kind(Kind::Reference).hint(hint);
}

/// What its author does about a monitor that is not there, in Rust or in Python; nothing for one of the Python package.
fn how_to_add(module: &str, is_shipped: bool) -> String {
    const LINKED: &str = "a crate that was added since this binary was built is linked by `cargo xtask link` and a new \
        build (from outside: `cargo agent`), or for a host by a new package (`cargo xtask package`)";
    const PORTED: &str = "Python monitors are not run, but ported: docs/writing-a-monitor.md, section \
        \"From a Python monitor\"";
    // The user's own Python monitors often had names without a dot, but none has a dash.
    match (is_shipped, module.contains('.'), module.contains('-')) {
        (true, ..) => String::new(),
        (false, _, true) => LINKED.to_owned(),
        (false, true, false) => format!("{LINKED}; {PORTED}"),
        (false, false, false) => format!("{LINKED}; if it is one of your own in Python: {PORTED}"),
    }
}
