//! Metrics of the host: processors, memory, paging, load, memory nodes, disks, file systems, network interfaces, sockets
//! and TCP.
//!
//! The kernel's files are read by hand and not with the crate `procfs`: it turns numbers into fixed integer and float
//! types, where these metrics keep the kernel's own text, and one odd line or byte makes it refuse the whole file.
//!
//! Names, fields and rules: `spec/monitors/linux_system_metrics.md`. Fields are sorted, as in all our metric lines.
//! The lines of a sample are many on a host with many disks (11 for each); beyond the rate limit of the metric log
//! they are dropped there, counted and told.

mod cpu;
mod disks;
mod entropy;
mod file_systems;
mod interfaces;
mod kernel_file;
mod load;
mod memory;
mod mounts;
mod numa;
mod number;
mod roots;
mod sockets;
mod space;
mod tags;
mod tcp;
mod turn;
mod uptime;
mod warnings;

use std::path::PathBuf;

use scalyr_monitor::prelude::*;
use serde_json::{Map, Value};

use cpu::CpuMetrics;
use disks::{DiskMetrics, PartitionMetrics};
use entropy::EntropyMetrics;
use file_systems::{FileSystemMetrics, FileSystems};
use interfaces::{Filter, InterfaceMetrics};
use load::LoadMetrics;
use memory::{MemoryMetrics, PagingMetrics};
use numa::NumaMetrics;
use roots::Roots;
use sockets::SocketMetrics;
use tcp::TcpMetrics;
use turn::Turn;
use uptime::UptimeMetrics;
use warnings::Warnings;

/// Reads the host's own counters from `/proc` and `/sys`: processors, memory, paging, load, memory nodes,
/// disks, file systems, network interfaces, sockets and TCP connections.
#[scalyr_monitor(name = "linux_system_metrics", module = "scalyr_agent.builtin_monitors.linux_system_metrics")]
pub struct LinuxSystemMetrics {
    /// What the names of the network interfaces of `proc.net.*` begin with: text, or a list. Regular expressions. For
    /// names like `ens192`, `enp0s3` and `wlan0`, write `["eth", "en", "wl"]`, and the suffix `.*`. An empty list turns
    /// `proc.net.*` off.
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

    #[metrics]
    uptime: UptimeMetrics,
    #[metrics]
    load: LoadMetrics,
    #[metrics]
    cpu: CpuMetrics,
    #[metrics]
    entropy: EntropyMetrics,
    #[metrics]
    memory: MemoryMetrics,
    #[metrics]
    paging: PagingMetrics,
    #[metrics]
    numa: NumaMetrics,
    #[metrics]
    disks: DiskMetrics,
    #[metrics]
    partitions: PartitionMetrics,
    #[metrics]
    df: FileSystemMetrics,
    #[metrics]
    network: InterfaceMetrics,
    #[metrics]
    sockets: SocketMetrics,
    #[metrics]
    tcp: TcpMetrics,

    roots: Roots,
    interfaces: Filter,
    file_systems: FileSystems,
    warnings: Warnings,
    buffer: Vec<u8>,
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

    /// Each group reads files of its own; trouble with one is logged once a day and does not hide the others.
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        let Self { roots, buffer, warnings, .. } = self;
        warnings.begin(out.clock().monotonic());
        let turn = &mut Turn { roots, buffer, out, warnings };
        self.uptime.emit(turn);
        self.load.emit(turn);
        self.cpu.emit(turn);
        self.entropy.emit(turn);
        self.memory.emit(turn);
        self.paging.emit(turn);
        self.numa.emit(turn);
        self.disks.emit(&self.partitions, turn);
        self.network.emit(&self.interfaces, turn);
        self.sockets.emit(turn);
        self.tcp.emit(turn);
        self.df.emit(&mut self.file_systems, turn);
        for text in self.warnings.take_fresh() {
            out.logger().warn(text);
        }
        if out.logger().enabled(Level::Debug1) && !self.warnings.is_empty() {
            out.logger().debug(format_args!("Oddities so far: {}", self.warnings.summary()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
