//! A monitor instance, built and initialised from its plan: the same way for the daemon and for `--run-monitor`.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use scalyr_monitor::monitor::{LEAST_SAMPLE_INTERVAL, LONGEST_SAMPLE_INTERVAL};
use scalyr_monitor::registry::{BuildContext, Problem, Severity};
use scalyr_monitor::rules::SeriesBudget;
use scalyr_monitor::{Clock, Context, LogConfig, LogFiles, Logger, NewMonitor, Spacing};
use serde_json::{Map, Value};

use crate::config::monitor_logs;
use crate::config::own_files::normalised;
use crate::config::plan::{LogPlan, MonitorPlan, WriteLimit};
use crate::config::report::write_on_one_line;
use crate::logs::MetricLogPlan;
use crate::monitors::added::{AddedMonitors, Lent};
use crate::monitors::back_off::RestartPolicy;
use crate::monitors::contribution::Contribution;
use crate::monitors::guarded::GuardedMonitor;
use crate::monitors::panic_place;

/// What the agent lends to all instances.
#[derive(Clone)]
pub struct Surroundings {
    /// The clock.
    pub clock: Clock,
    /// Component `core`; instances get one for their own component.
    pub logger: Logger,
    /// Takes the log files that monitors register.
    pub log_files: LogFiles,
    /// Takes what they say beside their lines.
    pub contribution: Arc<dyn Contribution>,
    /// `agent_log_path`: relative paths of metric logs lie below it.
    pub log_path: PathBuf,
    /// `agent_data_path`; none where nothing is to be left behind.
    pub data_path: Option<PathBuf>,
    /// When an instance that failed is started again.
    pub restart: RestartPolicy,
    /// How many series the rates of all instances may have together.
    pub rate_series: SeriesBudget,
    /// Takes the monitors that monitors add; without it adding is refused.
    pub monitors: Option<AddedMonitors>,
}

/// A monitor instance that is ready to run.
pub struct Instance {
    /// What it was built from.
    pub plan: MonitorPlan,
    /// Whether the monitor said that it must not run.
    pub disabled: bool,
    /// Time between two samples.
    pub sample_interval: Duration,
    /// When the next sample is due.
    pub spacing: Spacing,
    /// Its metric log, with an absolute path.
    pub log_config: LogConfig,
    /// How its metric log is copied.
    pub log_plan: LogPlan,
    /// Attributes of this host that it adds to every request.
    pub server_attributes: Map<String, Value>,
    /// Whether its metric log has no limit of the agent's own.
    pub unlimited_log: bool,
    /// What is odd about that, to be told once.
    pub warnings: Vec<Problem>,
    /// For diagnostics of this instance, component `monitor:<name>`.
    pub logger: Logger,
    /// What it adds ends with it, and before it: its drop may hang.
    pub(super) added: Option<Lent>,
    pub(super) monitor: GuardedMonitor,
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Instance({})", self.plan.name())
    }
}

/// An entry that cannot run, with all that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Where the entry stands: `monitors[2]`.
    pub origin: String,
    /// The instance's name: `coin()`.
    pub name: String,
    /// At least one is [`Severity::Refused`].
    pub problems: Vec<Problem>,
}

/// One line with all problems, since an event of the agent log is one line.
impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invalid configuration of monitor {} ({})", self.name, self.origin)?;
        self.problems.iter().enumerate().try_for_each(|(at, problem)| {
            f.write_str(if at == 0 { ": " } else { "; " })?;
            if problem.severity == Severity::Warning {
                f.write_str("warning: ")?;
            }
            write!(f, "{}", Described(problem))
        })
    }
}

