//! How many processes want to run: `proc.loadavg.*`.

use scalyr_monitor::prelude::*;

use super::LinuxSystemMetrics;
use super::kernel_file::{KernelFile, Source, words};
use super::number::Number;
use super::roots::Roots;
use super::warnings::Warnings;

const LOADAVG: Source = Source { name: "loadavg", metrics: "proc.loadavg.*", limit: 4096 };

pub(super) fn emit(monitor: &LinuxSystemMetrics, roots: &Roots, out: &mut Sample, warnings: &mut Warnings) {
    let file = KernelFile::read(&LOADAVG, &roots.proc(LOADAVG.name), warnings);
    if let Some(values) = file.and_then(|file| parse(&file, warnings)) {
        let metrics = [
            monitor.load_1min,
            monitor.load_5min,
            monitor.load_15min,
            monitor.load_runnable,
            monitor.load_total_threads,
        ];
        for (metric, value) in metrics.into_iter().zip(values) {
            out.emit(metric, value);
        }
    }
}

/// The three averages, the runnable threads and all threads.
fn parse(file: &KernelFile, warnings: &mut Warnings) -> Option<[Number; 5]> {
    let Some(line) = file.lines().next() else {
        file.nothing_found("line", warnings);
        return None;
    };
    let values = numbers(line);
    if values.is_none() {
        file.odd_line(line, "1MIN 5MIN 15MIN RUNNABLE/THREADS", warnings);
    }
    values
}

fn numbers(line: &[u8]) -> Option<[Number; 5]> {
    let mut words = words(line);
    let mut number = || words.next().and_then(Number::parse);
    let (one, five, fifteen) = (number()?, number()?, number()?);
    let mut threads = words.next()?.splitn(2, |&byte| byte == b'/').map(Number::parse);
    Some([one, five, fifteen, threads.next()??, threads.next()??])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(content: &[u8]) -> (Option<[Number; 5]>, Vec<String>) {
        let mut warnings = Warnings::default();
        let values = parse(&KernelFile::holding(&LOADAVG, content), &mut warnings);
        (values, warnings.take_fresh())
    }

    #[test]
    fn a_line_that_was_cut_off_is_left_out_whole() {
        for content in ["", "0.01 0.02 0.03\n", "0.01 0.02 0.03 1\n", "0.01 0.02 0.03 1/\n", "a b c d/e\n"] {
            let (values, warned) = parsed(content.as_bytes());
            assert_eq!((values, warned.len()), (None, 1), "{content:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(content in proptest::collection::vec(any::<u8>(), 0..100)) {
            parsed(&content);
            parsed(&[b"0.01 0.02 0.03 ".as_slice(), &content].concat());
        }
    }
}
