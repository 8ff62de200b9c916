//! A receiver in this process that counts, and discards what it has counted.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use scalyr_agent::receiver::{Arrival, Options, Receiver};
use scalyr_agent::threads::Threads;
use scalyr_monitor::Clock;

use crate::story::now;

/// What has arrived so far.
pub(crate) struct Arrivals {
    receiver: Receiver,
    seen: Arc<Mutex<(u64, Instant)>>,
}

impl Arrivals {
    /// Listens on a free port.
    pub(crate) fn start() -> Self {
        let seen = Arc::new(Mutex::new((0, now())));
        let counted = Arc::clone(&seen);
        let observer = move |arrival: &Arrival<'_, '_>| {
            let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
            counted.0 += arrival.request.events.len() as u64;
            counted.1 = now();
        };
        let options = Options { observer: Some(Arc::new(observer)), ..Options::default() };
        let receiver = Receiver::start(options, &Threads::new(), &Clock::system()).unwrap();
        Self { receiver, seen }
    }

    /// What an agent's `scalyr_server` is to say.
    pub(crate) fn url(&self) -> String {
        self.receiver.url()
    }

    /// How many events there were.
    pub(crate) fn count(&self) -> u64 {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// When the last of them came.
    pub(crate) fn last(&self) -> Instant {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}
