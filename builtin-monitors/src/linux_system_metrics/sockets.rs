//! Sockets of the machine, and what memory they take: `net.sockstat.*`.

use scalyr_monitor::prelude::*;

use super::kernel_file::{KernelFile, Source, words};
use super::number::Number;
use super::turn::Turn;
use super::warnings::Warnings;

const SOCKSTAT: Source = Source { name: "net/sockstat", metrics: "net.sockstat.*", limit: 64 << 10 };
const FORM: &str = "PROTOCOL: then pairs of NAME NUMBER";

/// Metrics of `/proc/net/sockstat`.
#[derive(MetricSet)]
#[metrics(category = "Sockets")]
pub(super) struct SocketMetrics {
    /// TCP sockets that exist, also those that are not connected.
    #[metric(name = "net.sockstat.num_sockets", fields(type = "tcp"))]
    num_sockets: Metric<Number<'static>>,
    /// TCP connections that are closed, and wait in case late packets come.
    #[metric(name = "net.sockstat.num_timewait")]
    num_timewait: Metric<Number<'static>>,
    /// TCP connections that no process holds any more, and that are not yet closed.
    #[metric(name = "net.sockstat.num_orphans")]
    num_orphans: Metric<Number<'static>>,
    /// TCP sockets that are in use.
    #[metric(name = "net.sockstat.sockets_inuse", fields(type = "tcp"))]
    tcp_inuse: Metric<Number<'static>>,
    /// UDP sockets that are in use.
    #[metric(name = "net.sockstat.sockets_inuse", fields(type = "udp"))]
    udp_inuse: Metric<Number<'static>>,
    /// UDP-Lite sockets that are in use.
    #[metric(name = "net.sockstat.sockets_inuse", fields(type = "udplite"))]
    udplite_inuse: Metric<Number<'static>>,
    /// Raw sockets that are in use.
    #[metric(name = "net.sockstat.sockets_inuse", fields(type = "raw"))]
    raw_inuse: Metric<Number<'static>>,
    /// IP packets that wait for more of their fragments.
    #[metric(name = "net.sockstat.ipfragqueues")]
    ipfragqueues: Metric<Number<'static>>,
    /// Memory of fragments of IP packets that wait for the others.
    #[metric(name = "net.sockstat.memory", unit = "bytes", fields(type = "ipfrag"))]
    ipfrag_memory: Metric<Number<'static>>,
    /// Memory of the buffers of TCP sockets.
    #[metric(name = "net.sockstat.memory", unit = "bytes", fields(type = "tcp"))]
    tcp_memory: Metric<u64>,
    /// Memory of the buffers of UDP sockets.
    #[metric(name = "net.sockstat.memory", unit = "bytes", fields(type = "udp"))]
    udp_memory: Metric<u64>,
}

impl SocketMetrics {
    pub(super) fn emit(&self, turn: &mut Turn<'_>) {
        let Some((file, out, warnings)) = turn.read_of_process(&SOCKSTAT) else { return };
        let figures = parse(&file, warnings);
        let found = |protocol: &str, name: &str| {
            let found = figures.iter().find(|figure| figure.protocol == protocol && figure.name == name);
            found.map(|figure| figure.value)
        };
        for (metric, protocol, name) in self.counts() {
            if let Some(value) = found(protocol, name) {
                out.emit(metric, value);
            }
        }
        let page_bytes = rustix::param::page_size() as u64;
        for (metric, protocol) in [(self.tcp_memory, "TCP"), (self.udp_memory, "UDP")] {
            let pages = found(protocol, "mem").and_then(Number::to_u64);
            if let Some(bytes) = pages.and_then(|pages| pages.checked_mul(page_bytes)) {
                out.emit(metric, bytes);
            }
        }
    }

    /// What is told as the kernel has it, with the line and the name of its figure.
    fn counts(&self) -> [(Metric<Number<'static>>, &'static str, &'static str); 9] {
        [
            (self.num_sockets, "TCP", "alloc"),
            (self.num_timewait, "TCP", "tw"),
            (self.num_orphans, "TCP", "orphan"),
            (self.tcp_inuse, "TCP", "inuse"),
            (self.udp_inuse, "UDP", "inuse"),
            (self.udplite_inuse, "UDPLITE", "inuse"),
            (self.raw_inuse, "RAW", "inuse"),
            (self.ipfragqueues, "FRAG", "inuse"),
            (self.ipfrag_memory, "FRAG", "memory"),
        ]
    }
}

/// One pair of a line.
#[derive(Debug, PartialEq)]
struct Figure<'b> {
    protocol: &'b str,
    name: &'b str,
    value: Number<'b>,
}

/// All figures. Which ones there are depends on the kernel: a figure that it lacks is not told, and the others are.
fn parse<'b>(file: &KernelFile<'b>, warnings: &mut Warnings) -> Vec<Figure<'b>> {
    let mut figures = Vec::with_capacity(16);
    for line in file.lines() {
        if parse_line(line, &mut figures).is_none() {
            file.odd_line(line, FORM, warnings);
        }
    }
    if figures.is_empty() {
        file.nothing_found("count of sockets", warnings);
    }
    figures
}

/// Adds the figures of a line; `None` when it has not the form. Those before the odd place are kept.
fn parse_line<'b>(line: &'b [u8], figures: &mut Vec<Figure<'b>>) -> Option<()> {
    let mut words = words(line);
    let protocol = str::from_utf8(words.next()?.strip_suffix(b":")?).ok()?;
    while let Some(name) = words.next() {
        let (name, value) = (str::from_utf8(name).ok()?, Number::parse(words.next()?)?);
        figures.push(Figure { protocol, name, value });
    }
    Some(())
}

/// Reads any bytes.
#[cfg(test)]
pub(super) fn survive(content: &[u8]) {
    parse(&KernelFile::holding(&SOCKSTAT, content), &mut Warnings::default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_line_costs_only_what_stands_behind_the_oddity() {
        let mut warnings = Warnings::default();
        let content = b"sockets: used 9\nTCP: inuse 1 orphan x tw 3\nUDP inuse 5\nRAW: inuse\nFRAG: inuse 2 memory 7\n";
        let file = KernelFile::holding(&SOCKSTAT, content);
        let figures: Vec<_> =
            parse(&file, &mut warnings).iter().map(|f| format!("{} {}", f.protocol, f.name)).collect();
        assert_eq!(figures, ["sockets used", "TCP inuse", "FRAG inuse", "FRAG memory"]);
        let warned = warnings.take_fresh();
        assert!(warned.len() == 1 && warned[0].contains("`TCP: inuse 1 orphan x tw 3`"), "{warned:?}");
    }
}
