//! Runs of single monitors, with their output in memory.

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
        (0..self.adds).try_for_each(|n| monitors.add(NewMonitor::new("run_monitor_hangs", &n.to_string())).map(drop))
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

// monitor-framework.md, sharp edge 18
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
    // The calls that led to the panic stand indented below its line.
    let lines: Vec<String> = out.lines().iter().filter(|line| !line.starts_with(' ')).map(|line| bare(line)).collect();
    let of = |text: &str| format!("INFO [monitor:run_monitor_test()] The agent would now {text}");
    let beginning = [
        of("add \"k8s:1.2\" to its User-Agent"),
        of("copy the log file /a/access.log with the parser accessLog"),
        of("send the server attributes {\"zone\":\"b\"}"),
    ];
    assert_eq!(lines.len(), 11, "{lines:#?}");
    assert_eq!((&lines[..3], &lines[7..10]), (&beginning[..], &beginning[..]));
    assert_eq!(lines[3..5], ["[run_monitor_test()] 1", "[run_monitor_test()] 2"]);
    assert!(lines[5].contains("[error=\"failedMonitor\"] The monitor panicked at agent/src/cli/run_monitor/tests.rs:"));
    assert!(lines[5].ends_with(" :stack_trace:"), "{}", lines[5]);
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
