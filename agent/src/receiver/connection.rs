//! One connection: request by request, what was asked for, what the fault script says, what is answered.

use std::net::SocketAddr;
use std::time::Duration;

use super::Shared;
use super::body::Request;
use super::decompress::{DecompressError, decompressed};
use super::faults::{Action, Body, Fault, Script};
use super::http::{Answer, End, Head, Wire, refuse};
use super::store::Sizes;

/// How large the text of a fault script may be.
const MAX_SCRIPT: usize = 64 * 1024;
/// Buffers that a large request made larger than this are given back.
const KEEP_BYTES: usize = 8 << 20;
/// How often a paused connection looks whether its client is still there.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The padding of a huge answer, in bytes.
const HUGE: usize = 1 << 20;

const FAULT_TEXT: &str = "the receiver was told to answer this";

/// What happens to the connection after a request.
enum Next {
    Keep,
    Close,
}

/// Why a request that could be accepted is not.
enum Refusal {
    /// The fault script says so.
    Told(Answer),
    /// Something is wrong with it.
    Mistake(Answer),
}

/// One connection and its buffers.
pub(super) struct Connection<'s> {
    shared: &'s Shared,
    number: u64,
    peer: SocketAddr,
    wire: Wire,
    body: Vec<u8>,
    inflated: Vec<u8>,
}

impl<'s> Connection<'s> {
    pub(super) fn new(shared: &'s Shared, number: u64, peer: SocketAddr, wire: Wire) -> Self {
        Self { shared, number, peer, wire, body: Vec::new(), inflated: Vec::new() }
    }

    /// Answers requests until the connection or the receiver comes to its end.
    pub(super) fn serve(mut self) {
        while !self.shared.stop.is_stopped() {
            match self.turn() {
                Ok(Next::Keep) => {
                    self.body.clear();
                    self.body.shrink_to(KEEP_BYTES);
                    self.inflated.clear();
                    self.inflated.shrink_to(KEEP_BYTES);
                }
                Ok(Next::Close) | Err(End::Quiet) => return,
                Err(End::Refuse(answer)) => {
                    if self.wire.send(&Answer { close: true, ..answer }.to_bytes()).is_ok() {
                        self.wire.linger();
                    }
                    return;
                }
                Err(End::Failed(error)) => {
                    self.note_error(error);
                    return;
                }
            }
        }
    }

    fn turn(&mut self) -> Result<Next, End> {
        let head = self.wire.read_head()?;
        let path = head.path.split('?').next().unwrap_or_default().to_owned();
        match (head.method.as_str(), path.as_str()) {
            ("POST", "/addEvents") => {
                self.shared.store.note(|summary| summary.requests += 1);
                let fault = self.shared.faults.take();
                let result = self.add_events(&head, fault);
                self.shared.store.note(|summary| summary.finished += 1);
                result
            }
            (method, "/control/summary" | "/control/faults") => {
                let answer = self.control(method, &path, &head)?;
                self.answer(answer, &head)
            }
            (_, "/addEvents") => Err(refuse(405, "events are sent with POST")),
            _ => Err(refuse(404, "there is only POST /addEvents, GET /control/summary and POST /control/faults")),
        }
    }

    fn add_events(&mut self, head: &Head, fault: Fault) -> Result<Next, End> {
        if fault.action == Action::CutHead {
            return Ok(self.withhold());
        }
        if let Err(end) = self.read_body(head, self.shared.options.max_body) {
            self.note_refusal(match &end {
                End::Refuse(answer) => answer.body.clone(),
                End::Failed(error) => error.clone(),
                End::Quiet => String::new(),
            });
            return Err(end);
        }
        if fault.delay.is_some() && !self.pause(fault.delay) {
            return Ok(self.withhold());
        }
        let mut answer = match &fault.action {
            Action::Status(status) => Answer::error(200, status, FAULT_TEXT),
            Action::Http(code, body) => http_fault(*code, *body),
            Action::Key => Answer::error(200, "error/client/badParam", FAULT_TEXT),
            Action::Huge => {
                Answer::json(200, format!("{{\"status\":\"success\",\"padding\":\"{}\"}}", "x".repeat(HUGE)))
            }
            Action::Stall | Action::Cut => {
                if fault.action == Action::Stall {
                    self.pause(None);
                }
                return Ok(self.withhold());
            }
            _ => match self.accept(head, &fault) {
                Ok(answer) => return self.answer_accepted(answer, head, &fault),
                Err(Refusal::Told(answer)) => answer,
                Err(Refusal::Mistake(answer)) => {
                    self.note_refusal(answer.body.clone());
                    return self.answer(answer, head);
                }
            },
        };
        self.withhold();
        answer.retry_after = fault.retry_after;
        self.answer(answer, head)
    }

    /// Decompresses, checks and stores what was read.
    fn accept(&mut self, head: &Head, fault: &Fault) -> Result<Answer, Refusal> {
        let bad = |code, text: String| Refusal::Mistake(Answer::error(code, "error/client/badParam", &text));
        let (encoding, max) = (head.encoding.as_deref(), self.shared.options.max_decompressed);
        let body = decompressed(encoding, &self.body, &mut self.inflated, max).map_err(|error| match error {
            DecompressError::TooLarge(_) => Refusal::Mistake(too_large(&error.to_string())),
            DecompressError::Unknown(_) => bad(415, error.to_string()),
            DecompressError::Broken(..) => bad(400, error.to_string()),
        })?;
        let limit = fault.too_large.and_then(|bytes| usize::try_from(bytes).ok());
        if limit.is_some_and(|limit| body.len() > limit) {
            return Err(Refusal::Told(too_large(FAULT_TEXT)));
        }
        let request = Request::parse(body).map_err(|error| bad(400, error.to_string()))?;
        if let Some(poison) = fault.poison.as_deref()
            && request.events.iter().any(|event| memchr::memmem::find(&event.message, poison.as_bytes()).is_some())
        {
            return Err(Refusal::Told(Answer::error(400, "error/client/badParam", FAULT_TEXT)));
        }
        let sizes = Sizes { wire: self.body.len(), body: body.len() };
        let stored = self.shared.store.accept((self.number, &head.user_agent), (&request, body), sizes);
        stored.map_err(|error| {
            let text = format!("the events could not be stored: {error}");
            Refusal::Mistake(Answer::error(500, "error/server", &text))
        })?;
        Ok(Answer::json(200, format!("{{\"status\":\"success\",\"bytesCharged\":{}}}", sizes.body)))
    }

