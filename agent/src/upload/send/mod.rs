//! The send thread: one request at a time, again and again until the server has dealt with it, then the ledger and the
//! checkpoint before the next one leaves.

pub(super) mod division;
mod exchange;
mod lifeline;
mod pauses;
mod report;
mod size_limit;

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Select, Sender};
use scalyr_monitor::{Clock, Logger, Stop};

use crate::config::plan::{Pacing, SessionPlan};
use crate::threads::Threads;

use super::answer::{Answer, Judgement, Trouble};
use super::client::Client;
use super::compress::SharedCompressor;
use super::pace::{Pace, Turn};
use super::request::{Ending, Request};
use super::save::Save;
use super::snapshot::{Progress, Waiting};
use super::unverified::Unverified;
use super::user_agent::UserAgent;
use division::{Division, Next, Said, Step};
use exchange::Part;
pub(super) use lifeline::Lifeline;
use pauses::Pauses;
use report::Report;
use size_limit::SizeLimit;

/// When so many single events in a row were refused and none accepted in between, each further one waits: a server that
/// refuses everything, or whatever stands in front of it, must not eat a log at full speed.
const REFUSED_IN_A_ROW: u32 = 16;

/// The longest `Retry-After` that is honoured, as [after other failures](super::pace).
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);

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
    /// The pack thread's, for bodies that get a new time, and for parts.
    pub(super) compressor: SharedCompressor,
}

/// What the thread remembers from one request to the next.
pub(super) struct State {
    client: Option<Client>,
    part: Part,
    unverified: Unverified,
    /// The part that is sent, or one of its repetitions, has left and was never answered: the server may have it.
    unanswered: bool,
    limit: SizeLimit,
    /// What was too large last is smaller than `min_allowed_request_size`: hardly an event is that the server takes.
    is_strange: bool,
    /// Single events that were refused since one was accepted.
    refused_in_a_row: u32,
    /// Between events while the server refuses every one.
    refusals: Pauses,
    /// Between probes while it refuses the key.
    knocks: Pauses,
    report: Report,
}

impl State {
    /// Nothing was sent yet.
    pub(super) fn new(pacing: &Pacing) -> Self {
        Self {
            client: None,
            part: Part::default(),
            unverified: Unverified::default(),
            unanswered: false,
            limit: SizeLimit::new(pacing),
            is_strange: false,
            refused_in_a_row: 0,
            refusals: Pauses::new(pacing.max_error_spacing),
            knocks: Pauses::new(pacing.max_error_spacing),
            report: Report::default(),
        }
    }
}

/// Requests had to be left behind, unsettled.
struct LeftBehind;

impl Send {
    /// Runs until the pack thread has nothing more; false when requests had to be left behind, unsettled.
    pub(super) fn run(mut self) -> bool {
        let mut complete = true;
        while self.turns.send(self.pace.turn(self.state.limit.now())).is_ok() {
            let Some(mut request) = wait_for(&self.requests) else { break };
            if request.has_events() && !self.plan.sends_nothing {
                // Before it leaves, and once: neither failures nor parts count again.
                self.pace.charge(request.body().message_bytes(), self.clock.monotonic());
                if self.deliver(&mut request).is_err() {
                    complete = false;
                    break;
                }
            } else {
                self.pace.settled(self.clock.monotonic());
                let ending = if request.has_events() { Ending::Withheld } else { Ending::Accepted };
                self.settle(&mut request, usize::MAX, ending, "");
            }
            self.progress.wait_for(Waiting::Rest(None));
            // There is room for both requests of the session.
            let _ = self.spent.try_send(request);
        }
        self.tell_losses(true);
        complete
    }

    /// Sends a request, in parts where it must be, until the server has dealt with it. After [`Send::stop`] what fails is
    /// tried once more.
    fn deliver(&mut self, request: &mut Request) -> Result<(), LeftBehind> {
        self.progress.wait_for(Waiting::Server);
        self.state.unanswered = false;
        let mut division = Division::of(request.unsettled());
        loop {
            if self.lifeline.is_cut() {
                return Err(LeftBehind);
            }
            let last_chance = self.stop.is_stopped();
            let progress = &self.progress;
            let step = division.step(request.body(), self.state.limit.now(), || progress.lock().requests_split += 1);
            let (next, trouble) = match step {
                Step::Done => {
                    self.state.part = Part::default();
                    self.progress.lock().in_flight = false;
                    return Ok(());
                }
                Step::Probe => self.probe(&mut division, request),
                Step::Send(events) => {
                    let (answer, size) = self.send(request, events);
                    let (said, trouble) = self.understand(answer, size);
                    (division.answered(said, request.body()), trouble)
                }
            };
            self.follow(next, trouble, request, last_chance)?;
        }
    }

