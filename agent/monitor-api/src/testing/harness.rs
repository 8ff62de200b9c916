//! The harness: a monitor that was built from a configuration text, and what it does.

use std::any::Any;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::checks;
use super::entry::{self, AgentKeys};
use super::judged;
use super::problem::Problem;
use super::record::Recorder;
use super::running::{End, Running, Watching};
use super::surroundings::Surroundings;
use super::taken::Taken;
use crate::clock::{Clock, Timestamp};
use crate::config::syntax;
use crate::context::{Context, LogConfig, LogFiles};
use crate::error::Result;
use crate::log::Logger;
use crate::monitor::Monitor;
use crate::monitors::{Monitors, NewMonitor};
use crate::registry::{self, BuildContext, Declared, Environment, Registration, Severity};
use crate::rules::SeriesBudget;
use crate::run::{LEAST_SAMPLE_INTERVAL, LONGEST_SAMPLE_INTERVAL, Run};
use crate::sample::Sample;
use crate::stop::Stop;
use crate::user_agent::UserAgentFragment;

/// The first moment of every test: 2026-01-01 00:00:00 UTC.
const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// How long a test waits for a monitor that runs, when it does not say otherwise.
const PATIENCE: Duration = Duration::from_secs(10);

/// A monitor `M` under test: built from a configuration text and initialised when it is first needed, by the same code
/// as in the agent. See the [module](super) for examples.
///
/// The clock stands at 2026-01-01 00:00:00 UTC until the test moves it; what the monitor logs, registers and adds is
/// kept and leaves the test nowhere.
///
/// A sample fails the test, with a text that says why, when the monitor emits
/// - a metric that it did not declare, or one with other fields than it declared (unless the test
///   [allows it](Self::allow_dynamic)),
/// - a number that is not finite,
/// - the same metric with the same fields, id and time twice in one sample.
pub struct Harness<M> {
    parts: Parts,
    /// Built at the first need, so that the environment can be told before.
    instance: OnceCell<Result<Instance, Vec<Problem>>>,
    of: PhantomData<fn() -> M>,
}

/// What does not depend on the type of the monitor.
struct Parts {
    registration: &'static Registration,
    entry: Result<Map<String, Value>, String>,
    environment: BTreeMap<String, String>,
    allow_http: bool,
    data_path: Option<PathBuf>,
    allows_dynamic: bool,
    patience: Duration,
    clock: Clock,
    recorder: Recorder,
    logger: Logger,
    surroundings: Surroundings,
}

/// A monitor that was built and initialised.
struct Instance {
    /// Lent to its thread while it runs; gone when it did not come back from there.
    monitor: Option<Box<dyn Monitor>>,
    /// Takes the single samples.
    run: Run,
    agent_keys: AgentKeys,
    context: Context,
    warnings: Vec<Problem>,
}

impl<M: Declared> Harness<M> {
    /// A harness for a monitor with this configuration: the text of its entry in `monitors`, as in `agent.json`, or
    /// anything that is shown as such a text, as [`json!`](super::json) is. `module` may be left out.
    ///
    /// There is always a harness: what is wrong with the text or its options is told by [`problems`](Self::problems).
    /// Of the keys that the agent itself reads, `module`, `id`, `sample_interval`, `disabled`, `metric_name_blacklist` and
    /// `calculate_rate_metric_names` count; the others are about files that a test does not write.
    pub fn from_config(text: impl fmt::Display) -> Self {
        let entry = match syntax::parse(&text.to_string()) {
            Ok(Value::Object(entry)) => Ok(entry),
            Ok(other) => Err(format!("the configuration is {other}; it must be an object, {{ … }}")),
            Err(error) => Err(format!("the configuration cannot be read: {error}")),
        };
        let registration = M::registration();
        let recorder = Recorder::new(registration.name);
        let component = format!("monitor:{}()", registration.name);
        let parts = Parts {
            registration,
            entry,
            environment: BTreeMap::new(),
            allow_http: true,
            data_path: None,
            allows_dynamic: false,
            patience: PATIENCE,
            clock: Clock::manual(START),
            logger: Logger::new(Arc::new(recorder.clone()), &component),
            recorder,
            surroundings: Surroundings::default(),
        };
        Self { parts, instance: OnceCell::new(), of: PhantomData }
    }

