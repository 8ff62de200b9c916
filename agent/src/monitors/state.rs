//! What is known of a monitor instance at any moment, for `status`.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use scalyr_monitor::{Clock, Logger, Timestamp};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::config::plan::MonitorPlan;
use crate::monitors::last_values::{LastValues, MetricValue};
use crate::monitors::slow_samples::SlowSamples;

/// What an instance is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It takes samples, or listens.
    Running,
    /// It failed and rests before it is started again.
    BackingOff,
    /// Its entry, or the monitor itself, says that it must not run.
    Disabled,
    /// It was asked to stop and has not ended yet.
    Stopping,
    /// It came to its end.
    Stopped,
    /// It failed and is not started again.
    Failed,
    /// It was asked to stop, hung, and was left behind.
    LeftBehind,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Running,
        Self::BackingOff,
        Self::Disabled,
        Self::Stopping,
        Self::Stopped,
        Self::Failed,
        Self::LeftBehind,
    ];

    /// Whether it should run and does not: it failed, and rests or has ended.
    pub fn is_dead(self) -> bool {
        matches!(self, Self::BackingOff | Self::Stopped | Self::Failed | Self::LeftBehind)
    }
}

/// As `status` and the demo show it.
impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::BackingOff => "resting after a failure",
            Self::Disabled => "disabled",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::LeftBehind => "hangs and was left behind",
        })
    }
}

/// One monitor instance in `status`. Counters are those since the instance first started, over all restarts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MonitorSnapshot {
    /// `<short module>(<id>)`.
    pub name: String,
    /// The id; may be empty.
    pub id: String,
    /// The `module` of the entry.
    pub module: String,
    /// First ten hex digits of SHA-256 over `<module>:<id or default>`.
    pub short_hash: String,
    /// What it is doing.
    pub state: Phase,
    /// The monitor that added it while it ran; none for what the configuration names.
    pub added_by: Option<String>,
    /// Whether the agent stops when it fails.
    pub stop_agent_on_failure: bool,
    /// Seconds between two samples, as the monitor may have changed them.
    pub sample_interval_secs: f64,
    /// Samples taken, failed ones included.
    pub samples: u64,
    /// Samples that ended in an error or a panic.
    pub failed_samples: u64,
    /// Samples that took longer than their interval.
    pub slow_samples: u64,
    /// Turns that were left out because the sample before them, or the machine, took too long.
    pub missed_samples: u64,
    /// Seconds that the last sample took.
    pub last_sample_secs: Option<f64>,
    /// When the last sample ended, in seconds since the epoch.
    pub last_sample_at: Option<f64>,
    /// The first values of the last sample that had any; of a monitor that does not sample, those it wrote last.
    pub values: Vec<MetricValue>,
    /// How many values more that sample had.
    pub more_values: u64,
    /// One for each failed sample, whether its text was logged or only counted, and the records of level `ERROR` and
    /// above that the monitor logged itself.
    pub errors: u64,
    /// Panics that were caught.
    pub panics: u64,
    /// How often it was started again.
    pub restarts: u64,
    /// Metric lines that it emitted, dropped ones included.
    pub lines_emitted: u64,
    /// Metric lines that were not written: beyond the limit, a full disk, or after the end.
    pub lines_dropped: u64,
    /// Seconds since the sample began that is under way now: a hung monitor shows here.
    pub sample_running_secs: Option<f64>,
    /// For how many seconds it has waited because its metric log is full of lines that are not uploaded yet.
    pub held_secs: Option<f64>,
    /// Seconds until it is started again.
    pub restart_in_secs: Option<f64>,
    /// Why it last failed; a long text is cut.
    pub last_failure: Option<String>,
    /// What keeps it from its work, or a part of it, while it runs.
    pub trouble: Option<String>,
}

impl MonitorSnapshot {
    /// Its sample does not end: it has been running for longer than its interval, and five seconds at least.
    pub fn is_hanging(&self) -> bool {
        let patience = self.sample_interval_secs.max(5.0);
        self.state == Phase::Running && self.sample_running_secs.is_some_and(|seconds| seconds > patience)
    }

    /// It runs, and at least half of its samples fail, or it is in trouble.
    pub fn is_failing(&self) -> bool {
        let samples_fail = self.failed_samples > 0 && self.failed_samples * 2 >= self.samples;
        self.is_in_trouble() || (self.state == Phase::Running && samples_fail)
    }

    /// It runs, and something keeps it from its work, or a part of it.
    pub fn is_in_trouble(&self) -> bool {
        self.state == Phase::Running && self.trouble.is_some()
    }
}

/// The state of one instance, shared by its thread and its handle.
pub(super) struct State {
    identity: Identity,
    clock: Clock,
    logger: Logger,
    figures: Mutex<Figures>,
}

struct Identity {
    name: String,
    id: String,
    module: String,
    short_hash: String,
    stop_agent_on_failure: bool,
}

