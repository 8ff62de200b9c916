//! The systemd journal: its entries become lines of log files, one file for each entry of `journald_logs`.
//!
//! journalctl reads the journal, as a child process that follows it; [`export`] takes its output apart, [`routes`] says
//! which file an entry belongs to, [`mod@line`] how it looks there, and [`checkpoints`] keeps the place over restarts.

mod checkpoints;
mod cursor;
mod entry;
mod export;
mod fields;
mod follow;
mod journalctl;
mod line;
mod outputs;
mod routes;
#[cfg(test)]
mod tests;
mod trouble;

use std::collections::BTreeMap;
use std::time::Duration;

use scalyr_monitor::LogRotation;
use scalyr_monitor::prelude::*;
use serde_json::{Map, Value};

use self::checkpoints::Checkpoint;
use self::entry::WantedFields;
use self::export::ExportReader;
use self::fields::{LineFields, check_field};
use self::follow::Follower;
use self::journalctl::Journal;
use self::outputs::Outputs;
use self::routes::Routes;

/// Copies the systemd journal: each entry becomes a line of a log file, with its message and the fields that
/// `journal_fields` names. Entries of `journald_logs` say which units go into which file and how that is copied; the rest
/// goes into `journald_monitor.log`. A monitor with an `id` has files of its own.
///
/// The agent must be root or in the group `systemd-journal`, and `journalctl` must be there.
///
/// The place in the journal is kept over restarts, in `journald-checkpoints.json` in `agent_data_path`: nothing is skipped.
/// An agent that is killed repeats what came since the place was last saved. The first start begins at the end of the
/// journal.
#[scalyr_monitor(
    name = "journald_monitor",
    module = "scalyr_agent.builtin_monitors.journald_monitor",
    log_fields(
        details = "The message of the entry.",
        unit = "The unit that logged it; `_SYSTEMD_UNIT`.",
        pid = "The process that logged it; `_PID`.",
        machine_id = "The machine; `_MACHINE_ID`.",
        boot_id = "The machine's boot; `_BOOT_ID`.",
        timestamp = "When it was logged; `_SOURCE_REALTIME_TIMESTAMP`, or, in entries without it, when the journal received it.",
        priority = "How much it matters, from 0 (emergency) to 7 (debug); `PRIORITY`.",
        monitor_id = "The `id` of this monitor's entry, if it has one."
    )
)]
pub struct JournaldMonitor {
    /// The folder of the journal. Empty: all journals that this host has, on disk or in memory.
    #[config(default = "/var/log/journal", check = is_folder)]
    journal_path: String,

    /// How often the place in the journal is saved; `sample_interval` has no effect. Entries are read as they come.
    #[config(default = 5, min = 0.1, max = 3600)]
    journal_poll_interval: Duration,

    /// The fields of an entry that stand in its line, each with its name there. Unless given: `_SYSTEMD_UNIT` as `unit`,
    /// `_PID` as `pid`, `_MACHINE_ID` as `machine_id`, `_BOOT_ID` as `boot_id`, `_SOURCE_REALTIME_TIMESTAMP` as
    /// `timestamp` and `PRIORITY` as `priority`.
    #[config]
    journal_fields: Option<BTreeMap<String, String>>,

    /// Which entries are read, as `FIELD=value`: those that match one of each field. Unless given, all.
    #[config(default, check = are_matches)]
    journal_matches: Vec<String>,

    /// Does not go on where the reading stood before the start, but at the end of the journal, when that entry is older
    /// than so many seconds. Unless given, it always goes on there.
    #[config(min = 0)]
    staleness_threshold_secs: Option<Duration>,

    /// How many older files of each log file are kept.
    #[config(default = 2, max = 1000)]
    max_log_rotations: u32,

    /// The size, in bytes, at which a log file is rotated. Nothing is removed that is not uploaded: reading waits.
    #[config(default = 20_971_520, min = 1024)]
    max_log_size: u64,

    /// Which entries go into which file, as in the agent's own `journald_logs`, whose entries come behind these.
    #[config(default)]
    journald_logs: Vec<Map<String, Value>>,

    /// The program that reads the journal.
    #[config(default = "journalctl")]
    journalctl_path: String,

    prepared: Option<Prepared>,
}

/// What is settled before the reading begins.
struct Prepared {
    fields: LineFields,
    routes: Routes,
    id: String,
    checkpoint: Option<Checkpoint>,
    log_files: LogFiles,
}

impl Monitor for JournaldMonitor {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        let fields = LineFields::new(self.journal_fields.as_ref())?;
        let id = id_of(context.name()).to_owned();
        let routes = Routes::new(&self.journald_logs, &context.log_config, &id)?;
        // What goes into the instance's own log is copied as the route says that ends there.
        if let Some(own) = routes.own() {
            context.log_config = own.log.clone();
        }
        context.sample_interval = self.journal_poll_interval;
        let checkpoint = context.data_path().map(|path| Checkpoint::new(path, &id));
        self.prepared = Some(Prepared { fields, routes, id, checkpoint, log_files: context.log_files().clone() });
        Ok(())
    }

    fn run(&mut self, run: &mut Run) -> Result<()> {
        let Some(prepared) = self.prepared.take() else { return Ok(()) };
        let Prepared { fields, routes, id, checkpoint, log_files } = prepared;
        let rotation = LogRotation { max_bytes: Some(self.max_log_size), backups: Some(self.max_log_rotations) };
        let wanted = WantedFields::new(fields.journal_names());
        let journal = Journal {
            program: self.journalctl_path.clone(),
            folder: self.journal_path.clone(),
            matches: self.journal_matches.clone(),
        };
        let outputs = Outputs::open(fields, routes, id, &log_files, rotation)?;
        let mut follower = Follower::new(journal, ExportReader::new(wanted), outputs, checkpoint);
        follower.begin(self.staleness_threshold_secs, run);
        follower.follow(run)
    }
}

/// What stands between the parentheses of an instance's name.
fn id_of(name: &str) -> &str {
    name.split_once('(').map_or("", |(_, id)| id.strip_suffix(')').unwrap_or(id))
}

#[expect(clippy::ptr_arg, reason = "a check is given the option's own type")]
fn is_folder(path: &String) -> Result<()> {
    if path.is_empty() || path.starts_with('/') {
        return Ok(());
    }
    Err(Error::new("must be an absolute path, or \"\" for all journals of this host"))
}

fn are_matches(matches: &Vec<String>) -> Result<()> {
    for text in matches {
        let Some((field, _)) = text.split_once('=') else {
            return Err(Error::new(format!("{text:?} is no FIELD=value, as _SYSTEMD_UNIT=ssh.service is one")));
        };
        check_field(field)?;
        if text.contains('\0') {
            return Err(Error::new(format!("{text:?} holds a zero byte")));
        }
    }
    Ok(())
}
