//! A server behind TLS that answers success to everything. It runs in the process of the bench and not as `agent receive`: two
//! processes of one program share its pages, and the share of each would look like half.

use std::io::{BufRead, BufReader, Read, Write, copy, sink};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use scalyr_agent::threads::Threads;

use crate::tls_front::{Authority, TlsFront};

const ANSWER: &str = r#"{"status":"success"}"#;

/// A running server; ends with the process.
pub(crate) struct Server {
    authority: String,
    front: TlsFront,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    requests: AtomicU64,
    bytes: AtomicU64,
}

impl Server {
    pub(crate) fn start() -> Self {
        let authority = Authority::new();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let front = TlsFront::before(listener.local_addr().unwrap(), &authority.issue(&["127.0.0.1"], |_| ()));
        let seen = Arc::new(Seen::default());
        let (threads, counts) = (Threads::new(), Arc::clone(&seen));
        let listen = threads.clone();
        let accept = move || {
            for stream in listener.incoming().flatten() {
                let counts = Arc::clone(&counts);
                // A connection that breaks is the agent's to notice.
                _ = threads.spawn("connection", move || _ = serve(stream, &counts));
            }
        };
        listen.spawn("server", accept).unwrap();
        Self { authority: authority.pem(), front, seen }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.front.address)
    }

    /// What the agent has to trust.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    pub(crate) fn requests(&self) -> u64 {
        self.seen.requests.load(Ordering::Relaxed)
    }

    /// Bytes of all requests, heads too.
    pub(crate) fn bytes(&self) -> u64 {
        self.seen.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn handshakes(&self) -> usize {
        self.front.handshakes()
    }
}

fn serve(mut stream: TcpStream, seen: &Seen) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let (mut length, mut head) = (0, 0);
        loop {
            let mut line = String::new();
            let bytes = reader.read_line(&mut line)?;
            if bytes == 0 {
                return Ok(());
            }
            head += bytes as u64;
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        copy(&mut reader.by_ref().take(length), &mut sink())?;
        seen.requests.fetch_add(1, Ordering::Relaxed);
        seen.bytes.fetch_add(head + length, Ordering::Relaxed);
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{ANSWER}", ANSWER.len())?;
    }
}
