//! Packets, by UDP.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};

use super::{LOOK_UP, lost, nothing_came, plain};
use crate::error::Result;

/// A socket that takes packets; see [`ListenOptions::bind_udp`](super::ListenOptions::bind_udp).
#[derive(Debug)]
pub struct Packets {
    socket: UdpSocket,
    address: SocketAddr,
}

impl Packets {
    pub(super) fn of(socket: UdpSocket) -> Result<Self> {
        socket.set_read_timeout(Some(LOOK_UP))?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }

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
            Ok((length, sender)) => Ok(Some((length, plain(sender)))),
            // What an answer to an earlier sender came to is no matter of this socket.
            Err(error) if nothing_came(&error) || error.kind() == ErrorKind::ConnectionRefused => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A packet that has come already, without waiting for one: for the end of a monitor, so that what was sent before it
    /// is not lost. Whoever sends may go on, so bound it.
    ///
    /// # Errors
    /// When the socket fails.
    pub fn receive_waiting(&self, buffer: &mut [u8]) -> Result<Option<(usize, SocketAddr)>> {
        self.socket.set_nonblocking(true)?;
        let received = self.receive(buffer);
        self.socket.set_nonblocking(false)?;
        received
    }

    /// How many packets the kernel has dropped since the socket was bound, because they came faster than they were
    /// received. `None` where that cannot be found out: outside of Linux, or without `/proc`. Ask once a sample, not for
    /// each packet: it reads a table of the host's sockets.
    pub fn lost(&self) -> Option<u64> {
        lost::count(&self.socket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen::ListenOptions;

    #[test]
    #[cfg(target_os = "linux")]
    fn packets_that_the_kernel_dropped_are_counted() {
        let packets = ListenOptions { accept_remote_connections: false }.bind_udp(0).unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        assert_eq!(packets.lost(), Some(0));
        let packet = [b'x'; 8192];
        let sent = (0..2000).filter(|_| sender.send_to(&packet, packets.local_address()).is_ok()).count() as u64;
        let lost = packets.lost().unwrap();
        assert!(lost > 0, "2000 packets of 8 KiB fit into no buffer");
        let mut buffer = vec![0; 65_536];
        let received = std::iter::from_fn(|| packets.receive(&mut buffer).unwrap()).count() as u64;
        assert_eq!(received + lost, sent);
    }

    #[test]
    fn what_has_come_already_is_received_without_waiting() {
        let packets = ListenOptions { accept_remote_connections: false }.bind_udp(0).unwrap();
        assert!(packets.receive_waiting(&mut [0; 8]).unwrap().is_none());
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.send_to(b"hello", packets.local_address()).unwrap();
        assert_eq!(packets.receive_waiting(&mut [0; 8]).unwrap(), Some((5, sender.local_addr().unwrap())));
    }

    #[test]
    fn a_sender_by_ipv4_is_shown_as_such() {
        let packets = ListenOptions { accept_remote_connections: true }.bind_udp(0).unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.send_to(b"x", ("127.0.0.1", packets.local_address().port())).unwrap();
        let (_, from) = packets.receive(&mut [0; 8]).unwrap().unwrap();
        assert_eq!(from, sender.local_addr().unwrap());
    }
}
