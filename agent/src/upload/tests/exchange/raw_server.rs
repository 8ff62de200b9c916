//! A server that does with each connection what a test says, byte for byte.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::net::sockopt;

use crate::threads::Threads;

pub(super) const SUCCESS: &str = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"status\":\"success\"}";

pub(super) struct RawServer {
    pub(super) address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl RawServer {
    /// Has `serve` deal with each connection, which it is given with its number, from 0.
    pub(super) fn start(serve: impl Fn(usize, TcpStream) + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), serve)
    }

    pub(super) fn on(listener: TcpListener, serve: impl Fn(usize, TcpStream) + Send + Sync + 'static) -> Self {
        let (threads, connections, serve) = (Threads::new(), Arc::new(AtomicUsize::new(0)), Arc::new(serve));
        let (address, count) = (listener.local_addr().unwrap(), Arc::clone(&connections));
        let children = threads.clone();
        let accept = move || {
            for stream in listener.incoming() {
                let (number, serve) = (count.fetch_add(1, Ordering::SeqCst), Arc::clone(&serve));
                children.spawn("served", move || serve(number, stream.unwrap())).unwrap();
            }
        };
        threads.spawn("raw server", accept).unwrap();
        Self { address, connections }
    }

    /// One that answers every request with these bytes, and closes.
    pub(super) fn answering(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::start(move |_, mut stream| {
            take_request(&mut stream);
            _ = stream.write_all(&bytes);
        })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Reads a whole request; its head, or `None` when the client has gone.
pub(super) fn take_request(stream: &mut TcpStream) -> Option<String> {
    let head = take_head(stream)?;
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut left: u64 = length.unwrap_or(0);
    let mut buffer = [0; 64 * 1024];
    while left > 0 {
        let most = buffer.len().min(usize::try_from(left).unwrap());
        match stream.read(&mut buffer[..most]) {
            Ok(0) | Err(_) => return None,
            Ok(bytes) => left -= bytes as u64,
        }
    }
    Some(head)
}

/// Reads up to the empty line, and not a byte more.
pub(super) fn take_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if !stream.read(&mut byte).is_ok_and(|bytes| bytes == 1) {
            return None;
        }
        head.push(byte[0]);
    }
    Some(String::from_utf8(head).unwrap())
}

pub(super) fn answer(stream: &mut TcpStream, bytes: &str) {
    _ = stream.write_all(bytes.as_bytes());
}

/// Closes it with a reset in the place of an end.
pub(super) fn reset(stream: TcpStream) {
    sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
    drop(stream);
}

/// Waits until the client closes.
pub(super) fn wait_for_end(stream: &mut TcpStream) {
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).is_ok_and(|bytes| bytes > 0) {}
}
