//! How the bytes of a connection become messages (RFC 6587): counted in bytes, or ended by a delimiter.
//!
//! Nothing is kept here but where in a message that is too long the connection stands: bytes that are no whole message stay
//! with the caller, and come again with more behind them.

use memchr::{memchr, memmem};

use super::options::RequestParser;

/// The rules of all connections.
#[derive(Debug)]
pub(super) struct Framing {
    /// Whether a message may begin with its length.
    counted: bool,
    delimiter: Vec<u8>,
    /// Finds a delimiter of several bytes.
    finder: memmem::Finder<'static>,
    /// A message that is longer is handed on in parts.
    longest: usize,
}

/// Where one connection stands.
#[derive(Debug, Default)]
pub(super) struct Framer {
    state: State,
    /// So many bytes from the beginning are known to hold no delimiter.
    searched: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// At the beginning of a message.
    #[default]
    Start,
    /// In a counted message of which parts were handed on.
    Counted { left: usize },
    /// In a text of which parts were handed on.
    Text,
}

/// How a message begins.
#[derive(Debug, PartialEq, Eq)]
enum Head {
    /// With its length in bytes, so many bytes before it.
    Counted {
        head: usize,
        length: usize,
    },
    Text,
    /// More bytes will tell.
    Unknown,
}

/// What was made of some bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Framed {
    /// So many of them are done with.
    pub(super) taken: usize,
    /// Messages that were so long that they are handed on in parts.
    pub(super) too_long: u64,
}

/// The digits of a length at most.
const MOST_DIGITS: usize = 10;

impl Framing {
    pub(super) fn new(parser: RequestParser, delimiter: &[u8], longest: usize) -> Self {
        let delimiter = if parser == RequestParser::Batch { delimiter } else { b"\n" };
        Self {
            counted: parser != RequestParser::Raw,
            finder: memmem::Finder::new(delimiter).into_owned(),
            delimiter: delimiter.to_vec(),
            longest: longest.max(1),
        }
    }

    fn find(&self, bytes: &[u8]) -> Option<usize> {
        match self.delimiter.as_slice() {
            [byte] => memchr(*byte, bytes),
            _ => self.finder.find(bytes),
        }
    }

    /// How a message begins that these bytes begin with.
    fn head(&self, bytes: &[u8]) -> Head {
        if !self.counted || !matches!(bytes.first(), Some(b'1'..=b'9')) {
            return Head::Text;
        }
        let digits = bytes.iter().take(MOST_DIGITS).take_while(|byte| byte.is_ascii_digit()).count();
        match bytes.get(digits) {
            None => Head::Unknown,
            Some(b' ') => {
                let number = bytes[..digits]
                    .iter()
                    .fold(0_usize, |sum, digit| sum.saturating_mul(10).saturating_add(usize::from(digit - b'0')));
                let head = digits + 1;
                // So long a one is believed only when a message of syslog begins there, which it does with its priority.
                match (number > self.longest, bytes.get(head)) {
                    (true, None) => Head::Unknown,
                    (true, Some(first)) if *first != b'<' => Head::Text,
                    _ => Head::Counted { head, length: number },
                }
            }
            Some(_) => Head::Text,
        }
    }

    /// The end of the first part of a message that is too long: not within a character of UTF-8, if that can be.
    fn part(&self, bytes: &[u8]) -> usize {
        let is_boundary = |&at: &usize| bytes.get(at).is_none_or(|byte| byte & 0xc0 != 0x80);
        let most = self.longest.min(bytes.len());
        (most.saturating_sub(3).max(1)..=most).rev().find(is_boundary).unwrap_or(most)
    }
}

impl Framer {
    /// Hands on the whole messages that the bytes begin with. What is not taken of the bytes has to come again, with more
    /// behind it.
    pub(super) fn take(&mut self, rules: &Framing, bytes: &[u8], mut message: impl FnMut(&[u8])) -> Framed {
        let mut framed = Framed::default();
        while framed.taken < bytes.len() {
            let rest = &bytes[framed.taken..];
            let taken = match self.state {
                State::Counted { left } => self.more_of_counted(rules, left, rest, &mut message),
                State::Text => self.text(rules, rest, false, &mut framed.too_long, &mut message),
                State::Start => match rules.head(rest) {
                    Head::Unknown => 0,
                    Head::Text => self.text(rules, rest, true, &mut framed.too_long, &mut message),
                    Head::Counted { head, length } if length > rules.longest => {
                        framed.too_long += 1;
                        self.state = State::Counted { left: length };
                        head
                    }
                    Head::Counted { head, length } => match rest.get(head..head + length) {
                        Some(whole) => {
                            message(whole);
                            head + length
                        }
                        None => 0,
                    },
                },
            };
            if taken == 0 {
                break;
            }
            framed.taken += taken;
        }
        framed
    }

    /// A further part of a counted message.
    fn more_of_counted(&mut self, rules: &Framing, left: usize, rest: &[u8], message: &mut impl FnMut(&[u8])) -> usize {
        let wanted = left.min(rules.longest);
        if rest.len() < wanted {
            return 0;
        }
        let taken = if left > wanted { rules.part(rest) } else { left };
        message(&rest[..taken]);
        self.state = if taken == left { State::Start } else { State::Counted { left: left - taken } };
        taken
    }

    /// Text up to its delimiter, or a part of it when it is too long. What stands behind such a part may be nothing.
    fn text(
        &mut self,
        rules: &Framing,
        rest: &[u8],
        is_whole: bool,
        too_long: &mut u64,
        message: &mut impl FnMut(&[u8]),
    ) -> usize {
        // A delimiter may have begun in the bytes that were searched.
        let from = self.searched.saturating_sub(rules.delimiter.len() - 1).min(rest.len());
        match rules.find(&rest[from..]).map(|at| from + at) {
            Some(end) if end <= rules.longest => {
                if end > 0 || is_whole {
                    message(&rest[..end]);
                }
                (self.state, self.searched) = (State::Start, 0);
                end + rules.delimiter.len()
            }
            None if rest.len() < rules.longest + rules.delimiter.len() => {
                self.searched = rest.len();
                0
            }
            Some(_) | None => {
                let taken = rules.part(rest);
                message(&rest[..taken]);
                *too_long += u64::from(is_whole);
                (self.state, self.searched) = (State::Text, 0);
                taken
            }
        }
    }

    /// Hands on what is left, as it is, though it is no whole message: nothing more comes, or not in time. What comes all
    /// the same goes on in the same message.
    pub(super) fn flush(&mut self, rules: &Framing, bytes: &[u8], mut message: impl FnMut(&[u8])) {
        if bytes.is_empty() {
            return;
        }
        message(bytes);
        self.searched = 0;
        self.state = match self.state {
            State::Counted { left } if bytes.len() < left => State::Counted { left: left - bytes.len() },
            State::Counted { .. } => State::Start,
            State::Text => State::Text,
            State::Start => match rules.head(bytes) {
                Head::Counted { head, length } if head + length > bytes.len() => {
                    State::Counted { left: head + length - bytes.len() }
                }
                _ => State::Text,
            },
        };
    }
}

#[cfg(test)]
mod tests;
