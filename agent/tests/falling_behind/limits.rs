//! `max_log_offset_size` and `max_existing_log_offset_size`.

use std::time::Duration;

use scalyr_agent::config::plan::TailPlan;
use scalyr_agent::ledger::SkipReason;

use super::{Copying, lines};

/// Edge 8: the Python agent jumps over everything.
#[test]
fn a_file_that_is_too_far_behind_keeps_its_newest_lines_and_says_what_is_missing() {
    let mut copying = Copying::new(TailPlan { max_log_offset_size: Some(100), ..TailPlan::default() });
    copying.append("a.log", &lines(0, 1000));
    copying.start();
    let sent = copying.until("000000999\n");
    let marker = "[scalyr-agent: 9900 bytes of this log were skipped here: too far behind (max_log_offset_size 100)]\n";
    assert_eq!(sent.messages[0], marker);
    assert_eq!(sent.attributes[0], "\"scalyr_agent_skipped_bytes\":9900");
    assert_eq!(sent.messages[1..].concat(), lines(990, 10));
    assert!(sent.numbers.windows(2).all(|pair| pair[0] < pair[1]), "each event has a number of its own: {sent:?}");
    assert_eq!(copying.totals().skipped[&SkipReason::TooFarBehind].bytes, 9900);
    assert_eq!(copying.warnings().len(), 1, "{:?}", copying.warnings());
    assert!(copying.warnings()[0].contains("skipped 9900 bytes: too far behind (max_log_offset_size 100)"));
}

#[test]
fn a_file_that_falls_behind_while_the_agent_runs_is_kept_within_its_limit() {
    let plan = TailPlan { max_existing_log_offset_size: Some(100_000), ..TailPlan::default() };
    let mut copying = Copying::new(plan);
    copying.append("a.log", &lines(0, 1));
    copying.start();
    assert_eq!(copying.batch().messages, ["000000000\n"]);
    // A batch waits in the channel, which is full then.
    copying.append("a.log", &lines(1, 1));
    copying.is_behind(10);
    while !copying.running().batches.is_full() {
        copying.clock.advance(Duration::from_millis(100));
        copying.has_looked();
    }
    copying.append("a.log", &lines(2, 99_998));
    copying.is_behind(999_990);
    let sent = copying.until("000099999\n");
    let marker = "[scalyr-agent: 899980 bytes of this log were skipped here: too far behind (max_existing_log_offset_size 100000)]\n";
    assert_eq!(sent.messages[..2], ["000000001\n", marker]);
    assert_eq!(sent.messages[2..].concat(), lines(90_000, 10_000));
    let totals = copying.totals();
    assert_eq!((totals.read, totals.skipped[&SkipReason::TooFarBehind].bytes), (1_000_000, 899_980));
    assert_eq!(copying.lag().bytes, 0);
}

/// Edge 7: after a quarter of an hour the Python agent begins at the end.
#[test]
fn however_long_the_agent_was_down_it_goes_on_where_it_was() {
    let mut copying = Copying::new(TailPlan::default());
    copying.append("a.log", &lines(0, 10));
    copying.start();
    copying.until("000000009\n");
    copying.append("a.log", &lines(10, 500_000));
    copying.clock.advance(Duration::from_secs(90 * 86_400));
    copying.start();
    let sent = copying.until("000500009\n");
    assert_eq!(sent.messages.concat(), lines(10, 500_000));
    assert_eq!(copying.totals().skipped.len(), 0);
    assert_eq!(copying.warnings(), [""; 0]);
}

#[test]
fn without_a_limit_nothing_is_skipped_however_slow_the_server_is() {
    let mut copying = Copying::new(TailPlan::default());
    copying.start();
    copying.append("a.log", &lines(0, 300_000));
    copying.is_behind(3_000_000);
    copying.time_passes(3600);
    let lag = copying.lag();
    assert!(lag.age >= Duration::from_secs(3600) && lag.unread > 0, "{lag:?}");
    let sent = copying.until("000299999\n");
    assert_eq!(sent.messages.concat(), lines(0, 300_000));
    assert_eq!(copying.lag(), scalyr_agent::ledger::Lag::default());
}

/// Edge 30: source bytes are counted once, by their outcome, whatever stands between the lines.
#[test]
fn every_source_byte_counts_once_and_the_marker_counts_as_none() {
    let mut copying = Copying::new(TailPlan { max_log_offset_size: Some(50), ..TailPlan::default() });
    let text = lines(0, 7) + "2026-11-23T00:00:00Z stdout F a frame is made of source bytes, too\n" + &lines(7, 3);
    copying.append("a.log", &text);
    copying.start();
    let sent = copying.until("000000009\n");
    let skipped = text.len() as u64 - 30;
    assert_eq!(sent.messages[1..].concat(), lines(7, 3));
    let totals = copying.totals();
    let sent_bytes: u64 = totals.dropped.values().map(|count| count.bytes).sum();
    assert_eq!((totals.read, totals.skipped[&SkipReason::TooFarBehind].bytes), (text.len() as u64, skipped));
    assert_eq!((sent_bytes, totals.pending), (30, 0));
}
