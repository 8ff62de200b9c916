//! Metrics of the host: processors, memory, paging, load, disks, file systems and network interfaces.
//!
//! The kernel's files are read by hand and not with the crate `procfs`: it turns numbers into fixed integer and float
//! types, where these metrics keep the kernel's own text, and one odd line or byte makes it refuse the whole file.
//!
//! Names, fields and rules: `spec/monitors/linux_system_metrics.md`. Fields are sorted, as in all our metric lines.
//! The lines of a sample are many on a host with many disks (11 for each); beyond the rate limit of the metric log
//! they are dropped there, counted and told.

mod cpu;
mod disks;
mod file_systems;
mod interfaces;
mod kernel_file;
mod load;
mod memory;
mod mounts;
mod number;
mod roots;
mod space;
mod tags;
mod uptime;
mod warnings;

use std::path::PathBuf;

use scalyr_monitor::prelude::*;
use serde_json::{Map, Value};

use cpu::CpuKind;
use disks::Device;
use file_systems::{FileSystems, MountPoint};
use interfaces::{Filter, Interface};
use number::Number;
use roots::Roots;
use warnings::Warnings;

/// Reads the host's own counters from `/proc` and `/sys`: processors, memory, paging, load, disks, file systems and
/// network interfaces.
#[scalyr_monitor(name = "linux_system_metrics", module = "scalyr_agent.builtin_monitors.linux_system_metrics")]
pub struct LinuxSystemMetrics {
    /// What the names of the network interfaces of `proc.net.*` begin with: text, or a list. Regular expressions. An
    /// empty list turns `proc.net.*` off.
    #[config(default = ["eth"])]
    network_interface_prefixes: Vec<String>,

    /// What stands behind the prefix in the names of the network interfaces; a regular expression. Prefix and suffix
    /// together must match the whole name.
    #[config(default = "[0-9A-Z]+")]
    network_interface_suffix: String,

    /// Leaves file systems of other machines (NFS, CIFS, …) out of `df.*`.
    #[config(default = true)]
    local_disks_only: bool,

    /// Mount points that are left out of `df.*`: shell patterns whose `*` also matches `/`. An empty list leaves none
    /// out.
    #[config(default = ["/sys/*", "/dev*", "/run*", "/var/lib/docker/*", "/snap/*"])]
    ignore_mounts: Vec<String>,

    /// Attributes of the metric log's lines.
    #[config]
    tags: Option<Map<String, Value>>,

    /// Accepted and not used: the Python agent looked for its collectors there.
    #[config]
    collectors_directory: Option<String>,

    /// Where the kernel's process tree is mounted. For the host's metrics from inside a container, mount the host's
    /// `/proc` somewhere and name that place.
    #[config(default = "/proc")]
    proc_root: PathBuf,

    /// Where the kernel's device tree is mounted; see `proc_root`.
    #[config(default = "/sys")]
    sys_root: PathBuf,

    /// Where the host's files are mounted, for `df.*`. Without it `/`, or `<proc_root>/1/root` when `proc_root` is
    /// given (a container needs the capability SYS_PTRACE to look into that).
    #[config]
    root: Option<PathBuf>,

    /// Processors, online or not.
    #[metric(name = "sys.cpu.count")]
    cpu_count: Metric<u64>,
    /// Time that the processors spent, in jiffies since boot.
    #[metric(name = "proc.stat.cpu")]
    cpu: Metric<Number, CpuKind>,
    /// Interrupts since boot.
    #[metric(name = "proc.stat.intr")]
    intr: Metric<Number>,
    /// Context switches since boot.
    #[metric(name = "proc.stat.ctxt")]
    ctxt: Metric<Number>,
    /// Processes and threads started since boot.
    #[metric(name = "proc.stat.processes")]
    processes: Metric<Number>,
    /// Processes that wait for a disk right now.
    #[metric(name = "proc.stat.procs_blocked")]
    procs_blocked: Metric<Number>,

    /// Seconds since boot.
    #[metric(name = "proc.uptime.total")]
    uptime_total: Metric<Number>,
    /// Seconds since boot that the processors idled, all together.
    #[metric(name = "proc.uptime.now")]
    uptime_now: Metric<Number>,

