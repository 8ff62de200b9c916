//! One connection: one request, one answer, and then it is closed. Nothing in here waits.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, TcpStream};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;

use super::answer::Answer;
use super::request::{self, MAX_HEAD, Request};

/// How long the head of a request may take to come.
const HEAD_WITHIN: Duration = Duration::from_secs(5);
/// How long a client may take to read its answer.
const READ_WITHIN: Duration = Duration::from_secs(20);
/// How long is waited for a client to close its side: closing first, with bytes unread, would reset the connection, and
/// the client might lose the end of its answer.
const CLOSED_WITHIN: Duration = Duration::from_secs(1);
/// So much is read or written at a time, so that each connection has its turn.
const AT_ONCE: usize = 64 * 1024;

/// How far it is.
enum Stage {
    /// The head comes.
    Reading(Vec<u8>),
    /// The answer goes; so much of it has left.
    Writing(Vec<u8>, usize),
    /// The answer has left.
    Closing,
}

/// One connection.
pub(super) struct Connection {
    stream: TcpStream,
    peer: IpAddr,
    stage: Stage,
    deadline: Instant,
}

/// What became of a turn.
pub(super) enum Turn {
    /// Something is still to come or to go.
    Waits,
    /// A request has come whole: [`answer`](Connection::answer) it.
    Asks(Request),
    /// It is over.
    Over,
}

impl Connection {
    /// A connection that was just accepted.
    pub(super) fn new(stream: TcpStream, peer: IpAddr, now: Instant) -> std::io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { stream, peer: household(peer), stage: Stage::Reading(Vec::new()), deadline: now + HEAD_WITHIN })
    }

    /// The socket.
    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Whose it is: one address, all of this host's own, or a network of IPv6 that is mostly one host's.
    pub(super) fn peer(&self) -> IpAddr {
        self.peer
    }

    /// Whether its request has not come yet.
    pub(super) fn is_reading(&self) -> bool {
        matches!(self.stage, Stage::Reading(_))
    }

    /// What to wait for.
    pub(super) fn waits_for(&self) -> PollFlags {
        match self.stage {
            Stage::Reading(_) | Stage::Closing => PollFlags::IN,
            Stage::Writing(..) => PollFlags::OUT,
        }
    }

    /// When it is given up.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Bytes of the answer that it holds.
    pub(super) fn held(&self) -> usize {
        match &self.stage {
            Stage::Writing(bytes, _) => bytes.len(),
            Stage::Reading(_) | Stage::Closing => 0,
        }
    }

    /// Does what can be done without waiting.
    pub(super) fn go_on(&mut self, host_name: &str, now: Instant) -> Turn {
        if now >= self.deadline {
            return self.give_up(now);
        }
        match &mut self.stage {
            Stage::Reading(head) => {
                let mut buffer = [0; MAX_HEAD];
                // Never more than the head that is allowed.
                let room = MAX_HEAD - head.len().min(MAX_HEAD - 1);
                match self.stream.read(&mut buffer[..room]) {
                    Ok(0) => return Turn::Over,
                    Ok(count) => head.extend_from_slice(&buffer[..count]),
                    Err(error) => return Self::after(&error),
                }
                match request::read(head, host_name) {
                    Ok(None) => Turn::Waits,
                    Ok(Some(request)) => Turn::Asks(request),
                    Err(refusal) => {
                        self.answer(refusal, true, now);
                        self.write(now)
                    }
                }
            }
            Stage::Writing(..) => self.write(now),
            Stage::Closing => match self.stream.read(&mut [0; 4096]) {
                Ok(0) => Turn::Over,
                Ok(_) => Turn::Waits,
                Err(error) => Self::after(&error),
            },
        }
    }

    /// Begins to answer; with the body or without.
    pub(super) fn answer(&mut self, answer: Answer, with_body: bool, now: Instant) {
        self.stage = Stage::Writing(answer.into_bytes(with_body), 0);
        self.deadline = now + READ_WITHIN;
    }

    /// Its time is over, or its place is wanted for another one. A request that did not come whole is told so, as far as
    /// that goes at once.
    pub(super) fn give_up(&mut self, now: Instant) -> Turn {
        if matches!(&self.stage, Stage::Reading(head) if !head.is_empty()) {
            let text = format!("no whole request came within {} s", HEAD_WITHIN.as_secs());
            self.answer(Answer::refusal(408, text), true, now);
            self.write(now);
        }
        Turn::Over
    }

    fn write(&mut self, now: Instant) -> Turn {
        let Stage::Writing(bytes, sent) = &mut self.stage else { return Turn::Waits };
        let rest = &bytes[*sent..];
        match self.stream.write(&rest[..rest.len().min(AT_ONCE)]) {
            Ok(0) => return Turn::Over,
            Ok(count) => *sent += count,
            Err(error) => return Self::after(&error),
        }
        if *sent < bytes.len() {
            return Turn::Waits;
        }
        self.stage = Stage::Closing;
        self.deadline = now + CLOSED_WITHIN;
        if self.stream.shutdown(Shutdown::Write).is_ok() { Turn::Waits } else { Turn::Over }
    }

    /// An error of a socket that does not wait.
    fn after(error: &std::io::Error) -> Turn {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::Interrupted => Turn::Waits,
            _ => Turn::Over,
        }
    }
}

/// Addresses that one client can have at will are one.
fn household(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        loopback if loopback.is_loopback() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_one_client_has_at_will_are_one() {
        let of = |text: &str| household(text.parse().unwrap()).to_string();
        assert_eq!(["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.3"].map(of), ["127.0.0.1"; 4]);
        assert_eq!(["2001:db8::1", "2001:db8::ffff:0:0:7"].map(of), ["2001:db8::"; 2]);
        assert_eq!(["192.0.2.1", "::ffff:192.0.2.1"].map(of), ["192.0.2.1"; 2]);
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
