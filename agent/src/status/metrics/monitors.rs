//! The monitors.

use super::exposition::{Exposition, Kind};
use super::{count, number};
use crate::monitors::state::{MonitorSnapshot, Phase};
use crate::status::{Snapshot, word};

/// So many monitors are told of one by one.
const MOST_MONITORS: usize = 500;

/// A metric of which each monitor has one sample.
type Single = (Kind, &'static str, &'static str, &'static str, fn(&MonitorSnapshot) -> Option<f64>);

const SINGLE: &[Single] = &[
    (Kind::Counter, "scalyr_agent_monitor_samples", "", "Samples taken, failed ones included.", |m| {
        Some(number(m.samples))
    }),
    (Kind::Counter, "scalyr_agent_monitor_failed_samples", "", "Samples that ended in an error or a panic.", |m| {
        Some(number(m.failed_samples))
    }),
    (Kind::Counter, "scalyr_agent_monitor_slow_samples", "", "Samples that took longer than their interval.", |m| {
        Some(number(m.slow_samples))
    }),
    (Kind::Counter, "scalyr_agent_monitor_missed_samples", "", "Turns that were left out.", |m| {
        Some(number(m.missed_samples))
    }),
    (Kind::Counter, "scalyr_agent_monitor_errors", "", "Failed samples, and errors that the monitor logged.", |m| {
        Some(number(m.errors))
    }),
    (Kind::Counter, "scalyr_agent_monitor_restarts", "", "How often it was started again.", |m| {
        Some(number(m.restarts))
    }),
    (Kind::Counter, "scalyr_agent_monitor_lines", "", "Metric lines that it emitted, dropped ones included.", |m| {
        Some(number(m.lines_emitted))
    }),
    (Kind::Counter, "scalyr_agent_monitor_dropped_lines", "", "Metric lines that were not written.", |m| {
        Some(number(m.lines_dropped))
    }),
    (
        Kind::Gauge,
        "scalyr_agent_monitor_last_sample_duration_seconds",
        "seconds",
        "How long the last sample took.",
        |m| m.last_sample_secs,
    ),
    (
        Kind::Gauge,
        "scalyr_agent_monitor_restart_in_seconds",
        "seconds",
        "Until it is started again; none while it runs.",
        |m| m.restart_in_secs,
    ),
];

pub(super) fn write(text: &mut Exposition, snapshot: &Snapshot) {
    let (running, dead) = (count(snapshot.running_monitors), count(snapshot.dead_monitors));
    text.one(Kind::Gauge, "scalyr_agent_monitors_running", "", "Monitors that run.", running);
    text.one(Kind::Gauge, "scalyr_agent_monitors_dead", "", "Monitors that should run and do not.", dead);
    let left_out = count(snapshot.monitors.len().saturating_sub(MOST_MONITORS));
    let help = "Monitors that the metrics of single monitors leave out.";
    text.one(Kind::Gauge, "scalyr_agent_monitors_left_out", "", help, left_out);
    let monitors = || snapshot.monitors.iter().take(MOST_MONITORS);
    let states: Vec<String> = Phase::ALL.iter().map(word).collect();
    let states: Vec<&str> = states.iter().map(String::as_str).collect();
    let mut state = text.family(Kind::StateSet, "scalyr_agent_monitor_state", "", "What a monitor is doing.");
    for monitor in monitors() {
        state.states(&[("monitor", &monitor.name)], &states, &word(&monitor.state));
    }
    for (kind, name, unit, help, of) in SINGLE {
        let mut family = text.family(*kind, name, unit, help);
        for monitor in monitors() {
            if let Some(value) = of(monitor) {
                family.sample(&[("monitor", &monitor.name)], value);
            }
        }
    }
}
