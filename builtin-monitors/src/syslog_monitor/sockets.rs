//! The sockets that the monitor listens on.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use scalyr_monitor::listen::bind_first;
use scalyr_monitor::prelude::*;

use super::endpoints::Endpoint;
use super::packets::Packets;

/// A socket that listens.
pub(super) struct Socket {
    pub(super) kind: SocketKind,
    /// `tcp 127.0.0.1:601`.
    pub(super) name: String,
    /// What `$PROTO` stands for.
    pub(super) protocol: &'static str,
    /// What `$DESTPORT` stands for.
    pub(super) port: u16,
    /// Removed with the socket.
    _path: Option<SocketPath>,
}

pub(super) enum SocketKind {
    Tcp(TcpListener),
    Tls(TcpListener),
    Unix(UnixListener),
    Udp(Packets),
    UnixDatagram(UnixDatagram),
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.kind {
            SocketKind::Tcp(socket) | SocketKind::Tls(socket) => socket.as_fd(),
            SocketKind::Unix(socket) => socket.as_fd(),
            SocketKind::Udp(packets) => packets.socket().as_fd(),
            SocketKind::UnixDatagram(socket) => socket.as_fd(),
        }
    }
}

/// The path of a Unix socket.
struct SocketPath(PathBuf);

impl Drop for SocketPath {
    fn drop(&mut self) {
        // Somebody else may have taken the place; what cannot be removed is removed at the next start.
        _ = fs::remove_file(&self.0);
    }
}

impl Socket {
    /// Opens the socket of an endpoint.
    ///
    /// # Errors
    /// With what to do about it.
    pub(super) fn open(endpoint: &Endpoint, is_remote: bool, udp_receive_buffer: usize) -> Result<Self> {
        let protocol = endpoint.protocol();
        let untold = |(address, error)| cannot_listen(protocol, address, &error);
        let (kind, at, path) = match endpoint {
            Endpoint::Tcp(port) | Endpoint::Tls(port) => {
                let socket = bind_first(is_remote, *port, TcpListener::bind).map_err(untold)?;
                socket.set_nonblocking(true)?;
                let at = socket.local_addr()?;
                let is_tls = matches!(endpoint, Endpoint::Tls(_));
                (if is_tls { SocketKind::Tls(socket) } else { SocketKind::Tcp(socket) }, Some(at), None)
            }
            Endpoint::Udp(port) => {
                let socket = bind_first(is_remote, *port, UdpSocket::bind).map_err(untold)?;
                let at = socket.local_addr()?;
                (SocketKind::Udp(Packets::new(socket, udp_receive_buffer)?), Some(at), None)
            }
            Endpoint::UnixDatagram(path) => {
                let socket = bind_path(path, |path| UnixDatagram::bind(path))?;
                socket.set_nonblocking(true)?;
                (SocketKind::UnixDatagram(socket), None, Some(SocketPath(path.clone())))
            }
            Endpoint::UnixStream(path) => {
                let socket = bind_path(path, |path| UnixListener::bind(path))?;
                socket.set_nonblocking(true)?;
                (SocketKind::Unix(socket), None, Some(SocketPath(path.clone())))
            }
        };
        let name = at.map_or_else(|| endpoint.to_string(), |at| format!("{protocol} {at}"));
        Ok(Self { kind, name, protocol, port: at.map_or(0, |at| at.port()), _path: path })
    }
}

fn cannot_listen(protocol: &str, address: SocketAddr, error: &io::Error) -> Error {
    let port = address.port();
    let listing = if protocol == "udp" { "ss -ulpn" } else { "ss -tlpn" };
    let cure = match error.kind() {
        ErrorKind::AddrInUse => format!(
            "; another program, or another monitor of this agent, has the port (`{listing} sport = :{port}` shows it). Stop \
             that, or choose another port in `protocols`"
        ),
        ErrorKind::PermissionDenied if port < 1024 => format!(
            "; a port below 1024 needs root or the right CAP_NET_BIND_SERVICE. Choose one from 1024 on \
             (`protocols: \"{protocol}:{}\"`), or give the agent the right",
            port.saturating_add(5000)
        ),
        _ => String::new(),
    };
    Error::new(format!("Cannot listen on {protocol} {address}: {error}{cure}"))
}

/// Makes a socket in the file system, to which every program of the host may write.
fn bind_path<S>(path: &Path, bind: impl Fn(&Path) -> io::Result<S>) -> Result<S> {
    let shown = path.display();
    let refused = |why: &dyn std::fmt::Display| Error::new(format!("Cannot listen on {shown}: {why}"));
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(refused(&"there is a file of that name that is no socket; choose another path in `protocols`"));
        }
        Ok(_) if is_listened_to(path) => {
            return Err(refused(&"another program listens there; stop that, or choose another path in `protocols`"));
        }
        // Left by a process that was killed.
        Ok(_) => fs::remove_file(path).map_err(|error| refused(&error))?,
        Err(_) => {}
    }
    let socket = bind(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => refused(&"its folder is not there; create it, or choose another path in `protocols`"),
        ErrorKind::PermissionDenied => refused(&"the agent's user may not write to its folder"),
        _ => refused(&error),
    })?;
    fs::set_permissions(path, Permissions::from_mode(0o666)).about(shown)?;
    Ok(socket)
}

fn is_listened_to(path: &Path) -> bool {
    let datagram = UnixDatagram::unbound().and_then(|socket| socket.connect(path));
    datagram.is_ok() || UnixStream::connect(path).is_ok()
}

/// Asks a silent sender whether it is still there, so that half-open connections end: after a minute, six times.
pub(super) fn keep_alive(socket: impl AsFd) -> io::Result<()> {
    use rustix::net::sockopt;
    sockopt::set_socket_keepalive(&socket, true)?;
    sockopt::set_tcp_keepidle(&socket, Duration::from_secs(60))?;
    sockopt::set_tcp_keepintvl(&socket, Duration::from_secs(10))?;
    sockopt::set_tcp_keepcnt(&socket, 6)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(opened: Result<Socket>) -> String {
        opened.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_port_that_is_taken_or_too_low_is_told_with_what_to_do() {
        let taken = Socket::open(&Endpoint::Tcp(0), false, 0).unwrap();
        let error = told(Socket::open(&Endpoint::Tcp(taken.port), false, 0));
        assert!(error.contains(&format!("`ss -tlpn sport = :{}` shows it", taken.port)), "{error}");
        let denied =
            cannot_listen("udp", ([127, 0, 0, 1], 514).into(), &ErrorKind::PermissionDenied.into()).to_string();
        assert!(denied.contains("`protocols: \"udp:5514\"`"), "{denied}");
    }

    #[test]
    fn a_unix_socket_that_was_left_behind_gives_way_and_others_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        drop(UnixDatagram::bind(&path).unwrap());
        let first = Socket::open(&Endpoint::UnixDatagram(path.clone()), false, 0).unwrap();
        let error = told(Socket::open(&Endpoint::UnixDatagram(path.clone()), false, 0));
        assert!(error.contains("another program listens there"), "{error}");
        drop(first);
        assert!(!path.exists());
        fs::write(&path, "a file").unwrap();
        let error = told(Socket::open(&Endpoint::UnixStream(path), false, 0));
        assert!(error.contains("no socket"), "{error}");
        let nowhere = told(Socket::open(&Endpoint::UnixStream(folder.path().join("no/where")), false, 0));
        assert!(nowhere.contains("its folder is not there"), "{nowhere}");
    }
}
