//! One entry → [`MonitorPlan`], in the same way for the daemon, for `--run-monitor` and for monitors that are added at
//! run time.

use std::path::PathBuf;
use std::sync::Arc;

use scalyr_monitor::registry::{BuildContext, Environment, Registration};
use serde_json::{Map, Value};

use super::super::keys;
use super::super::metric_rules::{Target, metric_rules};
use super::super::module_names::short_name;
use super::super::plan::{MonitorPlan, Rotation, WriteLimit};
use super::super::report::{Kind, Report};
use super::super::session;
use super::super::settings::{Scope, Settings};
use super::super::value;
use super::defaults::Defaults;
use super::journal;
use super::options::builds;
use super::place::EntryPlace;

/// Entry → plan: the one way, for the daemon, for `--run-monitor` and for monitors that are added at run time. `None`
/// when the entry is refused.
pub(in crate::config) fn monitor_plan(
    registration: &'static Registration,
    mut entry: Map<String, Value>,
    place: &EntryPlace,
    id: String,
    defaults: &Defaults,
    environment: &Arc<Environment>,
    report: &mut Report,
) -> Option<MonitorPlan> {
    journal::add_journald_logs(registration, &mut entry, &defaults.journald_logs);
    let settings = Settings::read(&entry, keys::MONITOR_ENTRY, &place.prefix, Scope::Monitor, report);
    let mut refused = settings.is_refused();
    let context = BuildContext { environment: environment.as_ref(), allow_http: defaults.allow_http };
    refused |= !builds(registration, &entry, place, context, report);

    let module = settings.text("module").unwrap_or(registration.name);
    let short_name = short_name(module).to_owned();
    let metric_log = settings.text("log_path").filter(|path| !path.is_empty());
    let metric_log = metric_log.map_or_else(|| PathBuf::from(format!("{short_name}.log")), PathBuf::from);
    if let Some(refusal) = defaults.own_files.refusal(&metric_log) {
        report.refuse(place.of("log_path"), refusal).kind(Kind::Conflict);
        refused = true;
    }
    let target = Target { short_name: &short_name, registration };
    let metric_rules = metric_rules(&settings, &entry, &defaults.rates, target, |path| place.of(path), report);
    let sample_interval = match settings.float("sample_interval") {
        Some(_) => session::seconds(&settings, "sample_interval"),
        None => defaults.sample_interval,
    };
    if let Some(name) = defaults.interval_variable.filter(|_| sample_interval != defaults.sample_interval) {
        let message = format!("given here and, differently, by the environment variable {name}, which is ignored");
        report.warn(place.of("sample_interval"), message).kind(Kind::Conflict);
    }
    warn_of_truth(&settings, &entry, place, report);
    let plan = MonitorPlan {
        origin: place.origin.clone(),
        registration,
        id,
        sample_interval,
        jitter: defaults.jitter,
        write_limit: write_limit(&settings),
        rotation: Rotation {
            max_bytes: settings
                .integer("log_rotation_max_bytes")
                .and_then(|bytes| u64::try_from(bytes).ok())
                .unwrap_or(defaults.rotation.max_bytes),
            backups: settings
                .integer("log_rotation_backup_count")
                .and_then(|count| u32::try_from(count).ok())
                .unwrap_or(defaults.rotation.backups),
        },
        metric_log,
        own_files: defaults.own_files.clone(),
        workers: defaults.workers.clone(),
        metric_rules: Arc::new(metric_rules),
        disabled: settings.boolean("disabled"),
        stop_agent_on_failure: settings.boolean("stop_agent_on_failure"),
        added: None,
        short_name,
        environment: Arc::clone(environment),
        allow_http: defaults.allow_http,
        entry: entry.clone(),
    };
    (!refused).then_some(plan)
}

/// The old agent checked `stop_agent_on_failure` as a bool, and then used the text: any that was not empty was true.
fn warn_of_truth(settings: &Settings<'_>, entry: &Map<String, Value>, place: &EntryPlace, report: &mut Report) {
    const STOP: &str = "stop_agent_on_failure";
    let Some(given @ Value::String(text)) = entry.get(STOP) else { return };
    // Of the other words for false the reader has told it.
    if !settings.boolean(STOP) && matches!(text.as_str(), "f" | "false") {
        let message = format!("{} is read as false; the Python agent took it as true", value::shown(given));
        report.warn(place.of(STOP), message).kind(Kind::Conversion).hint("write it without quotes");
    }
}

/// A negative rate or burst switches the limit off.
fn write_limit(settings: &Settings<'_>) -> Option<WriteLimit> {
    let rate = u64::try_from(settings.integer("monitor_log_write_rate")?).ok()?;
    let burst = u64::try_from(settings.integer("monitor_log_max_write_burst")?).ok()?;
    Some(WriteLimit { rate, burst })
}
