//! What `--run-monitor` runs: the text of `-c` → [`MonitorPlan`], in the same way as the daemon makes its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use scalyr_monitor::registry::{Environment, Registry};
use serde_json::{Map, Value};

use super::added_entries::AddedEntries;
use super::environment;
use super::keys;
use super::load::Loaded;
use super::metric_rules::{RATE_NAMES, RateEntries};
use super::module_names::{found_by_spelling, module_text, refuse_unknown};
use super::monitor_entries::{
    ALLOW_HTTP, Defaults, EntryPlace, JournaldLogs, interval_or, is_true, monitor_plan, read_id, rotation,
    warn_of_variables,
};
use super::own_files::OwnFiles;
use super::plan::MonitorPlan;
use super::report::{Report, Severity};
use super::settings::{Scope, Settings};
use super::syntax;
use super::value;
use super::workers::Workers;

/// The text of `-c` when it is not given.
pub const NO_OPTIONS: &str = "{}";

/// What `--run-monitor` is asked to run.
#[derive(Clone, Copy)]
pub struct RunRequest<'a> {
    /// A short or dotted module name.
    pub module: &'a str,
    /// The text of `-c`: an entry without its `module`.
    pub config_text: &'a str,
    /// The sample interval when `-c` does not give one.
    pub sample_interval: Duration,
    /// The configuration of `-a`: gives the jitter and the rotation.
    pub agent_config: Option<&'a Loaded>,
}

/// What `--run-monitor` runs.
#[derive(Debug)]
pub struct RunPlan {
    /// The instance.
    pub monitor: MonitorPlan,
    /// `agent_log_path` of `-a`, or its default.
    pub log_path: PathBuf,
    /// What is odd, and lets the monitor run all the same.
    pub report: Report,
    /// What an entry means that the monitor adds while it runs.
    pub added_entries: AddedEntries,
}

/// The plan of the one monitor that `--run-monitor` runs: made in the same way as in the daemon, except that its id is
/// empty unless the text gives one, and that a refusal ends the run.
///
/// # Errors
/// All problems of the text and of the monitor's options.
pub fn monitor_plan_for_run(
    request: &RunRequest<'_>,
    registry: &Registry,
    environment: &Arc<Environment>,
) -> Result<RunPlan, Report> {
    // The text of nobody: -c was not given, or as good as that.
    let is_bare = request.config_text == NO_OPTIONS;
    let mut report = Report::new(if is_bare { "" } else { "-c" });
    report.keep_text(request.config_text);
    let (defaults, log_path) = run_defaults(request, environment, &mut report);
    let entry = match file_for_entry(request.config_text) {
        Some(message) => {
            report.fail("", message);
            None
        }
        None => syntax::parse_object(request.config_text, &mut report).values,
    };
    let registration = registry.find(request.module);
    if registration.is_none() {
        let mut of_module = Report::new("--run-monitor");
        refuse_unknown(request.module, String::new(), registry, &mut of_module);
        report.merge(of_module);
    }
    let (Some(mut entry), Some(registration)) = (entry, registration) else { return Err(report) };
    warn_of_variables(std::iter::once(&entry), environment, &mut report);
    // Whoever names the folder of the crate, which has dashes, gets the monitor as every agent will run it.
    let registered = |module: &str| found_by_spelling(module, registry).map(|found| found.name.to_owned());
    let module = registered(request.module).unwrap_or_else(|| request.module.to_owned());
    if let Some(given) = entry.get("module").and_then(module_text).and_then(|given| registered(&given)) {
        entry.insert("module".to_owned(), given.into());
    }
    warn_of_no_effect(&entry, &module, &mut report);
    entry.insert("module".to_owned(), module.into());
    let id = read_id(&entry).unwrap_or_else(|message| {
        report.refuse("id", message);
        None
    });
    let place = EntryPlace { origin: "--run-monitor".to_owned(), prefix: String::new() };
    let id = id.unwrap_or_default();
    match monitor_plan(registration, entry, &place, id, &defaults, environment, &mut report) {
        Some(mut monitor) if report.worst() < Some(Severity::Refused) => {
            monitor.disabled = false;
            let added_entries = AddedEntries { defaults, environment: Arc::clone(environment) };
            Ok(RunPlan { monitor, log_path, report, added_entries })
        }
        _ => {
            report.drop_follow_ups();
            if is_bare {
                report.hint_at_missing(|option| format!("give it with -c '{{ {option}: ... }}'"));
            }
            Err(report)
        }
    }
}

