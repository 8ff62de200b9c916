//! The thread: waits for whatever comes first, and gives each connection its turn.

use std::cmp::Reverse;
use std::io;
use std::net::TcpListener;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use scalyr_monitor::{Clock, Logger, Stop};

use super::Shared;
use super::address::Bound;
use super::answer::Answer;
use super::connection::{Connection, Turn};
use super::request::Request;
use super::routes::Routes;

/// So many connections are served at a time.
const MOST_CONNECTIONS: usize = 16;
/// While so many bytes of answers wait for their clients, only what has a short answer is answered.
const MOST_HELD: usize = 16 * 1024 * 1024;
/// How long no connection is taken after the system refused one, for want of file descriptors most likely.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// Serves until asked to stop.
pub(super) struct Server {
    shared: Arc<Shared>,
    clock: Clock,
    logger: Logger,
    stop: Stop,
    routes: Routes,
    bound: Bound,
    connections: Vec<Connection>,
    /// Until then no connection is taken.
    rests_until: Option<Instant>,
}

impl Server {
    pub(super) fn new(shared: Arc<Shared>, clock: Clock, logger: Logger, stop: Stop, routes: Routes) -> Self {
        let (bound, connections) = (Bound::default(), Vec::with_capacity(MOST_CONNECTIONS));
        Self { shared, clock, logger, stop, routes, bound, connections, rests_until: None }
    }

    pub(super) fn run(mut self) {
        while !self.stop.is_stopped() {
            let now = self.clock.monotonic();
            self.bound.look(&self.shared, &self.logger, now);
            if self.bound.plan.is_none() {
                self.connections.clear();
            }
            self.rests_until = self.rests_until.filter(|until| now < *until);
            if let Err(error) = self.wait(now) {
                self.logger.debug(format_args!("waiting for clients of the status failed: {error}"));
                self.stop.wait(AFTER_FAILURE);
            }
            if self.stop.is_stopped() {
                break;
            }
            self.accept();
            self.give_turns();
        }
        let mut state = self.shared.lock();
        state.address = None;
    }

    /// Waits until something comes, or is due.
    fn wait(&self, now: Instant) -> io::Result<()> {
        let listener: Option<&TcpListener> = self.bound.listener.as_ref().filter(|_| self.rests_until.is_none());
        let mut waited_for: Vec<PollFd<'_>> = vec![PollFd::new(&self.shared.wake, PollFlags::IN)];
        waited_for.extend(listener.map(|listener| PollFd::new(listener, PollFlags::IN)));
        waited_for.extend(self.connections.iter().map(|one| PollFd::new(one.stream(), one.waits_for())));
        let due =
            self.connections.iter().map(Connection::deadline).chain(self.bound.due()).chain(self.rests_until).min();
        let timeout = due.map(|due| due.saturating_duration_since(now) + Duration::from_millis(1));
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        match poll(&mut waited_for, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        drain(&self.shared.wake);
        Ok(())
    }

    fn accept(&mut self) {
        // As many as there are places: then the thread looks whether something else is to be done.
        for _ in 0..MOST_CONNECTIONS {
            let Some(listener) = self.bound.listener.as_ref().filter(|_| self.rests_until.is_none()) else { return };
            let now = self.clock.monotonic();
            let accepted = listener.accept().and_then(|(stream, peer)| Connection::new(stream, peer.ip(), now));
            let connection = match accepted {
                Ok(connection) => connection,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    self.logger.debug(format_args!("a connection for the status could not be taken: {error}"));
                    self.rests_until = Some(now + AFTER_FAILURE);
                    return;
                }
            };
            if self.connections.len() >= MOST_CONNECTIONS {
                // What has come for those that are there is dealt with before one of them goes.
                self.give_turns();
            }
            if self.connections.len() >= MOST_CONNECTIONS
                && let Some(index) = to_cut(&self.connections)
            {
                self.connections.swap_remove(index).give_up(now);
                self.shared.lock().connections_cut += 1;
            }
            self.connections.push(connection);
        }
    }

    /// Lets each connection do what it can; those that cannot do anything say so at once.
    fn give_turns(&mut self) {
        let host_name = self.bound.host_name();
        let mut held: usize = self.connections.iter().map(Connection::held).sum();
        let mut connections = std::mem::take(&mut self.connections);
        connections.retain_mut(|connection| {
            let now = self.clock.monotonic();
            match connection.go_on(&host_name, now) {
                Turn::Waits => true,
                Turn::Over => false,
                Turn::Asks(request) => {
                    let answer = self.answer(&request, held);
                    held += answer.body.len();
                    connection.answer(answer, request.wants_body, now);
                    // Most answers fit into the socket's buffer.
                    !matches!(connection.go_on(&host_name, now), Turn::Over)
                }
            }
        });
        self.connections = connections;
    }

    fn answer(&self, request: &Request, held: usize) -> Answer {
        if held > MOST_HELD && !Routes::is_short(&request.path) {
            return Answer::refusal(503, "other clients have not read their answers yet; ask again");
        }
        self.routes.answer(&request.path)
    }
}

/// Whose place is given to another one: of the client that has the most of them, one whose request has not come, and of
/// these the one that has the least time left.
fn to_cut(connections: &[Connection]) -> Option<usize> {
    let places = |of: &Connection| connections.iter().filter(|one| one.peer() == of.peer()).count();
    let rank = |one: &Connection| (places(one), one.is_reading(), Reverse(one.deadline()));
    connections.iter().enumerate().max_by_key(|(_, one)| rank(one)).map(|(index, _)| index)
}

fn drain(wake: &impl std::os::fd::AsFd) {
    let wake: BorrowedFd<'_> = wake.as_fd();
    _ = rustix::io::read(wake, &mut [0; 8]);
}
