//! What a session tells about itself, for status.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use scalyr_monitor::{Clock, Timestamp};
use serde::Serialize;

use super::throughput::Throughput;
use crate::config::plan::SessionId;
use crate::ledger::WorkerId;

/// How uploads of a session stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// The last one worked, or there was none yet.
    #[default]
    Ok,
    /// They fail and are tried again.
    Failing,
    /// The server refuses the key: no events are sent, only probes.
    KeyRefused,
    /// The server accepts the key and refuses every event.
    RefusingEverything,
}

/// What keeps a session from sending.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Blocked {
    /// `key refused`, `server refuses everything`, `server fails`, `rate limit` or `waiting for an answer`.
    pub by: &'static str,
    /// For how long.
    pub seconds: f64,
}

/// One session at one moment (`wire-protocol.md` section 14). Sizes in bytes, times of the wall clock in milliseconds
/// since the epoch.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionSnapshot {
    /// Its name, `<worker>-<number>`.
    pub name: SessionId,
    /// The worker it belongs to.
    pub worker: WorkerId,
    /// Its number among the sessions of that.
    pub session_number: u32,
    /// `session` on the wire: new for every start.
    pub session: String,
    /// The server, without a path.
    pub server: String,
    /// How its uploads stand.
    pub state: SessionState,
    /// Since when, unless they are well.
    pub state_since_ms: Option<i64>,
    /// Requests with events that left over a connection, repeated ones and parts too.
    pub requests_sent: u64,
    /// Requests without events that left, to see whether the server accepts the key.
    pub probes_sent: u64,
    /// How often a request, or a part of one, was split because it was too large for the server.
    pub requests_split: u64,
    /// What requests are packed to, in bytes before compression: less than `max_allowed_request_size` after the server
    /// found one too large.
    pub request_limit: u64,
    /// Requests that the server dealt with.
    pub requests_succeeded: u64,
    /// Requests that were sent again at once, because the connection that was kept open had died meanwhile.
    pub requests_resent: u64,
    /// Uploads that took more than five times `request_deadline`, whether they failed or not.
    pub requests_slow: u64,
    /// Attempts that failed, also those that found no connection and those that were refused.
    pub requests_failed: u64,
    /// Bodies sent, before compression, repeated ones too.
    pub bytes_raw: u64,
    /// Bodies sent, after compression.
    pub bytes_compressed: u64,
    /// Bodies of answers.
    pub bytes_received: u64,
    /// Connections opened.
    pub connections_opened: u64,
    /// Events that the server accepted.
    pub events_accepted: u64,
    /// Events that the server asked to discard.
    pub events_discarded: u64,
    /// Events that fit into no request, or that the server refuses for their size.
    pub events_too_large: u64,
    /// Events that the server refuses for what is in them.
    pub events_refused: u64,
    /// When the last request left.
    pub last_attempt_ms: Option<i64>,
    /// When a request last succeeded.
    pub last_success_ms: Option<i64>,
    /// Size of the last request's body before compression.
    pub last_request_bytes: u64,
    /// Size of the last answer's body.
    pub last_response_bytes: Option<u64>,
    /// Status of the last answer, or why there was none.
    pub last_status: Option<String>,
    /// The beginning of the last answer when it was not a success; without any secret.
    pub last_answer: Option<String>,
    /// Since when requests fail; none while they succeed.
    pub failing_since_ms: Option<i64>,
    /// The pause before the failed request is sent again, while it lasts.
    pub back_off_seconds: Option<f64>,
    /// How long `max_send_rate_enforcement` still keeps the next request back; none when nothing waits for it.
    pub rate_pause_seconds: Option<f64>,
    /// Whether a request is on its way or waits to be sent again.
    pub in_flight: bool,
    /// Source bytes of the request that has left and was not answered: the server may have them.
    pub unanswered_bytes: u64,
    /// Bodies that the server dealt with, before compression.
    pub bytes_dealt_with: u64,
    /// How long all requests took so far, those that failed too, in seconds.
    pub request_seconds: f64,
    /// How long bodies were compressed so far, in seconds.
    pub compression_seconds: f64,
    /// Requests that were full, and closed, while the one before was on its way.
    pub requests_prepared_ahead: u64,
    /// How long all requests took so far, together with the pauses after failed ones, in seconds.
    pub server_seconds: f64,
    /// How long no request was on its way so far, in seconds.
    pub rest_seconds: f64,
    /// How long `max_send_rate_enforcement` has kept requests back so far, in seconds.
    pub rate_limit_seconds: f64,
    /// Batches that wait to be packed.
    pub waiting_batches: usize,
    /// Source bytes that the server accepted.
    pub bytes_accepted: u64,
    /// Source bytes that it accepted per second, over the last minute, or since the start when that is less.
    pub bytes_per_second: f64,
    /// For how long the server has dealt with nothing of the request that is under way; none while there is none. The
    /// limit of the rate does not count.
    pub undelivered_seconds: Option<f64>,
    /// What keeps it from sending, if anything does. That there is nothing to send does not.
    pub blocked: Option<Blocked>,
    /// Why the session had to end by itself; it sends and settles nothing any more.
    pub broken: Option<String>,
}

