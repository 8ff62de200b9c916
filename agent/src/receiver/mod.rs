//! A small Scalyr-compatible endpoint: takes what the agent uploads, checks it strictly, and shows or keeps it.
//!
//! It serves `agent receive`, `agent demo` and the tests. It shares no code with the agent's encoder (`upload`), so that
//! encoder and checker cannot share a mistake; the protocol is described in `wire-protocol.md`. It can be told to
//! answer errors, to delay, and to cut connections ([`faults`]).
//!
//! Over HTTP it knows `POST /addEvents`, and for clients on the same host `GET /control/summary` (the [`Summary`] as
//! JSON) and `POST /control/faults` (replaces the fault script with the text that is sent).

mod body;
mod connection;
mod decompress;
mod event;
pub mod faults;
mod http;
mod json_lines;
mod scan;
mod store;
mod summary;
mod terminal;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scalyr_monitor::{Clock, Stop};

use crate::threads::Threads;
use connection::Connection;
use http::{Answer, Timeouts, Wire};
use store::Store;

pub use body::{Attribute, BodyError, Event, Log, Problems, Request, Thread, Token};
pub use decompress::{DecompressError, decompressed};
pub use faults::{Action, Fault, Faults, Script};
pub use scan::{Raw, SyntaxError};
pub use store::{Arrival, Observer};
pub use summary::{FileCount, OTHER_FILES, Summary};
pub use terminal::{escape, show_events};

/// How long a stop waits for the connections to end.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// What a receiver is to do.
#[derive(Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether `listen` may be another than a loopback address.
    pub allow_remote: bool,
    /// A file that each accepted event is appended to, as one JSON line.
    pub output: Option<PathBuf>,
    /// How the first requests are treated.
    pub faults: Script,
    /// Told of every accepted request, before it is answered.
    pub observer: Option<Observer>,
    /// How many connections may be open at a time.
    pub max_connections: usize,
    /// How many bytes a body may have as it is sent.
    pub max_body: usize,
    /// How many bytes a body may have after decompression.
    pub max_decompressed: usize,
    /// How long a connection may be idle between two requests.
    pub idle_timeout: Duration,
    /// How long a request may take to arrive.
    pub request_timeout: Duration,
    /// How long a client may take to read an answer.
    pub answer_timeout: Duration,
}

impl Default for Options {
    /// A free port on loopback, no faults, no output.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            allow_remote: false,
            output: None,
            faults: Script::default(),
            observer: None,
            max_connections: 64,
            max_body: 64 << 20,
            max_decompressed: 64 << 20,
            idle_timeout: Duration::from_secs(600),
            request_timeout: Duration::from_secs(60),
            answer_timeout: Duration::from_secs(60),
        }
    }
}

/// What all threads of a receiver share.
struct Shared {
    options: Options,
    clock: Clock,
    stop: Stop,
    store: Store,
    faults: Faults,
    open: Mutex<Open>,
    ended: Condvar,
}

/// What is running.
#[derive(Default)]
struct Open {
    accepting: bool,
    streams: BTreeMap<u64, TcpStream>,
}