    /// With an environment variable; a test has none else.
    ///
    /// # Panics
    /// When the monitor was already built: say it right behind [`from_config`](Self::from_config).
    #[must_use]
    #[track_caller]
    pub fn with_env(mut self, name: &str, value: &str) -> Self {
        self.must_not_be_built("with_env(..)");
        self.parts.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// As if the agent's `allow_http_monitors` were false.
    ///
    /// # Panics
    /// When the monitor was already built: say it right behind [`from_config`](Self::from_config).
    #[must_use]
    #[track_caller]
    pub fn forbid_http(mut self) -> Self {
        self.must_not_be_built("forbid_http()");
        self.parts.allow_http = false;
        self
    }

    /// With this folder as the agent's data path: [`Context::data_path`]. A test has none else, as `--run-monitor` has
    /// none.
    ///
    /// # Panics
    /// When the monitor was already built: say it right behind [`from_config`](Self::from_config).
    #[must_use]
    #[track_caller]
    pub fn with_data_path(mut self, data_path: impl Into<PathBuf>) -> Self {
        self.must_not_be_built("with_data_path(..)");
        self.parts.data_path = Some(data_path.into());
        self
    }

    /// Lets the monitor emit metrics, and extra fields, that are only known at run time, by
    /// [`emit_dynamic`](Sample::emit_dynamic).
    #[must_use]
    pub fn allow_dynamic(mut self) -> Self {
        self.parts.allows_dynamic = true;
        self
    }

    /// How long to wait for a monitor that [runs](Self::running); ten seconds otherwise.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.parts.patience = patience;
        self
    }

    #[track_caller]
    fn must_not_be_built(&self, what: &str) {
        assert!(
            self.instance.get().is_none(),
            "the monitor was already built: say {what} right behind from_config(..)"
        );
    }

    fn built(&self) -> &Result<Instance, Vec<Problem>> {
        self.instance.get_or_init(|| self.parts.build())
    }

    #[track_caller]
    fn instance(&self) -> &Instance {
        match self.built() {
            Ok(instance) => instance,
            Err(problems) => refused(self.parts.registration, problems),
        }
    }

    #[track_caller]
    fn instance_mut(&mut self) -> (&Parts, &mut Instance) {
        self.built();
        match self.instance.get_mut() {
            Some(Ok(instance)) => (&self.parts, instance),
            Some(Err(problems)) => refused(self.parts.registration, problems),
            None => unreachable!("it was built just now"),
        }
    }

    /// Everything that is wrong or odd about the configuration, at once: the problems of the options, each with its
    /// path, then the error of [`Monitor::initialize`], without a path, or what is wrong with what it left in the
    /// [`Context`]. Empty when all is well. (The [`options`](LogConfig::options) of a log are judged by the agent alone.)
    ///
    /// ```
    /// # use scalyr_monitor::prelude::*;
    /// # use scalyr_monitor::testing::Harness;
    /// # /// Flips a coin.
    /// # #[scalyr_monitor(name = "coin")]
    /// # pub struct Coin {
    /// #     /// Mean.
    /// #     #[config(default = 0.5, min = 0, max = 10)]
    /// #     gauss_mean: f64,
    /// # }
    /// # impl Monitor for Coin {}
    /// let coin = Harness::<Coin>::from_config("{ gauss_mean: 11, gaus_stddev: 1 }");
    /// assert_eq!(coin.problems()[0], "gauss_mean: 11 is above the maximum 10");
    /// assert!(coin.problems()[1].to_string().starts_with("warning: gaus_stddev: unknown option"));
    /// ```
    pub fn problems(&self) -> &[Problem] {
        match self.built() {
            Ok(instance) => &instance.warnings,
            Err(problems) => problems,
        }
    }