impl SessionSnapshot {
    /// A session that has done nothing yet.
    pub(crate) fn new(name: SessionId, session: String, server: String) -> Self {
        Self {
            worker: name.worker.clone(),
            session_number: name.number,
            name,
            session,
            server,
            state: SessionState::Ok,
            state_since_ms: None,
            requests_sent: 0,
            probes_sent: 0,
            requests_split: 0,
            request_limit: 0,
            requests_succeeded: 0,
            requests_resent: 0,
            requests_slow: 0,
            requests_failed: 0,
            bytes_raw: 0,
            bytes_compressed: 0,
            bytes_received: 0,
            connections_opened: 0,
            events_accepted: 0,
            events_discarded: 0,
            events_too_large: 0,
            events_refused: 0,
            last_attempt_ms: None,
            last_success_ms: None,
            last_request_bytes: 0,
            last_response_bytes: None,
            last_status: None,
            last_answer: None,
            failing_since_ms: None,
            back_off_seconds: None,
            rate_pause_seconds: None,
            in_flight: false,
            unanswered_bytes: 0,
            bytes_dealt_with: 0,
            request_seconds: 0.0,
            compression_seconds: 0.0,
            requests_prepared_ahead: 0,
            server_seconds: 0.0,
            rest_seconds: 0.0,
            rate_limit_seconds: 0.0,
            waiting_batches: 0,
            bytes_accepted: 0,
            bytes_per_second: 0.0,
            undelivered_seconds: None,
            blocked: None,
            broken: None,
        }
    }
}

/// The snapshot in the making; the threads of a session write it, status reads it.
pub(super) struct Progress {
    snapshot: Mutex<SessionSnapshot>,
    occupation: Mutex<Occupation>,
    throughput: Mutex<Throughput>,
    clock: Clock,
}

/// What the send thread waits for, and since when.
struct Occupation {
    with: Waiting,
    since: Instant,
    /// When the server last dealt with something.
    delivered: Option<Instant>,
}

/// What the send thread waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// The next request, which the limit of the rate keeps back up to that moment.
    Rest(Option<Instant>),
    /// The server: for its answer, or for it to work again.
    Server,
}

/// How long was waited for what.
#[derive(Default)]
struct Waited {
    server: Duration,
    rest: Duration,
    /// The part of it that the limit of the rate is to blame for.
    limit: Duration,
}

impl Occupation {
    /// How long it was waited until `now`.
    fn waited(&self, now: Instant) -> Waited {
        let until = |end: Instant| end.saturating_duration_since(self.since);
        match self.with {
            Waiting::Server => Waited { server: until(now), ..Waited::default() },
            Waiting::Rest(limit) => {
                let limit = limit.map_or(Duration::ZERO, |limit| until(limit.min(now)));
                Waited { rest: until(now), limit, ..Waited::default() }
            }
        }
    }
}

