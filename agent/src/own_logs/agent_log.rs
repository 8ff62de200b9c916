//! The agent's own log: `agent.log`, `agent_debug.log` and, with `--no-fork`, a copy on standard output.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use scalyr_monitor::log::{LogSink, Record};
use scalyr_monitor::{Clock, Level};

use crate::config::plan::{AgentLogPlan, Rotation, WriteLimit};
use crate::monitors::runner;
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
/// counted, and the log tells how many of whom were left out. Finer records go to `agent_debug.log`, without a limit, and only with a `debug_level` above 0.
///
/// A copy of what goes to `agent.log` may go to standard output. A copy that cannot be written is given up; a reader
/// who stops reading it without closing it holds the agent up, as with any program.
pub struct AgentLog {
    clock: Clock,
    threshold: AtomicU8,
    debug_path: PathBuf,
    skipped_lines: AtomicU64,
    lost_lines: AtomicU64,
    removed_unsettled: AtomicU64,
    streams: Mutex<Streams>,
}

struct Streams {
    agent: RotatingFile,
    debug: Option<RotatingFile>,
    stdout: Option<Box<dyn Write + Send>>,
    stdout_severity: Option<Level>,
    rotation: Rotation,
    room: LogRoom,
    /// Lost since the last line that was written.
    lost: u64,
    trouble_told: bool,
    debug_trouble_told: bool,
}

impl AgentLog {
    /// Opens `agent.log`, and `agent_debug.log` when the debug level asks for it, in `directory`.
    ///
    /// # Errors
    /// When one of them cannot be opened or created; the text names the file.
    pub fn open(
        directory: &Path,
        plan: AgentLogPlan,
        clock: Clock,
        stdout: Option<Box<dyn Write + Send>>,
    ) -> io::Result<Self> {
        let agent = open(&directory.join(FILE_NAME), plan.rotation)?;
        let room = LogRoom::new(LIMIT, clock.monotonic());
        let streams = Streams {
            agent,
            debug: None,
            stdout,
            stdout_severity: plan.stdout_severity,
            rotation: plan.rotation,
            room,
            lost: 0,
            trouble_told: false,
            debug_trouble_told: false,
        };
        let log = Self {
            clock,
            threshold: AtomicU8::new(0),
            debug_path: directory.join(DEBUG_FILE_NAME),
            skipped_lines: AtomicU64::new(0),
            lost_lines: AtomicU64::new(0),
            removed_unsettled: AtomicU64::new(0),
            streams: Mutex::new(streams),
        };
        log.set_debug_level(plan.debug_level)?;
        Ok(log)
    }

    /// Follows another plan from now on.
    ///
    /// # Errors
    /// When `agent_debug.log` is needed and cannot be opened; everything but the debug level changes all the same.
    pub fn follow(&self, plan: AgentLogPlan) -> io::Result<()> {
        {
            let mut streams = self.streams();
            let streams = &mut *streams;
            (streams.stdout_severity, streams.rotation) = (plan.stdout_severity, plan.rotation);
            [Some(&mut streams.agent), streams.debug.as_mut()]
                .into_iter()
                .flatten()
                .for_each(|file| file.set_rotation(plan.rotation));
        }
        self.set_debug_level(plan.debug_level)
    }

