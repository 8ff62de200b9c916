//! Metrics of one process or of a group: processor time, memory, reads and writes, descriptors.
//!
//! The kernel's files are read by hand and not with the crate `procfs`, as in `linux_system_metrics`: four files for each
//! process, into one buffer that is kept. No process is started for it.
//!
//! Names, fields and rules: `spec/monitors/linux_process_metrics.md`.

mod choice;
mod figures;
mod metrics;
mod process;
mod totals;
mod tree;

use std::path::PathBuf;
use std::time::Duration;

use scalyr_monitor::prelude::*;

use choice::{Choice, Wanted};
use metrics::ProcessMetrics;
use process::Process;
use totals::Totals;
use tree::Tree;

/// How long a trouble that lasts is not told again.
const DAY: Duration = Duration::from_secs(86_400);

/// What a process of this host uses, or a group of them together: processor time, memory, reads and writes, descriptors.
///
/// One of `commandline` and `pid` must be given, as in
/// `{ module: "linux_process_metrics", id: "nginx", commandline: "nginx: master" }`; `id` becomes the field `app` of each line.
///
/// Totals begin at 0 with the first sample, and go on when a process ends and another one takes its place. While no process
/// is there that was asked for, there are no lines. Reads, writes and descriptors of the processes of other users are told
/// to root only, or with the capability SYS_PTRACE.
#[scalyr_monitor(name = "linux_process_metrics", module = "scalyr_agent.builtin_monitors.linux_process_metrics")]
pub struct LinuxProcessMetrics {
    /// A regular expression that is searched in the command lines of all processes but the agent itself. The first match
    /// is measured until it ends; then the next one is looked for. Required, unless `pid` is given.
    #[config]
    commandline: Option<Pattern>,

    /// Measures all processes that match, together, and not only the first.
    #[config(default = false)]
    aggregate_multiple_processes: bool,

    /// Measures the children of those that match, too, and their children.
    #[config(default = false)]
    include_child_processes: bool,

    /// Process ids, separated by commas, measured together; `$$` is the agent itself. Required, unless `commandline` is
    /// given, beside which it is not used. A process that gets the id of one that has ended is not measured.
    #[config]
    pid: Option<String>,

    /// How often it is looked for further processes of a group, in seconds.
    #[config(default = 120, min = 0)]
    process_discovery_interval: Duration,

    /// Where the kernel's process tree is mounted. For processes of the host from inside a container, mount the host's
    /// `/proc` somewhere and name that place; process ids are those of that tree.
    #[config(default = "/proc")]
    proc_root: PathBuf,

    #[metrics]
    metrics: ProcessMetrics,

    #[state(default = Tree::new("/proc".into()))]
    tree: Tree,
    choice: Choice,
    processes: Vec<Process>,
    totals: Totals,
    app: String,
}

impl Monitor for LinuxProcessMetrics {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        self.tree = Tree::new(self.proc_root.clone());
        let name = context.name();
        let id = name.split_once('(').map_or("", |(_, id)| id);
        self.app = id.strip_suffix(')').unwrap_or(id).to_owned();
        let wanted = match (&self.commandline, &self.pid) {
            (Some(pattern), pid) => {
                if pid.is_some() {
                    context.logger().warn("`pid` is not used, because `commandline` is given; remove one of the two");
                }
                Wanted::Command(pattern.clone())
            }
            (None, Some(pids)) => Wanted::listed(pids, self.tree.own_pid())?,
            (None, None) => {
                return Err(Error::new(
                    "which process is to be measured? Give `commandline` (a pattern of its command line), or `pid` (its \
                     number, or \"$$\" for the agent itself)",
                ));
            }
        };
        let is_group = self.aggregate_multiple_processes || matches!(wanted, Wanted::Pids(_));
        self.choice = Choice::new(wanted, is_group, self.include_child_processes, self.process_discovery_interval);
        Ok(())
    }

    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        let uptime = self.tree.uptime_millis();
        self.choice.choose(&mut self.processes, &mut self.tree, out)?;
        for process in &mut self.processes {
            process.read(&mut self.tree, uptime, out);
        }
        if self.processes.is_empty() {
            self.totals.clear();
            return Ok(());
        }
        let figures = self.totals.add(&mut self.processes);
        self.metrics.emit(&figures, &self.app, out);
        Ok(())
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
