//! The life of a monitor instance on its own thread: it may panic, fail, hang or flood and disturbs nobody else.

use std::borrow::Borrow;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use scalyr_monitor::sample::Lines;
use scalyr_monitor::{Clock, Level, Logger, Run, Sample, Stop};

use crate::config::plan::{LogPlan, MonitorPlan};
use crate::monitors::back_off::BackOff;
use crate::monitors::contribution::Contribution;
use crate::monitors::instance::{Instance, Surroundings, construct_with};
use crate::monitors::jitter::random_phase;
use crate::monitors::panic_place::{self, CaughtPanic};
use crate::monitors::repeats::Repeats;
use crate::monitors::sampling::{Sink, Watched};
use crate::monitors::state::{MonitorSnapshot, Phase, State};
use crate::own_logs::metric_log::MetricOutput;
use crate::own_logs::short_text::shorten;
use crate::threads::Threads;

/// Marks the death of a monitor in the agent log.
pub const FAILED_MONITOR: &str = "failedMonitor";

/// This source file: records with [`FAILED_MONITOR`] come from here.
pub const SOURCE: &str = file!();

/// A monitor instance at work.
pub struct MonitorHandle {
    shared: Arc<Shared>,
    threads: Threads,
}

/// What the thread and the handle share.
pub(super) struct Shared {
    pub(super) state: State,
    pub(super) output: Arc<dyn MetricOutput>,
    contribution: Arc<dyn Contribution>,
    pub(super) clock: Clock,
    pub(super) logger: Logger,
    /// What was told of failed samples, over all runs.
    pub(super) repeats: Mutex<Repeats>,
    /// The whole instance was asked to stop.
    pub(super) asked: Stop,
    /// What the present run watches. A run has one of its own, so that what a monitor hangs on it dies with the run.
    run: Mutex<Stop>,
    ended: Stop,
}

/// Where the lines of an instance go that has none.
struct Nowhere;

impl MetricOutput for Nowhere {
    fn write(&self, lines: &Lines) -> u64 {
        lines.len() as u64
    }
}

impl MonitorHandle {
    /// An instance that its entry disables: it is shown, and nothing of it runs, not even its `initialize`.
    pub fn disabled(plan: &MonitorPlan, surroundings: &Surroundings, threads: &Threads) -> Self {
        let logger = surroundings.logger.for_component(&format!("monitor:{}", plan.name()));
        let shared = Shared::new(
            plan,
            (Arc::new(Nowhere), Arc::clone(&surroundings.contribution)),
            surroundings.clock.clone(),
            logger,
            Phase::Disabled,
        );
        shared.contribution.end();
        shared.ended.stop();
        Self { shared: Arc::new(shared), threads: threads.clone() }
    }

    /// An instance that has disabled itself in `initialize`. It is let go on a thread of its own: its drop may hang.
    pub fn disabled_itself(mut instance: Instance, surroundings: &Surroundings, threads: &Threads) -> Self {
        let handle = Self::disabled(&instance.plan, surroundings, threads);
        handle.shared.state.figures().interval = instance.sample_interval;
        drop(instance.added.take());
        if let Err(error) = threads.spawn("drop monitor", move || drop(instance)) {
            handle.shared.logger.warn(format_args!("No thread to drop the monitor on, so this one did it: {error}"));
        }
        handle
    }

    /// Starts the instance on a thread of its own; its lines go to `output`. A disabled instance gets none.
    ///
    /// With a `sample_limit` it ends by itself, and without a word, after so many samples.
    ///
    /// # Errors
    /// When the system refuses another thread.
    pub fn start(
        instance: Instance,
        output: Arc<dyn MetricOutput>,
        surroundings: &Surroundings,
        sample_limit: Option<u64>,
        threads: &Threads,
    ) -> io::Result<Self> {
        if instance.disabled {
            return Ok(Self::disabled_itself(instance, surroundings, threads));
        }
        let clock = surroundings.clock.clone();
        let contribution = Arc::clone(&surroundings.contribution);
        let shared = Arc::new(Shared::new(
            &instance.plan,
            (output, contribution),
            clock,
            instance.logger.clone(),
            Phase::Running,
        ));
        shared.state.figures().interval = instance.sample_interval;
        let handle = Self { shared: Arc::clone(&shared), threads: threads.clone() };
        // A thread's name must not hold a zero byte, and an id may.
        let thread = shared.state.name().replace('\0', "?");
        let back_off = BackOff::new(surroundings.restart);
        let log_in_force = LogInForce { plan: instance.log_plan.clone(), is_told: false };
        let (surroundings, threads_of_life) = (surroundings.clone(), threads.clone());
        let life = Life { shared, surroundings, threads: threads_of_life, sample_limit, back_off, log_in_force };
        threads.spawn(&thread, move || life.live_watched(instance))?;
        Ok(handle)
    }