    /// Changes `debug_level`, 0 to 5, from now on.
    ///
    /// # Errors
    /// When `agent_debug.log` is needed and cannot be opened; the level stays as it was.
    pub fn set_debug_level(&self, debug_level: u8) -> io::Result<()> {
        let mut streams = self.streams();
        if debug_level == 0 {
            streams.debug = None;
        } else if streams.debug.is_none() {
            streams.debug = Some(open(&self.debug_path, streams.rotation)?);
        }
        self.threshold.store(debug_level, Ordering::Relaxed);
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
        if streams.stdout_severity.is_some_and(|least| level < least) {
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
        let Some(debug) = &mut streams.debug else { return };
        let written = debug.write_lines(line.as_bytes(), WhenHeld::Grow);
        self.lost_lines.fetch_add(written.lost_lines, Ordering::Relaxed);
        let told = std::mem::replace(&mut streams.debug_trouble_told, written.trouble.is_some());
        if let Some(error) = written.trouble.filter(|_| !told) {
            let path = self.debug_path.display();
            let mut report = String::new();
            self.push_warning(&mut report, &format_args!("Cannot write or rotate {path}: {error}"));
            self.log_limited(streams, Writer::Agent, Level::Warning, &report);
        }
    }
}

impl LogSink for AgentLog {
    fn enabled(&self, level: Level) -> bool {
        level >= Level::threshold(self.threshold.load(Ordering::Relaxed))
    }

    fn log(&self, record: &Record<'_>) {
        // Before the lock: the message is code of whoever logs, and may itself log.
        let line = record_line(self.clock.now(), record);
        let mut streams = self.streams();
        if record.level < Level::Info {
            self.log_debug(&mut streams, &line);
        } else {
            self.log_limited(&mut streams, writer_of(record), record.level, &line);
        }
    }
}

/// Whose share a record uses. That a monitor failed is told by the agent, and must be seen also when the monitor has
/// used up its share; the place keeps others from passing for that.
fn writer_of<'a>(record: &Record<'a>) -> Writer<'a> {
    let is_failure = record.code == Some(runner::FAILED_MONITOR) && record.place.file() == runner::SOURCE;
    if record.component == CORE || is_failure { Writer::Agent } else { Writer::Component(record.component) }
}

