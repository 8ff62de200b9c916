//! Owns every thread of the agent: starts what the plan asks for and stops it in order.

mod configuration;
mod contributions;
mod difference;
mod end;
mod handover;
mod hurry;
mod instances;
mod left_over;
mod lender;
mod life;
mod listening;
mod moves;
mod reload;
mod settings;
mod snapshot;
mod start;
mod statistics;
#[cfg(test)]
mod tests;
mod vigil;
mod watching;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use scalyr_monitor::rules::SeriesBudget;
use scalyr_monitor::{Clock, Level, Logger, Stop, Timestamp};

use configuration::Configuration;
use contributions::Contributions;
pub use difference::{Change, Difference};
pub use end::{LONGEST_STOP, Stopped};
use handover::{Handovers, Next};
use hurry::Hurry;
use lender::Lender;
use life::Heartbeat;
use moves::Moves;
pub use reload::{Changes, Reloaded};
use start::{Ground, announce, refused};
pub use start::{StartError, unusable};
use watching::RulesTold;

use crate::checkpoint::Checkpoint;
use crate::config::Report;
use crate::config::effective::EffectiveOption;
use crate::config::plan::{AgentLogPlan, MonitorPlan, Plan, SessionId, SessionPlan};
use crate::data_lock::DataLock;
use crate::lag::LagWatch;
use crate::ledger::Ledger;
use crate::logs::{MetricLogCopies, Noticing, Tail, TailHandle, TailParts};
use crate::monitors::added::AddedMonitors;
use crate::monitors::runner::MonitorHandle;
use crate::open_files;
use crate::own_logs::agent_log::AgentLog;
use crate::own_logs::metric_log::MetricLogs;
use crate::service::pid_file::PidFile;
use crate::statistics::Statistics;
use crate::status::history::History;
use crate::status::listener::Listener;
use crate::status::socket::StatusSocket;
use crate::status::{self, RefusedMonitor, Snapshot};
use crate::threads::Threads;
use crate::upload::{EventTimes, Session, SessionParts};

/// Marks in the agent log that the agent stops because of a failure.
const FAILED_AGENT: &str = "failedAgentMain";
/// What the edge hands in.
pub struct Edge {
    /// The main configuration file, for `status`.
    pub config_file: PathBuf,
    /// What is wrong or odd in the configuration: logged at start and shown in `status`.
    pub report: Report,
    /// The value of each key: logged at start as far as they matter, and when one changes.
    pub options: Vec<EffectiveOption>,
    /// The time.
    pub clock: Clock,
    /// Where `--no-fork` copies the agent log to.
    pub stdout: Option<Box<dyn io::Write + Send>>,
}

/// The running agent.
pub struct Supervisor {
    stages: Arc<Stages>,
    threads: Threads,
    stop: Stop,
    lender: Lender,
    added: AddedMonitors,
    /// Files that wait to go from a session to another one.
    moves: Mutex<Moves>,
    /// Once the agent is to stop, a reload waits for nobody.
    hurry: Hurry,
    /// Plans are applied one after the other.
    applying: Mutex<()>,
    // In this order: who finds the pid file free finds the data directory free, too.
    _lock: DataLock,
    pid_file: Mutex<PidFile>,
}

/// The stages at work; shared with the thread that answers `status`.
struct Stages {
    configuration: Mutex<Configuration>,
    started: Timestamp,
    clock: Clock,
    /// The user that the agent runs as.
    user: String,
    environment: OnceLock<Vec<status::EnvironmentVariable>>,
    snapshots_took: snapshot::Took,
    logger: Logger,
    agent_log: Arc<AgentLog>,
    ledger: Ledger,
    checkpoint: Arc<Checkpoint>,
    tail: TailHandle,
    handovers: Handovers,
    added: AddedMonitors,
    running: Mutex<Running>,
    lag: LagWatch,
    statistics: Mutex<Statistics>,
    rules_told: RulesTold,
    /// Serves the status over HTTP, when it is to.
    listener: Listener,
    heartbeat: Heartbeat,
    history: Arc<History>,
    /// Of the events of all sessions, also of those that a reload brings.
    event_times: EventTimes,
}

/// What `apply` has started so far.
#[derive(Clone, Default)]
struct Running {
    plan: Option<Plan>,
    sessions: Vec<(SessionId, Arc<Session>)>,
    monitors: Vec<Arc<MonitorHandle>>,
    refused: Vec<RefusedMonitor>,
    /// Why the agent must not go on.
    fatal: Option<String>,
}

