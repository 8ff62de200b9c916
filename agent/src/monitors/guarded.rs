//! A monitor in the agent's hands: whatever way it goes, its own code runs watched.

use scalyr_monitor::{Logger, Monitor};

use crate::monitors::panic_place::{self, CaughtPanic};

/// A monitor whose drop, which may be code of its own, is watched: a panic in it is logged and goes no further.
pub struct GuardedMonitor {
    monitor: Box<dyn Monitor>,
    logger: Logger,
}

/// What stands in the place of a monitor that is being dropped.
struct Gone;

impl Monitor for Gone {}

impl GuardedMonitor {
    /// Takes the monitor; `logger` is told of a panic when it is dropped.
    pub fn new(monitor: Box<dyn Monitor>, logger: Logger) -> Self {
        Self { monitor, logger }
    }

    /// Runs code of the monitor.
    ///
    /// # Errors
    /// When it panicked: the monitor may be in any state and must be dropped.
    pub fn watch<T>(&mut self, work: impl FnOnce(&mut dyn Monitor) -> T) -> Result<T, CaughtPanic> {
        panic_place::watch(|| work(&mut *self.monitor))
    }
}

impl Drop for GuardedMonitor {
    fn drop(&mut self) {
        let monitor = std::mem::replace(&mut self.monitor, Box::new(Gone));
        if let Err(panic) = panic_place::watch(|| drop(monitor)) {
            self.logger.error(format_args!("Dropping the monitor {panic}"));
        }
    }
}