    /// What is known of it now.
    pub fn snapshot(&self) -> MonitorSnapshot {
        let mut snapshot = self.shared.state.snapshot();
        snapshot.held_secs = self.shared.output.held_for().map(|held| held.as_secs_f64());
        if matches!(snapshot.state, Phase::Running | Phase::BackingOff) && self.shared.asked.is_stopped() {
            snapshot.state = Phase::Stopping;
        }
        snapshot
    }

    /// Tells, once, when a sample hangs; call it every few seconds.
    pub fn look_after(&self) {
        self.shared.look_after();
    }

    /// Why the agent must stop: the instance failed, and has `stop_agent_on_failure`.
    pub fn fatal_failure(&self) -> Option<String> {
        self.shared.state.fatal_failure()
    }

    /// The instance's name: `coin()`.
    pub fn name(&self) -> &str {
        self.shared.state.name()
    }

    /// Asks it to stop and does not wait for it.
    pub fn ask_to_stop(&self) {
        self.shared.ask_to_stop(&self.threads);
    }

    /// Whether its thread has come to its end, or there never was one.
    pub fn is_finished(&self) -> bool {
        self.shared.ended.is_stopped()
    }

    /// Waits for its end; false when it has not come within `time`.
    pub fn wait(&self, time: Duration) -> bool {
        self.shared.ended.wait(time)
    }

    /// Takes no further line of it: it hangs, and its thread is left behind.
    pub(super) fn leave_behind(&self) {
        self.shared.state.figures().phase = Phase::LeftBehind;
        self.shared.contribution.end();
        // On a thread of its own: what hangs may be the disk that this writes to.
        let shared = Arc::clone(&self.shared);
        if let Err(error) = self.threads.spawn("finish monitor", move || shared.output.finish()) {
            self.shared.logger.warn(format_args!("No thread to finish the metric log from: {error}"));
        }
    }
}

impl Shared {
    fn new(
        plan: &MonitorPlan,
        (output, contribution): (Arc<dyn MetricOutput>, Arc<dyn Contribution>),
        clock: Clock,
        logger: Logger,
        phase: Phase,
    ) -> Self {
        Self {
            state: State::new(plan, clock.clone(), logger.clone(), phase),
            output,
            contribution,
            clock,
            logger,
            repeats: Mutex::default(),
            asked: Stop::new(),
            run: Mutex::default(),
            ended: Stop::new(),
        }
    }

    /// Asks it to stop. What the monitor hung on the stop is its own code, which may panic, or hang: it runs on a thread
    /// of its own.
    pub(super) fn ask_to_stop(&self, threads: &Threads) {
        self.asked.stop();
        self.output.hurry();
        let run = self.run.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let hooks = run.ask();
        if hooks.is_empty() {
            return;
        }
        let (hooks, logger) = (Arc::new(Mutex::new(hooks)), self.logger.clone());
        let run_hooks = move || {
            let hooks = std::mem::take(&mut *hooks.lock().unwrap_or_else(PoisonError::into_inner));
            if let Err(panic) = panic_place::watch(|| hooks.run()) {
                logger.error(format_args!("Stopping the monitor {panic}"));
            }
        };
        if let Err(error) = threads.spawn("stop monitor", run_hooks.clone()) {
            self.logger.warn(format_args!("No thread to stop the monitor from, so this one waits: {error}"));
            run_hooks();
        }
    }
}

/// Stops all of them: asks each first, then waits for them together, at most `budget` in total. Those that hang
/// longer are left behind, which is logged; what they emit later is counted and goes nowhere. Returns their names.
pub fn stop_all(
    monitors: &[impl Borrow<MonitorHandle>],
    budget: Duration,
    clock: &Clock,
    logger: &Logger,
) -> Vec<String> {
    ask_all(monitors, logger);
    wait_all(monitors, clock.monotonic() + budget, budget, clock, logger)
}

/// Asks all of them to stop, and waits for none.
pub fn ask_all(monitors: &[impl Borrow<MonitorHandle>], logger: &Logger) {
    for monitor in monitors.iter().map(Borrow::borrow).filter(|monitor: &&MonitorHandle| !monitor.is_finished()) {
        logger.info(format_args!("Stopping monitor {}", monitor.name()));
        monitor.ask_to_stop();
    }
}

