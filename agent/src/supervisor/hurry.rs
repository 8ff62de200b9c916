//! When the agent is to stop, nobody waits for monitors on behalf of a configuration that will not be used any more.

use std::convert::Infallible;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded, select};
use scalyr_monitor::Stop;

/// Cuts waits short once the agent is to stop.
pub(super) struct Hurry {
    stop: Stop,
    /// Disconnected when it has begun.
    begun: Receiver<Infallible>,
}

impl Default for Hurry {
    fn default() -> Self {
        let (alive, begun) = bounded(0);
        let stop = Stop::new();
        stop.on_stop(move || drop(alive));
        Self { stop, begun }
    }
}

impl Hurry {
    /// It begins when `stop` is asked for.
    pub(super) fn begin_on(&self, stop: &Stop) {
        let begins = self.stop.clone();
        stop.on_stop(move || begins.stop());
    }

    /// Whether it has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.stop.is_stopped()
    }

    /// Sleeps for `time`, or until it begins; true when it has.
    pub(super) fn wait(&self, time: Duration) -> bool {
        self.stop.wait(time)
    }

    /// What comes within `time`; none when it begins before, or when nothing can come.
    pub(super) fn receive<T>(&self, from: &Receiver<T>, time: Duration) -> Option<T> {
        select! {
            recv(from) -> received => received.ok(),
            recv(self.begun) -> _ => None,
            default(time) => None,
        }
    }
}
