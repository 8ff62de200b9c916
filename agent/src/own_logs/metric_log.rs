//! Metric logs: one writer per path, a limit per monitor instance (`monitor-framework.md` section 15).

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use scalyr_monitor::sample::Lines;
use scalyr_monitor::{Clock, Logger};

use crate::config::own_files::normalised;
use crate::config::plan::{Rotation, WriteLimit};
use crate::own_logs::leaky_bucket::LeakyBucket;
use crate::own_logs::rotating_file::{RotatingFile, Written};

/// Where the lines of one monitor instance go, whatever run of it they come from.
pub trait MetricOutput: Send + Sync {
    /// Writes the lines in one go; tells how many of them were not written.
    fn write(&self, lines: &Lines) -> u64;

    /// A sample has ended, with or without lines.
    fn sample_ended(&self) {}

    /// The instance writes nothing more.
    fn finish(&self) {}
}

/// The metric logs that are open.
pub struct MetricLogs {
    open: Mutex<HashMap<PathBuf, Weak<MetricLog>>>,
    logger: Logger,
}

impl MetricLogs {
    /// None yet. Failures of writing are reported through `logger`.
    pub fn new(logger: Logger) -> Self {
        Self { open: Mutex::default(), logger }
    }

    /// The writer of the file at `path`, shared by all who ask for it. The rotation is that of the first `owner`, also
    /// when it asks again, as after a change of the configuration; another one that asks for something else is told so.
    /// The file is closed when the last of them is gone.
    ///
    /// # Errors
    /// When the file cannot be opened or created.
    pub fn open(&self, path: &Path, rotation: Rotation, owner: &str) -> io::Result<Arc<MetricLog>> {
        // Two spellings of one file must not get two writers.
        let path = normalised(path);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(log) = open.get(&path).and_then(Weak::upgrade) {
            let first = log.rotate_for(owner, rotation);
            if first != rotation {
                self.logger.warn(format_args!(
                    "{} is written by several monitors and rotated as the first of them says (log_rotation_max_bytes {}, \
                     log_rotation_backup_count {}); another one asked for {} and {}",
                    path.display(),
                    first.max_bytes,
                    first.backups,
                    rotation.max_bytes,
                    rotation.backups
                ));
            }
            return Ok(log);
        }
        let file = RotatingFile::open(&path, rotation)?;
        let log = Arc::new(MetricLog {
            path: path.clone(),
            owner: owner.to_owned(),
            file: Mutex::new(Guarded { file, lost_lines: 0, trouble: Trouble::None }),
            logger: self.logger.clone(),
        });
        open.retain(|_, log| log.strong_count() > 0);
        open.insert(path, Arc::downgrade(&log));
        Ok(log)
    }
}

/// The writer of one metric log.
pub struct MetricLog {
    path: PathBuf,
    /// The first who opened it.
    owner: String,
    file: Mutex<Guarded>,
    logger: Logger,
}

struct Guarded {
    file: RotatingFile,
    /// Since the last write that went well.
    lost_lines: u64,
    trouble: Trouble,
}

/// What was reported last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    None,
    Rotating,
    Writing,
}

impl MetricLog {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The rotation in force, which is what `owner` wants if it was the first who opened the file.
    fn rotate_for(&self, owner: &str, rotation: Rotation) -> Rotation {
        let mut guarded = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if self.owner == owner {
            guarded.file.set_rotation(rotation);
        }
        guarded.file.rotation()
    }

    /// Writes whole lines, each with its line end; tells how many were lost. Trouble is reported once, and its end.
    fn write(&self, text: &[u8]) -> u64 {
        let (written, now, before, lost_before) = {
            let mut guarded = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            let written = guarded.file.write_lines(text);
            let now = match &written {
                Written { trouble: None, .. } => Trouble::None,
                Written { lost_lines: 0, .. } => Trouble::Rotating,
                Written { .. } => Trouble::Writing,
            };
            let before = std::mem::replace(&mut guarded.trouble, now);
            let lost_before = guarded.lost_lines;
            guarded.lost_lines = if now == Trouble::Writing { lost_before + written.lost_lines } else { 0 };
            (written, now, before, lost_before)
        };
        self.report(now, before, lost_before, written.trouble);
        written.lost_lines
    }

