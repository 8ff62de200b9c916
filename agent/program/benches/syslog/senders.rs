//! What is sent: messages of 150 bytes, by one connection, by many, or by UDP at a pace.

use std::io::Write;
use std::net::{TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

use crate::story::now;

/// Bytes of a message, its line end among them.
pub(crate) const MESSAGE: usize = 150;
/// Messages that are written at once by TCP.
const AT_ONCE: u64 = 500;
/// Packets by UDP, a second.
const PACE: u64 = 20_000;

/// How it is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// One connection.
    One,
    /// 500 connections that send, and 16 that do not.
    Many,
    /// UDP, 20,000 a second.
    Udp,
}

impl Way {
    pub(crate) const ALL: [Self; 3] = [Self::One, Self::Many, Self::Udp];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::One => "TCP, 1 connection",
            Self::Many => "TCP, 500 connections, and 16 idle",
            Self::Udp => "UDP, 20,000/s",
        }
    }

    /// How many messages it takes to see what they cost.
    pub(crate) fn messages(self) -> u64 {
        match self {
            Self::One | Self::Many => 2_000_000,
            Self::Udp => 10 * PACE,
        }
    }

    /// Sends them all.
    pub(crate) fn send(self, port: u16) {
        match self {
            Self::One => write(&mut TcpStream::connect(("127.0.0.1", port)).unwrap(), self.messages()),
            Self::Many => {
                let connect = || TcpStream::connect(("127.0.0.1", port)).unwrap();
                let idle: Vec<TcpStream> = (0..16).map(|_| connect()).collect();
                let mut busy: Vec<TcpStream> = (0..500).map(|_| connect()).collect();
                let rounds = self.messages() / 500 / AT_ONCE;
                for _ in 0..rounds {
                    busy.iter_mut().for_each(|stream| write(stream, AT_ONCE));
                }
                drop((idle, busy));
            }
            Self::Udp => {
                let (socket, message, begin) = (UdpSocket::bind("127.0.0.1:0").unwrap(), message(), now());
                for number in 0..self.messages() {
                    let due = Duration::from_secs(1) * u32::try_from(number).unwrap() / u32::try_from(PACE).unwrap();
                    let early = due.saturating_sub(begin.elapsed());
                    if early > Duration::from_millis(1) {
                        thread::sleep(early);
                    }
                    socket.send_to(&message[..MESSAGE - 1], ("127.0.0.1", port)).unwrap();
                }
            }
        }
    }
}

fn message() -> Vec<u8> {
    let mut message = b"<13>Nov 23 17:00:00 bench sender[123]: ".to_vec();
    message.resize(MESSAGE - 1, b'x');
    message.push(b'\n');
    message
}

fn write(stream: &mut TcpStream, messages: u64) {
    let block = message().repeat(usize::try_from(AT_ONCE).unwrap());
    for _ in 0..messages / AT_ONCE {
        stream.write_all(&block).unwrap();
    }
}
