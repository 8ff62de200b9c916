//! The agent's own log: `agent.log`, `agent_debug.log` and, with `--no-fork`, a copy on standard output.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::panic::Location;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use scalyr_monitor::log::{LogSink, Record};
use scalyr_monitor::{Clock, Level};

use crate::config::plan::{AgentLogPlan, Rotation, WriteLimit};
use crate::monitors::runner;
use crate::own_logs::debug_log::{DebugLog, DebugRules};
use crate::own_logs::log_room::{LogRoom, Writer};
use crate::own_logs::record_line::record_line;
use crate::own_logs::rotating_file::{RotatingFile, WhenHeld};
use crate::own_logs::unsettled::SharedCopies;

/// The name of the agent's log within `agent_log_path`.
pub const FILE_NAME: &str = "agent.log";

/// The name of its debug log, in the same directory.
pub const DEBUG_FILE_NAME: &str = "agent_debug.log";

/// The component of the agent itself.
const CORE: &str = "core";

/// How much the agent writes about itself: a burst of 100,000 bytes, then 2,000 bytes per second.
const LIMIT: WriteLimit = WriteLimit { rate: 2_000, burst: 100_000 };

/// Takes every diagnostic of the agent and its monitors (`logging.md` sections 1, 6 and 7).
///
/// Records from `Info` up go to `agent.log`, within a limit of which each monitor has a share only; lines beyond it are
/// counted, and the log tells how many of whom were left out. Finer records go to [`agent_debug.log`](super::debug_log),
/// without a limit, as far as `debug_level` and `debug_level_logger_names` ask for them.
///
/// A copy of what goes to `agent.log` may go to standard output. A copy that cannot be written is given up; a reader
/// who stops reading it without closing it holds the agent up, as with any program.
pub struct AgentLog {
    clock: Clock,
    /// The finest debug level of which a record may be written.
    finest: AtomicU8,
    /// Whether debug records stand in `agent.log`, too.
    shows_start: AtomicBool,
    skipped_lines: AtomicU64,
    lost_lines: AtomicU64,
    removed_unsettled: AtomicU64,
    streams: Mutex<Streams>,
}

struct Streams {
    agent: RotatingFile,
    debug: DebugLog,
    stdout: Option<Box<dyn Write + Send>>,
    stdout_severity: Option<Level>,
    room: LogRoom,
    /// Lost since the last line that was written.
    lost: u64,
    trouble_told: bool,
}

impl AgentLog {
    /// Opens `agent.log`, and `agent_debug.log` when the debug level asks for it, in `directory`.
    ///
    /// # Errors
    /// When one of them cannot be opened or created; the text names the file.
    pub fn open(
        directory: &Path,
        plan: &AgentLogPlan,
        clock: Clock,
        stdout: Option<Box<dyn Write + Send>>,
    ) -> io::Result<Self> {
        let agent = open(&directory.join(FILE_NAME), plan.rotation)?;
        let room = LogRoom::new(LIMIT, clock.monotonic());
        let streams = Streams {
            agent,
            debug: DebugLog::new(directory.join(DEBUG_FILE_NAME), plan.rotation),
            stdout,
            stdout_severity: plan.stdout_severity,
            room,
            lost: 0,
            trouble_told: false,
        };
        let log = Self {
            clock,
            finest: AtomicU8::new(0),
            shows_start: AtomicBool::new(plan.debug_init),
            skipped_lines: AtomicU64::new(0),
            lost_lines: AtomicU64::new(0),
            removed_unsettled: AtomicU64::new(0),
            streams: Mutex::new(streams),
        };
        log.follow_debug(plan)?;
        Ok(log)
    }

    /// Follows another plan from now on.
    ///
    /// # Errors
    /// When `agent_debug.log` is needed and cannot be opened; everything but the debug level changes all the same.
    pub fn follow(&self, plan: &AgentLogPlan) -> io::Result<()> {
        {
            let mut streams = self.streams();
            streams.stdout_severity = plan.stdout_severity;
            streams.agent.set_rotation(plan.rotation);
            streams.debug.set_rotation(plan.rotation);
        }
        self.follow_debug(plan)
    }

