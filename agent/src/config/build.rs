//! Values → plan. Pure: what it needs to know of the machine is passed in.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use scalyr_monitor::Level;
use scalyr_monitor::registry::{Environment, Registry};
use serde_json::{Map, Value};

use super::added_entries::AddedEntries;
use super::debug_names;
use super::effective::{self, EffectiveOption};
use super::environment;
use super::keys;
use super::listen;
use super::load::Loaded;
use super::log_entries::LogEntries;
use super::own_files::OwnFiles;
use super::patterns;
use super::plan::{AgentLogPlan, Plan, StatisticsPlan, TailPlan};
use super::report::{Kind, Report, Severity};
use super::session;
use super::settings::{Scope, Settings};
use super::value;
use super::whereabouts::Whereabouts;
use super::{log_entries, monitor_entries, workers};

/// Files are not looked at more often than this, however short `config_change_check_interval` is; the Python agent's own
/// main loop has the same tick.
const SHORTEST_CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// What a plan depends on beside the configuration.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The monitors that can be run.
    pub registry: &'a Registry,
    /// The environment, for options of monitors that read it.
    pub environment: &'a Arc<Environment>,
    /// The name of this host, for `serverHost`.
    pub host_name: &'a str,
}

/// A plan that may not be fit to run, and everything that is to be said about it.
#[derive(Debug)]
pub struct Draft {
    pub(super) plan: Plan,
    /// All problems, those of the files first.
    pub report: Report,
    /// Each key of the top level with the value in effect, in the order of the table of keys.
    pub options: Vec<EffectiveOption>,
}

impl Draft {
    /// What would be copied and run if it ran; looked at by `agent check`.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The plan to run, with all problems that leave the agent able to.
    ///
    /// # Errors
    /// All problems, when one of them is fatal.
    pub fn runnable(self) -> Result<(Plan, Report), Report> {
        if self.report.worst() == Some(Severity::Fatal) { Err(self.report) } else { Ok((self.plan, self.report)) }
    }
}

/// Makes the plan, with all problems that leave the agent able to run. A value or entry that is refused is left out of
/// the plan; the rest of it stands.
///
/// # Errors
/// All problems, when one of them is fatal.
pub fn build(loaded: &Loaded, surroundings: &Surroundings<'_>) -> Result<(Plan, Report), Report> {
    draft(loaded, surroundings).runnable()
}

/// Makes as much of the plan as can be made, with all problems.
pub fn draft(loaded: &Loaded, surroundings: &Surroundings<'_>) -> Draft {
    let mut report = loaded.blank_report();
    report.merge(loaded.report.clone());
    let settings = Settings::read(&loaded.values, keys::GLOBAL, "", Scope::Global, &mut report);
    environment::warn_of_misspelt(surroundings.environment, surroundings.registry, &mut report);
    let plan = plan(&settings, loaded, surroundings, &mut report);
    report.drop_follow_ups();
    report.mask();
    let options = effective::options(&settings, loaded, &plan, surroundings.registry, &report);
    Draft { plan, report, options }
}

/// The monitors that a configuration asks for, whether they can run with it or not: each by its name in `registry`, or as the
/// configuration writes it when there is none of that name. Those that run unnamed are among them.
pub fn configured_monitors(loaded: &Loaded, registry: &Registry) -> BTreeSet<String> {
    // What is wrong with them is told by whoever checks the configuration.
    let mut report = loaded.blank_report();
    let settings = Settings::read(&loaded.values, keys::GLOBAL, "", Scope::Global, &mut report);
    monitor_entries::names(&settings, registry, &mut report)
}

/// Without a usable key or server it has no session, which is fatal and reported; everything else is looked at all the
/// same.
fn plan(settings: &Settings<'_>, loaded: &Loaded, surroundings: &Surroundings<'_>, report: &mut Report) -> Plan {
    // How long `agent status` waits is not for the agent to know.
    let Whereabouts { log_path, data_path, .. } = Whereabouts::of_settings(settings, loaded);
    let own_files = OwnFiles::new(&log_path, &data_path);
    let server_attributes = server_attributes(settings, surroundings.host_name, report);
    let (sessions, workers) = workers::plan(settings, &server_attributes, loaded, report);
    let agent_log = agent_log(settings, surroundings.registry, report);
    let LogEntries { logs, journald } = log_entries::plan(settings, &log_path, &workers, report);
    let environment = surroundings.environment;
    let mut defaults = monitor_entries::Defaults::read(settings, &own_files, &workers, environment, report);
    defaults.journald_logs = journald.into();
    let monitors = monitor_entries::plan(settings, &defaults, surroundings.registry, environment, report);
    Plan {
        data_path,
        log_path,
        server_attributes,
        config_check_interval: session::seconds(settings, "config_change_check_interval").max(SHORTEST_CHECK_INTERVAL),
        check_remote: settings.boolean("check_remote_if_no_tty"),
        healthy_within: session::seconds(settings, "healthy_max_time_since_last_copy_attempt"),
        agent_log,
        statistics: statistics(settings),
        status_listen: listen::plan(settings, surroundings.host_name, report),
        tail: tail(settings),
        ignored_positions: ignored_positions(settings, report),
        sessions,
        logs,
        monitors,
        added_entries: AddedEntries { defaults, environment: Arc::clone(environment) },
    }
}