    fn report(&self, now: Trouble, before: Trouble, lost_before: u64, error: Option<io::Error>) {
        let path = self.path.display();
        if before == Trouble::Writing && now < before {
            self.logger.info(format_args!("{path} can be written again; {lost_before} lines were lost"));
        }
        match error {
            Some(error) if now == Trouble::Rotating && before != now => {
                self.logger.error(format_args!("Cannot rotate {path}, so it grows: {error}"));
            }
            Some(error) if now == Trouble::Writing && before != now => self.logger.error(format_args!(
                "Cannot write to {path}: {error}. Metric lines are lost, and counted, until this is mended"
            )),
            _ => {}
        }
    }
}

/// What the buffer of accepted lines keeps between two samples: as much as a sample hands on at once.
const KEPT_BYTES: usize = 64 * 1024;

/// One monitor instance's way into a metric log, with a limit of its own.
pub struct InstanceLog {
    log: Arc<MetricLog>,
    monitor: String,
    clock: Clock,
    limiter: Option<Mutex<Limiter>>,
}

struct Limiter {
    bucket: LeakyBucket,
    /// Lines refused since the last one that was accepted.
    skipped: u64,
    /// The accepted lines of one sample, with notices among them.
    accepted: String,
    /// How many lines these are.
    lines: u64,
    /// The notices: which line each is, and how many skipped lines it tells of.
    notices: Vec<(u64, u64)>,
}

impl Limiter {
    fn clear(&mut self) {
        self.accepted.clear();
        self.accepted.shrink_to(KEPT_BYTES);
        self.notices.clear();
        self.lines = 0;
    }

    /// The last ones of the accepted lines were lost. What was told there is to be told again; how many of them were no
    /// notices.
    fn lost(&mut self, lost: u64) -> u64 {
        let written = self.lines.saturating_sub(lost);
        let notices = self.notices.iter().filter(|(line, _)| *line >= written);
        let (count, skipped) = notices.fold((0, 0), |(count, sum), (_, skipped)| (count + 1, sum + skipped));
        self.skipped += skipped;
        lost.saturating_sub(count)
    }
}

impl InstanceLog {
    /// The lines of `monitor`, for example `coin()`, into `log`; without a limit when there is none.
    pub fn new(log: Arc<MetricLog>, monitor: &str, limit: Option<WriteLimit>, clock: Clock) -> Self {
        let limiter = limit.map(|limit| {
            let bucket = LeakyBucket::new(limit, clock.monotonic());
            Mutex::new(Limiter { bucket, skipped: 0, accepted: String::new(), lines: 0, notices: Vec::new() })
        });
        Self { log, monitor: monitor.to_owned(), clock, limiter }
    }

