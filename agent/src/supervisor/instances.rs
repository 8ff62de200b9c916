//! The monitor instances of a plan: built and initialised, given their metric logs, started, or refused.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::bounded;
use scalyr_monitor::Level;

use super::start::refused;
use super::{Difference, NotApplied, Running, StartError, Supervisor};
use crate::config::plan::{MonitorPlan, Plan};
use crate::monitors::instance::{Instance, Surroundings, construct};
use crate::monitors::runner::{MonitorHandle, ask_all, wait_all};
use crate::order;
use crate::status::RefusedMonitor;

/// All monitors together have this long to initialise themselves.
const INITIALISE_BUDGET: Duration = Duration::from_secs(5);

/// Monitors that a reload stops have this long to end; what takes longer is left behind.
const MONITORS_BUDGET: Duration = Duration::from_secs(5);

/// How often it is looked whether monitors that were asked to stop have ended.
const LOOK: Duration = Duration::from_millis(5);

/// Instances that are ready to run.
pub(super) type Built = Vec<(Instance, Surroundings)>;

impl Supervisor {
    /// The instances that are in the new plan only, and those of them that their entries disable.
    pub(super) fn build_monitors(
        &self,
        running: &mut Running,
        plan: &Plan,
        difference: &Difference,
    ) -> (Built, Vec<MonitorPlan>) {
        self.added.configure(plan.added_entries.clone(), plan.monitors.iter().map(MonitorPlan::name));
        let added = difference.monitors.added.iter().cloned();
        let (disabled, enabled): (Vec<_>, Vec<_>) = added.partition(|monitor| monitor.disabled);
        (self.build(running, plan, enabled), disabled)
    }

    /// The same in the place of those that are in the old plan only, which stop before.
    ///
    /// # Errors
    /// Why some refuse to run that did not before; then those of the old plan run again.
    pub(super) fn replace_monitors(
        &self,
        running: &mut Running,
        plan: &Plan,
        difference: &Difference,
    ) -> Result<(Built, Vec<MonitorPlan>), NotApplied> {
        let before = running.refused.clone();
        let is_in = |all: &[MonitorPlan], name: &str| all.iter().any(|plan| plan.name() == name);
        let removed = &difference.monitors.removed;
        if !self.stop_monitors(running, |name| is_in(removed, name)) {
            return Err(NotApplied::CalledOff);
        }
        running.refused.retain(|refused| !is_in(removed, &refused.name));
        let known = running.refused.len();
        let (built, disabled) = self.build_monitors(running, plan, difference);
        if self.hurry.has_begun() {
            self.let_go(built);
            return Err(NotApplied::CalledOff);
        }
        let was_refused = |refused: &RefusedMonitor| before.iter().any(|other| other.name == refused.name);
        let refused = running.refused.iter().skip(known).filter(|refused| !was_refused(refused));
        let reasons: Vec<String> = refused.map(|refused| format!("refused: {}", refused.why)).collect();
        if reasons.is_empty() {
            return Ok((built, disabled));
        }
        (running.refused, running.fatal) = (before, None);
        running.refused.retain(|refused| !is_in(removed, &refused.name));
        self.let_go(built);
        self.restore_monitors(running, removed)?;
        Err(NotApplied::Refused(reasons))
    }

    /// The monitors of a plan that were refused, and that are not among what changes.
    pub(super) fn refused_unchanged(running: &Running, plan: &Plan, difference: &Difference) -> Vec<MonitorPlan> {
        let is_refused = |name: &str| running.refused.iter().any(|refused| refused.name == name);
        let is_added = |name: &str| difference.monitors.added.iter().any(|added| added.name() == name);
        let again = plan.monitors.iter().filter(|monitor| {
            let name = monitor.name();
            is_refused(&name) && !is_added(&name)
        });
        again.cloned().collect()
    }