impl Progress {
    pub(super) fn new(name: SessionId, session: String, server: String, clock: Clock) -> Self {
        let occupation =
            Mutex::new(Occupation { with: Waiting::Rest(None), since: clock.monotonic(), delivered: None });
        let snapshot = Mutex::new(SessionSnapshot::new(name, session, server));
        let throughput = Mutex::new(Throughput::new(clock.monotonic()));
        Self { snapshot, occupation, throughput, clock }
    }

    /// The snapshot as it is now.
    pub(super) fn now(&self) -> SessionSnapshot {
        let (mut snapshot, occupation) = (self.lock().clone(), self.occupation());
        let now = self.clock.monotonic();
        add_waited(&mut snapshot, occupation.waited(now));
        if let Waiting::Rest(Some(limit)) = occupation.with {
            let rest = limit.saturating_duration_since(now);
            snapshot.rate_pause_seconds = (!rest.is_zero()).then_some(rest.as_secs_f64());
        }
        if occupation.with == Waiting::Server {
            let since = occupation.delivered.map_or(occupation.since, |delivered| delivered.max(occupation.since));
            snapshot.undelivered_seconds = Some(now.saturating_duration_since(since).as_secs_f64());
        }
        snapshot.blocked = blocked(&snapshot, now.saturating_duration_since(occupation.since), self.clock.now());
        drop(occupation);
        let throughput = self.throughput.lock().unwrap_or_else(PoisonError::into_inner);
        snapshot.bytes_per_second = throughput.per_second(now);
        snapshot
    }

    /// See [`SessionSnapshot::requests_failed`].
    pub(super) fn requests_failed(&self) -> u64 {
        self.lock().requests_failed
    }

    /// Until when the limit of the rate keeps back the request that is next; in the past when it is just about to leave.
    pub(super) fn kept_back_until(&self) -> Option<Instant> {
        match self.occupation().with {
            Waiting::Rest(limit) => limit,
            Waiting::Server => None,
        }
    }

    /// From now on the send thread waits for this.
    pub(super) fn wait_for(&self, what: Waiting) {
        let now = self.clock.monotonic();
        let waited = {
            let mut occupation = self.occupation();
            let delivered = occupation.delivered;
            std::mem::replace(&mut *occupation, Occupation { with: what, since: now, delivered }).waited(now)
        };
        add_waited(&mut self.lock(), waited);
    }

    /// The server has accepted events that were made of so many source bytes.
    pub(super) fn accepted(&self, source: u64) {
        self.lock().bytes_accepted += source;
        let now = self.clock.monotonic();
        self.throughput.lock().unwrap_or_else(PoisonError::into_inner).add(source, now);
    }

    fn occupation(&self) -> MutexGuard<'_, Occupation> {
        self.occupation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To change several figures at once.
    pub(super) fn lock(&self) -> MutexGuard<'_, SessionSnapshot> {
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request is about to leave.
    pub(super) fn leaves(&self, now: Timestamp, raw: usize, source: u64) {
        let mut snapshot = self.lock();
        snapshot.last_request_bytes = raw as u64;
        snapshot.last_attempt_ms = Some(now.as_millis());
        snapshot.back_off_seconds = None;
        snapshot.in_flight = true;
        snapshot.unanswered_bytes = source;
    }

    /// The server has dealt with a request.
    pub(super) fn succeeded(&self, now: Timestamp) {
        self.occupation().delivered = Some(self.clock.monotonic());
        let mut snapshot = self.lock();
        snapshot.requests_succeeded += 1;
        snapshot.last_success_ms = Some(now.as_millis());
        snapshot.last_answer = None;
        snapshot.failing_since_ms = None;
        snapshot.enter(SessionState::Ok, now);
        snapshot.in_flight = false;
        snapshot.unanswered_bytes = 0;
        snapshot.bytes_dealt_with += snapshot.last_request_bytes;
    }

