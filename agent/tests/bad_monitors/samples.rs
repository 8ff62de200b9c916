//! Samples that fail, and samples that take too long.

use std::sync::OnceLock;
use std::time::Duration;

use scalyr_agent::monitors::state::Phase;
use scalyr_monitor::prelude::*;
use scalyr_monitor::{Clock, Timestamp};

use super::{PATIENCE, agent, agent_at, wait_for};

/// Fails in every second sample.
#[scalyr_monitor(name = "failing")]
struct Failing {
    count: u64,
}

impl Monitor for Failing {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        self.count += 1;
        out.line("before");
        if self.count.is_multiple_of(2) { Err(Error::new("the server is down")) } else { Ok(()) }
    }
}

/// The server of this monitor is down, then another one is, then all is well.
#[scalyr_monitor(name = "recovering")]
struct Recovering {
    samples: u64,
}

impl Monitor for Recovering {
    fn gather_sample(&mut self, _: &mut Sample) -> Result<()> {
        self.samples += 1;
        match self.samples {
            1..=4 => Err(Error::new("a is down")),
            5..=6 => Err(Error::new("b is down")),
            _ => Ok(()),
        }
    }
}

/// Takes as long for a sample as the test says, by moving its clock.
#[scalyr_monitor(name = "slow")]
struct Slow {
    samples: usize,
}

/// Seconds that each sample takes; the last one goes on until it is released.
const SLOW: [u64; 4] = [0, 250, 110, 0];
static SLOW_CLOCK: OnceLock<Clock> = OnceLock::new();

impl Monitor for Slow {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        context.sample_interval = Duration::from_secs(100);
        Ok(())
    }

    fn run(&mut self, run: &mut Run) -> Result<()> {
        let clock = SLOW_CLOCK.get().unwrap();
        while self.samples < SLOW.len() && run.next() {
            run.sample(|_| {
                clock.advance(Duration::from_secs(SLOW[self.samples]));
                self.samples += 1;
                Ok(())
            });
            // Up to the next turn, so that nobody waits for it.
            clock.advance(Duration::from_secs(100));
        }
        run.stop().wait(PATIENCE);
        Ok(())
    }
}

#[test]
fn a_failed_sample_counts_once_and_the_next_one_is_taken() {
    let agent = agent();
    let monitor = agent.start::<Failing>();
    wait_for(&monitor, |snapshot| snapshot.samples >= 4);
    let monitors = [monitor];
    agent.stop(&monitors, PATIENCE);
    let snapshot = monitors[0].snapshot();
    assert_eq!(snapshot.failed_samples, snapshot.samples / 2);
    assert_eq!(snapshot.errors, snapshot.failed_samples);
    assert_eq!(snapshot.lines_emitted, snapshot.samples, "lines before an error are written");
    assert_eq!((snapshot.restarts, snapshot.state), (0, Phase::Stopped));
    assert!(agent.read("agent.log").contains("Failed to gather sample: the server is down\n"));
    assert_eq!(agent.read("failing.log").lines().count() as u64, snapshot.samples);
}

#[test]
fn the_same_error_is_told_once_and_counted_each_time_and_its_end_is_told() {
    let agent = agent();
    let monitor = agent.start::<Recovering>();
    wait_for(&monitor, |snapshot| snapshot.samples >= 8);
    let monitors = [monitor];
    agent.stop(&monitors, PATIENCE);
    let snapshot = monitors[0].snapshot();
    assert_eq!((snapshot.failed_samples, snapshot.errors), (6, 6), "{snapshot:?}");
    assert_eq!(snapshot.last_failure.as_deref(), Some("Failed to gather sample: b is down"));
    let log = agent.read("agent.log");
    assert_eq!(log.matches("Failed to gather sample: a is down\n").count(), 1, "{log}");
    assert_eq!(log.matches("Failed to gather sample: b is down\n").count(), 1, "{log}");
    let end = log.lines().find(|line| line.contains("Samples work again, after 6 have failed in ")).expect(&log);
    assert!(end.ends_with("; 4 failed samples with a text as before were not logged"), "{end}");
}

#[test]
fn a_slow_sample_is_told_and_counted_and_the_turns_that_it_misses_are_left_out() {
    let clock = Clock::manual(Timestamp::from_millis(0));
    let agent = agent_at(clock.clone());
    SLOW_CLOCK.set(clock).unwrap();
    let monitor = agent.start::<Slow>();
    let snapshot = wait_for(&monitor, |snapshot| snapshot.samples as usize == SLOW.len());
    // 0 s: turn at 0. 250 s: turn at 100, over at 350, next one at 450 (of 200 and on): 200 is taken late, 300 and 400
    // are left out. 110 s: from 450 to 560, next at 660: 500 late, 600 left out.
    assert_eq!((snapshot.slow_samples, snapshot.missed_samples), (2, 3), "{snapshot:?}");
    assert_eq!(snapshot.last_sample_secs, Some(0.0));
    assert_eq!(snapshot.sample_interval_secs, 100.0);
    agent.stop(&[monitor], PATIENCE);
    let log = agent.read("agent.log");
    let told: Vec<_> =
        log.lines().filter_map(|line| line.split_once("] A sample took ").map(|(_, text)| text)).collect();
    assert_eq!(told, ["250.0 s, longer than its interval of 100 s; 2 turns left out"], "once in five minutes: {log}");
}
