//! Where everything goes: a server that does as little as one can, so that it is not what is measured.
//!
//! It reads the head of a request, its body straight into memory that was touched before, and answers success. Nothing is
//! looked at while the clock runs; what was kept is [judged](crate::proof) afterwards.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use scalyr_agent::threads::Threads;

use crate::story::now;

/// How large the head of a request may be.
const HEAD_BYTES: usize = 64 * 1024;
/// So much is read at a time of a stream of lines.
const STREAM_BYTES: usize = 1 << 20;
/// A smaller request carries no lines worth the name: a probe, or a sign of life.
const SMALL: u64 = 4096;

/// What is spoken with the sink.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speech {
    /// HTTP: each body is kept.
    Http,
    /// Lines over TCP: they are counted and forgotten.
    Lines,
}

/// A body in the memory of [`Kept`].
pub(crate) struct KeptBody {
    range: Range<usize>,
    /// `Content-Encoding`, as it was sent.
    pub(crate) encoding: Option<String>,
}

/// Memory for the bodies of a run.
#[derive(Default)]
pub(crate) struct Kept {
    memory: Vec<u8>,
    used: usize,
    bodies: Vec<KeptBody>,
    /// Bodies for which there was no room.
    pub(crate) forgotten: u64,
}

impl Kept {
    /// Room for this many bytes, each page of it touched.
    pub(crate) fn with_room(bytes: usize) -> Self {
        Self { memory: vec![1; bytes], ..Self::default() }
    }

    /// Forgets all bodies, keeps the room.
    pub(crate) fn clear(&mut self) {
        self.used = 0;
        self.bodies.clear();
        self.forgotten = 0;
    }

    /// What was kept, in the order of arrival.
    pub(crate) fn bodies(&self) -> impl Iterator<Item = (&KeptBody, &[u8])> {
        self.bodies.iter().map(|body| (body, self.memory.get(body.range.clone()).unwrap_or_default()))
    }

    /// Reads the rest of a body behind `begun`.
    fn read(&mut self, head: Head, begun: &[u8], stream: &mut TcpStream) -> io::Result<()> {
        let end = self.used.saturating_add(head.length);
        let Some(place) = self.memory.get_mut(self.used..end) else {
            self.forgotten += 1;
            let rest = (head.length - begun.len()) as u64;
            let read = io::copy(&mut stream.take(rest), &mut io::sink())?;
            return if read == rest { Ok(()) } else { Err(ErrorKind::UnexpectedEof.into()) };
        };
        let (first, rest) = place.split_at_mut(begun.len());
        first.copy_from_slice(begun);
        stream.read_exact(rest)?;
        self.bodies.push(KeptBody { range: self.used..end, encoding: head.encoding });
        self.used = end;
        Ok(())
    }
}

/// A running sink. Ends with [`Sink::finish`].
pub(crate) struct Sink {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    begin: Instant,
    speech: Speech,
    kept: Mutex<Kept>,
    ending: AtomicBool,
    requests: AtomicU64,
    /// Requests that were not [`SMALL`].
    large: AtomicU64,
    bytes: AtomicU64,
    lines: AtomicU64,
    /// When the last answer that matters was given, nanoseconds since `begin`.
    last: AtomicU64,
    trouble: Mutex<Option<String>>,
}

impl Sink {
    /// Listens on a free port of loopback.
    pub(crate) fn start(speech: Speech, kept: Kept) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            begin: now(),
            speech,
            kept: Mutex::new(kept),
            ending: AtomicBool::new(false),
            requests: AtomicU64::new(0),
            large: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            lines: AtomicU64::new(0),
            last: AtomicU64::new(0),
            trouble: Mutex::new(None),
        });
        let (threads, listening) = (Threads::new(), Arc::clone(&shared));
        threads.clone().spawn("sink", move || listening.listen(&listener, &threads))?;
        Ok(Self { address, shared })
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// What an agent's `scalyr_server` is to say.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Requests that were answered.
    pub(crate) fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// Requests with lines in them, or reads of a stream: what grows while there is progress.
    pub(crate) fn large(&self) -> u64 {
        self.shared.large.load(Ordering::Relaxed)
    }

    /// Bytes that came, heads and bodies.
    pub(crate) fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    /// Lines of a stream.
    pub(crate) fn lines(&self) -> u64 {
        self.shared.lines.load(Ordering::Relaxed)
    }

    /// When the last request with lines was answered.
    pub(crate) fn last(&self) -> Instant {
        self.shared.begin + Duration::from_nanos(self.shared.last.load(Ordering::Relaxed))
    }

    /// The `Content-Encoding` of the first request with lines.
    pub(crate) fn first_encoding(&self) -> Option<Option<String>> {
        let kept = lock(&self.shared.kept);
        kept.bodies.iter().find(|body| body.range.len() as u64 >= SMALL).map(|body| body.encoding.clone())
    }

    /// Why a connection ended that should not have.
    pub(crate) fn trouble(&self) -> Option<String> {
        lock(&self.shared.trouble).clone()
    }

    /// Ends it; what it kept, for the next one to use.
    pub(crate) fn finish(self) -> Kept {
        self.shared.ending.store(true, Ordering::Release);
        // Wakes the listener, which is gone if this fails.
        drop(TcpStream::connect(self.address));
        std::mem::take(&mut *lock(&self.shared.kept))
    }
}

