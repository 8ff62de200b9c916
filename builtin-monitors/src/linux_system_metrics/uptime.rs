//! How long the machine runs: `proc.uptime.*`.

use scalyr_monitor::prelude::*;

use super::kernel_file::{KernelFile, Source, words};
use super::number::Number;
use super::turn::Turn;
use super::warnings::Warnings;

const UPTIME: Source = Source { name: "uptime", metrics: "proc.uptime.*", limit: 4096 };

/// Metrics of `/proc/uptime`.
#[derive(MetricSet)]
#[metrics(category = "General")]
pub(super) struct UptimeMetrics {
    /// Seconds since boot.
    #[metric(name = "proc.uptime.total", unit = "seconds", cumulative)]
    total: Metric<Number<'static>>,
    /// Seconds since boot that the processors idled, all together.
    #[metric(name = "proc.uptime.now", unit = "seconds", cumulative)]
    now: Metric<Number<'static>>,
}

impl UptimeMetrics {
    pub(super) fn emit(&self, turn: &mut Turn<'_>) {
        let Some((file, out, warnings)) = turn.read(&UPTIME) else { return };
        if let Some((total, idle)) = parse(&file, warnings) {
            out.emit(self.total, total);
            out.emit(self.now, idle);
        }
    }
}

/// Seconds since boot, and seconds that all processors together idled.
fn parse<'b>(file: &KernelFile<'b>, warnings: &mut Warnings) -> Option<(Number<'b>, Number<'b>)> {
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

/// Reads any bytes.
#[cfg(test)]
pub(super) fn survive(content: &[u8]) {
    parse(&KernelFile::holding(&UPTIME, content), &mut Warnings::default());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(content: &[u8]) -> (Option<(Number<'_>, Number<'_>)>, Vec<String>) {
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
