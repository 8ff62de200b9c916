//! How much randomness the kernel has collected: `proc.kernel.entropy_avail`.

use scalyr_monitor::prelude::*;

use super::kernel_file::{KernelFile, Source, words};
use super::number::Number;
use super::turn::Turn;
use super::warnings::Warnings;

const ENTROPY: Source =
    Source { name: "sys/kernel/random/entropy_avail", metrics: "proc.kernel.entropy_avail", limit: 4096 };

/// The metric of `/proc/sys/kernel/random/entropy_avail`.
#[derive(MetricSet)]
#[metrics(category = "General")]
pub(super) struct EntropyMetrics {
    /// Random bits that the kernel has in store; since Linux 5.18 always 256, once it has begun.
    #[metric(name = "proc.kernel.entropy_avail", unit = "bits")]
    available: Metric<Number<'static>>,
}

impl EntropyMetrics {
    pub(super) fn emit(&self, turn: &mut Turn<'_>) {
        let Some((file, out, warnings)) = turn.read(&ENTROPY) else { return };
        if let Some(bits) = parse(&file, warnings) {
            out.emit(self.available, bits);
        }
    }
}

fn parse<'b>(file: &KernelFile<'b>, warnings: &mut Warnings) -> Option<Number<'b>> {
    let Some(line) = file.lines().next() else {
        file.nothing_found("line", warnings);
        return None;
    };
    let bits = words(line).next().and_then(Number::parse);
    if bits.is_none() {
        file.odd_line(line, "NUMBER", warnings);
    }
    bits
}

/// Reads any bytes.
#[cfg(test)]
pub(super) fn survive(content: &[u8]) {
    parse(&KernelFile::holding(&ENTROPY, content), &mut Warnings::default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_number_is_warned_about() {
        for content in ["", "\n", "much\n"] {
            let mut warnings = Warnings::default();
            assert_eq!(parse(&KernelFile::holding(&ENTROPY, content.as_bytes()), &mut warnings), None);
            assert_eq!(warnings.take_fresh().len(), 1, "{content:?}");
        }
    }
}
