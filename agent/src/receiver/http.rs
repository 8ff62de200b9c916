//! As much of HTTP/1.1 as the agent's uploads need: request heads, bodies with a length, answers.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use scalyr_monitor::Clock;

/// How large the head of a request may be.
const MAX_HEAD: usize = 16 * 1024;
/// How many header fields a request may have.
const MAX_FIELDS: usize = 64;
/// So much room is made at a time for a body, so that a promised length alone costs nothing.
const READ_BYTES: usize = 256 * 1024;
/// How long, and how many bytes of, the rest of a refused request is read so that the answer is not lost.
const LINGER: (Duration, u64) = (Duration::from_secs(1), 64 << 20);

/// How long a connection may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// Between two requests.
    pub(super) idle: Duration,
    /// From the first byte of a request to its last.
    pub(super) request: Duration,
    /// For each write of an answer.
    pub(super) answer: Duration,
}

/// Why a connection is over.
#[derive(Debug)]
pub(super) enum End {
    /// The client closed it between two requests, or stayed idle for too long.
    Quiet,
    /// The request is answered with this, and then the connection is closed.
    Refuse(Answer),
    /// It failed in the middle of a request.
    Failed(String),
}

/// What the head of a request says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) method: String,
    pub(super) path: String,
    /// Bytes of the body; none when the head does not say.
    pub(super) length: Option<u64>,
    pub(super) encoding: Option<String>,
    pub(super) user_agent: String,
    /// The client closes the connection after the answer, or is of HTTP/1.0.
    pub(super) close: bool,
    /// The client waits for a word before it sends the body.
    pub(super) expects_continue: bool,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) code: u16,
    pub(super) content_type: &'static str,
    pub(super) body: String,
    pub(super) retry_after: Option<u64>,
    /// Whether the connection is closed after it.
    pub(super) close: bool,
}

impl Answer {
    /// An answer with this JSON text.
    pub(super) fn json(code: u16, body: String) -> Self {
        Self { code, content_type: "application/json", body, retry_after: None, close: false }
    }

    /// A refusal: a status and a text that says why.
    pub(super) fn error(code: u16, status: &str, message: &str) -> Self {
        Self::json(code, serde_json::json!({ "status": status, "message": message }).to_string())
    }

    /// The answer as it is sent.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let retry_after = self.retry_after.map_or_else(String::new, |seconds| format!("Retry-After: {seconds}\r\n"));
        let connection = if self.close { "Connection: close\r\n" } else { "" };
        let (code, reason, kind, length) = (self.code, reason(self.code), self.content_type, self.body.len());
        format!(
            "HTTP/1.1 {code} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{retry_after}{connection}\r\n{}",
            self.body
        )
        .into_bytes()
    }
}

fn reason(code: u16) -> &'static str {
    match code {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        411 => "Length Required",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Other",
    }
}

/// The server's side of one connection.
pub(super) struct Wire {
    stream: TcpStream,
    clock: Clock,
    timeouts: Timeouts,
    /// Bytes that were read and belong to what comes next.
    ahead: Vec<u8>,
    /// When the request that is being read must be complete.
    deadline: Instant,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, clock: Clock, timeouts: Timeouts) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(timeouts.answer))?;
        let deadline = clock.monotonic();
        Ok(Self { stream, clock, timeouts, ahead: Vec::new(), deadline })
    }

    /// Reads the head of the next request.
    pub(super) fn read_head(&mut self) -> Result<Head, End> {
        let mut begun = !self.ahead.is_empty();
        self.deadline = self.clock.monotonic() + if begun { self.timeouts.request } else { self.timeouts.idle };
        loop {
            if begun && let Some((head, length)) = parse_head(&self.ahead)? {
                self.ahead.drain(..length);
                return Ok(head);
            }
            if self.ahead.len() >= MAX_HEAD {
                return Err(refuse(431, &format!("the head of the request is longer than {MAX_HEAD} bytes")));
            }
            let mut buffer = [0; 4096];
            match self.read(&mut buffer) {
                Ok(0) if !begun => return Err(End::Quiet),
                Ok(0) => return Err(End::Failed("the client closed the connection in the head of a request".into())),
                Ok(count) => self.ahead.extend_from_slice(&buffer[..count]),
                Err(_) if !begun => return Err(End::Quiet),
                Err(error) => return Err(self.failed(&error, "the head of a request")),
            }
            if !begun {
                begun = true;
                self.deadline = self.clock.monotonic() + self.timeouts.request;
            }
        }
    }

    /// Reads a body of `length` bytes into `body`, which is emptied first.
    pub(super) fn read_body(&mut self, head: &Head, length: usize, body: &mut Vec<u8>) -> Result<(), End> {
        if head.expects_continue && self.ahead.is_empty() {
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n").map_err(|error| End::Failed(error.to_string()))?;
        }
        body.clear();
        let ready = self.ahead.len().min(length);
        body.extend(self.ahead.drain(..ready));
        let mut filled = ready;
        while filled < length {
            if filled == body.len() {
                body.resize(length.min(filled + READ_BYTES), 0);
            }
            match self.read(&mut body[filled..]) {
                Ok(0) => {
                    return Err(End::Failed(format!(
                        "the client closed the connection after {filled} of {length} bytes of a body"
                    )));
                }
                Ok(count) => filled += count,
                Err(error) => return Err(self.failed(&error, &format!("a body, {filled} of {length} bytes of it"))),
            }
        }
        Ok(())
    }

    /// Sends bytes.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Whether the client has closed the connection (or reset it).
    pub(super) fn is_gone(&self) -> bool {
        let peeked = self.stream.set_nonblocking(true).and_then(|()| self.stream.peek(&mut [0]));
        let blocking = self.stream.set_nonblocking(false);
        match peeked {
            Ok(count) => count == 0 || blocking.is_err(),
            Err(error) => error.kind() != io::ErrorKind::WouldBlock || blocking.is_err(),
        }
    }

    /// Ends the answer and reads what the client is still sending: closing with unread bytes would reset the
    /// connection, and the client might lose the answer.
    pub(super) fn linger(mut self) {
        self.deadline = self.clock.monotonic() + LINGER.0;
        if self.stream.shutdown(Shutdown::Write).is_err() {
            return;
        }
        let mut left = LINGER.1;
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = self.read(&mut buffer) {
            left = left.saturating_sub(count as u64);
            if left == 0 {
                return;
            }
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.deadline.saturating_duration_since(self.clock.monotonic());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.stream.set_read_timeout(Some(left))?;
            match self.stream.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
    }

    fn failed(&self, error: &io::Error, place: &str) -> End {
        if error.kind() == io::ErrorKind::TimedOut {
            let seconds = self.timeouts.request.as_secs_f64();
            return refuse(408, &format!("no request within {seconds} s: it stopped in {place}"));
        }
        End::Failed(format!("the connection failed in {place}: {error}"))
    }
}

