//! What the processors did since boot, and how many there are: `proc.stat.*`, `sys.cpu.count`.

use scalyr_monitor::prelude::*;

use super::LinuxSystemMetrics;
use super::kernel_file::{KernelFile, Source, read_bounded, words};
use super::number::Number;
use super::roots::Roots;
use super::warnings::Warnings;

const STAT: Source = Source { name: "stat", metrics: "proc.stat.*", limit: 1 << 20 };
const FORM: &str = "NAME NUMBER...";

/// How much is read of a list of processors, in bytes.
const CPU_LIST_LIMIT: usize = 64 << 10;

/// The first nine columns of the `cpu` line; `guest_nice` is never told.
const KINDS: [&str; 9] = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest"];

/// A `cpu` line with fewer columns was cut off; `steal` and `guest` came later than the others.
const LEAST_COLUMNS: usize = 7;

/// Extra field of `proc.stat.cpu`.
#[derive(Fields)]
pub(super) struct CpuKind {
    /// What the time was spent on.
    r#type: &'static str,
}

/// What is told of `/proc/stat`.
#[derive(Debug, Default, PartialEq)]
struct Stat {
    cpu: Vec<(&'static str, Number)>,
    intr: Option<Number>,
    ctxt: Option<Number>,
    processes: Option<Number>,
    procs_blocked: Option<Number>,
    /// Lines `cpuN`: the processors that are online.
    online: u64,
}

pub(super) fn emit(monitor: &LinuxSystemMetrics, roots: &Roots, out: &mut Sample, warnings: &mut Warnings) {
    let stat = KernelFile::read(&STAT, &roots.proc(STAT.name), warnings).map(|file| parse(&file, warnings));
    let online = stat.as_ref().map_or(0, |stat| stat.online);
    if let Some(count) = count(roots).or((online > 0).then_some(online)) {
        out.emit(monitor.cpu_count, count);
    }
    let Some(stat) = stat else { return };
    for (r#type, jiffies) in stat.cpu {
        out.emit_with(monitor.cpu, jiffies, CpuKind { r#type });
    }
    let totals = [
        (monitor.intr, stat.intr),
        (monitor.ctxt, stat.ctxt),
        (monitor.processes, stat.processes),
        (monitor.procs_blocked, stat.procs_blocked),
    ];
    for (metric, value) in totals {
        if let Some(value) = value {
            out.emit(metric, value);
        }
    }
}

fn parse(file: &KernelFile, warnings: &mut Warnings) -> Stat {
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
fn count(roots: &Roots) -> Option<u64> {
    let files = ["present", "possible"].map(|name| roots.sys("devices/system/cpu").join(name));
    files.iter().find_map(|file| count_list(read_bounded(file, CPU_LIST_LIMIT).ok()?.trim_ascii()))
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(content: &[u8]) -> (Stat, Vec<String>) {
        let mut warnings = Warnings::default();
        let stat = parse(&KernelFile::holding(&STAT, content), &mut warnings);
        (stat, warnings.take_fresh())
    }

    fn number(text: &str) -> Number {
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