    /// Asks whether the server knows the key.
    fn probe(&mut self, division: &mut Division, request: &Request) -> (Next, Option<Trouble>) {
        let (said, trouble) = said(self.knock(request));
        let next = division.probed(said, request.body());
        // A key with which probes are accepted and events are not is still one that is refused.
        if division.blames_content() {
            self.key_is_known();
        }
        (next, trouble)
    }

    /// What an answer to events says, and what is learned from it.
    fn understand(&mut self, answer: Result<Answer, Trouble>, size: usize) -> (Said, Option<Trouble>) {
        let (said, trouble) = said(answer);
        match said {
            Said::Accepted => {
                self.state.limit.accepted(size);
                self.state.refused_in_a_row = 0;
                self.state.refusals.begin_anew();
                self.note_success(size);
            }
            Said::Discard => self.note_success(size),
            Said::TooLarge => {
                self.state.limit.refused(size);
                self.state.is_strange = size < self.plan.pacing.min_request_size;
            }
            Said::Refused | Said::KeyRefused | Said::Unclear => {}
        }
        self.progress.lock().request_limit = self.state.limit.now() as u64;
        (said, trouble)
    }

    /// Does what follows from an answer.
    fn follow(
        &mut self,
        next: Next,
        trouble: Option<Trouble>,
        request: &mut Request,
        last_chance: bool,
    ) -> Result<(), LeftBehind> {
        let text = trouble.as_ref().map_or("", |trouble| trouble.text.as_str());
        let retry_after = trouble.as_ref().and_then(|trouble| trouble.retry_after);
        match next {
            Next::Settle(count, ending) => {
                if matches!(ending, Ending::TooLarge | Ending::Refused) {
                    self.progress.refused(text);
                }
                self.settle(request, count, ending, text);
                self.state.unanswered = false;
                let is_suspicious = match ending {
                    Ending::Refused => true,
                    Ending::TooLarge => self.state.is_strange,
                    _ => false,
                };
                if is_suspicious { self.rest_after_refusal() } else { Ok(()) }
            }
            Next::GoOn => {
                if !text.is_empty() {
                    self.progress.refused(text);
                }
                Ok(())
            }
            Next::Split => {
                self.progress.refused(text);
                self.progress.lock().requests_split += 1;
                self.tell_too_large_request(text);
                Ok(())
            }
            Next::Pause => {
                let pause = self.pace.failed(rand::random(), retry_after);
                self.progress.failed(self.clock.now(), text, pause);
                if let Some(trouble) = &trouble {
                    self.tell_trouble(trouble);
                }
                self.pause(pause, last_chance)
            }
            Next::Park => {
                let pause = self
                    .state
                    .knocks
                    .next(rand::random())
                    .max(retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER));
                self.progress.key_refused(self.clock.now(), text, pause);
                self.tell_refused_key(text);
                self.pause(pause, last_chance)
            }
        }
    }

    fn pause(&mut self, pause: Duration, last_chance: bool) -> Result<(), LeftBehind> {
        if last_chance {
            self.progress.lock().back_off_seconds = None;
            return Err(LeftBehind);
        }
        self.stop.wait(pause);
        Ok(())
    }

    /// After many single events in a row were refused, the next one waits.
    fn rest_after_refusal(&mut self) -> Result<(), LeftBehind> {
        self.state.refused_in_a_row = self.state.refused_in_a_row.saturating_add(1);
        if self.state.refused_in_a_row < REFUSED_IN_A_ROW {
            return Ok(());
        }
        let pause = self.state.refusals.next(rand::random());
        self.progress.refuses_everything(self.clock.now(), pause);
        self.tell_everything_refused();
        let last_chance = self.stop.is_stopped();
        self.pause(pause, last_chance)
    }
}

/// In the words of the division, with what there is to tell.
fn said(answer: Result<Answer, Trouble>) -> (Said, Option<Trouble>) {
    match answer.map(|answer| answer.judgement) {
        Ok(Judgement::Success) => (Said::Accepted, None),
        Ok(Judgement::Discard) => (Said::Discard, None),
        Ok(Judgement::TooLarge(trouble)) => (Said::TooLarge, Some(trouble)),
        Ok(Judgement::Refused(trouble)) => (Said::Refused, Some(trouble)),
        Ok(Judgement::KeyRefused(trouble)) => (Said::KeyRefused, Some(trouble)),
        Ok(Judgement::Skewed(trouble) | Judgement::Retry(trouble)) | Err(trouble) => (Said::Unclear, Some(trouble)),
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