impl Refused {
    /// A line per problem, each behind its severity as in [`Report`](crate::config::Report): for a terminal.
    pub fn report(&self) -> String {
        let lines = self.problems.iter().map(|problem| {
            let severity = crate::config::Severity::from(problem.severity);
            format!("{severity}: {}: {}", self.name, Described(problem))
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl Instance {
    /// Its name, and its metric log as it wants that to be copied.
    pub fn metric_log(&self) -> (String, MetricLogPlan) {
        (self.plan.name(), (self.log_config.path.clone(), self.log_plan.clone()))
    }

    /// How much its metric log takes; `None` for all. What the entry says counts more than what the monitor wants.
    pub fn write_limit(&self) -> Option<WriteLimit> {
        let is_given = |key: &str| self.plan.entry.get(key).is_some_and(|value| !value.is_null());
        let is_users = is_given("monitor_log_write_rate") || is_given("monitor_log_max_write_burst");
        self.plan.write_limit.filter(|_| is_users || !self.unlimited_log)
    }

    /// Tells in the agent log what is odd about what the monitor said in `initialize`.
    pub fn tell_warnings(&self) {
        for warning in &self.warnings {
            self.logger.warn(format_args!("{}: {}", warning.path, warning.text()));
        }
    }
}

/// A problem as one line: `gauss_mean: 11 is above the maximum, 10`.
struct Described<'a>(&'a Problem);

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problem = self.0;
        if !problem.path.is_empty() {
            write_on_one_line(f, &problem.path)?;
            f.write_str(": ")?;
        }
        write_on_one_line(f, &problem.text())
    }
}

/// Builds an instance and lets it initialise itself. Nothing runs yet and no file is opened. What is merely odd about
/// the entry was told when the plan was made, with its place in the file, and is not told again.
///
/// # Errors
/// All problems of the entry at once; or why the monitor refused to initialise, a panic of it included.
pub fn construct(plan: &MonitorPlan, surroundings: &Surroundings) -> Result<Instance, Refused> {
    let logger = surroundings.logger.for_component(&format!("monitor:{}", plan.name()));
    construct_with(plan, surroundings, logger)
}

/// As [`construct`], with the logger of the instance that this one replaces, so that it counts on.
pub(super) fn construct_with(
    plan: &MonitorPlan,
    surroundings: &Surroundings,
    logger: Logger,
) -> Result<Instance, Refused> {
    let name = plan.name();
    let refused = |problems| Refused { origin: plan.origin.clone(), name: name.clone(), problems };
    let context = BuildContext { environment: &plan.environment, allow_http: plan.allow_http };
    let built = panic_place::watch(|| plan.registration.build(&plan.entry, context))
        .map_err(|panic| refused(vec![problem("", format!("reading its configuration {panic}"))]))?
        .map_err(refused)?;

    let log_config = LogConfig::new(surroundings.log_path.join(&plan.metric_log));
    let mut context = Context::new(
        &name,
        plan.sample_interval,
        log_config,
        logger.clone(),
        surroundings.clock.clone(),
        surroundings.log_files.clone(),
    )
    .with_user_agent(surroundings.contribution.user_agent())
    .with_data_path(surroundings.data_path.clone());
    let mut monitor = GuardedMonitor::new(built.monitor, logger.clone());
    // Dropped before the monitor, whose drop may hang.
    let added = surroundings.monitors.as_ref().map(|monitors| monitors.lend(&name, &logger));
    if let Some(added) = &added {
        context = context.with_monitors(added.monitors());
    }
    initialise(&mut monitor, &mut context).map_err(|problem| refused(vec![problem]))?;
    if let Some(new) = &plan.added {
        adjust_log(new, &mut context.log_config).map_err(|problem| refused(vec![problem]))?;
    }
    let mut log_config = context.log_config;
    log_config.path = normalised(&surroundings.log_path.join(&log_config.path));
    if let Some(refusal) = plan.own_files.refusal(&log_config.path) {
        return Err(refused(vec![problem("", refusal)]));
    }
    let mut warnings = Vec::new();
    let log_plan = monitor_logs::metric_log(&name, &log_config, &surroundings.log_path, &plan.workers, &mut warnings);
    let log_plan = log_plan.map_err(refused)?;
    let server_attributes = monitor_logs::server_attributes(context.server_attributes, &mut warnings);
    Ok(Instance {
        plan: plan.clone(),
        disabled: context.disabled,
        sample_interval: context.sample_interval,
        spacing: context.spacing,
        log_config,
        log_plan,
        server_attributes,
        unlimited_log: context.unlimited_log,
        warnings,
        logger,
        monitor,
        added,
    })
}

/// Lets whoever added the monitor change its metric log.
fn adjust_log(new: &NewMonitor, log: &mut LogConfig) -> Result<(), Problem> {
    panic_place::watch(|| new.adjust_log(log))
        .map_err(|panic| problem("", format!("setting up its metric log {panic}")))
}

fn initialise(monitor: &mut GuardedMonitor, context: &mut Context) -> Result<(), Problem> {
    monitor
        .watch(|monitor| monitor.initialize(context).map_err(|error| error.to_string()))
        .map_err(|panic| problem("", format!("initialising {panic}")))?
        .map_err(|error| problem("", error))?;
    let given = context.sample_interval.as_secs_f64();
    let [least, longest] = [LEAST_SAMPLE_INTERVAL, LONGEST_SAMPLE_INTERVAL].map(|bound| bound.as_secs_f64());
    if given < least {
        return Err(problem("sample_interval", format!("{given} s is too short; the least is {least} s")));
    }
    if given > longest {
        return Err(problem("sample_interval", format!("{given} s is too long; the most is {longest} s")));
    }
    Ok(())
}

fn problem(path: &str, message: String) -> Problem {
    Problem::refused(path, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_one_line_in_the_log_and_a_line_per_problem_on_the_terminal() {
        let odd = Problem { severity: Severity::Warning, ..problem("spelt", "is odd".to_owned()) };
        let refused = Refused {
            origin: "monitors[2]".to_owned(),
            name: "rain_gauge(1)".to_owned(),
            problems: vec![problem("path", "there is no file /a\nb".to_owned()), problem("", "second".to_owned()), odd],
        };
        assert_eq!(
            refused.to_string(),
            "Invalid configuration of monitor rain_gauge(1) (monitors[2]): path: there is no file /a b; second; \
             warning: spelt: is odd"
        );
        assert_eq!(
            refused.report(),
            "refused: rain_gauge(1): path: there is no file /a b\nrefused: rain_gauge(1): second\n\
             warning: rain_gauge(1): spelt: is odd"
        );
    }
}
