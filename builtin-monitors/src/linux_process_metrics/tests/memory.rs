//! A sample gives back the memory that it takes: an agent runs for months.

use std::time::Duration;

use allocation_counter::measure;
use scalyr_monitor::registry::{Environment, Registry};
use scalyr_monitor::sample::LineSink;
use scalyr_monitor::{Clock, Lines, LogConfig, LogFiles, Logger, Timestamp};
use serde_json::{Value, json};

use super::super::*;
use super::{Host, USED, Used};

struct Nowhere;

impl LineSink for Nowhere {
    fn write_lines(&mut self, _: &Lines) {}
}

/// What a thousand samples keep, after those in which buffers get their size. The clock stands still for the search, so
/// that it is done in each sample.
fn kept(host: &Host, mut entry: Value) -> i64 {
    entry["proc_root"] = json!(host.0.path());
    entry["process_discovery_interval"] = json!(0);
    let registration = Registry::linked().unwrap().find("linux_process_metrics").unwrap();
    let built = registration.build(entry.as_object().unwrap(), &Environment::default());
    let mut monitor = built.unwrap_or_else(|problems| panic!("{problems:?}")).monitor;
    let (clock, logger) = (Clock::manual(Timestamp::from_millis(1_795_353_432_415)), Logger::none());
    let (log, interval) = (LogConfig::new("linux_process_metrics.log"), Duration::from_secs(30));
    let name = "linux_process_metrics(job)";
    let mut context = Context::new(name, interval, log, logger.clone(), clock.clone(), LogFiles::none());
    monitor.initialize(&mut context).unwrap();
    let mut sample = Sample::new("linux_process_metrics", "job", clock, logger, Box::new(Nowhere));
    let mut turn = || {
        monitor.gather_sample(&mut sample).unwrap();
        sample.flush();
    };
    (0..20).for_each(|_| turn());
    measure(|| (0..1000).for_each(|_| turn())).bytes_current
}

#[test]
fn a_thousand_samples_of_a_group_and_its_children_keep_nothing() {
    let host = Host::new();
    for pid in 20..30 {
        host.runs(pid, "web server", Used { parent: pid - 1, ..USED });
    }
    for entry in [
        json!({ "pid": "$$" }),
        json!({ "commandline": "web", "aggregate_multiple_processes": true, "include_child_processes": true }),
        json!({ "commandline": "not there" }),
        json!({ "commandline": "server" }),
    ] {
        assert_eq!(kept(&host, entry.clone()), 0, "{entry}");
    }
}
