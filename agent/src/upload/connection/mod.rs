//! Below the HTTP client: connections every wait of which is bounded, and ends at once when it is interrupted.
//!
//! ureq frames requests and answers; the sockets are ours, for three reasons: `request_deadline` is the time without
//! progress and ureq's deadlines are those of a phase, an interrupted upload must not wait for anything (name, connect,
//! proxy, handshake), and what goes wrong is told in the words of whoever has to mend it.

mod certificate;
mod failure;
mod interrupt;
mod lookup;
mod opening;
mod route;
mod socket;
mod tls;
mod tunnel;
mod watch;

use std::fmt;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rustls::ClientConnection;
use scalyr_monitor::Clock;
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport};

use crate::config::plan::SessionPlan;
use crate::threads::Threads;

pub(super) use self::failure::Failure;
pub(super) use self::interrupt::Interrupt;
pub(super) use self::lookup::{Ask, ask_system};
pub(super) use self::route::Route;
pub(super) use self::tunnel::{unauthorized, unreached_by_proxy};
pub(super) use self::watch::{Motion, Watch};

use self::lookup::Lookups;
use self::opening::Opening;
use self::socket::{Now, Patience, Socket};
use self::tls::Trust;

/// So much of a body is handed to the system at once: four records of TLS. More saves no measurable time.
const OUTPUT: usize = 64 * 1024;

/// The longest head of an answer that is read.
pub(super) const MOST_HEAD: usize = 16 * 1024;

/// The kind of the failure when a request was written and no answer came in time, or not all of it.
pub(super) const NO_ANSWER: &str = "no answer in time";

/// Room for a head and what comes with it.
const INPUT: usize = 2 * MOST_HEAD;

/// So many bytes of answers to one request are read, interim ones (1xx) and the framing of chunks among them.
const MOST_ANSWER: usize = 256 * 1024;

/// A server that sends more than so many pieces of TLS without any data in them is not up to any good.
const MOST_SILENT_READS: usize = 64;

/// A connector of one client, and what is seen of its connections.
///
/// # Errors
/// When the process may not open more files.
pub(super) fn watched(
    plan: &SessionPlan,
    clock: &Clock,
    threads: &Threads,
    ask: Ask,
) -> io::Result<(Connections, Arc<Watch>, Arc<Interrupt>)> {
    let interrupt = Arc::new(Interrupt::new()?);
    let watch = Arc::new(Watch::new(clock.clone(), plan.request_deadline, Arc::clone(&interrupt)));
    let opening = Opening {
        route: Route::of(plan),
        watch: Arc::clone(&watch),
        trust: Trust::new(plan, clock.clone()),
        lookups: Mutex::new(Lookups::new(threads.clone(), ask)),
    };
    Ok((Connections(opening), watch, interrupt))
}

/// Names are looked up when a connection is opened; ureq asks for every request.
#[derive(Debug)]
pub(super) struct Later;

impl Resolver for Later {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        Ok(self.empty())
    }
}

/// Opens the connections of one client.
#[derive(Debug)]
pub(super) struct Connections(Opening);

impl Connector for Connections {
    type Out = Connection;

    fn connect(&self, _: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Connection>, Error> {
        let Opening { route, watch, .. } = &self.0;
        watch.opens();
        let (socket, session) = self.0.open().map_err(|failure| {
            watch.fail(failure);
            Error::ConnectionFailed
        })?;
        watch.established();
        Ok(Some(Connection {
            socket,
            session,
            watch: Arc::clone(watch),
            buffers: LazyBuffers::new(INPUT, OUTPUT),
            peer: route.name_of_peer(),
            prefix: route.asks_proxy().then(|| format!("http://{}", route.server)),
            head: Vec::new(),
            phase: Phase::Idle,
            spoilt: false,
        }))
    }
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The next that is sent is the head of a request.
    Idle,
    /// A request is being sent.
    Sending,
    /// The rest of the request is not sent: the server has answered, or closed, before it had all of it.
    Discarding,
    /// The answer is read, so many bytes of it so far.
    Receiving(usize),
}

/// An open connection. It sends a request's head together with the begin of its body: one packet, and one TLS record,
/// where a small request would be two.
pub(super) struct Connection {
    socket: Socket,
    session: Option<Box<ClientConnection>>,
    watch: Arc<Watch>,
    buffers: LazyBuffers,
    /// Who is at its other end, for messages.
    peer: String,
    /// What stands before the path in a request to a proxy.
    prefix: Option<String>,
    /// The head, kept until its body comes.
    head: Vec<u8>,
    phase: Phase,
    /// It cannot be used for another request.
    spoilt: bool,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

impl Connection {
    /// Keeps a head; with the whole URL when it is for a proxy.
    fn keep_head(&mut self, amount: usize) {
        let head = &self.buffers.output()[..amount];
        let path = head.iter().position(|byte| *byte == b'/').unwrap_or(0);
        let (method, rest) = head.split_at(path);
        self.head.extend_from_slice(method);
        self.head.extend_from_slice(self.prefix.as_deref().unwrap_or_default().as_bytes());
        self.head.extend_from_slice(rest);
        self.phase = Phase::Sending;
        self.socket.begin(self.peer.clone());
    }

    /// Sends a head that no body followed.
    fn flush(&mut self) -> io::Result<()> {
        let head = std::mem::take(&mut self.head);
        send(&mut self.socket, self.session.as_deref_mut(), &mut self.phase, &self.watch, &head)
    }

