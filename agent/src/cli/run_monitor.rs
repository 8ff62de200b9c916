//! `agent --run-monitor`: one monitor, with its lines on standard output; for those who write one.
//!
//! The instance is built and run exactly as the daemon does it; only its lines go elsewhere.

mod args;
mod command;
mod would_say;

use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use scalyr_monitor::rules::SeriesBudget;
use scalyr_monitor::{Clock, LogFiles, Logger, Stop};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::config::AddedEntries;
use crate::config::plan::{LogPlan, MonitorPlan};
use crate::monitors::added::{AddedMonitors, Host, Opened};
use crate::monitors::back_off::RestartPolicy;
use crate::monitors::instance::{Instance, Refused, Surroundings, construct};
use crate::monitors::panic_place;
use crate::monitors::runner::MonitorHandle;
use crate::own_logs::stdout_log::StdoutLog;
use crate::threads::Threads;

pub use args::{Args, is_asked_for, parse, worst_code};
pub use command::command;
use would_say::{WouldCopy, WouldSay};

/// How long the end waits for a monitor that may hang, and for a line that perhaps nobody reads: together well below
/// the second within which a signal ends it.
const PATIENCE: Duration = Duration::from_millis(350);
const PATIENCE_FOR_A_LINE: Duration = Duration::from_millis(200);

/// How often is looked whether a sample hangs.
const TICK: Duration = Duration::from_secs(1);

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Request {
    /// The instance.
    pub plan: MonitorPlan,
    /// `agent_log_path`: what the monitor's relative paths are relative to. Nothing is written there.
    pub log_path: PathBuf,
    /// `-d`, 0 to 5.
    pub debug_level: u8,
    /// `--samples`: stop after so many.
    pub samples: Option<u64>,
    /// What an entry means that the monitor adds while it runs.
    pub added_entries: AddedEntries,
}

/// Runs the monitor until SIGINT, SIGTERM, the end of `out` or enough samples. Metric lines and diagnostics go to
/// `out`; what keeps the monitor from running goes to `err`. Returns the exit code: 1 when it could not run.
pub fn run(request: Request, clock: Clock, threads: &Threads, out: Box<dyn Write + Send>, err: &mut dyn Write) -> u8 {
    match attempt(request, clock, threads, out) {
        Ok(()) => 0,
        Err(reason) => {
            // When even this cannot be written, the exit code still tells it.
            _ = writeln!(err, "{reason}");
            1
        }
    }
}

/// What the waiting thread is told.
enum Event {
    Signal,
    Refused(Refused),
    NoThread(io::Error),
    Started(Arc<MonitorHandle>),
    /// A monitor failed that has `stop_agent_on_failure`.
    Failed(String),
    Ended,
    OutputGone,
}

fn attempt(request: Request, clock: Clock, threads: &Threads, out: Box<dyn Write + Send>) -> Result<(), String> {
    panic_place::install();
    let (tell, events) = bounded(8);
    let output_gone = Stop::new();
    let log = Arc::new(StdoutLog::new(out, request.debug_level, clock.clone(), output_gone.clone()));
    output_gone.on_stop({
        let tell = tell.clone();
        move || _ = tell.try_send(Event::OutputGone)
    });
    let signals = Signals::new([SIGINT, SIGTERM]).map_err(|error| format!("Cannot listen for signals: {error}"))?;
    let signal_end = signals.handle();
    let said = Stop::new();
    let no_thread = |error: io::Error| format!("The system gives no thread: {error}");
    threads
        .spawn("signals", {
            let (tell, log, said) = (tell.clone(), Arc::clone(&log), said.clone());
            move || wait_for_signal(signals, &tell, &log, &said)
        })
        .map_err(no_thread)?;
    // On a thread of its own, so that a monitor that hangs while it initialises can be interrupted too.
    threads
        .spawn("monitor start", {
            let (log, threads) = (Arc::clone(&log), threads.clone());
            move || start(&request, clock, log, &tell, &threads)
        })
        .map_err(no_thread)?;
    let outcome = wait_for_end(&events, &log, &said);
    signal_end.close();
    outcome
}

/// Waits for the first signal. The waiting thread is told before the line is written, so that a line which nobody
/// reads does not keep it.
fn wait_for_signal(mut signals: Signals, tell: &Sender<Event>, log: &StdoutLog, said: &Stop) {
    if signals.forever().next().is_some() {
        _ = tell.try_send(Event::Signal);
        log.say("Signal received, stopping monitor...");
        said.stop();
    }
}

