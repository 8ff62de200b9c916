//! What the running agent lends to monitor instances, those of the configuration and those that are added at run time.

use std::path::PathBuf;
use std::sync::Arc;

use scalyr_monitor::rules::SeriesBudget;
use scalyr_monitor::{Clock, LogFiles, Logger};

use crate::config::plan::{LogPlan, MonitorPlan};
use crate::ledger::WorkerId;
use crate::logs::{RegisteredLogs, TailHandle, copy_plan};
use crate::monitors::added::{AddedMonitors, Host, Opened};
use crate::monitors::back_off::RestartPolicy;
use crate::monitors::instance::{Instance, Surroundings};
use crate::own_logs::metric_log::{InstanceLog, MetricLogs, MetricOutput};

/// Lends what instances need, and opens their metric logs. Cheap to clone.
#[derive(Clone)]
pub(super) struct Lender {
    pub(super) clock: Clock,
    pub(super) logger: Logger,
    pub(super) tail: TailHandle,
    pub(super) metric_logs: Arc<MetricLogs>,
    /// `agent_log_path`.
    pub(super) log_path: PathBuf,
    /// The worker that sends metric logs.
    pub(super) worker: WorkerId,
    /// What the rates of all instances may take together.
    pub(super) rate_series: SeriesBudget,
}

impl Lender {
    /// What the instance of this plan is lent.
    pub(super) fn surroundings(&self, monitor: &MonitorPlan, added: &AddedMonitors) -> Surroundings {
        Surroundings { monitors: Some(added.clone()), ..self.without_monitors(monitor) }
    }

    fn without_monitors(&self, monitor: &MonitorPlan) -> Surroundings {
        let registered = RegisteredLogs {
            monitor: monitor.name(),
            log_path: self.log_path.clone(),
            worker: self.worker.clone(),
            tail: self.tail.clone(),
        };
        Surroundings {
            clock: self.clock.clone(),
            logger: self.logger.clone(),
            log_files: LogFiles::new(Arc::new(registered)),
            log_path: self.log_path.clone(),
            restart: RestartPolicy::default(),
            rate_series: self.rate_series.clone(),
            monitors: None,
        }
    }

    /// How the metric log of an instance is copied.
    pub(super) fn copied(&self, instance: &Instance) -> LogPlan {
        copy_plan(&instance.plan.name(), instance.log_config.clone(), &self.log_path, self.worker.clone())
    }

    /// Opens the metric log of an instance; the text of an error names it.
    pub(super) fn open(&self, instance: &Instance) -> Result<Arc<dyn MetricOutput>, String> {
        let path = &instance.log_config.path;
        let log = self.metric_logs.open(path, instance.plan.rotation);
        let log = log.map_err(|error| format!("its log {}: {error}", path.display()))?;
        let limit = instance.plan.write_limit;
        Ok(Arc::new(InstanceLog::new(log, &instance.plan.name(), limit, self.clock.clone())))
    }
}

/// Where monitors live that are added at run time.
impl Host for Lender {
    fn surroundings(&self, plan: &MonitorPlan) -> Surroundings {
        self.without_monitors(plan)
    }

    fn open(&self, instance: &Instance) -> Result<Opened, String> {
        // The session has begun, and tells the server no more attributes.
        if !instance.server_attributes.is_empty() {
            let names: Vec<_> = instance.server_attributes.keys().map(String::as_str).collect();
            let names = names.join(", ");
            instance.logger.warn(format_args!("Server attributes of an added monitor are not sent: {names}"));
        }
        let copied = self.copied(instance);
        // Before the first line, so that the log is copied from there.
        self.tail.add(vec![copied.clone()]);
        match Self::open(self, instance) {
            Ok(output) => Ok(Opened { output, copied: Some(copied) }),
            Err(why) => {
                self.tail.remove(copied);
                Err(why)
            }
        }
    }

    fn close(&self, log: LogPlan) {
        self.tail.remove(log);
    }
}