/// Waits until `end` for all of them, which were asked to stop `budget` before that, like [`stop_all`].
pub fn wait_all(
    monitors: &[impl Borrow<MonitorHandle>],
    end: Instant,
    budget: Duration,
    clock: &Clock,
    logger: &Logger,
) -> Vec<String> {
    let mut left_behind = Vec::new();
    for monitor in monitors.iter().map(Borrow::<MonitorHandle>::borrow) {
        if !monitor.wait(end.saturating_duration_since(clock.monotonic())) {
            monitor.leave_behind();
            logger.warn(format_args!(
                "Monitor {} did not stop within {} s and is left behind",
                monitor.name(),
                budget.as_secs_f64()
            ));
            left_behind.push(monitor.name().to_owned());
        }
    }
    left_behind
}

/// One instance over all its runs.
struct Life {
    shared: Arc<Shared>,
    surroundings: Surroundings,
    threads: Threads,
    sample_limit: Option<u64>,
    back_off: BackOff,
    log_in_force: LogInForce,
}

/// How the metric log is copied: as the first run said, however often the instance is built anew.
struct LogInForce {
    plan: LogPlan,
    /// Whether it was told that a later run wanted something else.
    is_told: bool,
}

impl LogInForce {
    /// Says once that what a later run wants is not used.
    fn compare(&mut self, wanted: &LogPlan, logger: &Logger) {
        if self.is_told || *wanted == self.plan {
            return;
        }
        self.is_told = true;
        let differs = [
            ("path", wanted.path != self.plan.path),
            ("attributes", wanted.attributes != self.plan.attributes),
            ("exclude", wanted.exclude != self.plan.exclude),
            ("copy_from_start", wanted.copy_from_start != self.plan.copy_from_start),
            ("worker_id", wanted.worker != self.plan.worker),
        ];
        let keys: Vec<&str> = differs.iter().filter_map(|(key, differs)| differs.then_some(*key)).collect();
        logger.warn(format_args!(
            "When it was built anew after a failure, the monitor gave another log_config ({}); its log {} is kept as at its \
             first start",
            keys.join(", "),
            self.plan.path
        ));
    }
}

/// Tells that the thread has come to its end, whatever brought it there.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.output.finish();
        self.0.contribution.end();
        let untold = self.0.repeats.lock().unwrap_or_else(PoisonError::into_inner).untold();
        if let Some(untold) = untold {
            self.0.logger.info(untold);
        }
        let mut figures = self.0.state.figures();
        figures.restart_at = None;
        if !matches!(figures.phase, Phase::Disabled | Phase::Failed) {
            figures.phase = Phase::Stopped;
        }
        drop(figures);
        self.0.ended.stop();
    }
}

/// How a run ended.
enum Failure {
    Panicked(CaughtPanic),
    Failed(String),
    Returned,
}

impl Life {
    /// The backstop: each piece of a monitor's code is watched where it is called. Should one be missed, the monitor
    /// dies, but not in silence.
    fn live_watched(self, instance: Instance) {
        let shared = Arc::clone(&self.shared);
        if let Err(panic) = panic_place::watch(|| self.live(instance)) {
            let text = format!("The monitor {panic}; this is a mistake of the agent, and it is not started again");
            let mut figures = shared.state.figures();
            figures.last_failure = Some(shorten(&text));
            figures.phase = Phase::Failed;
            drop(figures);
            shared.logger.coded(Level::Error, FAILED_MONITOR, text);
        }
    }

    fn live(mut self, instance: Instance) {
        let _ended = Ended(Arc::clone(&self.shared));
        let phase = instance.plan.jitter.then(|| random_phase(instance.sample_interval));
        let mut next = Some((instance, phase));
        while let Some((instance, phase)) = next {
            next = self.run_and_rebuild(instance, phase).map(|instance| (instance, None));
        }
        let silent = self.reached_limit();
        if !silent && self.shared.asked.is_stopped() {
            self.shared.logger.info("Monitor has finished");
        }
    }

    /// One run, and the instance for the next one; none when the instance was asked to stop.
    fn run_and_rebuild(&mut self, instance: Instance, phase: Option<Duration>) -> Option<Instance> {
        let plan = instance.plan.clone();
        let began = self.shared.clock.monotonic();
        let failure = self.run_once(instance, phase);
        let mut ran = self.shared.clock.monotonic().saturating_duration_since(began);
        self.record(&failure);
        if plan.stop_agent_on_failure && !self.shared.asked.is_stopped() {
            self.shared.state.figures().phase = Phase::Failed;
            return None;
        }
        while !self.shared.asked.is_stopped() {
            let rest = self.back_off.after(ran);
            ran = Duration::ZERO;
            self.begin_rest(rest);
            if self.shared.asked.wait(rest) {
                break;
            }
            let mut figures = self.shared.state.figures();
            figures.restart_at = None;
            figures.restarts += 1;
            figures.built_since = Some(self.shared.clock.monotonic());
            drop(figures);
            let built = construct_with(&plan, &self.surroundings, self.shared.logger.clone());
            let mut figures = self.shared.state.figures();
            (figures.built_since, figures.hang_told) = (None, false);
            drop(figures);
            match built {
                Ok(instance) if instance.disabled => {
                    self.shared.logger.info("The monitor disabled itself when it was built anew");
                    drop(instance);
                    self.shared.state.figures().phase = Phase::Disabled;
                    return None;
                }
                Ok(instance) => {
                    self.surroundings.contribution.server_attributes(&instance.server_attributes);
                    self.log_in_force.compare(&instance.log_plan, &self.shared.logger);
                    self.shared.state.figures().phase = Phase::Running;
                    return Some(instance);
                }
                Err(refused) => {
                    self.shared.state.figures().last_failure = Some(shorten(&refused));
                    self.shared.logger.coded(Level::Error, FAILED_MONITOR, refused);
                }
            }
        }
        None
    }