    /// What the monitor was given in [`Monitor::initialize`], and what it changed of it: the sample interval, its log,
    /// the attributes of the host, whether it is disabled.
    ///
    /// # Panics
    /// When the configuration is refused.
    #[track_caller]
    pub fn context(&self) -> &Context {
        &self.instance().context
    }

    /// The clock; [advance](Clock::advance) it to let time pass, [set](Clock::set) it to let the wall clock jump. It stands
    /// still while a sample is taken: for one that waits for it, move a clone of it on another thread.
    pub fn clock(&self) -> &Clock {
        &self.parts.clock
    }

    /// Everything that the monitor logged for the agent log, from its initialising on.
    pub fn diagnostics(&self) -> Vec<super::Diagnostic> {
        self.parts.recorder.since(Default::default()).diagnostics
    }

    /// The log files that the monitor has registered and not withdrawn, sorted by path.
    pub fn registered_logs(&self) -> Vec<LogConfig> {
        self.parts.surroundings.logs()
    }

    /// What the monitor has written to the log file that it opened at this path; invalid UTF-8 is replaced.
    pub fn log_text(&self, path: impl AsRef<Path>) -> String {
        String::from_utf8_lossy(&self.parts.surroundings.written(path.as_ref())).into_owned()
    }

    /// The monitors that the monitor has added and not removed, sorted by name. None of them is started.
    pub fn added_monitors(&self) -> Vec<NewMonitor> {
        self.parts.surroundings.monitors()
    }

    /// The monitor's part of the `User-Agent`; empty when it has none.
    pub fn user_agent(&self) -> String {
        self.parts.surroundings.user_agent()
    }

    /// Takes one sample, as the agent does it once every sample interval. That the sample failed is told by
    /// [`Taken::error`].
    ///
    /// # Panics
    /// When the configuration is refused, when the monitor disabled itself, and when it does what it must not; the text
    /// says what.
    #[track_caller]
    pub fn sample(&mut self) -> Taken {
        let (parts, instance) = self.instance_mut();
        let mark = parts.recorder.mark();
        let (monitor, run) = instance.usable("sample()");
        run.sample(|out| monitor.gather_sample(out));
        let taken = parts.recorder.since(mark);
        checks::check(parts.registration, &parts.recorder, &taken, parts.allows_dynamic);
        taken
    }

    /// Lets the monitor [run](Monitor::run) on a thread of its own while `test` looks on: for a listener, and for the
    /// interval loop as a whole. When `test` returns, the monitor is asked to stop, and waited for.
    ///
    /// # Panics
    /// When the configuration is refused, when the monitor does what it must not, when its `run` fails, panics or ends
    /// before it is asked to, and when it has not ended within the [patience](Self::with_patience) after it was asked to.
    #[track_caller]
    pub fn running<R>(&mut self, test: impl FnOnce(&Running) -> R) -> R {
        let running = self.start("running(..)");
        let result = test(&running);
        self.stop(&running);
        result
    }

    /// Lets the monitor [run](Monitor::run) until what it emitted and logged fulfils the condition, and gives that.
    ///
    /// # Panics
    /// As [`running`](Self::running), and when the condition is not fulfilled within the
    /// [patience](Self::with_patience).
    #[track_caller]
    pub fn run_until(&mut self, condition: impl FnMut(&Taken) -> bool) -> Taken {
        let running = self.start("run_until(..)");
        let taken = running.wait_until(condition);
        self.stop(&running);
        taken
    }

    /// Lets the monitor [run](Monitor::run) until it ends by itself, without asking it to stop.
    ///
    /// # Errors
    /// Those of its `run`.
    ///
    /// # Panics
    /// As [`running`](Self::running), and when it does not end within the [patience](Self::with_patience).
    #[track_caller]
    pub fn run_to_end(&mut self) -> Result<Taken> {
        let running = self.start("run_to_end()");
        self.finish(&running)
    }

