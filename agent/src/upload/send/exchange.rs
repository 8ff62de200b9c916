//! One exchange with the server: a whole request, a part of it, or a probe.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use scalyr_monitor::{Level, Timestamp};

use super::super::answer::{Answer, Sent, Trouble, judge, unanswered, unreached};
use super::super::client::Client;
use super::super::compress::{CompressError, SharedCompressor};
use super::super::request::Request;
use super::Send;

/// A body that has waited longer than this many seconds gets a new `client_time` before it leaves.
const STALE_SECONDS: i64 = 2;

/// A part of a request, or a probe, in buffers of its own.
#[derive(Default)]
pub(super) struct Part {
    body: Vec<u8>,
    /// The compressed body; empty when nothing is compressed.
    packed: Vec<u8>,
}

impl Part {
    fn write(
        &mut self,
        request: &Request,
        events: Range<usize>,
        now: Timestamp,
        compressor: &SharedCompressor,
    ) -> Result<(), CompressError> {
        let files = request.next_files(events.len());
        request.body().write_part(events, &files, now.as_secs(), &mut self.body);
        compressor.compress(&self.body, &mut self.packed)
    }

    fn payload(&self) -> &[u8] {
        if self.packed.is_empty() { &self.body } else { &self.packed }
    }
}

impl Send {
    /// Sends these events of a request, the next ones that are to be settled. The second part of the result is the size of
    /// the body.
    pub(super) fn send(&mut self, request: &mut Request, events: Range<usize>) -> (Result<Answer, Trouble>, usize) {
        let source = request.source_bytes();
        if events == (0..request.body().events()) {
            let size = request.body().bytes().len();
            if let Err(trouble) = self.freshen(request) {
                return (Err(trouble), size);
            }
            self.leaves(size, source);
            return (self.guarded(Sent::Events, request.payload(), size), size);
        }
        if self.state.part.packed.capacity() == 0 {
            self.state.part.packed = request.take_packed();
        }
        let (part, written) = self.part(request, events);
        let size = part.body.len();
        let answer = written.and_then(|()| {
            self.leaves(size, source);
            self.guarded(Sent::Events, part.payload(), size)
        });
        self.state.part = part;
        (answer, size)
    }

    /// Sends a request without events, of the same session.
    pub(super) fn knock(&mut self, request: &Request) -> Result<Answer, Trouble> {
        let (part, written) = self.part(request, 0..0);
        let answer = written.and_then(|()| {
            self.progress.knocks(self.clock.now());
            self.guarded(Sent::Probe, part.payload(), part.body.len())
        });
        self.state.part = part;
        answer
    }

    /// In buffers that are to be given back to the state. It must not be sent when it could not be compressed.
    fn part(&mut self, request: &Request, events: Range<usize>) -> (Part, Result<(), Trouble>) {
        let mut part = std::mem::take(&mut self.state.part);
        let written = part.write(request, events, self.clock.now(), &self.compressor);
        (part, written.map_err(|error| unanswered(&error.to_string(), &self.plan.hidden)))
    }

    fn leaves(&mut self, size: usize, source: u64) {
        self.pace.started(self.clock.monotonic());
        self.progress.leaves(self.clock.now(), size, source);
    }

    /// A panic in the exchange (a mistake of ours or of a library) is a failure like any other: the request is still here.
    fn guarded(&mut self, sent: Sent, payload: &[u8], size: usize) -> Result<Answer, Trouble> {
        let result = catch_unwind(AssertUnwindSafe(|| self.exchange(sent, payload, size)));
        let answer = result.unwrap_or_else(|panic| {
            self.state.client = None;
            let text = super::panic_text(&*panic);
            self.logger.at(Level::Critical, format_args!("The upload to {} panicked: {text}", self.plan.server));
            Err(unanswered(&format!("the upload panicked: {text}"), &self.plan.hidden))
        });
        let status = match &answer {
            Ok(answer) => &answer.status,
            Err(trouble) => &trouble.kind,
        };
        self.progress.lock().last_status = Some(status.clone());
        let request =
            format_args!("{sent:?}: {size} bytes, {} packed, to {}: {status}", payload.len(), self.plan.server);
        self.logger.at(Level::Debug2, request);
        answer
    }

    fn exchange(&mut self, sent: Sent, payload: &[u8], size: usize) -> Result<Answer, Trouble> {
        let hidden = &self.plan.hidden;
        if self.state.client.is_none() {
            let client = Client::new(&self.plan, &self.clock, &self.threads).map_err(|why| unanswered(&why, hidden))?;
            self.lifeline.hold(&client);
            self.state.client = Some(client);
        }
        self.state.unverified.tell(&self.plan, &self.logger, self.clock.monotonic());
        let Some(client) = &self.state.client else { return Err(unanswered("there is no client", hidden)) };
        let (before, resent_before) = (client.connections(), client.resent());
        let begin = self.clock.monotonic();
        let reply = client.post(payload, &self.user_agent.header());
        let took = self.clock.monotonic().saturating_duration_since(begin);
        {
            let (opened, established) = client.connections();
            let connected = established - before.1;
            // Over the connection that was kept, or over a new one; otherwise it never left.
            let has_left = opened == before.0 || connected > 0;
            let mut progress = self.progress.lock();
            progress.request_seconds += took.as_secs_f64();
            progress.connections_opened += connected;
            progress.requests_resent += client.resent() - resent_before;
            let slow = reply.as_ref().map_or_else(|failure| failure.slow, |reply| reply.slow);
            progress.requests_slow += u64::from(slow);
            if slow && sent == Sent::Events {
                self.state.limit.took_too_long(size);
            }
            if sent == Sent::Events {
                self.state.unanswered |= has_left && reply.is_err();
                if !self.state.unanswered {
                    progress.unanswered_bytes = 0;
                }
            }
            if has_left {
                match sent {
                    Sent::Events => progress.requests_sent += 1,
                    Sent::Probe => progress.probes_sent += 1,
                }
                progress.bytes_raw += size as u64;
                progress.bytes_compressed += payload.len() as u64;
            }
            progress.last_response_bytes = reply.as_ref().ok().map(|reply| reply.body.len() as u64);
            progress.bytes_received += reply.as_ref().map_or(0, |reply| reply.body.len() as u64);
        }
        let reply = reply.map_err(|failure| unreached(&failure, hidden))?;
        Ok(judge(&reply, hidden, sent, self.clock.now()))
    }

    /// Gives a body that has waited a new `client_time`; its events stay as they are. One that could not be compressed is
    /// tried again, and never leaves otherwise.
    fn freshen(&mut self, request: &mut Request) -> Result<(), Trouble> {
        let now = self.clock.now();
        let is_stale = now.as_secs().abs_diff(request.body().stamped()) > STALE_SECONDS.unsigned_abs();
        if is_stale || request.not_compressed().is_some() {
            request.body_mut().stamp(now);
            request.compress(&self.compressor);
        }
        match request.not_compressed() {
            Some(error) => Err(unanswered(&error.to_string(), &self.plan.hidden)),
            None => Ok(()),
        }
    }
}