    fn limiter(&self) -> Option<MutexGuard<'_, Limiter>> {
        self.limiter.as_ref().map(|limiter| limiter.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells how many lines were skipped, in the metric log itself, so that it is shipped beside the gap.
    fn push_notice(&self, out: &mut String, skipped: u64) {
        _ = writeln!(
            out,
            "{} [{}] .... Warning, skipped writing {skipped} log lines due to limit set by `monitor_log_write_rate` \
             option...",
            self.clock.now(),
            self.monitor
        );
    }

    /// Takes one line if the bucket allows it, with a notice before it when lines were skipped.
    fn offer(&self, limiter: &mut Limiter, line: &str) -> bool {
        let before = limiter.accepted.len();
        if limiter.skipped > 0 {
            self.push_notice(&mut limiter.accepted, limiter.skipped);
        }
        let notice = (limiter.accepted.len() - before).saturating_sub(1);
        if limiter.bucket.take(notice + line.len() - 1, self.clock.monotonic()) {
            limiter.accepted.push_str(line);
            if limiter.skipped > 0 {
                limiter.notices.push((limiter.lines, limiter.skipped));
                limiter.lines += 1;
                limiter.skipped = 0;
            }
            limiter.lines += 1;
            true
        } else {
            limiter.accepted.truncate(before);
            limiter.skipped += 1;
            false
        }
    }
}

impl MetricOutput for InstanceLog {
    fn write(&self, lines: &Lines) -> u64 {
        let Some(mut limiter) = self.limiter() else {
            return self.log.write(lines.text().as_bytes());
        };
        let cost = lines.text().len() - lines.len();
        if limiter.skipped == 0 && limiter.bucket.take(cost, self.clock.monotonic()) {
            return self.log.write(lines.text().as_bytes());
        }
        limiter.clear();
        let refused = lines.iter().filter(|line| !self.offer(&mut limiter, line)).count() as u64;
        let lost = if limiter.accepted.is_empty() { 0 } else { self.log.write(limiter.accepted.as_bytes()) };
        let lost = limiter.lost(lost);
        limiter.clear();
        refused + lost
    }

    /// Tells of skipped lines as soon as the bucket has room for it, also when the monitor has fallen silent.
    fn sample_ended(&self) {
        let Some(mut limiter) = self.limiter().filter(|limiter| limiter.skipped > 0) else { return };
        limiter.accepted.clear();
        let skipped = limiter.skipped;
        self.push_notice(&mut limiter.accepted, skipped);
        let cost = limiter.accepted.len() - 1;
        // One that is lost is tried again.
        if limiter.bucket.take(cost, self.clock.monotonic()) && self.log.write(limiter.accepted.as_bytes()) == 0 {
            limiter.skipped = 0;
        }
    }

