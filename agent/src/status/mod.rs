//! How the agent stands: one snapshot that every stage fills. Text and JSON are renderings of it.

pub(crate) mod build;
mod environment;
pub mod file;
mod health;
pub mod history;
pub mod listener;
pub mod metrics;
mod old_keys;
pub mod page;
#[cfg(test)]
mod sample;
pub mod socket;
pub mod text;
pub mod user;

pub use crate::config::RefusedMonitor;
pub use environment::EnvironmentVariable;
pub use health::Health;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::checkpoint::CheckpointSnapshot;
use scalyr_monitor::Clock;
use scalyr_monitor::registry::Environment;

use crate::config::plan::Hidden;
use crate::lag::BehindSnapshot;
use crate::ledger::{Account, FileId, Identity, Lag, Ledger, Offset, Totals, WorkerId};
use crate::logs::TailSnapshot;
use crate::monitors::state::MonitorSnapshot;
use crate::statistics::{Figures, ProcessUsage};
use crate::upload::{MemoryBound, SessionSnapshot};
use listener::ListenerSnapshot;

/// How a snapshot is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For people, with every path, however many there are: what `-vv` prints
    #[value(skip)]
    EveryPath,
    /// For programs: the keys of the Python agent, and all that this one knows
    Json,
}

impl Format {
    /// Shows a snapshot in this format.
    pub fn render(self, snapshot: &Snapshot) -> String {
        match self {
            Self::Text => text::render(snapshot, false),
            Self::EveryPath => text::render(snapshot, true),
            Self::Json => serde_json::to_string_pretty(&old_keys::Report::of(snapshot)).unwrap_or_default() + "\n",
        }
    }
}

/// Everything that `status` shows. Times are seconds since the epoch, sizes are bytes.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshot {
    /// The agent's version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// When it started.
    pub started: f64,
    /// When this snapshot was taken.
    pub now: f64,
    /// The main configuration file.
    pub config_file: PathBuf,
    /// The name of the user that it runs as, or the number of one without a name.
    pub user: String,
    /// `healthy_max_time_since_last_copy_attempt`, in seconds.
    pub healthy_within: f64,
    /// Whether the agent does all that it is told to do: it has no troubles.
    pub healthy: bool,
    /// How bad it is.
    pub health: Health,
    /// Why data does not flow, a sentence each; nothing unless it is failing.
    pub failures: Vec<String>,
    /// Why it is not healthy, a short line each, the failures among them.
    pub troubles: Vec<String>,
    /// The variables of the environment that concern the agent, without their secrets.
    pub environment: Vec<EnvironmentVariable>,
    /// `scalyr_server` of the first session.
    pub server: String,
    /// Its `compression_type`.
    pub compression: String,
    /// Its `compression_level`; 0 without compression.
    pub compression_level: u8,
    /// How long it took on average to take a snapshot, in seconds; from the second one on.
    pub average_seconds: Option<f64>,
    /// What the process has used of the machine.
    pub usage: ProcessUsage,
    /// What all sessions have done, also those that reloads have replaced.
    pub uploads: Figures,
    /// The entries of the configuration that say which log files are copied, in their order.
    pub logs: Vec<LogSnapshot>,
    /// What is wrong or odd in the configuration that is in use, a line each.
    pub config_problems: Vec<String>,
    /// How many of these are entries or values that are refused.
    pub refused_values: usize,
    /// How the configuration in use stands to the one on disk.
    pub configuration: ConfigurationSnapshot,
    /// `agent_log_path`.
    pub log_path: PathBuf,
    /// `agent_data_path`.
    pub data_path: PathBuf,
    /// The name under which this host is known to the server.
    pub server_host: String,
    /// Upload sessions.
    pub sessions: Vec<SessionSnapshot>,
    /// Sessions that a reload has replaced or removed and that still deliver what they were handed.
    pub leaving_sessions: Vec<SessionSnapshot>,
    /// Monitor instances, those that other monitors have added behind the configuration's own.
    pub monitors: Vec<MonitorSnapshot>,
    /// How many of them run.
    pub running_monitors: usize,
    /// How many of them should run and do not: they failed, and rest or have ended.
    pub dead_monitors: usize,
    /// Monitors that refused to run, a line each with the reason.
    pub refused: Vec<RefusedMonitor>,
    /// Monitors whose entries the configuration refuses; the reasons are among `config_problems`, too.
    pub refused_entries: Vec<RefusedMonitor>,
    /// Followed files.
    pub files: Vec<FileSnapshot>,
    /// What became of the bytes of files that are followed no more.
    pub closed_files: Totals,
    /// What became of all bytes.
    pub totals: Totals,
    /// The most memory that following and uploading these files takes.
    pub memory_bound: MemoryBound,
    /// How far all files together are behind, and the worst of them.
    pub lag: LagSnapshot,
    /// The files that are behind by more than half of their limit.
    pub behind: BehindSnapshot,
    /// The tail stage.
    pub tail: TailSnapshot,
    /// The positions file.
    pub checkpoint: CheckpointSnapshot,
    /// The agent's own log.
    pub agent_log: AgentLogSnapshot,
    /// The listener of `status_listen`; none when that is not set.
    pub status_listen: Option<ListenerSnapshot>,
}

