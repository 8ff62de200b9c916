//! What the agent's process has used of the machine.

use std::fs;

use serde::Serialize;

/// What the process has used so far, and uses (`proc(5)`: `/proc/self/stat`, `/proc/self/status`). What cannot be read is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ProcessUsage {
    /// Seconds of processor time in the program itself.
    pub user_seconds: f64,
    /// Seconds of processor time in the kernel for it.
    pub system_seconds: f64,
    /// The resident memory of now.
    pub resident_bytes: u64,
}

impl ProcessUsage {
    /// Of this process, up to now.
    pub fn now() -> Self {
        let read = |file| fs::read_to_string(file).unwrap_or_default();
        Self::read(&read("/proc/self/stat"), &read("/proc/self/status"), rustix::param::clock_ticks_per_second())
    }

    fn read(stat: &str, status: &str, ticks_per_second: u64) -> Self {
        // Behind the name in brackets; utime and stime are the 14th and 15th of all fields.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let mut ticks = fields.split_whitespace().skip(11).map(|ticks| ticks.parse::<u64>().unwrap_or_default());
        #[expect(clippy::cast_precision_loss, reason = "exact for thousands of years")]
        let mut seconds = || ticks.next().unwrap_or_default() as f64 / ticks_per_second.max(1) as f64;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib: Option<u64> = resident.and_then(|resident| resident.trim().trim_end_matches(" kB").parse().ok());
        let resident_bytes = kib.unwrap_or_default().saturating_mul(1024);
        Self { user_seconds: seconds(), system_seconds: seconds(), resident_bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_the_kernel_are_read_whatever_the_program_is_called() {
        let stat = "17 (a) gent (x) S 1 17 17 0 -1 4194560 900 0 0 0 250 75 0 0 20 0 9 0 100 1000 200";
        let status = "Name:\tagent\nVmPeak:\t  9000 kB\nVmHWM:\t    8123 kB\nVmRSS:\t   7000 kB\n";
        let usage = ProcessUsage::read(stat, status, 100);
        assert_eq!(usage, ProcessUsage { user_seconds: 2.5, system_seconds: 0.75, resident_bytes: 7_168_000 });
        assert_eq!(ProcessUsage::read("", "VmRSS: much", 0), ProcessUsage::default());
        assert!(ProcessUsage::now().resident_bytes > 100_000);
    }
}
