//! Memory and paging: `proc.meminfo.*`, `proc.vmstat.*`.

use scalyr_monitor::prelude::*;

use super::kernel_file::{KernelFile, Source, words};
use super::number::Number;
use super::turn::Turn;
use super::warnings::Warnings;

const MEMINFO: Source = Source { name: "meminfo", metrics: "proc.meminfo.*", limit: 1 << 20 };
const VMSTAT: Source = Source { name: "vmstat", metrics: "proc.vmstat.*", limit: 1 << 20 };

/// The counters of `/proc/vmstat` that are told; it holds some two hundred.
const PAGING: [&str; 6] = ["pgpgin", "pgpgout", "pswpin", "pswpout", "pgfault", "pgmajfault"];

/// Metrics of `/proc/meminfo`: those that every kernel has. The others are named after the lines of the file.
#[derive(MetricSet)]
#[metrics(category = "Memory")]
pub(super) struct MemoryMetrics {
    /// Memory of the machine. Each further line of `/proc/meminfo` is a metric as well, with its key in lower case
    /// (`proc.meminfo.memavailable`), but not those with brackets, like `Active(anon)`.
    #[metric(name = "proc.meminfo.memtotal", unit = "bytes:1024")]
    total: Metric<Number<'static>>,
    /// Memory that is used for nothing.
    #[metric(name = "proc.meminfo.memfree", unit = "bytes:1024")]
    free: Metric<Number<'static>>,
    /// Memory that holds parts of files.
    #[metric(name = "proc.meminfo.cached", unit = "bytes:1024")]
    cached: Metric<Number<'static>>,
    /// Memory that holds blocks of disks.
    #[metric(name = "proc.meminfo.buffers", unit = "bytes:1024")]
    buffers: Metric<Number<'static>>,
}

/// Metrics of `/proc/vmstat`.
#[derive(MetricSet)]
#[metrics(category = "Virtual Memory")]
pub(super) struct PagingMetrics {
    /// Kilobytes read in from disk since boot.
    #[metric(name = "proc.vmstat.pgpgin", cumulative)]
    pgpgin: Metric<Number<'static>>,
    /// Kilobytes written out to disk since boot.
    #[metric(name = "proc.vmstat.pgpgout", cumulative)]
    pgpgout: Metric<Number<'static>>,
    /// Pages swapped in since boot.
    #[metric(name = "proc.vmstat.pswpin", cumulative)]
    pswpin: Metric<Number<'static>>,
    /// Pages swapped out since boot.
    #[metric(name = "proc.vmstat.pswpout", cumulative)]
    pswpout: Metric<Number<'static>>,
    /// Page faults since boot.
    #[metric(name = "proc.vmstat.pgfault", cumulative)]
    pgfault: Metric<Number<'static>>,
    /// Page faults since boot that had to read from disk.
    #[metric(name = "proc.vmstat.pgmajfault", cumulative)]
    pgmajfault: Metric<Number<'static>>,
}

impl MemoryMetrics {
    pub(super) fn emit(&self, turn: &mut Turn<'_>) {
        let Some((file, out, warnings)) = turn.read(&MEMINFO) else { return };
        let declared = [self.total, self.free, self.cached, self.buffers];
        let mut name = String::new();
        for (key, kilobytes) in parse_meminfo(&file, warnings) {
            name.clear();
            name.push_str("proc.meminfo.");
            name.extend(key.bytes().map(|byte| char::from(byte.to_ascii_lowercase())));
            match declared.iter().find(|metric| metric.name() == name) {
                Some(&metric) => out.emit(metric, kilobytes),
                None => out.emit_dynamic(&name, &kilobytes, &[]),
            }
        }
    }
}

impl PagingMetrics {
    pub(super) fn emit(&self, turn: &mut Turn<'_>) {
        let Some((file, out, warnings)) = turn.read(&VMSTAT) else { return };
        let metrics = [self.pgpgin, self.pgpgout, self.pswpin, self.pswpout, self.pgfault, self.pgmajfault];
        for (metric, value) in metrics.into_iter().zip(parse_vmstat(&file, warnings)) {
            if let Some(value) = value {
                out.emit(metric, value);
            }
        }
    }
}

