//! What the demo shows: a temporary directory, a receiver, a log that grows, and an agent that ships it.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::RngExt;
use scalyr_monitor::registry::Environment;
use scalyr_monitor::{Clock, Stop};
use serde_json::json;
use tempfile::TempDir;

use crate::cli::configuration;
use crate::ledger::Totals;
use crate::receiver::{Arrival, Observer, Options, Receiver, Summary, escape};
use crate::status::Snapshot;
use crate::supervisor::{Edge, Supervisor};
use crate::threads::Threads;

/// The last message of each log file that the receiver has accepted.
type Latest = Arc<Mutex<BTreeMap<String, String>>>;

/// Everything that runs during the demo.
pub(super) struct Scene {
    directory: TempDir,
    receiver: Receiver,
    supervisor: Supervisor,
    latest: Latest,
}

/// What both sides counted at the end.
pub(super) struct End {
    /// What the agent's ledger says.
    pub(super) totals: Totals,
    /// What the receiver has seen.
    pub(super) summary: Summary,
}

impl End {
    /// Whether every byte that was read is accounted for, all of it was acknowledged, and the receiver has exactly the
    /// lines and bytes that the agent counts as accepted.
    pub(super) fn reconciles(&self) -> bool {
        let Self { totals, summary } = self;
        totals.reconciles()
            && totals.pending == 0
            && summary.events == totals.accepted.lines
            && summary.message_bytes == totals.accepted.bytes
            && summary.repeated_events == 0
    }
}

impl Scene {
    /// Sets everything up and starts it.
    pub(super) fn start(clock: &Clock, threads: &Threads, stop: &Stop) -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("agent-demo-").tempdir().map_err(|error| {
            let folder = std::env::temp_dir();
            io::Error::new(
                error.kind(),
                format!("cannot make a folder in {}: {error}; TMPDIR names another", folder.display()),
            )
        })?;
        let latest = Latest::default();
        let seen = Arc::clone(&latest);
        let observer: Observer = Arc::new(move |arrival: &Arrival<'_, '_>| remember(&seen, arrival));
        let options = Options { observer: Some(observer), ..Options::default() };
        let receiver = Receiver::start(options, threads, clock)?;
        let config_file = write_config(directory.path(), &receiver.url())?;
        grow_log(&directory.path().join("app.log"), threads, stop)?;

        let environment = Arc::new(Environment::default());
        let (plan, report) = configuration::read(&config_file, &environment).map_err(io::Error::other)?;
        let edge = Edge { config_file, report, options: Vec::new(), clock: clock.clone(), stdout: None };
        let supervisor = Supervisor::start(plan, edge).map_err(io::Error::other)?;
        Ok(Self { directory, receiver, supervisor, latest })
    }

    /// The directory with configuration, logs and positions.
    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Where the receiver listens.
    pub(super) fn url(&self) -> String {
        self.receiver.url()
    }

    /// How the agent stands.
    pub(super) fn snapshot(&self) -> Snapshot {
        self.supervisor.snapshot()
    }

    /// What the receiver has seen.
    pub(super) fn summary(&self) -> Summary {
        self.receiver.summary()
    }

    /// The last message of each log file at the receiver.
    pub(super) fn latest(&self) -> BTreeMap<String, String> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops the agent in order, then the receiver, and compares.
    pub(super) fn end(self) -> End {
        let stopped = self.supervisor.stop();
        self.receiver.stop();
        End { totals: stopped.totals, summary: self.receiver.summary() }
    }
}

fn remember(latest: &Latest, arrival: &Arrival<'_, '_>) {
    let mut latest = latest.lock().unwrap_or_else(PoisonError::into_inner);
    for event in &arrival.request.events {
        let mut text = String::new();
        escape(event.message.trim_ascii_end(), &mut text);
        latest.insert(arrival.request.logfile(event).into_owned(), text);
    }
}

fn write_config(directory: &Path, server: &str) -> io::Result<PathBuf> {
    let config = json!({
        "api_key": "demo",
        "scalyr_server": server,
        "allow_http": true,
        "agent_log_path": directory.join("log"),
        "agent_data_path": directory.join("data"),
        "server_attributes": { "serverHost": "demo-host" },
        "implicit_metric_monitor": false,
        "implicit_agent_process_metrics_monitor": false,
        "logs": [{ "path": directory.join("app.log"), "attributes": { "parser": "app" } }],
        "monitors": [
            { "module": "linux_system_metrics", "sample_interval": 5 },
            { "module": "coin", "gauss_mean": 8.5, "sample_interval": 1 },
        ],
    });
    let path = directory.join("agent.json");
    fs::write(&path, serde_json::to_string_pretty(&config)?)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    Ok(path)
}

/// Appends a few lines a second, as an application would.
fn grow_log(path: &Path, threads: &Threads, stop: &Stop) -> io::Result<()> {
    let mut log = File::options().create(true).append(true).open(path)?;
    let stop = stop.clone();
    threads.spawn("demo log", move || {
        let mut order = 1000;
        while !stop.wait(Duration::from_millis(rand::rng().random_range(100..400))) {
            order += 1;
            let millis = rand::rng().random_range(3..250);
            // A full disk ends the story of this log; the demo goes on.
            if writeln!(log, "order {order} accepted, {millis} ms").is_err() {
                break;
            }
        }
    })
}
