//! A session: one api key and one server, with a channel of its own and two threads. Nothing that happens to one
//! session can stop another.

use std::convert::Infallible;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use scalyr_monitor::{Clock, Level, Logger, Stop};

use crate::config::plan::SessionPlan;
use crate::logs::batch::{Batch, Blank};
use crate::threads::Threads;

use super::compress::SharedCompressor;
use super::event_times::EventTimes;
use super::heads::Heads;
use super::pace::Pace;
use super::pack::Pack;
use super::save::Save;
use super::send::{Lifeline, Send as SendThread, State, panic_text};
use super::server_attributes::ServerAttributes;
use super::snapshot::{Progress, SessionSnapshot};
use super::user_agent::UserAgent;

/// How many batches wait in a session's channel; a full one parks the session's files.
pub const CHANNEL_BATCHES: usize = 4;

/// How many packed batches wait for the tail stage to use their memory again: as many as it may hand on at once, so that
/// none is made anew while others come back.
const RECYCLED_BATCHES: usize = CHANNEL_BATCHES;

/// Time for the send thread to notice that its connection was cut.
const AFTER_CUT: Duration = Duration::from_millis(250);

/// What a session is given to work with.
pub struct SessionParts {
    /// Where its threads are born.
    pub threads: Threads,
    /// The time.
    pub clock: Clock,
    /// The agent log.
    pub logger: Logger,
    /// Saves the positions.
    pub checkpoint: Arc<dyn Save>,
    /// What monitors add to the session's own attributes of this host.
    pub server_attributes: ServerAttributes,
    /// The header of its requests.
    pub user_agent: UserAgent,
    /// Times of events that never go back, for all sessions; acts when the plan says so.
    pub event_times: EventTimes,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Everything that was handed to the session is settled. Otherwise what is not stays pending in the ledger, and is
    /// read again for the session's successor, or after the next start.
    pub drained: bool,
}

/// By what a session shows that it gets on, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Life {
    /// Requests, parts of requests, and events by themselves of which the server has said what becomes of them.
    pub dealt_with: u64,
    /// Bytes that went to the server or came from it, whatever came of them.
    pub moved: u64,
    /// While the answer to a request is waited for of which the system may still send a part: until when.
    pub patient_until: Option<Instant>,
    /// Until when the limit of the rate keeps the next request back, or has kept it back: the server is not to blame.
    pub kept_back_until: Option<Instant>,
    /// What is on its way, or waits to be, has failed before.
    pub is_failing: bool,
}

/// The handle of a running session.
///
/// A panic inside an exchange with the server is logged and the request is tried again. One anywhere else in the
/// session's threads ends the session: it is logged as critical and shown as `broken`, nothing more is settled (so no
/// line can be lost by it), and the channel of batches is disconnected.
pub struct Session {
    batches: Sender<Batch>,
    recycled: Receiver<Blank>,
    knocks: Sender<()>,
    is_knocked: Arc<AtomicBool>,
    closing: Mutex<Option<Sender<()>>>,
    /// Disconnected when both threads have ended.
    ended: Receiver<Infallible>,
    stop: Stop,
    lifeline: Arc<Lifeline>,
    incomplete: Arc<AtomicBool>,
    progress: Arc<Progress>,
    request_deadline: Duration,
}

impl Session {
    /// Starts a session's threads. Nothing is sent before the first batch.
    ///
    /// # Errors
    /// When the system refuses another thread.
    pub fn start(plan: SessionPlan, parts: SessionParts) -> io::Result<Self> {
        let SessionParts { threads, clock, logger, checkpoint, server_attributes, user_agent, event_times } = parts;
        let id = URL_SAFE.encode(rand::random::<[u8; 20]>());
        let progress = Arc::new(Progress::new(plan.id.clone(), id.clone(), plan.server.clone(), clock.clone()));
        progress.lock().request_limit = plan.pacing.max_request_size as u64;
        let (batches, batches_out) = bounded(CHANNEL_BATCHES);
        let (recycled_in, recycled) = bounded(RECYCLED_BATCHES);
        let (knocks, knocks_out) = bounded(1);
        let is_knocked = Arc::<AtomicBool>::default();
        let (closing, closing_out) = bounded(0);
        let (turns, turns_out) = bounded(1);
        let (requests, requests_out) = bounded(1);
        let (spent, spent_out) = bounded(2);
        let (alive, ended) = bounded(0);
        let request_deadline = plan.request_deadline;
        let (stop, lifeline, incomplete) = (Stop::new(), Arc::<Lifeline>::default(), Arc::<AtomicBool>::default());

        let (name, limit) = (plan.id.clone(), plan.pacing.max_request_size);
        let watch = Watch { progress: Arc::clone(&progress), logger: logger.clone(), _alive: alive };
        let compressor = SharedCompressor::new(plan.compression);
        let pack = Pack {
            heads: Heads::new(plan.api_key.clone(), id, plan.server_attributes.clone(), server_attributes, limit)
                .with(plan.body_form, plan.monotonic_times.then_some(event_times)),
            room: limit.into(),
            large: plan.pacing.high_water.0,
            compressor: compressor.clone(),
            clock: clock.clone(),
            progress: Arc::clone(&progress),
            incomplete: Arc::clone(&incomplete),
            batches: batches_out,
            recycled: recycled_in,
            knocks: knocks_out,
            is_knocked: Arc::clone(&is_knocked),
            closing: closing_out,
            turns: turns_out,
            requests,
            spent: spent_out,
        };
        let pace = if plan.sends_nothing { Pace::without_sending } else { Pace::new };
        let send = SendThread {
            user_agent,
            threads: threads.clone(),
            pace: pace(plan.pacing, clock.monotonic()),
            clock,
            logger,
            checkpoint,
            progress: Arc::clone(&progress),
            stop: stop.clone(),
            lifeline: Arc::clone(&lifeline),
            turns,
            requests: requests_out,
            spent,
            state: State::new(&plan.pacing),
            compressor,
            plan,
        };
        let left_behind = Arc::clone(&incomplete);
        let send_watch = watch.clone();
        threads.spawn(&format!("upload-send {name}"), move || {
            send_watch.over("send", || {
                if !send.run() {
                    left_behind.store(true, Ordering::Release);
                }
            });
        })?;
        // Should this fail, the send thread ends by itself: its channels are gone.
        threads.spawn(&format!("upload-pack {name}"), move || watch.over("pack", || pack.run()))?;
        let closing = Mutex::new(Some(closing));
        Ok(Self {
            batches,
            recycled,
            knocks,
            is_knocked,
            closing,
            ended,
            stop,
            lifeline,
            incomplete,
            progress,
            request_deadline,
        })
    }

