//! What comes by sockets and connections.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, EventData, EventFlags};
use scalyr_monitor::Run;

use super::super::connection::{Connection, Room, Standing, Stream};
use super::super::output::{Manner, Output, Source};
use super::super::packets::Packets;
use super::super::sockets::{Socket, SocketKind, keep_alive};
use super::super::tls::TlsStream;
use super::super::warnings::{Warnings, peer};
use super::{FIRST_CONNECTION, MOST_HELD, Server};

/// So many connections, or packets, are taken from a socket before it is the next one's turn.
const MOST_AT_ONCE: usize = 256;
/// So often a connection is read from before it is the next one's turn.
const MOST_READS: usize = 16;
/// When the system has no descriptor left, it is left in peace for a moment.
const PAUSE: Duration = Duration::from_millis(50);

/// A connection that was taken.
struct Accepted {
    stream: Stream,
    ip: Option<IpAddr>,
}

impl Server {
    pub(super) fn serve_socket(&mut self, place: usize, now: Instant, run: &mut Run) {
        // Taken out, so that it can be served by the rest.
        let Some(mut socket) = self.sockets.get_mut(place).and_then(Option::take) else { return };
        let name = &socket.name;
        match &mut socket.kind {
            SocketKind::Udp(packets) => {
                let mut source = Source { protocol: "udp", ip: String::new(), port: socket.port.to_string() };
                receive_packets(packets, name, &mut source, &mut self.room, &mut self.output, &self.warnings);
            }
            SocketKind::UnixDatagram(packets) => {
                let source = Source { protocol: socket.protocol, ip: "local".to_owned(), port: "0".to_owned() };
                for _ in 0..MOST_AT_ONCE {
                    match packets.recv(self.room.bytes()) {
                        Ok(length) => self.output.take(&source, &self.room.bytes()[..length], Manner::Packet),
                        Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                        Err(error) => {
                            self.warnings.broken(name, &error);
                            break;
                        }
                    }
                }
            }
            SocketKind::Tcp(_) | SocketKind::Tls(_) | SocketKind::Unix(_) => self.accept(&socket, now, run),
        }
        self.sockets[place] = Some(socket);
    }

