//! What the main thread is called for by signals: to stop, or to read the configuration again.

use std::io;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use scalyr_monitor::Stop;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::cli::signals;
use crate::threads::Threads;

/// Why the main thread wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// SIGTERM or SIGINT; wins over the others, and stays.
    Stop,
    /// SIGHUP: several that came together count once.
    Reload,
    /// The time is up.
    None,
}

/// Hears the signals from now on.
pub(super) struct Calls {
    stop: Stop,
    stopped: Receiver<()>,
    reload: Receiver<()>,
}

impl Calls {
    /// # Errors
    /// When the handlers cannot be installed or the system refuses a thread.
    pub(super) fn listen(stop: &Stop, threads: &Threads) -> io::Result<Self> {
        let (wake, stopped) = bounded(1);
        let (ask, reload) = bounded(1);
        stop.on_stop(move || _ = wake.try_send(()));
        signals::stop_on(&[SIGINT, SIGTERM], stop, threads)?;
        // One that waits already is enough.
        signals::call_on(SIGHUP, move || _ = ask.try_send(()), threads)?;
        Ok(Self { stop: stop.clone(), stopped, reload })
    }

    /// Sleeps until there is a call, for `time` at most.
    pub(super) fn wait(&self, time: Duration) -> Call {
        crossbeam_channel::select! {
            recv(self.stopped) -> _ => {}
            recv(self.reload) -> asked => if asked.is_ok() && !self.stop.is_stopped() {
                return Call::Reload;
            },
            default(time) => {}
        }
        if self.stop.is_stopped() { Call::Stop } else { Call::None }
    }
}