    /// Tells of skipped lines even when the bucket is empty: nothing comes behind it.
    fn finish(&self) {
        let Some(mut limiter) = self.limiter().filter(|limiter| limiter.skipped > 0) else { return };
        let skipped = std::mem::take(&mut limiter.skipped);
        let mut notice = String::new();
        self.push_notice(&mut notice, skipped);
        self.log.write(notice.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use scalyr_monitor::sample::LineSink;
    use scalyr_monitor::{Sample, Timestamp};

    use super::*;

    const FREE: Rotation = Rotation { max_bytes: 0, backups: 2 };

    /// A monitor instance that writes into a metric log.
    struct Writer {
        output: Arc<InstanceLog>,
        sample: Sample,
        clock: Clock,
    }

    struct Sink(Arc<InstanceLog>);
    impl LineSink for Sink {
        fn write_lines(&mut self, lines: &Lines) {
            self.0.write(lines);
        }
    }

    /// As [`Sink`], counting what was not written.
    struct Counting(Arc<InstanceLog>, Arc<AtomicU64>);
    impl LineSink for Counting {
        fn write_lines(&mut self, lines: &Lines) {
            self.1.fetch_add(self.0.write(lines), Ordering::Relaxed);
        }
    }

    impl Writer {
        fn new(log: Arc<MetricLog>, id: &str, limit: Option<WriteLimit>) -> Self {
            let clock = Clock::manual(Timestamp::from_millis(1_650_021_068_015));
            let output = Arc::new(InstanceLog::new(log, &format!("coin({id})"), limit, clock.clone()));
            let sink = Box::new(Sink(Arc::clone(&output)));
            Self { output, sample: Sample::new("coin", id, clock.clone(), Logger::none(), sink), clock }
        }

        /// One sample that emits these lines of text.
        fn emit(&mut self, lines: &[&str]) {
            lines.iter().for_each(|line| self.sample.line(line));
            self.sample.flush();
            self.output.sample_ended();
        }
    }

    fn logs() -> (tempfile::TempDir, PathBuf, MetricLogs) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("coin.log");
        (directory, path, MetricLogs::new(Logger::none()))
    }

    /// The texts behind time and name; a notice as its number.
    fn texts(path: &Path) -> Vec<String> {
        let content = fs::read_to_string(path).unwrap();
        assert!(content.is_empty() || content.ends_with('\n'));
        let text = |line: &str| {
            assert_eq!(&line[..32], "2022-04-15 11:11:08.015Z [coin()", "{line}");
            let text = line[34..].to_owned();
            match text.strip_prefix(".... Warning, skipped writing ") {
                Some(notice) => {
                    let (number, rest) = notice.split_once(' ').unwrap();
                    assert_eq!(rest, "log lines due to limit set by `monitor_log_write_rate` option...");
                    number.to_owned()
                }
                None => text,
            }
        };
        content.lines().map(text).collect()
    }

    // monitor-framework.md, sharp edge 16
    #[test]
    fn two_instances_share_one_file_and_each_has_a_limit_of_its_own() {
        let (_directory, path, logs) = logs();
        let limit = Some(WriteLimit { rate: 0, burst: 40 });
        let mut one = Writer::new(logs.open(&path, FREE, "coin(1)").unwrap(), "1", limit);
        let mut two =
            Writer::new(logs.open(&path, Rotation { max_bytes: 1, backups: 9 }, "coin(2)").unwrap(), "2", limit);
        one.emit(&["a"]);
        one.emit(&["b"]);
        two.emit(&["a"]);
        let content = fs::read_to_string(&path).unwrap();
        assert_eq!(content, "2022-04-15 11:11:08.015Z [coin(1)] a\n2022-04-15 11:11:08.015Z [coin(2)] a\n");
        assert!(!path.with_extension("log.1").exists(), "the rotation is that of the first opener");
    }

    #[test]
    fn a_rotation_that_is_not_used_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let told = crate::own_logs::told::Told::default();
        let (logs, path) = (MetricLogs::new(told.logger()), directory.path().join("coin.log"));
        let _first = logs.open(&path, FREE, "coin(1)").unwrap();
        let _second = logs.open(&path, FREE, "coin(1)").unwrap();
        assert!(told.lines().is_empty());
        let _third = logs.open(&path, Rotation { max_bytes: 5, backups: 1 }, "coin(2)").unwrap();
        let lines = told.lines();
        assert!(
            matches!(lines.as_slice(), [line] if line.starts_with("WARNING ") && line.ends_with("asked for 5 and 1")),
            "{lines:?}"
        );
    }

    #[test]
    fn a_file_is_closed_when_its_last_writer_is_gone() {
        let (_directory, path, logs) = logs();
        let first = logs.open(&path, FREE, "coin(1)").unwrap();
        let second = logs.open(&path.with_file_name("a/../coin.log"), FREE, "coin(2)").unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        drop((first, second));
        let third = logs.open(&path, Rotation { max_bytes: 5, backups: 1 }, "coin(2)").unwrap();
        third.write(b"a\n");
        third.write(b"bcd\n");
        assert!(path.with_extension("log.1").exists(), "opened anew, with the new rotation");
    }

    #[test]
    fn a_monitor_that_is_started_again_with_another_rotation_has_it_while_its_old_writer_is_still_there() {
        let (_directory, path, logs) = logs();
        let _old = logs.open(&path, FREE, "coin(1)").unwrap();
        let new = logs.open(&path, Rotation { max_bytes: 5, backups: 1 }, "coin(1)").unwrap();
        new.write(b"a\n");
        new.write(b"bcd\n");
        assert!(path.with_extension("log.1").exists());
    }