/// The user's attributes, `serverHost` added from the host's name if it is not among them.
fn server_attributes(settings: &Settings<'_>, host_name: &str, report: &mut Report) -> Map<String, Value> {
    let mut attributes = Map::new();
    for (key, attribute) in settings.object("server_attributes").into_iter().flatten() {
        if log_entries::is_scalar(attribute) {
            attributes.insert(key.clone(), attribute.clone());
        } else {
            let message =
                format!("must be a text, a number, true or false, but is {}; it is left out", value::kind(attribute));
            report.refuse(value::member_path("server_attributes", key), message).kind(Kind::Type);
        }
    }
    if !attributes.contains_key("serverHost") {
        let strip = settings.boolean("strip_domain_from_default_server_host");
        let name = if strip { host_name.split('.').next().unwrap_or(host_name) } else { host_name };
        attributes.insert("serverHost".to_owned(), name.into());
    }
    attributes
}

fn agent_log(settings: &Settings<'_>, registry: &Registry, report: &mut Report) -> AgentLogPlan {
    AgentLogPlan {
        rotation: monitor_entries::rotation(settings),
        debug_level: u8::try_from(settings.count("debug_level")).unwrap_or(0),
        debug_names: debug_names::read(settings, registry, report),
        debug_init: settings.boolean("debug_init"),
        stdout_severity: stdout_severity(settings, report),
    }
}

/// An interval of 0 means never.
fn statistics(settings: &Settings<'_>) -> StatisticsPlan {
    let interval = |name| Some(session::seconds(settings, name)).filter(|interval| !interval.is_zero());
    StatisticsPlan {
        says_is_agent: settings.boolean("debug_init"),
        bandwidth: interval("bandwidth_stats_log_interval"),
        overall: interval("overall_stats_log_interval"),
        copying: interval("copying_manager_stats_log_interval"),
        sessions: interval("default_worker_session_status_message_interval"),
    }
}

fn stdout_severity(settings: &Settings<'_>, report: &mut Report) -> Option<Level> {
    let word = settings.text("stdout_severity").unwrap_or_default();
    match word.trim().to_ascii_uppercase().as_str() {
        "NOTSET" => None,
        "DEBUG" => Some(Level::Debug1),
        "INFO" => Some(Level::Info),
        "WARNING" | "WARN" => Some(Level::Warning),
        "ERROR" => Some(Level::Error),
        "CRITICAL" | "FATAL" => Some(Level::Critical),
        _ => {
            let word = value::shown(&Value::from(word));
            let message = format!("{word} is none of NOTSET, DEBUG, INFO, WARNING, ERROR and CRITICAL; NOTSET is used");
            report.refuse("stdout_severity", message).kind(Kind::Choice);
            None
        }
    }
}

/// The patterns that are any; each of the others is reported and left out.
fn ignored_positions(settings: &Settings<'_>, report: &mut Report) -> Vec<String> {
    const KEY: &str = "ignore_checkpoints_on_startup_path_globs";
    let mut usable = Vec::new();
    for (index, pattern) in settings.texts(KEY).into_iter().enumerate() {
        match patterns::check_exclusion(&pattern) {
            Ok(()) => usable.push(pattern),
            Err(fault) => {
                let message = format!("{}; it is left out", fault.message);
                report.refuse(format!("{KEY}[{index}]"), message).kind(Kind::Pattern).hint(fault.hint);
            }
        }
    }
    usable
}

fn tail(settings: &Settings<'_>) -> TailPlan {
    // A server that is merely slow is no reason to throw away what lies on disk; a user who says so means it.
    let is_limited = |name| settings.is_given(name) || !session::defaults_of_unlimited(settings);
    let given = |name| is_limited(name).then(|| session::bytes(settings, name));
    let size = |name| settings.integer(name).and_then(|size| usize::try_from(size).ok());
    let page_size = size("read_page_size");
    TailPlan {
        max_line_size: size("max_line_size").unwrap_or(usize::MAX),
        line_completion_wait: session::seconds(settings, "line_completion_wait_time"),
        max_record_size: size("internal_parse_max_line_size").or(page_size).unwrap_or(usize::MAX),
        merges_json: settings.boolean("merge_json_parsed_lines"),
        raw_timestamp: settings.boolean("include_raw_timestamp_field"),
        max_log_offset_size: given("max_log_offset_size"),
        max_existing_log_offset_size: given("max_existing_log_offset_size"),
        copy_staleness_threshold: settings
            .is_given("copy_staleness_threshold")
            .then(|| session::seconds(settings, "copy_staleness_threshold")),
        close_quiet_after: session::whole_seconds(settings, "close_old_files_duration_in_seconds").unwrap_or_default(),
        log_deletion_delay: session::seconds(settings, "log_deletion_delay"),
        max_new_log_detection_time: session::seconds(settings, "max_new_log_detection_time"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    use super::super::keys::Effect;
    use super::super::load::{READ_HERE, from_text};
    use super::*;

    #[test]
    fn a_key_is_honoured_exactly_when_the_plan_is_made_of_it() {
        let environment = Arc::new(Environment::default());
        let loaded = from_text("{ api_key: 'k' }", PathBuf::from("/etc/agent.json"), &environment).unwrap();
        let registry = Registry::linked().unwrap();
        let surroundings = Surroundings { registry: &registry, environment: &environment, host_name: "host" };
        let mut report = Report::new("/etc/agent.json");
        let settings = Settings::read(&loaded.values, keys::GLOBAL, "", Scope::Global, &mut report);
        assert_eq!(plan(&settings, &loaded, &surroundings, &mut report).sessions.len(), 1);
        let honoured = keys::GLOBAL.iter().filter(|key| key.effect == Effect::Honoured).map(|key| key.name);
        let honoured: BTreeSet<_> = honoured.filter(|name| !READ_HERE.contains(name)).collect();
        assert_eq!(*settings.read.borrow(), honoured);
    }
}
