//! Listening sockets: options that monitors share, and sockets that end when the monitor is asked to stop.
//!
//! ```
//! use scalyr_monitor::listen::ListenOptions;
//! use scalyr_monitor::prelude::*;
//!
//! /// Counts packets.
//! #[scalyr_monitor(name = "packets")]
//! pub struct Packets {
//!     /// The port to listen on; 0 takes any that is free.
//!     #[config(default = 0)]
//!     port: u16,
//!
//!     #[config(flatten)]
//!     listen: ListenOptions,
//!
//!     /// Bytes of a packet.
//!     #[metric]
//!     bytes: Metric<usize>,
//! }
//!
//! impl Monitor for Packets {
//!     fn run(&mut self, run: &mut Run) -> Result<()> {
//!         let socket = self.listen.bind_udp(self.port)?;
//!         let mut buffer = [0; 1500];
//!         while !run.stop().is_stopped() {
//!             if let Some((length, _)) = socket.receive(&mut buffer)? {
//!                 run.sample(|out| Ok(out.emit(self.bytes, length)));
//!             }
//!         }
//!         Ok(())
//!     }
//! }
//! # use scalyr_monitor::testing::Harness;
//! # Harness::<Packets>::from_config("{}").running(|_| ());
//! ```

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use monitor_macros::OptionGroup;

use crate::monitor::{Error, Result, Stop};

/// How long a call waits for something to come before it gives the monitor the chance to look whether it is to stop.
const LOOK_UP: Duration = Duration::from_millis(200);

/// Who may reach a listening monitor. Taken in with `#[config(flatten)]`; one that takes connections takes in
/// [`TcpOptions`] instead.
#[derive(Clone, Debug, OptionGroup)]
pub struct ListenOptions {
    /// Whether programs on other hosts may send, too. When false, the monitor listens on 127.0.0.1 only; when true, on
    /// all addresses of the host: then a firewall should say who may reach it.
    #[config(default = false)]
    pub accept_remote_connections: bool,
}

/// The options of a monitor that takes connections. Taken in with `#[config(flatten)]`.
#[derive(Clone, Debug, OptionGroup)]
pub struct TcpOptions {
    /// Who may connect.
    #[config(flatten)]
    pub listen: ListenOptions,

    /// How many connections there may be at a time; one more is closed at once.
    #[config(default = 100, min = 1, max = 10_000)]
    pub max_connections: usize,

    /// A connection on which nothing came for so long is closed.
    #[config(default = 300, min = 1, max = 86_400)]
    pub idle_timeout: Duration,
}

impl ListenOptions {
    /// A socket that takes packets on this port; 0 takes any that is free.
    ///
    /// # Errors
    /// When the port is taken or may not be used; the text says what to do. Bind in [`run`](crate::Monitor::run), whose
    /// error is followed by another try, rather than in `initialize`: the instance before this one may still hold the
    /// port.
    pub fn bind_udp(&self, port: u16) -> Result<Packets> {
        let socket = self.bind(port, "UDP", UdpSocket::bind)?;
        socket.set_read_timeout(Some(LOOK_UP))?;
        let address = socket.local_addr()?;
        Ok(Packets { socket, address })
    }

    /// Tries the addresses in turn; the error of the last one.
    fn bind<S>(&self, port: u16, protocol: &str, bind: impl Fn(SocketAddr) -> io::Result<S>) -> Result<S> {
        let addresses: &[IpAddr] = match self.accept_remote_connections {
            // The first one takes both families; a host may have no IPv6.
            true => &[IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::UNSPECIFIED)],
            false => &[IpAddr::V4(Ipv4Addr::LOCALHOST)],
        };
        let mut failure = None;
        for address in addresses.iter().map(|&address| SocketAddr::new(address, port)) {
            match bind(address) {
                Ok(socket) => return Ok(socket),
                Err(error) => failure = Some(cannot_listen(address, protocol, &error)),
            }
        }
        Err(failure.unwrap_or_else(|| Error::new("there is no address to listen on")))
    }
}

impl TcpOptions {
    /// A socket that takes connections on this port; 0 takes any that is free.
    ///
    /// # Errors
    /// As [`ListenOptions::bind_udp`].
    pub fn bind_tcp(&self, port: u16) -> Result<Connections> {
        let listener = self.listen.bind(port, "TCP", TcpListener::bind)?;
        // `accept` itself knows no time-out.
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (most, idle) = (self.max_connections, self.idle_timeout);
        Ok(Connections { listener, address, most, idle, open: Arc::default(), refused: 0 })
    }
}