    /// Answers a request whose events are stored, as the fault says.
    fn answer_accepted(&mut self, mut answer: Answer, head: &Head, fault: &Fault) -> Result<Next, End> {
        answer.retry_after = fault.retry_after;
        match &fault.action {
            Action::CutAccepted => Ok(Next::Close),
            Action::CutAnswer => {
                let bytes = answer.to_bytes();
                let half = bytes.len() - answer.body.len() / 2;
                self.send(&bytes[..half])?;
                Ok(Next::Close)
            }
            Action::Drip(pause) => {
                for byte in answer.to_bytes() {
                    self.send(&[byte])?;
                    if !self.pause(Some(*pause)) {
                        return Ok(Next::Close);
                    }
                }
                Ok(if head.close { Next::Close } else { Next::Keep })
            }
            Action::Late(time) if !self.pause(Some(*time)) => Ok(Next::Close),
            Action::Close => {
                answer.close = true;
                self.answer(answer, head)
            }
            Action::Hangup => self.answer(answer, head).map(|_| Next::Close),
            _ => self.answer(answer, head),
        }
    }

    fn control(&mut self, method: &str, path: &str, head: &Head) -> Result<Answer, End> {
        if !self.peer.ip().is_loopback() {
            return Err(refuse(403, "/control is for clients on this host only"));
        }
        match (method, path) {
            ("GET", "/control/summary") => {
                let summary = serde_json::to_string(&self.shared.store.summary());
                Ok(summary.map_or_else(
                    |error| Answer::error(500, "error/server", &error.to_string()),
                    |text| Answer::json(200, text),
                ))
            }
            ("POST", "/control/faults") => {
                self.read_body(head, MAX_SCRIPT)?;
                let text = String::from_utf8_lossy(&self.body);
                Ok(match text.parse::<Script>() {
                    Ok(script) => {
                        let shown = serde_json::json!({ "status": "success", "faults": script.to_string() });
                        self.shared.faults.set(script);
                        Answer::json(200, shown.to_string())
                    }
                    Err(error) => Answer::error(400, "error/client/badParam", &error.to_string()),
                })
            }
            _ => Err(refuse(405, "there is only GET /control/summary and POST /control/faults")),
        }
    }

    fn read_body(&mut self, head: &Head, max: usize) -> Result<(), End> {
        let Some(length) = head.length else { return Err(refuse(411, "a Content-Length is missing")) };
        match usize::try_from(length) {
            Ok(length) if length <= max => self.wire.read_body(head, length, &mut self.body),
            _ => Err(End::Refuse(too_large(&format!("the body has {length} bytes; at most {max} are taken")))),
        }
    }

    /// Waits for `time`, or for ever; false when the client went away or the receiver stops.
    fn pause(&self, time: Option<Duration>) -> bool {
        let clock = &self.shared.clock;
        let deadline = time.map(|time| clock.monotonic() + time);
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(clock.monotonic()));
            if left.is_some_and(|left| left.is_zero()) {
                return true;
            }
            if self.shared.stop.wait(left.map_or(LOOK_EVERY, |left| left.min(LOOK_EVERY))) || self.wire.is_gone() {
                return false;
            }
        }
    }

    fn answer(&mut self, mut answer: Answer, head: &Head) -> Result<Next, End> {
        answer.close |= head.close;
        self.send(&answer.to_bytes())?;
        Ok(if answer.close { Next::Close } else { Next::Keep })
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), End> {
        self.wire.send(bytes).map_err(|error| End::Failed(format!("an answer could not be sent: {error}")))
    }

    fn withhold(&self) -> Next {
        self.shared.store.note(|summary| summary.withheld += 1);
        Next::Close
    }

    fn note_refusal(&self, error: String) {
        self.shared.store.note(|summary| summary.refused += 1);
        self.note_error(error);
    }

    fn note_error(&self, error: String) {
        // Connections that are cut by the stop are no error.
        if !self.shared.stop.is_stopped() {
            let text = format!("connection {}: {error}", self.number);
            self.shared.store.note(|summary| summary.last_error = Some(text));
        }
    }
}

fn too_large(message: &str) -> Answer {
    Answer::error(413, "error/client/requestTooLarge", message)
}

fn http_fault(code: u16, body: Body) -> Answer {
    let page = |content_type, body: String| Answer { content_type, ..Answer::json(code, body) };
    match body {
        Body::Error => Answer::error(code, "error/server", FAULT_TEXT),
        Body::Success => Answer::json(code, "{\"status\":\"success\",\"bytesCharged\":0}".to_owned()),
        Body::Html => page("text/html", format!("<html><body><h1>{code}</h1>{FAULT_TEXT}</body></html>\n")),
        Body::Empty => Answer::json(code, String::new()),
        Body::Half => Answer::json(code, "{\"status\":\"succ".to_owned()),
    }
}
