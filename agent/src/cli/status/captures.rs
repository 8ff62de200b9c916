//! `status --debug`: what is known of a process that does not answer, looked at again and again while it is waited for.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, UNIX_EPOCH};

use scalyr_monitor::Clock;
use serde_json::{Value, json};

use crate::order;

/// So many looks are kept: the first, and the last ones.
const MOST_KEPT: usize = 60;
/// So many threads of a process, open files and files of a folder are looked at.
const MOST_THREADS: usize = 512;
const MOST_OPEN: usize = 65_536;
const MOST_FILES: usize = 1_000;

/// The looks so far.
pub(super) struct Captures {
    clock: Clock,
    begin: Instant,
    pid: Option<u32>,
    kept: VecDeque<Value>,
    left_out: usize,
}

impl Captures {
    /// None yet.
    pub(super) fn new(clock: &Clock, pid: Option<u32>) -> Self {
        // A lock that does not tell its process says 0.
        let pid = pid.filter(|pid| *pid > 0);
        Self { clock: clock.clone(), begin: clock.monotonic(), pid, kept: VecDeque::new(), left_out: 0 }
    }

    /// Looks at the process that should answer: the one at the other end of the socket when it is known.
    pub(super) fn take(&mut self, pid: Option<u32>) {
        self.pid = pid.or(self.pid);
        if self.kept.len() == MOST_KEPT {
            // The first one shows how it began.
            _ = self.kept.remove(1);
            self.left_out += 1;
        }
        let after = self.waited().as_secs_f64();
        self.kept.push_back(match self.pid {
            Some(pid) => capture(pid, after),
            None => json!({ "after_seconds": after, "load_average": load_average() }),
        });
    }

    fn waited(&self) -> Duration {
        self.clock.monotonic().saturating_duration_since(self.begin)
    }

    /// All of it, as a text for whoever helps.
    pub(super) fn text(&self, data_path: Option<&Path>) -> String {
        let dump = json!({
            "process": self.pid,
            "waited_seconds": self.waited().as_secs_f64(),
            "data_path": data_path,
            "data_path_files": data_path.map(listing),
            "captures_left_out": self.left_out,
            "captures": self.kept,
        });
        format!("{dump:#}\n")
    }
}

/// One look. What cannot be read, for want of permission or because the process has ended, is null.
fn capture(pid: u32, after_seconds: f64) -> Value {
    let process = format!("/proc/{pid}");
    let stat = fs::read_to_string(format!("{process}/stat")).ok();
    // Behind the name in brackets; the state is the third of all fields, utime and stime are the 14th and 15th.
    let fields: Vec<&str> = stat
        .as_deref()
        .and_then(|stat| stat.rsplit_once(')'))
        .map(|(_, fields)| fields.split_whitespace().collect())
        .unwrap_or_default();
    let number = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    let cpu = number(11).zip(number(12)).map(|(user, system)| (user + system) / ticks);
    let status = fs::read_to_string(format!("{process}/status")).unwrap_or_default();
    let memory = |label: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(label))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    json!({
        "after_seconds": after_seconds,
        "load_average": load_average(),
        "state": fields.first(),
        "cpu_seconds": cpu,
        "resident_kib": memory("VmRSS:"),
        "open_files": fs::read_dir(format!("{process}/fd")).ok().map(|files| files.take(MOST_OPEN).count()),
        "threads": threads(&process),
    })
}

fn load_average() -> Option<String> {
    fs::read_to_string("/proc/loadavg").ok().map(|text| text.trim_end().to_owned())
}

/// The threads with what they wait in: `wait_channel` is a function of the kernel, `system_call` its number and arguments.
fn threads(process: &str) -> Option<Vec<Value>> {
    let tasks = fs::read_dir(format!("{process}/task")).ok()?.take(MOST_THREADS).flatten();
    let of = |folder: &Path| {
        let read = |file: &str| fs::read_to_string(folder.join(file)).ok().map(|text| text.trim_end().to_owned());
        let stat = read("stat");
        let state =
            stat.as_deref().and_then(|stat| stat.rsplit_once(')')).and_then(|(_, rest)| rest.split_whitespace().next());
        json!({ "name": read("comm"), "state": state, "wait_channel": read("wchan"), "system_call": read("syscall") })
    };
    Some(tasks.map(|task| of(&task.path())).collect())
}

fn listing(folder: &Path) -> Option<Vec<Value>> {
    let entries = fs::read_dir(folder).ok()?.take(MOST_FILES).flatten();
    let mut files: Vec<(String, Value)> = entries
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let about = entry.metadata().ok();
            let modified = about.as_ref().and_then(|about| about.modified().ok());
            let modified = modified.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map(|since| since.as_secs_f64());
            (name.clone(), json!({ "name": name, "bytes": about.map(|about| about.len()), "modified": modified }))
        })
        .collect();
    order::by(&mut files, |(one, _), (other, _)| one.cmp(other));
    Some(files.into_iter().map(|(_, file)| file).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_living_process_shows_its_threads_and_the_looks_are_bounded() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("positions"), "abc").unwrap();
        let mut captures = Captures::new(&Clock::system(), Some(0));
        for _ in 0..MOST_KEPT + 2 {
            captures.take(Some(std::process::id()));
        }
        let dump: Value = serde_json::from_str(&captures.text(Some(folder.path()))).unwrap();
        assert_eq!((&dump["process"], &dump["captures_left_out"]), (&json!(std::process::id()), &json!(2)));
        assert_eq!(
            (&dump["data_path_files"][0]["name"], &dump["data_path_files"][0]["bytes"]),
            (&json!("positions"), &json!(3))
        );
        let last = dump["captures"].as_array().unwrap().last().unwrap();
        assert!(last["resident_kib"].as_u64().unwrap() > 100 && last["open_files"].as_u64().unwrap() > 2, "{last}");
        let threads = last["threads"].as_array().unwrap();
        assert!(threads.iter().any(|thread| thread["state"] == "R" && thread["name"].is_string()), "{last}");
    }

    #[test]
    fn what_is_not_there_is_null() {
        let mut captures = Captures::new(&Clock::system(), None);
        captures.take(None);
        captures.take(Some(u32::MAX));
        let dump: Value = serde_json::from_str(&captures.text(Some(Path::new("/nowhere")))).unwrap();
        assert!(dump["data_path_files"].is_null() && dump["captures"][1]["threads"].is_null(), "{dump}");
        assert!(dump["captures"][0]["load_average"].is_string(), "{dump}");
    }
}