    #[track_caller]
    fn start(&mut self, what: &str) -> Running {
        let (parts, instance) = self.instance_mut();
        instance.usable(what);
        let run = parts.run(&instance.agent_keys, &instance.context, Stop::new());
        let Some(monitor) = instance.monitor.take() else { unreachable!("it was there just now") };
        let watching = Watching {
            registration: parts.registration,
            recorder: parts.recorder.clone(),
            allows_dynamic: parts.allows_dynamic,
            patience: parts.patience,
            around: parts.surroundings.clone(),
        };
        Running::start(monitor, run, watching)
    }

    /// Waits for the end and takes the monitor back.
    #[track_caller]
    fn finish(&mut self, running: &Running) -> Result<Taken> {
        let (parts, instance) = self.instance_mut();
        let name = parts.registration.name;
        let end: Option<End> = running.wait_for_end();
        let Some((monitor, result)) = end else {
            let (patience, taken) = (parts.patience.as_secs_f64(), running.taken());
            let asked = if running.stop().is_stopped() {
                " after it was asked to stop: its `run` must watch `Run::stop()`"
            } else {
                ""
            };
            panic!("the run of the monitor `{name}` did not end within {patience} s{asked}\n{taken}");
        };
        instance.monitor = Some(monitor);
        assert!(
            running.wait_for_hooks(),
            "what the monitor `{name}` hung on its stop with `on_stop` did not end within {} s",
            parts.patience.as_secs_f64()
        );
        match result {
            // The last words are looked at as well.
            Ok(result) => result.map(|()| running.taken()),
            Err(panic) => panicked(name, panic),
        }
    }

    /// Asks the monitor to stop, and waits for its end: it must have run until then.
    #[track_caller]
    fn stop(&mut self, running: &Running) {
        let name = self.parts.registration.name;
        running.ask_to_stop();
        match self.finish(running) {
            Err(error) => panic!("the run of the monitor failed: {error}"),
            Ok(taken) if running.ended_unasked() => panic!(
                "the run of the monitor `{name}` ended without being asked to: for the agent that is a failure, and it \
                 starts the monitor again; a test of a monitor that does so says run_to_end()\n{taken}"
            ),
            Ok(_) => {}
        }
    }

    /// Fails the test when the monitor declares metrics that it never emitted since the harness was made. Say it at the
    /// end of a test that has seen everything.
    ///
    /// # Panics
    /// With the names of those metrics.
    #[track_caller]
    pub fn expect_all_emitted(&self) {
        let emitted = self.parts.recorder.since(Default::default()).emitted;
        let metrics = self.parts.registration.metrics();
        let missing: Vec<String> = checks::missing(&metrics, &emitted);
        let name = self.parts.registration.name;
        assert!(
            missing.is_empty(),
            "the monitor `{name}` declares metrics that it never emitted in this test: {}",
            missing.join(", ")
        );
    }
}

impl Instance {
    /// The monitor, when it may be used, and what takes its samples.
    #[track_caller]
    fn usable(&mut self, what: &str) -> (&mut Box<dyn Monitor>, &mut Run) {
        assert!(!self.agent_keys.disabled, "{what}: its entry disables the monitor, so the agent never runs it");
        assert!(
            !self.context.disabled,
            "{what}: `initialize` disabled the monitor, so the agent never runs it; look at context().disabled"
        );
        let Some(monitor) = &mut self.monitor else {
            panic!("{what}: the monitor did not come back from its last run; make a new harness");
        };
        (monitor, &mut self.run)
    }
}

