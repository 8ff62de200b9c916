//! Connections, by TCP.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::{LOOK_UP, TcpOptions, nothing_came, plain};
use crate::error::{Error, Result};
use crate::stop::Stop;

/// A socket that takes connections; see [`TcpOptions::bind_tcp`].
#[derive(Debug)]
pub struct Connections {
    listener: TcpListener,
    address: SocketAddr,
    most: usize,
    idle: Duration,
    /// One reference each by the open connections, and one by this.
    open: Arc<()>,
    refused: u64,
}

impl Connections {
    pub(super) fn of(listener: TcpListener, options: &TcpOptions) -> Result<Self> {
        // `accept` itself knows no time-out.
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (most, idle) = (options.max_connections, options.idle_timeout);
        Ok(Self { listener, address, most, idle, open: Arc::default(), refused: 0 })
    }

    /// Where it listens.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections were closed at once because there were `max_connections` already; tell of them.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// The next connection. `None` when none came within a fifth of a second, or one too many: look whether the monitor is
    /// to stop, and call again.
    ///
    /// # Errors
    /// When the socket fails.
    pub fn accept(&mut self, stop: &Stop) -> Result<Option<Connection>> {
        let (stream, peer) = match self.listener.accept() {
            Ok(accepted) => accepted,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                stop.wait(LOOK_UP);
                return Ok(None);
            }
            Err(error) if nothing_came(&error) || is_of_one_connection(&error) => return Ok(None),
            Err(error) => return Err(cannot_accept(self.address, &error)),
        };
        if Arc::strong_count(&self.open) > self.most {
            self.refused += 1;
            return Ok(None);
        }
        let prepared = stream
            .set_nonblocking(false)
            .and_then(|()| stream.set_read_timeout(Some(LOOK_UP)))
            .and_then(|()| stream.set_write_timeout(Some(LOOK_UP)));
        if prepared.is_err() {
            // Gone already: no matter of the others.
            return Ok(None);
        }
        let (peer, stop, open) = (plain(peer), stop.clone(), Arc::clone(&self.open));
        Ok(Some(Connection { stream, peer, idle: self.idle, stop, end: None, _open: open }))
    }
}

/// Whether an error is about the connection that was to be taken, as Linux tells them by `accept`.
fn is_of_one_connection(error: &io::Error) -> bool {
    use ErrorKind::{
        ConnectionAborted, ConnectionReset, HostUnreachable, NetworkDown, NetworkUnreachable, PermissionDenied,
    };
    let gone = [ConnectionAborted, ConnectionReset, HostUnreachable, NetworkDown, NetworkUnreachable, PermissionDenied];
    gone.contains(&error.kind())
}

fn cannot_accept(address: SocketAddr, error: &io::Error) -> Error {
    /// `ENFILE` and `EMFILE`.
    const TOO_MANY_FILES: [i32; 2] = [23, 24];
    let cure = match error.raw_os_error() {
        Some(code) if TOO_MANY_FILES.contains(&code) => {
            "; lower `max_connections`, or let the agent have more open files (`LimitNOFILE` of its service)"
        }
        _ => "",
    };
    Error::new(format!("cannot take connections on {address}: {error}{cure}"))
}

/// A connection; it counts as open until it is dropped. Reading from it ends, as if the other side had closed it, when
/// the monitor is asked to stop, and when nothing came for `idle_timeout`. Writing fails then, and when the other side has
/// taken nothing for so long.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    idle: Duration,
    stop: Stop,
    end: Option<End>,
    _open: Arc<()>,
}

/// Why reading from a [`Connection`] has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The other side has closed it, and everything that it sent was read.
    Closed,
    /// Nothing came for `idle_timeout`.
    Idle,
    /// The monitor is asked to stop. Something may have come that is not read yet; see
    /// [`read_waiting`](Connection::read_waiting).
    Stopped,
}

impl Connection {
    /// Who is at the other side.
    pub fn peer_address(&self) -> SocketAddr {
        self.peer
    }

