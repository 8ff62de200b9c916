//! Monitors that want too much of everything: lines, turns, words.

use std::time::Duration;

use scalyr_monitor::prelude::*;

use super::steady::Steady;
use super::{PATIENCE, agent, wait_for};

/// Emits far more than anybody wants.
#[scalyr_monitor(name = "flooding")]
struct Flooding {}

impl Monitor for Flooding {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        (0..20_000).for_each(|number| out.line(&format!("a line that nobody reads, number {number}")));
        Ok(())
    }
}

/// Emits as much, and says that it knows what it does.
#[scalyr_monitor(name = "bounded")]
struct Bounded {}

impl Monitor for Bounded {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        context.unlimited_log = true;
        Ok(())
    }

    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        (0..20_000).for_each(|number| out.line(&format!("a line that somebody reads, number {number}")));
        Ok(())
    }
}

/// Asks for no rest at all between its samples, and at last for an endless one.
#[scalyr_monitor(name = "restless")]
struct Restless {}

impl Monitor for Restless {
    fn run(&mut self, run: &mut Run) -> Result<()> {
        for _ in 0..4 {
            run.set_interval(Duration::ZERO);
            if !run.next() {
                return Ok(());
            }
            run.sample(|out| {
                out.line("here");
                Ok(())
            });
        }
        run.set_interval(Duration::MAX);
        while run.next() {
            run.sample(|_| Ok(()));
        }
        Ok(())
    }
}

/// Tells everything that a server answered: in a failed sample, and in the end of its run.
#[scalyr_monitor(name = "longwinded")]
struct Longwinded {}

impl Monitor for Longwinded {
    fn run(&mut self, run: &mut Run) -> Result<()> {
        let answer = || Error::new(format!("the server said: {}", "x".repeat(200 * 1024)));
        if run.next() {
            run.sample(|_| Err(answer()));
        }
        Err(answer())
    }
}

#[test]
fn a_flood_is_cut_to_its_limit_and_the_gap_is_told() {
    let agent = agent();
    let monitor = agent.start::<Flooding>();
    let steady = agent.start::<Steady>();
    wait_for(&monitor, |snapshot| snapshot.samples >= 2);
    wait_for(&steady, |snapshot| snapshot.samples >= 2 && snapshot.lines_dropped == 0);
    let monitors = [monitor, steady];
    agent.stop(&monitors, PATIENCE);
    let snapshot = monitors[0].snapshot();
    let log = agent.read("flooding.log");
    let is_notice = |line: &&str| line.contains("skipped writing ");
    let told: u64 = log
        .lines()
        .filter(is_notice)
        .map(|line| line.split("writing ").nth(1).unwrap().split(' ').next().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(told, snapshot.lines_dropped, "each dropped line is told of in the log itself");
    let written = log.lines().filter(|line| !is_notice(line)).count() as u64;
    assert_eq!(written + snapshot.lines_dropped, snapshot.lines_emitted);
    assert!(log.len() < 200_000, "{} bytes", log.len());
}

#[test]
fn a_log_without_a_limit_takes_all_unless_the_user_gives_it_one() {
    let agent = agent();
    let free = agent.start::<Bounded>();
    let snapshot = wait_for(&free, |snapshot| snapshot.samples >= 1);
    agent.stop(&[free], PATIENCE);
    assert_eq!(snapshot.lines_dropped, 0);
    for limit in ["monitor_log_write_rate", "monitor_log_max_write_burst"] {
        let entry = serde_json::json!({ limit: 1000, "id": limit });
        let limited = agent.run(agent.construct::<Bounded>(entry).unwrap());
        wait_for(&limited, |snapshot| snapshot.lines_dropped > 10_000);
        agent.stop(&[limited], PATIENCE);
    }
    let is_none = serde_json::json!({ "monitor_log_write_rate": null, "id": "none" });
    assert_eq!(agent.construct::<Bounded>(is_none).unwrap().write_limit(), None);
}

#[test]
fn a_monitor_that_asks_for_no_rest_gets_a_tenth_of_a_second_and_for_an_endless_one_a_hundred_years() {
    let agent = agent();
    let began = agent.surroundings.clock.monotonic();
    let monitor = agent.start::<Restless>();
    wait_for(&monitor, |snapshot| snapshot.samples >= 5);
    let took = agent.surroundings.clock.monotonic() - began;
    assert!(took >= Duration::from_millis(400), "five samples in {took:?}");
    let monitors = [monitor];
    assert!(agent.stop(&monitors, PATIENCE).is_empty());
    let snapshot = monitors[0].snapshot();
    assert_eq!((snapshot.samples, snapshot.panics, snapshot.last_failure), (5, 0, None), "none in the endless rest");
    let log = agent.read("agent.log");
    assert!(log.contains("] The monitor asked for a sample interval of 0 s; it gets 0.1 s\n"), "{log}");
    assert_eq!(log.matches("The monitor asked for a sample interval").count(), 2, "{log}");
}

#[test]
fn a_very_long_error_is_in_the_log_with_its_beginning() {
    let agent = agent();
    let monitor = agent.start::<Longwinded>();
    let snapshot = wait_for(&monitor, |snapshot| snapshot.restarts >= 1);
    assert!(agent.stop(&[monitor], PATIENCE).is_empty());
    let failure = snapshot.last_failure.unwrap();
    assert!(failure.len() < 8_300 && failure.ends_with("x… (192 KiB more)"), "{} bytes", failure.len());
    let log = agent.read("agent.log");
    assert!(log.contains("] Failed to gather sample: the server said: xxx"), "{log}");
    assert!(log.contains("[error=\"failedMonitor\"] The monitor failed: the server said: xxx"), "{log}");
    assert!(log.lines().all(|line| line.len() < 8_500), "{log}");
}