    /// The agent has started: with `debug_init` its debug lines do not stand in `agent.log` any more.
    pub fn start_is_over(&self) {
        self.shows_start.store(false, Ordering::Relaxed);
    }

    fn follow_debug(&self, plan: &AgentLogPlan) -> io::Result<()> {
        let rules = DebugRules::of(plan);
        let finest = rules.finest();
        self.streams().debug.follow(rules)?;
        self.finest.store(finest, Ordering::Relaxed);
        Ok(())
    }

    /// How many lines the limit has kept out of `agent.log` since the start.
    pub fn skipped_lines(&self) -> u64 {
        self.skipped_lines.load(Ordering::Relaxed)
    }

    /// The same, by component; those that lost none are not among them.
    pub fn skipped_by_component(&self) -> BTreeMap<String, u64> {
        self.streams().room.skipped()
    }

    /// How many lines could not be written since the start: a full disk, for example.
    pub fn lost_lines(&self) -> u64 {
        self.lost_lines.load(Ordering::Relaxed)
    }

    /// From now on it grows to twice its size before a rotation removes lines that `copies` says are not uploaded yet.
    /// Nobody ever waits for this log: the uploader itself writes to it.
    pub fn guard(&self, copies: SharedCopies) {
        self.streams().agent.guard(copies);
    }

    /// How many bytes of old files were removed by rotations, since the start, though they were not uploaded yet.
    pub fn removed_unsettled(&self) -> u64 {
        self.removed_unsettled.load(Ordering::Relaxed)
    }

    /// Tells of lines that were left out as soon as the limit has room for it, also when nothing else is logged.
    /// Call it now and then; it writes nothing when nothing was left out.
    pub fn tick(&self) {
        let mut streams = self.streams();
        let told = streams.room.overdue(self.clock.monotonic(), |writer, skipped| self.notice(writer, skipped));
        if !told.is_empty() {
            self.write(&mut streams, Level::Warning, &told);
        }
    }

    fn streams(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notice(&self, writer: Writer<'_>, skipped: u64) -> String {
        let mut text = String::new();
        let rate = LogRoom::rate(LIMIT, writer);
        match writer {
            Writer::Agent => self.push_warning(
                &mut text,
                &format_args!(
                    ".... Warning, skipped writing {skipped} log lines due to the limit of {FILE_NAME}, {rate} bytes per \
                     second"
                ),
            ),
            Writer::Component(name) => self.push_warning(
                &mut text,
                &format_args!(
                    ".... Warning, skipped writing {skipped} log lines of {name} due to its share of the limit of \
                     {FILE_NAME}, {rate} bytes per second"
                ),
            ),
        }
        text
    }

    #[track_caller]
    fn push_warning(&self, out: &mut String, message: &dyn std::fmt::Display) {
        let place = Location::caller();
        let record = Record { level: Level::Warning, component: CORE, place, code: None, message };
        _ = out.write_str(&record_line(self.clock.now(), &record));
    }

    /// A record for `agent.log`: through the limit, with a notice before it when others were left out.
    fn log_limited(&self, streams: &mut Streams, writer: Writer<'_>, level: Level, line: &str) {
        let notice = |writer: Writer<'_>, skipped| self.notice(writer, skipped);
        match streams.room.offer(writer, line, self.clock.monotonic(), notice) {
            Some(text) => self.write(streams, level, &text),
            None => _ = self.skipped_lines.fetch_add(1, Ordering::Relaxed),
        }
    }

    fn write(&self, streams: &mut Streams, level: Level, text: &str) {
        self.write_stdout(streams, level, text);
        let written = streams.agent.write_lines(text.as_bytes(), WhenHeld::GrowTwice);
        self.lost_lines.fetch_add(written.lost_lines, Ordering::Relaxed);
        self.removed_unsettled.fetch_add(written.removed_unsettled, Ordering::Relaxed);
        streams.lost += written.lost_lines;
        let told = std::mem::replace(&mut streams.trouble_told, written.trouble.is_some());
        if written.removed_unsettled > 0 {
            let mut report = String::new();
            let removed = written.removed_unsettled;
            self.push_warning(
                &mut report,
                &format_args!("{removed} bytes of an old {FILE_NAME} were removed before they were uploaded"),
            );
            let reported = streams.agent.write_lines(report.as_bytes(), WhenHeld::Grow);
            self.lost_lines.fetch_add(reported.lost_lines, Ordering::Relaxed);
        }
        match written.trouble {
            Some(error) if !told => {
                // To the copy in any case, and to the file as far as that is possible: it may just not rotate.
                let mut report = String::new();
                let path = streams.agent.path().display().to_string();
                self.push_warning(&mut report, &format_args!("Cannot write or rotate {path}: {error}"));
                self.write_stdout(streams, Level::Warning, &report);
                let reported = streams.agent.write_lines(report.as_bytes(), WhenHeld::GrowTwice);
                self.lost_lines.fetch_add(reported.lost_lines, Ordering::Relaxed);
                streams.lost += reported.lost_lines;
            }
            None if streams.lost > 0 => {
                let lost = std::mem::take(&mut streams.lost);
                let mut report = String::new();
                self.push_warning(
                    &mut report,
                    &format_args!("{FILE_NAME} can be written again; {lost} lines were lost"),
                );
                self.write(streams, Level::Warning, &report);
            }
            _ => {}
        }
    }

    fn write_stdout(&self, streams: &mut Streams, level: Level, text: &str) {
        // Debug lines never: a terminal is for people who look at it.
        if level < Level::Info || streams.stdout_severity.is_some_and(|least| level < least) {
            return;
        }
        let Some(stdout) = &mut streams.stdout else { return };
        let Err(error) = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) else { return };
        streams.stdout = None;
        let mut report = String::new();
        self.push_warning(&mut report, &format_args!("Standard output takes no more copies of this log: {error}"));
        self.write(streams, Level::Warning, &report);
    }

