//! The send thread: one request at a time, again and again until the server has dealt with it, then the ledger and the
//! checkpoint before the next one leaves.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Select, Sender};
use scalyr_monitor::{Clock, Level, Logger, Stop};

use crate::config::plan::SessionPlan;
use crate::threads::Threads;

use super::answer::{Answer, Judgement, Trouble, judge, unanswered, unreached};
use super::client::Client;
use super::compress::Compressor;
use super::losses::Losses;
use super::outage::Outage;
use super::pace::{Pace, Turn};
use super::request::{Ending, Request};
use super::save::Save;
use super::snapshot::{Progress, Waiting};
use super::unverified::Unverified;
use super::user_agent::UserAgent;

/// A body that has waited longer than this many seconds gets a new `client_time` before it leaves.
const STALE_SECONDS: i64 = 2;

/// What the send thread works with.
pub(super) struct Send {
    pub(super) plan: SessionPlan,
    pub(super) user_agent: UserAgent,
    /// Where lookups of names run.
    pub(super) threads: Threads,
    pub(super) clock: Clock,
    pub(super) logger: Logger,
    pub(super) checkpoint: Arc<dyn Save>,
    pub(super) progress: Arc<Progress>,
    /// Ends a pause; afterwards each request is tried once more.
    pub(super) stop: Stop,
    pub(super) lifeline: Arc<Lifeline>,
    pub(super) pace: Pace,
    pub(super) turns: Sender<Turn>,
    pub(super) requests: Receiver<Request>,
    pub(super) spent: Sender<Request>,
    pub(super) state: State,
}

/// What the thread remembers from one request to the next.
#[derive(Default)]
pub(super) struct State {
    client: Option<Client>,
    /// For bodies that get a new time; most sessions never need it.
    compressor: Option<Compressor>,
    outage: Outage,
    unverified: Unverified,
    /// The request, or one of its repetitions, has left and was never answered: the server may have it.
    unanswered: bool,
    discarded: Losses,
    too_large: Losses,
}

/// Lets the session's handle end a request that hangs.
#[derive(Default)]
pub(super) struct Lifeline(Mutex<Cut>);

#[derive(Default)]
struct Cut {
    done: bool,
    connection: Option<Box<dyn FnOnce() + std::marker::Send>>,
}

impl Lifeline {
    /// Ends the current request, and every later one at once.
    pub(super) fn cut(&self) {
        let connection = {
            let mut cut = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            cut.done = true;
            cut.connection.take()
        };
        if let Some(cut) = connection {
            cut();
        }
    }

    fn is_cut(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).done
    }

    fn hold(&self, client: &Client) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).connection = Some(Box::new(client.interrupter()));
    }
}

impl Send {
    /// Runs until the pack thread has nothing more; false when requests had to be left behind, unsettled.
    pub(super) fn run(mut self) -> bool {
        let mut complete = true;
        while self.turns.send(self.pace.turn()).is_ok() {
            let Some(mut request) = wait_for(&self.requests) else { break };
            let ending = if request.has_events() && !self.plan.sends_nothing {
                // Before it leaves, and once: failures do not count again.
                self.pace.charge(request.body().message_bytes(), self.clock.monotonic());
                self.deliver(&mut request)
            } else {
                self.pace.settled(self.clock.monotonic());
                Some(if request.has_events() { Ending::Withheld } else { Ending::Accepted })
            };
            let Some(ending) = ending else {
                complete = false;
                break;
            };
            self.settle(&mut request, ending);
            self.progress.wait_for(Waiting::Rest(None));
            // There is room for both requests of the session.
            let _ = self.spent.try_send(request);
        }
        self.tell_losses(None, true);
        complete
    }

    /// Sends a request until the server has dealt with it. After [`Send::stop`] it is tried once more; `None` when
    /// that fails too.
    fn deliver(&mut self, request: &mut Request) -> Option<Ending> {
        self.progress.wait_for(Waiting::Server);
        self.state.unanswered = false;
        loop {
            if self.lifeline.is_cut() {
                return None;
            }
            let last_chance = self.stop.is_stopped();
            let trouble = match self.attempt(request) {
                Ok(Answer { judgement: Judgement::Success, .. }) => {
                    self.note_success(request);
                    return Some(Ending::Accepted);
                }
                Ok(Answer { judgement: Judgement::Discard, .. }) => {
                    self.note_success(request);
                    return Some(Ending::Discarded);
                }
                Ok(Answer { judgement: Judgement::Retry(trouble), .. }) | Err(trouble) => trouble,
            };
            let pause = self.pace.failed(rand::random(), trouble.retry_after);
            self.progress.failed(self.clock.now(), &trouble.text, pause);
            self.tell_trouble(&trouble);
            if last_chance {
                self.progress.lock().back_off_seconds = None;
                return None;
            }
            self.stop.wait(pause);
        }
    }

    /// One exchange with the server. A panic in it (a mistake of ours or of a library) is a failure like any other:
    /// the request is still here.
    fn attempt(&mut self, request: &mut Request) -> Result<Answer, Trouble> {
        self.freshen(request);
        let request = &*request;
        self.pace.started(self.clock.monotonic());
        self.progress.leaves(self.clock.now(), request.body().bytes().len(), request.source_bytes());
        let result = catch_unwind(AssertUnwindSafe(|| self.exchange(request)));
        let answer = result.unwrap_or_else(|panic| {
            self.state.client = None;
            let text = panic_text(&*panic);
            self.logger.at(Level::Critical, format_args!("The upload to {} panicked: {text}", self.plan.server));
            Err(unanswered(&format!("the upload panicked: {text}"), &self.plan.api_key))
        });
        let status = match &answer {
            Ok(answer) => &answer.status,
            Err(trouble) => &trouble.kind,
        };
        self.progress.lock().last_status = Some(status.clone());
        answer
    }