/// An entry that says which log files are copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogSnapshot {
    /// Where it stands: `logs[2]`, `agent log`.
    pub entry: String,
    /// The path, or a glob.
    pub path: String,
    /// Whether it is a glob.
    pub is_glob: bool,
    /// The worker whose sessions send its files.
    pub worker: WorkerId,
}

/// How the configuration in use stands to the one on disk.
#[derive(Clone, Debug, Serialize)]
pub struct ConfigurationSnapshot {
    /// The main file.
    pub file: PathBuf,
    /// The other files that it consists of.
    pub fragments: Vec<PathBuf>,
    /// When the one in use was loaded.
    pub loaded: f64,
    /// When it was last looked for changes; first when it was loaded.
    pub last_checked: f64,
    /// Whether the one on disk is the one in use.
    pub state: ConfigurationState,
    /// When the one on disk was found that is invalid.
    pub found: Option<f64>,
    /// Why that is not used, a line each.
    pub problems: Vec<String>,
}

/// Whether the configuration on disk is the one in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfigurationState {
    /// It is.
    Good,
    /// It is newer and cannot be used; the agent goes on with the one before.
    NewerAndInvalid,
}

/// The agent's own log.
#[derive(Clone, Debug, Serialize)]
pub struct AgentLogSnapshot {
    /// Lines that its limit has kept out since the start.
    pub skipped_lines: u64,
    /// The same, by component: `core`, `monitor:coin()`; those that lost none are not among them.
    pub skipped_by_component: BTreeMap<String, u64>,
    /// Lines that could not be written since the start.
    pub lost_lines: u64,
    /// Bytes of old files that a rotation removed before they were uploaded.
    pub removed_unsettled_bytes: u64,
}

/// One followed file.
#[derive(Clone, Debug, Serialize)]
pub struct FileSnapshot {
    /// Its number on the wire.
    pub id: FileId,
    /// The path it was found under.
    pub path: PathBuf,
    /// The worker it is sent to.
    pub worker: WorkerId,
    /// The number of the session of that.
    pub session_number: u32,
    /// Where the entry stands in the configuration that it is copied for: `logs[2]`, or the monitor that wanted it.
    pub entry: Option<String>,
    /// What it is recognised by.
    pub identity: Identity,
    /// Everything before was handed on.
    pub read_to: Offset,
    /// Everything before has its outcome; where a restart goes on.
    pub settled_to: Offset,
    /// What became of its bytes. `pending` is what was read and has no outcome.
    #[serde(flatten)]
    pub totals: Totals,
    /// Bytes of the file, as large as it was at the last look, that have no outcome: `pending` and `unread_bytes`.
    pub lag_bytes: u64,
    /// Bytes of the file that were not read yet.
    pub unread_bytes: u64,
    /// How long the oldest byte without an outcome has been waiting since this process first saw it, in seconds.
    pub lag_seconds: f64,
    /// When the file was last looked at.
    pub last_checked: Option<f64>,
    /// What kept it from being read the last time, if anything ever did.
    pub last_error: Option<String>,
    /// When that was noticed.
    pub last_error_at: Option<f64>,
}

