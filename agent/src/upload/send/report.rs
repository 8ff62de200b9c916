//! What the send thread tells: outcomes to the ledger, figures to status, and what matters to the agent's log, which is
//! uploaded too and must not feed itself.

use super::super::answer::Trouble;
use super::super::losses::Losses;
use super::super::outage::Outage;
use super::super::request::{Ending, Place, Request};
use super::Send;

/// What was told of, and what is still to be.
#[derive(Default)]
pub(super) struct Report {
    outage: Outage,
    /// Of the key.
    key: Outage,
    /// Of everything that is sent.
    everything: Outage,
    discarded: Losses,
    too_large: Losses,
    /// Where the last one of them stood.
    too_large_at: String,
    refused: Losses,
    refused_at: String,
    /// What the server said when it refused the last one, and what was quoted last.
    refused_why: String,
    refused_quoted: String,
    /// Requests that were too large for the server.
    split: Losses,
}

impl Send {
    /// Puts the outcome of the next events of a request into the ledger and saves the positions, before anything else
    /// leaves. `why` is what the server said.
    pub(super) fn settle(&mut self, request: &mut Request, count: usize, ending: Ending, why: &str) {
        let events = request.unsettled().len().min(count) as u64;
        let packed_out = std::mem::take(&mut request.too_large);
        {
            let mut progress = self.progress.lock();
            match ending {
                Ending::Accepted => progress.events_accepted += events,
                Ending::Discarded => progress.events_discarded += events,
                Ending::TooLarge => progress.events_too_large += events,
                Ending::Refused => progress.events_refused += events,
                // The ledger has them.
                Ending::Withheld => {}
            }
            progress.events_too_large += packed_out;
        }
        let place = request.settle_next(count, ending);
        self.progress.accepted(std::mem::take(&mut request.accepted_bytes));
        self.checkpoint.save();
        let report = &mut self.state.report;
        if packed_out > 0 {
            let file = request.too_large_file.as_ref();
            report.too_large_at = file.map(|file| format!("of {}", file.path.display())).unwrap_or_default();
            report.too_large.add(packed_out);
        }
        match ending {
            Ending::Accepted | Ending::Withheld => {}
            Ending::Discarded => report.discarded.add(events),
            Ending::TooLarge => {
                report.too_large.add(events);
                report.too_large_at = place.as_ref().map(shown).unwrap_or_default();
            }
            Ending::Refused => {
                report.refused.add(events);
                report.refused_at = place.as_ref().map(shown).unwrap_or_default();
                report.refused_why = why.to_owned();
            }
        }
        self.tell_losses(false);
    }

    /// The server has dealt with a body of this size.
    pub(super) fn note_success(&mut self, size: usize) {
        self.pace.succeeded(size);
        self.key_is_known();
        self.progress.succeeded(self.clock.now());
        let now = self.clock.monotonic();
        let report = &mut self.state.report;
        // Whatever it was that kept events back, its end is one line.
        let ends = [report.outage.ended(now), report.everything.ended(now)];
        if let Some(outage) = ends.into_iter().flatten().max() {
            let (server, seconds) = (&self.plan.server, outage.as_secs());
            self.logger.info(format_args!("Uploads to {server} work again, after {seconds} s of failures"));
        }
    }

    /// The server takes requests with the key.
    pub(super) fn key_is_known(&mut self) {
        self.state.knocks.begin_anew();
        self.progress.key_accepted();
        if let Some(outage) = self.state.report.key.ended(self.clock.monotonic()) {
            let (worker, server, seconds) = (&self.plan.id.worker, &self.plan.server, outage.as_secs());
            self.logger
                .info(format_args!("{server} accepts the key of worker {worker} after {seconds} s; uploads go on"));
        }
    }

    pub(super) fn tell_trouble(&mut self, trouble: &Trouble) {
        if self.state.report.outage.failed(&trouble.kind, self.clock.monotonic()) {
            let Self { plan, .. } = self;
            self.logger.warn(format_args!(
                "Cannot upload to {} (session {}): {}. It is tried again until it works; nothing is lost meanwhile",
                plan.server, plan.id, trouble.text
            ));
        }
    }

    pub(super) fn tell_refused_key(&mut self, text: &str) {
        if self.state.report.key.failed("key refused", self.clock.monotonic()) {
            let Self { plan, .. } = self;
            self.logger.error(format_args!(
                "{} refuses the api key of worker {}: {text}. Its files wait, and nothing is dropped; only a request \
                 without events asks now and then whether the key is accepted. A changed key is used at once",
                plan.server, plan.id.worker
            ));
        }
    }

    pub(super) fn tell_everything_refused(&mut self) {
        if self.state.report.everything.failed("everything refused", self.clock.monotonic()) {
            let Self { plan, state, .. } = self;
            self.logger.error(format_args!(
                "{} accepts the api key of worker {} and refuses every event, {} in a row now; each further one waits, \
                 so that few are dropped until somebody has looked at it",
                plan.server, plan.id.worker, state.refused_in_a_row
            ));
        }
    }

    pub(super) fn tell_too_large_request(&mut self, text: &str) {
        self.state.report.split.add(1);
        if let Some(requests) = self.state.report.split.due(self.clock.monotonic(), false) {
            let (plan, limit) = (&self.plan, self.state.limit.now());
            let (noun, verb) = if requests == 1 { ("request", "It is") } else { ("requests", "They are") };
            self.logger.info(format_args!(
                "{requests} {noun} too large for {} ({text}). {verb} sent in parts, and the next ones have at most \
                 {limit} bytes before compression (max_allowed_request_size is {})",
                plan.server, plan.pacing.max_request_size
            ));
        }
    }

    /// Tells of events that will not arrive; at the end of the session (`last`) of all that were not told of.
    pub(super) fn tell_losses(&mut self, last: bool) {
        let now = self.clock.monotonic();
        let Self { plan, state, logger, .. } = self;
        let report = &mut state.report;
        if let Some(events) = report.discarded.due(now, last) {
            let (noun, verb) = if events == 1 { ("event", "it is") } else { ("events", "they are") };
            logger.warn(format_args!("{} asked to discard {events} {noun}; {verb} not sent again", plan.server));
        }
        if let Some(events) = report.too_large.due(now, last) {
            let limit = plan.pacing.max_request_size;
            let what = if events == 1 { "event that fits" } else { "events that fit" };
            logger.warn(format_args!(
                "Dropped {events} {what} into no request of max_allowed_request_size ({limit} bytes), or of the size \
                 that the server takes, the last one {}",
                report.too_large_at
            ));
        }
        if let Some(events) = report.refused.due(now, last) {
            let noun = if events == 1 { "event" } else { "events" };
            // Quoted once: a quotation that holds what the server refuses would be refused, and told of, again and again.
            let why = match report.refused_why == report.refused_quoted {
                true => "as before".to_owned(),
                false => report.refused_why.clone(),
            };
            report.refused_quoted.clone_from(&report.refused_why);
            logger.warn(format_args!(
                "Dropped {events} {noun} that {} refuses, also in a request by itself: {}{}; {why}",
                plan.server,
                if events == 1 { "" } else { "the last one " },
                report.refused_at
            ));
        }
    }
}

/// `of /var/log/a.log, bytes 10 to 20`.
fn shown(Place { file, begin, end }: &Place) -> String {
    let path = file.path.display();
    if begin < end { format!("of {path}, bytes {begin} to {end}") } else { format!("of {path}, at byte {begin}") }
}
