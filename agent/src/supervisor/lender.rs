//! What the running agent lends to monitor instances, those of the configuration and those that are added at run time.

use std::path::PathBuf;
use std::sync::Arc;

use scalyr_monitor::rules::SeriesBudget;
use scalyr_monitor::{Clock, LogFiles, Logger};

use super::contributions::Contributions;
use crate::config::plan::{LogPlan, MonitorPlan};
use crate::logs::MetricLogCopies;
use crate::monitors::added::{AddedMonitors, Host, Opened};
use crate::monitors::back_off::RestartPolicy;
use crate::monitors::instance::{Instance, Surroundings};
use crate::own_logs::metric_log::{InstanceLog, MetricLogs, MetricOutput};
use crate::own_logs::monitor_files::MonitorFiles;
use crate::own_logs::unsettled::SharedCopies;

/// Lends what instances need, and opens their metric logs. Cheap to clone.
#[derive(Clone)]
pub(super) struct Lender {
    pub(super) clock: Clock,
    pub(super) logger: Logger,
    /// What instances say beside their lines.
    pub(super) contributions: Contributions,
    pub(super) metric_logs: Arc<MetricLogs>,
    /// What of them is uploaded.
    pub(super) settled: SharedCopies,
    /// Which of these are copied, and how.
    pub(super) copies: MetricLogCopies,
    /// `agent_log_path`.
    pub(super) log_path: PathBuf,
    /// `agent_data_path`.
    pub(super) data_path: PathBuf,
    /// What the rates of all instances may take together.
    pub(super) rate_series: SeriesBudget,
}

impl Lender {
    /// What the instance of this plan is lent.
    pub(super) fn surroundings(&self, monitor: &MonitorPlan, added: &AddedMonitors) -> Surroundings {
        Surroundings { monitors: Some(added.clone()), ..self.without_monitors(monitor) }
    }

    fn without_monitors(&self, monitor: &MonitorPlan) -> Surroundings {
        let module = monitor.entry.get("module").and_then(|module| module.as_str()).unwrap_or(&monitor.short_name);
        let contribution =
            self.contributions.of_monitor(&monitor.name(), module, &self.log_path, &monitor.workers, &self.logger);
        let log_files = MonitorFiles {
            registered: contribution.log_files(),
            logs: Arc::clone(&self.metric_logs),
            copies: Arc::clone(&self.settled),
            monitor: monitor.name(),
            log_path: self.log_path.clone(),
            rotation: monitor.rotation,
            own_files: monitor.own_files.clone(),
        };
        Surroundings {
            clock: self.clock.clone(),
            logger: self.logger.clone(),
            log_files: LogFiles::new(Arc::new(log_files)),
            contribution,
            log_path: self.log_path.clone(),
            data_path: Some(self.data_path.clone()),
            restart: RestartPolicy::default(),
            rate_series: self.rate_series.clone(),
            monitors: None,
        }
    }

    /// Opens the metric log of an instance; the text of an error names it.
    pub(super) fn open(&self, instance: &Instance) -> Result<Arc<dyn MetricOutput>, String> {
        let path = &instance.log_config.path;
        let log = self.metric_logs.open(path, instance.plan.rotation, &instance.plan.name());
        let log = log.map_err(|error| format!("its log {}: {error}", path.display()))?;
        let limit = instance.write_limit();
        Ok(Arc::new(InstanceLog::new(log, &instance.plan.name(), limit, self.clock.clone())))
    }
}

/// Where monitors live that are added at run time.
impl Host for Lender {
    fn surroundings(&self, plan: &MonitorPlan) -> Surroundings {
        self.without_monitors(plan)
    }

    fn open(&self, instance: &Instance) -> Result<Opened, String> {
        let (name, log) = instance.metric_log();
        let copied = instance.log_plan.clone();
        // Before the first line, so that the log is copied from there.
        self.copies.add(name, log);
        match Self::open(self, instance) {
            Ok(output) => Ok(Opened { output, copied: Some(copied) }),
            Err(why) => {
                self.copies.remove(&copied);
                Err(why)
            }
        }
    }

    fn close(&self, log: LogPlan) {
        self.copies.remove(&log);
    }
}
