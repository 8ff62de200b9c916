//! How a request comes through that the server does not take as it is: in which parts it is sent, and what each answer
//! means for them. Pure: knows neither sockets nor time.
//!
//! A request that is too large is halved, down to the single event. One that is refused is halved as well, but a server
//! that does not know the key refuses with the same words (`wire-protocol.md` section 9). So a small request without
//! events decides first: taken, the content is to blame; refused too, the key is, and then nothing is halved and nothing
//! dropped. Before a single event is dropped, for its size too, it has been refused twice, with such a probe accepted in
//! between: a server that finds even that too large is out of order, and gets nothing.

use std::ops::Range;

use super::super::request::Ending;
use super::super::wire::Body;

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::upload) enum Step {
    /// Send these events.
    Send(Range<usize>),
    /// Send a request without events.
    Probe,
    /// Everything was dealt with.
    Done,
}

/// What an answer said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::upload) enum Said {
    /// Events are accepted.
    Accepted,
    /// Events are to be discarded.
    Discard,
    /// Too large.
    TooLarge,
    /// Refused: for what is in it, or for the key.
    Refused,
    /// Refused for the key.
    KeyRefused,
    /// Nothing that concerns this request: it is to be tried again.
    Unclear,
}

/// What follows from an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::upload) enum Next {
    /// So many events, the next ones of the request, are dealt with.
    Settle(usize, Ending),
    /// The next step without a pause.
    GoOn,
    /// The same, after the part was split because it is too large.
    Split,
    /// A pause, then the same again.
    Pause,
    /// The key is refused: a longer pause, then a probe.
    Park,
}

/// What is known about a part that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doubt {
    /// It was not.
    None,
    /// A probe is to say whether the key is to blame.
    Raised,
    /// The key was refused, or a probe did not get through: when one does, the part is sent again, as if it had never been
    /// refused.
    Lasting,
    /// A probe was accepted after a single event was refused: when it is refused again, it is dropped.
    OfContent,
}

/// The parts of one request that were not dealt with.
#[derive(Debug)]
pub(in crate::upload) struct Division {
    /// The next one stands last.
    parts: Vec<Range<usize>>,
    doubt: Doubt,
    /// A probe was accepted after a part was refused, so it is the content of some event that the server refuses.
    is_content: bool,
}

impl Division {
    /// Of these events of a request.
    pub(in crate::upload) fn of(events: Range<usize>) -> Self {
        let parts = if events.is_empty() { Vec::new() } else { vec![events] };
        Self { parts, doubt: Doubt::None, is_content: false }
    }

    /// What to do next. Parts are halved first while their bodies would have more than `limit` bytes and halving helps;
    /// `split` is called for each.
    pub(in crate::upload) fn step(&mut self, body: &Body, limit: usize, mut split: impl FnMut()) -> Step {
        if matches!(self.doubt, Doubt::Raised | Doubt::Lasting) {
            return Step::Probe;
        }
        while let Some(part) = self.parts.last().filter(|part| part.len() > 1) {
            let events = body.event_bytes(part);
            let frame = body.bytes().len().saturating_sub(body.event_bytes(&(0..body.events())));
            if events + frame <= limit || events <= frame {
                break;
            }
            self.halve(body);
            split();
        }
        self.parts.last().map_or(Step::Done, |part| Step::Send(part.clone()))
    }

    /// An answer to the part that was to be sent.
    pub(in crate::upload) fn answered(&mut self, said: Said, body: &Body) -> Next {
        let Some(count) = self.parts.last().map(ExactSizeIterator::len) else { return Next::GoOn };
        match said {
            Said::Accepted => self.settle(Ending::Accepted),
            Said::Discard => self.settle(Ending::Discarded),
            Said::TooLarge if count == 1 && self.doubt == Doubt::OfContent => self.settle(Ending::TooLarge),
            Said::TooLarge if count > 1 => {
                self.halve(body);
                Next::Split
            }
            Said::Refused if count == 1 && self.doubt == Doubt::OfContent => self.settle(Ending::Refused),
            Said::Refused if count > 1 && self.is_content => {
                self.halve(body);
                Next::GoOn
            }
            Said::Refused | Said::TooLarge => {
                self.doubt = Doubt::Raised;
                Next::GoOn
            }
            Said::KeyRefused => {
                self.doubt = Doubt::Lasting;
                Next::Park
            }
            Said::Unclear => Next::Pause,
        }
    }

    /// An answer to a probe.
    pub(in crate::upload) fn probed(&mut self, said: Said, body: &Body) -> Next {
        match (said, self.doubt) {
            // Whatever the server wants done with no events, it knows the key.
            (Said::Accepted | Said::Discard, Doubt::Raised) => {
                self.is_content = true;
                if self.parts.last().is_some_and(|part| part.len() > 1) {
                    self.doubt = Doubt::None;
                    self.halve(body);
                } else {
                    self.doubt = Doubt::OfContent;
                }
                Next::GoOn
            }
            (Said::Accepted | Said::Discard, _) => {
                (self.doubt, self.is_content) = (Doubt::None, false);
                Next::GoOn
            }
            (Said::Refused | Said::KeyRefused, _) => {
                self.doubt = Doubt::Lasting;
                Next::Park
            }
            (Said::TooLarge | Said::Unclear, _) => {
                self.doubt = Doubt::Lasting;
                Next::Pause
            }
        }
    }

    /// Whether the server knows the key, and refuses what is in the request.
    pub(in crate::upload) fn blames_content(&self) -> bool {
        self.is_content
    }

    fn settle(&mut self, ending: Ending) -> Next {
        self.doubt = Doubt::None;
        let count = self.parts.pop().map_or(0, |part| part.len());
        Next::Settle(count, ending)
    }

    fn halve(&mut self, body: &Body) {
        let Some(part) = self.parts.pop() else { return };
        let middle = body.middle(&part);
        self.parts.extend([middle..part.end, part.start..middle]);
    }
}
