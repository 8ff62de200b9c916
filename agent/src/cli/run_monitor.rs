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
        };
        Surroundings {
            clock: self.clock.clone(),
            logger: self.logger.clone(),
            log_files: LogFiles::new(Arc::new(WouldCopy::new(would_say.clone()))),
            contribution: Arc::new(would_say),
            log_path: self.log_path.clone(),
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
mod tests {
    use std::sync::{Mutex, PoisonError};

    use scalyr_monitor::prelude::*;
    use scalyr_monitor::registry::Registry;
    use serde_json::{Value, json};

    use super::*;
    use crate::config::{RunRequest, monitor_plan_for_run};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);
    impl Shared {
        fn lines(&self) -> Vec<String> {
            let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
            String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
        }
    }
    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Failing(ErrorKind);
    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Says what it can beside its lines, and panics in its second sample.
    #[scalyr_monitor(name = "run_monitor_test")]
    struct Restless {
        count: u64,
    }

    impl Monitor for Restless {
        fn initialize(&mut self, context: &mut Context) -> Result<()> {
            context.server_attributes.insert("zone".into(), "b".into());
            context.user_agent().set("k8s:1.2")?;
            context.log_files().register(LogConfig { parser: "accessLog".into(), ..LogConfig::new("/a/access.log") })
        }

        fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
            self.count += 1;
            out.line(&self.count.to_string());
            if self.count == 2 { panic!("enough") } else { Ok(()) }
        }
    }

    /// Adds a coin in its first sample, and fails in its run when it is told to.
    #[scalyr_monitor(name = "run_monitor_adds")]
    struct Adds {
        /// Whether its run fails.
        #[config(default = false)]
        fails: bool,

        monitors: Option<Monitors>,
    }

    impl Monitor for Adds {
        fn initialize(&mut self, context: &mut Context) -> Result<()> {
            self.monitors = Some(context.monitors().clone());
            Ok(())
        }

        fn run(&mut self, run: &mut Run) -> Result<()> {
            if self.fails {
                return Err(Error::new("no such coin"));
            }
            let monitors = self.monitors.take().unwrap_or_else(Monitors::none);
            run.sample(|_| monitors.add(NewMonitor::new("coin", "added").with("sample_interval", 0.1)).map(drop));
            while run.next() {
                run.sample(|out| {
                    out.line("here");
                    Ok(())
                });
            }
            Ok(())
        }
    }

    #[test]
    fn a_monitor_that_is_added_runs_beside_and_its_lines_stand_between() {
        let out = Shared::default();
        let ended = run_with(request("run_monitor_adds", Value::Null, 0, 8), Box::new(out.clone()));
        assert_eq!(ended, (0, String::new()));
        let lines: Vec<String> = out.lines().iter().map(|line| bare(line)).collect();
        let of = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
        assert!(of("[coin(added)] uniform ") >= 1 && of("[run_monitor_adds()] here") == 7, "{lines:#?}");
        assert_eq!(
            of("INFO [monitor:run_monitor_adds()] Starting monitor coin(added), added by run_monitor_adds()"),
            1,
            "{lines:#?}"
        );
    }

    /// Waits, at the end of its run, for a word from its own hook.
    #[scalyr_monitor(name = "run_monitor_waits")]
    struct Waits {}

    impl Monitor for Waits {
        fn run(&mut self, run: &mut Run) -> Result<()> {
            let (tell, told) = std::sync::mpsc::sync_channel(0);
            run.stop().on_stop(move || _ = tell.send(()));
            while run.next() {
                run.sample(|out| {
                    out.line("here");
                    Ok(())
                });
            }
            told.recv()?;
            Ok(())
        }
    }

    /// Adds monitors of its own kind that never end, in its first sample.
    #[scalyr_monitor(name = "run_monitor_hangs")]
    struct Hangs {
        /// How many it adds; one that adds none hangs.
        #[config(default = 0)]
        adds: u64,

        monitors: Option<Monitors>,
    }

    impl Monitor for Hangs {
        fn initialize(&mut self, context: &mut Context) -> Result<()> {
            self.monitors = Some(context.monitors().clone());
            Ok(())
        }

        fn gather_sample(&mut self, _: &mut Sample) -> Result<()> {
            if self.adds == 0 {
                // Nobody stops it.
                Stop::new().wait(Duration::MAX);
            }
            let monitors = self.monitors.take().unwrap_or_else(Monitors::none);
            (0..self.adds)
                .try_for_each(|n| monitors.add(NewMonitor::new("run_monitor_hangs", &n.to_string())).map(drop))
        }
    }

    #[test]
    fn the_hooks_of_the_last_sample_run_on_another_thread_as_in_the_daemon() {
        let out = Shared::default();
        let (done, ended) = bounded(1);
        let run = {
            let out = out.clone();
            move || _ = done.send(run_with(request("run_monitor_waits", Value::Null, 0, 3), Box::new(out)))
        };
        Threads::new().spawn("run", run).unwrap();
        assert_eq!(ended.recv_timeout(Duration::from_secs(60)).unwrap(), (0, String::new()));
        assert_eq!(out.lines().iter().filter(|line| line.ends_with("here")).count(), 3, "{:#?}", out.lines());
    }

    #[test]
    fn monitors_that_were_added_and_hang_are_waited_for_together() {
        let began = Clock::system().monotonic();
        let added = 60;
        let ended = run_with(request("run_monitor_hangs", json!({ "adds": added }), 0, 1), Box::new(Shared::default()));
        assert_eq!(ended, (0, String::new()));
        assert!(began.elapsed() < PATIENCE * added / 2, "one after the other: {:?}", began.elapsed());
    }

    #[test]
    fn a_monitor_with_stop_agent_on_failure_ends_the_run_with_a_failure() {
        let options = json!({ "fails": true, "stop_agent_on_failure": true });
        let (code, err) = run_with(request("run_monitor_adds", options, 0, 8), Box::new(Shared::default()));
        assert_eq!(code, 1);
        assert!(err.contains("The monitor failed: no such coin"), "{err}");
    }

    /// As the command line asks for it; the options come behind its judgement, so that the run has to judge them too.
    fn request(module: &str, options: Value, debug_level: u8, samples: u64) -> Request {
        let request =
            RunRequest { module, config_text: "{}", sample_interval: Duration::from_millis(100), agent_config: None };
        let planned = monitor_plan_for_run(&request, &Registry::linked().unwrap(), &Arc::default());
        let planned = planned.unwrap_or_else(|report| panic!("{report}"));
        let (mut plan, added_entries) = (planned.monitor, planned.added_entries);
        plan.stop_agent_on_failure = options.get("stop_agent_on_failure").is_some();
        plan.entry.extend(options.as_object().cloned().unwrap_or_default());
        Request { plan, log_path: PathBuf::from("."), debug_level, samples: Some(samples), added_entries }
    }

    fn coin(options: Value, debug_level: u8, samples: u64) -> Request {
        request("coin", options, debug_level, samples)
    }

    fn run_with(request: Request, out: Box<dyn Write + Send>) -> (u8, String) {
        let mut err = Vec::new();
        let code = run(request, Clock::system(), &Threads::new(), out, &mut err);
        (code, String::from_utf8(err).unwrap())
    }

    /// A line without its time and, for a diagnostic, without its source.
    fn bare(line: &str) -> String {
        let mut parts: Vec<&str> = line[25..].split(' ').collect();
        parts.retain(|part| !part.starts_with("[scalyr_agent."));
        parts.join(" ")
    }

    #[test]
    fn three_samples_of_coin_are_six_lines_and_nothing_else() {
        let out = Shared::default();
        let ended = run_with(coin(json!({ "gauss_mean": 8.5 }), 0, 3), Box::new(out.clone()));
        assert_eq!(ended, (0, String::new()));
        let lines = out.lines();
        assert_eq!(lines.len(), 6, "{lines:#?}");
        for (number, line) in lines.iter().enumerate() {
            let metric = if number % 2 == 0 { "uniform" } else { "gauss" };
            let line = bare(line);
            let rest = line.strip_prefix(&format!("[coin()] {metric} ")).expect(&line);
            let (value, count) = rest.split_once(' ').unwrap();
            value.parse::<f64>().unwrap();
            assert_eq!(count, format!("count={}", number / 2 + 1));
        }
    }

    #[test]
    fn a_value_out_of_bounds_is_refused_with_its_name_value_and_bound() {
        let out = Shared::default();
        let (code, err) = run_with(coin(json!({ "gauss_mean": 11 }), 0, 3), Box::new(out.clone()));
        assert_eq!(code, 1);
        assert!(err.starts_with("refused: coin(): gauss_mean: "), "{err}");
        assert!(err.contains("11") && err.contains("10"), "{err}");
        assert_eq!(out.lines(), Vec::<String>::new());
    }

    #[test]
    fn debugging_tells_of_the_four_steps() {
        let out = Shared::default();
        run_with(coin(json!({ "gauss_mean": 1 }), 1, 1), Box::new(out.clone()));
        let lines: Vec<String> = out.lines().iter().map(|line| bare(line)).collect();
        assert_eq!(
            lines[..4],
            [
                "DEBUG [core] Attempting to run monitor coin",
                "DEBUG [core] Parsed the configuration of coin(); it sets gauss_mean",
                "DEBUG [core] Constructed monitor coin(), sample interval 0.1 s",
                "DEBUG [core] Starting monitor coin()",
            ]
        );
        assert_eq!(lines.len(), 6);
    }

    #[test]
    fn a_panic_and_what_the_agent_would_do_are_told_between_the_lines() {
        let out = Shared::default();
        let (code, err) = run_with(request("run_monitor_test", Value::Null, 0, 3), Box::new(out.clone()));
        assert_eq!((code, err.as_str()), (0, ""));
        let lines: Vec<String> = out.lines().iter().map(|line| bare(line)).collect();
        let of = |text: &str| format!("INFO [monitor:run_monitor_test()] The agent would now {text}");
        let beginning = [
            of("add \"k8s:1.2\" to its User-Agent"),
            of("copy the log file /a/access.log with the parser accessLog"),
            of("send the server attributes {\"zone\":\"b\"}"),
        ];
        assert_eq!(lines.len(), 11, "{lines:#?}");
        assert_eq!((&lines[..3], &lines[7..10]), (&beginning[..], &beginning[..]));
        assert_eq!(lines[3..5], ["[run_monitor_test()] 1", "[run_monitor_test()] 2"]);
        assert!(lines[5].contains("[error=\"failedMonitor\"] The monitor panicked at agent/src/cli/run_monitor.rs:"));
        assert!(lines[6].contains(" The monitor is built anew and started again in "));
        assert_eq!(lines[10], "[run_monitor_test()] 1");
    }

    #[test]
    fn a_reader_who_goes_away_ends_it_quietly_and_a_full_disk_does_not() {
        let request = || coin(Value::Null, 0, 1_000_000);
        assert_eq!(run_with(request(), Box::new(Failing(ErrorKind::BrokenPipe))), (0, String::new()));
        let (code, err) = run_with(request(), Box::new(Failing(ErrorKind::StorageFull)));
        assert_eq!(code, 1);
        assert!(err.starts_with("Cannot write to standard output: "), "{err}");
    }
}
