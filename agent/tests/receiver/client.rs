//! A client that speaks raw HTTP over a real socket.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use scalyr_agent::receiver::{Options, Receiver, Script};
use scalyr_agent::threads::Threads;
use scalyr_monitor::Clock;

use crate::body::{event, with_events};

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn start(options: Options) -> Receiver {
    Receiver::start(options, &Threads::new(), &Clock::system()).unwrap()
}

pub(crate) fn start_with(script: &str) -> Receiver {
    start(Options { faults: script.parse::<Script>().unwrap(), ..Options::default() })
}

/// A good body with one event, whose line ends at this number.
pub(crate) fn good_body(sn: u64) -> Vec<u8> {
    with_events(&event("hello\n", &format!("ts:\"1795355310507682560\",si:\"q\",sn:{sn}"))).into_bytes()
}

pub(crate) fn deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    pub(crate) fn post(&mut self, path: &str, fields: &str, body: &[u8]) {
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n{fields}\r\n", body.len());
        self.send(&[head.as_bytes(), body].concat());
    }

    /// Sends a good request and reads the answer.
    pub(crate) fn upload(&mut self, sn: u64) -> Answer {
        self.post("/addEvents", "", &good_body(sn));
        self.answer()
    }

    /// Sends a good request; whether it was accepted, or the connection refused.
    pub(crate) fn try_upload(&mut self, sn: u64) -> bool {
        let body = good_body(sn);
        let head = format!("POST /addEvents HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len());
        let sent = self.0.write_all(head.as_bytes()).and_then(|()| self.0.write_all(&body));
        let mut begin = [0; 12];
        sent.is_ok() && self.0.read_exact(&mut begin).is_ok() && begin == *b"HTTP/1.1 200"
    }

    /// Reads an answer to its end.
    pub(crate) fn answer(&mut self) -> Answer {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            assert_eq!(self.0.read(&mut byte).unwrap(), 1, "closed after {}", String::from_utf8_lossy(&head));
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap().parse().unwrap();
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        let code = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { code, head, body: String::from_utf8(body).unwrap() }
    }

    /// Everything that comes until the connection is closed or reset.
    pub(crate) fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        let _ = self.0.read_to_end(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    pub(crate) fn half_close(&self) {
        self.0.shutdown(Shutdown::Write).unwrap();
    }
}
