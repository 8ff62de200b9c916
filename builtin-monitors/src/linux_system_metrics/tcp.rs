//! What happened to TCP connections: `net.stat.tcp.*`.

use scalyr_monitor::prelude::*;

use super::kernel_file::{KernelFile, Source, words};
use super::number::Number;
use super::turn::Turn;
use super::warnings::Warnings;

const NETSTAT: Source = Source { name: "net/netstat", metrics: "net.stat.tcp.*", limit: 256 << 10 };
const SNMP: Source = Source { name: "net/snmp", metrics: "net.stat.tcp.resets and .errors", limit: 256 << 10 };
const FORM: &str = "PREFIX: NAME..., and below it PREFIX: NUMBER...";

/// Metrics of the lines `TcpExt:` of `/proc/net/netstat`, and of the lines `Tcp:` of `/proc/net/snmp`.
#[derive(MetricSet)]
#[metrics(category = "Network")]
pub(super) struct TcpMetrics {
    /// SYN cookies that were sent, since boot.
    #[metric(name = "net.stat.tcp.syncookies", cumulative, fields(type = "sent"))]
    syncookies_sent: Metric<Number<'static>>,
    /// Valid SYN cookies that came back, since boot.
    #[metric(name = "net.stat.tcp.syncookies", cumulative, fields(type = "received"))]
    syncookies_received: Metric<Number<'static>>,
    /// SYN cookies that came back and were not valid, since boot.
    #[metric(name = "net.stat.tcp.syncookies", cumulative, fields(type = "failed"))]
    syncookies_failed: Metric<Number<'static>>,
    /// Packets out of order that were dropped because a socket had no memory left, since boot.
    #[metric(name = "net.stat.tcp.memory.prune", cumulative, fields(type = "drop_ofo_queue"))]
    prune_ofo_queue: Metric<Number<'static>>,
    /// Packets that were dropped because a socket had no memory left, since boot.
    #[metric(name = "net.stat.tcp.memory.prune", cumulative, fields(type = "drop_received"))]
    prune_received: Metric<Number<'static>>,
    /// Delayed acknowledgements that were sent, since boot.
    #[metric(name = "net.stat.tcp.delayedack", cumulative, fields(type = "sent"))]
    delayedack_sent: Metric<Number<'static>>,
    /// Delayed acknowledgements that had to wait because a process held the socket, since boot.
    #[metric(name = "net.stat.tcp.delayedack", cumulative, fields(type = "locked"))]
    delayedack_locked: Metric<Number<'static>>,
    /// Acknowledgements that were sent at once, because a packet came a second time, since boot.
    #[metric(name = "net.stat.tcp.delayedack", cumulative, fields(type = "lost"))]
    delayedack_lost: Metric<Number<'static>>,
    /// Connections that were refused because the program does not accept them fast enough, since boot.
    #[metric(name = "net.stat.tcp.failed_accept", cumulative, fields(reason = "full_acceptq"))]
    accept_full: Metric<Number<'static>>,
    /// Connections that were refused for another reason, since boot.
    #[metric(name = "net.stat.tcp.failed_accept", cumulative, fields(reason = "other"))]
    accept_other: Metric<u64>,
    /// Recoveries from a lost packet by fast retransmit, since boot.
    #[metric(name = "net.stat.tcp.packetloss.recovery", cumulative, fields(type = "fast_retransmit"))]
    recovery_reno: Metric<Number<'static>>,
    /// Recoveries from a lost packet by selective acknowledgements, since boot.
    #[metric(name = "net.stat.tcp.packetloss.recovery", cumulative, fields(type = "sack"))]
    recovery_sack: Metric<Number<'static>>,
    /// Packets out of order, noticed by forward acknowledgement, since boot. Kernels before 4.15.
    #[metric(name = "net.stat.tcp.reording", cumulative, fields(detectedby = "fack"))]
    reording_fack: Metric<Number<'static>>,
    /// Packets out of order, noticed by selective acknowledgements, since boot.
    #[metric(name = "net.stat.tcp.reording", cumulative, fields(detectedby = "sack"))]
    reording_sack: Metric<Number<'static>>,
    /// Packets out of order, noticed by fast retransmit, since boot.
    #[metric(name = "net.stat.tcp.reording", cumulative, fields(detectedby = "fast_retransmit"))]
    reording_reno: Metric<Number<'static>>,
    /// Packets out of order, noticed by their timestamps, since boot.
    #[metric(name = "net.stat.tcp.reording", cumulative, fields(detectedby = "timestamp"))]
    reording_timestamp: Metric<Number<'static>>,
    /// Slowdowns that were taken back completely, as nothing was lost, since boot.
    #[metric(name = "net.stat.tcp.congestion.recovery", cumulative, fields(type = "full_undo"))]
    congestion_full_undo: Metric<Number<'static>>,
    /// Slowdowns that were taken back by the heuristic of Hoe, since boot.
    #[metric(name = "net.stat.tcp.congestion.recovery", cumulative, fields(type = "hoe_heuristic"))]
    congestion_partial_undo: Metric<Number<'static>>,
    /// Slowdowns that were taken back because the other side told of packets that came twice, since boot.
    #[metric(name = "net.stat.tcp.congestion.recovery", cumulative, fields(type = "sack"))]
    congestion_dsack_undo: Metric<Number<'static>>,
    /// Slowdowns that were taken back because the packet was acknowledged after all, since boot.
    #[metric(name = "net.stat.tcp.congestion.recovery", cumulative, fields(type = "ack"))]
    congestion_loss_undo: Metric<Number<'static>>,
    /// Connections that ended at an unexpected SYN, since boot. Old kernels.
    #[metric(name = "net.stat.tcp.abort", cumulative, fields(type = "unexpected_syn"))]
    abort_syn: Metric<Number<'static>>,
    /// Connections that ended because data came after they were closed, since boot.
    #[metric(name = "net.stat.tcp.abort", cumulative, fields(type = "data_after_fin_wait1"))]
    abort_data: Metric<Number<'static>>,
    /// Connections that were closed while there was still data to read, since boot.
    #[metric(name = "net.stat.tcp.abort", cumulative, fields(type = "data_after_close"))]
    abort_close: Metric<Number<'static>>,
    /// Connections that ended because memory was short, since boot.
    #[metric(name = "net.stat.tcp.abort", cumulative, fields(type = "out_of_memory"))]
    abort_memory: Metric<Number<'static>>,
    /// Connections that ended because the other side did not answer in time, since boot.
    #[metric(name = "net.stat.tcp.abort", cumulative, fields(type = "timeout"))]
    abort_timeout: Metric<Number<'static>>,
    /// Connections that ended because they did not close in time, since boot.
    #[metric(name = "net.stat.tcp.abort", cumulative, fields(type = "linger"))]
    abort_linger: Metric<Number<'static>>,
    /// Connections that ended without the other side being told, as there was no memory for it, since boot.
    #[metric(name = "net.stat.tcp.abort.failed", cumulative)]
    abort_failed: Metric<Number<'static>>,
    /// How often TCP came to be short of memory, since boot.
    #[metric(name = "net.stat.tcp.memory.pressure", cumulative)]
    memory_pressure: Metric<Number<'static>>,
    /// Selective acknowledgements that were not valid, since boot.
    #[metric(name = "net.stat.tcp.invalid_sack", cumulative, fields(type = "invalid"))]
    invalid_sack: Metric<Number<'static>>,
    /// Acknowledgements of duplicates that were ignored, while a packet was sent again, since boot.
    #[metric(name = "net.stat.tcp.invalid_sack", cumulative, fields(type = "retransmit"))]
    invalid_sack_old: Metric<Number<'static>>,
    /// Acknowledgements of duplicates that were ignored, of packets that were not sent again, since boot.
    #[metric(name = "net.stat.tcp.invalid_sack", cumulative, fields(type = "olddup"))]
    invalid_sack_no_undo: Metric<Number<'static>>,
    /// Packets that were dropped because a socket had too many waiting, since boot.
    #[metric(name = "net.stat.tcp.receive.queue.full", cumulative)]
    queue_full: Metric<Number<'static>>,
    /// Resets that were sent, since boot.
    #[metric(name = "net.stat.tcp.resets", cumulative, fields(direction = "out"))]
    resets: Metric<Number<'static>>,
    /// Packets that were not valid, since boot.
    #[metric(name = "net.stat.tcp.errors", cumulative, fields(direction = "in"))]
    errors: Metric<Number<'static>>,
}

