//! The names of modules, as an entry of `monitors` gives them, and why one is no monitor.

use scalyr_monitor::registry::Registry;
use serde_json::Value;

use super::value;

/// Where the Python agent has its own monitors.
const PYTHON_PACKAGE: &str = "scalyr_agent.builtin_monitors.";

/// Its monitors that have no counterpart here; a name that is built is found before this list is looked at.
pub(super) const NOT_BUILT: [&str; 20] = [
    "apache_monitor",
    "docker_monitor",
    "garbage_monitor",
    "graphite_monitor",
    "journald_monitor",
    "kubernetes_events_monitor",
    "kubernetes_monitor",
    "kubernetes_openmetrics_monitor",
    "linux_process_metrics",
    "mysql_monitor",
    "nginx_monitor",
    "openmetrics_monitor",
    "postgres_monitor",
    "redis_monitor",
    "shell_monitor",
    "snmp_monitor",
    "symlink_file_monitor",
    "syslog_monitor",
    "tomcat_monitor",
    "url_monitor",
];

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

/// Why a module is no monitor. It is told apart what the Python agent had, what its user wrote for it in Python, and
/// what is misspelt.
pub(super) fn unknown_module(module: &str, registry: &Registry) -> String {
    let shipped = module.strip_prefix(PYTHON_PACKAGE).unwrap_or(module);
    if NOT_BUILT.contains(&shipped) {
        return format!("{module:?} is a monitor of the Python agent that is not built yet");
    }
    const PORTED: &str = "Python monitors are not run, but ported: docs/writing-a-monitor.md, section \
        \"From a Python monitor\"";
    // The user's own Python monitors often had names without a dot.
    let of_python = match (shipped == module, module.contains('.')) {
        (true, true) => format!("; {PORTED}"),
        (true, false) => format!("; if it is one of your own in Python: {PORTED}"),
        (false, _) => String::new(),
    };
    let quoted = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let near = match registry.find(short_name(module)) {
        Some(registration) => vec![registration.name],
        None => registry.nearest(short_name(module)),
    };
    if near.is_empty() {
        let all: Vec<_> = registry.iter().map(|registration| registration.name).collect();
        let all = if all.is_empty() { "none".to_owned() } else { quoted(&all) };
        format!("{module:?} is no monitor of this agent; it has {all}{of_python}")
    } else {
        let of_python = of_python.replace("; Python", " Python").replace("; if", " If");
        format!("{module:?} is no monitor of this agent; did you mean {}?{of_python}", quoted(&near))
    }
}
