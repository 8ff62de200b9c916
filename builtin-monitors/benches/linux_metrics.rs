//! What one sample of the two monitors that run on every host costs: time, and allocations once the buffers have their
//! size. The kernel's part of it is what reading its files takes.
//!
//! `cargo bench -p builtin-monitors`

use builtin_monitors as _;

use std::time::Duration;

use divan::{AllocProfiler, Bencher};
use scalyr_monitor::Lines;
use scalyr_monitor::prelude::*;
use scalyr_monitor::registry::{Environment, Registry};
use scalyr_monitor::sample::LineSink;
use scalyr_monitor::{LogConfig, LogFiles};
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

struct Nowhere;

impl LineSink for Nowhere {
    fn write_lines(&mut self, lines: &Lines) {
        divan::black_box(lines.text());
    }
}

fn main() {
    divan::main();
}

/// Measures a sample of the monitor with this configuration.
fn measure(bencher: Bencher<'_, '_>, name: &str, entry: Value) {
    let registry = Registry::linked().expect("the monitors are linked");
    let registration = registry.find(name).expect("the monitor is linked");
    let entry = entry.as_object().expect("an entry is an object");
    let Ok(built) = registration.build(entry, &Environment::default()) else { panic!("{name} is refused") };
    let (mut monitor, clock) = (built.monitor, Clock::system());
    let log = LogConfig::new(format!("{name}.log"));
    let interval = Duration::from_secs(30);
    let context =
        Context::new(&format!("{name}(agent)"), interval, log, Logger::none(), clock.clone(), LogFiles::none());
    monitor.initialize(&mut { context }).expect("the configuration is right");
    let mut sample = Sample::new(name, "agent", clock, Logger::none(), Box::new(Nowhere));
    let mut turn = || {
        monitor.gather_sample(&mut sample).expect("the kernel tells");
        sample.flush();
    };
    (0..10).for_each(|_| turn());
    bencher.bench_local(turn);
}

#[divan::bench]
fn host(bencher: Bencher<'_, '_>) {
    measure(bencher, "linux_system_metrics", json!({}));
}

/// The same lines from ordinary files: what is ours of the above.
#[divan::bench]
fn host_without_the_kernel(bencher: Bencher<'_, '_>) {
    let tree = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/linux_system_metrics/linux-6.18");
    let entry = json!({ "proc_root": format!("{tree}/proc"), "sys_root": format!("{tree}/sys"), "root": "/" });
    measure(bencher, "linux_system_metrics", entry);
}

#[divan::bench]
fn own_process(bencher: Bencher<'_, '_>) {
    measure(bencher, "linux_process_metrics", json!({ "pid": "$$" }));
}

/// With a search through all processes in each sample.
#[divan::bench]
fn search_of_all_processes(bencher: Bencher<'_, '_>) {
    let entry = json!({
        "commandline": ".", "aggregate_multiple_processes": true, "process_discovery_interval": 0,
    });
    measure(bencher, "linux_process_metrics", entry);
}
