//! Owns every thread of the agent: starts what the plan asks for and stops it in order.

mod difference;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossbeam_channel::bounded;
use scalyr_monitor::rules::SeriesBudget;
use scalyr_monitor::{Clock, Level, LogFiles, Logger, Stop, Timestamp};

pub use difference::{Change, Difference};

use crate::checkpoint::Checkpoint;
use crate::config::plan::{LogPlan, MonitorPlan, Plan, SessionPlan};
use crate::config::{Report, Severity};
use crate::data_lock::{DataLock, LockError};
use crate::ledger::{Ledger, Offset, Totals, WorkerId};
use crate::logs::{Port, RegisteredLogs, Tail, TailHandle, TailParts, copy_plan};
use crate::monitors::back_off::RestartPolicy;
use crate::monitors::instance::{Instance, Surroundings, construct};
use crate::monitors::runner::{MonitorHandle, stop_all};
use crate::open_files;
use crate::own_logs::agent_log::AgentLog;
use crate::own_logs::metric_log::{InstanceLog, MetricLogs};
use crate::status::socket::StatusSocket;
use crate::status::{self, AgentLogSnapshot, Snapshot};
use crate::threads::Threads;
use crate::upload::{Save, Session, SessionParts};

/// All monitors together have this long to end.
const MONITORS_BUDGET: Duration = Duration::from_secs(5);
/// All monitors together have this long to initialise themselves.
const INITIALISE_BUDGET: Duration = Duration::from_secs(5);
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

/// Why the agent cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A directory that the agent writes in cannot be made.
    #[error("{path}: {error}; the agent must be able to write there ({key})")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The key that names it.
        key: &'static str,
        /// Why.
        error: io::Error,
    },
    /// What should be a directory is something else.
    #[error("{path} is not a directory; {key} must name one")]
    NoDirectory {
        /// What is there.
        path: PathBuf,
        /// The key that names it.
        key: &'static str,
    },
    /// The data directory cannot be locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The agent log cannot be opened.
    #[error("{0}; the agent must be able to write its log (agent_log_path)")]
    AgentLog(io::Error),
    /// The system refused a thread or a socket.
    #[error("{what}: {error}")]
    Refused {
        /// What was asked for.
        what: String,
        /// Why.
        error: io::Error,
    },
}

/// The running agent.
pub struct Supervisor {
    stages: Arc<Stages>,
    threads: Threads,
    stop: Stop,
    metric_logs: MetricLogs,
    /// What the rates of all instances may take together.
    rate_series: SeriesBudget,
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
    running: Mutex<Running>,
}

