//! The plan: what the configuration means, typed. Everything behind `config` knows only this.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use scalyr_monitor::registry::{Environment, Registration};
use scalyr_monitor::rules::MetricRules;
use scalyr_monitor::{Level, NewMonitor};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::added_entries::AddedEntries;
pub use super::compression::Compression;
pub use super::hidden::Hidden;
use super::line_plan::{Renaming, SharedLinePlan};
use super::own_files::OwnFiles;
pub use super::proxy::ProxyPlan;
use super::workers::Workers;
use crate::ledger::WorkerId;

/// Everything that the agent is to do. Starting is applying the difference to an empty plan.
#[derive(Clone, Debug)]
pub struct Plan {
    /// `agent_log_path`: agent log, metric logs.
    pub log_path: PathBuf,
    /// `agent_data_path`: positions, lock, status socket.
    pub data_path: PathBuf,
    /// Attributes of this host (`serverHost` among them), sent with every request.
    pub server_attributes: Map<String, Value>,
    /// `config_change_check_interval`: how often the files of the configuration are looked at.
    pub config_check_interval: Duration,
    /// `check_remote_if_no_tty`: whether the servers are asked before the start, also without a terminal.
    pub check_remote: bool,
    /// `healthy_max_time_since_last_copy_attempt`: data that waits for longer makes the agent a failing one.
    pub healthy_within: Duration,
    /// The agent's own log.
    pub agent_log: AgentLogPlan,
    /// The statistics lines in it.
    pub statistics: StatisticsPlan,
    /// `status_listen`: where the status is served over HTTP; `None` = nowhere.
    pub status_listen: Option<ListenPlan>,
    /// How log files are read.
    pub tail: TailPlan,
    /// `ignore_checkpoints_on_startup_path_globs`: the stored positions of files whose path matches one of these patterns
    /// (whole path, `*` also matches `/`) are not used at start.
    pub ignored_positions: Vec<String>,
    /// The sessions of all workers, those of one together and in the order of their numbers.
    pub sessions: Vec<SessionPlan>,
    /// Log files to copy, in the order of the configuration; the first entry that matches a file wins.
    pub logs: Vec<LogPlan>,
    /// Monitor instances, in the order of the configuration.
    pub monitors: Vec<MonitorPlan>,
    /// What an entry means that a monitor adds while it runs.
    pub added_entries: AddedEntries,
}

/// Size rotation of a file that the agent writes: `log_rotation_max_bytes`, `log_rotation_backup_count`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// The file is rotated before a line would bring it to this size; 0 = never.
    pub max_bytes: u64,
    /// How many old files are kept.
    pub backups: u32,
}

/// A leaky bucket, in bytes of written lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteLimit {
    /// Fill rate, bytes per second.
    pub rate: u64,
    /// Size of the bucket, bytes.
    pub burst: u64,
}

/// The agent's own log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentLogPlan {
    /// Size rotation.
    pub rotation: Rotation,
    /// `debug_level`, 0 to 5.
    pub debug_level: u8,
    /// `debug_level_logger_names`: components and modules, as they stand in the log, whose debug lines are all written.
    pub debug_names: Arc<[String]>,
    /// `debug_init`: whether the debug lines of the start stand in `agent.log`, too.
    pub debug_init: bool,
    /// `stdout_severity`: the least level that `--no-fork` prints; `None` = everything.
    pub stdout_severity: Option<Level>,
}

/// How often each statistics line is written into the agent log; `None` = never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatisticsPlan {
    /// `debug_init`: whether `agent_requests` says `is_agent`.
    pub says_is_agent: bool,
    /// `bandwidth_stats_log_interval`: `agent_requests`.
    pub bandwidth: Option<Duration>,
    /// `overall_stats_log_interval`: `agent_status`.
    pub overall: Option<Duration>,
    /// `copying_manager_stats_log_interval`: `copy_manager_status`.
    pub copying: Option<Duration>,
    /// `default_worker_session_status_message_interval`: `worker_session_requests`.
    pub sessions: Option<Duration>,
}

/// Where the status is served over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenPlan {
    /// The address; with port 0 the system chooses one.
    pub address: SocketAddr,
    /// The name of this host: beside `localhost` and addresses the only name that requests may be meant for.
    pub host_name: String,
}

