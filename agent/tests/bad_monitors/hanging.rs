//! Monitors that hang: in a sample, when they are asked to stop, when they are built anew.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use scalyr_agent::monitors::state::Phase;
use scalyr_monitor::prelude::*;
use scalyr_monitor::{Clock, Timestamp};

use super::steady::Steady;
use super::{PATIENCE, agent, agent_at, wait_for};

/// Hangs in its first sample until it is released.
#[scalyr_monitor(name = "hanging")]
struct Hanging {}

static RELEASED: AtomicBool = AtomicBool::new(false);

impl Monitor for Hanging {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        out.line("emitted before");
        out.flush();
        while !RELEASED.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        out.line("emitted too late");
        Ok(())
    }
}

/// Hangs in its first sample until it is let go.
#[scalyr_monitor(name = "stuck")]
struct Stuck {}

static UNSTUCK: AtomicBool = AtomicBool::new(false);

impl Monitor for Stuck {
    fn gather_sample(&mut self, _: &mut Sample) -> Result<()> {
        while !UNSTUCK.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

/// Fails at once, and hangs when it is built anew, until it is let go.
#[scalyr_monitor(name = "relapsing")]
struct Relapsing {}

static RELAPSED: AtomicBool = AtomicBool::new(false);
static RECOVERED: AtomicBool = AtomicBool::new(false);

impl Monitor for Relapsing {
    fn initialize(&mut self, _: &mut Context) -> Result<()> {
        while RELAPSED.load(Ordering::Relaxed) && !RECOVERED.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn run(&mut self, run: &mut Run) -> Result<()> {
        if RELAPSED.swap(true, Ordering::Relaxed) {
            run.stop().wait(PATIENCE);
            return Ok(());
        }
        Err(Error::new("the first time never works"))
    }
}

#[test]
fn a_hanging_monitor_is_seen_and_left_behind_and_its_late_lines_do_no_harm() {
    let agent = agent();
    let monitor = agent.start::<Hanging>();
    wait_for(&monitor, |snapshot| snapshot.sample_running_secs.is_some_and(|seconds| seconds > 0.05));
    let steady = agent.start::<Steady>();
    wait_for(&steady, |snapshot| snapshot.samples >= 2);
    let monitors = [monitor, steady];
    assert_eq!(agent.stop(&monitors, Duration::from_millis(300)), ["hanging()"]);
    assert_eq!(monitors[0].snapshot().state, Phase::LeftBehind);
    assert_eq!(monitors[1].snapshot().state, Phase::Stopped);
    assert!(agent.read("agent.log").contains("Monitor hanging() did not stop within 0.3 s and is left behind"));

    RELEASED.store(true, Ordering::Relaxed);
    assert!(monitors[0].wait(PATIENCE));
    let snapshot = monitors[0].snapshot();
    assert_eq!((snapshot.lines_emitted, snapshot.lines_dropped), (2, 1));
    let log = agent.read("hanging.log");
    assert!(log.ends_with(" emitted before\n"), "{log}");
}

#[test]
fn a_sample_that_hangs_is_told_once() {
    let clock = Clock::manual(Timestamp::from_millis(0));
    let agent = agent_at(clock.clone());
    let monitor = agent.start::<Stuck>();
    wait_for(&monitor, |snapshot| snapshot.sample_running_secs.is_some());
    clock.advance(Duration::from_secs(59));
    monitor.look_after();
    assert!(!agent.read("agent.log").contains("A sample has been running"), "not before a minute is over");
    clock.advance(Duration::from_secs(2));
    monitor.look_after();
    monitor.look_after();
    assert_eq!(monitor.snapshot().sample_running_secs, Some(61.0));
    UNSTUCK.store(true, Ordering::Relaxed);
    wait_for(&monitor, |snapshot| snapshot.samples >= 1);
    assert!(agent.stop(&[monitor], PATIENCE).is_empty());
    let log = agent.read("agent.log");
    let told = " A sample has been running for 61 s; the monitor takes no other one until it ends\n";
    assert_eq!(log.matches(told).count(), 1, "{log}");
    assert!(log.contains(" The sample that hung has ended after 61 s\n"), "{log}");
}

#[test]
fn a_monitor_that_hangs_when_it_is_built_anew_is_told_once() {
    let clock = Clock::manual(Timestamp::from_millis(0));
    let agent = agent_at(clock.clone());
    let monitor = agent.start::<Relapsing>();
    wait_for(&monitor, |snapshot| snapshot.restarts == 1);
    clock.advance(Duration::from_secs(61));
    monitor.look_after();
    monitor.look_after();
    assert_eq!(monitor.snapshot().state, Phase::BackingOff);
    RECOVERED.store(true, Ordering::Relaxed);
    wait_for(&monitor, |snapshot| snapshot.state == Phase::Running);
    monitor.look_after();
    assert!(agent.stop(&[monitor], PATIENCE).is_empty());
    let log = agent.read("agent.log");
    let told = " The monitor has been initialising itself for 61 s after a failure; it does not run until that ends\n";
    assert_eq!(log.matches(told).count(), 1, "{log}");
}
