//! A UDP socket that tells how many packets the kernel dropped.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, UdpSocket};
use std::os::fd::AsRawFd;

use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, getsockopt, recvmsg, setsockopt,
    sockopt::{RcvBuf, RcvBufForce, RxqOvfl},
};
use scalyr_monitor::listen;

/// A UDP socket.
pub(super) struct Packets {
    socket: UdpSocket,
    /// Where the kernel puts its count of dropped packets.
    control: Vec<u8>,
    /// Dropped packets that were told of.
    dropped: u32,
    /// What the kernel grants.
    pub(super) granted: usize,
}

/// A packet that was received.
pub(super) struct Packet {
    pub(super) length: usize,
    pub(super) ip: Option<IpAddr>,
    /// Packets that the kernel dropped before this one, since the last one.
    pub(super) dropped: u32,
}

impl Packets {
    /// # Errors
    /// Those of the socket.
    pub(super) fn new(socket: UdpSocket, receive_buffer: usize) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        if receive_buffer > 0 && setsockopt(&socket, RcvBufForce, &receive_buffer).is_err() {
            setsockopt(&socket, RcvBuf, &receive_buffer)?;
        }
        setsockopt(&socket, RxqOvfl, &1)?;
        // The kernel tells twice what it was asked for, to have room for its own.
        let granted = getsockopt(&socket, RcvBuf)? / 2;
        Ok(Self { socket, control: nix::cmsg_space!(u32), dropped: 0, granted })
    }

    pub(super) fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// The next packet; none when there is none now.
    ///
    /// # Errors
    /// Those of the socket.
    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<Packet>> {
        let mut slices = [IoSliceMut::new(buffer)];
        let received = recvmsg::<SockaddrStorage>(
            self.socket.as_raw_fd(),
            &mut slices,
            Some(&mut self.control),
            MsgFlags::MSG_DONTWAIT,
        );
        let received = match received.map_err(io::Error::from) {
            Ok(received) => received,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                return Ok(None);
            }
            // What an answer to an earlier sender came to is no matter of this socket.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return Ok(None),
            Err(error) => return Err(error),
        };
        let count = received.cmsgs().ok().and_then(|mut messages| {
            messages
                .find_map(|message| if let ControlMessageOwned::RxqOvfl(count) = message { Some(count) } else { None })
        });
        let ip = received.address.as_ref().and_then(|address| {
            let v4 = address.as_sockaddr_in().map(|address| IpAddr::from(address.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::from(address.ip())))
        });
        let length = received.bytes;
        // It tells nothing as long as nothing was dropped.
        let dropped = self.count(count.unwrap_or(self.dropped));
        Ok(Some(Packet { length, ip: ip.map(|ip| ip.to_canonical()), dropped }))
    }

    /// Packets that the kernel dropped and that were not counted yet: no further packet may have told of them.
    pub(super) fn dropped_since(&mut self) -> u64 {
        // The count of the other way has more bits.
        listen::lost_packets(&self.socket).map_or(0, |all| u64::from(self.count(all as u32)))
    }

    /// How many more the kernel has dropped than was known. A packet that waited in the queue tells an older count.
    fn count(&mut self, all: u32) -> u32 {
        let more = all.wrapping_sub(self.dropped);
        if more > u32::MAX / 2 {
            return 0;
        }
        self.dropped = all;
        more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_packet_is_received_or_counted_as_dropped() {
        let mut packets = Packets::new(UdpSocket::bind("127.0.0.1:0").unwrap(), 65_536).unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = packets.socket().local_addr().unwrap();
        let sent = (0..1000).filter(|_| sender.send_to(&[b'x'; 1000], to).is_ok()).count() as u64;
        let mut buffer = vec![0; 65_536];
        let (mut received, mut dropped) = (0, 0);
        let mut receive = |packets: &mut Packets, received: &mut u64, dropped: &mut u64| {
            while let Some(packet) = packets.receive(&mut buffer).unwrap() {
                assert_eq!(packet.ip, Some(IpAddr::from([127, 0, 0, 1])));
                *received += 1;
                *dropped += u64::from(packet.dropped);
            }
        };
        receive(&mut packets, &mut received, &mut dropped);
        assert!(
            received < sent && dropped == 0,
            "{received} of {sent}: nothing has come behind those that were dropped"
        );
        let counted = packets.dropped_since();
        assert_eq!((received + counted, packets.dropped_since()), (sent, 0));
        sender.send_to(b"x", to).unwrap();
        receive(&mut packets, &mut received, &mut dropped);
        assert_eq!((received + counted, dropped), (sent + 1, 0), "what was counted already is not counted again");

        // The packets that still wait tell of fewer than are known.
        let more = (0..1000).filter(|_| sender.send_to(&[b'x'; 1000], to).is_ok()).count() as u64;
        let counted = counted + packets.dropped_since();
        receive(&mut packets, &mut received, &mut dropped);
        // Those behind them tell by themselves.
        let again = (0..1000).filter(|_| sender.send_to(&[b'x'; 1000], to).is_ok()).count() as u64;
        receive(&mut packets, &mut received, &mut dropped);
        sender.send_to(b"x", to).unwrap();
        receive(&mut packets, &mut received, &mut dropped);
        assert_eq!(received + counted + dropped, sent + more + again + 2);
        assert!(counted > 0 && dropped > 0);
    }
}
