//! The monitor over process trees that were made for it, and over real processes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use scalyr_monitor::testing::{Harness, Taken, json};
use serde_json::Value;

use super::*;

mod memory;
mod real_processes;

/// A process tree in a folder.
struct Host(tempfile::TempDir);

/// What a process of it has used.
#[derive(Clone, Copy)]
struct Used {
    parent: u32,
    start: u64,
    ticks: u64,
    resident: u64,
    read: u64,
}

const USED: Used = Used { parent: 1, start: 1_000, ticks: 50, resident: 4, read: 100 };

impl Host {
    /// A machine that is up for 60 seconds, on which the agent is process 7.
    fn new() -> Self {
        let host = Self(tempfile::tempdir().unwrap());
        host.is_up_for("60.00");
        symlink("7", host.0.path().join("self")).unwrap();
        host.runs(7, "agent start", USED);
        host
    }

    fn is_up_for(&self, seconds: &str) {
        fs::write(self.0.path().join("uptime"), format!("{seconds} 100.00\n")).unwrap();
    }

    fn path(&self, pid: u32) -> PathBuf {
        self.0.path().join(pid.to_string())
    }

    /// A process with this command line, words separated by blanks.
    fn runs(&self, pid: u32, command: &str, used: Used) {
        let Used { parent, start, ticks, resident, read } = used;
        let path = self.path(pid);
        fs::create_dir_all(path.join("fd")).unwrap();
        for fd in 0..3 {
            fs::write(path.join("fd").join(fd.to_string()), "").unwrap();
        }
        let words = command.replace(' ', "\0") + if command.is_empty() { "" } else { "\0" };
        fs::write(path.join("cmdline"), words).unwrap();
        let stat = format!(
            "{pid} (a) b (c) S {parent} 1 1 0 -1 0 10 0 {ticks} 0 {ticks} {ticks} 0 0 20 -5 2 0 {start} 0 0 0 0 0 0 0 0 0 0 0 \
             0 0 0 0 17 0 0 0 {ticks} 0 0\n"
        );
        fs::write(path.join("stat"), stat).unwrap();
        let status =
            format!("Name:\tx\nVmPeak:\t 9 kB\nVmSize:\t 8 kB\nVmHWM:\t 5 kB\nVmRSS:\t {resident} kB\nThreads:\t2\n");
        fs::write(path.join("status"), status).unwrap();
        let io = format!(
            "rchar: {read}\nwchar: {read}\nsyscr: {read}\nsyscw: {read}\nread_bytes: {read}\nwrite_bytes: {read}\n"
        );
        fs::write(path.join("io"), io).unwrap();
    }

    fn ends(&self, pid: u32) {
        fs::remove_dir_all(self.path(pid)).unwrap();
    }

    fn measured(&self, mut entry: Value) -> Harness<LinuxProcessMetrics> {
        entry["proc_root"] = json!(self.0.path());
        let harness = Harness::from_config(entry);
        assert!(harness.problems().is_empty(), "{:?}", harness.problems());
        harness
    }
}

fn lines(taken: &Taken) -> String {
    taken.lines().iter().map(|line| format!("{line}\n")).collect()
}

fn part(taken: &Taken, metric: &str, part: &str) -> u64 {
    taken.metric_with(metric, "type", part).value().as_u64()
}

fn told(taken: &Taken) -> String {
    taken.diagnostics().iter().map(|diagnostic| format!("{diagnostic:?}\n")).collect()
}

#[test]
fn the_agent_itself_is_told_line_by_line_with_totals_from_0() {
    let host = Host::new();
    let mut harness = host.measured(json!({ "pid": "$$", "id": "agent" }));
    harness.sample();
    host.is_up_for("64.50");
    host.runs(7, "agent start", Used { ticks: 61, resident: 6, read: 142, ..USED });
    let second = harness.sample();
    assert_eq!(
        lines(&second),
        "app.cpu 11 app=\"agent\" type=\"user\"\n\
         app.cpu 11 app=\"agent\" type=\"system\"\n\
         app.uptime 4500 app=\"agent\"\n\
         app.nice -5.0 app=\"agent\"\n\
         app.threads 2 app=\"agent\"\n\
         app.mem.majflt 11 app=\"agent\"\n\
         app.io.wait 11 app=\"agent\"\n\
         app.mem.bytes 9216 app=\"agent\" type=\"peak_vmsize\"\n\
         app.mem.bytes 8192 app=\"agent\" type=\"vmsize\"\n\
         app.mem.bytes 5120 app=\"agent\" type=\"peak_resident\"\n\
         app.mem.bytes 6144 app=\"agent\" type=\"resident\"\n\
         app.disk.bytes 42 app=\"agent\" type=\"read\"\n\
         app.disk.bytes 42 app=\"agent\" type=\"write\"\n\
         app.disk.requests 42 app=\"agent\" type=\"read\"\n\
         app.disk.requests 42 app=\"agent\" type=\"write\"\n\
         app.disk.storage_bytes 42 app=\"agent\" type=\"read\"\n\
         app.disk.storage_bytes 42 app=\"agent\" type=\"write\"\n\
         app.io.fds 3 app=\"agent\" type=\"open\"\n"
    );
    assert_eq!(told(&second), "");
}

