//! The trait that makes a struct a monitor, and what its functions are given and give back.

use crate::context::Context;
use crate::sample::Sample;

pub use crate::error::{About, Error, Result};
#[doc(hidden)]
pub use crate::run::Watch;
pub use crate::run::{LEAST_SAMPLE_INTERVAL, LONGEST_SAMPLE_INTERVAL, Run, Spacing};
#[doc(hidden)]
pub use crate::stop::Hooks;
pub use crate::stop::Stop;

/// A monitor: takes samples of something and emits metrics. One instance runs on one thread of its own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is marked #[scalyr_monitor] but does not implement `Monitor`",
    label = "add `impl Monitor for {Self}`",
    note = "impl Monitor for {Self} {{ fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {{ ... }} }}"
)]
pub trait Monitor: Send + 'static {
    /// Checks options against each other and opens what the monitor needs; may change the [`Context`].
    ///
    /// Runs while the configuration is being applied, so it must be quick. Refuse what only the user can mend (a bad
    /// option); a server that is down right now is a matter for [`gather_sample`](Monitor::gather_sample). For the
    /// monitors that every agent carries, `agent check` and `start` call it as well, to tell what it refuses, so those
    /// open nothing here that only one process can have.
    ///
    /// # Errors
    /// The text is shown to the user as a problem of this monitor's configuration.
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        let _ = context;
        Ok(())
    }

    /// Takes one sample: called once every sample interval. What takes long looks at [`Sample::stop`] meanwhile.
    ///
    /// # Errors
    /// Counted as one failed sample, and logged: a new text at once, one that comes again and again every five minutes
    /// with its count. The next sample is taken as usual.
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        let _ = out;
        Ok(())
    }

    /// Runs the monitor until it is asked to stop. The default takes a sample every sample interval; a listener
    /// writes its own loop and watches [`Run::stop`].
    ///
    /// # Errors
    /// Logged; the instance is built anew and started again after a pause.
    fn run(&mut self, run: &mut Run) -> Result<()> {
        while run.next() {
            run.sample(|out| self.gather_sample(out));
        }
        Ok(())
    }
}
