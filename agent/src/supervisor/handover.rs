//! From a session to its successor: the old one settles what was handed to it, then the new one takes over.
//!
//! Between the two the files of the session stand still; they are the buffer. Each handover has a thread of its own, so
//! that neither the agent nor another session waits for a server. What the old session could not deliver is taken back
//! ([`Account::rewind`](crate::ledger::Account::rewind)) and read again for the new one; nothing that the old one might
//! still hear settles anything then.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scalyr_monitor::{Clock, Logger};

use super::vigil::Vigil;
use crate::config::plan::SessionId;
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
    leaving: BTreeMap<SessionId, Leaving>,
    /// The agent stops: it ends all sessions itself, and no port is opened any more.
    frozen: bool,
}

/// A session that is on its way out.
struct Leaving {
    session: Arc<Session>,
    /// Takes over when it has left.
    successor: Option<Arc<Session>>,
    /// Where its files go on.
    next: Next,
}

/// Where the files of a session go on that leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// With the session of the same number that takes over.
    Successor,
    /// With the other sessions of the worker, which has fewer now.
    Others,
    /// Nowhere: the worker is gone.
    Nobody,
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Successor => "its successor goes on",
            Self::Others => "its files go on with the other sessions of the worker",
            Self::Nobody => "its worker has no session any more",
        })
    }
}

impl Handovers {
    pub(super) fn new(tail: TailHandle, threads: Threads, clock: Clock, logger: Logger) -> Self {
        Self(Arc::new(Shared { tail, threads, clock, logger, state: Mutex::default() }))
    }

    /// A session leaves; with [`Next::Successor`] another one is going to [take over](Self::take_over).
    pub(super) fn leave(&self, id: &SessionId, session: Arc<Session>, next: Next) {
        let mut state = self.lock();
        if let Some(leaving) = state.leaving.get_mut(id) {
            // It was still waiting to take over from the one before, and was handed nothing.
            session.hasten();
            (leaving.successor, leaving.next) = (None, next);
            return;
        }
        state.leaving.insert(id.clone(), Leaving { session: Arc::clone(&session), successor: None, next });
        drop(state);
        let (handovers, leaving) = (self.clone(), id.clone());
        let work = move || handovers.carry_out(&leaving, &session);
        if let Err(error) = self.0.threads.spawn(&format!("handover {id}"), work.clone()) {
            self.0.logger.error(format_args!(
                "No thread for the handover of session {id} ({error}); the agent waits for it instead"
            ));
            work();
        }
    }

    /// A session takes over: at once, or when the one of the same number before it has left.
    pub(super) fn take_over(&self, id: &SessionId, session: Arc<Session>) {
        let mut state = self.lock();
        match state.leaving.get_mut(id) {
            Some(leaving) => (leaving.successor, leaving.next) = (Some(session), Next::Successor),
            None => self.open_port(id, &session),
        }
    }

    /// Whether the session of this number that was there before has not left yet.
    pub(super) fn is_leaving(&self, id: &SessionId) -> bool {
        self.lock().leaving.contains_key(id)
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

    fn carry_out(&self, id: &SessionId, session: &Session) {
        // First of all, so that no batch goes into a channel that nobody empties any more.
        self.0.tail.close_port(id.clone());
        if !self.settle(session) {
            return;
        }
        let Some(rewound) = self.0.tail.rewind(id.clone()) else { return };
        let mut state = self.lock();
        if state.frozen {
            return;
        }
        let Some(leaving) = state.leaving.remove(id) else { return };
        self.tell(id, leaving.next, session.finished().drained, rewound);
        match leaving.successor {
            Some(successor) => self.open_port(id, &successor),
            // It comes yet, when there is one.
            None if leaving.next == Next::Successor => {}
            None => self.0.tail.forsake(id.clone()),
        }
    }

    /// Waits until the session has settled what was handed to it. It is cut when nothing moves, and the server deals with
    /// nothing, for as long as `request_deadline`. False when the agent stops meanwhile.
    fn settle(&self, session: &Session) -> bool {
        session.hasten();
        let clock = &self.0.clock;
        // Whatever fails is tried once more at most, so a try that moves is worth waiting for.
        let mut vigil = Vigil::begin(session.life(), clock.monotonic());
        while !session.has_ended(LOOK) {
            if self.lock().frozen {
                return false;
            }
            if vigil.is_in_vain(session.life(), clock.monotonic(), session.request_deadline()) {
                session.cut();
                break;
            }
        }
        true
    }

    fn tell(&self, id: &SessionId, next: Next, drained: bool, rewound: Rewound) {
        if drained && rewound == Rewound::default() {
            self.0.logger.info(format_args!("Session {id} has delivered everything that it had been handed; {next}"));
            return;
        }
        let Rewound { bytes, .. } = rewound;
        let again = if next == Next::Nobody { "" } else { "they are read again, and " };
        self.0.logger.warn(format_args!(
            "Session {id} was ended before its server had acknowledged {bytes} bytes that had been read; {again}{next}"
        ));
    }

    fn open_port(&self, id: &SessionId, session: &Session) {
        let (batches, recycled) = (session.batches().clone(), session.recycled().clone());
        self.0.tail.open_knocking_port(Port { session: id.clone(), batches, recycled }, session.knocker());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