#[test]
fn the_first_sample_of_a_total_is_0_and_a_gauge_is_what_it_is() {
    let host = Host::new();
    let first = host.measured(json!({ "pid": "$$" })).sample();
    assert_eq!((part(&first, "app.cpu", "user"), part(&first, "app.disk.bytes", "read")), (0, 0));
    assert_eq!(first.metric("app.uptime").value().as_u64(), 0);
    assert_eq!((part(&first, "app.mem.bytes", "resident"), part(&first, "app.io.fds", "open")), (4096, 3));
}

#[test]
fn a_process_that_has_ended_is_not_told_any_more_nor_another_one_with_its_id() {
    let host = Host::new();
    host.runs(20, "job", USED);
    let mut harness = host.measured(json!({ "pid": "20" }));
    assert!(harness.sample().has("app.cpu"));
    host.ends(20);
    let gone = harness.sample();
    assert_eq!(lines(&gone), "");
    assert!(told(&gone).contains("There is no process 20"), "{}", told(&gone));
    host.runs(20, "other", Used { start: 5_000, ..USED });
    let reused = harness.sample();
    assert_eq!(lines(&reused), "");
    assert!(told(&reused).contains("another one has its id now"), "{}", told(&reused));
    assert_eq!(told(&harness.sample()), "", "what was said is not said again");
}

#[test]
fn a_pid_that_is_reused_between_two_samples_adds_nothing_to_the_totals() {
    let host = Host::new();
    host.runs(20, "job one", USED);
    let mut harness = host.measured(json!({ "commandline": "job" }));
    harness.sample();
    host.runs(20, "job one", Used { ticks: 55, ..USED });
    assert_eq!(part(&harness.sample(), "app.cpu", "user"), 5);
    host.runs(20, "job two", Used { start: 5_000, ticks: 900, ..USED });
    assert_eq!(part(&harness.sample(), "app.cpu", "user"), 5, "found again at once: the total goes on");
    host.runs(20, "job two", Used { start: 5_000, ticks: 902, ..USED });
    assert_eq!(part(&harness.sample(), "app.cpu", "user"), 7);
    host.ends(20);
    assert_eq!(lines(&harness.sample()), "");
    host.runs(30, "job three", Used { start: 9_000, ..USED });
    assert_eq!(part(&harness.sample(), "app.cpu", "user"), 0, "after a sample without any, totals begin anew");
}

#[test]
fn of_several_matches_the_first_is_measured_until_it_ends_and_a_warning_names_the_way_out() {
    let host = Host::new();
    for (pid, resident) in [(20, 20), (30, 30)] {
        host.runs(pid, "web server", Used { resident, ..USED });
    }
    let mut harness = host.measured(json!({ "commandline": "web" }));
    let first = harness.sample();
    assert_eq!(part(&first, "app.mem.bytes", "resident"), 20 * 1024);
    assert!(told(&first).contains("2 processes match the commandline `web`, and only 20"), "{}", told(&first));
    host.runs(10, "web server", USED);
    assert_eq!(part(&harness.sample(), "app.mem.bytes", "resident"), 20 * 1024);
    host.ends(20);
    host.ends(10);
    assert_eq!(part(&harness.sample(), "app.mem.bytes", "resident"), 30 * 1024);
}

#[test]
fn children_that_match_too_are_no_others_when_they_are_measured_with_their_parent() {
    let host = Host::new();
    host.runs(30, "web server", USED);
    for pid in [20, 31] {
        host.runs(pid, "web worker", Used { parent: 30, ..USED });
    }
    let entry = json!({ "commandline": "web", "include_child_processes": true });
    let taken = host.measured(entry.clone()).sample();
    assert_eq!((told(&taken).as_str(), taken.value("app.threads").as_u64()), ("", 6));
    host.runs(40, "web server", USED);
    let told = told(&host.measured(entry).sample());
    assert!(told.contains("2 processes match"), "{told}");
}

#[test]
fn a_group_is_summed_and_totals_do_not_drop_when_one_of_it_ends() {
    let host = Host::new();
    for pid in [20, 30] {
        host.runs(pid, "web server", USED);
    }
    let mut harness =
        host.measured(json!({ "commandline": "^web", "aggregate_multiple_processes": true, "id": "web" }));
    let first = harness.sample();
    assert_eq!((part(&first, "app.mem.bytes", "resident"), first.value("app.threads").as_u64()), (8192, 4));
    assert_eq!(first.value("app.nice").as_f64(), -5.0, "a sum would mean nothing");
    host.is_up_for("70.00");
    for pid in [20, 30] {
        host.runs(pid, "web server", Used { ticks: 60, ..USED });
    }
    let second = harness.sample();
    assert_eq!((part(&second, "app.cpu", "user"), second.value("app.uptime").as_u64()), (20, 10_000));
    host.ends(30);
    let third = harness.sample();
    assert_eq!((part(&third, "app.cpu", "user"), part(&third, "app.mem.bytes", "resident")), (20, 4096));
    host.runs(40, "web server", Used { ticks: 5_000, start: 6_000, ..USED });
    assert_eq!(part(&harness.sample(), "app.mem.bytes", "resident"), 4096, "not looked for yet");
    harness.clock().advance(Duration::from_secs(120));
    let found = harness.sample();
    assert_eq!((part(&found, "app.cpu", "user"), part(&found, "app.mem.bytes", "resident")), (20, 8192));
}