    /// Kilobytes read in from disk since boot.
    #[metric(name = "proc.vmstat.pgpgin")]
    pgpgin: Metric<Number>,
    /// Kilobytes written out to disk since boot.
    #[metric(name = "proc.vmstat.pgpgout")]
    pgpgout: Metric<Number>,
    /// Pages swapped in since boot.
    #[metric(name = "proc.vmstat.pswpin")]
    pswpin: Metric<Number>,
    /// Pages swapped out since boot.
    #[metric(name = "proc.vmstat.pswpout")]
    pswpout: Metric<Number>,
    /// Page faults since boot.
    #[metric(name = "proc.vmstat.pgfault")]
    pgfault: Metric<Number>,
    /// Page faults since boot that had to read from disk.
    #[metric(name = "proc.vmstat.pgmajfault")]
    pgmajfault: Metric<Number>,

    /// Load average over one minute.
    #[metric(name = "proc.loadavg.1min")]
    load_1min: Metric<Number>,
    /// Load average over five minutes.
    #[metric(name = "proc.loadavg.5min")]
    load_5min: Metric<Number>,
    /// Load average over fifteen minutes.
    #[metric(name = "proc.loadavg.15min")]
    load_15min: Metric<Number>,
    /// Threads that run or want to.
    #[metric(name = "proc.loadavg.runnable")]
    load_runnable: Metric<Number>,
    /// Threads that exist.
    #[metric(name = "proc.loadavg.total_threads")]
    load_total_threads: Metric<Number>,

    /// Reads that a disk completed since boot.
    #[metric(name = "iostat.disk.read_requests")]
    disk_read_requests: Metric<Number, Device<'static>>,
    /// Reads of a disk that were merged with a neighbour since boot.
    #[metric(name = "iostat.disk.read_merged")]
    disk_read_merged: Metric<Number, Device<'static>>,
    /// Sectors read from a disk since boot.
    #[metric(name = "iostat.disk.read_sectors")]
    disk_read_sectors: Metric<Number, Device<'static>>,
    /// Milliseconds that reads of a disk took since boot.
    #[metric(name = "iostat.disk.msec_read")]
    disk_msec_read: Metric<Number, Device<'static>>,
    /// Writes that a disk completed since boot.
    #[metric(name = "iostat.disk.write_requests")]
    disk_write_requests: Metric<Number, Device<'static>>,
    /// Writes of a disk that were merged with a neighbour since boot.
    #[metric(name = "iostat.disk.write_merged")]
    disk_write_merged: Metric<Number, Device<'static>>,
    /// Sectors written to a disk since boot.
    #[metric(name = "iostat.disk.write_sectors")]
    disk_write_sectors: Metric<Number, Device<'static>>,
    /// Milliseconds that writes of a disk took since boot.
    #[metric(name = "iostat.disk.msec_write")]
    disk_msec_write: Metric<Number, Device<'static>>,
    /// Reads and writes of a disk that are under way right now.
    #[metric(name = "iostat.disk.ios_in_progress")]
    disk_ios_in_progress: Metric<Number, Device<'static>>,
    /// Milliseconds that a disk was busy since boot.
    #[metric(name = "iostat.disk.msec_total")]
    disk_msec_total: Metric<Number, Device<'static>>,
    /// Milliseconds that a disk was busy since boot, times the reads and writes under way.
    #[metric(name = "iostat.disk.msec_weighted_total")]
    disk_msec_weighted_total: Metric<Number, Device<'static>>,

    /// Reads that a partition completed since boot.
    #[metric(name = "iostat.part.read_requests")]
    part_read_requests: Metric<Number, Device<'static>>,
    /// Reads of a partition that were merged with a neighbour since boot.
    #[metric(name = "iostat.part.read_merged")]
    part_read_merged: Metric<Number, Device<'static>>,
    /// Sectors read from a partition since boot.
    #[metric(name = "iostat.part.read_sectors")]
    part_read_sectors: Metric<Number, Device<'static>>,
    /// Milliseconds that reads of a partition took since boot.
    #[metric(name = "iostat.part.msec_read")]
    part_msec_read: Metric<Number, Device<'static>>,
    /// Writes that a partition completed since boot.
    #[metric(name = "iostat.part.write_requests")]
    part_write_requests: Metric<Number, Device<'static>>,
    /// Writes of a partition that were merged with a neighbour since boot.
    #[metric(name = "iostat.part.write_merged")]
    part_write_merged: Metric<Number, Device<'static>>,
    /// Sectors written to a partition since boot.
    #[metric(name = "iostat.part.write_sectors")]
    part_write_sectors: Metric<Number, Device<'static>>,
    /// Milliseconds that writes of a partition took since boot.
    #[metric(name = "iostat.part.msec_write")]
    part_msec_write: Metric<Number, Device<'static>>,
    /// Reads and writes of a partition that are under way right now.
    #[metric(name = "iostat.part.ios_in_progress")]
    part_ios_in_progress: Metric<Number, Device<'static>>,
    /// Milliseconds that a partition was busy since boot.
    #[metric(name = "iostat.part.msec_total")]
    part_msec_total: Metric<Number, Device<'static>>,
    /// Milliseconds that a partition was busy since boot, times the reads and writes under way.
    #[metric(name = "iostat.part.msec_weighted_total")]
    part_msec_weighted_total: Metric<Number, Device<'static>>,
    /// Reads of a partition since boot, as kernels before 2.6.25 count them.
    #[metric(name = "iostat.part.read_issued")]
    part_read_issued: Metric<Number, Device<'static>>,
    /// Writes of a partition since boot, as kernels before 2.6.25 count them.
    #[metric(name = "iostat.part.write_issued")]
    part_write_issued: Metric<Number, Device<'static>>,