/// A running receiver. Stops when it is dropped.
pub struct Receiver {
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl Receiver {
    /// Starts to listen.
    ///
    /// # Errors
    /// When the address is not a loopback one and that was not allowed, when it cannot be bound, when the output file
    /// cannot be opened, or when no thread can be started.
    pub fn start(options: Options, threads: &Threads, clock: &Clock) -> io::Result<Self> {
        if !options.allow_remote && !options.listen.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "{} is not a loopback address, so that other hosts could send here and nothing is encrypted; \
                     listen on 127.0.0.1, or allow it with --allow-remote",
                    options.listen
                ),
            ));
        }
        let store = Store::new(options.output.as_deref(), options.observer.clone())?;
        let listener = TcpListener::bind(options.listen)
            .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {}: {error}", options.listen)))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            faults: Faults::new(options.faults.clone()),
            options,
            clock: clock.clone(),
            stop: Stop::new(),
            store,
            open: Mutex::new(Open { accepting: true, streams: BTreeMap::new() }),
            ended: Condvar::new(),
        });
        let (acceptor, births) = (Arc::clone(&shared), threads.clone());
        threads.spawn("receiver", move || accept_connections(&listener, &acceptor, &births))?;
        Ok(Self { shared, address })
    }

    /// The address that is listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as the agent's `scalyr_server` takes it: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes how requests are treated, at any time.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// What was seen so far.
    pub fn summary(&self) -> Summary {
        self.shared.store.summary()
    }

    /// Waits until the counts are as wished, at most for `time`; whether they are. `wish` must not call the receiver.
    pub fn wait_until(&self, time: Duration, wish: impl Fn(&Summary) -> bool) -> bool {
        self.shared.store.wait_until(&self.shared.clock, time, wish)
    }

    /// Stops: takes no further connection, ends idle and stalled ones at once and the others after their answer.
    /// Returns when all have ended (true) or after ten seconds (false).
    pub fn stop(&self) -> bool {
        self.shared.stop.stop();
        let mut open = self.shared.lock();
        for stream in open.streams.values() {
            // Wakes a thread that waits for a request. An error means that the connection is down already.
            let _ = stream.shutdown(Shutdown::Read);
        }
        let deadline = self.shared.clock.monotonic() + STOP_PATIENCE;
        while open.accepting || !open.streams.is_empty() {
            if open.accepting {
                // Wakes the thread that waits for a connection.
                let _ = TcpStream::connect_timeout(&reachable(self.address), Duration::from_millis(100));
            }
            let left = deadline.saturating_duration_since(self.shared.clock.monotonic());
            if left.is_zero() {
                return false;
            }
            let turn = left.min(Duration::from_millis(100));
            open = self.shared.ended.wait_timeout(open, turn).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The address under which this host reaches a listener, also one on all interfaces.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => SocketAddr::from((Ipv4Addr::LOCALHOST, v4.port())),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => SocketAddr::from((Ipv6Addr::LOCALHOST, v6.port())),
        other => other,
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_error(&self, error: String) {
        self.store.note(|summary| summary.last_error = Some(error));
    }
}

fn accept_connections(listener: &TcpListener, shared: &Arc<Shared>, threads: &Threads) {
    let mut number = 0;
    loop {
        let accepted = listener.accept();
        if shared.stop.is_stopped() {
            break;
        }
        let admitted = accepted.and_then(|(stream, peer)| {
            number += 1;
            admit(shared, threads, number, stream, peer)
        });
        if let Err(error) = admitted {
            shared.note_error(format!("a connection could not be taken: {error}"));
            // Too many open files, most likely: trying again at once would only burn a core.
            if shared.stop.wait(Duration::from_millis(50)) {
                break;
            }
        }
    }
    shared.lock().accepting = false;
    shared.ended.notify_all();
}

/// Starts a thread for a connection, or sends it away when too many are open.
fn admit(shared: &Arc<Shared>, threads: &Threads, number: u64, stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
    let Options { idle_timeout, request_timeout, answer_timeout, max_connections, .. } = shared.options;
    let timeouts = Timeouts { idle: idle_timeout, request: request_timeout, answer: answer_timeout };
    let other_end = stream.try_clone()?;
    let mut wire = Wire::new(stream, shared.clock.clone(), timeouts)?;
    let mut open = shared.lock();
    if open.streams.len() >= max_connections {
        drop(open);
        let text = format!("{max_connections} connections are open already");
        shared.store.note(|summary| {
            summary.refused_connections += 1;
            summary.last_error = Some(text.clone());
        });
        // The client may be gone already; it was sent away either way.
        let _ = wire.send(&Answer { close: true, ..Answer::error(503, "error/server/backoff", &text) }.to_bytes());
        return Ok(());
    }
    open.streams.insert(number, other_end);
    drop(open);
    shared.store.note(|summary| {
        summary.connections += 1;
        summary.open_connections += 1;
    });
    let guard = OpenConnection { shared: Arc::clone(shared), number };
    threads.spawn(&format!("receiver-{number}"), move || {
        Connection::new(&guard.shared, number, peer, wire).serve();
    })
}

/// Notes the end of a connection, however it came.
struct OpenConnection {
    shared: Arc<Shared>,
    number: u64,
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.shared.store.note(|summary| summary.open_connections -= 1);
        self.shared.lock().streams.remove(&self.number);
        self.shared.ended.notify_all();
    }
}