fn cannot_listen(address: SocketAddr, protocol: &str, error: &io::Error) -> Error {
    let port = address.port();
    let listing = if protocol == "UDP" { "ss -ulpn" } else { "ss -tlpn" };
    let cure = match error.kind() {
        ErrorKind::AddrInUse => {
            format!("; another program has the port (`{listing} sport = :{port}` shows it). Stop that, or choose another port")
        }
        ErrorKind::PermissionDenied if port < 1024 => {
            "; a port below 1024 needs the right CAP_NET_BIND_SERVICE. Choose one from 1024 on, or give the agent the right"
                .to_owned()
        }
        _ => String::new(),
    };
    Error::new(format!("cannot listen on {address} ({protocol}): {error}{cure}"))
}

/// Whether an error only says that nothing came in time.
fn nothing_came(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// A socket that takes packets; see [`ListenOptions::bind_udp`].
#[derive(Debug)]
pub struct Packets {
    socket: UdpSocket,
    address: SocketAddr,
}

impl Packets {
    /// Where it listens.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// The next packet: how long it is, and who sent it. `None` when none came within a fifth of a second: look whether
    /// the monitor is to stop, and call again. What does not fit into `buffer` is lost; 65,507 bytes always fit.
    ///
    /// # Errors
    /// When the socket fails.
    pub fn receive(&self, buffer: &mut [u8]) -> Result<Option<(usize, SocketAddr)>> {
        match self.socket.recv_from(buffer) {
            Ok(received) => Ok(Some(received)),
            // What an answer to an earlier sender came to is no matter of this socket.
            Err(error) if nothing_came(&error) || error.kind() == ErrorKind::ConnectionRefused => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

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
            // It was gone before it was taken.
            Err(error) if nothing_came(&error) || error.kind() == ErrorKind::ConnectionAborted => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if Arc::strong_count(&self.open) > self.most {
            self.refused += 1;
            return Ok(None);
        }
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(LOOK_UP))?;
        stream.set_write_timeout(Some(self.idle))?;
        Ok(Some(Connection { stream, peer, idle: self.idle, stop: stop.clone(), _open: Arc::clone(&self.open) }))
    }
}

/// A connection; it counts as open until it is dropped. Reading from it ends, as if the other side had closed it, when
/// the monitor is asked to stop, and when nothing came for `idle_timeout`.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    idle: Duration,
    stop: Stop,
    _open: Arc<()>,
}

impl Connection {
    /// Who is at the other side.
    pub fn peer_address(&self) -> SocketAddr {
        self.peer
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut waited = Duration::ZERO;
        while waited < self.idle && !self.stop.is_stopped() {
            match self.stream.read(buffer) {
                Err(error) if nothing_came(&error) => waited += LOOK_UP,
                read => return read,
            }
        }
        Ok(0)
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(max_connections: usize, idle_timeout: Duration) -> TcpOptions {
        TcpOptions { listen: ListenOptions { accept_remote_connections: false }, max_connections, idle_timeout }
    }

    fn accepted(connections: &mut Connections, stop: &Stop) -> Connection {
        std::iter::from_fn(|| Some(connections.accept(stop).unwrap())).flatten().next().unwrap()
    }

    #[test]
    fn a_port_that_is_taken_is_told_with_what_to_do() {
        let options = options(1, Duration::from_secs(1));
        let taken = options.bind_tcp(0).unwrap();
        let port = taken.local_address().port();
        assert!(taken.local_address().ip().is_loopback());
        let error = options.bind_tcp(port).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot listen on 127.0.0.1:{port} (TCP): ")), "{error}");
        assert!(
            error.contains(&format!("another program has the port (`ss -tlpn sport = :{port}` shows it)")),
            "{error}"
        );
        let remote = ListenOptions { accept_remote_connections: true }.bind_udp(0).unwrap();
        assert!(remote.local_address().ip().is_unspecified());
        let denied = cannot_listen(([127, 0, 0, 1], 80).into(), "UDP", &ErrorKind::PermissionDenied.into()).to_string();
        assert!(denied.contains("Choose one from 1024 on"), "{denied}");
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
            assert_eq!(inside.read(&mut [0; 8]).unwrap(), 0);
        }
    }
}