fn start(request: &Request, clock: Clock, log: Arc<StdoutLog>, tell: &Sender<Event>, threads: &Threads) {
    let name = request.plan.name();
    let logger = Logger::new(log.clone(), "core");
    logger.debug(format_args!("Attempting to run monitor {}", request.plan.registration.name));
    // The names only: a value may be a password.
    let keys = request.plan.entry.keys().map(String::as_str);
    let keys: Vec<&str> = keys.filter(|key| *key != "module").collect();
    let keys = if keys.is_empty() { "nothing".to_owned() } else { keys.join(", ") };
    logger.debug(format_args!("Parsed the configuration of {name}; it sets {keys}"));
    let host = OneRun {
        clock: clock.clone(),
        logger: logger.clone(),
        log: Arc::clone(&log),
        log_path: request.log_path.clone(),
        rate_series: SeriesBudget::default(),
    };
    let added = AddedMonitors::new(Box::new(host.clone()), threads.clone(), clock);
    added.configure(request.added_entries.clone(), [name.clone()]);
    let surroundings = Surroundings { monitors: Some(added.clone()), ..host.surroundings(&request.plan) };
    let instance = match construct(&request.plan, &surroundings) {
        Ok(instance) => instance,
        Err(refused) => {
            _ = tell.try_send(Event::Refused(refused));
            return;
        }
    };
    describe(&logger, &instance);
    instance.tell_warnings();
    surroundings.contribution.server_attributes(&instance.server_attributes);
    logger.debug(format_args!("Starting monitor {name}"));
    if instance.disabled {
        logger.warn(format_args!("Monitor {name} has disabled itself and takes no samples"));
    }
    match MonitorHandle::start(instance, log, &surroundings, request.samples, threads) {
        Err(error) => _ = tell.try_send(Event::NoThread(error)),
        Ok(handle) => {
            let handle = Arc::new(handle);
            _ = tell.try_send(Event::Started(Arc::clone(&handle)));
            let mut failure = None;
            while failure.is_none() && !handle.wait(TICK) {
                handle.look_after();
                failure = added.tick();
            }
            // So that no line of theirs is cut by the end of the process.
            let others = added.close();
            others.iter().for_each(|other| other.ask_to_stop());
            let end = surroundings.clock.monotonic() + PATIENCE;
            for other in &others {
                other.wait(end.saturating_duration_since(surroundings.clock.monotonic()));
            }
            let end = failure.or_else(|| handle.fatal_failure()).map_or(Event::Ended, Event::Failed);
            _ = tell.try_send(end);
        }
    }
}

fn describe(logger: &Logger, instance: &Instance) {
    logger.debug(format_args!(
        "Constructed monitor {}, sample interval {} s",
        instance.plan.name(),
        instance.sample_interval.as_secs_f64()
    ));
}

fn wait_for_end(events: &Receiver<Event>, log: &StdoutLog, said: &Stop) -> Result<(), String> {
    let mut running: Option<Arc<MonitorHandle>> = None;
    loop {
        match events.recv() {
            Ok(Event::Started(handle)) => running = Some(handle),
            Ok(Event::Refused(refused)) => return Err(refused.report()),
            Ok(Event::NoThread(error)) => return Err(format!("The system gives no thread: {error}")),
            Ok(Event::Failed(failure)) => return Err(failure),
            Ok(Event::Ended) | Err(_) => return Ok(()),
            Ok(Event::OutputGone) => {
                // Whoever read the lines has seen enough of them (`| head`): no reason to complain.
                return match log.trouble() {
                    Some(error) if error.kind() != ErrorKind::BrokenPipe => {
                        Err(format!("Cannot write to standard output: {error}"))
                    }
                    _ => Ok(()),
                };
            }
            Ok(Event::Signal) => {
                said.wait(PATIENCE_FOR_A_LINE);
                // A monitor may print before its start is told of here; one that hangs in its start never is.
                if running.is_none()
                    && let Ok(Event::Started(handle)) = events.recv_timeout(PATIENCE)
                {
                    running = Some(handle);
                }
                if let Some(handle) = running {
                    handle.ask_to_stop();
                    handle.wait(PATIENCE);
                }
                return Ok(());
            }
        }
    }
}

/// What the one monitor is lent, and those that it adds: they run beside it, with their lines between its own.
#[derive(Clone)]
struct OneRun {
    clock: Clock,
    logger: Logger,
    log: Arc<StdoutLog>,
    log_path: PathBuf,
    /// What the rates of all of them may take together.
    rate_series: SeriesBudget,
}

impl Host for OneRun {
    fn surroundings(&self, plan: &MonitorPlan) -> Surroundings {
        let would_say = WouldSay {
            logger: self.logger.for_component(&format!("monitor:{}", plan.name())),
            monitor: plan.name(),
            log_path: self.log_path.clone(),
            workers: plan.workers.clone(),
        };
        Surroundings {
            clock: self.clock.clone(),
            logger: self.logger.clone(),
            log_files: LogFiles::new(Arc::new(WouldCopy::new(would_say.clone(), Arc::clone(&self.log)))),
            contribution: Arc::new(would_say),
            log_path: self.log_path.clone(),
            data_path: None,
            restart: RestartPolicy::default(),
            rate_series: self.rate_series.clone(),
            monitors: None,
        }
    }

    fn open(&self, _: &Instance) -> Result<Opened, String> {
        Ok(Opened { output: self.log.clone(), copied: None })
    }

    fn close(&self, _: LogPlan) {}
}

#[cfg(test)]
mod tests;
