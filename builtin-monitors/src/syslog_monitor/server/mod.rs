//! One thread for all sockets and connections: waits until something comes, hands it on, writes, and waits again.

mod receiving;

use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use rustls::ServerConfig;
use scalyr_monitor::WhenFull;
use scalyr_monitor::prelude::*;

use super::connection::{Connection, Room};
use super::endpoints::Endpoint;
use super::framing::Framing;
use super::output::{Manner, Output};
use super::sockets::{Socket, SocketKind};
use super::warnings::{Warnings, peer};

/// How often it is looked for what time alone brings about.
const TICK: Duration = Duration::from_secs(1);
/// How often it is tried to listen where it could not be.
const LISTEN_AGAIN: Duration = Duration::from_secs(5);
/// How often the kernel is asked for dropped packets that no further packet has told of.
const COUNT_DROPS: Duration = Duration::from_secs(60);
/// Both sides of a TLS connection have so long to agree.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// At the end, what was sent already is taken, for so long; it is over when nothing comes for the second time.
const LAST_CALL: Duration = Duration::from_millis(900);
const LAST_SILENCE: Duration = Duration::from_millis(20);
/// Incomplete messages of all connections together.
pub(super) const MOST_HELD: usize = 64 << 20;

/// What an event is about.
const WAKE: u64 = u64::MAX;
const FIRST_CONNECTION: u64 = 1 << 32;

/// What the options say.
pub(super) struct Rules {
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) is_remote: bool,
    pub(super) max_connections: usize,
    /// Never without.
    pub(super) idle_timeout: Option<Duration>,
    pub(super) udp_receive_buffer: usize,
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) framing: Framing,
    pub(super) manner: Manner,
    /// Never without.
    pub(super) incomplete_after: Option<Duration>,
    /// For a warning.
    pub(super) longest: usize,
    pub(super) longest_is_option: bool,
}

/// The sockets, the connections, and where their messages go.
pub(super) struct Server {
    rules: Rules,
    output: Output,
    warnings: Warnings,
    poll: OwnedFd,
    /// Written to when the monitor is asked to stop.
    wake: Arc<OwnedFd>,
    /// One for each endpoint that it can listen on.
    sockets: Vec<Option<Socket>>,
    /// Why it does not listen on one of the others.
    deaf: Option<String>,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    open: usize,
    /// Connections that may have more to read, though their sockets do not tell so.
    again: Vec<usize>,
    room: Room,
    /// How many bytes of incomplete messages the connections hold, about.
    held: usize,
    next_tick: Instant,
    next_listen: Instant,
    next_count: Instant,
}

impl Server {
    /// # Errors
    /// When the system gives no descriptor.
    pub(super) fn new(rules: Rules, output: Output, warnings: Warnings, stop: &Stop) -> Result<Self> {
        let poll = epoll::create(CreateFlags::CLOEXEC)?;
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        epoll::add(&poll, &wake, EventData::new_u64(WAKE), EventFlags::IN)?;
        let to_wake = Arc::clone(&wake);
        stop.on_stop(move || _ = rustix::io::write(&*to_wake, &1_u64.to_ne_bytes()));
        let now = warnings.clock.monotonic();
        let sockets = rules.endpoints.iter().map(|_| None).collect();
        Ok(Self {
            rules,
            output,
            warnings,
            poll,
            wake,
            sockets,
            deaf: None,
            connections: Vec::new(),
            free: Vec::new(),
            open: 0,
            again: Vec::new(),
            room: Room::new(),
            held: 0,
            next_tick: now,
            next_listen: now,
            next_count: now + COUNT_DROPS,
        })
    }

    /// Serves until it is asked to stop.
    ///
    /// # Errors
    /// When the system does not let it wait.
    pub(super) fn serve(mut self, run: &mut Run) -> Result<()> {
        let mut events = Vec::with_capacity(256);
        self.tick(self.now(), run);
        while !run.stop().is_stopped() {
            self.round(&mut events, TICK, run)?;
            self.report(run);
            if run.is_due() {
                // There is nothing to measure, but `status` sees that the monitor comes round.
                run.sample(|_| Ok(()));
            }
        }
        let end = self.now() + LAST_CALL;
        let mut silences = 0;
        // What the senders have sent before the end is theirs to see written.
        while silences < 2 && self.now() < end && !self.output.is_blocked() {
            let came = self.round(&mut events, LAST_SILENCE, run)?;
            silences = if came { 0 } else { silences + 1 };
        }
        if silences < 2 && !self.output.is_blocked() {
            self.warnings.cut_off();
        }
        self.finish(run);
        Ok(())
    }

    fn now(&self) -> Instant {
        self.warnings.clock.monotonic()
    }

    /// Waits, takes what came and writes it; whether something came.
    fn round(&mut self, events: &mut Vec<Event>, patience: Duration, run: &mut Run) -> Result<bool> {
        let patience = if self.again.is_empty() { patience } else { Duration::ZERO };
        let time = Timespec::try_from(patience).ok();
        events.clear();
        match epoll::wait(&self.poll, rustix::buffer::spare_capacity(events), time.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(Error::new(format!("waiting for messages: {error}"))),
        }
        let now = self.now();
        self.output.begin(now);
        let again = std::mem::take(&mut self.again);
        debug_assert!(again.len() <= self.connections.len(), "each connection has one turn in a round");
        let mut came = !again.is_empty();
        for place in again {
            if let Some(connection) = &mut self.connections[place] {
                connection.has_turn = false;
            }
            self.serve_connection(place, now, run);
        }
        for event in events.iter() {
            let number = event.data.u64();
            if number == WAKE {
                _ = epoll::delete(&self.poll, &*self.wake);
                continue;
            }
            came = true;
            match usize::try_from(number.saturating_sub(FIRST_CONNECTION)) {
                Ok(place) if number >= FIRST_CONNECTION => self.serve_connection(place, now, run),
                _ => self.serve_socket(usize::try_from(number).unwrap_or(usize::MAX), now, run),
            }
        }
        if now >= self.next_tick {
            self.next_tick = now + TICK;
            self.tick(now, run);
        }
        self.write(run);
        Ok(came)
    }

