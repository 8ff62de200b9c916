//! Signals, each on a thread that waits for them.

use std::ffi::c_int;
use std::io;

use nix::sys::signal::SigSet;
use scalyr_monitor::Stop;
use signal_hook::iterator::Signals;

use crate::threads::Threads;

/// From now on each of `signals` stops `stop`. Further ones change nothing, so that an orderly end is not cut short.
///
/// # Errors
/// When the handlers cannot be installed or the system refuses a thread.
pub fn stop_on(signals: &[c_int], stop: &Stop, threads: &Threads) -> io::Result<()> {
    let mut signals = heard(signals)?;
    let stop = stop.clone();
    threads.spawn("signals", move || {
        for _ in signals.forever() {
            stop.stop();
        }
    })
}

/// From now on each of `signals` calls `work` with its number.
///
/// # Errors
/// When the handlers cannot be installed or the system refuses a thread.
pub fn call_on(signals: &[c_int], work: impl Fn(c_int) + Send + 'static, threads: &Threads) -> io::Result<()> {
    let mut signals = heard(signals)?;
    threads.spawn("signals", move || {
        for signal in signals.forever() {
            work(signal);
        }
    })
}

/// Handlers, which hear the signals also where whoever started this process had blocked them: that is inherited, and an agent
/// that hears no SIGTERM is killed in the end. To be called by the main thread, before there are others, which inherit it.
fn heard(signals: &[c_int]) -> io::Result<Signals> {
    let handlers = Signals::new(signals)?;
    SigSet::all().thread_unblock()?;
    Ok(handlers)
}
