//! What the processors did since boot, and how many there are: `proc.stat.*`, `sys.cpu.count`.

use scalyr_monitor::prelude::*;

use super::kernel_file::{KernelFile, Source, read_bounded, words};
use super::number::Number;
use super::turn::Turn;
use super::warnings::Warnings;

const STAT: Source = Source { name: "stat", metrics: "proc.stat.*", limit: 1 << 20 };
const FORM: &str = "NAME NUMBER...";

/// How much is read of a list of processors, in bytes.
const CPU_LIST_LIMIT: usize = 64 << 10;

/// The first nine columns of the `cpu` line; `guest_nice` is never told.
const KINDS: [&str; 9] = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest"];

/// A `cpu` line with fewer columns was cut off; `steal` and `guest` came later than the others.
const LEAST_COLUMNS: usize = 7;

/// Metrics of `/proc/stat`, and the count of processors.
#[derive(MetricSet)]
#[metrics(category = "General")]
pub(super) struct CpuMetrics {
    /// Processors, online or not.
    #[metric(name = "sys.cpu.count")]
    count: Metric<u64>,
    /// Time that the processors spent, in jiffies since boot.
    #[metric(name = "proc.stat.cpu", unit = "jiffies", cumulative)]
    cpu: Metric<Number<'static>, CpuKind>,
    /// Interrupts since boot.
    #[metric(name = "proc.stat.intr", cumulative)]
    intr: Metric<Number<'static>>,
    /// Context switches since boot.
    #[metric(name = "proc.stat.ctxt", cumulative)]
    ctxt: Metric<Number<'static>>,
    /// Processes and threads started since boot.
    #[metric(name = "proc.stat.processes", cumulative)]
    processes: Metric<Number<'static>>,
    /// Processes that wait for a disk right now.
    #[metric(name = "proc.stat.procs_blocked")]
    procs_blocked: Metric<Number<'static>>,
}

/// Extra field of `proc.stat.cpu`.
#[derive(Fields)]
struct CpuKind {
    /// Which part of the whole the value is, as `tcp` of the sockets, or `hit` of the allocations. Of the processors' time:
    /// `user`, `nice`, `system`, `idle`, `iowait`, `irq`, `softirq`, `steal` or `guest`.
    r#type: &'static str,
}

/// What is told of `/proc/stat`.
#[derive(Debug, Default, PartialEq)]
struct Stat<'b> {
    cpu: Vec<(&'static str, Number<'b>)>,
    intr: Option<Number<'b>>,
    ctxt: Option<Number<'b>>,
    processes: Option<Number<'b>>,
    procs_blocked: Option<Number<'b>>,
    /// Lines `cpuN`: the processors that are online.
    online: u64,
}

impl CpuMetrics {
    pub(super) fn emit(&self, turn: &mut Turn<'_>) {
        let count = count(turn);
        if let Some(count) = count {
            turn.out.emit(self.count, count);
        }
        let Some((file, out, warnings)) = turn.read(&STAT) else { return };
        let stat = parse(&file, warnings);
        if count.is_none() && stat.online > 0 {
            out.emit(self.count, stat.online);
        }
        for (r#type, jiffies) in stat.cpu {
            out.emit_with(self.cpu, jiffies, CpuKind { r#type });
        }
        let totals = [
            (self.intr, stat.intr),
            (self.ctxt, stat.ctxt),
            (self.processes, stat.processes),
            (self.procs_blocked, stat.procs_blocked),
        ];
        for (metric, value) in totals {
            if let Some(value) = value {
                out.emit(metric, value);
            }
        }
    }
}

fn parse<'b>(file: &KernelFile<'b>, warnings: &mut Warnings) -> Stat<'b> {
    let mut stat = Stat::default();
    for line in file.lines() {
        let mut words = words(line);
        let name = words.next().unwrap_or_default();
        let target = match name {
            b"cpu" => {
                let columns: Option<Vec<_>> = words.take(KINDS.len()).map(Number::parse).collect();
                match columns {
                    Some(columns) if columns.len() >= LEAST_COLUMNS => {
                        stat.cpu = KINDS.into_iter().zip(columns).collect()
                    }
                    _ => file.odd_line(line, FORM, warnings),
                }
                continue;
            }
            b"intr" => &mut stat.intr,
            b"ctxt" => &mut stat.ctxt,
            b"processes" => &mut stat.processes,
            b"procs_blocked" => &mut stat.procs_blocked,
            _ => {
                stat.online += u64::from(is_one_cpu(name));
                continue;
            }
        };
        match words.next().and_then(Number::parse) {
            Some(value) => *target = Some(value),
            None => file.odd_line(line, FORM, warnings),
        }
    }
    if stat == Stat::default() {
        file.nothing_found("line that we know", warnings);
    }
    stat
}