    /// Takes the connections that wait.
    fn accept(&mut self, socket: &Socket, now: Instant, run: &mut Run) {
        for _ in 0..MOST_AT_ONCE {
            let accepted = match &socket.kind {
                SocketKind::Tcp(listener) => {
                    listener.accept().and_then(|(stream, from)| of_network(stream, from, Stream::Tcp))
                }
                SocketKind::Tls(listener) => listener.accept().and_then(|(stream, from)| {
                    let configuration = self.rules.tls.clone().ok_or(ErrorKind::Unsupported)?;
                    stream.set_nonblocking(true)?;
                    keep_alive(&stream)?;
                    let stream = Stream::Tls(Box::new(TlsStream::new(stream, Arc::clone(&configuration))?));
                    Ok(Accepted { stream, ip: Some(from.ip().to_canonical()) })
                }),
                SocketKind::Unix(listener) => listener.accept().and_then(|(stream, _)| {
                    stream.set_nonblocking(true)?;
                    Ok(Accepted { stream: Stream::Unix(stream), ip: None })
                }),
                SocketKind::Udp(_) | SocketKind::UnixDatagram(_) => return,
            };
            match accepted {
                Ok(_) if self.open >= self.rules.max_connections => {
                    self.warnings.too_many_connections(&socket.name, self.rules.max_connections);
                }
                Ok(accepted) => self.admit(socket, accepted, now),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // The other side has gone already: no matter of the others.
                Err(error) if error.raw_os_error().is_none() || error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    self.warnings.cannot_accept(&socket.name, &error);
                    run.stop().wait(PAUSE);
                    return;
                }
            }
        }
    }

    fn admit(&mut self, socket: &Socket, accepted: Accepted, now: Instant) {
        let Accepted { stream, ip } = accepted;
        let source = Source {
            protocol: socket.protocol,
            ip: ip.map_or_else(|| "local".to_owned(), |ip| ip.to_string()),
            port: socket.port.to_string(),
        };
        let place = self.free.pop().unwrap_or_else(|| {
            self.connections.push(None);
            self.connections.len() - 1
        });
        let number = EventData::new_u64(FIRST_CONNECTION + place as u64);
        if let Err(error) = epoll::add(&self.poll, &stream, number, EventFlags::IN) {
            self.warnings.cannot_accept(&socket.name, &error.into());
            self.free.push(place);
            return;
        }
        self.connections[place] = Some(Connection::new(stream, Rc::new(source), ip, now));
        self.open += 1;
    }

    /// Reads what there is on a connection, as far as it is its turn.
    pub(super) fn serve_connection(&mut self, place: usize, now: Instant, run: &mut Run) {
        let Some(mut connection) = self.connections.get_mut(place).and_then(Option::take) else { return };
        let source = Rc::clone(&connection.source);
        let (manner, mut too_long) = (self.rules.manner, 0);
        let mut standing = Ok(Standing::Ready);
        for _ in 0..MOST_READS {
            let output = &mut self.output;
            let message = &mut |message: &[u8]| output.take(&source, message, manner);
            standing = connection.receive(&mut self.room, &self.rules.framing, now, &mut too_long, message);
            // With full files the next connection waits until they have room.
            if !matches!(standing, Ok(Standing::Ready)) || self.output.is_full() {
                break;
            }
        }
        if too_long > 0 {
            self.warnings.too_long(&peer(connection.ip), self.rules.longest, self.rules.longest_is_option);
        }
        self.hold(&mut connection);
        match standing {
            Ok(standing @ (Standing::Ready | Standing::Waiting)) => {
                if standing == Standing::Ready && !std::mem::replace(&mut connection.has_turn, true) {
                    self.again.push(place);
                }
                self.wait_to_send(&mut connection, place);
                self.connections[place] = Some(connection);
            }
            Ok(Standing::Ended) => {
                self.connections[place] = Some(connection);
                self.close(place);
            }
            Err(error) => {
                match error.kind() {
                    ErrorKind::InvalidData => self.warnings.refused_tls(&peer(connection.ip), &error),
                    _ => self.warnings.broken(&peer(connection.ip), &error),
                }
                self.connections[place] = Some(connection);
                self.close(place);
            }
        }
        if self.output.is_full() {
            self.write(run);
        }
    }

    /// Incomplete messages of all connections have a bound: the one that goes beyond it is written in parts.
    fn hold(&mut self, connection: &mut Connection) {
        // Small ones are bounded by the number of connections.
        const SMALL: usize = 64 * 1024;
        if connection.held() < SMALL {
            return;
        }
        self.held = self.connections.iter().flatten().map(Connection::held).sum::<usize>() + connection.held();
        if self.held <= MOST_HELD {
            return;
        }
        let (output, manner, source) = (&mut self.output, self.rules.manner, Rc::clone(&connection.source));
        connection.flush(&self.rules.framing, &mut |message| output.take(&source, message, manner));
        self.warnings.too_long(&peer(connection.ip), MOST_HELD, false);
    }

    /// Has it told when a TLS connection can go on sending, if something waits for that.
    fn wait_to_send(&self, connection: &mut Connection, place: usize) {
        let Stream::Tls(stream) = &connection.stream else { return };
        let wants = stream.wants_write();
        if wants != connection.waits_to_send {
            let flags = if wants { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
            let number = EventData::new_u64(FIRST_CONNECTION + place as u64);
            _ = epoll::modify(&self.poll, &connection.stream, number, flags);
            connection.waits_to_send = wants;
        }
    }
}

fn of_network(stream: TcpStream, from: SocketAddr, wrap: fn(TcpStream) -> Stream) -> std::io::Result<Accepted> {
    stream.set_nonblocking(true)?;
    keep_alive(&stream)?;
    Ok(Accepted { stream: wrap(stream), ip: Some(from.ip().to_canonical()) })
}

fn receive_packets(
    packets: &mut Packets,
    name: &str,
    source: &mut Source,
    room: &mut Room,
    output: &mut Output,
    warnings: &Warnings,
) {
    for _ in 0..MOST_AT_ONCE {
        match packets.receive(room.bytes()) {
            Ok(Some(packet)) => {
                if packet.dropped > 0 {
                    output.lost += u64::from(packet.dropped);
                    warnings.kernel_dropped(&name, u64::from(packet.dropped));
                }
                if output.tells_sources_apart() {
                    source.ip = packet.ip.map(|ip| ip.to_string()).unwrap_or_default();
                }
                output.take(source, &room.bytes()[..packet.length], Manner::Packet);
            }
            Ok(None) => return,
            Err(error) => return warnings.broken(&name, &error),
        }
    }
}
