//! Real processes that the tests start, beside a reader of `/proc` that shares no code with the monitor.

use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use scalyr_monitor::testing::{Harness, Taken, json};

use super::super::*;
use super::{lines, part, told};

/// A real process, ended with the test.
struct Sleeper(Child);

impl Sleeper {
    fn start(mark: &str) -> Self {
        let command = format!("while :; do read -r line || exit; done # {mark}");
        let child = Command::new("sh").args(["-c", &command]).stdin(Stdio::piped()).spawn().unwrap();
        // Its command line is empty for a moment after it is there.
        let told = || std::fs::read_to_string(format!("/proc/{}/cmdline", child.id())).unwrap();
        while !told().contains(mark) {
            std::thread::sleep(Duration::from_millis(1));
        }
        Self(child)
    }

    fn end(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// A process that does something each time it is told to, and says when it is done.
struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Worker {
    /// A shell that reads a megabyte, writes some and burns a little of processor time for each line that it gets.
    fn start(mark: &str) -> Self {
        let script = format!(
            "while read -r line; do head -c 1000000 /dev/zero > /dev/null; i=0; \
             while [ $i -lt 30000 ]; do i=$((i+1)); done; echo done; done # {mark}"
        );
        let mut command = Command::new("sh");
        let mut child = command.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut worker = Self { child, input, output };
        worker.work();
        worker
    }

    /// Does a piece of work; it sleeps when this comes back.
    fn work(&mut self) {
        writeln!(self.input, "go").unwrap();
        self.output.read_line(&mut String::new()).unwrap();
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// What the kernel says of a process, by the text of the series.
fn read_independently(pid: u32) -> BTreeMap<&'static str, f64> {
    let file = |name: &str| read_to_string(format!("/proc/{pid}/{name}")).unwrap();
    let stat = file("stat");
    let (_, behind) = stat.rsplit_once(") ").unwrap();
    let fields: Vec<&str> = behind.split_whitespace().collect();
    // The state is field 3.
    let field = |number: usize| fields[number - 3].parse::<f64>().unwrap();
    let status = file("status");
    let kilobytes = |name: &str| {
        let (_, behind) = status.split_once(&format!("\n{name}:")).unwrap();
        behind.trim_start().split(' ').next().unwrap().parse::<f64>().unwrap() * 1024.0
    };
    let io = file("io");
    let count = |at: usize| io.lines().nth(at).unwrap().rsplit(' ').next().unwrap().parse::<f64>().unwrap();
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    BTreeMap::from([
        ("app.cpu user", field(14)),
        ("app.cpu system", field(15)),
        ("app.nice ", field(19)),
        ("app.threads ", field(20)),
        ("app.mem.majflt ", field(12)),
        ("app.io.wait ", field(42)),
        ("app.mem.bytes vmsize", kilobytes("VmSize")),
        ("app.mem.bytes peak_vmsize", kilobytes("VmPeak")),
        ("app.mem.bytes resident", kilobytes("VmRSS")),
        ("app.mem.bytes peak_resident", kilobytes("VmHWM")),
        ("app.disk.bytes read", count(0)),
        ("app.disk.bytes write", count(1)),
        ("app.disk.requests read", count(2)),
        ("app.disk.requests write", count(3)),
        ("app.disk.storage_bytes read", count(4)),
        ("app.disk.storage_bytes write", count(5)),
        ("app.io.fds open", descriptors as f64),
    ])
}

/// The totals: these begin with 0.
const TOTALS: [&str; 4] = ["app.cpu", "app.mem.majflt", "app.io.wait", "app.disk."];

fn sampled(taken: &Taken) -> BTreeMap<String, f64> {
    let series = |metric: &scalyr_monitor::testing::Emitted| {
        let kind = metric.fields().iter().find(|(name, _)| name == "type").map(|(_, kind)| kind.to_string());
        (format!("{} {}", metric.name(), kind.unwrap_or_default().trim_matches('"')), metric.value().as_f64())
    };
    taken.emitted().iter().map(series).collect()
}

/// Waits until nothing moves in the process: it waits for its input.
fn settled(pid: u32) -> BTreeMap<&'static str, f64> {
    let clock = Clock::system();
    let began = clock.monotonic();
    loop {
        let (before, after) = (read_independently(pid), read_independently(pid));
        let sleeps = read_to_string(format!("/proc/{pid}/stat")).unwrap().contains(") S ");
        if before == after && sleeps {
            return after;
        }
        assert!(clock.monotonic() - began < Duration::from_secs(60), "it never rests");
    }
}

#[test]
fn each_figure_of_a_process_is_what_the_kernel_says_of_it() {
    let mut worker = Worker::start("differential");
    let begin = settled(worker.pid());
    let mut harness = Harness::<LinuxProcessMetrics>::from_config(json!({ "pid": worker.pid().to_string() }));
    harness.sample();
    for turn in 0..5 {
        if turn > 0 {
            worker.work();
        }
        let expected = settled(worker.pid());
        let taken = harness.sample();
        assert_eq!(told(&taken), "");
        let sample = sampled(&taken);
        for (series, value) in &expected {
            let is_total = TOTALS.iter().any(|total| series.starts_with(total));
            let expected = if is_total { value - begin[series] } else { *value };
            assert_eq!(sample[*series], expected, "{series}, turn {turn}: {begin:?} {expected:?}");
        }
        assert_eq!(sample.len(), expected.len() + 1, "the uptime is the one that the reader does not look at");
    }
    assert!(part(&harness.sample(), "app.disk.requests", "read") > 0, "there was something to compare");
}

#[test]
fn a_group_is_the_sum_of_what_the_kernel_says_and_no_total_drops_when_one_ends() {
    let mark = format!("group-{}", std::process::id());
    let mut workers: Vec<Worker> = (0..3).map(|_| Worker::start(&mark)).collect();
    let begin: Vec<_> = workers.iter().map(|worker| settled(worker.pid())).collect();
    let entry = json!({ "commandline": mark, "aggregate_multiple_processes": true });
    let mut harness = Harness::<LinuxProcessMetrics>::from_config(entry);
    harness.sample();
    workers.iter_mut().for_each(Worker::work);
    let now: Vec<_> = workers.iter().map(|worker| settled(worker.pid())).collect();
    let mut last = sampled(&harness.sample());
    for series in now[0].keys() {
        let is_total = TOTALS.iter().any(|total| series.starts_with(total));
        let sum = |of: &[BTreeMap<&str, f64>]| of.iter().map(|of| of[series]).sum::<f64>();
        let expected = match *series {
            "app.nice " => now[0][series],
            _ if is_total => sum(&now) - sum(&begin),
            _ => sum(&now),
        };
        assert_eq!(last[*series], expected, "{series}");
    }
    while workers.len() > 1 {
        drop(workers.pop());
        workers[0].work();
        let sample = sampled(&harness.sample());
        for (series, value) in &sample {
            let is_total = TOTALS.iter().any(|total| series.starts_with(total));
            assert!(!is_total || *value >= last[series], "{series} fell from {} to {value}", last[series]);
        }
        assert_eq!(sample["app.threads "], workers.len() as f64);
        last = sample;
    }
}

#[test]
fn a_real_child_is_added_to_its_parent() {
    let mark = format!("family-{}", std::process::id());
    let script = format!("sleep 1000 & echo $!; wait # {mark}");
    let mut parent = Command::new("sh").args(["-c", &script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut child = String::new();
    BufReader::new(parent.stdout.take().unwrap()).read_line(&mut child).unwrap();
    let child: i32 = child.trim().parse().unwrap();
    // Between its birth and the start of its program it has the command line of its parent.
    let clock = Clock::system();
    let began = clock.monotonic();
    while !read_to_string(format!("/proc/{child}/cmdline")).unwrap().starts_with("sleep") {
        assert!(clock.monotonic() - began < Duration::from_secs(60), "the child does not start");
    }
    let threads = |with_children: bool| {
        let entry = json!({ "commandline": mark, "include_child_processes": with_children });
        Harness::<LinuxProcessMetrics>::from_config(entry).sample().value("app.threads").as_u64()
    };
    let counted = (threads(false), threads(true));
    parent.kill().unwrap();
    parent.wait().unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(child).unwrap(), rustix::process::Signal::KILL)
        .unwrap();
    assert_eq!(counted, (1, 2));
}

#[test]
fn real_processes_are_found_by_a_mark_summed_and_gone_when_they_ended() {
    let mark = format!("mark-{}", std::process::id());
    let mut sleepers = [Sleeper::start(&mark), Sleeper::start(&mark)];
    let entry = json!({ "commandline": mark, "aggregate_multiple_processes": true });
    let mut harness = Harness::<LinuxProcessMetrics>::from_config(entry);
    let taken = harness.sample();
    assert_eq!(told(&taken), "");
    assert_eq!(taken.value("app.threads").as_u64(), 2);
    assert!(part(&taken, "app.mem.bytes", "resident") > 0 && part(&taken, "app.io.fds", "open") >= 6);
    sleepers[0].end();
    assert_eq!(harness.sample().value("app.threads").as_u64(), 1);
    sleepers[1].end();
    assert_eq!(lines(&harness.sample()), "");
}

#[test]
fn the_agent_that_runs_measures_itself_by_default_values() {
    let mut harness = Harness::<LinuxProcessMetrics>::from_config(json!({ "pid": "$$", "id": "agent" }));
    let first = harness.sample();
    assert_eq!(first.emitted().len(), 18, "{}", lines(&first));
    // Some bytes are read between the two: those of the first sample itself.
    let second = harness.sample();
    assert!(part(&second, "app.disk.bytes", "read") > 0 && part(&second, "app.disk.requests", "read") > 0);
    assert_eq!(told(&second), "");
}