#[test]
fn children_and_their_children_are_added_also_to_a_process_given_by_its_id() {
    let host = Host::new();
    host.runs(20, "master", USED);
    host.runs(31, "worker", Used { parent: 20, ..USED });
    host.runs(12, "worker of a worker", Used { parent: 31, ..USED });
    host.runs(40, "stranger", USED);
    for entry in [json!({ "commandline": "master" }), json!({ "pid": "20" })] {
        let alone = host.measured(entry.clone()).sample();
        assert_eq!(part(&alone, "app.io.fds", "open"), 3);
        let mut entry = entry;
        entry["include_child_processes"] = json!(true);
        let family = host.measured(entry).sample();
        assert_eq!((part(&family, "app.io.fds", "open"), told(&family).as_str()), (9, ""));
    }
}

#[test]
fn the_agent_does_not_find_itself_and_a_program_without_words_is_found_by_its_name() {
    let host = Host::new();
    host.runs(20, "", USED);
    let none = host.measured(json!({ "commandline": "agent" })).sample();
    assert_eq!(lines(&none), "");
    assert!(told(&none).contains("No process matches the commandline `agent`"), "{}", told(&none));
    assert!(host.measured(json!({ "commandline": r"^\[a\) b \(c\]$" })).sample().has("app.cpu"));
}

#[test]
fn a_process_that_only_waits_for_its_parent_counts_as_ended() {
    let host = Host::new();
    host.runs(20, "job", USED);
    let mut harness = host.measured(json!({ "pid": "20" }));
    harness.sample();
    let stat = fs::read_to_string(host.path(20).join("stat")).unwrap();
    let dead = stat.replace(" S ", " Z ").replace(" -5 2 ", " -5 1 ");
    fs::write(host.path(20).join("stat"), dead).unwrap();
    assert_eq!(lines(&harness.sample()), "");
}

#[test]
fn a_file_that_cannot_be_read_costs_its_own_metrics_only_and_is_told_once() {
    let host = Host::new();
    // What reads like another user's process also for root: no file that could be read.
    fs::remove_file(host.path(7).join("io")).unwrap();
    fs::create_dir(host.path(7).join("io")).unwrap();
    let mut harness = host.measured(json!({ "pid": "$$" }));
    let first = harness.sample();
    assert!(first.has("app.io.fds") && !first.has("app.disk.bytes"));
    assert!(told(&first).contains("app.disk.* of this process cannot be told"), "{}", told(&first));
    assert_eq!(told(&harness.sample()), "");
}

#[test]
fn a_file_that_the_kernel_lacks_is_told_once_while_the_process_lives() {
    let host = Host::new();
    fs::remove_file(host.path(7).join("io")).unwrap();
    let mut harness = host.measured(json!({ "pid": "$$" }));
    let first = harness.sample();
    assert!(first.has("app.io.fds") && !first.has("app.disk.bytes"));
    assert!(told(&first).contains("this kernel was built without that file"), "{}", told(&first));
    assert_eq!(told(&harness.sample()), "");
}

/// What the table of the Python agent has.
#[test]
fn every_metric_of_the_python_agent_is_told() {
    let taken = Host::new().measured(json!({ "pid": "$$", "id": "agent" })).sample();
    let lines = lines(&taken);
    for metric in ["app.uptime", "app.nice", "app.threads", "app.mem.majflt", "app.io.wait"] {
        assert!(lines.contains(&format!("{metric} ")), "{metric}");
    }
    for (metric, kinds) in [
        ("app.cpu", &["user", "system"][..]),
        ("app.mem.bytes", &["vmsize", "peak_vmsize", "resident", "peak_resident"]),
        ("app.disk.bytes", &["read", "write"]),
        ("app.disk.requests", &["read", "write"]),
        ("app.io.fds", &["open"]),
    ] {
        for kind in kinds {
            assert_eq!(*taken.metric_with(metric, "type", *kind).field("app"), "agent");
        }
    }
}

#[test]
fn what_is_to_be_measured_must_be_said_and_be_a_pid() {
    for (entry, problem) in [
        (json!({}), "which process is to be measured?"),
        (json!({ "pid": " , " }), "`pid` is empty"),
        (json!({ "pid": "1, x, $$TBD" }), "`x`, `$$TBD` is no process id"),
        (json!({ "commandline": "(" }), "is not a regular expression"),
    ] {
        let harness = Harness::<LinuxProcessMetrics>::from_config(&entry);
        let problems = format!("{:?}", harness.problems());
        assert!(problems.contains(problem), "{entry}: {problems}");
    }
}
