//! What a monitor has when its entry does not say otherwise.

use std::time::Duration;

use scalyr_monitor::registry::Environment;
use serde_json::{Map, Value};

use super::super::keys;
use super::super::metric_rules::RateEntries;
use super::super::own_files::OwnFiles;
use super::super::plan::Rotation;
use super::super::report::{Report, Severity};
use super::super::session;
use super::super::settings::{Scope, Settings};
use super::super::workers::Workers;
use super::journal::JournaldLogs;

/// The key that lets monitors use plain http.
pub(in crate::config) const ALLOW_HTTP: &str = "allow_http_monitors";
/// The variables that give all entries without a `sample_interval` theirs, the first one first.
const INTERVAL_VARIABLES: [&str; 2] = ["SCALYR_SAMPLE_INTERVAL", "scalyr_sample_interval"];

/// What a monitor has when its entry does not say otherwise.
#[derive(Clone, Debug)]
pub(in crate::config) struct Defaults {
    pub(in crate::config) sample_interval: Duration,
    /// The variable that the interval comes from.
    pub(in crate::config) interval_variable: Option<&'static str>,
    pub(in crate::config) jitter: bool,
    pub(in crate::config) rotation: Rotation,
    pub(in crate::config) own_files: OwnFiles,
    pub(in crate::config) workers: Workers,
    pub(in crate::config) rates: RateEntries,
    pub(in crate::config) allow_http: bool,
    /// `journald_logs`, for those that read the journal.
    pub(in crate::config) journald_logs: JournaldLogs,
}

impl Defaults {
    /// From the keys of the whole configuration.
    pub(in crate::config) fn read(
        settings: &Settings<'_>,
        own_files: &OwnFiles,
        workers: &Workers,
        environment: &Environment,
        report: &mut Report,
    ) -> Self {
        let global = session::seconds(settings, "global_monitor_sample_interval");
        let (sample_interval, interval_variable) = interval_or(global, environment, report);
        Self {
            sample_interval,
            interval_variable,
            jitter: settings.boolean("global_monitor_sample_interval_enable_jitter"),
            rotation: rotation(settings),
            own_files: own_files.clone(),
            workers: workers.clone(),
            rates: RateEntries::of_agent(settings, report),
            allow_http: settings.boolean(ALLOW_HTTP),
            journald_logs: JournaldLogs::default(),
        }
    }
}

/// The interval that the environment gives, with its variable, else `default`; a bad one is refused. An entry's own
/// `sample_interval` wins over both (`monitor-framework.md` section 6).
pub(in crate::config) fn interval_or(
    default: Duration,
    environment: &Environment,
    report: &mut Report,
) -> (Duration, Option<&'static str>) {
    let variable = INTERVAL_VARIABLES.iter().find_map(|name| environment.get(name).map(|text| (*name, text)));
    let Some((name, text)) = variable else { return (default, None) };
    let entry = Map::from_iter([("sample_interval".to_owned(), Value::from(text))]);
    let mut of_entry = Report::new("environment");
    let settings = Settings::read(&entry, keys::MONITOR_ENTRY, "", Scope::Monitor, &mut of_entry);
    let mut of_environment = Report::new("environment");
    for problem in of_entry.problems() {
        let unused = if problem.severity == Severity::Refused { "; the variable is ignored" } else { "" };
        of_environment.add(problem.severity, name, format!("{}{unused}", problem.message));
    }
    report.merge(of_environment);
    match settings.float("sample_interval") {
        Some(_) => (session::seconds(&settings, "sample_interval"), Some(name)),
        None => (default, None),
    }
}

/// `log_rotation_max_bytes` and `log_rotation_backup_count` of the whole configuration.
pub(in crate::config) fn rotation(settings: &Settings<'_>) -> Rotation {
    let backups = u32::try_from(settings.count("log_rotation_backup_count")).unwrap_or(u32::MAX);
    Rotation { max_bytes: settings.count("log_rotation_max_bytes"), backups }
}