fn is_one_cpu(name: &[u8]) -> bool {
    name.strip_prefix(b"cpu").is_some_and(|index| !index.is_empty() && index.iter().all(u8::is_ascii_digit))
}

/// The processors that are there, online or not, as `nproc --all` counts them. Without `/sys` those that are online
/// must do.
fn count(turn: &mut Turn<'_>) -> Option<u64> {
    let files = ["present", "possible"].map(|name| turn.roots.sys("devices/system/cpu").join(name));
    files.iter().find_map(|file| {
        read_bounded(file, CPU_LIST_LIMIT, turn.buffer).ok()?;
        count_list(turn.buffer.trim_ascii())
    })
}

/// Counts a list of the kernel, for example `0-3,8,10-11`.
fn count_list(list: &[u8]) -> Option<u64> {
    let number = |text: &str| text.parse::<u64>().ok();
    let mut count = 0_u64;
    for part in str::from_utf8(list).ok()?.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        count = number(last)?.checked_sub(number(first)?)?.checked_add(1)?.checked_add(count)?;
    }
    Some(count)
}

/// Reads any bytes.
#[cfg(test)]
pub(super) fn survive(content: &[u8]) {
    parse(&KernelFile::holding(&STAT, content), &mut Warnings::default());
    count_list(content);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(content: &[u8]) -> (Stat<'_>, Vec<String>) {
        let mut warnings = Warnings::default();
        let stat = parse(&KernelFile::holding(&STAT, content), &mut warnings);
        (stat, warnings.take_fresh())
    }

    fn number(text: &str) -> Number<'_> {
        Number::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn steal_and_guest_are_told_only_when_present_and_guest_nice_never() {
        for (line, kinds) in [("cpu 1 2 3 4 5 6 7", 7), ("cpu 1 2 3 4 5 6 7 8", 8), ("cpu 1 2 3 4 5 6 7 8 9 10 11", 9)]
        {
            let (stat, warned) = parsed(line.as_bytes());
            assert_eq!(stat.cpu.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), KINDS[..kinds]);
            assert_eq!(warned, Vec::<String>::new());
        }
    }

    #[test]
    fn one_odd_line_does_not_hide_the_others() {
        let (stat, warned) =
            parsed(b"cpu 1 2 3\ncpu0 1 2\ncpufreq 1\nintr x\nctxt 99999999999999999999999\nprocs_blocked");
        assert_eq!(stat.ctxt, Some(number("99999999999999999999999")));
        assert_eq!((stat.cpu, stat.intr, stat.procs_blocked, stat.online), (vec![], None, None, 1));
        assert_eq!(warned.len(), 1);
        assert!(warned[0].contains("/proc/stat") && warned[0].contains("`cpu 1 2 3`"), "{}", warned[0]);
    }

    #[test]
    fn a_file_without_any_known_line_is_warned_about() {
        let (_, warned) = parsed(b"hello world\n");
        assert_eq!(warned, ["/proc/stat holds no line that we know; proc.stat.* cannot be told."]);
    }

    #[test]
    fn processors_are_counted_over_all_ranges() {
        for (list, count) in [
            ("0", Some(1)),
            ("0-1", Some(2)),
            ("0-3,8,10-11", Some(7)),
            ("", None),
            ("3-1", None),
            ("0-x", None),
            ("0-18446744073709551615", None),
        ] {
            assert_eq!(count_list(list.as_bytes()), count, "{list:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(content in proptest::collection::vec(any::<u8>(), 0..300)) {
            let cpu = [b"cpu ".as_slice(), &content, b"\nintr ", &content].concat();
            parsed(&content);
            parsed(&cpu);
            count_list(&content);
        }
    }
}
