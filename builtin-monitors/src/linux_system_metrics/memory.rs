//! Memory and paging: `proc.meminfo.*`, `proc.vmstat.*`.

use scalyr_monitor::prelude::*;

use super::LinuxSystemMetrics;
use super::kernel_file::{KernelFile, Source, words};
use super::number::Number;
use super::roots::Roots;
use super::warnings::Warnings;

const MEMINFO: Source = Source { name: "meminfo", metrics: "proc.meminfo.*", limit: 1 << 20 };
const VMSTAT: Source = Source { name: "vmstat", metrics: "proc.vmstat.*", limit: 1 << 20 };

/// The counters of `/proc/vmstat` that are told; it holds some two hundred.
const PAGING: [&str; 6] = ["pgpgin", "pgpgout", "pswpin", "pswpout", "pgfault", "pgmajfault"];

pub(super) fn emit(monitor: &LinuxSystemMetrics, roots: &Roots, out: &mut Sample, warnings: &mut Warnings) {
    if let Some(file) = KernelFile::read(&MEMINFO, &roots.proc(MEMINFO.name), warnings) {
        for (key, kilobytes) in parse_meminfo(&file, warnings) {
            out.emit_dynamic(&format!("proc.meminfo.{key}"), &kilobytes, &[]);
        }
    }
    if let Some(file) = KernelFile::read(&VMSTAT, &roots.proc(VMSTAT.name), warnings) {
        let metrics =
            [monitor.pgpgin, monitor.pgpgout, monitor.pswpin, monitor.pswpout, monitor.pgfault, monitor.pgmajfault];
        for (metric, value) in metrics.into_iter().zip(parse_vmstat(&file, warnings)) {
            if let Some(value) = value {
                out.emit(metric, value);
            }
        }
    }
}

/// Each `Word: number` with the word in lower case. Keys like `Active(anon)` are left out, as ever.
fn parse_meminfo(file: &KernelFile, warnings: &mut Warnings) -> Vec<(String, Number)> {
    let mut rows = Vec::new();
    for line in file.lines() {
        let mut words = words(line);
        let key = words.next().and_then(|word| word.strip_suffix(b":")).unwrap_or_default();
        if key.contains(&b'(') {
            continue;
        }
        let is_word = !key.is_empty() && key.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'_');
        match words.next().and_then(Number::parse) {
            Some(value) if is_word => rows.push((key.to_ascii_lowercase().iter().map(|&b| b as char).collect(), value)),
            _ => file.odd_line(line, "Word: NUMBER", warnings),
        }
    }
    if rows.is_empty() {
        file.nothing_found("line `Word: NUMBER`", warnings);
    }
    rows
}

/// The values of [`PAGING`]; those that this kernel does not count are `None`.
fn parse_vmstat(file: &KernelFile, warnings: &mut Warnings) -> [Option<Number>; PAGING.len()] {
    let mut values = [const { None }; PAGING.len()];
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn meminfo(content: &[u8]) -> (Vec<(String, Number)>, Vec<String>) {
        let mut warnings = Warnings::default();
        let rows = parse_meminfo(&KernelFile::holding(&MEMINFO, content), &mut warnings);
        (rows, warnings.take_fresh())
    }

    fn vmstat(content: &[u8]) -> ([Option<Number>; 6], Vec<String>) {
        let mut warnings = Warnings::default();
        let values = parse_vmstat(&KernelFile::holding(&VMSTAT, content), &mut warnings);
        (values, warnings.take_fresh())
    }

    #[test]
    fn keys_are_lower_cased_and_those_with_parentheses_left_out() {
        let (rows, warned) =
            meminfo(b"MemTotal:  100 kB\nActive(anon):  7 kB\nHugePages_Total:  0\nDirectMap4k: 5 kB\n");
        let keys: Vec<_> = rows.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["memtotal", "hugepages_total", "directmap4k"]);
        assert_eq!(warned, Vec::<String>::new());
    }

    #[test]
    fn odd_lines_are_left_out_with_one_warning() {
        let (rows, warned) =
            meminfo(b"MemTotal: 99999999999999999999999999 kB\nMemFree:\nBuf\xfffers: 3 kB\nCached 4 kB\n");
        assert_eq!(rows, [("memtotal".to_owned(), Number::parse(b"99999999999999999999999999").unwrap())]);
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