impl TcpMetrics {
    pub(super) fn emit(&self, turn: &mut Turn<'_>) {
        if let Some((file, out, warnings)) = turn.read_of_process(&NETSTAT) {
            let table = parse(&file, b"TcpExt:", warnings);
            let (refusals, others) = self.of_netstat();
            table.emit(&refusals, out);
            if let Some(value) = table.refused_otherwise() {
                out.emit(self.accept_other, value);
            }
            table.emit(&others, out);
        }
        if let Some((file, out, warnings)) = turn.read_of_process(&SNMP) {
            let counters = [(self.resets, "OutRsts"), (self.errors, "InErrs")];
            parse(&file, b"Tcp:", warnings).emit(&counters, out);
        }
    }

    /// The counters with their names in the file: those up to the connections that were refused for another reason,
    /// which are calculated, and those behind.
    fn of_netstat(&self) -> ([Counter; 9], [Counter; 22]) {
        let first = [
            (self.syncookies_sent, "SyncookiesSent"),
            (self.syncookies_received, "SyncookiesRecv"),
            (self.syncookies_failed, "SyncookiesFailed"),
            (self.prune_ofo_queue, "OfoPruned"),
            (self.prune_received, "RcvPruned"),
            (self.delayedack_sent, "DelayedACKs"),
            (self.delayedack_locked, "DelayedACKLocked"),
            (self.delayedack_lost, "DelayedACKLost"),
            (self.accept_full, "ListenOverflows"),
        ];
        let others = [
            (self.recovery_reno, "TCPRenoRecovery"),
            (self.recovery_sack, "TCPSackRecovery"),
            (self.reording_fack, "TCPFACKReorder"),
            (self.reording_sack, "TCPSACKReorder"),
            (self.reording_reno, "TCPRenoReorder"),
            (self.reording_timestamp, "TCPTSReorder"),
            (self.congestion_full_undo, "TCPFullUndo"),
            (self.congestion_partial_undo, "TCPPartialUndo"),
            (self.congestion_dsack_undo, "TCPDSACKUndo"),
            (self.congestion_loss_undo, "TCPLossUndo"),
            (self.abort_syn, "TCPAbortOnSyn"),
            (self.abort_data, "TCPAbortOnData"),
            (self.abort_close, "TCPAbortOnClose"),
            (self.abort_memory, "TCPAbortOnMemory"),
            (self.abort_timeout, "TCPAbortOnTimeout"),
            (self.abort_linger, "TCPAbortOnLinger"),
            (self.abort_failed, "TCPAbortFailed"),
            (self.memory_pressure, "TCPMemoryPressures"),
            (self.invalid_sack, "TCPSACKDiscard"),
            (self.invalid_sack_old, "TCPDSACKIgnoredOld"),
            (self.invalid_sack_no_undo, "TCPDSACKIgnoredNoUndo"),
            (self.queue_full, "TCPBacklogDrop"),
        ];
        (first, others)
    }
}