    fn begin_rest(&self, rest: Duration) {
        let mut figures = self.shared.state.figures();
        figures.phase = Phase::BackingOff;
        figures.restart_at = Some(self.shared.clock.monotonic() + rest);
        drop(figures);
        let seconds = rest.as_secs_f64();
        self.shared.logger.info(format_args!("The monitor is built anew and started again in {seconds:.1} s"));
    }

    fn run_once(&self, instance: Instance, phase: Option<Duration>) -> Failure {
        let Instance { plan, mut monitor, sample_interval, spacing, logger, added, .. } = instance;
        let stop = self.fresh_stop();
        // What it added stops with it, also when it is asked to stop and hangs.
        if let Some(added) = &added {
            stop.on_stop(added.end_of_owner());
        }
        let sink = Box::new(Sink(Arc::clone(&self.shared)));
        let sample = Sample::new(&plan.short_name, &plan.id, self.shared.clock.clone(), logger, sink)
            .governed_by(Arc::clone(&plan.metric_rules), &self.surroundings.rate_series);
        let watch = Box::new(Watched::new(Arc::clone(&self.shared), self.sample_limit, self.threads.clone()));
        let mut run = Run::new(sample, stop, sample_interval, phase, watch).spaced(spacing);
        let outcome = monitor.watch(|monitor| monitor.run(&mut run).map_err(|error| error.to_string()));
        // Hands on the lines of a sample that a panic has cut short.
        drop(run);
        self.shared.state.figures().trouble = None;
        drop(added);
        self.drop_hooks();
        drop(monitor);
        match outcome {
            Ok(Ok(())) => Failure::Returned,
            Ok(Err(error)) => Failure::Failed(error),
            Err(panic) => Failure::Panicked(panic),
        }
    }

    /// Drops what the monitor hung on the stop of its run: its own code, so outside of the lock, and watched.
    fn drop_hooks(&self) {
        let stop = std::mem::take(&mut *self.shared.run.lock().unwrap_or_else(PoisonError::into_inner));
        if let Err(panic) = panic_place::watch(|| drop(stop)) {
            self.shared.logger.error(format_args!("Dropping what the monitor left on its stop {panic}"));
        }
    }

    /// The stop of a new run; already stopped when the instance was asked to.
    fn fresh_stop(&self) -> Stop {
        let fresh = Stop::new();
        *self.shared.run.lock().unwrap_or_else(PoisonError::into_inner) = fresh.clone();
        if self.shared.asked.is_stopped() {
            fresh.stop();
        }
        fresh
    }

    /// Logs and counts how a run ended; the normal end leaves no trace here.
    fn record(&self, failure: &Failure) {
        let asked = self.shared.asked.is_stopped();
        // A panic in the middle of a sample is that sample's failure.
        let in_sample = self.shared.sample_is_over().is_some();
        let mut figures = self.shared.state.figures();
        figures.failed_samples += u64::from(in_sample);
        if let Failure::Panicked(_) = failure {
            figures.panics += 1;
        }
        let text = match failure {
            Failure::Returned if asked => return,
            Failure::Returned => "The monitor ended without being asked to".to_owned(),
            Failure::Failed(error) => format!("The monitor failed: {error}"),
            Failure::Panicked(panic) => format!("The monitor {panic}"),
        };
        figures.last_failure = Some(shorten(&text));
        drop(figures);
        let text = if let Failure::Panicked(panic) = failure { format!("The monitor {panic:#}") } else { text };
        self.shared.logger.coded(Level::Error, FAILED_MONITOR, text);
        if self.reached_limit() {
            self.shared.asked.stop();
        }
    }

    fn reached_limit(&self) -> bool {
        self.sample_limit.is_some_and(|limit| self.shared.state.figures().samples >= limit)
    }
}
