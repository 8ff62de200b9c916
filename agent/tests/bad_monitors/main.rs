//! Monitors that panic, fail, hang and flood: each on a real thread, with real files, beside one that behaves.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod beginning;
mod ending;
mod excess;
mod hanging;
mod panics;
mod samples;
#[path = "../steady/mod.rs"]
mod steady;

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use scalyr_agent::config::own_files::OwnFiles;
use scalyr_agent::config::plan::{AgentLogPlan, MonitorPlan, Rotation};
use scalyr_agent::config::{RunRequest, monitor_plan_for_run};
use scalyr_agent::monitors::back_off::RestartPolicy;
use scalyr_agent::monitors::contribution;
use scalyr_agent::monitors::instance::{Instance, Refused, Surroundings, construct};
use scalyr_agent::monitors::panic_place;
use scalyr_agent::monitors::runner::{MonitorHandle, stop_all};
use scalyr_agent::monitors::state::MonitorSnapshot;
use scalyr_agent::own_logs::agent_log::AgentLog;
use scalyr_agent::own_logs::metric_log::{InstanceLog, MetricLogs};
use scalyr_agent::threads::Threads;
use scalyr_monitor::registry::{Declared, Registration, Registry};
use scalyr_monitor::rules::SeriesBudget;
use scalyr_monitor::{Clock, LogFiles, Logger};

const PATIENCE: Duration = Duration::from_secs(20);

/// A directory with an agent log, and what the agent lends to monitors.
struct Agent {
    directory: tempfile::TempDir,
    surroundings: Surroundings,
    metric_logs: MetricLogs,
    threads: Threads,
}

fn agent() -> Agent {
    agent_at(Clock::system())
}

fn agent_at(clock: Clock) -> Agent {
    panic_place::install();
    let directory = tempfile::tempdir().unwrap();
    let free = Rotation { max_bytes: 0, backups: 2 };
    let plan = AgentLogPlan { rotation: free, ..AgentLogPlan::default() };
    let log = AgentLog::open(directory.path(), &plan, clock.clone(), None).unwrap();
    let logger = Logger::new(Arc::new(log), "core");
    let restart = RestartPolicy {
        first: Duration::from_millis(10),
        longest: Duration::from_millis(50),
        healthy: Duration::from_secs(60),
    };
    let surroundings = Surroundings {
        clock,
        logger: logger.clone(),
        log_files: LogFiles::none(),
        contribution: contribution::none(),
        log_path: directory.path().to_owned(),
        data_path: None,
        restart,
        rate_series: SeriesBudget::default(),
        monitors: None,
    };
    Agent { directory, surroundings, metric_logs: MetricLogs::new(logger), threads: Threads::new() }
}

/// The plan of an entry with these options.
fn plan(registration: &'static Registration, options: serde_json::Value) -> MonitorPlan {
    let options = if options.is_null() { serde_json::json!({}) } else { options };
    let request = RunRequest {
        module: registration.name,
        config_text: &options.to_string(),
        sample_interval: Duration::from_millis(100),
        agent_config: None,
    };
    let planned = monitor_plan_for_run(&request, &Registry::linked().unwrap(), &Arc::default());
    planned.unwrap_or_else(|report| panic!("{report}")).monitor
}

impl Agent {
    fn construct<M: Declared>(&self, entry: serde_json::Value) -> Result<Instance, Refused> {
        let mut plan = plan(M::registration(), entry);
        plan.own_files = OwnFiles::new(self.directory.path(), &self.directory.path().join("data"));
        construct(&plan, &self.surroundings)
    }

    fn run(&self, instance: Instance) -> MonitorHandle {
        let log =
            self.metric_logs.open(&instance.log_config.path, instance.plan.rotation, &instance.plan.name()).unwrap();
        let clock = self.surroundings.clock.clone();
        let output = Arc::new(InstanceLog::new(log, &instance.plan.name(), instance.write_limit(), clock));
        MonitorHandle::start(instance, output, &self.surroundings, None, &self.threads).unwrap()
    }

    fn start<M: Declared>(&self) -> MonitorHandle {
        self.run(self.construct::<M>(serde_json::Value::Null).unwrap())
    }

    fn stop(&self, monitors: &[MonitorHandle], budget: Duration) -> Vec<String> {
        stop_all(monitors, budget, &self.surroundings.clock, &self.surroundings.logger)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.directory.path().join(name)).unwrap_or_default()
    }
}

/// Waits until the condition holds, with a deadline that only a broken program misses.
#[track_caller]
fn wait_for(monitor: &MonitorHandle, condition: impl Fn(&MonitorSnapshot) -> bool) -> MonitorSnapshot {
    for _ in 0..4_000 {
        let snapshot = monitor.snapshot();
        if condition(&snapshot) {
            return snapshot;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("waited in vain: {:?}", monitor.snapshot());
}
