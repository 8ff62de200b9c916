//! What happens on the connections of one client, and how long it may take.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use scalyr_monitor::Clock;

use super::failure::Failure;
use super::interrupt::Interrupt;

/// An exchange that takes more than so many times `request_deadline` is slow: the next request had better be smaller.
pub(in crate::upload) const SLOW: u32 = 5;

/// An exchange that takes more than so many times `request_deadline` is ended, however well it goes on.
pub(super) const LONGEST: u32 = 20;

/// What moves on the connections of one client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::upload) struct Motion {
    /// Bytes that the system took to send them, and those that came.
    pub(in crate::upload) bytes: u64,
    /// Until then nothing more need move: the system still sends what it took.
    pub(in crate::upload) patient_until: Option<Instant>,
}

/// Shared by the client and its connection.
#[derive(Debug)]
pub(in crate::upload) struct Watch {
    pub(super) clock: Clock,
    /// `request_deadline`.
    pub(super) deadline: Duration,
    pub(super) interrupt: Arc<Interrupt>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// How often a connection was asked for.
    opened: u64,
    /// How many of these there were.
    established: u64,
    /// When the exchange began.
    began: Instant,
    /// Whether a byte of the answer has come.
    answered: bool,
    /// Whether a part of the request was never sent, because the server had spoken or closed before.
    incomplete: bool,
    /// Why the attempt failed, where that is known better than the libraries above tell.
    failure: Option<Failure>,
    motion: Motion,
}

impl Watch {
    pub(super) fn new(clock: Clock, deadline: Duration, interrupt: Arc<Interrupt>) -> Self {
        let began = clock.monotonic();
        let state = State {
            opened: 0,
            established: 0,
            began,
            answered: false,
            incomplete: false,
            failure: None,
            motion: Motion::default(),
        };
        Self { clock, deadline, interrupt, state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection is asked for.
    pub(super) fn opens(&self) {
        self.lock().opened += 1;
    }

    /// It stands.
    pub(super) fn established(&self) {
        self.lock().established += 1;
    }

    /// So many bytes went or came.
    pub(super) fn moves(&self, bytes: usize) {
        self.lock().motion.bytes += bytes as u64;
    }

    /// The answer is waited for until then.
    pub(super) fn is_patient_until(&self, moment: Option<Instant>) {
        self.lock().motion.patient_until = moment;
    }

    /// A byte of the answer has come.
    pub(super) fn answers(&self) {
        self.lock().answered = true;
    }

    /// The rest of the request is not sent.
    pub(super) fn leaves_rest(&self) {
        self.lock().incomplete = true;
    }

    /// Why the attempt fails; the first reason counts.
    pub(super) fn fail(&self, failure: Failure) {
        self.lock().failure.get_or_insert(failure);
    }

    /// What failed was not the end of the attempt.
    pub(super) fn forget_failure(&self) {
        self.lock().failure = None;
    }

    /// Until when the exchange has to be over, whatever happens.
    pub(super) fn last_moment(&self) -> Instant {
        let began = self.lock().began;
        self.after(began, LONGEST)
    }

    /// `times` deadlines after a moment; as far as the clock can count.
    pub(super) fn after(&self, moment: Instant, times: u32) -> Instant {
        self.deadline.checked_mul(times).and_then(|time| moment.checked_add(time)).unwrap_or(moment)
    }

    /// `request_deadline` from now on.
    pub(super) fn one_deadline_on(&self) -> Instant {
        self.after(self.clock.monotonic(), 1)
    }

    /// `request_deadline (60 s)`, for messages.
    pub(super) fn deadline_text(&self) -> String {
        format!("request_deadline ({} s)", self.deadline.as_secs_f64())
    }
}

/// The client's side.
impl Watch {
    /// An exchange begins, with its first attempt.
    pub(in crate::upload) fn begin(&self) {
        let now = self.clock.monotonic();
        self.lock().began = now;
        self.try_again();
    }

    /// Another attempt of the same exchange.
    pub(in crate::upload) fn try_again(&self) {
        let mut state = self.lock();
        state.answered = false;
        state.incomplete = false;
        state.failure = None;
        state.motion.patient_until = None;
    }

    /// What has moved so far.
    pub(in crate::upload) fn motion(&self) -> Motion {
        self.lock().motion
    }

    /// How often a new connection was asked for so far, and how many of these were established.
    pub(in crate::upload) fn connections(&self) -> (u64, u64) {
        let state = self.lock();
        (state.opened, state.established)
    }

    /// Whether a byte of the answer has come.
    pub(in crate::upload) fn is_answered(&self) -> bool {
        self.lock().answered
    }

    /// Whether a part of the request was never sent.
    pub(in crate::upload) fn is_incomplete(&self) -> bool {
        self.lock().incomplete
    }

    /// Why the attempt failed.
    pub(in crate::upload) fn take_failure(&self) -> Option<Failure> {
        self.lock().failure.take()
    }

    /// Whether the exchange has taken too long for its size.
    pub(in crate::upload) fn is_slow(&self) -> bool {
        let began = self.lock().began;
        self.clock.monotonic() > self.after(began, SLOW)
    }
}