/// How far all files are behind.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LagSnapshot {
    /// Bytes without an outcome: those that were read and those that were not.
    pub bytes: u64,
    /// Of these, bytes that were not read yet.
    pub unread_bytes: u64,
    /// How long the oldest of them has been waiting, in seconds.
    pub seconds: f64,
    /// The file with the most of them.
    pub worst: Option<PathBuf>,
}

impl FileSnapshot {
    fn of(account: &Account, clock: &Clock) -> Self {
        let totals = account.totals();
        let now = clock.monotonic();
        let Lag { bytes, unread, age } = account.lag(now);
        let ago = account.looked().map(|looked| now.saturating_duration_since(looked).as_secs_f64());
        let wall = clock.now().as_nanos() as f64 / 1e9;
        let (last_error_at, last_error) = account.last_error().unzip();
        Self {
            id: account.id,
            path: account.path.clone(),
            worker: account.worker.clone(),
            session_number: account.session_number(),
            entry: account.entry().map(|entry| entry.to_string()),
            identity: account.identity(),
            read_to: account.read(),
            settled_to: account.settled(),
            totals,
            lag_bytes: bytes,
            unread_bytes: unread,
            lag_seconds: age.as_secs_f64(),
            last_checked: ago.map(|ago| wall - ago),
            last_error,
            last_error_at: last_error_at.map(|at| at.as_nanos() as f64 / 1e9),
        }
    }
}

impl Snapshot {
    /// What the Python agent calls its health check: `Good` as long as data flows or there is none, else the sentences
    /// that say why it does not, joined by `, `.
    pub fn health_check(&self) -> String {
        if self.failures.is_empty() { "Good".to_owned() } else { self.failures.join(", ") }
    }

    /// Judges what was gathered.
    pub fn judged(mut self) -> Self {
        self.failures = health::failures(&self);
        self.troubles = health::troubles(&self);
        self.healthy = self.troubles.is_empty();
        self.health = match (self.failures.is_empty(), self.healthy) {
            (false, _) => Health::Failing,
            (true, false) => Health::Degraded,
            (true, true) => Health::Good,
        };
        self
    }
}

/// The variables of the environment that concern the agent, without their secrets.
pub fn environment(environment: &Environment, hidden: Option<&Hidden>) -> Vec<EnvironmentVariable> {
    environment::variables(environment, hidden)
}

/// The ledger's part of a snapshot.
#[derive(Default)]
pub struct Files {
    /// The open files.
    pub open: Vec<FileSnapshot>,
    /// What became of the bytes of the closed ones.
    pub closed: Totals,
    /// The sum.
    pub totals: Totals,
    /// How far the open ones are behind.
    pub lag: LagSnapshot,
}

/// The ledger's part of a snapshot: the open files, the closed ones and the sum.
pub fn files(ledger: &Ledger, clock: &Clock) -> Files {
    let (accounts, closed) = ledger.view();
    let open: Vec<_> = accounts.iter().map(|account| FileSnapshot::of(account, clock)).collect();
    let (mut totals, mut lag) = (closed.clone(), LagSnapshot::default());
    for file in &open {
        totals.merge(&file.totals);
        lag.bytes += file.lag_bytes;
        lag.unread_bytes += file.unread_bytes;
        lag.seconds = lag.seconds.max(file.lag_seconds);
    }
    let worst = open.iter().filter(|file| file.lag_bytes > 0).max_by_key(|file| file.lag_bytes);
    lag.worst = worst.map(|file| file.path.clone());
    Files { open, closed, totals, lag }
}

/// The word that JSON has for a state or a reason.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