impl Shared {
    fn listen(self: &Arc<Self>, listener: &TcpListener, threads: &Threads) {
        for stream in listener.incoming() {
            if self.ending.load(Ordering::Acquire) {
                return;
            }
            let shared = Arc::clone(self);
            let serve = move |stream: TcpStream| {
                let served = match shared.speech {
                    Speech::Http => shared.serve_requests(stream),
                    Speech::Lines => shared.serve_lines(stream),
                };
                if let Err(error) = served.filter_ends() {
                    lock(&shared.trouble).get_or_insert(error.to_string());
                }
            };
            if let Err(error) = stream.and_then(|stream| threads.spawn("sink-connection", move || serve(stream))) {
                lock(&self.trouble).get_or_insert(error.to_string());
            }
        }
    }

    fn serve_requests(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let (mut buffer, mut filled) = (vec![0; HEAD_BYTES], 0);
        loop {
            let Some(end) = read_head(&mut stream, &mut buffer, &mut filled)? else { return Ok(()) };
            let head = Head::parse(&String::from_utf8_lossy(&buffer[..end]))?;
            if head.expects_continue {
                stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            let (length, closes) = (head.length, head.closes);
            let begun = length.min(filled - end);
            lock(&self.kept).read(head, &buffer[end..end + begun], &mut stream)?;
            buffer.copy_within(end + begun..filled, 0);
            filled -= end + begun;
            let text = format!("{{\"status\":\"success\",\"bytesCharged\":{length}}}");
            let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length:";
            stream.write_all(format!("{answer} {}\r\n\r\n{text}", text.len()).as_bytes())?;
            self.count((end + length) as u64, length as u64 >= SMALL);
            if closes {
                return Ok(());
            }
        }
    }

    fn serve_lines(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut buffer = vec![0; STREAM_BYTES];
        loop {
            let read = stream.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            let ends = buffer[..read].iter().filter(|byte| **byte == b'\n').count();
            self.lines.fetch_add(ends as u64, Ordering::Relaxed);
            self.count(read as u64, true);
        }
    }

    fn count(&self, bytes: u64, is_large: bool) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if is_large {
            let nanoseconds = u64::try_from(self.begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.last.store(nanoseconds, Ordering::Relaxed);
            self.large.fetch_add(1, Ordering::Relaxed);
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
    }
}

/// Clients that are killed close their connection as they like.
trait FilterEnds {
    fn filter_ends(self) -> Self;
}

impl FilterEnds for io::Result<()> {
    fn filter_ends(self) -> Self {
        self.or_else(|error| match error.kind() {
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Ok(()),
            _ => Err(error),
        })
    }
}

/// Reads until the end of a head is in the buffer, and returns where that is; none when the client is done.
fn read_head(stream: &mut TcpStream, buffer: &mut [u8], filled: &mut usize) -> io::Result<Option<usize>> {
    const END: &[u8] = b"\r\n\r\n";
    loop {
        if let Some(at) = buffer[..*filled].windows(END.len()).position(|window| window == END) {
            return Ok(Some(at + END.len()));
        }
        if *filled == buffer.len() {
            return Err(io::Error::other("the head of a request is larger than 64 KiB"));
        }
        match stream.read(&mut buffer[*filled..])? {
            0 if *filled == 0 => return Ok(None),
            0 => return Err(io::Error::other("the head of a request was cut off")),
            read => *filled += read,
        }
    }
}

/// What matters of a head.
struct Head {
    length: usize,
    encoding: Option<String>,
    expects_continue: bool,
    closes: bool,
}

impl Head {
    fn parse(text: &str) -> io::Result<Self> {
        let mut head = Self { length: 0, encoding: None, expects_continue: false, closes: false };
        for (name, value) in text.lines().skip(1).filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => {
                    head.length = value.parse().map_err(|_| io::Error::other("a Content-Length is no number"))?;
                }
                "content-encoding" => head.encoding = Some(value.to_owned()),
                "expect" => head.expects_continue = true,
                "connection" => head.closes = value.eq_ignore_ascii_case("close"),
                "transfer-encoding" => return Err(io::Error::other("a body came in chunks, without its length")),
                _ => {}
            }
        }
        Ok(head)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
