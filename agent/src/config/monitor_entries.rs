//! The entries of `monitors`: entry → [`MonitorPlan`], in the same way for the daemon and for `--run-monitor`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use scalyr_monitor::config::DeclaredOption;
use scalyr_monitor::registry::{self, BuildContext, Environment, Registration, Registry};
use serde_json::{Map, Value};

use super::keys;
use super::metric_rules::{RateEntries, Target, metric_rules};
use super::module_names::{module_text, settle_module, short_name, unknown_module};
use super::monitor_ids::{self, Id, Wanted};
use super::own_files::OwnFiles;
use super::plan::{MonitorPlan, Rotation, WriteLimit};
use super::report::{Report, Severity};
use super::session;
use super::settings::{Scope, Settings};
use super::value;
use super::workers::Workers;
use crate::monitors::panic_place;

/// The module that `implicit_metric_monitor` runs.
const SYSTEM_METRICS: &str = "scalyr_agent.builtin_monitors.linux_system_metrics";
/// The module that `implicit_agent_process_metrics_monitor` runs.
const PROCESS_METRICS: &str = "scalyr_agent.builtin_monitors.linux_process_metrics";
/// The key that lets monitors use plain http.
pub(super) const ALLOW_HTTP: &str = "allow_http_monitors";
/// The variables that give all entries without a `sample_interval` theirs, the first one first.
const INTERVAL_VARIABLES: [&str; 2] = ["SCALYR_SAMPLE_INTERVAL", "scalyr_sample_interval"];
/// What follows from a refusal.
const DOES_NOT_RUN: &str = "this monitor does not run";

/// What a monitor has when its entry does not say otherwise.
#[derive(Clone, Debug)]
pub(super) struct Defaults {
    pub(super) sample_interval: Duration,
    /// The variable that the interval comes from.
    pub(super) interval_variable: Option<&'static str>,
    pub(super) jitter: bool,
    pub(super) rotation: Rotation,
    pub(super) own_files: OwnFiles,
    pub(super) workers: Workers,
    pub(super) rates: RateEntries,
    pub(super) allow_http: bool,
}

impl Defaults {
    /// From the keys of the whole configuration.
    pub(super) fn read(
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
        }
    }
}