fn open(path: &Path, rotation: Rotation) -> io::Result<RotatingFile> {
    RotatingFile::open(path, rotation)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot write to {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::ErrorKind;
    use std::sync::Arc;
    use std::time::Duration;

    use scalyr_monitor::{Logger, Timestamp};

    use super::*;
    use crate::own_logs::unsettled::{Copies, Standing};

    const PLAN: AgentLogPlan =
        AgentLogPlan { rotation: Rotation { max_bytes: 0, backups: 2 }, debug_level: 0, stdout_severity: None };

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);
    impl Shared {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }
    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Place {
        directory: tempfile::TempDir,
        clock: Clock,
        stdout: Shared,
        log: Arc<AgentLog>,
        logger: Logger,
    }

    fn place(plan: AgentLogPlan) -> Place {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::from_millis(1_650_021_068_015));
        let stdout = Shared::default();
        let copy: Box<dyn Write + Send> = Box::new(stdout.clone());
        let log = Arc::new(AgentLog::open(directory.path(), plan, clock.clone(), Some(copy)).unwrap());
        let logger = Logger::new(Arc::clone(&log) as Arc<dyn LogSink>, "core");
        Place { directory, clock, stdout, log, logger }
    }

    impl Place {
        fn read(&self, name: &str) -> String {
            fs::read_to_string(self.directory.path().join(name)).unwrap()
        }
    }

    #[test]
    fn a_record_stands_in_the_file_and_in_the_copy_with_its_place() {
        let place = place(PLAN);
        place.logger.for_component("monitor:coin()").coded(Level::Warning, "someCode", "a warn");
        let expected = format!(
            "2022-04-15 11:11:08.015Z WARNING [monitor:coin()] [scalyr_agent.own_logs.agent_log:{}] \
             [error=\"someCode\"] a warn\n",
            line!() - 4
        );
        assert_eq!(place.read("agent.log"), expected);
        assert_eq!(place.stdout.text(), expected);
    }

    #[test]
    fn debug_records_have_a_file_of_their_own_while_debug_is_on() {
        let place = place(PLAN);
        place.logger.debug("unseen");
        assert!(!place.directory.path().join("agent_debug.log").exists());
        place.log.set_debug_level(2).unwrap();
        place.logger.debug("one");
        place.logger.at(Level::Debug2, "two");
        place.logger.at(Level::Debug3, "unseen");
        place.logger.info("info");
        place.log.set_debug_level(0).unwrap();
        place.logger.debug("unseen");
        let debug = place.read("agent_debug.log");
        assert_eq!(debug.lines().count(), 2, "{debug}");
        assert!(debug.contains(" DEBUG [core] ") && debug.contains(" Level 7 [core] "), "{debug}");
        assert_eq!(place.read("agent.log").lines().count(), 1);
        assert_eq!(place.stdout.text(), place.read("agent.log"), "the copy holds no debug records");
    }

    #[test]
    fn the_copy_leaves_out_what_matters_less_than_asked() {
        let place = place(AgentLogPlan { stdout_severity: Some(Level::Error), ..PLAN });
        place.logger.warn("a");
        place.logger.error("b");
        assert_eq!(place.read("agent.log").lines().count(), 2);
        assert!(place.stdout.text().ends_with("] b\n"));
        assert_eq!(place.stdout.text().lines().count(), 1);
    }

    #[test]
    fn another_plan_is_followed_while_the_log_is_open() {
        let place = place(PLAN);
        let monitor = place.logger.for_component("monitor:coin()");
        monitor.debug("unseen");
        let rotation = Rotation { max_bytes: 200, backups: 1 };
        place.log.follow(AgentLogPlan { rotation, debug_level: 1, stdout_severity: Some(Level::Error) }).unwrap();
        // The same plan again, as each look at the configuration may bring it: debug lines of monitors go on.
        place.log.follow(AgentLogPlan { rotation, debug_level: 1, stdout_severity: Some(Level::Error) }).unwrap();
        monitor.debug("seen");
        (0..10).for_each(|number| place.logger.info(number));
        place.logger.error("heard");
        assert!(place.read("agent_debug.log").ends_with("] seen\n"));
        assert!(place.read("agent.log.1").len() < 200);
        assert!(place.stdout.text().ends_with("] heard\n") && place.stdout.text().lines().count() == 1);
        place.log.follow(PLAN).unwrap();
        monitor.debug("unseen");
        place.logger.info("heard again");
        assert_eq!(place.read("agent_debug.log").lines().count(), 1);
        assert!(place.stdout.text().ends_with("] heard again\n"));
    }

    #[test]
    fn a_flood_is_cut_and_the_gap_is_told_with_its_time() {
        let place = place(PLAN);
        let long = "x".repeat(8_000);
        (0..20).for_each(|_| place.logger.info(&long));
        let before = place.read("agent.log");
        assert_eq!((before.lines().count(), place.log.skipped_lines()), (12, 8));
        place.log.tick();
        place.logger.info(&long);
        assert_eq!(place.read("agent.log").lines().count(), 13, "there is room for the notice, not for the record");
        place.clock.advance(Duration::from_secs(6));
        place.logger.info("after");
        let text = place.read("agent.log");
        let last: Vec<&str> = text.lines().skip(12).collect();
        assert_eq!(last.len(), 3);
        assert!(last[0].starts_with("2022-04-15 11:11:08.015Z WARNING [core] ["), "{}", last[0]);
        assert!(last[0].contains("skipped writing 8 log lines due to the limit of agent.log"), "{}", last[0]);
        assert!(last[1].contains("2022-04-15 11:11:14.015Z") && last[1].contains("skipped writing 1 log lines"));
        assert!(last[2].ends_with("] after"));
        assert_eq!(place.stdout.text(), text, "file and copy share one decision");
    }

    #[test]
    fn a_flood_of_one_monitor_is_cut_to_its_share_whatever_code_it_gives_itself() {
        let place = place(PLAN);
        let monitor = place.logger.for_component("monitor:coin()");
        let long = "x".repeat(1_000);
        (0..200).for_each(|_| monitor.coded(Level::Error, runner::FAILED_MONITOR, &long));
        let taken = place.read("agent.log");
        assert!(taken.len() < 25_000, "{} bytes", taken.len());
        place.logger.for_component("monitor:calm()").info("still heard");
        place.logger.info(&long);
        place.clock.advance(Duration::from_secs(60));
        place.log.tick();
        let rest = place.read("agent.log").split_off(taken.len());
        let lines: Vec<&str> = rest.lines().collect();
        assert!(lines.len() == 3 && lines[0].ends_with("] still heard") && lines[1].ends_with(&long), "{rest}");
        let skipped = 200 - taken.lines().count();
        let told = format!("skipped writing {skipped} log lines of monitor:coin() due to its share of the limit");
        assert!(lines[2].contains(&told), "{rest}");
        assert_eq!(place.log.skipped_by_component(), [("monitor:coin()".to_owned(), skipped as u64)].into());
    }

    #[test]
    fn the_file_is_rotated() {
        let place = place(AgentLogPlan { rotation: Rotation { max_bytes: 200, backups: 1 }, ..PLAN });
        (0..10).for_each(|number| place.logger.info(number));
        assert!(place.read("agent.log.1").len() < 200);
        assert!(place.read("agent.log").ends_with("] 9\n"));
        assert!(!place.directory.path().join("agent.log.2").exists());
    }

    #[derive(Debug)]
    struct Stalled;

    impl Copies for Stalled {
        fn standing(&self, _: u64, _: u64, size: u64) -> Standing {
            if size > 0 { Standing::Unsettled(size) } else { Standing::Settled }
        }
    }

    #[test]
    fn what_is_not_uploaded_is_removed_only_when_the_file_has_grown_to_twice_its_size_and_that_is_told() {
        let place = place(AgentLogPlan { rotation: Rotation { max_bytes: 400, backups: 1 }, ..PLAN });
        place.log.guard(Arc::new(Stalled));
        let removed = || place.log.removed_unsettled();
        let mut number = 0;
        while removed() == 0 {
            place.logger.info(number);
            number += 1;
            assert!(number < 100, "its disk space is bounded");
        }
        assert!((1..400).contains(&removed()));
        assert!(place.read("agent.log.1").len() >= 800, "it grew first");
        let told = format!("{} bytes of an old agent.log were removed before they were uploaded", removed());
        assert!(place.read("agent.log").contains(&told), "{}", place.read("agent.log"));
    }

    #[test]
    fn lines_that_are_lost_are_counted_and_told_of() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("logs");
        let log = Arc::new(AgentLog::open(&directory, PLAN, Clock::system(), None).unwrap());
        let logger = Logger::new(Arc::clone(&log) as Arc<dyn LogSink>, "core");
        fs::remove_dir_all(&directory).unwrap();
        fs::write(&directory, "in the way").unwrap();
        logger.info("a");
        logger.info("b");
        let lost = log.lost_lines();
        assert_eq!(lost, 3, "two lines and the report of the trouble");
        fs::remove_file(&directory).unwrap();
        logger.info("c");
        let text = fs::read_to_string(directory.join("agent.log")).unwrap();
        assert!(text.lines().next().unwrap().ends_with("] c"), "{text}");
        assert!(text.ends_with("] agent.log can be written again; 3 lines were lost\n"), "{text}");
    }

    #[test]
    fn a_copy_that_nobody_reads_is_given_up_and_the_file_goes_on() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let directory = tempfile::tempdir().unwrap();
        let log = AgentLog::open(directory.path(), PLAN, Clock::system(), Some(Box::new(Gone))).unwrap();
        let logger = Logger::new(Arc::new(log), "core");
        logger.info("a");
        logger.info("b");
        let text = fs::read_to_string(directory.path().join("agent.log")).unwrap();
        assert_eq!(text.matches("takes no more copies").count(), 1);
        assert!(text.contains("] a\n") && text.ends_with("] b\n"));
    }
}