    fn send(&mut self, amount: usize) -> io::Result<()> {
        let length = self.head.len();
        let output = self.buffers.output();
        let mut total = amount;
        if length > 0 && length + amount <= output.len() {
            output.copy_within(..amount, length);
            output[..length].copy_from_slice(&self.head);
            self.head.clear();
            total += length;
        } else if length > 0 {
            self.flush()?;
        }
        let Self { socket, session, phase, watch, buffers, .. } = self;
        send(socket, session.as_deref_mut(), phase, watch, &buffers.output()[..total])
    }

    /// The answer begins to be waited for: all of it within `request_deadline` from the moment the last byte has left.
    fn begin_to_receive(&mut self) -> io::Result<()> {
        if !self.head.is_empty() {
            self.flush()?;
        }
        if self.phase == Phase::Discarding {
            self.spoilt = true;
            self.watch.leaves_rest();
        }
        self.phase = Phase::Receiving(0);
        let until = self.watch.one_deadline_on().checked_add(self.socket.still_sending());
        self.watch.is_patient_until(until);
        self.set_patience(until, "gave no answer");
        Ok(())
    }

    fn set_patience(&mut self, until: Option<Instant>, what: &str) {
        let until = until.unwrap_or_else(|| self.watch.one_deadline_on()).min(self.watch.last_moment());
        let text = format!("{} {what} within {}", self.peer, self.watch.deadline_text());
        self.socket.patience = Patience::Until(until, Failure::new(NO_ANSWER, text));
    }

    fn receive(&mut self) -> io::Result<usize> {
        let Phase::Receiving(so_far) = self.phase else { return Ok(0) };
        if so_far > MOST_ANSWER {
            let text = format!("the answer of {} does not end after {} KiB", self.peer, MOST_ANSWER / 1024);
            return Err(Failure::new("endless answer", text).into());
        }
        let input = self.buffers.input_append_buf();
        let bytes = match &mut self.session {
            None => self.socket.read(input)?,
            Some(session) => receive_tls(&mut self.socket, session, input)?,
        };
        self.buffers.input_appended(bytes);
        if bytes > 0 {
            if so_far == 0 {
                self.watch.answers();
                if let Patience::Until(until, _) = &self.socket.patience {
                    let until = *until;
                    self.set_patience(Some(until), "did not finish its answer");
                }
            }
            self.phase = Phase::Receiving(so_far + bytes);
        }
        Ok(bytes)
    }

    /// Notes why it failed, where that is not told already.
    fn fail(&mut self, error: io::Error) -> Error {
        self.spoilt = true;
        if let Some(failure) = failure::found_in(&error) {
            self.watch.fail(failure.clone());
        } else if let Some(error) = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) {
            self.watch.fail(tls::explain(error, &self.peer));
        }
        Error::Io(error)
    }
}

/// Sends bytes, unless the rest of the request is discarded. When the other side has spoken, closed or reset before it
/// took all of it, the rest is: what it said is worth more than what this would fail with.
fn send(
    socket: &mut Socket,
    session: Option<&mut ClientConnection>,
    phase: &mut Phase,
    watch: &Watch,
    bytes: &[u8],
) -> io::Result<()> {
    if *phase == Phase::Discarding {
        return Ok(());
    }
    socket.listens = true;
    let result = match session {
        None => socket.write_all(bytes),
        Some(session) => send_tls(socket, session, bytes),
    };
    socket.listens = false;
    match result {
        Err(error) if watch.interrupt.is_cut() => Err(error),
        Err(error)
            if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) =>
        {
            *phase = Phase::Discarding;
            Ok(())
        }
        result => result,
    }
}

fn send_tls(socket: &mut Socket, session: &mut ClientConnection, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let taken = session.writer().write(bytes)?;
        bytes = &bytes[taken..];
        while session.wants_write() {
            match session.write_tls(socket) {
                Ok(_) => {}
                // Something came meanwhile: an answer, or what belongs to TLS alone.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if !is_silent(socket, session) {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Takes in what has come, without waiting; true when that is nothing but TLS's own, and the connection is still open.
fn is_silent(socket: &mut Socket, session: &mut ClientConnection) -> bool {
    for _ in 0..MOST_SILENT_READS {
        if !session.wants_read() || !socket.has_input() {
            return session.wants_read();
        }
        match session.read_tls(&mut Now(socket)) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => return false,
        }
        match session.process_new_packets() {
            Ok(state) if state.plaintext_bytes_to_read() == 0 && !state.peer_has_closed() => {}
            _ => return false,
        }
    }
    false
}

fn receive_tls(socket: &mut Socket, session: &mut ClientConnection, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match session.reader().read(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            // Closed without a word: what counts is whether the answer is whole.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
            result => return result,
        }
        while session.wants_write() {
            session.write_tls(socket)?;
        }
        session.read_tls(socket)?;
        session.process_new_packets().map_err(io::Error::other)?;
    }
}

impl Transport for Connection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
        if !matches!(self.phase, Phase::Sending | Phase::Discarding) {
            // What is sent first after an answer is a head.
            self.keep_head(amount);
            return Ok(());
        }
        self.send(amount).map_err(|error| self.fail(error))
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
        if !matches!(self.phase, Phase::Receiving(_)) {
            self.begin_to_receive().map_err(|error| self.fail(error))?;
        }
        match self.receive() {
            Ok(bytes) => Ok(bytes > 0),
            Err(error) => Err(self.fail(error)),
        }
    }

    fn is_open(&mut self) -> bool {
        if self.spoilt {
            return false;
        }
        match &mut self.session {
            None => !self.socket.has_input(),
            Some(session) => is_silent(&mut self.socket, session),
        }
    }

    fn is_tls(&self) -> bool {
        self.session.is_some()
    }
}