    fn exchange(&mut self, request: &Request) -> Result<Answer, Trouble> {
        let key = &self.plan.api_key;
        if self.state.client.is_none() {
            let client = Client::new(&self.plan, &self.clock, &self.threads).map_err(|why| unanswered(&why, key))?;
            self.lifeline.hold(&client);
            self.state.client = Some(client);
        }
        self.state.unverified.tell(&self.plan, &self.logger, self.clock.monotonic());
        let Some(client) = &self.state.client else { return Err(unanswered("there is no client", key)) };
        let (before, resent_before) = (client.connections(), client.resent());
        let begin = self.clock.monotonic();
        let reply = client.post(request.payload(), &self.user_agent.header());
        let took = self.clock.monotonic().saturating_duration_since(begin);
        {
            let (opened, established) = client.connections();
            let connected = established - before.1;
            // Over the connection that was kept, or over a new one; otherwise it never left.
            let has_left = opened == before.0 || connected > 0;
            self.state.unanswered |= has_left && reply.is_err();
            let mut progress = self.progress.lock();
            progress.request_seconds += took.as_secs_f64();
            progress.connections_opened += connected;
            progress.requests_resent += client.resent() - resent_before;
            let slow = reply.as_ref().map_or_else(|failure| failure.slow, |reply| reply.slow);
            progress.requests_slow += u64::from(slow);
            if !self.state.unanswered {
                progress.unanswered_bytes = 0;
            }
            if has_left {
                progress.requests_sent += 1;
                progress.bytes_raw += request.body().bytes().len() as u64;
                progress.bytes_compressed += request.payload().len() as u64;
            }
            progress.bytes_received += reply.as_ref().map_or(0, |reply| reply.body.len() as u64);
        }
        let reply = reply.map_err(|failure| unreached(&failure, key))?;
        Ok(judge(&reply, key))
    }

    /// Gives a body that has waited a new `client_time`; its events stay as they are.
    fn freshen(&mut self, request: &mut Request) {
        let now = self.clock.now();
        if now.as_secs().abs_diff(request.body().stamped()) > STALE_SECONDS.unsigned_abs() {
            request.body_mut().stamp(now);
            let compression = self.plan.compression;
            request.compress(self.state.compressor.get_or_insert_with(|| Compressor::new(compression)));
        }
    }

    fn note_success(&mut self, request: &Request) {
        self.pace.succeeded(request.body().bytes().len());
        self.progress.succeeded(self.clock.now());
        if let Some(outage) = self.state.outage.ended(self.clock.monotonic()) {
            let (server, seconds) = (&self.plan.server, outage.as_secs());
            self.logger.info(format_args!("Uploads to {server} work again, after {seconds} seconds of failures"));
        }
    }

    fn tell_trouble(&mut self, trouble: &Trouble) {
        if self.state.outage.failed(&trouble.kind, self.clock.monotonic()) {
            let Self { plan, .. } = self;
            self.logger.warn(format_args!(
                "Cannot upload to {} (session {}): {}. It is tried again until it works; nothing is lost meanwhile",
                plan.server, plan.id, trouble.text
            ));
        }
    }

    /// Puts the request's outcomes into the ledger and saves the positions, before anything else leaves.
    fn settle(&mut self, request: &mut Request, ending: Ending) {
        let events = request.body().events() as u64;
        {
            let mut progress = self.progress.lock();
            match ending {
                Ending::Accepted => progress.events_accepted += events,
                Ending::Discarded => progress.events_discarded += events,
                // The ledger has them.
                Ending::Withheld => {}
            }
            progress.events_too_large += request.too_large;
        }
        request.settle(ending);
        self.checkpoint.save();
        if ending == Ending::Discarded {
            self.state.discarded.add(events);
        }
        self.state.too_large.add(request.too_large);
        self.tell_losses(Some(request), false);
    }

    fn tell_losses(&mut self, request: Option<&Request>, last: bool) {
        let now = self.clock.monotonic();
        let Self { plan, state, logger, .. } = self;
        if let Some(events) = state.discarded.due(now, last) {
            let (noun, verb) = if events == 1 { ("event", "it is") } else { ("events", "they are") };
            logger.warn(format_args!("{} asked to discard {events} {noun}; {verb} not sent again", plan.server));
        }
        if let Some(events) = state.too_large.due(now, last) {
            let file = request.and_then(|request| request.too_large_file.as_ref());
            let of = file.map(|file| format!(", the last one of {}", file.path.display())).unwrap_or_default();
            let limit = plan.pacing.max_request_size;
            let what = if events == 1 { "event that fits" } else { "events that fit" };
            logger.warn(format_args!(
                "Dropped {events} {what} into no request of max_allowed_request_size ({limit} bytes){of}"
            ));
        }
    }
}

/// The next one that comes, `None` when no more will. `recv` would spin for a while before it sleeps, which costs a quiet
/// agent more than all else that the thread does.
fn wait_for<T>(channel: &Receiver<T>) -> Option<T> {
    let mut select = Select::new();
    select.recv(channel);
    select.select().recv(channel).ok()
}

/// The text of a panic.
pub(super) fn panic_text(panic: &(dyn std::any::Any + std::marker::Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no text").to_owned()
}