    fn log_debug(&self, streams: &mut Streams, line: &str) {
        let (written, report) = streams.debug.write(line);
        self.lost_lines.fetch_add(written.lost_lines, Ordering::Relaxed);
        if let Some(trouble) = report {
            let mut report = String::new();
            self.push_warning(&mut report, &trouble);
            self.log_limited(streams, Writer::Agent, Level::Warning, &report);
        }
    }

    /// A debug record: to its own file as far as that is asked for, and while the agent starts perhaps to `agent.log`.
    fn log_fine(&self, record: &Record<'_>) {
        let shows_start = record.level == Level::Debug1 && self.shows_start.load(Ordering::Relaxed);
        let rules = self.streams().debug.rules();
        let is_wanted = rules.want(record);
        if !is_wanted && !shows_start {
            return;
        }
        // Outside of the lock, as below.
        let line = record_line(self.clock.now(), record);
        let mut streams = self.streams();
        if is_wanted {
            self.log_debug(&mut streams, &line);
        }
        if shows_start {
            self.log_limited(&mut streams, writer_of(record), record.level, &line);
        }
    }
}

impl LogSink for AgentLog {
    fn enabled(&self, level: Level) -> bool {
        level >= Level::threshold(self.finest.load(Ordering::Relaxed))
            || (level == Level::Debug1 && self.shows_start.load(Ordering::Relaxed))
    }

    fn log(&self, record: &Record<'_>) {
        if record.level < Level::Info {
            return self.log_fine(record);
        }
        // Before the lock: the message is code of whoever logs, and may itself log.
        let line = record_line(self.clock.now(), record);
        let mut streams = self.streams();
        self.log_limited(&mut streams, writer_of(record), record.level, &line);
    }
}

/// Whose share a record uses. That a monitor failed is told by the agent, and must be seen also when the monitor has
/// used up its share; the place keeps others from passing for that.
fn writer_of<'a>(record: &Record<'a>) -> Writer<'a> {
    let is_failure = record.code == Some(runner::FAILED_MONITOR) && record.place.file() == runner::SOURCE;
    if record.component == CORE || is_failure { Writer::Agent } else { Writer::Component(record.component) }
}

pub(super) fn open(path: &Path, rotation: Rotation) -> io::Result<RotatingFile> {
    RotatingFile::open(path, rotation)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot write to {}: {error}", path.display())))
}

#[cfg(test)]
mod tests;