impl Parts {
    fn build(&self) -> Result<Instance, Vec<Problem>> {
        let entry = self.entry.as_ref().map_err(|error| vec![Problem::refused(error.clone())])?;
        let environment = Environment::new(self.environment.clone());
        let context = BuildContext { environment: &environment, allow_http: self.allow_http };
        let told = |problems: Vec<registry::Problem>| problems.into_iter().map(Problem::from).collect::<Vec<_>>();
        let mut warnings = Vec::new();
        let agent_keys = entry::read(self.registration, entry, &mut warnings);
        let is_refused = warnings.iter().any(|problem| problem.severity == Severity::Refused);
        let built = match self.registration.build(entry, context) {
            Ok(built) if !is_refused => built,
            Ok(built) => return Err(warnings.into_iter().chain(told(built.warnings)).collect()),
            Err(problems) => return Err(warnings.into_iter().chain(told(problems)).collect()),
        };
        let (mut monitor, mut context) = (built.monitor, self.context(&agent_keys));
        warnings.extend(told(built.warnings));
        // The agent runs nothing of an entry that is disabled.
        if !agent_keys.disabled
            && let Err(error) = initialise(&mut *monitor, &mut context)
        {
            warnings.push(error);
            return Err(warnings);
        }
        let said = judged::context(&context);
        let is_refused = said.iter().any(|problem| problem.severity == Severity::Refused);
        warnings.extend(said);
        if is_refused {
            return Err(warnings);
        }
        let run = self.run(&agent_keys, &context, Stop::new());
        Ok(Instance { monitor: Some(monitor), run, agent_keys, context, warnings })
    }

    fn context(&self, agent_keys: &AgentKeys) -> Context {
        let name = self.registration.name;
        let (around, log) = (&self.surroundings, LogConfig::new(format!("{name}.log")));
        let log_files = LogFiles::new(Arc::new(around.clone()));
        let name = format!("{name}({})", agent_keys.id);
        Context::new(&name, agent_keys.sample_interval, log, self.logger.clone(), self.clock.clone(), log_files)
            .with_monitors(Monitors::new(Arc::new(around.clone())))
            .with_user_agent(UserAgentFragment::new(Arc::new(around.clone())))
            .with_data_path(self.data_path.clone())
    }

    fn run(&self, agent_keys: &AgentKeys, context: &Context, stop: Stop) -> Run {
        let (clock, logger) = (self.clock.clone(), self.logger.clone());
        let sink = Box::new(self.recorder.clone());
        let sample = Sample::new(self.registration.name, &agent_keys.id, clock, logger, sink)
            .governed_by(Arc::new(agent_keys.rules.clone()), &SeriesBudget::default());
        let watch = Box::new(self.recorder.clone());
        Run::new(sample, stop, context.sample_interval, None, watch).spaced(context.spacing)
    }
}

/// As the agent does it, which refuses a bad interval as well.
fn initialise(monitor: &mut dyn Monitor, context: &mut Context) -> Result<(), Problem> {
    monitor.initialize(context).map_err(|error| Problem::refused(error.to_string()))?;
    let given = context.sample_interval;
    let fault = match given {
        _ if given < LEAST_SAMPLE_INTERVAL => ("short", "least", LEAST_SAMPLE_INTERVAL),
        _ if given > LONGEST_SAMPLE_INTERVAL => ("long", "most", LONGEST_SAMPLE_INTERVAL),
        _ => return Ok(()),
    };
    let (what, bound, allowed) = fault;
    let message = format!("{} s is too {what}; the {bound} is {} s", given.as_secs_f64(), allowed.as_secs_f64());
    Err(Problem { path: "sample_interval".to_owned(), ..Problem::refused(message) })
}

#[track_caller]
fn refused(registration: &Registration, problems: &[Problem]) -> ! {
    let told: Vec<String> = problems.iter().map(|problem| format!("  - {problem}")).collect();
    panic!(
        "the configuration of the monitor `{}` is refused; look at problems() when that is what you want to see:\n{}",
        registration.name,
        told.join("\n")
    );
}

fn panicked(name: &str, panic: Box<dyn Any + Send>) -> ! {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    match text.or_else(|| panic.downcast_ref::<String>().cloned()) {
        Some(text) => panic!("the run of the monitor `{name}` panicked: {text}"),
        None => resume_unwind(panic),
    }
}
