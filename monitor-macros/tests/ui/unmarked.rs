//! A struct that was not marked.

use scalyr_monitor::prelude::*;

/// Flips.
pub struct Coin {
    /// A number.
    #[config(default = 5)] //~ ERROR(config): cannot find attribute `config` in this scope
    number: u64,

    /// A metric.
    #[metric] //~ ERROR(metric): cannot find attribute `metric` in this scope
    metric: Metric<u64>,
}

impl Monitor for Coin {}