/// The interval that the environment gives, with its variable, else `default`; a bad one is refused. An entry's own
/// `sample_interval` wins over both (`monitor-framework.md` section 6).
pub(super) fn interval_or(
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
pub(super) fn rotation(settings: &Settings<'_>) -> Rotation {
    let backups = u32::try_from(settings.count("log_rotation_backup_count")).unwrap_or(u32::MAX);
    Rotation { max_bytes: settings.count("log_rotation_max_bytes"), backups }
}

/// An entry on its way to a plan.
struct Candidate {
    origin: String,
    entry: Map<String, Value>,
    wanted: Wanted,
    refused: bool,
}

impl Candidate {
    /// The short name of its module, and the monitor that it names, if there is one.
    fn registration(&self, registry: &Registry) -> (&str, Option<&'static Registration>) {
        let module = self.entry.get("module").and_then(module_text).unwrap_or_default();
        (&self.wanted.short_name, registry.find(&module))
    }
}

/// The monitors of the configuration, the implicit ones behind them. An entry that is refused is left out.
pub(super) fn plan(
    settings: &Settings<'_>,
    defaults: &Defaults,
    registry: &Registry,
    environment: &Arc<Environment>,
    report: &mut Report,
) -> Vec<MonitorPlan> {
    let mut candidates: Vec<Candidate> = settings
        .list("monitors")
        .iter()
        .enumerate()
        .filter_map(|(index, entry)| candidate(entry, format!("monitors[{index}]"), registry, report))
        .collect();
    candidates.extend(implicit(settings, registry, report));
    candidates.extend(enabled_by_default(&candidates, registry, report));
    warn_of_variables(candidates.iter().map(|candidate| &candidate.entry), environment, report);

    let wanted: Vec<Wanted> = candidates.iter().map(|candidate| candidate.wanted.clone()).collect();
    let origins: Vec<String> = candidates.iter().map(|candidate| candidate.origin.clone()).collect();
    let modules: Vec<_> = candidates.iter().map(|candidate| candidate.registration(registry)).collect();
    defaults.rates.warn_of_unknown(&modules, registry, report);
    let mut monitors = Vec::new();
    for (candidate, id) in candidates.into_iter().zip(monitor_ids::assign(&wanted)) {
        let Candidate { origin, entry, wanted, refused } = candidate;
        let known = report.problems().len();
        let id = match id {
            Id::Free(id) => Some(id),
            Id::Moved(id, taken) => {
                let message = format!("its automatic id {taken} is given to another entry; it gets {id}");
                report.warn(&origin, message);
                Some(id)
            }
            Id::Taken(owner) => {
                let given = wanted.id.as_deref().unwrap_or_default();
                let owner = origins.get(owner).map_or("", String::as_str);
                let message = format!("{given:?} is the id of {owner} too; give each {} its own", wanted.short_name);
                report.refuse(format!("{origin}.id"), message);
                None
            }
        };
        let place = EntryPlace { prefix: origin.clone(), origin };
        let resolved = resolve(&entry, &place, registry, report);
        // Every problem of the entry is reported, also when one was found already.
        let made = resolved.and_then(|registration| {
            let id = id.clone().unwrap_or_default();
            monitor_plan(registration, entry.clone(), &place, id, defaults, environment, report)
        });
        let made = made.filter(|_| id.is_some() && !refused);
        if made.is_none() && !refused {
            report.conclude(known, DOES_NOT_RUN);
        }
        if made.is_none() && is_true(&entry, "stop_agent_on_failure") {
            let path = format!("{}.stop_agent_on_failure", place.prefix);
            report.fail(path, "is set, and this monitor is refused: mend it, or set `stop_agent_on_failure: false`");
        }
        monitors.extend(made);
    }
    monitors
}

/// Whether an entry, which may be refused, has this flag set.
pub(super) fn is_true(entry: &Map<String, Value>, flag: &str) -> bool {
    let flag = entry.get(flag).filter(|flag| !flag.is_null());
    flag.is_some_and(|flag| value::boolean(flag).is_ok_and(|flag| flag.value))
}

/// The monitors that run although no entry names them: those that are made for it, as `enabled_by_default` of their
/// registration says. An entry of theirs takes their place, `disabled: true` being enough.
fn enabled_by_default(candidates: &[Candidate], registry: &Registry, report: &mut Report) -> Vec<Candidate> {
    let named = |registration: &'static Registration| {
        let modules = candidates.iter().filter_map(|candidate| candidate.entry.get("module").and_then(module_text));
        modules.filter_map(|module| registry.find(&module)).any(|other| std::ptr::eq(other, registration))
    };
    let unnamed = registry.iter().filter(|registration| registration.enabled_by_default && !named(registration));
    unnamed
        .filter_map(|registration| {
            let entry = Map::from_iter([("module".to_owned(), Value::from(registration.name))]);
            let origin = format!("enabled_by_default of crate {}", registration.krate);
            candidate(&Value::Object(entry), origin, registry, report)
        })
        .collect()
}

/// Where an entry stands: for the plan, and as the prefix of its problems' paths (empty for the text of `-c`).
pub(super) struct EntryPlace {
    pub(super) origin: String,
    pub(super) prefix: String,
}

impl EntryPlace {
    fn of(&self, path: &str) -> String {
        match (self.prefix.is_empty(), path.is_empty()) {
            (true, _) => path.to_owned(),
            (_, true) => self.prefix.clone(),
            _ => format!("{}.{path}", self.prefix),
        }
    }
}

/// Names each variable that gave the old agent a framework key of an entry without it. The ones that set a key of the
/// whole configuration as well are named where that is read.
pub(super) fn warn_of_variables<'e>(
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
            of_environment
                .warn(name, format!("is not read for entries of `monitors`; write `{key}` into each of them"));
        }
    }
    report.merge(of_environment);
}

fn candidate(entry: &Value, origin: String, registry: &Registry, report: &mut Report) -> Option<Candidate> {
    let Value::Object(entry) = entry else {
        let found = value::kind(entry);
        report.refuse(origin, format!("must be an object with a `module`, but is {found}; {DOES_NOT_RUN}"));
        return None;
    };
    let mut entry = entry.clone();
    if let Some((given, name)) = settle_module(&mut entry, registry) {
        report.warn(format!("{origin}.module"), format!("{given:?} is the monitor `{name}`; write `{name}`"));
    }
    let Some(module) = entry.get("module").and_then(module_text) else {
        let found =
            entry.get("module").map_or("missing".to_owned(), |found| format!("{}, not a text", value::kind(found)));
        let message = format!("is {found}: an entry names the monitor that it runs; {DOES_NOT_RUN}");
        report.refuse(format!("{origin}.module"), message);
        return None;
    };
    let id = read_id(&entry);
    let refused = id.is_err();
    let id = id.unwrap_or_else(|message| {
        report.refuse(format!("{origin}.id"), format!("{message}; {DOES_NOT_RUN}"));
        None
    });
    let wanted = Wanted { short_name: short_name(&module).to_owned(), id };
    Some(Candidate { origin, entry, wanted, refused })
}

