//! A small HTTP server that does what a test tells it, request by request.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::net::sockopt;
use scalyr_monitor::{Clock, Stop};

use crate::threads::Threads;

use super::decoded::{Decoded, decode};

pub(super) const SUCCESS: &str = r#"{"status":"success","bytesCharged":1}"#;

/// What the server does with a request once it has read it.
#[derive(Clone)]
pub(super) enum Step {
    /// Answers with this HTTP status line's rest, further header lines and body.
    Answer(&'static str, &'static str, String),
    /// Answers nothing and closes the connection.
    Cut,
    /// Answers nothing and resets the connection.
    Reset,
    /// Announces more bytes than it sends, then closes the connection.
    CutAnswer,
    /// Answers with success when it is told to, not before.
    Hold(Stop),
    /// Answers with success, then closes the connection without having announced it.
    CloseAfter,
}

impl Step {
    /// HTTP 200 with this body.
    pub(super) fn ok(body: &str) -> Self {
        Self::Answer("200 OK", "", body.to_owned())
    }
}

pub(super) struct Received {
    /// When it had been read.
    pub(super) at: Instant,
    pub(super) connection: usize,
    pub(super) head: String,
    pub(super) raw: Vec<u8>,
    pub(super) body: Decoded,
}

#[derive(Default)]
struct Shared {
    script: Mutex<VecDeque<Step>>,
    received: Mutex<Vec<Received>>,
}

#[derive(Clone)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
}

impl Server {
    /// Answers with success once the script is at its end.
    pub(super) fn start(script: impl IntoIterator<Item = Step>) -> Self {
        Self::listen(TcpListener::bind("127.0.0.1:0").unwrap(), script)
    }

    pub(super) fn listen(listener: TcpListener, script: impl IntoIterator<Item = Step>) -> Self {
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { script: Mutex::new(script.into_iter().collect()), ..Shared::default() });
        let server = Self { address, shared: Arc::clone(&shared) };
        let threads = Threads::new();
        let connections = threads.clone();
        threads
            .spawn("test server", move || {
                for (number, stream) in listener.incoming().enumerate() {
                    let shared = Arc::clone(&shared);
                    connections.spawn("test connection", move || serve(&shared, stream.unwrap(), number + 1)).unwrap();
                }
            })
            .unwrap();
        server
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn count(&self) -> usize {
        self.shared.received.lock().unwrap().len()
    }

    /// Looks at everything that was received so far.
    pub(super) fn look<T>(&self, look: impl FnOnce(&[Received]) -> T) -> T {
        look(&self.shared.received.lock().unwrap())
    }

    /// All messages of one file, in the order in which they arrived.
    pub(super) fn messages(&self, file: &str) -> Vec<String> {
        self.look(|received| received.iter().flat_map(|request| request.body.messages(file)).collect())
    }
}

fn serve(shared: &Shared, stream: TcpStream, connection: usize) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some((head, raw)) = read_request(&mut reader) {
        let at = Clock::system().monotonic();
        let plain = if head.contains("content-encoding: deflate") {
            let mut plain = Vec::new();
            flate2::read::ZlibDecoder::new(&raw[..]).read_to_end(&mut plain).unwrap();
            plain
        } else {
            raw
        };
        let step = shared.script.lock().unwrap().pop_front().unwrap_or_else(|| Step::ok(SUCCESS));
        let body = decode(&plain);
        shared.received.lock().unwrap().push(Received { at, connection, head, raw: plain, body });
        if matches!(step, Step::Reset) {
            // The reset is sent when the last of its handles is dropped.
            sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
            return;
        }
        if !answer(&stream, step) {
            let _ = stream.shutdown(Shutdown::Both);
            return;
        }
    }
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let head = head.to_lowercase();
    let length = head.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

/// Plays a step; false when the connection is to be closed.
fn answer(mut stream: &TcpStream, step: Step) -> bool {
    let success = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{SUCCESS}", SUCCESS.len());
    let (text, goes_on) = match step {
        Step::Answer(status, headers, body) => {
            (format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()), true)
        }
        Step::Cut | Step::Reset => return false,
        Step::CutAnswer => ("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"status\":\"success\"}".to_owned(), false),
        Step::Hold(until) => {
            until.wait(Duration::from_secs(60));
            (success, true)
        }
        Step::CloseAfter => (success, false),
    };
    stream.write_all(text.as_bytes()).is_ok() && goes_on
}
