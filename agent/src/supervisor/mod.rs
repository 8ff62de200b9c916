//! Owns every thread of the agent: starts what the plan asks for and stops it in order.

mod contributions;
mod difference;
mod handover;
mod instances;
mod lender;
mod start;
#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scalyr_monitor::rules::SeriesBudget;
use scalyr_monitor::{Clock, Level, Logger, Stop, Timestamp};

use contributions::Contributions;
pub use difference::{Change, Difference};
use handover::Handovers;
use lender::Lender;
pub use start::StartError;
use start::{announce, make_directory, refused};

use crate::checkpoint::Checkpoint;
use crate::config::Report;
use crate::config::plan::{MonitorPlan, Plan, SessionPlan};
use crate::data_lock::DataLock;
use crate::ledger::{Ledger, Offset, Totals, WorkerId};
use crate::logs::{MetricLogCopies, Tail, TailHandle, TailParts};
use crate::monitors::added::AddedMonitors;
use crate::monitors::runner::{MonitorHandle, stop_all};
use crate::monitors::state::Phase;
use crate::open_files;
use crate::own_logs::agent_log::AgentLog;
use crate::own_logs::metric_log::MetricLogs;
use crate::status::socket::StatusSocket;
use crate::status::{self, AgentLogSnapshot, RefusedMonitor, Snapshot};
use crate::threads::Threads;
use crate::upload::{Save, Session, SessionParts};

/// Marks in the agent log that the agent stops because of a failure.
const FAILED_AGENT: &str = "failedAgentMain";
/// All monitors together have this long to end.
const MONITORS_BUDGET: Duration = Duration::from_secs(5);
/// The last read of the log files takes at most this long.
const LAST_READ_BUDGET: Duration = Duration::from_secs(2);
/// The sessions together have this long to get rid of what was read.
const SESSIONS_BUDGET: Duration = Duration::from_secs(5);

/// What the edge hands in.
pub struct Edge {
    /// The main configuration file, for `status`.
    pub config_file: PathBuf,
    /// What is wrong or odd in the configuration: logged at start and shown in `status`.
    pub report: Report,
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
    handovers: Handovers,
    _lock: DataLock,
}

/// The stages at work; shared with the thread that answers `status`.
struct Stages {
    config_file: PathBuf,
    config_problems: Vec<String>,
    started: Timestamp,
    clock: Clock,
    logger: Logger,
    agent_log: Arc<AgentLog>,
    ledger: Ledger,
    checkpoint: Arc<Checkpoint>,
    tail: TailHandle,
    added: AddedMonitors,
    running: Mutex<Running>,
}

/// What `apply` has started so far.
#[derive(Default)]
struct Running {
    plan: Option<Plan>,
    sessions: Vec<(WorkerId, Arc<Session>)>,
    monitors: Vec<Arc<MonitorHandle>>,
    refused: Vec<RefusedMonitor>,
    /// Why the agent must not go on.
    fatal: Option<String>,
}

/// How the agent ended.
#[derive(Debug)]
pub struct Stopped {
    /// Whether everything that had been read was settled.
    pub drained: bool,
    /// Monitors that did not end within their time.
    pub left_behind: Vec<String>,
    /// What became of all bytes.
    pub totals: Totals,
}