    /// Writes what was received, and receives nothing more until that is done. A monitor that is asked to stop waits for no
    /// upload any more, and tries once.
    fn write(&mut self, run: &mut Run) {
        loop {
            let is_stopped = run.stop().is_stopped();
            let when_full = if is_stopped { WhenFull::Grow } else { WhenFull::Leave };
            let Err(pause) = self.output.flush(when_full) else { return };
            self.report(run);
            if is_stopped {
                return;
            }
            run.stop().wait(pause);
        }
    }

    fn report(&mut self, run: &mut Run) {
        let (written, lost) = self.output.counts();
        run.count_lines(written, lost);
        run.note_trouble(self.output.trouble().or(self.deaf.as_deref()));
    }

    /// What time alone brings about.
    fn tick(&mut self, now: Instant, run: &mut Run) {
        if now >= self.next_listen {
            self.next_listen = now + LISTEN_AGAIN;
            self.listen();
        }
        if now >= self.next_count {
            self.next_count = now + COUNT_DROPS;
            self.count_drops();
        }
        self.look_after_connections(now, run);
        self.output.tidy(now);
    }

    /// Counts packets that the kernel dropped behind the last one that came: the next one may be long in coming.
    fn count_drops(&mut self) {
        for socket in self.sockets.iter_mut().flatten() {
            if let SocketKind::Udp(packets) = &mut socket.kind {
                let dropped = packets.dropped_since();
                if dropped > 0 {
                    self.output.lost += dropped;
                    self.warnings.kernel_dropped(&socket.name, dropped);
                }
            }
        }
    }

    /// Listens where it does not yet.
    fn listen(&mut self) {
        self.deaf = None;
        for (place, endpoint) in self.rules.endpoints.iter().enumerate() {
            if self.sockets[place].is_some() {
                continue;
            }
            let opened =
                Socket::open(endpoint, self.rules.is_remote, self.rules.udp_receive_buffer).and_then(|socket| {
                    epoll::add(&self.poll, &socket, EventData::new_u64(place as u64), EventFlags::IN)?;
                    Ok(socket)
                });
            match opened {
                Ok(socket) => {
                    self.warnings.logger.info(format_args!(
                        "Listening on {}; `message_log` is {}",
                        socket.name,
                        self.output.main_path().display()
                    ));
                    if let SocketKind::Udp(packets) = &socket.kind
                        && packets.granted < self.rules.udp_receive_buffer
                    {
                        self.warnings.small_buffer(&socket.name, packets.granted, self.rules.udp_receive_buffer);
                    }
                    self.sockets[place] = Some(socket);
                }
                Err(error) => {
                    self.warnings.cannot_listen(endpoint, &error);
                    self.deaf.get_or_insert_with(|| error.to_string());
                }
            }
        }
    }

    /// The end: what is not complete is written as well.
    fn finish(&mut self, run: &mut Run) {
        for place in 0..self.connections.len() {
            self.close(place);
        }
        self.count_drops();
        self.sockets.clear();
        self.output.finish();
        self.report(run);
    }

    /// Closes a connection; what it holds of a message is written as it is.
    fn close(&mut self, place: usize) {
        let Some(mut connection) = self.connections.get_mut(place).and_then(Option::take) else { return };
        let (output, manner, source) = (&mut self.output, self.rules.manner, Rc::clone(&connection.source));
        connection.flush(&self.rules.framing, &mut |message| output.take(&source, message, manner));
        self.free.push(place);
        self.open -= 1;
    }

    /// Looks at what the connections have been waiting for.
    fn look_after_connections(&mut self, now: Instant, run: &mut Run) {
        for place in 0..self.connections.len() {
            // While nothing could be written nothing was read: what waits in its socket came in time.
            if self.is_late(place, now) {
                self.serve_connection(place, now, run);
            }
            let Some(connection) = &mut self.connections[place] else { continue };
            let name = || peer(connection.ip);
            if connection.is_handshaking() && is_over(connection.opened, HANDSHAKE, now) {
                self.warnings.refused_tls(&name(), &"both sides did not agree within ten seconds");
                self.close(place);
            } else if self.rules.idle_timeout.is_some_and(|idle| is_over(connection.heard, idle, now)) {
                self.warnings.idle(&name());
                self.close(place);
            } else if self.rules.incomplete_after.is_some_and(|patience| connection.is_overdue(patience, now)) {
                self.warnings.incomplete(&name());
                let (output, manner, source) = (&mut self.output, self.rules.manner, Rc::clone(&connection.source));
                connection.flush(&self.rules.framing, &mut |message| output.take(&source, message, manner));
            }
        }
        self.held = self.connections.iter().flatten().map(Connection::held).sum();
    }

    /// Whether a connection has waited for longer than it may, as far as it was read.
    fn is_late(&self, place: usize, now: Instant) -> bool {
        let Some(connection) = &self.connections[place] else { return false };
        (connection.is_handshaking() && is_over(connection.opened, HANDSHAKE, now))
            || self.rules.idle_timeout.is_some_and(|idle| is_over(connection.heard, idle, now))
            || self.rules.incomplete_after.is_some_and(|patience| connection.is_overdue(patience, now))
    }
}

fn is_over(since: Instant, time: Duration, now: Instant) -> bool {
    now.saturating_duration_since(since) > time
}
