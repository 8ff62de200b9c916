//! The monitors: a line each as the Python agent has it, and ours behind it.

use std::fmt::{self, Write as _};

use super::super::Snapshot;
use super::{heading, moment, on_one_line};
use crate::monitors::last_values::MetricValue;
use crate::monitors::state::{MonitorSnapshot, Phase};

/// So many values of a sample stand on its line unless all are asked for.
const FEW: usize = 3;
/// A sample that has been running for less is not worth a word.
const LONG_SAMPLE: f64 = 5.0;

pub(super) fn write(out: &mut String, snapshot: &Snapshot, everything: bool) -> fmt::Result {
    writeln!(out)?;
    heading(out, "Monitors:")?;
    writeln!(out, "(these statistics cover the period from {})\n", moment(snapshot.configuration.loaded))?;
    let of = |wanted: fn(&Phase) -> bool| snapshot.monitors.iter().filter(move |monitor| wanted(&monitor.state));
    let dead: Vec<_> = of(|state| state.is_dead()).collect();
    let mut alive = of(|state| matches!(state, Phase::Running | Phase::Stopping));
    if dead.is_empty() {
        alive.try_for_each(|monitor| shown(out, monitor, ("", ":"), everything))?;
    } else {
        writeln!(out, "Running monitors:")?;
        alive.try_for_each(|monitor| shown(out, monitor, ("  ", ":"), everything))?;
        writeln!(out, "Failed monitors:")?;
        dead.into_iter().try_for_each(|monitor| shown(out, monitor, ("  ", ""), everything))?;
    }
    let mut disabled = of(|state| *state == Phase::Disabled).peekable();
    if disabled.peek().is_some() {
        writeln!(out, "Disabled monitors:")?;
        disabled.try_for_each(|monitor| writeln!(out, "  {}", monitor.name))?;
    }
    if !snapshot.refused.is_empty() {
        writeln!(out, "Refused monitors:")?;
    }
    snapshot.refused.iter().try_for_each(|refused| writeln!(out, "  {}: {}", refused.name, on_one_line(&refused.why)))
}

/// `NAME: N lines emitted, N errors`, and what is to be told beyond on lines behind it.
fn shown(out: &mut String, monitor: &MonitorSnapshot, (indent, colon): (&str, &str), everything: bool) -> fmt::Result {
    let MonitorSnapshot { name, lines_emitted, errors, .. } = monitor;
    let fatal = if monitor.stop_agent_on_failure { ", stop_agent_on_failure=true" } else { "" };
    writeln!(out, "{indent}{name}{colon} {lines_emitted} lines emitted, {errors} errors{fatal}")?;
    let indent = format!("{indent}    ");
    writeln!(out, "{indent}{}", state(monitor))?;
    if let Some(failure) = &monitor.last_failure {
        writeln!(out, "{indent}last failure: {}", on_one_line(failure))?;
    }
    values(out, monitor, &indent, everything)
}

/// What it does, when it last took a sample, and all that is out of the ordinary.
fn state(monitor: &MonitorSnapshot) -> String {
    let in_trouble = if monitor.is_in_trouble() { ", and cannot do all of its work" } else { "" };
    let mut facts = vec![format!("{}{in_trouble}", monitor.state)];
    if let Some(at) = monitor.last_sample_at {
        let took = monitor.last_sample_secs.map(|seconds| format!(", which took {seconds:.3} s"));
        facts.push(format!("last sample at {}{}", moment(at), took.unwrap_or_default()));
    }
    facts.extend(monitor.added_by.as_ref().map(|owner| format!("added by {owner}")));
    if monitor.failed_samples > 0 {
        facts.push(format!("{} of {} samples failed", monitor.failed_samples, monitor.samples));
    }
    if monitor.lines_dropped > 0 {
        facts.push(format!("{} lines dropped", monitor.lines_dropped));
    }
    if monitor.restarts + monitor.panics > 0 {
        facts.push(format!("{} panics, restarted {} times", monitor.panics, monitor.restarts));
    }
    facts.extend(monitor.restart_in_secs.map(|seconds| format!("starts again in {seconds:.0} s")));
    if monitor.slow_samples + monitor.missed_samples > 0 {
        let MonitorSnapshot { slow_samples, missed_samples, sample_interval_secs, .. } = monitor;
        facts.push(format!("{slow_samples} samples took longer than the interval of {sample_interval_secs} s"));
        if *missed_samples > 0 {
            facts.push(format!("{missed_samples} turns left out"));
        }
    }
    let held = |seconds| format!("has waited {seconds:.0} s for its full metric log to be uploaded");
    facts.extend(monitor.held_secs.map(held));
    let hangs = monitor.sample_running_secs.filter(|seconds| *seconds > LONG_SAMPLE);
    facts.extend(hangs.map(|seconds| format!("its sample has been running for {seconds:.0} s")));
    facts.join(", ")
}

/// The values of the last sample: a few on one line, or each on its own.
fn values(out: &mut String, monitor: &MonitorSnapshot, indent: &str, everything: bool) -> fmt::Result {
    let shown = |MetricValue { metric, value, fields }: &MetricValue| {
        let blank = if fields.is_empty() { "" } else { " " };
        format!("{metric} {value}{blank}{fields}")
    };
    let more = |left_out: u64| if left_out > 0 { format!(" and {left_out} more") } else { String::new() };
    if monitor.values.is_empty() {
        return Ok(());
    }
    if everything {
        monitor.values.iter().try_for_each(|value| writeln!(out, "{indent}  {}", shown(value)))?;
        return if monitor.more_values > 0 {
            writeln!(out, "{indent}  and {} values more", monitor.more_values)
        } else {
            Ok(())
        };
    }
    let few: Vec<_> = monitor.values.iter().take(FEW).map(shown).collect();
    let left_out = (monitor.values.len() - few.len()) as u64 + monitor.more_values;
    writeln!(out, "{indent}values: {}{}", few.join("; "), more(left_out))
}