/// A metric, and the name of its counter in the file.
type Counter = (Metric<Number<'static>>, &'static str);

/// Two lines of the file: names, and what stands below them.
#[derive(Debug, Default, PartialEq)]
struct Table<'b> {
    columns: Vec<(&'b [u8], Number<'b>)>,
}

impl<'b> Table<'b> {
    fn value(&self, name: &str) -> Option<Number<'b>> {
        self.columns.iter().find(|(column, _)| *column == name.as_bytes()).map(|(_, value)| *value)
    }

    /// Tells what the kernel counts of these.
    fn emit(&self, counters: &[Counter], out: &mut Sample) {
        for &(metric, name) in counters {
            if let Some(value) = self.value(name) {
                out.emit(metric, value);
            }
        }
    }

    /// Connections that were refused, but not because too many wait: the kernel counts those among all. The two may be
    /// read in the middle of a change.
    fn refused_otherwise(&self) -> Option<u64> {
        let (all, full) = (self.value("ListenDrops")?.to_u64()?, self.value("ListenOverflows")?.to_u64()?);
        Some(all.saturating_sub(full))
    }
}

/// The columns of the lines with this prefix.
fn parse<'b>(file: &KernelFile<'b>, prefix: &[u8], warnings: &mut Warnings) -> Table<'b> {
    let mut lines = file.lines().filter(|line| words(line).next() == Some(prefix));
    let (Some(names), Some(values)) = (lines.next(), lines.next()) else {
        file.nothing_found("pair of lines with the counters of TCP", warnings);
        return Table::default();
    };
    let (mut names, mut values_of) = (words(names).skip(1), words(values).skip(1));
    let mut columns = Vec::with_capacity(128);
    loop {
        match (names.next(), values_of.next()) {
            (None, None) => break,
            (Some(name), Some(value)) => match Number::parse(value) {
                Some(value) => columns.push((name, value)),
                None => file.odd_line(values, FORM, warnings),
            },
            // A column without a name, or a name without one: what stands before it is still right.
            _ => {
                file.odd_line(values, FORM, warnings);
                break;
            }
        }
    }
    Table { columns }
}