    /// A request has failed and is sent again after the pause.
    pub(super) fn failed(&self, now: Timestamp, why: &str, pause: Duration) {
        let mut snapshot = self.lock();
        if snapshot.state == SessionState::Ok {
            snapshot.enter(SessionState::Failing, now);
        }
        snapshot.fails(now, why, pause);
    }

    /// A request was refused; what is to be done next is done at once.
    pub(super) fn refused(&self, why: &str) {
        let mut snapshot = self.lock();
        snapshot.requests_failed += 1;
        snapshot.last_answer = Some(why.to_owned());
    }

    /// A probe is about to leave.
    pub(super) fn knocks(&self, now: Timestamp) {
        let mut snapshot = self.lock();
        snapshot.last_attempt_ms = Some(now.as_millis());
        snapshot.back_off_seconds = None;
    }

    /// The server refuses the key; it is asked again after the pause.
    pub(super) fn key_refused(&self, now: Timestamp, why: &str, pause: Duration) {
        let mut snapshot = self.lock();
        snapshot.enter(SessionState::KeyRefused, now);
        snapshot.fails(now, why, pause);
    }

    /// The server accepts the key.
    pub(super) fn key_accepted(&self) {
        let mut snapshot = self.lock();
        if snapshot.state == SessionState::KeyRefused {
            (snapshot.state, snapshot.state_since_ms) = (SessionState::Ok, None);
            snapshot.failing_since_ms = None;
            snapshot.last_answer = None;
        }
    }

    /// The server refuses every event; the next one leaves after the pause.
    pub(super) fn refuses_everything(&self, now: Timestamp, pause: Duration) {
        let mut snapshot = self.lock();
        snapshot.enter(SessionState::RefusingEverything, now);
        snapshot.failing_since_ms.get_or_insert(now.as_millis());
        snapshot.back_off_seconds = Some(pause.as_secs_f64());
    }
}

impl SessionSnapshot {
    fn enter(&mut self, state: SessionState, now: Timestamp) {
        if self.state != state {
            self.state = state;
            self.state_since_ms = Some(now.as_millis()).filter(|_| state != SessionState::Ok);
        }
    }

    fn fails(&mut self, now: Timestamp, why: &str, pause: Duration) {
        self.requests_failed += 1;
        self.last_answer = Some(why.to_owned());
        self.failing_since_ms.get_or_insert(now.as_millis());
        self.back_off_seconds = Some(pause.as_secs_f64());
    }
}

/// Shorter waits for an answer are the ordinary course of things.
const LONG_WAIT: Duration = Duration::from_secs(5);

/// What keeps a session from sending, which has been at what it does for `occupied`.
fn blocked(snapshot: &SessionSnapshot, occupied: Duration, now: Timestamp) -> Option<Blocked> {
    // By the wall clock, which may have been set back.
    let since = |begin: Option<i64>| begin.map_or(0.0, |begin| (now.as_millis() - begin).max(0) as f64 / 1e3);
    let blocked = |by, seconds| Some(Blocked { by, seconds });
    match snapshot.state {
        SessionState::KeyRefused => return blocked("key refused", since(snapshot.state_since_ms)),
        SessionState::RefusingEverything if snapshot.in_flight => {
            return blocked("server refuses everything", since(snapshot.state_since_ms));
        }
        _ => {}
    }
    if snapshot.in_flight && snapshot.failing_since_ms.is_some() {
        blocked("server fails", since(snapshot.failing_since_ms))
    } else if snapshot.rate_pause_seconds.is_some() {
        blocked("rate limit", occupied.as_secs_f64())
    } else if snapshot.undelivered_seconds.is_some_and(|seconds| seconds >= LONG_WAIT.as_secs_f64()) {
        blocked("waiting for an answer", snapshot.undelivered_seconds.unwrap_or_default())
    } else {
        None
    }
}

fn add_waited(snapshot: &mut SessionSnapshot, Waited { server, rest, limit }: Waited) {
    snapshot.server_seconds += server.as_secs_f64();
    snapshot.rest_seconds += rest.as_secs_f64();
    snapshot.rate_limit_seconds += limit.as_secs_f64();
}
