//! The worked example of a monitor: two options, two metrics, one extra field, one counter.

use rand::RngExt as _;
use rand_distr::Normal;
use scalyr_monitor::prelude::*;

/// Flips two coins: one uniform, one gaussian.
#[scalyr_monitor(name = "coin")]
pub struct Coin {
    /// Mean of the gaussian flip.
    #[config(default = 0.5, min = 0, max = 10)]
    gauss_mean: f64,

    /// Spread of the gaussian flip.
    #[config(default = 0.25, min = 0, max = 5)]
    gauss_stddev: f64,

    /// A number from [0, 1).
    #[metric]
    uniform: Metric<f64, Flip>,

    /// A number drawn around `gauss_mean`.
    #[metric]
    gauss: Metric<f64, Flip>,

    count: u64,
}

/// Extra fields of both metrics.
#[derive(Fields)]
struct Flip {
    /// Samples taken so far.
    count: u64,
}

impl Monitor for Coin {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        self.count += 1;
        out.emit_with(self.uniform, rand::random(), Flip { count: self.count });
        let gauss = Normal::new(self.gauss_mean, self.gauss_stddev)?;
        out.emit_with(self.gauss, rand::rng().sample(gauss), Flip { count: self.count });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
