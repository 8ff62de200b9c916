//! The monitor as a whole: built from its configuration, run over fixture trees and over this machine's own.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use expect_test::{expect, expect_file};
use scalyr_monitor::log::{LogSink, Record};
use scalyr_monitor::registry::{Environment, Registry, Severity};
use scalyr_monitor::sample::LineSink;
use scalyr_monitor::{Lines, LogConfig};
use serde_json::{Value, json};

use super::*;

mod against_the_kernel;
mod kernels;
mod memory;

/// Keeps what is written to it.
#[derive(Clone, Default)]
pub(super) struct Kept(Arc<Mutex<String>>);

impl Kept {
    pub(super) fn take(&self) -> String {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl LineSink for Kept {
    fn write_lines(&mut self, lines: &Lines) {
        self.0.lock().unwrap().push_str(lines.text());
    }
}

impl LogSink for Kept {
    fn enabled(&self, level: Level) -> bool {
        level >= Level::Info
    }

    fn log(&self, record: &Record<'_>) {
        self.0.lock().unwrap().push_str(&format!("{} {}\n", record.level, record.message));
    }
}

/// A monitor that was built as the agent builds it, with what it wrote.
struct Running {
    monitor: Box<dyn Monitor>,
    context: Context,
    sample: Sample,
    lines: Kept,
    log: Kept,
}

impl Running {
    fn start(entry: Value) -> Result<Self> {
        let registration =
            Registry::linked().unwrap().find("scalyr_agent.builtin_monitors.linux_system_metrics").unwrap();
        let built = registration.build(entry.as_object().unwrap(), &Environment::default());
        let built = built.unwrap_or_else(|problems| panic!("{problems:?}"));
        assert_eq!(built.warnings, []);
        let (lines, log, clock) =
            (Kept::default(), Kept::default(), Clock::manual(Timestamp::from_millis(1_795_353_432_415)));
        let logger = Logger::new(Arc::new(log.clone()), "monitor:linux_system_metrics()");
        let sample = Sample::new("linux_system_metrics", "", clock.clone(), logger.clone(), Box::new(lines.clone()));
        let (log_config, log_files) = (LogConfig::new("linux_system_metrics.log"), LogFiles::none());
        let mut context =
            Context::new("linux_system_metrics()", Duration::from_secs(30), log_config, logger, clock, log_files);
        let mut monitor = built.monitor;
        monitor.initialize(&mut context)?;
        Ok(Self { monitor, context, sample, lines, log })
    }

    fn sample(&mut self) -> String {
        self.monitor.gather_sample(&mut self.sample).unwrap();
        self.sample.flush();
        self.lines.take()
    }
}

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/linux_system_metrics").join(path)
}

fn over_fixture(name: &str) -> Value {
    json!({ "proc_root": fixture(name).join("proc"), "sys_root": fixture(name).join("sys") })
}

/// Without the place where the fixtures lie.
fn placeless(text: &str) -> String {
    text.replace(fixture("").to_str().unwrap(), "FIXTURES/")
}

/// Metric lines without the sizes of the test machine's file systems; not all of them count inodes.
fn sizeless(lines: &str) -> String {
    let lines = lines.lines().filter(|line| !line.contains("] df.inodes."));
    let masked = lines.map(|line| match line.split_once("] df.") {
        Some((before, after)) => {
            let words = after.splitn(3, ' ').collect::<Vec<_>>();
            format!("{before}] df.{} _ {}\n", words[0], words[2])
        }
        None => format!("{line}\n"),
    });
    masked.collect()
}

#[test]
fn a_server_is_told_line_by_line() {
    let files = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(files.path().join("srv/with blank")).unwrap();
    let mut entry = over_fixture("server");
    entry["root"] = json!(files.path());
    let mut running = Running::start(entry).unwrap();
    let lines = sizeless(&running.sample());
    expect_file!["../../../tests/fixtures/linux_system_metrics/server/golden.txt"].assert_eq(&lines);
    assert_eq!(running.log.take(), "");
}

#[test]
fn a_strange_tree_gives_what_can_be_told_and_each_warning_once() {
    let files = tempfile::tempdir().unwrap();
    std::fs::create_dir(files.path().join(OsStr::from_bytes(b"caf\xe9 \t\"x\""))).unwrap();
    let mut entry = over_fixture("strange");
    entry["root"] = json!(files.path());
    let mut running = Running::start(entry).unwrap();
    let lines = sizeless(&running.sample());
    expect_file!["../../../tests/fixtures/linux_system_metrics/strange/golden.txt"].assert_eq(&lines);
    let warned = placeless(&running.log.take());
    expect_file!["../../../tests/fixtures/linux_system_metrics/strange/warnings.txt"].assert_eq(&warned);
    assert_eq!(sizeless(&running.sample()), lines);
    assert_eq!(running.log.take(), "", "what was said once is not said again");
}

#[test]
fn trees_that_are_missing_give_warnings_and_no_line() {
    let mut running = Running::start(json!({ "proc_root": "/no/such/proc", "sys_root": "/no/such/sys" })).unwrap();
    assert_eq!(running.sample(), "");
    let warned = running.log.take();
    let cannot = |name: &str| warned.contains(&format!("WARNING Cannot read /no/such/proc/{name}: No such file"));
    let of_machine = ["stat", "uptime", "loadavg", "meminfo", "vmstat", "diskstats", "sys/kernel/random/entropy_avail"];
    let of_process = ["1/mountinfo", "1/net/dev", "1/net/sockstat", "1/net/netstat", "1/net/snmp"];
    for name in of_machine.iter().chain(&of_process) {
        assert!(cannot(name), "{name} in {warned}");
    }
    assert_eq!(warned.lines().count(), of_machine.len() + of_process.len());
}

#[test]
fn this_machine_is_told_with_its_own_options_and_no_other_warning() {
    let mut running =
        Running::start(json!({ "network_interface_prefixes": [""], "network_interface_suffix": ".*" })).unwrap();
    let lines = running.sample();
    assert!(lines.lines().count() > 30, "{lines}");
    for name in ["sys.cpu.count", "proc.uptime.total", "proc.stat.cpu", "proc.meminfo.memtotal", "proc.loadavg.1min"] {
        assert!(lines.contains(&format!("] {name} ")), "{name} in {lines}");
    }
    assert_eq!(running.log.take(), "");
}

#[test]
fn an_interface_filter_that_lets_nothing_through_is_told_once() {
    let mut entry = over_fixture("server");
    entry["network_interface_prefixes"] = json!("ens,wlan");
    entry["ignore_mounts"] = json!(["*"]);
    let mut running = Running::start(entry).unwrap();
    assert!(!running.sample().contains("proc.net."));
    running.sample();
    expect![[r#"
        WARNING No network interface matches ens or wlan followed by [0-9A-Z]+, so there is no proc.net.*. This machine has eth0, docker0; name what you want with the options network_interface_prefixes and network_interface_suffix.
    "#]]
    .assert_eq(&running.log.take());
}

#[test]
fn tags_become_attributes_of_the_metric_log_and_old_options_are_warned_about() {
    let entry = json!({ "tags": { "tier": "web" }, "collectors_directory": "/usr/share/x", "ignore_mounts": ["/a["] });
    let running = Running::start(entry).unwrap();
    assert_eq!(Value::Object(running.context.log_config.attributes.clone()), json!({ "tier": "web" }));
    assert_eq!(running.context.log_config.parser, "agent-metrics");
    expect![[r#"
        WARNING ignore_mounts: no shell pattern, matches only its own text: `/a[` (unclosed character class; missing ']')
        WARNING collectors_directory (`/usr/share/x`) is not used: this agent reads the kernel's files itself. Remove the option; what a collector of your own measures becomes a monitor crate under local-monitors/.
    "#]]
    .assert_eq(&running.log.take());
}

#[test]
fn tags_that_are_no_object_and_a_bad_expression_are_refused() {
    let registration = Registry::linked().unwrap().find("linux_system_metrics").unwrap();
    let entry = json!({ "tags": ["web"] });
    let problems = registration.build(entry.as_object().unwrap(), &Environment::default()).err().unwrap();
    assert_eq!((problems[0].path.as_str(), problems[0].severity), ("tags", Severity::Refused));
    let error = Running::start(json!({ "network_interface_suffix": "[0-9" })).err().unwrap().to_string();
    assert!(error.starts_with("network_interface_suffix: `[0-9` is not a regular expression"), "{error}");
}

#[test]
fn each_metric_has_the_category_by_which_the_reference_sorts_it() {
    let metrics = Registry::linked().unwrap().find("linux_system_metrics").unwrap().metrics();
    let without: Vec<_> = metrics.iter().filter(|metric| metric.category.is_none()).map(|metric| metric.name).collect();
    assert_eq!(without, Vec::<&str>::new());
}
