//! SIGINT and SIGTERM ask to stop; further ones change nothing, so that an orderly end is not cut short.

use std::io;

use scalyr_monitor::Stop;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::threads::Threads;

/// From now on SIGINT and SIGTERM stop `stop`.
///
/// # Errors
/// When the handlers cannot be installed or the system refuses a thread.
pub fn stop_on_signal(stop: &Stop, threads: &Threads) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let stop = stop.clone();
    threads.spawn("signals", move || {
        for _ in signals.forever() {
            stop.stop();
        }
    })
}