    /// Size of a file system in blocks of 1024 bytes.
    #[metric(name = "df.1kblocks.total")]
    df_1kblocks_total: Metric<u64, MountPoint<'static>>,
    /// What is used of a file system, in blocks of 1024 bytes.
    #[metric(name = "df.1kblocks.used")]
    df_1kblocks_used: Metric<u64, MountPoint<'static>>,
    /// What users can still have of a file system, in blocks of 1024 bytes.
    #[metric(name = "df.1kblocks.free")]
    df_1kblocks_free: Metric<u64, MountPoint<'static>>,
    /// Inodes of a file system.
    #[metric(name = "df.inodes.total")]
    df_inodes_total: Metric<u64, MountPoint<'static>>,
    /// Inodes of a file system that are used.
    #[metric(name = "df.inodes.used")]
    df_inodes_used: Metric<u64, MountPoint<'static>>,
    /// Inodes of a file system that are free.
    #[metric(name = "df.inodes.free")]
    df_inodes_free: Metric<u64, MountPoint<'static>>,

    /// Bytes through a network interface since boot.
    #[metric(name = "proc.net.bytes")]
    net_bytes: Metric<Number, Interface<'static>>,
    /// Packets through a network interface since boot.
    #[metric(name = "proc.net.packets")]
    net_packets: Metric<Number, Interface<'static>>,
    /// Errors of a network interface since boot.
    #[metric(name = "proc.net.errs")]
    net_errs: Metric<Number, Interface<'static>>,
    /// Packets that a network interface dropped since boot.
    #[metric(name = "proc.net.dropped")]
    net_dropped: Metric<Number, Interface<'static>>,

    roots: Roots,
    interfaces: Filter,
    file_systems: FileSystems,
    warnings: Warnings,
}

impl Monitor for LinuxSystemMetrics {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        self.interfaces = Filter::new(&self.network_interface_prefixes, &self.network_interface_suffix)?;
        self.roots = Roots::new(&self.proc_root, &self.sys_root, self.root.as_deref());
        let (file_systems, refused) = FileSystems::new(self.local_disks_only, &self.ignore_mounts);
        self.file_systems = file_systems;
        let logger = context.logger().clone();
        if !refused.is_empty() {
            let refused = refused.join(", ");
            logger.warn(format_args!("ignore_mounts: no shell pattern, matches only its own text: {refused}"));
        }
        if let Some(directory) = &self.collectors_directory {
            logger.warn(format_args!(
                "collectors_directory (`{directory}`) is not used: this agent reads the kernel's files itself. Remove \
                 the option; what a collector of your own measures becomes a monitor crate under local-monitors/."
            ));
        }
        if let Some(tags) = &self.tags {
            for oddity in tags::apply(tags, &mut context.log_config.attributes) {
                logger.warn(oddity);
            }
        }
        Ok(())
    }

    /// Each group reads files of its own; trouble with one is logged once and does not hide the others.
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        let mut warnings = std::mem::take(&mut self.warnings);
        let mut file_systems = std::mem::take(&mut self.file_systems);
        let roots = &self.roots;
        uptime::emit(self, roots, out, &mut warnings);
        load::emit(self, roots, out, &mut warnings);
        cpu::emit(self, roots, out, &mut warnings);
        memory::emit(self, roots, out, &mut warnings);
        disks::emit(self, roots, out, &mut warnings);
        interfaces::emit(self, roots, &self.interfaces, out, &mut warnings);
        file_systems::emit(self, roots, &mut file_systems, out, &mut warnings);
        for text in warnings.take_fresh() {
            out.logger().warn(text);
        }
        if out.logger().enabled(Level::Debug1) && !warnings.is_empty() {
            out.logger().debug(format_args!("Oddities so far: {}", warnings.summary()));
        }
        self.file_systems = file_systems;
        self.warnings = warnings;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