/// Why a plan is not the one in use.
#[derive(Debug)]
enum NotApplied {
    /// Monitors refuse to run; the plan before is in use again.
    Refused(Vec<String>),
    /// The agent is to stop, so it was not waited for the monitors.
    CalledOff,
    /// Only a part of it could be started.
    Broken(StartError),
}

impl From<StartError> for NotApplied {
    fn from(error: StartError) -> Self {
        Self::Broken(error)
    }
}

impl NotApplied {
    fn into_error(self) -> StartError {
        match self {
            Self::Broken(error) => error,
            Self::CalledOff => refused("start")(io::ErrorKind::Interrupted.into()),
            Self::Refused(reasons) => refused("monitors")(io::Error::other(reasons.join("\n"))),
        }
    }
}

impl Supervisor {
    /// Starts everything that `plan` asks for.
    ///
    /// # Errors
    /// When the agent cannot work at all: a directory, the lock, its log or a thread is missing. A monitor or a log
    /// that cannot run is reported and left out.
    pub fn start(plan: Plan, edge: Edge) -> Result<Self, StartError> {
        Self::start_unless(plan, edge, &Stop::new())
    }

    /// The same; once `stop` is asked for, now or later, neither this nor a reload waits for a monitor any more, so that the
    /// agent can end.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_unless(plan: Plan, edge: Edge, stop: &Stop) -> Result<Self, StartError> {
        let clock = edge.clock;
        let Ground { pid_file, lock, agent_log, own_log } = Ground::prepare(&plan, &clock, edge.stdout)?;
        let agent_log = Arc::new(agent_log);
        let logger = Logger::new(agent_log.clone(), "core");
        announce(&logger, &plan, &edge.config_file, &edge.report);
        settings::show(&logger, &edge.options, &plan.sessions);

