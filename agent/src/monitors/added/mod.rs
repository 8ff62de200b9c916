//! Monitors that monitors add and remove while they run (`monitor-framework.md` section 17): the same for the daemon
//! and for `--run-monitor`.
//!
//! No code of a monitor runs while the book is locked, so `add` and `remove` may be called from everywhere.

mod book;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, bounded};
use scalyr_monitor::monitors::{AddedMonitor, MonitorRegistry};
use scalyr_monitor::registry::Registry;
use scalyr_monitor::{Clock, Error, Logger, Monitors, NewMonitor, Result, Stop};

use crate::config::AddedEntries;
use crate::config::plan::{LogPlan, MonitorPlan};
use crate::monitors::instance::{Instance, Surroundings, construct};
use crate::monitors::runner::MonitorHandle;
use crate::monitors::state::MonitorSnapshot;
use crate::own_logs::metric_log::MetricOutput;
use crate::threads::Threads;

pub use book::MOST_ADDED;
use book::{Book, Member, Owner};

/// A monitor that is added has this long to initialise itself, and one of the same name before it to end.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often somebody who waits looks whether the agent is stopping.
const GLANCE: Duration = Duration::from_millis(50);
/// A monitor that was removed may take this long to end before it is left behind.
const END: Duration = Duration::from_secs(5);

/// Where added monitors live: what daemon and `--run-monitor` do differently.
pub trait Host: Send + Sync {
    /// What the instance of this plan is lent; `monitors` is filled in.
    fn surroundings(&self, plan: &MonitorPlan) -> Surroundings;

    /// Opens the metric log of the instance, copied from now on.
    ///
    /// # Errors
    /// Why its lines can go nowhere.
    fn open(&self, instance: &Instance) -> std::result::Result<Opened, String>;

    /// An instance has ended: its metric log is copied to its end and let go.
    fn close(&self, log: LogPlan);
}

/// The metric log of an instance.
pub struct Opened {
    /// Where its lines go.
    pub output: Arc<dyn MetricOutput>,
    /// How it is copied, if it is.
    pub copied: Option<LogPlan>,
}

/// The monitors that monitors have added. Cheap to clone.
#[derive(Clone)]
pub struct AddedMonitors(Arc<Parts>);

struct Parts {
    host: Box<dyn Host>,
    threads: Threads,
    clock: Clock,
    registry: OnceLock<std::result::Result<Registry, String>>,
    book: Book,
}

impl AddedMonitors {
    /// None yet, and none can be added before it is [configured](Self::configure).
    pub fn new(host: Box<dyn Host>, threads: Threads, clock: Clock) -> Self {
        Self(Arc::new(Parts { host, threads, clock, registry: OnceLock::new(), book: Book::default() }))
    }

    /// The configuration is another one: what an entry that is added means, and which names its own monitors have.
    /// Added monitors that have one of these names stop.
    pub fn configure(&self, entries: AddedEntries, names: impl IntoIterator<Item = String>) {
        for member in self.0.book.configure(entries, names.into_iter().collect()) {
            member.ask_to_stop();
        }
    }

    /// A handle for the instance of this name: what is added by it ends with what is returned. `logger` is the
    /// instance's own.
    pub fn lend(&self, name: &str, logger: &Logger) -> Lent {
        Lent { added: self.clone(), owner: self.0.book.new_owner(name, logger) }
    }

    /// The instance of this name does not run, although its `initialize` may not have ended yet: what it has added ends,
    /// and it can add nothing more.
    pub fn end_owners(&self, name: &str) {
        for member in self.0.book.end_owners(name) {
            member.ask_to_stop();
        }
    }

    /// All that are there, those that are about to end among them, with who added them.
    pub fn snapshots(&self) -> Vec<MonitorSnapshot> {
        let snapshot = |member: &Member| {
            let mut snapshot = member.handle.snapshot();
            snapshot.added_by = Some(member.owner.name.clone());
            snapshot
        };
        self.0.book.members().iter().map(snapshot).collect()
    }