fn implicit(settings: &Settings<'_>, registry: &Registry, report: &mut Report) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for (key, module, options) in [
        ("implicit_metric_monitor", SYSTEM_METRICS, &[][..]),
        ("implicit_agent_process_metrics_monitor", PROCESS_METRICS, &[("id", "agent"), ("pid", "$$")][..]),
    ] {
        if !settings.boolean(key) {
            continue;
        }
        if registry.find(module).is_none() {
            let message = format!(
                "the monitor {} that it runs is not built yet; `{key}: false` ends this warning",
                short_name(module)
            );
            report.warn(key, message);
            continue;
        }
        let entry: Map<String, Value> = [("module", module)]
            .iter()
            .chain(options)
            .map(|(key, value)| ((*key).to_owned(), Value::from(*value)))
            .collect();
        candidates.extend(candidate(&Value::Object(entry), key.to_owned(), registry, report));
    }
    candidates
}

/// The id of an entry, if it gives one.
pub(super) fn read_id(entry: &Map<String, Value>) -> Result<Option<String>, String> {
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

pub(super) fn resolve(
    entry: &Map<String, Value>,
    place: &EntryPlace,
    registry: &Registry,
    report: &mut Report,
) -> Option<&'static Registration> {
    let module = entry.get("module").and_then(module_text).unwrap_or_default();
    let found = registry.find(&module);
    if found.is_none() {
        report.refuse(place.of("module"), unknown_module(&module, registry));
    }
    found
}

/// Entry → plan: the one way, for the daemon, for `--run-monitor` and for monitors that are added at run time. `None`
/// when the entry is refused.
pub(super) fn monitor_plan(
    registration: &'static Registration,
    entry: Map<String, Value>,
    place: &EntryPlace,
    id: String,
    defaults: &Defaults,
    environment: &Arc<Environment>,
    report: &mut Report,
) -> Option<MonitorPlan> {
    let settings = Settings::read(&entry, keys::MONITOR_ENTRY, &place.prefix, Scope::Monitor, report);
    let mut refused = settings.is_refused();
    let context = BuildContext { environment: environment.as_ref(), allow_http: defaults.allow_http };
    refused |= !builds(registration, &entry, place, context, report);

    let module = settings.text("module").unwrap_or(registration.name);
    let short_name = short_name(module).to_owned();
    let metric_log = settings.text("log_path").filter(|path| !path.is_empty());
    let metric_log = metric_log.map_or_else(|| PathBuf::from(format!("{short_name}.log")), PathBuf::from);
    if let Some(refusal) = defaults.own_files.refusal(&metric_log) {
        report.refuse(place.of("log_path"), refusal);
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
        report.warn(place.of("sample_interval"), message);
    }
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

/// A negative rate or burst switches the limit off.
fn write_limit(settings: &Settings<'_>) -> Option<WriteLimit> {
    let rate = u64::try_from(settings.integer("monitor_log_write_rate")?).ok()?;
    let burst = u64::try_from(settings.integer("monitor_log_max_write_burst")?).ok()?;
    Some(WriteLimit { rate, burst })
}

/// Builds the monitor and lets go of it, so that all problems of its options are in the report.
fn builds(
    registration: &'static Registration,
    entry: &Map<String, Value>,
    place: &EntryPlace,
    context: BuildContext<'_>,
    report: &mut Report,
) -> bool {
    let reasons = report.problems().len();
    let (built, problems) = match panic_place::watch(|| registration.build(entry, context)) {
        Ok(Ok(built)) => {
            // Its drop may be code of its own: it must not take the agent, or `status`, with it.
            if let Err(panic) = panic_place::watch(|| drop(built.monitor)) {
                report.warn(place.of(""), format!("the monitor {} {panic} when it was dropped", registration.name));
            }
            (true, built.warnings)
        }
        Ok(Err(problems)) => (false, problems),
        Err(panic) => {
            report.refuse(place.of(""), format!("the monitor {} {panic} while it read this entry", registration.name));
            return false;
        }
    };
    let options = DeclaredOption::all(registration.declared_options);
    for problem in problems {
        let path = place.of(&problem.path);
        let is_option = options.iter().any(|option| option.key() == problem.path);
        let is_member = entry.keys().any(|key| value::member_path("", key) == problem.path);
        // What is wrong with a member that is no option, or is one by an older name, is its name.
        if problem.severity == registry::Severity::Warning && !is_option && is_member {
            report.warn_of_key(path, problem.message);
        } else {
            report.add(problem.severity.into(), path, problem.message);
        }
    }
    if !built && report.problems().len() == reasons {
        report.refuse(place.of(""), format!("the monitor {} refuses this entry", registration.name));
    }
    built
}
