//! Monitors that panic: in a sample, on their stop, when they are dropped, in the middle of a line.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use scalyr_agent::monitors::panic_place;
use scalyr_monitor::prelude::*;
use scalyr_monitor::{Clock, Logger, Timestamp};

use super::{PATIENCE, agent, wait_for};

/// Emits a line and panics, in every second sample.
#[scalyr_monitor(name = "panicking")]
pub(super) struct Panicking {
    /// Samples since it was built.
    #[metric]
    turns: Metric<u64>,

    count: u64,
}

const PANIC_LINE: u32 = line!() + 7;

impl Monitor for Panicking {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        self.count += 1;
        out.emit(self.turns, self.count);
        if self.count == 2 {
            panic!("sample {} is too much", self.count);
        }
        Ok(())
    }
}

/// Panics when it is asked to stop, and again when it is dropped.
#[scalyr_monitor(name = "clinging")]
struct Clinging {}

impl Monitor for Clinging {
    fn run(&mut self, run: &mut Run) -> Result<()> {
        run.stop().on_stop(|| panic!("I do not want to"));
        while run.next() {
            run.sample(|_| Ok(()));
        }
        Ok(())
    }
}

impl Drop for Clinging {
    fn drop(&mut self) {
        panic!("nor do I want to go");
    }
}

/// Fails at once and leaves something on its stop that panics when nobody calls it.
#[scalyr_monitor(name = "littering")]
struct Littering {}

struct Litter;

impl Drop for Litter {
    fn drop(&mut self) {
        panic!("never called");
    }
}

impl Monitor for Littering {
    fn run(&mut self, run: &mut Run) -> Result<()> {
        let litter = Litter;
        run.stop().on_stop(move || std::mem::forget(litter));
        Err(Error::new("the port is taken"))
    }
}

#[test]
fn a_panic_is_logged_with_its_place_and_the_monitor_is_built_anew() {
    let agent = agent();
    let monitor = agent.start::<Panicking>();
    let snapshot = wait_for(&monitor, |snapshot| snapshot.panics >= 2 && snapshot.restarts >= 2);
    assert_eq!(agent.stop(&[monitor], PATIENCE), Vec::<String>::new());
    assert!(snapshot.samples >= 4 && snapshot.failed_samples >= 2, "{snapshot:?}");
    assert!(snapshot.errors >= 2, "{snapshot:?}");

    let log = agent.read("agent.log");
    let place = format!(
        " ERROR [monitor:panicking()] [scalyr_agent.monitors.runner:{}] [error=\"failedMonitor\"] The monitor panicked \
         at agent/tests/bad_monitors/panics.rs:{PANIC_LINE}:13: sample 2 is too much :stack_trace:\n  ",
        log.split("monitors.runner:").nth(1).unwrap().split(']').next().unwrap()
    );
    assert!(log.contains(&place), "{log}\nhas no\n{place}");
    assert!(log.ends_with(" Monitor has finished\n"), "{log}");

    let turns: Vec<String> =
        agent.read("panicking.log").lines().map(|line| line.rsplit_once(' ').unwrap().1.to_owned()).collect();
    assert_eq!(turns[..4], ["1", "2", "1", "2"], "the line before a panic is written, and state starts anew");
}

#[test]
fn counters_go_on_over_a_new_beginning() {
    let agent = agent();
    let monitor = agent.start::<Panicking>();
    let first = wait_for(&monitor, |snapshot| snapshot.restarts >= 1 && snapshot.samples >= 2);
    let later = wait_for(&monitor, |snapshot| snapshot.restarts >= 3);
    agent.stop(&[monitor], PATIENCE);
    assert!(later.samples > first.samples && later.lines_emitted >= later.samples, "{later:?}");
    assert!(later.errors >= 3 && later.errors == later.panics, "one error for each panic: {later:?}");
}

#[test]
fn a_panic_while_stopping_is_caught_too() {
    let agent = agent();
    let monitor = agent.start::<Clinging>();
    wait_for(&monitor, |snapshot| snapshot.samples >= 1);
    assert_eq!(agent.stop(&[monitor], PATIENCE), Vec::<String>::new());
    let deadline = (0..4_000).find(|_| {
        let log = agent.read("agent.log");
        std::thread::sleep(Duration::from_millis(5));
        log.contains("Stopping the monitor panicked at ") && log.contains("Dropping the monitor panicked at ")
    });
    assert!(deadline.is_some(), "{}", agent.read("agent.log"));
}

#[test]
fn what_a_monitor_leaves_on_its_stop_dies_with_the_run_and_the_monitor_is_started_again() {
    let agent = agent();
    let monitor = agent.start::<Littering>();
    let snapshot = wait_for(&monitor, |snapshot| snapshot.restarts >= 3);
    assert_eq!(snapshot.last_failure.as_deref(), Some("The monitor failed: the port is taken"));
    assert!(agent.stop(&[monitor], PATIENCE).is_empty());
    let log = agent.read("agent.log");
    assert!(
        log.contains("Dropping what the monitor left on its stop panicked at agent/tests/bad_monitors/panics.rs:"),
        "{log}"
    );
    assert!(log.ends_with(" Monitor has finished\n"), "{log}");
}

#[test]
fn a_monitor_that_never_ran_is_dropped_without_harm() {
    let agent = agent();
    drop(agent.construct::<Clinging>(serde_json::Value::Null).unwrap());
    let log = agent.read("agent.log");
    let line = "[monitor:clinging()] [scalyr_agent.monitors.guarded:";
    assert!(
        log.contains(line) && log.contains("Dropping the monitor panicked at agent/tests/bad_monitors/panics.rs:"),
        "{log}"
    );
}

#[test]
fn a_line_that_a_panic_tears_is_left_out_and_the_whole_ones_stay() {
    struct Torn;
    impl scalyr_monitor::MetricValue for Torn {
        fn write(&self, out: &mut String) {
            out.push_str("half a");
            panic!("value");
        }
    }
    struct Kept(Arc<Mutex<String>>);
    impl scalyr_monitor::sample::LineSink for Kept {
        fn write_lines(&mut self, lines: &scalyr_monitor::Lines) {
            self.0.lock().unwrap().push_str(lines.text());
        }
    }
    panic_place::install();
    let kept = Arc::new(Mutex::new(String::new()));
    let clock = Clock::manual(Timestamp::from_millis(0));
    let mut sample = Sample::new("a", "", clock, Logger::none(), Box::new(Kept(Arc::clone(&kept))));
    assert!(
        panic_place::watch(|| {
            sample.line("whole");
            sample.emit_dynamic("torn", &Torn, &[]);
        })
        .is_err()
    );
    drop(sample);
    assert_eq!(*kept.lock().unwrap(), "1970-01-01 00:00:00.000Z [a()] whole\n");
}