impl Supervisor {
    /// Starts everything that `plan` asks for.
    ///
    /// # Errors
    /// When the agent cannot work at all: a directory, the lock, its log or a thread is missing. A monitor or a log
    /// that cannot run is reported and left out.
    pub fn start(plan: Plan, edge: Edge) -> Result<Self, StartError> {
        make_directory(&plan.data_path, "agent_data_path")?;
        let lock = DataLock::take(&plan.data_path)?;
        make_directory(&plan.log_path, "agent_log_path")?;
        let clock = edge.clock;
        let agent_log_path = plan.log_path.join("agent.log");
        let own_log_begin = Offset(fs::metadata(&agent_log_path).map_or(0, |metadata| metadata.len()));
        let agent_log =
            AgentLog::open(&plan.log_path, plan.agent_log, clock.clone(), edge.stdout).map_err(StartError::AgentLog)?;
        let agent_log = Arc::new(agent_log);
        let logger = Logger::new(agent_log.clone(), "core");
        announce(&logger, &plan, &edge.config_file, &edge.report);

        let threads = Threads::new();
        let ledger = Ledger::new();
        let checkpoint = Arc::new(Checkpoint::open(&plan.data_path, ledger.clone(), clock.clone(), logger.clone()));
        let parts = TailParts {
            plan: plan.tail,
            ledger: ledger.clone(),
            checkpoint: Arc::clone(&checkpoint),
            logger: logger.clone(),
            clock: clock.clone(),
            max_open_files: open_files::raise_limit(),
            own_log: (agent_log_path, own_log_begin),
        };
        let tail = Tail::start(parts, &threads).map_err(refused("thread of the tail stage"))?;
        let lender = Lender {
            clock: clock.clone(),
            logger: logger.clone(),
            contributions: Contributions::new(tail.clone(), &logger),
            metric_logs: Arc::new(MetricLogs::new(logger.clone())),
            copies: MetricLogCopies::new(tail.clone(), logger.clone()),
            log_path: plan.log_path.clone(),
            rate_series: SeriesBudget::default(),
        };
        let host = Box::new(lender.clone());
        let added = AddedMonitors::new(host, threads.clone(), clock.clone());
        let stages = Arc::new(Stages {
            config_file: edge.config_file,
            config_problems: edge
                .report
                .problems()
                .iter()
                .map(|problem| format!("{}: {problem}", problem.severity))
                .collect(),
            started: clock.now(),
            clock,
            logger: logger.clone(),
            agent_log,
            ledger,
            checkpoint,
            tail,
            added: added.clone(),
            running: Mutex::default(),
        });
        let no_socket = || refused("status socket in agent_data_path");
        let socket = StatusSocket::bind(&plan.data_path).map_err(no_socket())?;
        let (tail, clock) = (stages.tail.clone(), stages.clock.clone());
        let handovers = Handovers::new(tail, threads.clone(), clock, logger.clone());
        let supervisor = Self { stages, threads, stop: Stop::new(), lender, added, handovers, _lock: lock };
        supervisor.apply(plan)?;
        // Only now, so that whoever is answered knows that everything was started.
        let stages = Arc::clone(&supervisor.stages);
        let snapshot = move || stages.snapshot();
        socket.serve(&supervisor.threads, &supervisor.stop, logger, snapshot).map_err(no_socket())?;
        Ok(supervisor)
    }

    /// Brings the running agent from the plan it has to `plan`.
    fn apply(&self, plan: Plan) -> Result<(), StartError> {
        let mut running = self.stages.lock();
        let difference = Difference::between(running.plan.as_ref(), &plan);
        self.stop_removed(&mut running, &difference);
        // The files that are there now are found, and their positions taken, before anything else can take its time.
        self.stages.tail.follow(plan.tail, plan.logs.clone());
        self.added.configure(plan.added_entries.clone(), plan.monitors.iter().map(MonitorPlan::name));
        let (disabled, enabled) = difference.monitors.added.into_iter().partition(|monitor| monitor.disabled);
        let order: Vec<String> = plan.monitors.iter().map(MonitorPlan::name).collect();
        let server_attributes = &self.lender.contributions.server_attributes;
        // Said together, so that the order in which the instances are built decides nothing.
        server_attributes.hold();
        let instances = self.build_instances(&mut running, enabled);
        server_attributes.follow(&plan.server_attributes, order.clone());
        self.start_sessions(&mut running, difference.sessions.added)?;
        let running_now = instances.iter().filter(|(instance, _)| !instance.disabled);
        let copied = running_now.map(|(instance, _)| instance.metric_log()).collect();
        let removed: Vec<String> = difference.monitors.removed.iter().map(MonitorPlan::name).collect();
        self.lender.copies.follow(plan.logs.clone(), order, &removed, copied);
        let disabled: Vec<MonitorPlan> = disabled;
        self.show_disabled(&mut running, &disabled);
        for (instance, surroundings) in instances {
            self.start_monitor(&mut running, instance, &surroundings)?;
        }
        Self::sort(&mut running, &plan);
        running.plan = Some(plan);
        Ok(())
    }

    /// Stops what the new plan does not have any more.
    fn stop_removed(&self, running: &mut Running, difference: &Difference) {
        let is_removed =
            |handle: &Arc<MonitorHandle>| difference.monitors.removed.iter().any(|plan| plan.name() == handle.name());
        let (removed, kept): (Vec<_>, Vec<_>) = running.monitors.drain(..).partition(is_removed);
        running.monitors = kept;
        stop_all(&removed, MONITORS_BUDGET, &self.stages.clock, &self.stages.logger);
        for removed in &difference.sessions.removed {
            let replaced = difference.sessions.added.iter().any(|added| added.worker == removed.worker);
            for (worker, session) in running.sessions.extract_if(.., |(worker, _)| *worker == removed.worker) {
                self.handovers.leave(&worker, session, replaced);
            }
        }
    }