    /// Why reading has ended; `None` as long as it has not. Only what stands before [`End::Closed`] is complete: behind
    /// the others, or an error, the sender may have been in the middle of something.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// What has come already and was not read, without waiting for more; 0 when there is nothing. Also when the monitor is
    /// asked to stop: so that what somebody has sent until then need not be lost. Whoever sends may go on, so bound it.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn read_waiting(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_nonblocking(true)?;
        let read = self.stream.read(buffer);
        self.stream.set_nonblocking(false)?;
        match read {
            Err(error) if nothing_came(&error) => Ok(0),
            read => self.noted(read, buffer),
        }
    }

    /// Notes the end when the other side has closed.
    fn noted(&mut self, read: io::Result<usize>, buffer: &[u8]) -> io::Result<usize> {
        if matches!(read, Ok(0)) && !buffer.is_empty() {
            self.end = Some(End::Closed);
        }
        read
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut waited = Duration::ZERO;
        while waited < self.idle && !self.stop.is_stopped() {
            match self.stream.read(buffer) {
                Err(error) if nothing_came(&error) => waited += LOOK_UP,
                read => return self.noted(read, buffer),
            }
        }
        self.end = Some(if self.stop.is_stopped() { End::Stopped } else { End::Idle });
        Ok(0)
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut waited = Duration::ZERO;
        while waited < self.idle && !self.stop.is_stopped() {
            match self.stream.write(bytes) {
                Err(error) if nothing_came(&error) => waited += LOOK_UP,
                written => return written,
            }
        }
        let why = if self.stop.is_stopped() { "the monitor is asked to stop" } else { "the other side takes nothing" };
        Err(io::Error::new(ErrorKind::TimedOut, why))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen::ListenOptions;

    fn options(max_connections: usize, idle_timeout: Duration) -> TcpOptions {
        TcpOptions { listen: ListenOptions { accept_remote_connections: false }, max_connections, idle_timeout }
    }

    fn accepted(connections: &mut Connections, stop: &Stop) -> Connection {
        std::iter::from_fn(|| Some(connections.accept(stop).unwrap())).flatten().next().unwrap()
    }

    #[test]
    fn one_connection_too_many_is_closed_and_counted() {
        let (mut connections, stop) = (options(1, Duration::from_secs(60)).bind_tcp(0).unwrap(), Stop::new());
        let address = connections.local_address();
        let mut first = TcpStream::connect(address).unwrap();
        let mut inside = accepted(&mut connections, &stop);
        let mut second = TcpStream::connect(address).unwrap();
        while connections.refused() == 0 {
            assert!(connections.accept(&stop).unwrap().is_none());
        }
        assert_eq!(second.read(&mut [0; 8]).unwrap_or(0), 0);

        first.write_all(b"hello").unwrap();
        let mut buffer = [0; 8];
        assert_eq!(inside.read(&mut buffer).unwrap(), 5);
        assert_eq!(inside.peer_address(), first.local_addr().unwrap());
        inside.write_all(b"yes").unwrap();
        first.read_exact(&mut buffer[..3]).unwrap();
        drop(inside);
        let _third = TcpStream::connect(address).unwrap();
        accepted(&mut connections, &stop);
    }

    #[test]
    fn reading_ends_when_nothing_comes_and_when_the_monitor_stops() {
        for (idle, stopped) in [(LOOK_UP, false), (Duration::from_secs(3600), true)] {
            let (mut connections, stop) = (options(1, idle).bind_tcp(0).unwrap(), Stop::new());
            let _client = TcpStream::connect(connections.local_address()).unwrap();
            let mut inside = accepted(&mut connections, &stop);
            if stopped {
                stop.stop();
            }
            assert_eq!(inside.end(), None);
            assert_eq!(inside.read(&mut [0; 8]).unwrap(), 0);
            assert_eq!(inside.end(), Some(if stopped { End::Stopped } else { End::Idle }));
        }
    }

    #[test]
    fn what_was_sent_before_the_monitor_stops_can_still_be_read() {
        let (mut connections, stop) = (options(1, Duration::from_secs(60)).bind_tcp(0).unwrap(), Stop::new());
        let mut client = TcpStream::connect(connections.local_address()).unwrap();
        let mut inside = accepted(&mut connections, &stop);
        let mut buffer = [0; 8];
        assert_eq!((inside.read_waiting(&mut buffer).unwrap(), inside.end()), (0, None), "nothing is there yet");
        stop.stop();
        client.write_all(b"hello").unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!((inside.read(&mut buffer).unwrap(), inside.end()), (0, Some(End::Stopped)));
        let mut rest = Vec::new();
        while inside.end() != Some(End::Closed) {
            let length = inside.read_waiting(&mut buffer).unwrap();
            rest.extend_from_slice(&buffer[..length]);
        }
        assert_eq!(rest, b"hello");
    }

    #[test]
    fn writing_to_somebody_who_takes_nothing_ends_with_the_monitor() {
        let (mut connections, stop) = (options(1, Duration::from_secs(3600)).bind_tcp(0).unwrap(), Stop::new());
        let _client = TcpStream::connect(connections.local_address()).unwrap();
        let mut inside = accepted(&mut connections, &stop);
        std::thread::scope(|threads| {
            let writer = threads.spawn(|| inside.write_all(&vec![0; 64 << 20]));
            assert!(!stop.wait(2 * LOOK_UP) && !writer.is_finished(), "64 MiB fit into no buffer");
            stop.stop();
            assert_eq!(writer.join().unwrap().unwrap_err().to_string(), "the monitor is asked to stop");
        });
    }

    #[test]
    fn too_many_open_files_are_told_with_what_to_do() {
        let told = cannot_accept(([127, 0, 0, 1], 80).into(), &io::Error::from_raw_os_error(24)).to_string();
        assert!(told.starts_with("cannot take connections on 127.0.0.1:80: "), "{told}");
        assert!(told.contains("lower `max_connections`"), "{told}");
        assert!(is_of_one_connection(&ErrorKind::ConnectionAborted.into()));
    }
}