/// What `apply` has started so far.
#[derive(Default)]
struct Running {
    plan: Option<Plan>,
    sessions: Vec<(WorkerId, Session)>,
    monitors: Vec<MonitorHandle>,
    refused: Vec<String>,
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
            running: Mutex::default(),
        });
        let metric_logs = MetricLogs::new(logger.clone());
        let no_socket = || refused("status socket in agent_data_path");
        let socket = StatusSocket::bind(&plan.data_path).map_err(no_socket())?;
        let rate_series = SeriesBudget::default();
        let supervisor = Self { stages, threads, stop: Stop::new(), metric_logs, rate_series, _lock: lock };
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
        self.stages.tail.add(difference.logs.added);
        let instances = self.build_instances(&mut running, &plan, difference.monitors.added);
        self.start_sessions(&mut running, difference.sessions.added, &instances)?;
        let metric_logs = instances.iter().map(|(instance, _)| {
            copy_plan(&instance.plan.name(), instance.log_config.clone(), &plan.log_path, worker(&plan))
        });
        self.stages.tail.add(metric_logs.collect());
        for (instance, surroundings) in instances {
            self.start_monitor(&mut running, instance, &surroundings)?;
        }
        running.plan = Some(plan);
        Ok(())
    }

    /// Stops what the new plan does not have any more.
    fn stop_removed(&self, running: &mut Running, difference: &Difference) {
        let is_removed =
            |handle: &MonitorHandle| difference.monitors.removed.iter().any(|plan| plan.name() == handle.name());
        let (removed, kept): (Vec<_>, Vec<_>) = running.monitors.drain(..).partition(is_removed);
        running.monitors = kept;
        stop_all(&removed, MONITORS_BUDGET, &self.stages.clock, &self.stages.logger);
        for log in &difference.logs.removed {
            self.stages.tail.remove(log.clone());
        }
        for removed in &difference.sessions.removed {
            self.stages.tail.close_port(removed.worker.clone());
            running.sessions.retain(|(worker, session)| {
                if *worker == removed.worker {
                    session.close();
                }
                *worker != removed.worker
            });
        }
    }

    /// Builds and initialises the instances, each on a thread of its own, so that one that hangs keeps neither the
    /// others nor the agent from their start. What is refused or late is reported, and the rest runs.
    fn build_instances(
        &self,
        running: &mut Running,
        plan: &Plan,
        monitors: Vec<MonitorPlan>,
    ) -> Vec<(Instance, Surroundings)> {
        let (done, built) = bounded(monitors.len());
        let mut waiting: BTreeMap<usize, MonitorPlan> = monitors.into_iter().enumerate().collect();
        let mut unstarted = Vec::new();
        for (&index, monitor) in &waiting {
            let surroundings = self.surroundings(plan, monitor);
            let (done, building) = (done.clone(), monitor.clone());
            let work = move || _ = done.send((index, construct(&building, &surroundings), surroundings));
            if let Err(error) = self.threads.spawn(&format!("build {index}"), work) {
                unstarted.push((index, error));
            }
        }
        for (index, error) in unstarted {
            if let Some(MonitorPlan { origin, .. }) = waiting.remove(&index) {
                self.refuse(running, format!("{origin}: no thread to initialise it on: {error}"));
            }
        }
        let deadline = self.stages.clock.monotonic() + INITIALISE_BUDGET;
        let mut instances = BTreeMap::new();
        while !waiting.is_empty() {
            let left = deadline.saturating_duration_since(self.stages.clock.monotonic());
            let Ok((index, constructed, surroundings)) = built.recv_timeout(left) else { break };
            waiting.remove(&index);
            match constructed {
                Ok(instance) => _ = instances.insert(index, (instance, surroundings)),
                Err(refused) => self.refuse(running, refused.to_string()),
            }
        }
        for monitor in waiting.values() {
            let (name, origin, seconds) = (monitor.name(), &monitor.origin, INITIALISE_BUDGET.as_secs());
            self.refuse(
                running,
                format!("Monitor {name} ({origin}) did not initialise within {seconds} s; it does not run"),
            );
        }
        instances.into_values().collect()
    }

    /// What an instance is lent.
    fn surroundings(&self, plan: &Plan, monitor: &MonitorPlan) -> Surroundings {
        let registered = RegisteredLogs {
            monitor: monitor.name(),
            log_path: plan.log_path.clone(),
            worker: worker(plan),
            tail: self.stages.tail.clone(),
        };
        Surroundings {
            clock: self.stages.clock.clone(),
            logger: self.stages.logger.clone(),
            log_files: LogFiles::new(Arc::new(registered)),
            log_path: plan.log_path.clone(),
            restart: RestartPolicy::default(),
            rate_series: self.rate_series.clone(),
        }
    }

    /// Opens the metric log and starts the thread of an instance.
    fn start_monitor(
        &self,
        running: &mut Running,
        instance: Instance,
        surroundings: &Surroundings,
    ) -> Result<(), StartError> {
        let name = instance.plan.name();
        let path = &instance.log_config.path;
        let log = match self.metric_logs.open(path, instance.plan.rotation) {
            Ok(log) => log,
            Err(error) => {
                self.refuse(running, format!("Monitor {name} is not started: its log {}: {error}", path.display()));
                return Ok(());
            }
        };
        let output = Arc::new(InstanceLog::new(log, &name, instance.plan.write_limit, surroundings.clock.clone()));
        if !instance.disabled {
            self.stages.logger.info(format_args!("Starting monitor {name}"));
        }
        let handle = MonitorHandle::start(instance, output, surroundings, None, &self.threads)
            .map_err(refused(&format!("thread of monitor {name}")))?;
        running.monitors.push(handle);
        Ok(())
    }

    fn refuse(&self, running: &mut Running, why: String) {
        self.stages.logger.coded(Level::Error, "monitorRefused", &why);
        running.refused.push(why);
    }

    fn start_sessions(
        &self,
        running: &mut Running,
        sessions: Vec<SessionPlan>,
        instances: &[(Instance, Surroundings)],
    ) -> Result<(), StartError> {
        for mut plan in sessions {
            for (name, value) in instances.iter().flat_map(|(instance, _)| &instance.server_attributes) {
                plan.server_attributes.entry(name.clone()).or_insert_with(|| value.clone());
            }
            let worker = plan.worker.clone();
            let parts = SessionParts {
                threads: self.threads.clone(),
                clock: self.stages.clock.clone(),
                logger: self.stages.logger.clone(),
                checkpoint: self.stages.checkpoint.clone(),
            };
            let session = Session::start(plan, parts).map_err(refused(&format!("session of worker {worker}")))?;
            let (batches, recycled) = (session.batches().clone(), session.recycled().clone());
            self.stages.tail.open_port(Port { worker: worker.clone(), batches, recycled });
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
    /// When a stage had to end by itself, so that only a restart of the process helps.
    pub fn tick(&self) -> Result<(), String> {
        self.stages.agent_log.tick();
        let tail = self.stages.tail.snapshot().broken;
        tail.map_or(Ok(()), |broken| Err(format!("copying log files {broken}")))
    }

    /// The agent log.
    pub fn logger(&self) -> &Logger {
        &self.stages.logger
    }

    /// Stops in the order of the line: monitors, a last read of the log files, sessions, positions.
    pub fn stop(self) -> Stopped {
        let stages = &self.stages;
        stages.logger.info("The agent is stopping");
        let (monitors, sessions) = {
            let mut running = stages.lock();
            (std::mem::take(&mut running.monitors), std::mem::take(&mut running.sessions))
        };
        let left_behind = stop_all(&monitors, MONITORS_BUDGET, &stages.clock, &stages.logger);
        let all_read = stages.tail.finish(stages.clock.monotonic() + LAST_READ_BUDGET);
        let deadline = stages.clock.monotonic() + SESSIONS_BUDGET;
        let mut drained = all_read;
        for (_, session) in &sessions {
            session.close();
        }
        for (_, session) in &sessions {
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
            monitors: running.monitors.iter().map(MonitorHandle::snapshot).collect(),
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

/// The worker that sends metric logs.
fn worker(plan: &Plan) -> WorkerId {
    plan.sessions.first().map_or_else(|| WorkerId("default".to_owned()), |session| session.worker.clone())
}

fn make_directory(path: &Path, key: &'static str) -> Result<(), StartError> {
    if path.exists() && !path.is_dir() {
        return Err(StartError::NoDirectory { path: path.to_owned(), key });
    }
    fs::create_dir_all(path).map_err(|error| StartError::Directory { path: path.to_owned(), key, error })
}

fn refused(what: &str) -> impl FnOnce(io::Error) -> StartError + use<> {
    let what = what.to_owned();
    move |error| StartError::Refused { what, error }
}

/// The first lines of a run: who starts, with what, and everything that is odd about the configuration.
fn announce(logger: &Logger, plan: &Plan, config_file: &Path, report: &Report) {
    logger.info(format_args!(
        "Starting scalyr agent... (version={}) (pid={}) (config={}) (server_host={})",
        env!("CARGO_PKG_VERSION"),
        std::process::id(),
        config_file.display(),
        plan.server_attributes.get("serverHost").and_then(|host| host.as_str()).unwrap_or_default(),
    ));
    for problem in report.problems() {
        let level = if problem.severity == Severity::Warning { Level::Warning } else { Level::Error };
        logger.coded(level, "badConfig", problem);
    }
    for LogPlan { origin, path, .. } in &plan.logs {
        logger.debug(format_args!("{origin}: copying {path}"));
    }
}
