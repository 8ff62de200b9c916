//! `copy_staleness_threshold`: only where the user gave it, and only by time in which the agent could have copied.

use std::time::Duration;

use scalyr_agent::config::plan::TailPlan;
use scalyr_agent::ledger::SkipReason;
use scalyr_monitor::Timestamp;

use super::{Copying, lines};

/// A stage of which one batch waits for a server that takes nothing, and with more to read.
fn stalled(threshold: Option<Duration>) -> Copying {
    let mut copying = Copying::new(TailPlan { copy_staleness_threshold: threshold, ..TailPlan::default() });
    copying.start();
    copying.append("a.log", &lines(0, 100_000));
    copying.is_behind(1_000_000);
    while !copying.running().batches.is_full() {
        copying.clock.advance(Duration::from_millis(100));
        copying.has_looked();
    }
    copying
}

#[test]
fn a_file_of_which_nothing_was_taken_for_that_long_jumps_to_its_end_with_a_marker_and_a_warning() {
    let copying = stalled(Some(Duration::from_secs(900)));
    copying.time_passes(880);
    assert_eq!(copying.warnings(), [""; 0]);
    copying.time_passes(60);
    let held = copying.batch();
    copying.append("a.log", "the newest\n");
    copying.clock.advance(Duration::from_secs(1));
    let sent = copying.until("the newest\n");
    let skipped = 1_000_000 - held.messages.concat().len();
    let marker = format!(
        "[scalyr-agent: {skipped} bytes of this log were skipped here: nothing was accepted for too long \
         (copy_staleness_threshold 900)]\n"
    );
    assert_eq!(sent.messages, [marker.as_str(), "the newest\n"]);
    assert_eq!(copying.totals().skipped[&SkipReason::Stale].bytes, skipped as u64);
    assert_eq!(copying.warnings().len(), 1, "{:?}", copying.warnings());
}

/// Edge 25: a pause of the process or a step of the clock makes the Python agent skip data.
#[test]
fn a_process_that_stood_still_and_a_clock_that_jumps_skip_nothing() {
    let copying = stalled(Some(Duration::from_secs(900)));
    // Stopped for a day: the monotonic clock has gone on meanwhile, too.
    copying.clock.advance(Duration::from_secs(86_400));
    copying.has_looked();
    // The wall clock is set to another century and back.
    copying.clock.set(Timestamp::from_millis(4_102_444_800_000));
    copying.has_looked();
    copying.clock.set(Timestamp::from_millis(1_000));
    copying.time_passes(300);
    let sent = copying.until("000099999\n");
    assert_eq!(sent.messages.concat(), lines(0, 100_000));
    assert_eq!(copying.totals().skipped.len(), 0);
    assert_eq!(copying.warnings(), [""; 0]);
}

#[test]
fn by_default_nothing_is_too_old_to_be_sent() {
    let copying = stalled(None);
    copying.time_passes(7200);
    assert_eq!(copying.until("000099999\n").messages.concat(), lines(0, 100_000));
    assert_eq!(copying.totals().skipped.len(), 0);
}