/// Each `Word: number`. Keys like `Active(anon)` are left out, as ever.
fn parse_meminfo<'b>(file: &KernelFile<'b>, warnings: &mut Warnings) -> Vec<(&'b str, Number<'b>)> {
    let mut rows = Vec::new();
    for line in file.lines() {
        let mut words = words(line);
        let key = words.next().and_then(|word| word.strip_suffix(b":")).unwrap_or_default();
        if key.contains(&b'(') {
            continue;
        }
        let is_word = !key.is_empty() && key.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'_');
        match words.next().and_then(Number::parse) {
            Some(value) if is_word => rows.extend(str::from_utf8(key).ok().map(|key| (key, value))),
            _ => file.odd_line(line, "Word: NUMBER", warnings),
        }
    }
    if rows.is_empty() {
        file.nothing_found("line `Word: NUMBER`", warnings);
    }
    rows
}

/// The values of [`PAGING`]; those that this kernel does not count are `None`.
fn parse_vmstat<'b>(file: &KernelFile<'b>, warnings: &mut Warnings) -> [Option<Number<'b>>; PAGING.len()] {
    let mut values = [None; PAGING.len()];
    for line in file.lines() {
        let mut words = words(line);
        let name = words.next().unwrap_or_default();
        let Some(at) = PAGING.iter().position(|known| known.as_bytes() == name) else { continue };
        match words.next().and_then(Number::parse) {
            Some(value) => values[at] = Some(value),
            None => file.odd_line(line, "NAME NUMBER", warnings),
        }
    }
    if values.iter().all(Option::is_none) {
        file.nothing_found("paging counter", warnings);
    }
    values
}

/// Reads any bytes.
#[cfg(test)]
pub(super) fn survive(content: &[u8]) {
    parse_meminfo(&KernelFile::holding(&MEMINFO, content), &mut Warnings::default());
    parse_vmstat(&KernelFile::holding(&VMSTAT, content), &mut Warnings::default());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn meminfo(content: &[u8]) -> (Vec<(&str, Number<'_>)>, Vec<String>) {
        let mut warnings = Warnings::default();
        let rows = parse_meminfo(&KernelFile::holding(&MEMINFO, content), &mut warnings);
        (rows, warnings.take_fresh())
    }

    fn vmstat(content: &[u8]) -> ([Option<Number<'_>>; 6], Vec<String>) {
        let mut warnings = Warnings::default();
        let values = parse_vmstat(&KernelFile::holding(&VMSTAT, content), &mut warnings);
        (values, warnings.take_fresh())
    }

    #[test]
    fn keys_with_brackets_are_left_out() {
        let (rows, warned) =
            meminfo(b"MemTotal:  100 kB\nActive(anon):  7 kB\nHugePages_Total:  0\nDirectMap4k: 5 kB\n");
        let keys: Vec<_> = rows.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, ["MemTotal", "HugePages_Total", "DirectMap4k"]);
        assert_eq!(warned, Vec::<String>::new());
    }

    #[test]
    fn odd_lines_are_left_out_with_one_warning() {
        let (rows, warned) =
            meminfo(b"MemTotal: 99999999999999999999999999 kB\nMemFree:\nBuf\xfffers: 3 kB\nCached 4 kB\n");
        assert_eq!(rows, [("MemTotal", Number::parse(b"99999999999999999999999999").unwrap())]);
        assert_eq!(warned.len(), 1);
        assert!(warned[0].contains("/proc/meminfo") && warned[0].contains("`MemFree:`"), "{}", warned[0]);
    }

    #[test]
    fn a_paging_counter_that_the_kernel_lacks_is_not_told() {
        let (values, warned) = vmstat(b"nr_free_pages 7\npgfault 12\npswpin many\n");
        assert_eq!(values.iter().flatten().collect::<Vec<_>>(), [&Number::parse(b"12").unwrap()]);
        assert!(warned.concat().contains("`pswpin many`"), "{warned:?}");
        let (_, warned) = vmstat(b"nr_free_pages 7\n");
        assert_eq!(warned, ["/proc/vmstat holds no paging counter; proc.vmstat.* cannot be told."]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(content in proptest::collection::vec(any::<u8>(), 0..300)) {
            meminfo(&content);
            vmstat(&content);
            meminfo(&[b"Key: ".as_slice(), &content].concat());
            vmstat(&[b"pgfault ".as_slice(), &content].concat());
        }
    }
}