/// How log files are found and read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TailPlan {
    /// `max_line_size`: longer lines are cut into pieces of at most this many bytes.
    pub max_line_size: usize,
    /// `line_completion_wait_time`: how long the end of an unfinished line is waited for.
    pub line_completion_wait: Duration,
    /// `internal_parse_max_line_size`: the longest json or cri record that is taken apart, in bytes.
    pub max_record_size: usize,
    /// `merge_json_parsed_lines`: json messages without a newline at their end are joined with the next one.
    pub merges_json: bool,
    /// `include_raw_timestamp_field`: json and cri events carry the time as it was written.
    pub raw_timestamp: bool,
    /// `max_log_offset_size` where the user gave it: most unread bytes of a file without a position. `None` = no limit.
    pub max_log_offset_size: Option<u64>,
    /// `max_existing_log_offset_size` where the user gave it: most unread bytes of a file with a position. `None` = no
    /// limit.
    pub max_existing_log_offset_size: Option<u64>,
    /// `copy_staleness_threshold` where the user gave it: a file of which nothing was accepted for so long jumps to its
    /// end. `None` = never.
    pub copy_staleness_threshold: Option<Duration>,
    /// `close_old_files_duration_in_seconds`: a file that was quiet for so long is closed; its identity and position stay.
    pub close_quiet_after: Duration,
    /// `log_deletion_delay`: how long a deleted file is kept open.
    pub log_deletion_delay: Duration,
    /// `max_new_log_detection_time`: a new file is noticed within this time, usually much earlier.
    pub max_new_log_detection_time: Duration,
}

/// As a configuration that says nothing about it.
impl Default for TailPlan {
    fn default() -> Self {
        Self {
            max_line_size: 49_900,
            line_completion_wait: Duration::from_secs(5),
            max_record_size: 65_536,
            merges_json: false,
            raw_timestamp: true,
            max_log_offset_size: None,
            max_existing_log_offset_size: None,
            copy_staleness_threshold: None,
            close_quiet_after: Duration::from_secs(3600),
            log_deletion_delay: Duration::from_secs(600),
            max_new_log_detection_time: Duration::from_secs(60),
        }
    }
}

/// One entry of `logs`, or the agent's own log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogPlan {
    /// Where the entry stands, for messages: `logs[2]`, `agent log`, `monitor coin()`.
    pub origin: String,
    /// An absolute path, or a glob of absolute paths.
    pub path: String,
    /// Paths that match one of these patterns (whole path, `*` also matches `/`) are left out.
    pub exclude: Vec<String>,
    /// Attributes of every event, `parser` among them.
    pub attributes: Map<String, Value>,
    /// Whether a file that is there at start and has no position is copied from its beginning.
    pub copy_from_start: bool,
    /// The worker whose session sends it.
    pub worker: WorkerId,
    /// What becomes of its lines.
    pub lines: SharedLinePlan,
    /// `rename_logfile`.
    pub renaming: Option<Renaming>,
    /// `ignore_stale_files` with `staleness_threshold_secs`: a file that was last changed longer ago is not copied.
    pub stale_after: Option<Duration>,
    /// `minimum_scan_interval`: the least time between two looks at a file.
    pub scan_interval: Option<Duration>,
    /// Whether it goes before the entries of the configuration: a monitor made it of one of them, for a file of its own.
    pub goes_first: bool,
}

impl LogPlan {
    /// An entry that says nothing but its path.
    pub fn new(origin: impl Into<String>, path: impl Into<String>, worker: WorkerId) -> Self {
        Self {
            origin: origin.into(),
            path: path.into(),
            exclude: Vec::new(),
            attributes: Map::new(),
            copy_from_start: false,
            worker,
            lines: SharedLinePlan::default(),
            renaming: None,
            stale_after: None,
            scan_interval: None,
            goes_first: false,
        }
    }

    /// Whether files are copied the same way, wherever the two entries stand.
    pub fn is_same(&self, other: &Self) -> bool {
        let Self { origin, .. } = other;
        // Whatever else an entry has, or will have, counts.
        self.path == other.path && Self { origin: origin.clone(), ..self.clone() } == *other
    }
}

impl Plan {
    /// Sessions of this plan and of the one before hide the same in texts of others.
    pub fn hide_also(&mut self, former: Option<&Self>) {
        if let Some(former) = former.and_then(|former| former.sessions.first()) {
            self.sessions.iter_mut().for_each(|session| session.hidden.follow(&former.hidden));
        }
    }

