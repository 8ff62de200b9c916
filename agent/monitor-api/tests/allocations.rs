//! Emitting takes no memory beyond the buffer of lines, which is kept from one sample to the next.

use std::cell::Cell;
use std::sync::Arc;

use allocation_counter::measure;
use scalyr_monitor::prelude::*;
use scalyr_monitor::rules::{MetricRules, SeriesBudget};
use scalyr_monitor::sample::LineSink;
use scalyr_monitor::{Lines, Timestamp};

#[derive(Fields)]
struct Disk<'d> {
    /// Which disk.
    device: &'d str,
    /// Which part of it.
    partition: u32,
}

const LOAD: Metric<f64> = Metric::declared("load");
const READS: Metric<u64, Disk<'static>> = Metric::declared("reads");

/// Looks at the lines and keeps none.
struct Nowhere;

impl LineSink for Nowhere {
    fn write_lines(&mut self, lines: &Lines) {
        assert!(lines.text().ends_with('\n'));
    }
}

fn sample(clock: Clock, rules: MetricRules) -> Sample {
    let sample = Sample::new("coin", "1", clock, Logger::none(), Box::new(Nowhere));
    sample.governed_by(Arc::new(rules), &SeriesBudget::default())
}

/// The allocations of a thousand samples of a hundred emissions each, once the buffers have their size.
fn allocations(sample: &mut Sample, emit: impl Fn(&mut Sample, u32)) -> u64 {
    let mut samples = |count| {
        for _ in 0..count {
            (0..100).for_each(|n| emit(sample, n));
            sample.flush();
        }
    };
    samples(10);
    measure(|| samples(1000)).count_total
}

fn with_each_clock(rules: &MetricRules, emit: impl Fn(&mut Sample, u32)) {
    for clock in [Clock::system(), Clock::manual(Timestamp::from_millis(1_767_225_600_000))] {
        let mut sample = sample(clock, rules.clone());
        assert_eq!(allocations(&mut sample, &emit), 0);
        assert!(sample.emitted() >= 101_000 || !rules.is_empty());
    }
}

#[test]
fn a_metric_without_fields_takes_no_memory() {
    with_each_clock(&MetricRules::default(), |out, n| out.emit(LOAD, f64::from(n) / 3.0));
}

#[test]
fn a_metric_with_two_fields_takes_no_memory() {
    with_each_clock(&MetricRules::default(), |out, n| {
        out.emit_with(READS, u64::from(n), Disk { device: "sda \"one\"", partition: n });
    });
}

#[test]
fn fields_that_never_change_take_no_memory() {
    let reads = READS.with_constants(&[("direction", "\u{1}in"), ("type", "read")]);
    with_each_clock(&MetricRules::default(), |out, n| {
        out.emit_with(reads, u64::from(n), Disk { device: "sda", partition: n });
    });
}

#[test]
fn a_flood_takes_no_memory() {
    with_each_clock(&MetricRules::default(), |out, _| (0..10).for_each(|_| out.emit(LOAD, 1.0)));
    let mut sample = sample(Clock::system(), MetricRules::default());
    let mut emit = |count| (0..count).for_each(|_| sample.emit(LOAD, 1.0));
    emit(10_000);
    assert_eq!(measure(|| emit(100_000)).count_total, 0, "never ended, and handed on when it is large");
}

#[test]
fn a_time_and_an_id_of_its_own_take_no_memory() {
    with_each_clock(&MetricRules::default(), |out, n| {
        out.at(Timestamp::from_millis(n.into())).under_id("other\nid").emit(LOAD, 1.0);
    });
}

#[test]
fn a_dynamic_metric_with_good_names_takes_no_memory() {
    with_each_clock(&MetricRules::default(), |out, n| {
        out.emit_dynamic("queue.depth", &n, &[("queue", &"mail"), ("host", &"web1")]);
    });
}

#[test]
fn a_blacklisted_metric_and_the_rate_of_a_known_series_take_no_memory() {
    let blacklist = MetricRules::default().blacklist(["load".to_owned()]);
    with_each_clock(&blacklist, |out, _| out.emit(LOAD, 1.0));
    let seconds = Cell::new(0);
    with_each_clock(&MetricRules::default().rate("reads", Some(("device", "sda"))), |out, n| {
        // Each emission is later than the one before, so that each has a rate.
        seconds.set(seconds.get() + 1);
        let emission = out.at(Timestamp::from_millis(seconds.get() * 1000));
        emission.emit_with(READS, u64::from(n), Disk { device: "sda", partition: n });
    });
}

#[test]
fn the_counter_counts() {
    assert_eq!(measure(|| drop(Box::new(1))).count_total, 1);
}
