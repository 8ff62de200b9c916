//! What a sender sends becomes metric lines: connections, one on each thread, and packets.

use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use scalyr_monitor::listen::{Connection, End, Packets};
use scalyr_monitor::prelude::*;

use super::line::read_line;
use super::pickled::Points;
use super::requests::{Form, Received, TooLong};
use super::troubles::{Cut, Troubles};

/// The largest packet that UDP knows fits.
const LARGEST_PACKET: usize = 65_536;

/// How long the end goes on reading what had come before it.
const LAST_READING: Duration = Duration::from_millis(250);

/// How much of one sender the end reads: more than the kernel keeps for a connection, as a rule.
const LAST_BYTES: usize = 8 * 1024 * 1024;

/// What one sender may send.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The longest request.
    pub(super) longest_request: usize,
    /// The most that is kept of what came of one connection.
    pub(super) buffer_size: usize,
    /// How long a connection may be without a whole request.
    pub(super) idle: Duration,
}

/// What all threads of the monitor share.
///
/// A thread that has received something emits it itself, one at a time. So nothing waits in a queue, where it would take
/// memory, or be lost with the end; and when lines cannot be written fast enough, it is the senders that wait.
pub(super) struct Reception<'r> {
    run: Mutex<&'r mut Run>,
    clock: Clock,
    bounds: Bounds,
    pub(super) troubles: Troubles,
}

impl<'r> Reception<'r> {
    pub(super) fn new(run: &'r mut Run, bounds: Bounds) -> Self {
        let clock = run.clock().clone();
        let troubles = Troubles::new(run.logger().clone(), clock.clone());
        Self { run: Mutex::new(run), clock, bounds, troubles }
    }

    /// The run, once the others have let it go.
    pub(super) fn run(&self) -> MutexGuard<'_, &'r mut Run> {
        // A thread that panicked has left whole lines.
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what comes of a connection until that ends.
    pub(super) fn serve(&self, mut connection: Connection, form: Form) {
        let sender = connection.peer_address();
        let mut received = Received::new(form, self.bounds.longest_request, self.bounds.buffer_size);
        let mut last_request = self.clock.monotonic();
        let why = loop {
            match connection.read(received.room()) {
                Err(error) => return self.troubles.cut(sender, received.rest().len(), Cut::Failed(&error)),
                Ok(0) => match connection.end() {
                    Some(End::Stopped) => break self.take_the_last(&mut connection, form, &mut received),
                    Some(End::Idle) => break Some(Cut::Idle(self.bounds.idle)),
                    Some(End::Closed) | None => break Some(Cut::Closed),
                },
                Ok(length) => received.came(length),
            }
            let now = self.clock.monotonic();
            match self.take_whole(sender, form, &mut received) {
                Err(too_long) => {
                    return self.troubles.too_long(sender, form, self.bounds.longest_request, &too_long);
                }
                Ok(true) => last_request = now,
                Ok(false) if self.is_over(last_request, self.bounds.idle) => break Some(Cut::Idle(self.bounds.idle)),
                Ok(false) => {}
            }
        };
        let Some(why) = why else { return };
        if matches!(why, Cut::Closed) {
            self.take_last_line(sender, &mut received);
        }
        self.troubles.cut(sender, received.rest().len(), why);
    }

    fn is_over(&self, since: Instant, time: Duration) -> bool {
        self.clock.monotonic().saturating_duration_since(since) >= time
    }

    /// Takes what had come before the stop; how it ended, or nothing when that was told.
    fn take_the_last<'e>(&self, connection: &mut Connection, form: Form, received: &mut Received) -> Option<Cut<'e>> {
        let (sender, begin) = (connection.peer_address(), self.clock.monotonic());
        let mut bytes = 0;
        while bytes < LAST_BYTES && !self.is_over(begin, LAST_READING) {
            match connection.read_waiting(received.room()) {
                Err(error) => {
                    self.troubles.cut(sender, received.rest().len(), Cut::Failed(&error));
                    return None;
                }
                Ok(0) if connection.end() == Some(End::Closed) => return Some(Cut::Closed),
                Ok(0) => return Some(Cut::Stopped),
                Ok(length) => {
                    bytes += length;
                    received.came(length);
                }
            }
            if let Err(too_long) = self.take_whole(sender, form, received) {
                self.troubles.too_long(sender, form, self.bounds.longest_request, &too_long);
                return None;
            }
        }
        self.troubles.left_unread(sender);
        None
    }

    /// Takes all requests that have come whole, in one sample; false when there was none.
    fn take_whole(&self, sender: SocketAddr, form: Form, received: &mut Received) -> Result<bool, TooLong> {
        if !received.has_next()? {
            return Ok(false);
        }
        let mut outcome = Ok(true);
        self.run().sample(|out| {
            loop {
                match received.next() {
                    Ok(Some(request)) => self.take(sender, form, request, out),
                    Ok(None) => return Ok(()),
                    Err(too_long) => {
                        outcome = Err(too_long);
                        return Ok(());
                    }
                }
            }
        });
        outcome
    }

    /// A sender that closes need not end its last line.
    fn take_last_line(&self, sender: SocketAddr, received: &mut Received) {
        if let Some(line) = received.last_line() {
            self.run().sample(|out| {
                self.take_line(sender, line, out);
                Ok(())
            });
        }
    }

    fn take(&self, sender: SocketAddr, form: Form, request: &[u8], out: &mut Sample) {
        match form {
            Form::Lines => self.take_line(sender, request, out),
            Form::Pickles => self.take_pickle(sender, request, out),
        }
    }

    fn take_line(&self, sender: SocketAddr, line: &[u8], out: &mut Sample) {
        match read_line(line) {
            Ok(Some(point)) => point.emit(out),
            Ok(None) => {}
            Err(fault) => self.troubles.bad_line(sender, line, fault),
        }
    }

    fn take_pickle(&self, sender: SocketAddr, request: &[u8], out: &mut Sample) {
        match Points::read(request) {
            Err(trouble) => self.troubles.bad_pickle(sender, &trouble),
            Ok(points) => points.each(|point| match point {
                Ok(point) => point.emit(out),
                Err(trouble) => self.troubles.bad_pickle(sender, &trouble),
            }),
        }
    }

    /// Takes packets with lines until the end.
    pub(super) fn take_packets(&self, packets: &Packets, end: &Stop) -> Result<()> {
        let mut buffer = vec![0; LARGEST_PACKET];
        while !end.is_stopped() {
            if let Some((length, sender)) = packets.receive(&mut buffer)? {
                self.take_packet(sender, buffer.get(..length).unwrap_or_default());
            }
        }
        let begin = self.clock.monotonic();
        let mut bytes = 0;
        while bytes < LAST_BYTES && !self.is_over(begin, LAST_READING) {
            let Some((length, sender)) = packets.receive_waiting(&mut buffer)? else { return Ok(()) };
            // An empty one counts, too.
            bytes += length + 1;
            self.take_packet(sender, buffer.get(..length).unwrap_or_default());
        }
        self.troubles.left_unread(format_args!("the senders to {} (UDP)", packets.local_address()));
        Ok(())
    }

    fn take_packet(&self, sender: SocketAddr, packet: &[u8]) {
        self.run().sample(|out| {
            for line in packet.split(|&byte| byte == b'\n') {
                self.take_line(sender, line, out);
            }
            Ok(())
        });
    }
}