        let threads = Threads::new();
        let ledger = Ledger::new();
        agent_log.guard(Arc::new(ledger.clone()));
        let checkpoint = Arc::new(Checkpoint::open(&plan.data_path, ledger.clone(), clock.clone(), logger.clone()));
        checkpoint.take_over_from_python();
        checkpoint.ignore(&plan.ignored_positions);
        let parts = TailParts {
            plan: plan.tail,
            ledger: ledger.clone(),
            checkpoint: Arc::clone(&checkpoint),
            logger: logger.clone(),
            clock: clock.clone(),
            max_open_files: open_files::raise_limit(),
            noticing: Noticing::default(),
            own_log,
        };
        let tail = Tail::start(parts, &threads).map_err(refused("thread of the tail stage"))?;
        let lender = Lender {
            clock: clock.clone(),
            logger: logger.clone(),
            contributions: Contributions::new(tail.clone(), &logger),
            metric_logs: Arc::new(MetricLogs::guarded(logger.clone(), Arc::new(ledger.clone()))),
            settled: Arc::clone(&checkpoint) as _,
            copies: MetricLogCopies::new(tail.clone(), logger.clone()),
            log_path: plan.log_path.clone(),
            data_path: plan.data_path.clone(),
            rate_series: SeriesBudget::default(),
        };
        let host = Box::new(lender.clone());
        let added = AddedMonitors::new(host, threads.clone(), clock.clone());
        let stages = Arc::new(Stages {
            configuration: Mutex::new(Configuration::new(edge.config_file, &edge.report, edge.options, clock.now())),
            started: clock.now(),
            clock: clock.clone(),
            user: status::user::current(),
            environment: OnceLock::new(),
            snapshots_took: snapshot::Took::default(),
            logger: logger.clone(),
            agent_log,
            ledger,
            checkpoint,
            handovers: Handovers::new(tail.clone(), threads.clone(), clock.clone(), logger.clone()),
            tail,
            added: added.clone(),
            running: Mutex::default(),
            lag: LagWatch::new(logger.clone()),
            statistics: Mutex::new(Statistics::new(clock.monotonic())),
            rules_told: RulesTold::default(),
            listener: Listener::new().map_err(refused("descriptor for status_listen"))?,
            heartbeat: Heartbeat::begin(clock.monotonic()),
            history: Arc::default(),
            event_times: EventTimes::default(),
        });
        let no_socket = || refused("status socket in agent_data_path");
        let socket = StatusSocket::bind(&plan.data_path).map_err(no_socket())?;
        let supervisor = Self {
            stages,
            threads,
            stop: Stop::new(),
            lender,
            added,
            moves: Mutex::default(),
            hurry: Hurry::default(),
            applying: Mutex::default(),
            _lock: lock,
            pid_file: Mutex::new(pid_file),
        };
        supervisor.hurry_on(stop);
        let status_listen = plan.status_listen.clone();
        supervisor.apply(plan, false).map_err(NotApplied::into_error)?;
        supervisor.stages.agent_log.start_is_over();
        // Only now, so that whoever is answered knows that everything was started.
        let stages = Arc::clone(&supervisor.stages);
        let snapshot = move || stages.snapshot();
        socket.serve(&supervisor.threads, &supervisor.stop, &clock, logger, snapshot).map_err(no_socket())?;
        supervisor.listen(status_listen.as_ref())?;
        Ok(supervisor)
    }

    /// From when `stop` is asked for, nobody waits for a monitor that is being started, or stopped by a reload.
    pub fn hurry_on(&self, stop: &Stop) {
        self.hurry.begin_on(stop);
    }

    /// Brings the running agent from the plan it has to `plan`. With `again`, monitors that were refused and that did not
    /// change are tried once more.
    fn apply(&self, plan: Plan, again: bool) -> Result<Changes, NotApplied> {
        let _alone = self.applying.lock().unwrap_or_else(PoisonError::into_inner);
        // On a copy: a monitor that takes its time to end must not keep `status` from its answer.
        let mut running = self.stages.lock().clone();
        let applied = self.apply_to(&mut running, plan, again);
        *self.stages.lock() = running;
        applied
    }

    fn apply_to(&self, running: &mut Running, mut plan: Plan, again: bool) -> Result<Changes, NotApplied> {
        let is_start = running.plan.is_none();
        plan.hide_also(running.plan.as_ref());
        let mut difference = Difference::between(running.plan.as_ref(), &plan);
        let mut changes = Changes::between(running.plan.as_ref(), &plan, &difference);
        let workers = running.plan.as_ref().map(|plan| plan.added_entries.workers());
        // One that was refused for its worker may run now.
        let again = again || workers.is_some_and(|workers| workers != plan.added_entries.workers());
        let again = if again { Self::refused_unchanged(running, &plan, &difference) } else { Vec::new() };
        difference.monitors.removed.extend(again.iter().cloned());
        difference.monitors.added.extend(again.iter().cloned());
        // First of all, so that nothing has changed yet when the system refuses their threads.
        let sessions = self.start_sessions(std::mem::take(&mut difference.sessions.added));
        let sessions = match sessions {
            Err(error) if !is_start => return Err(NotApplied::Refused(vec![error.to_string()])),
            sessions => sessions?,
        };
        let (instances, disabled) = if is_start {
            // The files that are there now are found, and their positions taken, before anything else can take its time.
            self.stages.tail.share(plan.session_counts());
            self.stages.tail.follow(plan.tail, plan.logs.clone());
            let (built, disabled) = self.build_monitors(running, &plan, &difference);
            (self.unless_called_off(built), disabled)
        } else {
            let built = self.replace_monitors(running, &plan, &difference);
            let built = built.inspect_err(|_| sessions.iter().for_each(|(_, session)| session.hasten()))?;
            self.stop_removed(running, &difference, &plan);
            self.stages.tail.share(plan.session_counts());
            self.stages.tail.follow(plan.tail, plan.logs.clone());
            built
        };
        let order: Vec<String> = plan.monitors.iter().map(MonitorPlan::name).collect();
        self.lender.contributions.user_agent.count_sessions(&plan.sessions);
        for (id, session) in sessions {
            self.stages.handovers.take_over(&id, Arc::clone(&session));
            running.sessions.push((id, session));
        }
        self.lender.contributions.follow_workers(plan.added_entries.workers());
        self.lender.contributions.registrations.follow_entries(&plan.logs);
        let running_now = instances.iter().filter(|(instance, _)| !instance.disabled);
        let copied = running_now.map(|(instance, _)| instance.metric_log()).collect();
        let removed: Vec<String> = difference.monitors.removed.iter().map(MonitorPlan::name).collect();
        self.lender.copies.follow(plan.logs.clone(), order, &removed, copied);
        self.show_disabled(running, &disabled);
        for (instance, surroundings) in instances {
            self.start_monitor(running, instance, &surroundings)?;
        }
        Self::sort(running, &plan);
        for monitor in again.iter().map(MonitorPlan::name) {
            if running.monitors.iter().any(|running| running.name() == monitor) {
                changes.note_started(monitor);
            }
        }
        if !is_start {
            self.follow_agent_log(&plan.agent_log);
            self.listen(plan.status_listen.as_ref())?;
            // That a monitor cannot be started is told by `status`; the agent does not end because of a reload.
            running.fatal = None;
        }
        running.plan = Some(plan);
        Ok(changes)
    }

    fn follow_agent_log(&self, plan: &AgentLogPlan) {
        if let Err(error) = self.stages.agent_log.follow(plan) {
            self.stages.logger.error(format_args!("debug_level stays as it was: {error}"));
        }
    }

    /// Stops the sessions that the new plan does not have any more.
    fn stop_removed(&self, running: &mut Running, difference: &Difference, plan: &Plan) {
        for removed in &difference.sessions.removed {
            let remains = |same: &dyn Fn(&SessionId) -> bool| plan.sessions.iter().any(|session| same(&session.id));
            let next = if remains(&|id| *id == removed.id) {
                Next::Successor
            } else if remains(&|id| id.worker == removed.id.worker) {
                Next::Others
            } else {
                Next::Nobody
            };
            for (id, session) in running.sessions.extract_if(.., |(id, _)| *id == removed.id) {
                self.stages.handovers.leave(&id, session, next);
            }
        }
    }

    /// Starts sessions, to which nothing is handed yet.
    fn start_sessions(&self, plans: Vec<SessionPlan>) -> Result<Vec<(SessionId, Arc<Session>)>, StartError> {
        let mut sessions = Vec::new();
        for plan in plans {
            let id = plan.id.clone();
            let parts = SessionParts {
                threads: self.threads.clone(),
                clock: self.stages.clock.clone(),
                logger: self.stages.logger.clone(),
                checkpoint: self.stages.checkpoint.clone(),
                server_attributes: self.lender.contributions.server_attributes.clone(),
                user_agent: self.lender.contributions.user_agent.clone(),
                event_times: self.stages.event_times.clone(),
            };
            let session = Session::start(plan, parts).map_err(refused(&format!("session {id}")))?;
            sessions.push((id, Arc::new(session)));
        }
        Ok(sessions)
    }

    /// How everything stands.
    pub fn snapshot(&self) -> Snapshot {
        self.stages.snapshot()
    }

    /// A disk that was full at the start may have room now.
    fn complete_pid_file(&self) {
        let mut pid_file = self.pid_file.lock().unwrap_or_else(PoisonError::into_inner);
        if !pid_file.is_written() && pid_file.complete().is_ok() {
            self.stages
                .logger
                .info("the pid file names this process now; the disk of agent_log_path was full at the start");
        }
    }

    /// What has to be done now and then; call it every few seconds.
    ///
    /// # Errors
    /// When a stage had to end by itself, so that only a restart of the process helps; or when a monitor has failed
    /// that has `stop_agent_on_failure`.
    pub fn tick(&self) -> Result<(), String> {
        self.stages.heartbeat.beat(self.stages.clock.monotonic());
        self.stages.agent_log.tick();
        if let Some(broken) = self.stages.tail.snapshot().broken {
            return Err(format!("copying log files {broken}"));
        }
        let (fatal, monitors) = {
            let mut running = self.stages.lock();
            (running.fatal.take(), running.monitors.clone())
        };
        self.complete_pid_file();
        self.look_after_moves();
        self.stages.checkpoint.tend();
        self.stages.look_after_files();
        self.stages.note_history();
        self.stages.tell_statistics();
        monitors.iter().for_each(|monitor| monitor.look_after());
        let failed = || monitors.iter().find_map(|monitor| monitor.fatal_failure());
        let of_added = self.added.tick();
        match fatal.or_else(failed).or(of_added) {
            Some(failure) => {
                self.stages.logger.coded(Level::Error, FAILED_AGENT, &failure);
                Err(failure)
            }
            None => Ok(()),
        }
    }

    /// Bytes that have moved to and from all servers: another number than before whenever some have.
    pub fn moved(&self) -> u64 {
        let running = self.stages.lock();
        running.sessions.iter().fold(0, |sum, (_, session)| session.life().moved.wrapping_add(sum))
    }

    /// The agent log.
    pub fn logger(&self) -> &Logger {
        &self.stages.logger
    }
}

impl Stages {
    fn lock(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn configuration(&self) -> MutexGuard<'_, Configuration> {
        self.configuration.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