    /// What has to be done now and then: tells of hung samples, and forgets what has ended. Returns why the agent must
    /// stop, if one failed that has `stop_agent_on_failure`.
    pub fn tick(&self) -> Option<String> {
        self.forget_ended();
        let members = self.0.book.members();
        members.iter().for_each(|member| member.handle.look_after());
        for member in self.0.book.overdue(END, self.0.clock.monotonic()) {
            member.handle.leave_behind();
            member.owner.logger.warn(format_args!(
                "Monitor {} was removed, did not stop within {} s and is left behind",
                member.name,
                END.as_secs()
            ));
        }
        members.iter().find_map(|member| member.handle.fatal_failure())
    }

    /// Takes no further monitor; returns all that are there, for whoever stops them.
    pub fn close(&self) -> Vec<Arc<MonitorHandle>> {
        self.0.book.close().into_iter().map(|member| member.handle).collect()
    }

    /// Closes the logs of those that have ended.
    fn forget_ended(&self) {
        for member in self.0.book.begin_forgetting() {
            if let Some(log) = member.copied.clone() {
                self.0.host.close(log);
            }
            self.0.book.forget(&member);
        }
    }

    fn end_owner(&self, owner: &Owner) {
        for member in self.0.book.end_owner(owner) {
            member.ask_to_stop();
        }
    }

    fn add(&self, owner: &Arc<Owner>, new: &NewMonitor) -> Result<String> {
        let plan = self.plan(owner, new)?;
        let name = plan.name();
        self.wait_for_earlier(owner, &name)?;
        let slot = self.0.book.reserve(owner, &name).map_err(|why| refusal(&name, &why))?;
        let (handle, copied) = if plan.disabled {
            (MonitorHandle::disabled(&plan, &self.surroundings(&plan), &self.0.threads), None)
        } else {
            let surroundings = self.surroundings(&plan);
            let contribution = Arc::clone(&surroundings.contribution);
            let started = self
                .build(owner, &plan, &surroundings)
                .and_then(|instance| self.start(owner, instance, &surroundings).map_err(|why| refusal(&name, &why)));
            // What it said goes with it.
            started.inspect_err(|_| {
                contribution.end();
                self.end_owners(&name);
            })?
        };
        let handle = Arc::new(handle);
        let member = Member { name: name.clone(), owner: Arc::clone(owner), handle: Arc::clone(&handle), copied };
        slot.fill(member).map_err(|why| {
            handle.ask_to_stop();
            refusal(&name, &why)
        })?;
        Ok(name)
    }

    /// Entry → plan, with all its problems.
    fn plan(&self, owner: &Owner, new: &NewMonitor) -> Result<MonitorPlan> {
        let linked = || Registry::linked().map_err(|problems| problems.join("\n"));
        let registry = self.0.registry.get_or_init(linked).as_ref().map_err(Error::new)?;
        let entries = self.0.book.entries().ok_or_else(|| Error::new("monitors cannot be added yet"))?;
        let origin = format!("added by {}", owner.name);
        let mut plan = entries
            .plan(&origin, new.entry.clone(), registry)
            .map_err(|report| Error::new(report.to_string().trim_end()))?;
        plan.added = Some(new.clone());
        Ok(plan)
    }

    /// Waits until an instance of the same name that was removed has ended: the two would write into one log.
    fn wait_for_earlier(&self, owner: &Owner, name: &str) -> Result<()> {
        for _ in 0..PATIENCE.as_millis() / GLANCE.as_millis() {
            if let Some(why) = self.0.book.refusal(owner) {
                return Err(refusal(name, &why));
            }
            let Some(handle) = self.0.book.leaving(name) else { return Ok(()) };
            if !handle.wait(GLANCE) {
                continue;
            }
            self.forget_ended();
            if self.0.book.leaving(name).is_some() {
                // Another thread is closing its log.
                Stop::new().wait(GLANCE);
            }
        }
        let why = format!("one of that name was removed and has not ended within {} s", PATIENCE.as_secs());
        if self.0.book.leaving(name).is_some() { Err(refusal(name, &why)) } else { Ok(()) }
    }

    fn surroundings(&self, plan: &MonitorPlan) -> Surroundings {
        Surroundings { monitors: Some(self.clone()), ..self.0.host.surroundings(plan) }
    }