    /// Starts again what had stopped for a plan that cannot be used.
    fn restore_monitors(&self, running: &mut Running, stopped: &[MonitorPlan]) -> Result<(), StartError> {
        let Some(plan) = running.plan.clone() else { return Ok(()) };
        self.added.configure(plan.added_entries.clone(), plan.monitors.iter().map(MonitorPlan::name));
        let (disabled, enabled): (Vec<_>, Vec<_>) = stopped.iter().cloned().partition(|monitor| monitor.disabled);
        let built = self.build(running, &plan, enabled);
        self.show_disabled(running, &disabled);
        for (instance, surroundings) in built {
            self.start_monitor(running, instance, &surroundings)?;
        }
        Self::sort(running, &plan);
        Ok(())
    }

    /// Builds instances. What they say about the host is said together, so that the order in which they are built
    /// decides nothing.
    fn build(&self, running: &mut Running, plan: &Plan, monitors: Vec<MonitorPlan>) -> Built {
        let server_attributes = &self.lender.contributions.server_attributes;
        server_attributes.hold();
        let instances = self.build_instances(running, monitors);
        let order = plan.monitors.iter().map(MonitorPlan::name).collect();
        server_attributes.follow(&plan.server_attributes, order);
        instances
    }

    /// False when the agent is to stop meanwhile: then it waits for all of them together.
    fn stop_monitors(&self, running: &mut Running, is_removed: impl Fn(&str) -> bool) -> bool {
        let (removed, kept): (Vec<_>, Vec<_>) =
            running.monitors.drain(..).partition(|handle: &Arc<MonitorHandle>| is_removed(handle.name()));
        running.monitors = kept;
        let (clock, logger) = (&self.stages.clock, &self.stages.logger);
        ask_all(&removed, logger);
        let end = clock.monotonic() + MONITORS_BUDGET;
        while clock.monotonic() < end && !removed.iter().all(|monitor| monitor.is_finished()) {
            if self.hurry.wait(LOOK) {
                running.monitors.extend(removed);
                return false;
            }
        }
        wait_all(&removed, end, MONITORS_BUDGET, clock, logger);
        true
    }

    /// Drops instances that will not run, before others take their place: ports that they have opened are free then,
    /// unless one hangs.
    fn let_go(&self, instances: Built) {
        let (done, dropped) = bounded(1);
        for (_, surroundings) in &instances {
            surroundings.contribution.end();
        }
        let work = move || {
            drop(instances);
            _ = done.send(());
        };
        match self.threads.spawn("drop monitors", work) {
            Ok(()) => _ = self.hurry.receive(&dropped, INITIALISE_BUDGET),
            Err(error) => self.stages.logger.warn(format_args!("No thread to drop monitors on: {error}")),
        }
    }

    /// Instances that were built for a start, or none when the agent is to stop before they run.
    pub(super) fn unless_called_off(&self, built: Built) -> Built {
        if !self.hurry.has_begun() {
            return built;
        }
        self.let_go(built);
        Vec::new()
    }

    /// Builds and initialises the instances, each on a thread of its own, so that one that hangs keeps neither the
    /// others nor the agent from their start. What is refused or late is reported, and the rest runs.
    fn build_instances(&self, running: &mut Running, monitors: Vec<MonitorPlan>) -> Built {
        let (done, built) = bounded(monitors.len());
        let mut waiting: BTreeMap<usize, MonitorPlan> = order::tree(monitors.into_iter().enumerate());
        let (mut unstarted, mut contributions) = (Vec::new(), BTreeMap::new());
        for (&index, monitor) in &waiting {
            let surroundings = self.lender.surroundings(monitor, &self.added);
            contributions.insert(index, Arc::clone(&surroundings.contribution));
            let (done, building) = (done.clone(), monitor.clone());
            let work = move || _ = done.send((index, construct(&building, &surroundings), surroundings));
            if let Err(error) = self.threads.spawn(&format!("build {index}"), work) {
                unstarted.push((index, error));
            }
        }
        for (index, error) in unstarted {
            if let Some(monitor) = waiting.remove(&index) {
                let why = format!("{}: no thread to initialise it on: {error}", monitor.origin);
                self.refuse(running, &monitor, why);
            }
        }
        let deadline = self.stages.clock.monotonic() + INITIALISE_BUDGET;
        let mut instances = BTreeMap::new();
        while !waiting.is_empty() {
            let left = deadline.saturating_duration_since(self.stages.clock.monotonic());
            let Some((index, constructed, surroundings)) = self.hurry.receive(&built, left) else { break };
            let Some(monitor) = waiting.remove(&index) else { continue };
            match constructed {
                Ok(instance) => {
                    contributions.remove(&index);
                    instance.tell_warnings();
                    if !instance.disabled {
                        surroundings.contribution.server_attributes(&instance.server_attributes);
                    }
                    _ = instances.insert(index, (instance, surroundings));
                }
                Err(refused) => self.refuse(running, &monitor, refused.to_string()),
            }
        }
        // What a monitor said that does not run, or too late.
        contributions.values().for_each(|contribution| contribution.end());
        if self.hurry.has_begun() {
            return instances.into_values().collect();
        }
        for monitor in waiting.values() {
            let (name, origin, seconds) = (monitor.name(), &monitor.origin, INITIALISE_BUDGET.as_secs());
            self.added.end_owners(&name);
            let why = format!("Monitor {name} ({origin}) did not initialise within {seconds} s; it does not run");
            self.refuse(running, monitor, why);
        }
        instances.into_values().collect()
    }

