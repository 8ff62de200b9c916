//! How many processes want to run: `proc.loadavg.*`.

use scalyr_monitor::prelude::*;

use super::kernel_file::{KernelFile, Source, words};
use super::number::Number;
use super::turn::Turn;
use super::warnings::Warnings;

const LOADAVG: Source = Source { name: "loadavg", metrics: "proc.loadavg.*", limit: 4096 };

/// Metrics of `/proc/loadavg`.
#[derive(MetricSet)]
#[metrics(category = "General")]
pub(super) struct LoadMetrics {
    /// Load average over one minute.
    #[metric(name = "proc.loadavg.1min")]
    one: Metric<Number<'static>>,
    /// Load average over five minutes.
    #[metric(name = "proc.loadavg.5min")]
    five: Metric<Number<'static>>,
    /// Load average over fifteen minutes.
    #[metric(name = "proc.loadavg.15min")]
    fifteen: Metric<Number<'static>>,
    /// Threads that run or want to.
    #[metric(name = "proc.loadavg.runnable")]
    runnable: Metric<Number<'static>>,
    /// Threads that exist.
    #[metric(name = "proc.loadavg.total_threads")]
    total_threads: Metric<Number<'static>>,
}

impl LoadMetrics {
    pub(super) fn emit(&self, turn: &mut Turn<'_>) {
        let Some((file, out, warnings)) = turn.read(&LOADAVG) else { return };
        let Some(values) = parse(&file, warnings) else { return };
        let metrics = [self.one, self.five, self.fifteen, self.runnable, self.total_threads];
        for (metric, value) in metrics.into_iter().zip(values) {
            out.emit(metric, value);
        }
    }
}

/// The three averages, the runnable threads and all threads.
fn parse<'b>(file: &KernelFile<'b>, warnings: &mut Warnings) -> Option<[Number<'b>; 5]> {
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

fn numbers(line: &[u8]) -> Option<[Number<'_>; 5]> {
    let mut words = words(line);
    let mut number = || words.next().and_then(Number::parse);
    let (one, five, fifteen) = (number()?, number()?, number()?);
    let mut threads = words.next()?.splitn(2, |&byte| byte == b'/').map(Number::parse);
    Some([one, five, fifteen, threads.next()??, threads.next()??])
}

/// Reads any bytes.
#[cfg(test)]
pub(super) fn survive(content: &[u8]) {
    parse(&KernelFile::holding(&LOADAVG, content), &mut Warnings::default());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(content: &[u8]) -> (Option<[Number<'_>; 5]>, Vec<String>) {
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
