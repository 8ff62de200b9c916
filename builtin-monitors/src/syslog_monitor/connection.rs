//! One connection: its socket, and what came of a message that is not complete.

use std::io::{self, ErrorKind, Read};
use std::net::{IpAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::framing::{Framed, Framer, Framing};
use super::output::Source;
use super::tls::TlsStream;

/// So much is read at once.
const READ: usize = 256 * 1024;
/// So much of an incomplete message is put before it; of a longer one the new bytes are put behind.
const BEFORE: usize = 64 * 1024;

/// Memory that connections read into, one after the other.
pub(super) struct Room(Box<[u8]>);

impl Room {
    pub(super) fn new() -> Self {
        Self(vec![0; BEFORE + READ].into())
    }

    /// All of it, for a packet.
    pub(super) fn bytes(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

/// The socket of a connection.
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<TlsStream>),
}

impl Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.read(buffer),
            Self::Unix(socket) => socket.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }

    /// Whether it can be read from again before its socket has something new.
    fn may_hold_more(&self) -> bool {
        matches!(self, Self::Tls(_))
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(socket) => socket.as_fd(),
            Self::Unix(socket) => socket.as_fd(),
            Self::Tls(stream) => stream.socket().as_fd(),
        }
    }
}

/// A connection.
pub(super) struct Connection {
    pub(super) stream: Stream,
    pub(super) source: Rc<Source>,
    /// None of a Unix socket.
    pub(super) ip: Option<IpAddr>,
    framer: Framer,
    /// Of a message that is not complete.
    held: Vec<u8>,
    pub(super) opened: Instant,
    /// When something came last.
    pub(super) heard: Instant,
    /// Whether it is waited for that its socket takes something.
    pub(super) waits_to_send: bool,
    /// Whether it has a turn in the next round, whatever its socket tells.
    pub(super) has_turn: bool,
}

/// How a connection stands when it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// There is nothing more now.
    Waiting,
    /// There may be more.
    Ready,
    /// The other side has closed it.
    Ended,
}

impl Connection {
    pub(super) fn new(stream: Stream, source: Rc<Source>, ip: Option<IpAddr>, now: Instant) -> Self {
        let (framer, held) = (Framer::default(), Vec::new());
        Self { stream, source, ip, framer, held, opened: now, heard: now, waits_to_send: false, has_turn: false }
    }

    /// Reads once, and hands on the whole messages. How many were too long is added to `too_long`.
    ///
    /// # Errors
    /// Those of the socket.
    pub(super) fn receive(
        &mut self,
        room: &mut Room,
        rules: &Framing,
        now: Instant,
        too_long: &mut u64,
        message: &mut dyn FnMut(&[u8]),
    ) -> io::Result<Standing> {
        let begin = if self.held.len() <= BEFORE { self.held.len() } else { 0 };
        let read = match self.stream.read(&mut room.0[begin..begin + READ]) {
            Ok(0) => return Ok(Standing::Ended),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Standing::Waiting),
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(Standing::Ready),
            Err(error) => return Err(error),
        };
        self.heard = now;
        let framed = if begin == self.held.len() {
            room.0[..begin].copy_from_slice(&self.held);
            let bytes = &room.0[..begin + read];
            let framed = self.framer.take(rules, bytes, message);
            self.held.clear();
            self.held.extend_from_slice(&bytes[framed.taken..]);
            framed
        } else {
            self.held.extend_from_slice(&room.0[..read]);
            let framed = self.framer.take(rules, &self.held, message);
            self.held.drain(..framed.taken);
            framed
        };
        let Framed { too_long: more, .. } = framed;
        *too_long += more;
        if self.held.capacity() > 4 * BEFORE && self.held.len() < BEFORE {
            self.held.shrink_to(BEFORE);
        }
        let is_all = read < READ && !self.stream.may_hold_more();
        Ok(if is_all { Standing::Waiting } else { Standing::Ready })
    }

    /// Whether it is a connection with TLS whose sides have not agreed yet.
    pub(super) fn is_handshaking(&self) -> bool {
        matches!(&self.stream, Stream::Tls(stream) if stream.is_handshaking())
    }

    /// How many bytes of an incomplete message it holds.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// Whether what it holds has waited so long for more.
    pub(super) fn is_overdue(&self, patience: Duration, now: Instant) -> bool {
        !self.held.is_empty() && now.saturating_duration_since(self.heard) > patience
    }

    /// Hands on what it holds, though it is no whole message.
    pub(super) fn flush(&mut self, rules: &Framing, message: &mut dyn FnMut(&[u8])) {
        let held = std::mem::take(&mut self.held);
        self.framer.flush(rules, &held, message);
    }
}