/// What is said of a text that is the name of a file rather than an entry.
fn file_for_entry(text: &str) -> Option<String> {
    let is_entry = text.starts_with(|c: char| c == '{' || c.is_whitespace() || c == '\u{feff}')
        || text.starts_with("/*")
        || text.starts_with("//");
    let looks_like_a_file =
        || text.ends_with(".json") || text.starts_with('/') || text.starts_with("./") || Path::new(text).is_file();
    if text.is_empty() || is_entry || text.contains(['\n', '\r']) || !looks_like_a_file() {
        return None;
    }
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+~".contains(c);
    let quoted =
        if text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) };
    Some(format!(
        "takes the entry itself, {{ ... }}, not the name of a file; for what stands in one: -c \"$(cat {quoted})\""
    ))
}

/// Names the keys of an entry that do nothing where the lines go to standard output and the monitor is already named.
fn warn_of_no_effect(entry: &Map<String, Value>, module: &str, report: &mut Report) {
    if let Some(given) =
        entry.get("module").filter(|given| !given.is_null() && module_text(given).as_deref() != Some(module))
    {
        report.warn("module", format!("{} is ignored: --run-monitor runs {module}", value::shown(given)));
    }
    if is_true(entry, "disabled") {
        report.warn("disabled", "has no effect with --run-monitor: the monitor was asked for by name");
    }
    for key in [
        "log_path",
        "log_rotation_backup_count",
        "log_rotation_max_bytes",
        "monitor_log_write_rate",
        "monitor_log_max_write_burst",
    ] {
        if entry.get(key).is_some_and(|value| !value.is_null()) {
            report.warn(key, "has no effect with --run-monitor: all lines go to standard output, without a limit");
        }
    }
}

/// What the configuration of `-a` says about a single monitor. The rest of it is judged by `start`.
fn run_defaults(request: &RunRequest<'_>, variables: &Environment, report: &mut Report) -> (Defaults, PathBuf) {
    const JITTER: &str = "global_monitor_sample_interval_enable_jitter";
    let read = [
        JITTER,
        ALLOW_HTTP,
        "log_rotation_max_bytes",
        "log_rotation_backup_count",
        "agent_log_path",
        "agent_data_path",
        RATE_NAMES,
        "metric_functions_cleanup_interval",
    ];
    let nothing = Map::new();
    let values = request.agent_config.map_or(&nothing, |loaded| &loaded.values);
    let mut of_agent = request.agent_config.map_or_else(Report::default, Loaded::blank_report);
    let settings = Settings::read(values, keys::GLOBAL, "", Scope::Global, &mut of_agent);
    let rates = RateEntries::of_agent(&settings, &mut of_agent);
    let is_variable = |path: &str| {
        let keys = keys::GLOBAL.iter().filter(|key| read.contains(&key.name));
        keys.flat_map(environment::names).any(|name| name == path)
    };
    of_agent.keep(|path| read.contains(&path) || path.starts_with(RATE_NAMES) || is_variable(path));
    report.merge(of_agent);
    let directory = |key| {
        let path = PathBuf::from(settings.text(key).unwrap_or_default());
        request.agent_config.map_or(path.clone(), |loaded| loaded.directory().join(path))
    };
    let log_path = directory("agent_log_path");
    let (sample_interval, interval_variable) = interval_or(request.sample_interval, variables, report);
    let defaults = Defaults {
        sample_interval,
        interval_variable,
        jitter: request.agent_config.is_some() && settings.boolean(JITTER),
        rotation: rotation(&settings),
        own_files: OwnFiles::new(&log_path, &directory("agent_data_path")),
        workers: request.agent_config.map_or_else(Workers::default, |loaded| Workers::of_agent(&settings, loaded)),
        rates,
        allow_http: settings.boolean(ALLOW_HTTP),
        journald_logs: JournaldLogs::default(),
    };
    (defaults, log_path)
}