/// Reads any bytes.
#[cfg(test)]
pub(super) fn survive(content: &[u8]) {
    let table = parse(&KernelFile::holding(&NETSTAT, content), b"TcpExt:", &mut Warnings::default());
    table.refused_otherwise();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(content: &str) -> (Vec<String>, Option<u64>, Vec<String>) {
        let mut warnings = Warnings::default();
        let file = KernelFile::holding(&NETSTAT, content.as_bytes());
        let table = parse(&file, b"TcpExt:", &mut warnings);
        let names = table.columns.iter().map(|(name, _)| String::from_utf8_lossy(name).into_owned());
        (names.collect(), table.refused_otherwise(), warnings.take_fresh())
    }

    #[test]
    fn names_and_numbers_are_paired_and_other_tables_left_alone() {
        let content = "IpExt: A\nIpExt: 1\nTcpExt: ListenOverflows ListenDrops B\nTcpExt: 3 10 -1\nTcp: B\nTcp: 9\n";
        assert_eq!(
            parsed(content),
            (["ListenOverflows", "ListenDrops", "B"].map(String::from).to_vec(), Some(7), vec![])
        );
    }

    #[test]
    fn a_table_that_was_cut_off_is_told_as_far_as_it_goes() {
        let (names, _, warned) = parsed("TcpExt: A B C\nTcpExt: 1 x\n");
        assert_eq!(names, ["A"]);
        assert!(warned.len() == 1 && warned[0].contains("`TcpExt: 1 x`"), "{warned:?}");
        let (names, _, warned) = parsed("TcpExt: A B C\n");
        assert_eq!(names, Vec::<String>::new());
        assert_eq!(
            warned,
            ["/proc/net/netstat holds no pair of lines with the counters of TCP; net.stat.tcp.* cannot be told."]
        );
    }

    #[test]
    fn connections_that_were_refused_are_never_less_than_none() {
        assert_eq!(parsed("TcpExt: ListenOverflows ListenDrops\nTcpExt: 8 7\n").1, Some(0));
        assert_eq!(parsed("TcpExt: ListenOverflows\nTcpExt: 8\n").1, None);
    }
}
