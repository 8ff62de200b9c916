//! From a session to its successor: the old one settles what was handed to it, then the new one takes over.
//!
//! Between the two the files of the worker stand still; they are the buffer. Each handover has a thread of its own, so
//! that neither the agent nor another session waits for a server. What the old session could not deliver is taken back
//! ([`Account::rewind`](crate::ledger::Account::rewind)) and read again for the new one; nothing that the old one might
//! still hear settles anything then.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scalyr_monitor::{Clock, Logger};

use crate::ledger::WorkerId;
use crate::logs::{Port, Rewound, TailHandle};
use crate::threads::Threads;
use crate::upload::{Session, SessionSnapshot};

/// How often a handover looks whether its session makes progress.
const LOOK: Duration = Duration::from_millis(100);

/// The sessions that are being replaced or removed. Cheap to clone.
#[derive(Clone)]
pub(super) struct Handovers(Arc<Shared>);

struct Shared {
    tail: TailHandle,
    threads: Threads,
    clock: Clock,
    logger: Logger,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    leaving: BTreeMap<WorkerId, Leaving>,
    /// The agent stops: it ends all sessions itself, and no port is opened any more.
    frozen: bool,
}

/// A session that is on its way out.
struct Leaving {
    session: Arc<Session>,
    /// Takes over when it has left.
    successor: Option<Arc<Session>>,
    /// Whether there will be a successor.
    replaced: bool,
}

impl Handovers {
    pub(super) fn new(tail: TailHandle, threads: Threads, clock: Clock, logger: Logger) -> Self {
        Self(Arc::new(Shared { tail, threads, clock, logger, state: Mutex::default() }))
    }

    /// The session of a worker leaves; `replaced` when another one is going to [take over](Self::take_over).
    pub(super) fn leave(&self, worker: &WorkerId, session: Arc<Session>, replaced: bool) {
        let mut state = self.lock();
        if let Some(leaving) = state.leaving.get_mut(worker) {
            // It was still waiting to take over from the one before, and was handed nothing.
            session.hasten();
            (leaving.successor, leaving.replaced) = (None, replaced);
            return;
        }
        state.leaving.insert(worker.clone(), Leaving { session: Arc::clone(&session), successor: None, replaced });
        drop(state);
        let (handovers, leaving) = (self.clone(), worker.clone());
        let work = move || handovers.carry_out(&leaving, &session);
        if let Err(error) = self.0.threads.spawn(&format!("handover {worker}"), work.clone()) {
            self.0.logger.error(format_args!(
                "No thread for the handover of worker {worker} ({error}); the agent waits for it instead"
            ));
            work();
        }
    }

    /// The session of a worker takes over: at once, or when the one before it has left.
    pub(super) fn take_over(&self, worker: &WorkerId, session: Arc<Session>) {
        let mut state = self.lock();
        match state.leaving.get_mut(worker) {
            Some(leaving) => (leaving.successor, leaving.replaced) = (Some(session), true),
            None => self.open_port(worker, &session),
        }
    }

    /// How the sessions stand that have not left yet.
    pub(super) fn snapshots(&self) -> Vec<SessionSnapshot> {
        self.lock().leaving.values().map(|leaving| leaving.session.snapshot()).collect()
    }

    /// The agent stops: nothing is handed over any more. Returns the sessions that have not left yet.
    pub(super) fn freeze(&self) -> Vec<Arc<Session>> {
        let mut state = self.lock();
        state.frozen = true;
        std::mem::take(&mut state.leaving).into_values().map(|leaving| leaving.session).collect()
    }

    fn carry_out(&self, worker: &WorkerId, session: &Session) {
        // First of all, so that no batch goes into a channel that nobody empties any more.
        self.0.tail.close_port(worker.clone());
        if !self.settle(session) {
            return;
        }
        let Some(rewound) = self.0.tail.rewind(worker.clone()) else { return };
        let mut state = self.lock();
        if state.frozen {
            return;
        }
        let Some(leaving) = state.leaving.remove(worker) else { return };
        self.tell(worker, leaving.replaced, session.finished().drained, rewound);
        match leaving.successor {
            Some(successor) => self.open_port(worker, &successor),
            // It comes yet, when there is one.
            None if leaving.replaced => {}
            None => self.0.tail.forsake(worker.clone()),
        }
    }

    /// Waits until the session has settled what was handed to it. It is cut when no request succeeds for as long as one
    /// may take. False when the agent stops meanwhile.
    fn settle(&self, session: &Session) -> bool {
        session.hasten();
        let clock = &self.0.clock;
        let (mut succeeded, mut since) = (session.succeeded(), clock.monotonic());
        while !session.has_ended(LOOK) {
            if self.lock().frozen {
                return false;
            }
            let now = clock.monotonic();
            let progress = session.succeeded();
            if progress != succeeded {
                (succeeded, since) = (progress, now);
            } else if now.saturating_duration_since(since) >= session.request_deadline() {
                session.cut();
                break;
            }
        }
        true
    }

    fn tell(&self, worker: &WorkerId, replaced: bool, drained: bool, rewound: Rewound) {
        let next = if replaced { "its new session goes on" } else { "it has no session any more" };
        if drained && rewound == Rewound::default() {
            self.0.logger.info(format_args!(
                "The session of worker {worker} has delivered everything that it had been handed; {next}"
            ));
            return;
        }
        let Rewound { bytes, .. } = rewound;
        let then = if replaced { "they are read again, and its new session goes on" } else { next };
        self.0.logger.warn(format_args!(
            "The session of worker {worker} was ended before its server had acknowledged {bytes} bytes that had been \
             read; {then}"
        ));
    }

    fn open_port(&self, worker: &WorkerId, session: &Session) {
        let (batches, recycled) = (session.batches().clone(), session.recycled().clone());
        self.0.tail.open_knocking_port(Port { worker: worker.clone(), batches, recycled }, session.knocker());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
