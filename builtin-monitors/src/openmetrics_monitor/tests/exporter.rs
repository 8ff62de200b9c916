//! An exporter of the test: gives each connection one answer and closes it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A server on a port of loopback that was free.
pub(super) struct Exporter {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    answer: Mutex<Vec<u8>>,
    asked: Mutex<String>,
    ended: AtomicBool,
}

impl Exporter {
    /// Shows this text, as the text format of Prometheus.
    pub(super) fn showing(text: &str) -> Self {
        Self::answering("text/plain; version=0.0.4; charset=utf-8", text)
    }

    /// Answers with this body.
    pub(super) fn answering(content_type: &str, body: &str) -> Self {
        let exporter = Self::start();
        exporter.answer(content_type, body);
        exporter
    }

    /// Answers with these bytes, head and all.
    pub(super) fn raw(answer: impl Into<Vec<u8>>) -> Self {
        let exporter = Self::start();
        exporter.answer_raw(answer);
        exporter
    }

    pub(super) fn answer(&self, content_type: &str, body: &str) {
        self.answer_raw(format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ));
    }

    pub(super) fn answer_raw(&self, answer: impl Into<Vec<u8>>) {
        *self.shared.answer.lock().unwrap() = answer.into();
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/metrics", self.address)
    }

    /// All that was asked so far, in small letters.
    pub(super) fn asked(&self) -> String {
        self.shared.asked.lock().unwrap().to_ascii_lowercase()
    }

    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        #[expect(
            clippy::disallowed_methods,
            reason = "a server of the test, which the agent's threads know nothing of"
        )]
        std::thread::spawn(move || {
            while let Ok((connection, _)) = listener.accept() {
                if serving.ended.load(Ordering::SeqCst) {
                    return;
                }
                // A client that goes away early is its own affair.
                _ = converse(connection, &serving);
            }
        });
        Self { address, shared }
    }
}

fn converse(mut connection: TcpStream, shared: &Shared) -> std::io::Result<()> {
    connection.set_read_timeout(Some(Duration::from_secs(10)))?;
    let (mut head, mut buffer) = (Vec::new(), [0; 4096]);
    while !head.ends_with(b"\r\n\r\n") {
        match connection.read(&mut buffer)? {
            0 => return Ok(()),
            read => head.extend_from_slice(&buffer[..read]),
        }
    }
    shared.asked.lock().unwrap().push_str(&String::from_utf8_lossy(&head));
    let answer = shared.answer.lock().unwrap().clone();
    connection.write_all(&answer)
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        _ = TcpStream::connect(self.address);
    }
}
