//! What an emission costs: time, and allocations once the buffers have their size. Where a bench shows no rows of
//! allocations there are none, as it should be. A rate is a second line of the same emission.
//!
//! `cargo bench -p scalyr-monitor --bench emit`

use std::sync::Arc;

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher};
use scalyr_monitor::Lines;
use scalyr_monitor::prelude::*;
use scalyr_monitor::rules::{MetricRules, SeriesBudget};
use scalyr_monitor::sample::LineSink;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

#[derive(Fields)]
struct Disk<'d> {
    /// Which disk.
    device: &'d str,
    /// Which part of it.
    partition: u32,
}

const LOAD: Metric<f64> = Metric::declared("load");
const READS: Metric<u64, Disk<'static>> = Metric::declared("reads");

/// How many lines are one sample.
const LINES: u32 = 100;

struct Nowhere;

impl LineSink for Nowhere {
    fn write_lines(&mut self, lines: &Lines) {
        divan::black_box(lines.text());
    }
}

fn sample(rules: MetricRules) -> Sample {
    let sample = Sample::new("coin", "1", Clock::system(), Logger::none(), Box::new(Nowhere));
    sample.governed_by(Arc::new(rules), &SeriesBudget::default())
}

/// Measures one emission; the lines are handed on now and then, as a flood would be.
fn measure(bencher: Bencher<'_, '_>, rules: MetricRules, emit: impl Fn(&mut Sample, u32)) {
    let mut sample = sample(rules);
    (0..10_000).for_each(|n| emit(&mut sample, n % LINES));
    let mut turn = 0;
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        turn = (turn + 1) % LINES;
        emit(&mut sample, turn);
    });
}

fn emit_reads(out: &mut Sample, n: u32) {
    out.emit_with(READS, u64::from(n) * 1_000_003, Disk { device: "sda", partition: n });
}

fn blacklist() -> MetricRules {
    MetricRules::default().blacklist((0..10).map(|n| format!("unwanted_{n}")).chain(["load".to_owned()]))
}

#[divan::bench]
fn without_fields(bencher: Bencher<'_, '_>) {
    measure(bencher, MetricRules::default(), |out, n| out.emit(LOAD, f64::from(n) / 3.0));
}

#[divan::bench]
fn two_fields(bencher: Bencher<'_, '_>) {
    measure(bencher, MetricRules::default(), emit_reads);
}

#[divan::bench]
fn dynamic_two_fields(bencher: Bencher<'_, '_>) {
    measure(bencher, MetricRules::default(), |out, n| {
        out.emit_dynamic("queue.depth", &n, &[("queue", &"mail"), ("host", &"web1")]);
    });
}

#[divan::bench]
fn two_fields_with_rate(bencher: Bencher<'_, '_>) {
    measure(bencher, MetricRules::default().rate("reads", None), emit_reads);
}

#[divan::bench]
fn two_fields_beside_a_blacklist(bencher: Bencher<'_, '_>) {
    measure(bencher, blacklist(), emit_reads);
}

#[divan::bench]
fn on_the_blacklist(bencher: Bencher<'_, '_>) {
    measure(bencher, blacklist(), |out, _| out.emit(LOAD, 1.0));
}

#[divan::bench]
fn a_sample_of_100_lines(bencher: Bencher<'_, '_>) {
    let mut sample = sample(MetricRules::default());
    let mut one_sample = || {
        (0..LINES).for_each(|n| emit_reads(&mut sample, n));
        sample.flush();
    };
    one_sample();
    bencher.counter(ItemsCount::new(LINES)).bench_local(one_sample);
}

fn main() {
    divan::main();
}