    #[test]
    fn skipped_lines_are_told_of_before_the_next_accepted_one() {
        let (_directory, path, logs) = logs();
        // As the vector of logging.md section 7; the notices are longer here by their time and name.
        let limit = Some(WriteLimit { rate: 0, burst: 420 });
        let mut writer = Writer::new(logs.open(&path, FREE, "coin(1)").unwrap(), "", limit);
        let long = "x".repeat(460);
        for line in ["First", &long, &long, "Second", &long, "n0", "n1", "n2", "n3", "n4"] {
            writer.sample.line(line);
            writer.sample.flush();
        }
        assert_eq!(texts(&path), ["First", "2", "Second", "1", "n0", "n1"]);
        writer.output.finish();
        assert_eq!(texts(&path).last().unwrap(), "3");
    }

    #[test]
    fn a_notice_that_is_lost_with_its_line_is_no_lost_line_and_is_told_later() {
        let directory = tempfile::tempdir().unwrap();
        let parent = directory.path().join("logs");
        let path = parent.join("coin.log");
        let log = MetricLogs::new(Logger::none()).open(&path, FREE, "coin(1)").unwrap();
        let mut writer = Writer::new(log, "", Some(WriteLimit { rate: 1000, burst: 200 }));
        let (kept, dropped) = (Arc::new(AtomicU64::new(0)), Arc::clone(&writer.output));
        let sink = Counting(dropped, Arc::clone(&kept));
        writer.sample = Sample::new("coin", "", writer.clock.clone(), Logger::none(), Box::new(sink));
        // No room is left for the notice.
        writer.emit(&[&"a".repeat(100), &"x".repeat(200)]);
        fs::remove_dir_all(&parent).unwrap();
        fs::write(&parent, "in the way").unwrap();
        let later = || {
            writer.clock.advance(Duration::from_secs(2));
            writer.clock.set(Timestamp::from_millis(1_650_021_068_015));
        };
        later();
        writer.sample.line("b");
        writer.sample.flush();
        later();
        writer.output.sample_ended();
        fs::remove_file(&parent).unwrap();
        later();
        writer.emit(&["c"]);
        assert_eq!(kept.load(Ordering::Relaxed), 2, "the one beyond the limit, and `b`");
        assert_eq!(texts(&path), ["1", "c"]);
    }

    #[test]
    fn a_notice_comes_by_itself_when_there_is_room_for_it() {
        let (_directory, path, logs) = logs();
        let mut writer =
            Writer::new(logs.open(&path, FREE, "coin(1)").unwrap(), "", Some(WriteLimit { rate: 100, burst: 200 }));
        writer.emit(&["a", &"x".repeat(130), &"y".repeat(130)]);
        assert_eq!(texts(&path), ["a", &"x".repeat(130)]);
        writer.clock.advance(Duration::from_secs(2));
        writer.clock.set(Timestamp::from_millis(1_650_021_068_015));
        writer.emit(&[]);
        assert_eq!(texts(&path)[2..], ["1"]);
    }

    #[test]
    fn without_a_limit_everything_is_written() {
        let (_directory, path, logs) = logs();
        let mut writer = Writer::new(logs.open(&path, FREE, "coin(1)").unwrap(), "", None);
        let long = "x".repeat(1000);
        (0..200).for_each(|_| writer.emit(&[&long, &long]));
        assert_eq!(texts(&path).len(), 400);
    }

    #[test]
    fn trouble_is_reported_once_and_so_is_its_end() {
        let directory = tempfile::tempdir().unwrap();
        let parent = directory.path().join("logs");
        let path = parent.join("coin.log");
        let told = crate::own_logs::told::Told::default();
        let log = MetricLogs::new(told.logger()).open(&path, FREE, "coin(1)").unwrap();
        fs::remove_dir_all(&parent).unwrap();
        fs::write(&parent, "in the way").unwrap();
        assert_eq!((log.write(b"a\nb\n"), log.write(b"c\n")), (2, 1));
        fs::remove_file(&parent).unwrap();
        assert_eq!((log.write(b"d\n"), log.write(b"e\n")), (0, 0));
        let lines = told.lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("ERROR Cannot write to "), "{lines:?}");
        assert!(lines[1].ends_with("coin.log can be written again; 3 lines were lost"), "{lines:?}");
    }
}