    fn start_sessions(&self, running: &mut Running, sessions: Vec<SessionPlan>) -> Result<(), StartError> {
        for plan in sessions {
            let worker = plan.worker.clone();
            let parts = SessionParts {
                threads: self.threads.clone(),
                clock: self.stages.clock.clone(),
                logger: self.stages.logger.clone(),
                checkpoint: self.stages.checkpoint.clone(),
                server_attributes: self.lender.contributions.server_attributes.clone(),
                user_agent: self.lender.contributions.user_agent.clone(),
            };
            let session = Session::start(plan, parts).map_err(refused(&format!("session of worker {worker}")))?;
            let session = Arc::new(session);
            self.handovers.take_over(&worker, Arc::clone(&session));
            running.sessions.push((worker, session));
        }
        Ok(())
    }

    /// How everything stands.
    pub fn snapshot(&self) -> Snapshot {
        self.stages.snapshot()
    }

    /// What has to be done now and then; call it every few seconds.
    ///
    /// # Errors
    /// When a stage had to end by itself, so that only a restart of the process helps; or when a monitor has failed
    /// that has `stop_agent_on_failure`.
    pub fn tick(&self) -> Result<(), String> {
        self.stages.agent_log.tick();
        if let Some(broken) = self.stages.tail.snapshot().broken {
            return Err(format!("copying log files {broken}"));
        }
        let (fatal, monitors) = {
            let mut running = self.stages.lock();
            (running.fatal.take(), running.monitors.clone())
        };
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

    /// The agent log.
    pub fn logger(&self) -> &Logger {
        &self.stages.logger
    }

    /// Stops in the order of the line: monitors, a last read of the log files, sessions, positions.
    pub fn stop(self) -> Stopped {
        let stages = &self.stages;
        stages.logger.info("The agent is stopping");
        self.lender.contributions.freeze();
        let (monitors, sessions) = {
            let mut running = stages.lock();
            (std::mem::take(&mut running.monitors), std::mem::take(&mut running.sessions))
        };
        let monitors = [monitors, self.added.close()].concat();
        let left_behind = stop_all(&monitors, MONITORS_BUDGET, &stages.clock, &stages.logger);
        let all_read = stages.tail.finish(stages.clock.monotonic() + LAST_READ_BUDGET);
        let deadline = stages.clock.monotonic() + SESSIONS_BUDGET;
        let mut drained = all_read;
        let sessions: Vec<_> =
            sessions.into_iter().map(|(_, session)| session).chain(self.handovers.freeze()).collect();
        for session in &sessions {
            session.close();
        }
        for session in &sessions {
            let left = deadline.saturating_duration_since(stages.clock.monotonic());
            drained &= session.finish(left).drained;
        }
        stages.checkpoint.save();
        self.stop.stop();
        let (_, _, totals) = status::files(&stages.ledger);
        if !drained {
            stages.logger.warn(format_args!(
                "{} bytes that were read were not acknowledged in time; they are sent again at the next start",
                totals.pending
            ));
        }
        stages.logger.info("The agent has stopped");
        Stopped { drained, left_behind, totals }
    }
}

impl Stages {
    fn snapshot(&self) -> Snapshot {
        let running = self.lock();
        let (files, closed_files, totals) = status::files(&self.ledger);
        let plan = running.plan.as_ref();
        let path = |of: fn(&Plan) -> &Path| plan.map(|plan| of(plan).to_owned()).unwrap_or_default();
        let mut monitors: Vec<_> = running.monitors.iter().map(|monitor| monitor.snapshot()).collect();
        monitors.extend(self.added.snapshots());
        let count = |wanted: fn(Phase) -> bool| monitors.iter().filter(|monitor| wanted(monitor.state)).count();
        let host = plan.and_then(|plan| plan.server_attributes.get("serverHost")?.as_str().map(str::to_owned));
        Snapshot {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started: seconds(self.started),
            now: seconds(self.clock.now()),
            config_file: self.config_file.clone(),
            config_problems: self.config_problems.clone(),
            log_path: path(|plan| &plan.log_path),
            data_path: path(|plan| &plan.data_path),
            server_host: host.unwrap_or_default(),
            sessions: running.sessions.iter().map(|(_, session)| session.snapshot()).collect(),
            running_monitors: count(|state| state == Phase::Running),
            dead_monitors: count(Phase::is_dead),
            monitors,
            refused: running.refused.clone(),
            files,
            closed_files,
            totals,
            tail: self.tail.snapshot(),
            checkpoint: self.checkpoint.snapshot(),
            agent_log: AgentLogSnapshot {
                skipped_lines: self.agent_log.skipped_lines(),
                skipped_by_component: self.agent_log.skipped_by_component(),
                lost_lines: self.agent_log.lost_lines(),
            },
        }
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn seconds(time: Timestamp) -> f64 {
    time.as_nanos() as f64 / 1e9
}
