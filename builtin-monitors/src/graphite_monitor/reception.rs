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
            match self.take_whole(sender, form, &mut received) {
                Err(too_long) => {
                    return self.troubles.too_long(sender, form, self.bounds.longest_request, &too_long);
                }
                // Not when it came: emitting may take long, while a full log waits, and the sender can do nothing about it.
                Ok(true) => last_request = self.clock.monotonic(),
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::{Shutdown, TcpStream};
    use std::sync::{Arc, Condvar};

    use scalyr_monitor::Lines;
    use scalyr_monitor::listen::{ListenOptions, TcpOptions};
    use scalyr_monitor::monitor::Watch;
    use scalyr_monitor::sample::LineSink;

    use super::*;

    /// A metric log that takes no line for ten minutes.
    #[derive(Clone)]
    struct Slow {
        clock: Clock,
        written: Arc<(Mutex<String>, Condvar)>,
    }

    impl LineSink for Slow {
        fn write_lines(&mut self, lines: &Lines) {
            self.clock.advance(Duration::from_secs(600));
            self.written.0.lock().unwrap().push_str(lines.text());
            self.written.1.notify_all();
        }
    }

    struct Nobody;

    impl Watch for Nobody {}

    #[test]
    fn the_time_that_a_full_log_takes_is_none_that_the_sender_was_idle() {
        let clock = Clock::manual(Timestamp::from_millis(0));
        let log = Slow { clock: clock.clone(), written: Arc::default() };
        let sample = Sample::new("graphite_monitor", "", clock, Logger::none(), Box::new(log.clone()));
        let mut run = Run::new(sample, Stop::new(), Duration::from_secs(30), None, Box::new(Nobody));
        let idle = Duration::from_secs(300);
        let reception = Reception::new(&mut run, Bounds { longest_request: 1000, buffer_size: 1000, idle });
        let listen = ListenOptions { accept_remote_connections: false };
        let options = TcpOptions { listen, max_connections: 1, idle_timeout: idle };
        let mut connections = options.bind_tcp(0).unwrap();
        let mut sender = TcpStream::connect(connections.local_address()).unwrap();
        let connection = std::iter::repeat_with(|| connections.accept(&Stop::new()).unwrap()).flatten().next().unwrap();
        std::thread::scope(|threads| {
            threads.spawn(|| reception.serve(connection, Form::Lines));
            sender.write_all(b"first 1 5\n").unwrap();
            let (written, news) = &*log.written;
            drop(news.wait_while(written.lock().unwrap(), |written| !written.contains("first")).unwrap());
            sender.write_all(b"second 2 5").unwrap();
            sender.shutdown(Shutdown::Write).unwrap();
        });
        assert!(log.written.0.lock().unwrap().contains("second 2.0"));
    }
}
