//! What is written where, and what is left out.

use std::fs;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use scalyr_monitor::{Logger, Timestamp};

use super::*;
use crate::own_logs::unsettled::{Copies, Standing};

/// As many bytes as there are, and nothing more than usual.
fn plan() -> AgentLogPlan {
    AgentLogPlan { rotation: Rotation { max_bytes: 0, backups: 2 }, ..AgentLogPlan::default() }
}

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
    let log = Arc::new(AgentLog::open(directory.path(), &plan, clock.clone(), Some(copy)).unwrap());
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
    let place = place(plan());
    place.logger.for_component("monitor:coin()").coded(Level::Warning, "someCode", "a warn");
    let expected = format!(
        "2022-04-15 11:11:08.015Z WARNING [monitor:coin()] [scalyr_agent.own_logs.agent_log.tests:{}] \
         [error=\"someCode\"] a warn\n",
        line!() - 4
    );
    assert_eq!(place.read("agent.log"), expected);
    assert_eq!(place.stdout.text(), expected);
}

#[test]
fn debug_records_have_a_file_of_their_own_while_debug_is_on() {
    let place = place(plan());
    place.logger.debug("unseen");
    assert!(!place.directory.path().join("agent_debug.log").exists());
    place.log.follow(&AgentLogPlan { debug_level: 2, ..plan() }).unwrap();
    place.logger.debug("one");
    place.logger.at(Level::Debug2, "two");
    place.logger.at(Level::Debug3, "unseen");
    place.logger.info("info");
    place.log.follow(&plan()).unwrap();
    place.logger.debug("unseen");
    let debug = place.read("agent_debug.log");
    assert_eq!(debug.lines().count(), 2, "{debug}");
    assert!(debug.contains(" DEBUG [core] ") && debug.contains(" Level 7 [core] "), "{debug}");
    assert_eq!(place.read("agent.log").lines().count(), 1);
    assert_eq!(place.stdout.text(), place.read("agent.log"), "the copy holds no debug records");
}

#[test]
fn the_copy_leaves_out_what_matters_less_than_asked() {
    let place = place(AgentLogPlan { stdout_severity: Some(Level::Error), ..plan() });
    place.logger.warn("a");
    place.logger.error("b");
    assert_eq!(place.read("agent.log").lines().count(), 2);
    assert!(place.stdout.text().ends_with("] b\n"));
    assert_eq!(place.stdout.text().lines().count(), 1);
}

#[test]
fn another_plan_is_followed_while_the_log_is_open() {
    let place = place(plan());
    let monitor = place.logger.for_component("monitor:coin()");
    monitor.debug("unseen");
    let rotation = Rotation { max_bytes: 200, backups: 1 };
    let other = AgentLogPlan { rotation, debug_level: 1, stdout_severity: Some(Level::Error), ..plan() };
    place.log.follow(&other).unwrap();
    // The same plan again, as each look at the configuration may bring it: debug lines of monitors go on.
    place.log.follow(&other).unwrap();
    monitor.debug("seen");
    (0..10).for_each(|number| place.logger.info(number));
    place.logger.error("heard");
    assert!(place.read("agent_debug.log").ends_with("] seen\n"));
    assert!(place.read("agent.log.1").len() < 200);
    assert!(place.stdout.text().ends_with("] heard\n") && place.stdout.text().lines().count() == 1);
    place.log.follow(&plan()).unwrap();
    monitor.debug("unseen");
    place.logger.info("heard again");
    assert_eq!(place.read("agent_debug.log").lines().count(), 1);
    assert!(place.stdout.text().ends_with("] heard again\n"));
}

#[test]
fn a_flood_is_cut_and_the_gap_is_told_with_its_time() {
    let place = place(plan());
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
    let place = place(plan());
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
    let place = place(AgentLogPlan { rotation: Rotation { max_bytes: 200, backups: 1 }, ..plan() });
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
    let place = place(AgentLogPlan { rotation: Rotation { max_bytes: 400, backups: 1 }, ..plan() });
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
    let log = Arc::new(AgentLog::open(&directory, &plan(), Clock::system(), None).unwrap());
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
    let log = AgentLog::open(directory.path(), &plan(), Clock::system(), Some(Box::new(Gone))).unwrap();
    let logger = Logger::new(Arc::new(log), "core");
    logger.info("a");
    logger.info("b");
    let text = fs::read_to_string(directory.path().join("agent.log")).unwrap();
    assert_eq!(text.matches("takes no more copies").count(), 1);
    assert!(text.contains("] a\n") && text.ends_with("] b\n"));
}

#[test]
fn the_parts_that_are_named_write_every_debug_line_and_the_others_as_the_level_says() {
    let names = |names: &[&str]| -> Arc<[String]> { names.iter().map(|&name| name.to_owned()).collect() };
    let place = place(AgentLogPlan { debug_names: names(&["monitor:coin"]), ..plan() });
    let coin = place.logger.for_component("monitor:coin(1)");
    let other = place.logger.for_component("monitor:coins()");
    coin.at(Level::Debug5, "of a part that is named");
    other.debug("unseen");
    place.logger.debug("unseen");
    // Live, as a reload does: others are named, and the level is for all.
    place.log.follow(&AgentLogPlan { debug_level: 1, debug_names: names(&["core"]), ..plan() }).unwrap();
    coin.at(Level::Debug2, "unseen");
    other.debug("of the level");
    place.logger.at(Level::Debug4, "of core");
    // A module, which is where this test stands.
    place.log.follow(&AgentLogPlan { debug_names: names(&["scalyr_agent.own_logs"]), ..plan() }).unwrap();
    coin.at(Level::Debug3, "of a module");
    place.log.follow(&AgentLogPlan { debug_names: names(&["scalyr_agent.upload"]), ..plan() }).unwrap();
    coin.debug("unseen");
    place.log.follow(&plan()).unwrap();
    coin.debug("unseen");
    let debug = place.read("agent_debug.log");
    let told: Vec<&str> = debug.lines().map(|line| line.rsplit("] ").next().unwrap()).collect();
    assert_eq!(told, ["of a part that is named", "of the level", "of core", "of a module"]);
}

#[test]
fn with_debug_init_the_debug_lines_of_the_start_stand_in_the_log_too() {
    let place = place(AgentLogPlan { debug_init: true, ..plan() });
    place.logger.debug("early");
    place.logger.at(Level::Debug2, "unseen");
    place.log.start_is_over();
    place.logger.debug("late");
    let text = place.read("agent.log");
    assert!(text.ends_with("] early\n") && text.lines().count() == 1, "{text}");
    assert_eq!(place.stdout.text(), "", "a terminal has no debug lines");
    assert!(!place.directory.path().join("agent_debug.log").exists());
}

#[test]
fn the_debug_log_is_rotated_and_not_limited() {
    let rotation = Rotation { max_bytes: 300_000, backups: 1 };
    let place = place(AgentLogPlan { rotation, debug_level: 1, ..plan() });
    let long = "x".repeat(1_000);
    (0..400).for_each(|_| place.logger.debug(&long));
    let lines = place.read("agent_debug.log.1").lines().count() + place.read("agent_debug.log").lines().count();
    assert_eq!((lines, place.log.skipped_lines(), place.log.lost_lines()), (400, 0, 0));
    assert!(place.read("agent_debug.log.1").len() < 300_000);
}
