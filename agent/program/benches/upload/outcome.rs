//! What a run of a row came to, and the same of several runs.

use crate::watch::Used;

/// One run of one row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// GiB of log.
    pub(crate) gib: f64,
    /// Lines of log.
    pub(crate) lines: u64,
    /// What the sender used.
    pub(crate) used: Used,
    /// Bytes on the wire, heads among them.
    pub(crate) wire_bytes: u64,
    /// Requests with lines in them; none when it was one stream.
    pub(crate) requests: Option<u64>,
    /// CPU seconds of the compressor alone; none for other programs.
    pub(crate) compressor: Option<f64>,
}

/// A figure of the table, from one run or several.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Figure {
    /// The one in the middle.
    pub(crate) median: f64,
    /// The smallest and the largest.
    pub(crate) range: (f64, f64),
}

impl Figure {
    /// The figures of all runs as one; none when a run has none, or there was no run.
    pub(crate) fn of(runs: &[Outcome], figure: impl Fn(&Outcome) -> Option<f64>) -> Option<Self> {
        let mut all: Vec<f64> = runs.iter().map(figure).collect::<Option<_>>()?;
        all.sort_by(f64::total_cmp);
        let (first, last) = (*all.first()?, *all.last()?);
        let median = (all[(all.len() - 1) / 2] + all[all.len() / 2]) / 2.0;
        Some(Self { median, range: (first, last) })
    }
}

impl Outcome {
    /// CPU seconds for each GiB of log.
    pub(crate) fn cpu_per_gib(&self) -> f64 {
        self.used.cpu / self.gib
    }

    /// The same of the compressor alone.
    pub(crate) fn compressor_per_gib(&self) -> Option<f64> {
        self.compressor.map(|seconds| seconds / self.gib)
    }

    /// What the sender used beside its compressor.
    pub(crate) fn above_compressor(&self) -> Option<f64> {
        self.compressor_per_gib().map(|compressor| self.cpu_per_gib() - compressor)
    }

    /// Megabytes of log in a second, end to end.
    pub(crate) fn megabytes_per_second(&self) -> f64 {
        self.gib * (1_u64 << 30) as f64 / 1e6 / self.used.seconds
    }

    /// Lines in a second, end to end.
    pub(crate) fn lines_per_second(&self) -> f64 {
        self.lines as f64 / self.used.seconds
    }

    /// Bytes on the wire for each hundred of the log.
    pub(crate) fn wire_percent(&self) -> f64 {
        self.wire_bytes as f64 / (self.gib * (1_u64 << 30) as f64) * 100.0
    }
}
