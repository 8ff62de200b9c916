//! What a process has used so far, and what it holds.

use std::fs;

use crate::server::Server;
use crate::story::Process;

/// A look at the agent.
pub(crate) struct Cost {
    /// CPU seconds of all its threads.
    pub(crate) cpu: f64,
    pub(crate) threads: usize,
    /// How often a thread gave its processor away, or lost it.
    pub(crate) switches: u64,
    /// What the server got.
    pub(crate) requests: u64,
    pub(crate) sent: u64,
}

impl Cost {
    pub(crate) fn of(process: &Process, server: &Server) -> Self {
        let tasks = fs::read_dir(format!("/proc/{}/task", process.id())).unwrap();
        let tasks: Vec<_> = tasks.flatten().map(|task| task.path()).collect();
        let switches = tasks
            .iter()
            .filter_map(|task| fs::read_to_string(task.join("status")).ok())
            .map(|status| number(&status, "voluntary_ctxt_switches:") + number(&status, "nonvoluntary_ctxt_switches:"));
        let nanoseconds: u64 = process.cpu_of_threads().values().sum();
        Self {
            // The finer count leaves out threads that have ended; none does in an agent that idles.
            cpu: nanoseconds as f64 / 1e9,
            threads: tasks.len(),
            switches: switches.sum(),
            requests: server.requests(),
            sent: server.bytes(),
        }
    }
}

/// What the agent holds at one moment, MiB.
#[derive(Clone, Copy, Default)]
pub(crate) struct Held {
    /// Its proportional share of memory.
    pub(crate) pss: f64,
    /// Of that, memory that no file stands behind.
    pub(crate) anonymous: f64,
    /// Resident memory.
    pub(crate) rss: f64,
}

impl Held {
    pub(crate) fn by(process: &Process) -> Self {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", process.id())).unwrap();
        let mib = |name: &str| number(&rollup, name) as f64 / 1024.0;
        Self { pss: mib("Pss:"), anonymous: mib("Pss_Anon:"), rss: mib("Rss:") }
    }
}

/// The number behind a name at the begin of a line.
fn number(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or_default()
}