    /// How many sessions each worker has.
    pub fn session_counts(&self) -> SessionCounts {
        let mut counts = SessionCounts::new();
        for SessionPlan { id, .. } in &self.sessions {
            *counts.entry(id.worker.clone()).or_default() += 1;
        }
        counts
    }
}

/// How many sessions each worker has; those without any are not among them.
pub type SessionCounts = BTreeMap<WorkerId, u32>;

/// One of the sessions of a worker, `<worker>-<number>` (`wire-protocol.md` section 12).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId {
    /// The worker.
    pub worker: WorkerId,
    /// Its number among the worker's sessions, from 0.
    pub number: u32,
}

/// The first session of the worker.
impl From<WorkerId> for SessionId {
    fn from(worker: WorkerId) -> Self {
        Self { worker, number: 0 }
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.worker, self.number)
    }
}

/// As it is shown.
impl Serialize for SessionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An upload session: one api key and server.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionPlan {
    /// Its worker, and its number among the sessions of that.
    pub id: SessionId,
    /// The key that authorises the upload.
    pub api_key: ApiKey,
    /// `scheme://host:port` of the server, without a path.
    pub server: String,
    /// The session's server attributes, `serverHost` among them: `sessionInfo` on the wire.
    pub server_attributes: Map<String, Value>,
    /// `verify_server_certificate`.
    pub verify_server_certificate: bool,
    /// `ca_cert_path`: whose certificates are trusted.
    pub roots: Roots,
    /// `https_proxy` for an https server, `http_proxy` for an http one: the proxy on the way to it.
    pub proxy: Option<ProxyPlan>,
    /// `request_deadline`.
    pub request_deadline: Duration,
    /// `compression_type` and `compression_level`.
    pub compression: Compression,
    /// When and how much is sent.
    pub pacing: Pacing,
    /// `repeat_log_attributes` and `disable_logfile_addevents_format`: how a body is laid out.
    pub body_form: BodyForm,
    /// `enforce_monotonic_timestamps`: each event has a later time than the one before, of whatever session.
    pub monotonic_times: bool,
    /// `disable_send_requests`: what is read is dropped, and nothing is sent.
    pub sends_nothing: bool,
    /// What is hidden in texts of others, the keys of all sessions among it.
    pub hidden: Hidden,
}

/// How the attributes of a log file reach the server (`wire-protocol.md` sections 3.2 and 3.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyForm {
    /// Once per request, in `logs`.
    #[default]
    Lean,
    /// `repeat_log_attributes`: in `logs`, and again in each event whose line has none of its own, as the Python agent
    /// does it.
    Repeated,
    /// `disable_logfile_addevents_format`: in each event, those of the line before those of the log; there is no `logs`.
    WithoutLogs,
}

/// The roots of trust in a server's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roots {
    /// Those compiled into the agent.
    BuiltIn,
    /// Those of a PEM file, and no others.
    File(PathBuf),
    /// `system`: those of the file in which this host's system keeps them, and no others.
    System,
}

/// When and how much is sent; the keys of `configuration.md` section 8.3.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pacing {
    /// `max_allowed_request_size`: bytes of the uncompressed body.
    pub max_request_size: usize,
    /// `min_allowed_request_size`: the least that requests are filled to after the server found one too large.
    pub min_request_size: usize,
    /// `request_too_large_adjustment`: what requests are filled to then, as a share of the refused one's size.
    pub too_large_adjustment: f64,
    /// `max_send_rate_enforcement`: most bytes of messages per second, more than 0; `None` = no limit.
    pub max_rate: Option<f64>,
    /// `min_request_spacing_interval`.
    pub min_spacing: Duration,
    /// `max_request_spacing_interval`.
    pub max_spacing: Duration,
    /// `max_error_request_spacing_interval`.
    pub max_error_spacing: Duration,
    /// Whether the water marks act on the spacing: under `legacy`, and where the user set one of their keys.
    pub water_marks: bool,
    /// `low_water_bytes_sent` and its adjustment: a smaller request multiplies the spacing by it.
    pub low_water: (usize, f64),
    /// `high_water_bytes_sent` and its adjustment: a larger request multiplies the spacing by it.
    pub high_water: (usize, f64),
    /// `failure_request_spacing_adjustment`: a failure multiplies the spacing by it.
    pub failure_adjustment: f64,
}

