//! Each monitor that is linked into the agent runs, in the way of `--run-monitor` and in that of the daemon.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use {builtin_monitors as _, local_monitors as _};

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scalyr_agent::cli::configuration;
use scalyr_agent::cli::run_monitor::{Request, run};
use scalyr_agent::config::plan::Plan;
use scalyr_agent::config::{Report, RunPlan, RunRequest, Severity, monitor_plan_for_run};
use scalyr_agent::monitors::panic_place;
use scalyr_agent::supervisor::{Edge, Supervisor};
use scalyr_agent::threads::Threads;
use scalyr_monitor::Clock;
use scalyr_monitor::registry::{Environment, Registration, Registry};
use serde_json::{Map, Value, json};

/// Those that emit nothing by themselves.
const SILENT: [&str; 4] = ["graphite_monitor", "journald_monitor", "symlink_file_monitor", "syslog_monitor"];

const PATIENCE: Duration = Duration::from_secs(60);

/// What the options that must be given are set to. A monitor that needs more than is known here is only asked to say
/// what it misses.
fn required_options(registration: &Registration) -> Option<Map<String, Value>> {
    let known = json!({
        "graphite_monitor": { "plaintext_port": 0, "pickle_port": 0 },
        "linux_process_metrics": { "pid": "$$" },
        "shell_monitor": { "command": "echo 1" },
        "symlink_file_monitor": { "input_path_glob": "/nowhere/*", "symlink_file_name_format": "w-{index}-{file_name}" },
        "syslog_monitor": { "protocols": "tcp:0" },
        "test_monitor": { "gauss_mean": 0.5 },
        "url_monitor": { "url": "http://127.0.0.1:9/" },
    });
    let required: Vec<_> = registration.options().into_iter().filter(|option| option.required).collect();
    let known = known[registration.name].as_object().cloned().unwrap_or_default();
    required.iter().all(|option| known.contains_key(option.key)).then_some(known)
}

fn missing_options(registration: &Registration) -> Vec<&'static str> {
    registration.options().iter().filter(|option| option.required).map(|option| option.key).collect()
}

/// The plan of `--run-monitor`.
fn planned_alone(registration: &Registration, options: &Map<String, Value>) -> Result<RunPlan, Report> {
    let request = RunRequest {
        module: registration.name,
        config_text: &Value::from(options.clone()).to_string(),
        sample_interval: Duration::from_millis(100),
        agent_config: None,
    };
    monitor_plan_for_run(&request, &Registry::linked().unwrap(), &Arc::default())
}

/// The plan of the daemon, with the file that it was read from.
fn planned_in_daemon(directory: &Path, name: &str, options: &Map<String, Value>) -> (PathBuf, Plan, Report) {
    let mut entry = options.clone();
    entry.insert("module".to_owned(), name.into());
    entry.insert("sample_interval".to_owned(), 0.1.into());
    let config = json!({
        "api_key": "every-monitor",
        "scalyr_server": "http://127.0.0.1:9",
        "allow_http": true,
        "agent_log_path": directory.join("log"),
        "agent_data_path": directory.join("data"),
        "global_monitor_sample_interval_enable_jitter": false,
        "implicit_metric_monitor": false,
        "implicit_agent_process_metrics_monitor": false,
        "monitors": [entry],
    });
    let file = directory.join("agent.json");
    fs::write(&file, config.to_string()).unwrap();
    let (plan, report) = configuration::read(&file, &Arc::new(Environment::default())).unwrap();
    (file, plan, report)
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Two samples in the way of `--run-monitor`: nothing but metric lines of this monitor.
fn run_alone(registration: &Registration, options: &Map<String, Value>) {
    let planned = planned_alone(registration, options).unwrap_or_else(|report| panic!("{report}"));
    let request = Request {
        plan: planned.monitor,
        log_path: planned.log_path,
        debug_level: 0,
        samples: Some(2),
        added_entries: planned.added_entries,
    };
    let (out, mut err) = (Shared::default(), Vec::new());
    let code = run(request, Clock::system(), &Threads::new(), Box::new(out.clone()), &mut err);
    let out = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
    assert_eq!((code, err.as_slice()), (0, &b""[..]), "{out}");
    // What it tells in the agent log stands between them.
    let told = format!(" [monitor:{}(", registration.name);
    let lines: String = out.split_inclusive('\n').filter(|line| !line.contains(&told)).collect();
    assert_metric_lines(registration, &lines);
}

/// Two samples in the daemon, and its end.
fn run_in_daemon(registration: &Registration, options: &Map<String, Value>) {
    let directory = tempfile::tempdir().unwrap();
    let (config_file, plan, report) = planned_in_daemon(directory.path(), registration.name, options);
    assert!(report.worst() < Some(Severity::Refused), "{report}");
    let clock = Clock::system();
    let supervisor =
        Supervisor::start(plan, Edge { config_file, report, options: Vec::new(), clock: clock.clone(), stdout: None })
            .unwrap();
    let began = clock.monotonic();
    while supervisor.snapshot().monitors[0].samples < 2 {
        assert!(began.elapsed() < PATIENCE, "{:?}", supervisor.snapshot());
        std::thread::sleep(Duration::from_millis(10));
    }
    let monitor = supervisor.snapshot().monitors[0].clone();
    assert_eq!((monitor.failed_samples, monitor.panics, monitor.restarts), (0, 0, 0), "{monitor:?}");
    assert_eq!(supervisor.stop().left_behind, Vec::<String>::new());
    let log = fs::read_to_string(directory.path().join(format!("log/{}.log", registration.name))).unwrap_or_default();
    assert_metric_lines(registration, &log);
}

#[track_caller]
fn assert_metric_lines(registration: &Registration, text: &str) {
    let head = format!(" [{}(", registration.name);
    assert!(
        text.is_empty() == SILENT.contains(&registration.name)
            && text.lines().all(|line| line.get(24..).is_some_and(|l| l.starts_with(&head))),
        "{text}"
    );
}

/// Without the options that it requires it is refused either way, and for nothing else.
fn refuses_alone_and_in_daemon(registration: &Registration, missing: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    let alone = planned_alone(registration, &Map::new()).unwrap_err();
    let (_, plan, daemon) = planned_in_daemon(directory.path(), registration.name, &Map::new());
    assert!(plan.monitors.is_empty(), "{}", registration.name);
    for (report, prefix) in [(alone, ""), (daemon, "monitors[0].")] {
        let refused = report.problems().iter().filter(|problem| problem.severity >= Severity::Refused);
        let mut paths: Vec<_> = refused.map(|problem| problem.place.path.clone()).collect();
        paths.sort();
        let mut expected: Vec<_> = missing.iter().map(|key| format!("{prefix}{key}")).collect();
        expected.sort();
        assert_eq!(paths, expected, "{report}");
    }
}

#[test]
fn every_linked_monitor_runs_alone_and_in_the_daemon() {
    panic_place::install();
    let registry = Registry::linked().unwrap();
    let names: Vec<&str> = registry.iter().map(|registration| registration.name).collect();
    assert!(["coin", "linux_system_metrics", "test_monitor"].iter().all(|name| names.contains(name)), "{names:?}");
    for registration in registry.iter() {
        let missing = missing_options(registration);
        if !missing.is_empty() {
            refuses_alone_and_in_daemon(registration, &missing);
        }
        if let Some(options) = required_options(registration) {
            run_alone(registration, &options);
            run_in_daemon(registration, &options);
        }
    }
}