pub(super) struct Figures {
    pub(super) phase: Phase,
    pub(super) samples: u64,
    pub(super) failed_samples: u64,
    pub(super) slow_samples: u64,
    pub(super) missed_samples: u64,
    pub(super) last_sample: Option<Duration>,
    pub(super) last_sample_at: Option<Timestamp>,
    pub(super) values: LastValues,
    /// Failed samples whose text was not logged again.
    pub(super) unlogged_errors: u64,
    /// The interval of the last turn.
    pub(super) interval: Duration,
    /// When it began to be built anew, while it is.
    pub(super) built_since: Option<Instant>,
    /// Whether it was told that the sample, or the building, under way hangs.
    pub(super) hang_told: bool,
    pub(super) slow: SlowSamples,
    pub(super) panics: u64,
    pub(super) restarts: u64,
    pub(super) lines_emitted: u64,
    pub(super) lines_dropped: u64,
    pub(super) sample_since: Option<Instant>,
    pub(super) restart_at: Option<Instant>,
    pub(super) last_failure: Option<String>,
    pub(super) trouble: Option<String>,
}

impl State {
    pub(super) fn new(plan: &MonitorPlan, clock: Clock, logger: Logger, phase: Phase) -> Self {
        let identity = Identity {
            name: plan.name(),
            id: plan.id.clone(),
            short_hash: short_hash_of(plan),
            module: full_module(plan),
            stop_agent_on_failure: plan.stop_agent_on_failure,
        };
        let figures = Figures {
            phase,
            samples: 0,
            failed_samples: 0,
            slow_samples: 0,
            missed_samples: 0,
            last_sample: None,
            last_sample_at: None,
            values: LastValues::default(),
            unlogged_errors: 0,
            interval: plan.sample_interval,
            built_since: None,
            hang_told: false,
            slow: SlowSamples::default(),
            panics: 0,
            restarts: 0,
            lines_emitted: 0,
            lines_dropped: 0,
            sample_since: None,
            restart_at: None,
            last_failure: None,
            trouble: None,
        };
        Self { identity, clock, logger, figures: Mutex::new(figures) }
    }

    pub(super) fn name(&self) -> &str {
        &self.identity.name
    }

    pub(super) fn figures(&self) -> MutexGuard<'_, Figures> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether its lines are still taken.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.figures().phase, Phase::Stopped | Phase::Failed | Phase::LeftBehind | Phase::Disabled)
    }

    /// Why the agent must stop, for the person who reads its log.
    pub(super) fn fatal_failure(&self) -> Option<String> {
        let Identity { name, short_hash, stop_agent_on_failure, .. } = &self.identity;
        let figures = self.figures();
        let cause = figures.last_failure.as_deref().unwrap_or("it failed");
        (*stop_agent_on_failure && figures.phase == Phase::Failed).then(|| {
            format!(
                "Monitor {name} (short hash {short_hash}) has failed and has stop_agent_on_failure, so the agent \
                 stops: {cause}"
            )
        })
    }

    pub(super) fn snapshot(&self) -> MonitorSnapshot {
        let now = self.clock.monotonic();
        let figures = self.figures();
        MonitorSnapshot {
            name: self.identity.name.clone(),
            id: self.identity.id.clone(),
            module: self.identity.module.clone(),
            short_hash: self.identity.short_hash.clone(),
            state: figures.phase,
            added_by: None,
            stop_agent_on_failure: self.identity.stop_agent_on_failure,
            sample_interval_secs: figures.interval.as_secs_f64(),
            samples: figures.samples,
            failed_samples: figures.failed_samples,
            slow_samples: figures.slow_samples,
            missed_samples: figures.missed_samples,
            last_sample_secs: figures.last_sample.map(|took| took.as_secs_f64()),
            last_sample_at: figures.last_sample_at.map(|at| at.as_nanos() as f64 / 1e9),
            values: figures.values.shown().to_vec(),
            more_values: figures.values.more(),
            errors: self.logger.errors() + figures.unlogged_errors,
            panics: figures.panics,
            restarts: figures.restarts,
            lines_emitted: figures.lines_emitted,
            lines_dropped: figures.lines_dropped,
            sample_running_secs: figures.sample_since.map(|since| now.saturating_duration_since(since).as_secs_f64()),
            held_secs: None,
            restart_in_secs: figures.restart_at.map(|at| at.saturating_duration_since(now).as_secs_f64()),
            last_failure: figures.last_failure.clone(),
            trouble: figures.trouble.clone(),
        }
    }
}

/// The entry's own spelling of the module, as existing configurations and dashboards know it.
fn full_module(plan: &MonitorPlan) -> String {
    let given = plan.entry.get("module").and_then(Value::as_str);
    given.or(plan.registration.module).unwrap_or(plan.registration.name).to_owned()
}

/// `default` for an instance without an id, and for the ids 0 and false, as the Python agent has it.
fn status_id(plan: &MonitorPlan) -> &str {
    let nothing = match plan.entry.get("id") {
        Some(Value::Number(number)) => number.as_f64() == Some(0.0),
        Some(Value::Bool(given)) => !given,
        _ => plan.id.is_empty(),
    };
    if nothing { "default" } else { &plan.id }
}

/// The short hash of an instance, by which dashboards know it.
pub fn short_hash_of(plan: &MonitorPlan) -> String {
    short_hash(&full_module(plan), status_id(plan))
}

/// First ten hex digits of SHA-256 over `<module>:<id>` (`monitor-framework.md` section 4).
fn short_hash(module: &str, id: &str) -> String {
    let digest = Sha256::new().chain_update(module).chain_update(":").chain_update(id).finalize();
    digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_hash_is_that_of_the_old_agent() {
        assert_eq!(short_hash("dier", "default"), "85d2072fff");
        assert_eq!(short_hash("scalyr_agent.builtin_monitors.test_monitor", "1"), "ef3a1e8327");
    }
}
