//! A monitor that behaves, to stand beside those that do not.

use scalyr_monitor::prelude::*;

/// Emits one line per sample and does nothing else.
#[scalyr_monitor(name = "steady")]
pub struct Steady {
    /// Samples since it was built.
    #[metric]
    turns: Metric<u64>,

    count: u64,
}

impl Monitor for Steady {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        self.count += 1;
        out.emit(self.turns, self.count);
        Ok(())
    }
}
