//! How long the machine runs: `proc.uptime.*`.

use scalyr_monitor::prelude::*;

use super::LinuxSystemMetrics;
use super::kernel_file::{KernelFile, Source, words};
use super::number::Number;
use super::roots::Roots;
use super::warnings::Warnings;

const UPTIME: Source = Source { name: "uptime", metrics: "proc.uptime.*", limit: 4096 };

pub(super) fn emit(monitor: &LinuxSystemMetrics, roots: &Roots, out: &mut Sample, warnings: &mut Warnings) {
    let file = KernelFile::read(&UPTIME, &roots.proc(UPTIME.name), warnings);
    if let Some((total, idle)) = file.and_then(|file| parse(&file, warnings)) {
        out.emit(monitor.uptime_total, total);
        out.emit(monitor.uptime_now, idle);
    }
}

/// Seconds since boot, and seconds that all processors together idled.
fn parse(file: &KernelFile, warnings: &mut Warnings) -> Option<(Number, Number)> {
    let Some(line) = file.lines().next() else {
        file.nothing_found("line", warnings);
        return None;
    };
    let mut numbers = words(line).map(Number::parse);
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(total), Some(idle)) => Some((total, idle)),
        _ => {
            file.odd_line(line, "SECONDS IDLE_SECONDS", warnings);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(content: &[u8]) -> (Option<(Number, Number)>, Vec<String>) {
        let mut warnings = Warnings::default();
        let times = parse(&KernelFile::holding(&UPTIME, content), &mut warnings);
        (times, warnings.take_fresh())
    }

    #[test]
    fn half_an_uptime_is_none() {
        for content in ["", "12.50\n", "12.50 x\n", "\0\0"] {
            let (times, warned) = parsed(content.as_bytes());
            assert_eq!((times, warned.len()), (None, 1), "{content:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(content in proptest::collection::vec(any::<u8>(), 0..100)) {
            parsed(&content);
        }
    }
}