    /// Opens the metric log and starts the thread of an instance.
    pub(super) fn start_monitor(
        &self,
        running: &mut Running,
        instance: Instance,
        surroundings: &Surroundings,
    ) -> Result<(), StartError> {
        let name = instance.plan.name();
        if instance.disabled {
            self.stages.logger.info(format_args!("Monitor {name} has disabled itself"));
            let handle = MonitorHandle::disabled_itself(instance, surroundings, &self.threads);
            running.monitors.push(Arc::new(handle));
            return Ok(());
        }
        let output = match self.lender.open(&instance) {
            Ok(output) => output,
            Err(why) => {
                surroundings.contribution.end();
                self.refuse(running, &instance.plan, format!("Monitor {name} is not started: {why}"));
                return Ok(());
            }
        };
        self.stages.logger.info(format_args!("Starting monitor {name}{}", instance.plan.starting_note()));
        let plan = instance.plan.clone();
        match MonitorHandle::start(instance, output, surroundings, None, &self.threads) {
            Ok(handle) => running.monitors.push(Arc::new(handle)),
            // The agent does not end because of a reload.
            Err(error) if running.plan.is_some() => {
                surroundings.contribution.end();
                self.refuse(running, &plan, format!("Monitor {name} is not started: it gets no thread: {error}"));
            }
            Err(error) => return Err(refused(&format!("thread of monitor {name}"))(error)),
        }
        Ok(())
    }

    /// Shows the instances that their entries disable; nothing of them runs.
    pub(super) fn show_disabled(&self, running: &mut Running, disabled: &[MonitorPlan]) {
        for plan in disabled {
            self.stages.logger.info(format_args!("Monitor {} is disabled ({})", plan.name(), plan.origin));
            let surroundings = self.lender.surroundings(plan, &self.added);
            running.monitors.push(Arc::new(MonitorHandle::disabled(plan, &surroundings, &self.threads)));
        }
    }

    /// Brings the instances into the order of the configuration.
    pub(super) fn sort(running: &mut Running, plan: &Plan) {
        let places: HashMap<String, usize> =
            plan.monitors.iter().enumerate().map(|(place, monitor)| (monitor.name(), place)).collect();
        order::by_key(&mut running.monitors, |monitor| places.get(monitor.name()).copied().unwrap_or(usize::MAX));
    }

    /// Reports an instance that does not run; when the agent must not run without it, the next tick says so.
    fn refuse(&self, running: &mut Running, plan: &MonitorPlan, why: String) {
        self.stages.logger.coded(Level::Error, "monitorRefused", &why);
        if plan.stop_agent_on_failure {
            let name = plan.name();
            running.fatal.get_or_insert_with(|| {
                let short_hash = crate::monitors::state::short_hash_of(plan);
                format!(
                    "Monitor {name} (short hash {short_hash}) is refused and has stop_agent_on_failure, so the agent \
                     stops: {why}"
                )
            });
        }
        running.refused.push(RefusedMonitor { name: plan.name(), why });
    }
}
