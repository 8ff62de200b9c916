//! A sample takes little memory, and gives all of it back: an agent runs for months.

use std::time::Duration;

use allocation_counter::measure;
use scalyr_monitor::sample::LineSink;

use super::*;

struct Nowhere;

impl LineSink for Nowhere {
    fn write_lines(&mut self, _: &Lines) {}
}

/// The memory of one sample of 180 lines, in bytes. It is the buffer for the largest file, the lines, and names of file
/// systems and disks.
const MOST_BYTES: u64 = 400_000;

/// Samples, after those in which buffers get their size, and what they kept and took at the most.
fn measured(entry: Value, samples: u32) -> (i64, u64, u64) {
    let mut running = Running::start(entry).unwrap();
    let clock = Clock::manual(Timestamp::from_millis(1_795_353_432_415));
    running.sample = Sample::new("linux_system_metrics", "", clock.clone(), Logger::none(), Box::new(Nowhere));
    let mut turn = || {
        clock.advance(Duration::from_secs(30));
        running.monitor.gather_sample(&mut running.sample).unwrap();
        running.sample.flush();
    };
    (0..20).for_each(|_| turn());
    let used = measure(|| (0..samples).for_each(|_| turn()));
    (used.bytes_current, used.bytes_max, used.count_total / u64::from(samples))
}

#[test]
fn a_thousand_samples_of_a_machine_keep_nothing() {
    for tree in ["linux-2.6.32", "linux-6.18", "strange"] {
        let (kept, most, allocations) = measured(over_fixture(tree), 1000);
        assert_eq!(kept, 0, "{tree}");
        assert!(most < MOST_BYTES, "{tree}: {most} bytes");
        assert!(allocations < 300, "{tree}: {allocations} allocations for a sample");
    }
}

#[test]
fn samples_of_this_machine_keep_no_more_than_a_buffer_that_grew() {
    let (kept, most, _) = measured(json!({}), 200);
    assert!(kept.unsigned_abs() < 100_000 && most < MOST_BYTES, "{kept} bytes kept, {most} at the most");
}
