//! Random numbers, to see that metrics arrive. Needs nothing on the host.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rand_distr::Normal;
use scalyr_monitor::prelude::*;

/// Emits two random numbers with each sample, one uniform and one gaussian: a way to see that metrics arrive at the
/// server before a real monitor is set up.
#[scalyr_monitor(name = "test_monitor", module = "scalyr_agent.builtin_monitors.test_monitor")]
pub struct TestMonitor {
    /// Mean of the gaussian numbers.
    #[config(required, min = 0, max = 10)]
    gauss_mean: f64,

    /// Standard deviation of the gaussian numbers.
    #[config(default = 0.25, min = 0, max = 5)]
    gauss_stddev: f64,

    /// Starts the random numbers at a fixed place, so that they are the same with each start. Without it they differ.
    #[config]
    seed: Option<u64>,

    /// A number from [0, 1), each as likely as the other.
    #[metric]
    uniform: Metric<f64, Counted>,

    /// A number drawn around `gauss_mean`.
    #[metric]
    gauss: Metric<f64, Counted>,

    count: u64,
    random: Option<StdRng>,
}

/// Extra fields of both metrics.
#[derive(Fields)]
struct Counted {
    /// How many samples were taken, this one included.
    count: u64,
}

impl Monitor for TestMonitor {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        let Self { seed, random, .. } = self;
        let random = random.get_or_insert_with(|| seed.map_or_else(rand::make_rng, StdRng::seed_from_u64));
        let gauss = Normal::new(self.gauss_mean, self.gauss_stddev)?;
        self.count += 1;
        out.emit_with(self.uniform, random.random(), Counted { count: self.count });
        out.emit_with(self.gauss, random.sample(gauss), Counted { count: self.count });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use scalyr_monitor::testing::Harness;

    use super::*;

    #[test]
    fn a_seed_makes_the_numbers_exact() {
        let samples = |config| {
            let mut monitor = Harness::<TestMonitor>::from_config(config);
            let samples = [monitor.sample(), monitor.sample(), monitor.sample()];
            samples.map(|sample| (sample.metric("uniform").clone(), sample.metric("gauss").clone()))
        };
        let numbers =
            |config| samples(config).map(|(uniform, gauss)| [uniform, gauss].map(|flip| flip.value().as_f64()));
        for ((uniform, gauss), count) in samples("{ gauss_mean: 0.5, seed: 7 }").iter().zip(1..) {
            assert!((0.0..1.0).contains(&uniform.value().as_f64()), "{uniform}");
            assert_eq!(uniform.field("count"), count);
            assert_eq!(gauss.field("count"), count);
        }
        let first = numbers("{ gauss_mean: 0.5, seed: 7 }");
        assert_eq!(numbers("{ gauss_mean: 0.5, seed: 7 }"), first);
        assert_ne!(numbers("{ gauss_mean: 0.5, seed: 8 }"), first);
        assert_ne!(numbers("{ gauss_mean: 0.5 }"), numbers("{ gauss_mean: 0.5 }"));
    }

    #[test]
    fn the_mean_must_be_given() {
        let monitor = Harness::<TestMonitor>::from_config("{ gauss_stddev: '6' }");
        assert_eq!(
            monitor.problems(),
            ["gauss_mean: required, but not given", "gauss_stddev: 6 is above the maximum 5"]
        );
    }
}
