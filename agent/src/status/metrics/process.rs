//! What the process uses.

use std::fs;

use super::count;
use super::exposition::{Exposition, Kind};
use crate::statistics::ProcessUsage;

pub(super) fn write(text: &mut Exposition) {
    let ProcessUsage { user_seconds, system_seconds, resident_bytes } = ProcessUsage::now();
    let help = "Processor time of the agent.";
    let mut cpu = text.family(Kind::Counter, "scalyr_agent_process_cpu_seconds", "seconds", help);
    cpu.sample(&[("mode", "user")], user_seconds);
    cpu.sample(&[("mode", "system")], system_seconds);
    if resident_bytes > 0 {
        let (name, help) = ("scalyr_agent_process_resident_memory_bytes", "Resident memory of the agent.");
        text.one(Kind::Gauge, name, "bytes", help, count(usize::try_from(resident_bytes).unwrap_or(usize::MAX)));
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // The folder itself is open meanwhile.
        let open = count(open.count().saturating_sub(1));
        text.one(Kind::Gauge, "scalyr_agent_process_open_fds", "", "Open file descriptors of the agent.", open);
    }
}
