//! From which memory nodes pages were taken: `sys.numa.*`.

use std::fs;
use std::path::PathBuf;

use scalyr_monitor::prelude::*;

use super::kernel_file::{KernelFile, Source, words};
use super::number::Number;
use super::turn::Turn;
use super::warnings::Warnings;

const NUMASTAT: Source = Source { name: "numastat", metrics: "sys.numa.*", limit: 64 << 10 };
const FORM: &str = "NAME NUMBER";

/// The kernel allows as many nodes at the most.
const MAX_NODES: usize = 1024;

/// The counters of a node, in the order of their lines.
const COUNTERS: [&str; 6] = ["numa_hit", "numa_miss", "numa_foreign", "local_node", "other_node", "interleave_hit"];

/// Metrics of the memory nodes of `/sys/devices/system/node`.
#[derive(MetricSet)]
#[metrics(category = "NUMA")]
pub(super) struct NumaMetrics {
    /// Pages that were taken from the node that was wanted, since boot.
    #[metric(name = "sys.numa.zoneallocs", unit = "pages", cumulative, fields(type = "hit"))]
    hit: Metric<Number<'static>, Node<'static>>,
    /// Pages that were taken from this node although another one was wanted, since boot.
    #[metric(name = "sys.numa.zoneallocs", unit = "pages", cumulative, fields(type = "miss"))]
    miss: Metric<Number<'static>, Node<'static>>,
    /// Pages that were wanted of this node and taken from another one, since boot.
    #[metric(name = "sys.numa.foreign_allocs", unit = "pages", cumulative)]
    foreign: Metric<Number<'static>, Node<'static>>,
    /// Pages of this node for processes that ran on it, since boot.
    #[metric(name = "sys.numa.allocation", unit = "pages", cumulative, fields(type = "local"))]
    local: Metric<Number<'static>, Node<'static>>,
    /// Pages of this node for processes that ran on another one, since boot.
    #[metric(name = "sys.numa.allocation", unit = "pages", cumulative, fields(type = "remote"))]
    remote: Metric<Number<'static>, Node<'static>>,
    /// Pages that were to be spread over the nodes and were taken from the one whose turn it was, since boot.
    #[metric(name = "sys.numa.interleave", unit = "pages", cumulative, fields(type = "hit"))]
    interleave: Metric<Number<'static>, Node<'static>>,
}

/// Extra field of `sys.numa.*`.
#[derive(Clone, Copy, Fields)]
struct Node<'a> {
    /// The number of the memory node.
    node: &'a str,
}

impl NumaMetrics {
    /// A kernel that knows of no nodes has no such folder, which is nothing to warn about.
    pub(super) fn emit(&self, turn: &mut Turn<'_>) {
        let metrics = [self.hit, self.miss, self.foreign, self.local, self.remote, self.interleave];
        for (node, folder) in nodes(&turn.roots.sys("devices/system/node")) {
            let path = [folder.join(NUMASTAT.name)];
            let Some(file) = KernelFile::read(&NUMASTAT, &path, turn.buffer, turn.warnings) else { continue };
            let node = node.to_string();
            for (metric, value) in metrics.into_iter().zip(parse(&file, turn.warnings)) {
                if let Some(value) = value {
                    turn.out.emit_with(metric, value, Node { node: &node });
                }
            }
        }
    }
}

/// The folders `nodeN`, in the order of their numbers.
fn nodes(folder: &std::path::Path) -> Vec<(u32, PathBuf)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let number = |entry: &fs::DirEntry| entry.file_name().to_str()?.strip_prefix("node")?.parse().ok();
    let nodes = entries.filter_map(|entry| entry.ok().and_then(|entry| Some((number(&entry)?, entry.path()))));
    let mut nodes: Vec<_> = nodes.take(MAX_NODES).collect();
    nodes.sort_unstable();
    nodes
}

/// The values of [`COUNTERS`]; those that this kernel does not count are `None`.
fn parse<'b>(file: &KernelFile<'b>, warnings: &mut Warnings) -> [Option<Number<'b>>; COUNTERS.len()] {
    let mut values = [None; COUNTERS.len()];
    for line in file.lines() {
        let mut words = words(line);
        let name = words.next().unwrap_or_default();
        let Some(at) = COUNTERS.iter().position(|known| known.as_bytes() == name) else { continue };
        match words.next().and_then(Number::parse) {
            Some(value) => values[at] = Some(value),
            None => file.odd_line(line, FORM, warnings),
        }
    }
    if values.iter().all(Option::is_none) {
        file.nothing_found("counter of a memory node", warnings);
    }
    values
}

/// Reads any bytes.
#[cfg(test)]
pub(super) fn survive(content: &[u8]) {
    parse(&KernelFile::holding(&NUMASTAT, content), &mut Warnings::default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_come_in_the_order_of_their_numbers_and_other_entries_are_none() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["node10", "node2", "node0", "nodes", "node", "online", "node-1", "node99999999999"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let numbers: Vec<_> = nodes(folder.path()).into_iter().map(|(number, _)| number).collect();
        assert_eq!(numbers, [0, 2, 10]);
        assert_eq!(nodes(&folder.path().join("missing")), []);
    }

    #[test]
    fn a_counter_that_was_cut_off_does_not_hide_the_others() {
        let mut warnings = Warnings::default();
        let file = KernelFile::holding(&NUMASTAT, b"numa_hit 7\nnuma_miss\nlocal_node x\nother_node 3\n");
        let number = |text: &'static str| Number::parse(text.as_bytes());
        assert_eq!(parse(&file, &mut warnings), [number("7"), None, None, None, number("3"), None]);
        assert!(warnings.take_fresh().concat().contains("`numa_miss`"));
    }
}
