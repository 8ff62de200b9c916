//! When samples are due, on a clock that the test moves.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use scalyr_monitor::monitor::Watch;
use scalyr_monitor::prelude::*;
use scalyr_monitor::sample::LineSink;
use scalyr_monitor::{Clock, Lines, Logger, Timestamp};

struct Nowhere;

impl LineSink for Nowhere {
    fn write_lines(&mut self, _: &Lines) {}
}

/// Intervals, and turns that were left out before them.
type Turns = Arc<Mutex<Vec<(u64, u64)>>>;

struct Noted(Turns);

impl Watch for Noted {
    fn turn_began(&mut self, interval: Duration, missed: u64) {
        self.0.lock().unwrap().push((interval.as_secs(), missed));
    }
}

/// A run with an interval of ten seconds.
fn run(spacing: Spacing) -> (Run, Clock, Turns) {
    run_with_phase(spacing, None)
}

/// The same, with the second sample so long after the first.
fn run_with_phase(spacing: Spacing, second_after: Option<Duration>) -> (Run, Clock, Turns) {
    let (clock, turns) = (Clock::manual(Timestamp::from_millis(0)), Turns::default());
    let sample = Sample::new("coin", "", clock.clone(), Logger::none(), Box::new(Nowhere));
    let watch = Box::new(Noted(Arc::clone(&turns)));
    let run = Run::new(sample, Stop::new(), Duration::from_secs(10), second_after, watch);
    (run.spaced(spacing), clock, turns)
}

/// Takes a sample of so many seconds.
fn sample(run: &mut Run, clock: &Clock, seconds: u64) {
    assert!(run.next());
    run.sample(|_| {
        clock.advance(Duration::from_secs(seconds));
        Ok(())
    });
}

/// Whether a sample is due now.
fn is_due(run: &mut Run) -> bool {
    let stop = run.stop().clone();
    // Whoever has to wait is told to stop instead.
    std::thread::scope(|scope| {
        scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(200));
            stop.stop();
        });
        run.next()
    })
}

#[test]
fn samples_lie_on_a_steady_grid_whatever_they_take() {
    let (mut run, clock, turns) = run(Spacing::Grid);
    sample(&mut run, &clock, 4);
    clock.advance(Duration::from_secs(6));
    sample(&mut run, &clock, 25);
    sample(&mut run, &clock, 1);
    // At 36 s; the grid goes on at 40 s.
    clock.advance(Duration::from_secs(4));
    sample(&mut run, &clock, 0);
    assert_eq!(*turns.lock().unwrap(), [(10, 0), (10, 0), (10, 1), (10, 0)]);
    clock.advance(Duration::from_secs(9));
    assert!(!is_due(&mut run));
}

#[test]
fn with_the_other_spacing_the_interval_begins_when_a_sample_has_ended() {
    let (mut run, clock, turns) = run(Spacing::AfterSample);
    sample(&mut run, &clock, 25);
    clock.advance(Duration::from_secs(10));
    sample(&mut run, &clock, 4);
    assert_eq!(*turns.lock().unwrap(), [(10, 0), (10, 0)], "nothing is left out");
    clock.advance(Duration::from_secs(9));
    assert!(!is_due(&mut run));
}

#[test]
fn the_first_sample_is_taken_at_once_and_the_others_lie_on_a_grid_that_begins_at_random() {
    for spacing in [Spacing::Grid, Spacing::AfterSample] {
        let (mut run, clock, turns) = run_with_phase(spacing, Some(Duration::from_secs(7)));
        sample(&mut run, &clock, 0);
        clock.advance(Duration::from_secs(7));
        sample(&mut run, &clock, 0);
        clock.advance(Duration::from_secs(10));
        sample(&mut run, &clock, 0);
        assert_eq!(*turns.lock().unwrap(), [(10, 0), (10, 0), (10, 0)]);
        clock.advance(Duration::from_secs(9));
        assert!(!is_due(&mut run));
    }
    let (mut run, clock, _) = run_with_phase(Spacing::Grid, Some(Duration::from_secs(7)));
    sample(&mut run, &clock, 0);
    clock.advance(Duration::from_secs(6));
    assert!(!is_due(&mut run), "not before its time");
}

#[test]
fn a_sample_may_change_the_interval() {
    let (mut run, clock, turns) = run(Spacing::Grid);
    assert!(run.next());
    run.sample(|out| {
        out.set_interval(Duration::from_secs(3));
        Ok(())
    });
    assert_eq!(run.interval(), Duration::from_secs(3));
    clock.advance(Duration::from_secs(10));
    sample(&mut run, &clock, 0);
    clock.advance(Duration::from_secs(3));
    sample(&mut run, &clock, 0);
    assert_eq!(*turns.lock().unwrap(), [(10, 0), (3, 0), (3, 0)]);
}
