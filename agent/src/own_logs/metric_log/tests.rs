//! Monitors that write into metric logs.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use scalyr_monitor::sample::LineSink;
use scalyr_monitor::sample::Lines;
use scalyr_monitor::{Clock, Sample, Timestamp};

use super::*;
use crate::config::plan::WriteLimit;
use crate::ledger::Ledger;
use crate::own_logs::told::Told;
use crate::own_logs::unsettled::{Copies, Standing};

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
    let mut two = Writer::new(logs.open(&path, Rotation { max_bytes: 1, backups: 9 }, "coin(2)").unwrap(), "2", limit);
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
    put(&third, b"a\n");
    put(&third, b"bcd\n");
    assert!(path.with_extension("log.1").exists(), "opened anew, with the new rotation");
}

#[test]
fn a_monitor_that_is_started_again_with_another_rotation_has_it_while_its_old_writer_is_still_there() {
    let (_directory, path, logs) = logs();
    let _old = logs.open(&path, FREE, "coin(1)").unwrap();
    let new = logs.open(&path, Rotation { max_bytes: 5, backups: 1 }, "coin(1)").unwrap();
    put(&new, b"a\n");
    put(&new, b"bcd\n");
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
    assert_eq!((put(&log, b"a\nb\n"), put(&log, b"c\n")), (2, 1));
    fs::remove_file(&parent).unwrap();
    assert_eq!((put(&log, b"d\n"), put(&log, b"e\n")), (0, 0));
    let lines = told.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("ERROR Cannot write to "), "{lines:?}");
    assert!(lines[1].ends_with("coin.log can be written again; 3 lines were lost"), "{lines:?}");
}

fn put(log: &MetricLog, text: &[u8]) -> u64 {
    log.write(text, &Stop::new(), |_| {})
}

/// As the copier of files of which nothing is uploaded, until it is told otherwise.
#[derive(Debug, Default)]
struct Stalled(AtomicBool);

impl Copies for Stalled {
    fn standing(&self, _: u64, _: u64, size: u64) -> Standing {
        if self.0.load(Ordering::Acquire) { Standing::Settled } else { Standing::Unsettled(size) }
    }
}

#[test]
fn a_monitor_waits_rather_than_rotate_away_what_is_not_uploaded_and_goes_on_when_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("coin.log");
    let (told, copies) = (Told::default(), Arc::new(Stalled::default()));
    let logs = MetricLogs::guarded(told.logger(), copies.clone());
    let mut one = Writer::new(logs.open(&path, Rotation { max_bytes: 40, backups: 1 }, "coin(1)").unwrap(), "1", None);
    one.emit(&["a"]);
    one.emit(&["b"]);
    let output = Arc::clone(&one.output);
    let held = || output.held_for().is_some();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| one.emit(&["c"]));
        wait_until(held);
        assert_eq!(fs::read_to_string(path.with_extension("log.1")).unwrap().matches(" a\n").count(), 1);
        assert!(!writer.is_finished());
        copies.0.store(true, Ordering::Release);
    });
    assert!(!held());
    let left = |path: &Path| fs::read_to_string(path).unwrap();
    assert!(left(&path).ends_with(" c\n") && left(&path.with_extension("log.1")).ends_with(" b\n"));
    let told = told.lines().join("\n");
    assert!(told.contains("coin(1) waits: its log") && told.contains("coin(1) goes on"), "{told}");
}

#[test]
fn a_monitor_that_is_to_stop_does_not_wait_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("coin.log");
    let logs = MetricLogs::guarded(Logger::none(), Arc::new(Stalled::default()));
    let mut one = Writer::new(logs.open(&path, Rotation { max_bytes: 40, backups: 0 }, "coin()").unwrap(), "", None);
    one.emit(&["a"]);
    one.output.hurry();
    one.emit(&["b"]);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
}

#[test]
fn nobody_waits_for_files_that_are_not_copied() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("coin.log");
    let logs = MetricLogs::guarded(Logger::none(), Arc::new(Ledger::new()));
    let mut one = Writer::new(logs.open(&path, Rotation { max_bytes: 40, backups: 0 }, "coin()").unwrap(), "", None);
    one.emit(&["a"]);
    one.emit(&["b"]);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
}

fn wait_until(holds: impl Fn() -> bool) {
    let clock = Clock::system();
    let begin = clock.monotonic();
    while !holds() {
        assert!(clock.monotonic() - begin < Duration::from_secs(60), "waited in vain");
        std::thread::sleep(Duration::from_millis(5));
    }
}
