//! How the agent stands: one snapshot that every stage fills. Text and JSON are renderings of it.

mod health;
pub mod socket;
pub mod text;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::checkpoint::CheckpointSnapshot;
use crate::ledger::{Account, FileId, Identity, Ledger, Offset, Totals, WorkerId};
use crate::logs::TailSnapshot;
use crate::monitors::state::MonitorSnapshot;
use crate::upload::SessionSnapshot;

/// How a snapshot is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs: the snapshot itself
    Json,
}

impl Format {
    /// Shows a snapshot in this format.
    pub fn render(self, snapshot: &Snapshot) -> String {
        match self {
            Self::Text => text::render(snapshot),
            Self::Json => serde_json::to_string_pretty(snapshot).unwrap_or_default() + "\n",
        }
    }
}

/// An entry that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefusedMonitor {
    /// The name that its instance would have: `rain_gauge(1)`.
    pub name: String,
    /// A line with all that is wrong with it.
    pub why: String,
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
    /// Whether the agent does all that it is told to do.
    pub healthy: bool,
    /// Why it does not, a short line each.
    pub troubles: Vec<String>,
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
    /// Entries that were refused and do not run.
    pub refused: Vec<RefusedMonitor>,
    /// Followed files.
    pub files: Vec<FileSnapshot>,
    /// What became of the bytes of files that are followed no more.
    pub closed_files: Totals,
    /// What became of all bytes.
    pub totals: Totals,
    /// The tail stage.
    pub tail: TailSnapshot,
    /// The positions file.
    pub checkpoint: CheckpointSnapshot,
    /// The agent's own log.
    pub agent_log: AgentLogSnapshot,
}

/// How the configuration in use stands to the one on disk.
#[derive(Clone, Debug, Serialize)]
pub struct ConfigurationSnapshot {
    /// The main file.
    pub file: PathBuf,
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
    /// What it is recognised by.
    pub identity: Identity,
    /// Everything before was handed on.
    pub read_to: Offset,
    /// Everything before has its outcome; where a restart goes on.
    pub settled_to: Offset,
    /// What became of its bytes.
    #[serde(flatten)]
    pub totals: Totals,
}

impl FileSnapshot {
    fn of(account: &Account) -> Self {
        let totals = account.totals();
        Self {
            id: account.id,
            path: account.path.clone(),
            worker: account.worker.clone(),
            identity: account.identity(),
            read_to: account.read(),
            settled_to: account.settled(),
            totals,
        }
    }
}

impl Snapshot {
    /// Judges what was gathered.
    pub fn judged(mut self) -> Self {
        self.troubles = health::troubles(&self);
        self.healthy = self.troubles.is_empty();
        self
    }
}

/// The ledger's part of a snapshot: the open files, the closed ones and the sum.
pub fn files(ledger: &Ledger) -> (Vec<FileSnapshot>, Totals, Totals) {
    let (accounts, closed) = ledger.view();
    let files: Vec<_> = accounts.iter().map(|account| FileSnapshot::of(account)).collect();
    let mut totals = closed.clone();
    for file in &files {
        totals.merge(&file.totals);
    }
    (files, closed, totals)
}
