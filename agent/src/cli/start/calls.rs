//! What the agent is called for by signals: to stop, to read the configuration again, to write its status. All others that
//! would end a process, and that say nothing of a fault in it, are heard and change nothing (`cli-and-service.md`
//! section 5).

use std::ffi::c_int;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use rustix::process::Signal;
use scalyr_monitor::{Clock, Stop};
use signal_hook::consts::{
    SIGALRM, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU, SIGXFSZ,
};

use crate::cli::signals;
use crate::threads::Threads;

/// Those with which nothing is done, by name.
const IDLE: [(c_int, &str); 9] = [
    (SIGUSR2, "SIGUSR2"),
    (SIGALRM, "SIGALRM"),
    (SIGVTALRM, "SIGVTALRM"),
    (SIGPROF, "SIGPROF"),
    (SIGIO, "SIGIO"),
    (Signal::POWER.as_raw(), "SIGPWR"),
    (Signal::STKFLT.as_raw(), "SIGSTKFLT"),
    (SIGXCPU, "SIGXCPU"),
    (SIGXFSZ, "SIGXFSZ"),
];

/// Why the agent wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// SIGTERM, SIGINT or SIGQUIT; wins over the others, and stays.
    Stop,
    /// SIGHUP: several that came together count once.
    Reload,
    /// SIGUSR1: the status report is to be written; several that came together count once.
    Status,
    /// A signal of this name came for the first time, and nothing is done with it.
    Idle(&'static str),
    /// The time is up.
    None,
}

/// What has come and was not answered yet.
#[derive(Default)]
struct Heard {
    asked: Mutex<Option<Instant>>,
    reload: AtomicBool,
    status: AtomicBool,
    /// A bit for each of [`IDLE`] that has come, and for each that was told.
    idle: AtomicU64,
    told: AtomicU64,
}

/// Hears the signals from now on. Cheap to clone.
#[derive(Clone)]
pub(super) struct Calls {
    stop: Stop,
    heard: Arc<Heard>,
    wake: Receiver<()>,
}

impl Calls {
    /// # Errors
    /// When the handlers cannot be installed or the system refuses a thread.
    pub(super) fn listen(stop: &Stop, clock: &Clock, threads: &Threads) -> io::Result<Self> {
        let heard = Arc::<Heard>::default();
        let (awaken, wake) = bounded(1);
        let ended = (awaken.clone(), Arc::clone(&heard), clock.clone());
        stop.on_stop(move || {
            let (awaken, heard, clock) = ended;
            *heard.asked.lock().unwrap_or_else(PoisonError::into_inner) = Some(clock.monotonic());
            _ = awaken.try_send(());
        });
        let (stopped, noted) = (stop.clone(), Arc::clone(&heard));
        let hear = move |signal| {
            match signal {
                // Further ones change nothing, so that an orderly end is not cut short.
                SIGTERM | SIGINT | SIGQUIT => stopped.stop(),
                SIGHUP => noted.reload.store(true, Ordering::Release),
                SIGUSR1 => noted.status.store(true, Ordering::Release),
                other => {
                    let bits = IDLE.iter().enumerate().filter(|(_, (number, _))| *number == other);
                    bits.for_each(|(bit, _)| _ = noted.idle.fetch_or(1 << bit, Ordering::AcqRel));
                }
            }
            // One that waits already is enough.
            _ = awaken.try_send(());
        };
        let idle = IDLE.map(|(number, _)| number);
        signals::call_on(&[&[SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1], &idle[..]].concat(), hear, threads)?;
        Ok(Self { stop: stop.clone(), heard, wake })
    }

    /// Sleeps until there is a call, for `time` at most.
    pub(super) fn wait(&self, time: Duration) -> Call {
        match self.now() {
            Call::None => {
                _ = self.wake.recv_timeout(time);
                self.now()
            }
            call => call,
        }
    }

    /// When it was asked to stop.
    pub(super) fn asked(&self) -> Option<Instant> {
        *self.heard.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Call {
        let heard = &self.heard;
        if self.stop.is_stopped() {
            return Call::Stop;
        }
        if heard.reload.swap(false, Ordering::AcqRel) {
            return Call::Reload;
        }
        if heard.status.swap(false, Ordering::AcqRel) {
            return Call::Status;
        }
        let untold = heard.idle.load(Ordering::Acquire) & !heard.told.load(Ordering::Acquire);
        match IDLE.get(untold.trailing_zeros() as usize) {
            Some((_, name)) => {
                heard.told.fetch_or(1 << untold.trailing_zeros(), Ordering::AcqRel);
                Call::Idle(name)
            }
            None => Call::None,
        }
    }
}
