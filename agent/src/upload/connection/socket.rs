//! A TCP socket every wait of which is bounded, and ends at once when it is interrupted.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

use super::failure::Failure;
use super::watch::{LONGEST, Watch};

/// Nobody sleeps longer than this without a look at the clock and another try. The system calls a socket writable when a
/// third of its buffer is free, which takes long on a slow line; less than that can be written before.
const LOOK: Duration = Duration::from_millis(500);

/// What is waited for, and how long.
#[derive(Clone, Debug)]
pub(super) enum Patience {
    /// Something that has to be there at that moment, else it fails with this.
    Until(Instant, Failure),
    /// The next bytes to be taken by the other side: `request_deadline` for each.
    Progress {
        /// The other side.
        peer: String,
        /// When bytes were taken last.
        since: Instant,
    },
}

/// A connected socket. Reading and writing wait as its [`Patience`] says.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    watch: Arc<Watch>,
    pub(super) patience: Patience,
    /// A write ends with [`ErrorKind::WouldBlock`] when it would have to wait while there is something to read.
    pub(super) listens: bool,
    /// Since when, and for how many bytes so far, the other side had to be waited for in this request.
    throttled: Option<(Instant, u64)>,
}

impl Socket {
    /// Connects.
    ///
    /// # Errors
    /// Those of the system; the failure of `patience` when it takes too long.
    pub(super) fn connect(address: SocketAddr, watch: &Arc<Watch>, patience: Patience) -> io::Result<Self> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
        let begun = rustix::net::connect(&socket, &address);
        let stream = TcpStream::from(socket);
        let socket = Self { stream, watch: Arc::clone(watch), patience, listens: false, throttled: None };
        match begun {
            Ok(()) => {}
            Err(Errno::INPROGRESS | Errno::INTR) => {
                while !socket.wait(PollFlags::OUT)?.contains(PollFlags::OUT) {}
                sockopt::socket_error(&socket.stream)??;
            }
            Err(error) => return Err(error.into()),
        }
        // A request is written in pieces as large as they can be.
        socket.stream.set_nodelay(true)?;
        Ok(socket)
    }

    /// A request begins to be sent.
    pub(super) fn begin(&mut self, peer: String) {
        self.patience = Patience::Progress { peer, since: self.watch.clock.monotonic() };
        self.throttled = None;
    }

    /// How long the system may need to send what it has taken: at the pace at which the other side took the rest, for at
    /// most as much as a socket's buffer can hold. Nothing where it never had to be waited for.
    pub(super) fn still_sending(&self) -> Duration {
        let Some((since, bytes)) = self.throttled else { return Duration::ZERO };
        let buffered = sockopt::socket_send_buffer_size(&self.stream).unwrap_or(0);
        let elapsed = self.watch.clock.monotonic().saturating_duration_since(since);
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let seconds = elapsed.as_secs_f64() * buffered as f64 / bytes.max(1) as f64;
        // No more than the exchange may be slow.
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX).min(self.watch.deadline.saturating_mul(4))
    }

    /// Whether there is something to read now, the end included.
    pub(super) fn has_input(&self) -> bool {
        let mut fds = [PollFd::new(&self.stream, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
    }

    /// Waits until one of the events happens, or [`LOOK`] is over; an error of the socket is an event.
    fn wait(&self, events: PollFlags) -> io::Result<PollFlags> {
        let now = self.watch.clock.monotonic();
        let until = match &self.patience {
            Patience::Until(until, _) => *until,
            Patience::Progress { since, .. } => self.watch.after(*since, 1).min(self.watch.last_moment()),
        };
        let left = until.saturating_duration_since(now);
        let pause = left.min(LOOK).max(Duration::from_millis(1));
        let pause = Timespec { tv_sec: 0, tv_nsec: pause.subsec_nanos().into() };
        let interrupt = self.watch.interrupt.readable();
        let mut fds = [PollFd::new(&self.stream, events), PollFd::from_borrowed_fd(interrupt, PollFlags::IN)];
        match poll(&mut fds, Some(&pause)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if !fds[1].revents().is_empty() {
            return Err(self.give_up(interrupted()));
        }
        let ready = fds[0].revents();
        // Bytes that come one by one do not buy more time.
        if left.is_zero() && (ready.is_empty() || matches!(self.patience, Patience::Until(..))) {
            return Err(self.give_up(self.too_late(now)));
        }
        // Whoever waited finds the error, or the end, by what it tries next.
        Ok(if ready.intersects(PollFlags::ERR | PollFlags::HUP) { ready | events } else { ready })
    }

    fn too_late(&self, now: Instant) -> Failure {
        match &self.patience {
            Patience::Until(_, failure) => failure.clone(),
            Patience::Progress { peer, .. } if now >= self.watch.last_moment() => {
                let deadline = self.watch.deadline_text();
                Failure::new(
                    "upload too slow",
                    format!("{peer} did not take the request within {LONGEST} × {deadline}"),
                )
            }
            Patience::Progress { peer, .. } => {
                let deadline = self.watch.deadline_text();
                Failure::new("upload stalled", format!("{peer} took nothing more of the request within {deadline}"))
            }
        }
    }

    fn give_up(&self, failure: Failure) -> io::Error {
        self.watch.fail(failure.clone());
        failure.into()
    }

    fn write_with(&mut self, mut write: impl FnMut(&TcpStream) -> io::Result<usize>) -> io::Result<usize> {
        if self.watch.interrupt.is_cut() {
            return Err(self.give_up(interrupted()));
        }
        if matches!(self.patience, Patience::Progress { .. })
            && self.watch.clock.monotonic() >= self.watch.last_moment()
        {
            return Err(self.give_up(self.too_late(self.watch.clock.monotonic())));
        }
        let wanted = if self.listens { PollFlags::OUT | PollFlags::IN } else { PollFlags::OUT };
        loop {
            match write(&self.stream) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Ok(bytes) => {
                    self.note_written(bytes);
                    return Ok(bytes);
                }
                Err(error) => return Err(error),
            }
            self.throttled.get_or_insert((self.watch.clock.monotonic(), 0));
            let ready = self.wait(wanted)?;
            if self.listens && ready.contains(PollFlags::IN) && !ready.contains(PollFlags::OUT) {
                return Err(ErrorKind::WouldBlock.into());
            }
        }
    }

    fn note_written(&mut self, bytes: usize) {
        self.watch.moves(bytes);
        let now = self.watch.clock.monotonic();
        if let Patience::Progress { since, .. } = &mut self.patience {
            *since = now;
        }
        if let Some((_, taken)) = &mut self.throttled {
            *taken += bytes as u64;
        }
    }

    /// Reads what is there, without waiting: [`ErrorKind::WouldBlock`] when that is nothing.
    pub(super) fn read_now(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = (&self.stream).read(buffer);
        read.inspect(|bytes| self.watch.moves(*bytes))
    }
}

fn interrupted() -> Failure {
    Failure::new("interrupted", "the upload was interrupted")
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            while self.wait(PollFlags::IN)?.is_empty() {}
            match self.read_now(buffer) {
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                result => return result,
            }
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_with(|mut stream| stream.write(bytes))
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write_with(|mut stream| stream.write_vectored(pieces))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads what is there, without waiting.
pub(super) struct Now<'a>(pub(super) &'a mut Socket);

impl Read for Now<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_now(buffer)
    }
}
