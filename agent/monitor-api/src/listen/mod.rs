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
//!
//! Connections need threads, one for each, which end with the run; what they read goes through a channel that is bounded,
//! and a line is, too:
//!
//! ```
//! use std::io::{BufRead as _, BufReader, Read as _};
//! use std::sync::mpsc::{SyncSender, sync_channel};
//! use std::time::Duration;
//!
//! use scalyr_monitor::listen::{Connection, TcpOptions};
//! use scalyr_monitor::prelude::*;
//!
//! /// Copies lines to the metric log.
//! #[scalyr_monitor(name = "lines")]
//! pub struct Lines {
//!     /// The port to listen on.
//!     #[config(default = 6514)]
//!     port: u16,
//!
//!     #[config(flatten)]
//!     tcp: TcpOptions,
//! }
//!
//! impl Monitor for Lines {
//!     fn run(&mut self, run: &mut Run) -> Result<()> {
//!         let mut connections = self.tcp.bind_tcp(self.port)?;
//!         run.logger().info(format_args!("Listening on {}", connections.local_address()));
//!         let (sender, lines) = sync_channel(1000); // when it is full, senders wait
//!         let end = Stop::new(); // of the threads: with the monitor's own, and when the listener fails
//!         let also_end = end.clone();
//!         run.stop().on_stop(move || also_end.stop());
//!         std::thread::scope(|threads| {
//!             let accept = threads.spawn(|| -> Result<()> {
//!                 while !end.is_stopped() {
//!                     if let Some(connection) = connections.accept(&end)? {
//!                         let sender = sender.clone();
//!                         threads.spawn(move || read_lines(connection, &sender));
//!                     }
//!                 }
//!                 Ok(())
//!             });
//!             while !end.is_stopped() && !accept.is_finished() {
//!                 if let Ok(line) = lines.recv_timeout(Duration::from_millis(200)) {
//!                     run.sample(|out| Ok(out.line(&line)));
//!                 }
//!             }
//!             end.stop();
//!             drop(lines); // nobody waits for room in it any more
//!             accept.join().unwrap_or_else(|_| Err(Error::new("the thread that takes connections panicked")))
//!         })
//!     }
//! }
//!
//! /// Hands on each line until the connection ends; one of more than 8 KiB in several.
//! fn read_lines(connection: Connection, lines: &SyncSender<String>) {
//!     let mut reader = BufReader::new(connection);
//!     let mut line = Vec::new();
//!     while (&mut reader).take(8192).read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
//!         if lines.send(String::from_utf8_lossy(&line).trim_end().to_owned()).is_err() {
//!             return;
//!         }
//!         line.clear();
//!     }
//! }
//! # use std::{io::Write as _, net::TcpStream};
//! # use scalyr_monitor::testing::Harness;
//! # Harness::<Lines>::from_config("{ port: 0 }").running(|lines| {
//! #     let address = lines.wait_for_diagnostic("Listening on").rsplit(' ').next().unwrap().to_owned();
//! #     let mut senders = [(); 3].map(|()| TcpStream::connect(&address).unwrap());
//! #     senders.iter_mut().for_each(|sender| sender.write_all(b"one\ntwo\n").unwrap());
//! #     lines.wait_until(|taken| taken.lines().len() == 6);
//! # });
//! ```

mod connections;
mod lost;
mod packets;

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use monitor_macros::OptionGroup;

use crate::error::{Error, Result};

pub use connections::{Connection, Connections, End};
pub use lost::count as lost_packets;
pub use packets::Packets;

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
        Packets::of(self.bind(port, "UDP", UdpSocket::bind)?)
    }

    fn bind<S>(&self, port: u16, protocol: &str, bind: impl Fn(SocketAddr) -> io::Result<S>) -> Result<S> {
        bind_first(self.accept_remote_connections, port, bind)
            .map_err(|(address, error)| cannot_listen(address, protocol, &error))
    }
}

/// Binds a port on loopback or, for other hosts as well, on all addresses: those of IPv6, which take both families, or
/// of IPv4 where the host has no IPv6. For a monitor that has sockets of its own.
///
/// # Errors
/// The address that could not be had, and why. A port that somebody has there, or that may not be used, is not taken on
/// half of the host's addresses without a word: the second address is tried only where the host does not know the
/// family of the first.
pub fn bind_first<S>(
    is_remote: bool,
    port: u16,
    bind: impl Fn(SocketAddr) -> io::Result<S>,
) -> Result<S, (SocketAddr, io::Error)> {
    let at = |address: IpAddr| {
        let address = SocketAddr::new(address, port);
        bind(address).map_err(|error| (address, error))
    };
    if !is_remote {
        return at(Ipv4Addr::LOCALHOST.into());
    }
    match at(Ipv6Addr::UNSPECIFIED.into()) {
        Err((_, error)) if !matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::PermissionDenied) => {
            at(Ipv4Addr::UNSPECIFIED.into())
        }
        first => first,
    }
}

impl TcpOptions {
    /// A socket that takes connections on this port; 0 takes any that is free.
    ///
    /// # Errors
    /// As [`ListenOptions::bind_udp`].
    pub fn bind_tcp(&self, port: u16) -> Result<Connections> {
        Connections::of(self.listen.bind(port, "TCP", TcpListener::bind)?, self)
    }
}

fn cannot_listen(address: SocketAddr, protocol: &str, error: &io::Error) -> Error {
    let port = address.port();
    let listing = if protocol == "UDP" { "ss -ulpn" } else { "ss -tlpn" };
    let cure = match error.kind() {
        ErrorKind::AddrInUse => {
            format!(
                "; another program, or another monitor of this agent, has the port (`{listing} sport = :{port}` shows it). \
                 Stop that, or choose another port"
            )
        }
        ErrorKind::PermissionDenied if port < 1024 => {
            "; a port below 1024 needs the right CAP_NET_BIND_SERVICE. Choose one from 1024 on, or give the agent the right"
                .to_owned()
        }
        _ => String::new(),
    };
    Error::new(format!("cannot listen on {address} ({protocol}): {error}{cure}"))
}

/// An IPv4 address as such, also where a socket for both families shows it as one of IPv6.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Whether an error only says that nothing came in time.
fn nothing_came(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_is_told_with_what_to_do() {
        let (listen, idle_timeout) = (ListenOptions { accept_remote_connections: false }, Duration::from_secs(1));
        let options = TcpOptions { listen, max_connections: 1, idle_timeout };
        let taken = options.bind_tcp(0).unwrap();
        let port = taken.local_address().port();
        assert!(taken.local_address().ip().is_loopback());
        let error = options.bind_tcp(port).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot listen on 127.0.0.1:{port} (TCP): ")), "{error}");
        assert!(
            error.contains(&format!(
                "another program, or another monitor of this agent, has the port (`ss -tlpn sport = :{port}` shows it)"
            )),
            "{error}"
        );
        let remote = ListenOptions { accept_remote_connections: true }.bind_udp(0).unwrap();
        assert!(remote.local_address().ip().is_unspecified());
        let denied = cannot_listen(([127, 0, 0, 1], 80).into(), "UDP", &ErrorKind::PermissionDenied.into()).to_string();
        assert!(denied.contains("Choose one from 1024 on"), "{denied}");
    }

    #[test]
    fn a_port_that_somebody_has_is_not_taken_on_half_of_the_addresses() {
        let Ok(taken) = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)) else { return };
        let port = taken.local_addr().unwrap().port();
        let error = ListenOptions { accept_remote_connections: true }.bind_udp(port).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot listen on [::]:{port} (UDP): ")), "{error}");
    }
}