/// Refuses a request and closes the connection.
pub(super) fn refuse(code: u16, message: &str) -> End {
    End::Refuse(Answer::error(code, "error/client/badParam", message))
}

/// Reads a head from the bytes there are; `None` when more are needed.
fn parse_head(bytes: &[u8]) -> Result<Option<(Head, usize)>, End> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    let length = match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(refuse(431, &format!("more than {MAX_FIELDS} header fields")));
        }
        Err(error) => return Err(refuse(400, &format!("the head of the request is not HTTP/1.1: {error}"))),
    };
    let mut head = Head {
        method: request.method.unwrap_or_default().to_owned(),
        path: request.path.unwrap_or_default().to_owned(),
        length: None,
        encoding: None,
        user_agent: String::new(),
        close: request.version != Some(1),
        expects_continue: false,
    };
    for field in request.headers.iter() {
        head.read_field(field)?;
    }
    Ok(Some((head, length)))
}

impl Head {
    fn read_field(&mut self, field: &httparse::Header<'_>) -> Result<(), End> {
        let value = String::from_utf8_lossy(field.value);
        let value = value.trim();
        match field.name.to_ascii_lowercase().as_str() {
            "content-length" => {
                let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
                let Some(length) = value.parse().ok().filter(|_| digits) else {
                    return Err(refuse(400, "Content-Length is not a decimal number of bytes"));
                };
                if self.length.replace(length).is_some_and(|before| before != length) {
                    return Err(refuse(400, "two different Content-Length fields"));
                }
            }
            "transfer-encoding" => {
                return Err(refuse(411, "Transfer-Encoding is not understood here; send a Content-Length"));
            }
            "content-encoding" if self.encoding.is_some() => {
                return Err(refuse(400, "two Content-Encoding fields"));
            }
            "content-encoding" => self.encoding = Some(value.to_owned()),
            "user-agent" => self.user_agent = value.to_owned(),
            "connection" => {
                let has = |word: &str| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word));
                self.close = has("close") || (self.close && !has("keep-alive"));
            }
            "expect" => self.expects_continue = value.eq_ignore_ascii_case("100-continue"),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head(text: &str) -> Result<Option<(Head, usize)>, u16> {
        parse_head(text.as_bytes()).map_err(|end| match end {
            End::Refuse(answer) => answer.code,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn the_head_of_an_upload_is_read() {
        let text = "POST /addEvents HTTP/1.1\r\nHost: x\r\nContent-Length: 122\r\nConnection: Keep-Alive\r\n\
                    Content-Encoding: deflate\r\n\r\n";
        let (read, length) = head(text).unwrap().unwrap();
        assert_eq!(length, text.len());
        assert_eq!((read.method.as_str(), read.path.as_str(), read.length), ("POST", "/addEvents", Some(122)));
        assert_eq!((read.encoding.as_deref(), read.close), (Some("deflate"), false));
        for end in 0..text.len() {
            assert_eq!(head(&text[..end]), Ok(None));
        }
    }

    #[test]
    fn heads_that_leave_the_length_in_doubt_are_refused() {
        let with = |fields: &str| head(&format!("POST / HTTP/1.1\r\n{fields}\r\n\r\n"));
        assert_eq!(with("Content-Length: 1\r\nContent-Length: 2"), Err(400));
        assert_eq!(with("Content-Length: +1"), Err(400));
        assert_eq!(with("Content-Length: 99999999999999999999999"), Err(400));
        assert_eq!(with("Transfer-Encoding: chunked"), Err(411));
        assert_eq!(with("Content-Encoding: deflate\r\nContent-Encoding: deflate"), Err(400));
        assert_eq!(head("SSH-2.0-OpenSSH\r\n\r\n"), Err(400));
    }

    #[test]
    fn connections_end_where_the_client_says_so() {
        let close = |text: &str| head(&format!("GET / HTTP/{text}\r\n\r\n")).unwrap().unwrap().0.close;
        assert!(!close("1.1"));
        assert!(close("1.1\r\nConnection: Close"));
        assert!(close("1.0"));
        assert!(!close("1.0\r\nConnection: keep-alive"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(Some((_, length))) = parse_head(&bytes) {
                prop_assert!(length <= bytes.len());
            }
        }
    }
}