/// An api key: shown masked wherever it is printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Wraps the key.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key itself: for the body of a request only.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Never the key.
impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("********** MASKED **********")
    }
}

/// One monitor instance.
#[derive(Clone)]
pub struct MonitorPlan {
    /// Where the entry stands, for messages: `monitors[2]`, `--run-monitor`.
    pub origin: String,
    /// What the entry's `module` resolved to.
    pub registration: &'static Registration,
    /// `<short module>` of the entry, as names and files use it.
    pub short_name: String,
    /// The id, given or automatic; may be empty.
    pub id: String,
    /// The whole entry, for the monitor's own options.
    pub entry: Map<String, Value>,
    /// The environment that environment-aware options read.
    pub environment: Arc<Environment>,
    /// `allow_http_monitors`: whether its URLs may be plain http.
    pub allow_http: bool,
    /// Time between two samples.
    pub sample_interval: Duration,
    /// Whether a random part of the interval lies between the first sample and the second.
    pub jitter: bool,
    /// `monitor_log_write_rate` and `monitor_log_max_write_burst`; `None` = no limit.
    pub write_limit: Option<WriteLimit>,
    /// Rotation of its metric log.
    pub rotation: Rotation,
    /// The metric log before `initialize` may change it: the entry's `log_path`, else `<short module>.log`; a relative
    /// path lies below `log_path`.
    pub metric_log: PathBuf,
    /// Where the metric log must not be.
    pub own_files: OwnFiles,
    /// The workers that its log files can name.
    pub workers: Workers,
    /// `metric_name_blacklist`, `calculate_rate_metric_names` and `metric_functions_cleanup_interval`.
    pub metric_rules: Arc<MetricRules>,
    /// `disabled`: it is shown, and nothing of it runs.
    pub disabled: bool,
    /// `stop_agent_on_failure`: the agent stops, and its exit status is not 0, when this instance fails.
    pub stop_agent_on_failure: bool,
    /// What another monitor asked for, when it was added at run time.
    pub added: Option<NewMonitor>,
}

/// Neither the entry nor the environment: passwords and keys are among them.
impl fmt::Debug for MonitorPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MonitorPlan")
            .field("origin", &self.origin)
            .field("monitor", &self.registration.name)
            .field("name", &self.name())
            .field("options", &self.entry.keys().collect::<Vec<_>>())
            .field("sample_interval", &self.sample_interval)
            .field("jitter", &self.jitter)
            .field("write_limit", &self.write_limit)
            .field("rotation", &self.rotation)
            .field("metric_log", &self.metric_log)
            .field("disabled", &self.disabled)
            .field("stop_agent_on_failure", &self.stop_agent_on_failure)
            .finish_non_exhaustive()
    }
}

impl MonitorPlan {
    /// `<short module>(<id>)`, the instance's name in every log line.
    pub fn name(&self) -> String {
        format!("{}({})", self.short_name, self.id)
    }

    /// Whether an instance of this one can go on running as the other: the same monitor with the same name, options and
    /// surroundings, wherever the two entries stand. Workers may have come; one that has gone may be its own.
    pub fn is_same(&self, other: &Self) -> bool {
        // Every field is named, so that none is forgotten.
        let Self {
            origin: _,
            registration,
            short_name,
            id,
            entry,
            environment,
            allow_http,
            sample_interval,
            jitter,
            write_limit,
            rotation,
            metric_log,
            own_files,
            workers,
            metric_rules,
            disabled,
            stop_agent_on_failure,
            added: _,
        } = self;
        std::ptr::eq(*registration, other.registration)
            && (short_name, id) == (&other.short_name, &other.id)
            && other.workers.have_all(workers)
            && *entry == other.entry
            && (Arc::ptr_eq(environment, &other.environment) || environment == &other.environment)
            && (*sample_interval, *jitter, *allow_http) == (other.sample_interval, other.jitter, other.allow_http)
            && (*write_limit, *rotation) == (other.write_limit, other.rotation)
            && (metric_log, own_files) == (&other.metric_log, &other.own_files)
            && *metric_rules == other.metric_rules
            && (*disabled, *stop_agent_on_failure) == (other.disabled, other.stop_agent_on_failure)
    }

    /// What is said behind its name when it starts.
    pub fn starting_note(&self) -> &'static str {
        if self.stop_agent_on_failure { "; the agent stops when it fails (stop_agent_on_failure)" } else { "" }
    }
}
