//! What the process uses.

use std::fs;

use super::count;
use super::exposition::{Exposition, Kind};
use crate::statistics::ProcessUsage;

pub(super) fn write(text: &mut Exposition) {
    let ProcessUsage { user_seconds, system_seconds, .. } = ProcessUsage::now();
    let help = "Processor time of the agent.";
    let mut cpu = text.family(Kind::Counter, "scalyr_agent_process_cpu_seconds", "seconds", help);
    cpu.sample(&[("mode", "user")], user_seconds);
    cpu.sample(&[("mode", "system")], system_seconds);
    if let Some(bytes) = resident_bytes() {
        let help = "Resident memory of the agent.";
        text.one(Kind::Gauge, "scalyr_agent_process_resident_memory_bytes", "bytes", help, bytes);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // The folder itself is open meanwhile.
        let open = count(open.count().saturating_sub(1));
        text.one(Kind::Gauge, "scalyr_agent_process_open_fds", "", "Open file descriptors of the agent.", open);
    }
}

/// `proc(5)`, `/proc/self/status`.
fn resident_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = resident.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024.0)
}
