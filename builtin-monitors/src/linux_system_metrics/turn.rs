//! What the groups of metrics share while one sample is taken.

use scalyr_monitor::Sample;

use super::kernel_file::{KernelFile, Source};
use super::roots::Roots;
use super::warnings::Warnings;

/// One sample under way.
pub(super) struct Turn<'t> {
    /// Where the kernel's trees lie.
    pub(super) roots: &'t Roots,
    /// Memory for the file that is looked at; kept from sample to sample.
    pub(super) buffer: &'t mut Vec<u8>,
    /// Takes the metrics.
    pub(super) out: &'t mut Sample,
    /// Takes what is odd.
    pub(super) warnings: &'t mut Warnings,
}

impl<'t> Turn<'t> {
    /// Reads a file of the whole machine, below `/proc`. Gives it with what is needed beside it.
    pub(super) fn read(&mut self, source: &'static Source) -> Option<(KernelFile<'_>, &mut Sample, &mut Warnings)> {
        let paths = self.roots.proc(source.name);
        let file = KernelFile::read(source, &paths, self.buffer, self.warnings)?;
        Some((file, self.out, self.warnings))
    }

    /// Reads a file that each process sees in its own way (mounts, network), below `/proc/PID`.
    pub(super) fn read_of_process(
        &mut self,
        source: &'static Source,
    ) -> Option<(KernelFile<'_>, &mut Sample, &mut Warnings)> {
        let paths = self.roots.process(source.name);
        let file = KernelFile::read(source, &paths, self.buffer, self.warnings)?;
        Some((file, self.out, self.warnings))
    }
}