    /// Where batches go in; a full channel means that the server is slower than the files grow.
    pub fn batches(&self) -> &Sender<Batch> {
        &self.batches
    }

    /// The memory of packed batches, to be used again.
    pub fn recycled(&self) -> &Receiver<Blank> {
        &self.recycled
    }

    /// Who asks for this promises to knock when the channel of batches gets full, or holds much: until then a batch that
    /// comes while others wait for the next request's turn does not wake the session for itself.
    pub fn knocker(&self) -> Sender<()> {
        self.is_knocked.store(true, Ordering::Relaxed);
        self.knocks.clone()
    }

    /// What the session tells about itself.
    pub fn snapshot(&self) -> SessionSnapshot {
        SessionSnapshot { waiting_batches: self.batches.len(), ..self.progress.now() }
    }

    /// Attempts to send a request that failed, as in [`SessionSnapshot::requests_failed`].
    pub fn requests_failed(&self) -> u64 {
        self.progress.requests_failed()
    }

    /// No more batches will come: what waits in the channel is still packed and sent, without waiting for its turn. What a
    /// limit of the rate keeps back beyond that is left behind.
    pub fn close(&self) {
        drop(self.closing.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Closes the session and ends its pauses: each request that fails is tried just once more.
    pub fn hasten(&self) {
        self.close();
        self.stop.stop();
    }

    /// Ends a request that is on its way, and lets no other one leave. What is not settled is left behind.
    pub fn cut(&self) {
        self.lifeline.cut();
        self.has_ended(AFTER_CUT);
    }

    /// Closes the session and waits up to `budget` until everything is settled. Pauses end, each request that fails is
    /// tried just once more. What is on its way after that is left behind, and will be sent again after the next start.
    pub fn finish(&self, budget: Duration) -> Finished {
        self.hasten();
        if !self.has_ended(budget) {
            self.cut();
        }
        self.finished()
    }

    /// [Finishes](Self::finish) sessions side by side, within this time for all of them together. True when each one's is
    /// drained.
    pub fn finish_all(sessions: &[Arc<Self>], budget: Duration, clock: &Clock) -> bool {
        let wait_until = |deadline: Instant| {
            let left = || deadline.saturating_duration_since(clock.monotonic());
            sessions.iter().filter(|session| !session.has_ended(left())).collect::<Vec<_>>()
        };
        // All of them before the first one is waited for: none loses its last attempt to another one's server.
        sessions.iter().for_each(|session| session.hasten());
        let late = wait_until(clock.monotonic() + budget);
        late.iter().for_each(|session| session.lifeline.cut());
        if !late.is_empty() {
            wait_until(clock.monotonic() + AFTER_CUT);
        }
        sessions.iter().all(|session| session.finished().drained)
    }

    /// How it ended, or stands.
    pub fn finished(&self) -> Finished {
        let incomplete = self.incomplete.load(Ordering::Acquire);
        let broken = self.progress.lock().broken.is_some();
        Finished { drained: self.has_ended(Duration::ZERO) && !incomplete && !broken }
    }

    /// Waits up to this time for both threads to end. True when they have.
    pub fn has_ended(&self, within: Duration) -> bool {
        self.ended.recv_timeout(within) == Err(RecvTimeoutError::Disconnected)
    }

    /// By what it shows that it gets on.
    pub fn life(&self) -> Life {
        let motion = self.lifeline.motion();
        let kept_back_until = self.progress.kept_back_until();
        let snapshot = self.progress.lock();
        let dealt_with = [snapshot.requests_succeeded, snapshot.events_too_large, snapshot.events_refused];
        Life {
            dealt_with: dealt_with.into_iter().fold(0, u64::saturating_add),
            moved: motion.bytes,
            patient_until: motion.patient_until,
            kept_back_until,
            is_failing: snapshot.failing_since_ms.is_some(),
        }
    }

    /// How long one request may take.
    pub fn request_deadline(&self) -> Duration {
        self.request_deadline
    }
}

/// Sees to it that no thread of a session ends in silence.
#[derive(Clone)]
struct Watch {
    progress: Arc<Progress>,
    logger: Logger,
    _alive: Sender<Infallible>,
}

impl Watch {
    fn over(self, what: &str, work: impl FnOnce()) {
        // What the thread worked with is gone after a panic, so nothing half done is used again.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
            let text = format!("the {what} thread panicked: {}", panic_text(&*panic));
            let name = self.progress.now().name;
            self.logger.at(
                Level::Critical,
                format_args!("The upload session {name} has ended, its files wait for the next start: {text}"),
            );
            self.progress.lock().broken = Some(text);
        }
    }
}