    /// Builds the instance on a thread of its own, so that one that hangs does not keep its owner for long, and not at all
    /// when that is asked to stop.
    fn build(&self, owner: &Owner, plan: &MonitorPlan, surroundings: &Surroundings) -> Result<Instance> {
        let (name, surroundings) = (plan.name(), surroundings.clone());
        let (done, built) = bounded(1);
        let building = plan.clone();
        // Nobody waits any more for one that is late; it is dropped.
        let work = move || _ = done.send(construct(&building, &surroundings));
        self.0
            .threads
            .spawn(&format!("build {name}"), work)
            .map_err(|error| refusal(&name, &format!("no thread to initialise it on: {error}")))?;
        let mut waited = Duration::ZERO;
        loop {
            match built.recv_timeout(GLANCE) {
                Ok(constructed) => return constructed.map_err(|refused| Error::new(refused.to_string())),
                Err(RecvTimeoutError::Timeout) if waited < PATIENCE => {
                    if let Some(why) = self.0.book.refusal(owner) {
                        return Err(refusal(&name, &why));
                    }
                    waited += GLANCE;
                }
                Err(_) => {
                    let why = format!("it did not initialise within {} s", PATIENCE.as_secs());
                    return Err(refusal(&name, &why));
                }
            }
        }
    }

    fn start(
        &self,
        owner: &Owner,
        instance: Instance,
        surroundings: &Surroundings,
    ) -> std::result::Result<(MonitorHandle, Option<LogPlan>), String> {
        let name = instance.plan.name();
        if instance.disabled {
            owner.logger.info(format_args!("Monitor {name}, added by {}, has disabled itself", owner.name));
            return Ok((MonitorHandle::disabled_itself(instance, surroundings, &self.0.threads), None));
        }
        let Opened { output, copied } = self.0.host.open(&instance)?;
        instance.tell_warnings();
        surroundings.contribution.server_attributes(&instance.server_attributes);
        let note = instance.plan.starting_note();
        // Within the owner's share of the agent log: it decides how many there are.
        owner.logger.info(format_args!("Starting monitor {name}, added by {}{note}", owner.name));
        match MonitorHandle::start(instance, output, surroundings, None, &self.0.threads) {
            Ok(handle) => Ok((handle, copied)),
            Err(error) => {
                copied.into_iter().for_each(|log| self.0.host.close(log));
                Err(format!("no thread to run it on: {error}"))
            }
        }
    }

    fn remove(&self, owner: &Owner, key: &str) -> Result<()> {
        let Some(member) = self.0.book.remove(owner, key) else {
            let named = |monitor: AddedMonitor| format!("`{}`", monitor.name);
            let added: Vec<_> = self.list(owner).into_iter().take(20).map(named).collect();
            let added = if added.is_empty() { "none".to_owned() } else { added.join(", ") };
            return Err(Error::new(format!(
                "{} has added no monitor {key:?} that could be removed; it has {added}",
                owner.name
            )));
        };
        member.ask_to_stop();
        self.forget_ended();
        Ok(())
    }

    fn list(&self, owner: &Owner) -> Vec<AddedMonitor> {
        self.0.book.of(owner).iter().map(Member::describe).collect()
    }
}

fn refusal(name: &str, why: &str) -> Error {
    Error::new(format!("Monitor {name} is not added: {why}"))
}

/// What an instance is lent to add monitors with. When it is dropped, what was added with it stops.
pub struct Lent {
    added: AddedMonitors,
    owner: Arc<Owner>,
}

impl Lent {
    /// The handle for the monitor itself.
    pub fn monitors(&self) -> Monitors {
        Monitors::new(Arc::new(Registrar { added: self.added.clone(), owner: Arc::clone(&self.owner) }))
    }

    /// Stops what was added, and lets nothing more be added.
    pub(super) fn end_of_owner(&self) -> impl FnOnce() + Send + use<> {
        let (added, owner) = (self.added.clone(), Arc::clone(&self.owner));
        move || added.end_owner(&owner)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.added.end_owner(&self.owner);
    }
}

/// Adds on behalf of one instance.
struct Registrar {
    added: AddedMonitors,
    owner: Arc<Owner>,
}

impl MonitorRegistry for Registrar {
    fn add(&self, monitor: NewMonitor) -> Result<String> {
        self.added.add(&self.owner, &monitor)
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.added.remove(&self.owner, name)
    }

    fn list(&self) -> Vec<AddedMonitor> {
        self.added.list(&self.owner)
    }
}
