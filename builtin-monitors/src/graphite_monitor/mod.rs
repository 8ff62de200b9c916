//! Metrics that programs send as to a carbon server of Graphite: lines of text and pickles by TCP, lines by UDP.
//!
//! Options, output and what was better left behind: `spec/monitors/graphite_monitor.md`.

mod line;
mod pickle;
mod pickled;
mod point;
mod reception;
mod requests;
mod troubles;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::thread::{Builder, Scope, ScopedJoinHandle};
use std::time::Duration;

use scalyr_monitor::listen::{Connections, ListenOptions, Packets, TcpOptions};
use scalyr_monitor::prelude::*;

use reception::{Bounds, Reception};
use requests::Form;

/// How often is looked whether a thread has failed.
const LOOK: Duration = Duration::from_millis(200);

/// How often it is tried to listen where it could not be.
const LISTEN_AGAIN: Duration = Duration::from_secs(5);

/// How long no further connection is tried when the system has no means for one.
const PAUSE: Duration = Duration::from_secs(1);

/// Takes metrics from programs that send them to Graphite, as its server carbon does: lines `path value time`, and pickled
/// lists of `(path, (time, value))`.
///
/// Each data point becomes a metric with the path as its name, and the time that the sender gave as the extra field
/// `orig_time`, in seconds since 1970; -1 stands for the present, as with carbon. Tags of a path
/// (`disk.used;host=web`) become extra fields. A name begins with an ASCII letter or `_`, and has letters, digits, `_`, `.`
/// and `-`: another character becomes `_`, a name that begins otherwise gets `sa_` in front, and those that the agent needs
/// itself, such as `metric` and `value`, get `_` behind. A value that is no number, or infinite, is written as `null`.
///
/// Of a pickle only lists, tuples, text and numbers are read, of all protocols; nothing in it is ever executed. What cannot
/// be taken is told in the agent log, once in five minutes for each sender and cause, with how often it came.
///
/// The metric log takes as much as comes, unless the entry sets `monitor_log_write_rate` or `monitor_log_max_write_burst`.
/// There is no authentication: open it to other hosts behind a firewall only. With `--run-monitor --samples N` it ends
/// after N times that something came, or a sample interval passed.
#[scalyr_monitor(
    name = "graphite_monitor",
    module = "scalyr_agent.builtin_monitors.graphite_monitor",
    log_fields(
        metric = "The path of the data point.",
        value = "Its value.",
        orig_time = "The time that the sender gave it, in seconds since 1970. The time of the line is that of its arrival."
    )
)]
pub struct GraphiteMonitor {
    /// Whether only programs on this host can send: it listens on 127.0.0.1. When false, it listens on all addresses of the
    /// host: then a firewall should say who may reach it.
    #[config(default = true)]
    only_accept_local: bool,

    /// Whether lines of text are taken, by TCP.
    #[config(default = true)]
    accept_plaintext: bool,

    /// Whether pickles are taken, by TCP.
    #[config(default = true)]
    accept_pickle: bool,

    /// Whether lines of text are taken by UDP, too. A packet holds whole lines.
    #[config(default = false)]
    accept_udp: bool,

    /// The TCP port for lines of text. 0 takes any that is free; which one is in the agent log.
    #[config(default = 2003)]
    plaintext_port: u16,

    /// The TCP port for pickles. 0 takes any that is free; which one is in the agent log.
    #[config(default = 2004)]
    pickle_port: u16,

    /// The UDP port for lines of text. 0 takes any that is free; which one is in the agent log.
    #[config(default = 2003)]
    udp_port: u16,

    /// How many connections there may be at a time on each of the two TCP ports; one more is closed at once.
    #[config(default = 200, min = 1, max = 10_000)]
    max_connections: usize,

    /// A connection without a whole request for so long is closed.
    #[config(default = 300, min = 1)]
    max_connection_idle_time: Duration,

    /// The most bytes of a line or a pickle. A connection on which a longer one comes is closed.
    #[config(default = 102_400, min = 1000, max = 1_073_741_824)]
    max_request_size: usize,

    /// The most bytes that are kept of what came of one connection; `max_request_size` at least.
    #[config(default = 102_400, min = 10_240, max = 1_073_741_824)]
    buffer_size: usize,
}

impl Monitor for GraphiteMonitor {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        if !(self.accept_plaintext || self.accept_pickle || self.accept_udp) {
            return Err(Error::new(
                "accept_plaintext, accept_pickle and accept_udp are all false, so nothing would be taken; set one of them to \
                 true, or remove the entry",
            ));
        }
        let (request, buffer) = (self.max_request_size, self.buffer_size);
        if request > buffer {
            return Err(Error::new(format!(
                "max_request_size, {request}, is greater than buffer_size, {buffer}; a request must fit into the buffer. \
                 Raise buffer_size, or lower max_request_size"
            )));
        }
        if self.accept_plaintext
            && self.accept_pickle
            && self.plaintext_port == self.pickle_port
            && self.pickle_port != 0
        {
            return Err(Error::new(format!(
                "plaintext_port and pickle_port are both {}; each needs one of its own",
                self.pickle_port
            )));
        }
        // What others have sent must not be thrown away by a limit that nobody asked for.
        context.unlimited_log = true;
        Ok(())
    }

    fn run(&mut self, run: &mut Run) -> Result<()> {
        let end = Stop::new(); // of the threads: with the monitor's own, and when one of them fails
        let also_end = end.clone();
        run.stop().on_stop(move || also_end.stop());
        // The first sample would be due at once, with nothing in it.
        run.is_due();
        let reception = Reception::new(run, self.bounds());
        std::thread::scope(|threads| {
            let received = self.receive(&reception, &end, threads);
            end.stop(); // the scope waits for its threads
            received
        })
    }
}

/// A way in which metrics come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Connections(Form, u16),
    Packets(u16),
}

/// A thread that listens.
type Listener<'s> = ScopedJoinHandle<'s, Result<()>>;

impl GraphiteMonitor {
    /// The ways that the options name.
    fn ways(&self) -> Vec<Way> {
        let ways = [
            (self.accept_plaintext, Way::Connections(Form::Lines, self.plaintext_port)),
            (self.accept_pickle, Way::Connections(Form::Pickles, self.pickle_port)),
            (self.accept_udp, Way::Packets(self.udp_port)),
        ];
        ways.into_iter().filter(|(is_open, _)| *is_open).map(|(_, way)| way).collect()
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            longest_request: self.max_request_size,
            buffer_size: self.buffer_size,
            idle: self.max_connection_idle_time,
        }
    }

    /// Receives until the end, on a thread for each socket and each connection. Where it cannot listen, it goes on trying.
    fn receive<'s>(&'s self, reception: &'s Reception<'_>, end: &'s Stop, threads: &'s Scope<'s, '_>) -> Result<()> {
        let clock = reception.run().clock().clone();
        let (mut closed, mut listeners, mut packets) = (self.ways(), Vec::new(), None);
        let (mut next_listen, mut lost) = (clock.monotonic(), 0);
        loop {
            if !closed.is_empty() && clock.monotonic() >= next_listen {
                next_listen = clock.monotonic() + LISTEN_AGAIN;
                self.listen(&mut closed, &mut listeners, &mut packets, (reception, end, threads))?;
            }
            if end.wait(LOOK) || listeners.iter().any(Listener::is_finished) {
                break;
            }
            let mut run = reception.run();
            if run.is_due() {
                // An empty one: so that `--samples` comes to its end, and the metric log tells of what it skipped.
                run.sample(|_| Ok(()));
                drop(run);
                lost = tell_lost(packets.as_deref(), lost, reception);
            }
        }
        end.stop();
        tell_lost(packets.as_deref(), lost, reception);
        let ended = listeners.into_iter().map(|listener| {
            listener.join().unwrap_or_else(|_| Err(Error::new("a thread that listens for Graphite metrics panicked")))
        });
        ended.fold(Ok(()), Result::and)
    }

    /// Listens in the ways in which it does not yet; those in which it cannot stay in `closed`, and are told of.
    fn listen<'s>(
        &'s self,
        closed: &mut Vec<Way>,
        listeners: &mut Vec<Listener<'s>>,
        packets: &mut Option<Arc<Packets>>,
        (reception, end, threads): (&'s Reception<'_>, &'s Stop, &'s Scope<'s, '_>),
    ) -> Result<()> {
        let mut trouble = None;
        let listen = ListenOptions { accept_remote_connections: !self.only_accept_local };
        for way in std::mem::take(closed) {
            let opened = match way {
                Way::Connections(form, port) => self.bind_tcp(port).map(|connections| {
                    reception.troubles.listening(form.plural(), connections.local_address(), "TCP");
                    let accept = move || self.accept(connections, form, reception, end, threads);
                    thread("graphite listener").spawn_scoped(threads, accept)
                }),
                Way::Packets(port) => listen.bind_udp(port).map(|bound| {
                    reception.troubles.listening(Form::Lines.plural(), bound.local_address(), "UDP");
                    let bound = Arc::clone(packets.insert(Arc::new(bound)));
                    let take = move || reception.take_packets(&bound, end);
                    thread("graphite packets").spawn_scoped(threads, take)
                }),
            };
            match opened {
                Ok(listener) => listeners.push(listener?),
                Err(error) => {
                    reception.troubles.cannot_listen(way, &error);
                    trouble.get_or_insert_with(|| error.to_string());
                    closed.push(way);
                }
            }
        }
        reception.run().note_trouble(trouble.as_deref());
        Ok(())
    }

    fn bind_tcp(&self, port: u16) -> Result<Connections> {
        let options = TcpOptions {
            listen: ListenOptions { accept_remote_connections: !self.only_accept_local },
            max_connections: self.max_connections,
            idle_timeout: self.max_connection_idle_time,
        };
        options.bind_tcp(port)
    }

    /// Takes connections until the end, each on a thread of its own.
    fn accept<'s>(
        &self,
        mut connections: Connections,
        form: Form,
        reception: &'s Reception<'_>,
        end: &'s Stop,
        threads: &'s Scope<'s, '_>,
    ) -> Result<()> {
        let address = connections.local_address();
        let mut refused = 0;
        // Those that wait when it is time to end have sent something, perhaps; whoever comes then may go on coming.
        let mut last_turns = 0..self.max_connections;
        loop {
            let is_last = end.is_stopped();
            if is_last && last_turns.next().is_none() {
                return Ok(());
            }
            match connections.accept(end) {
                Ok(Some(connection)) => {
                    let sender = connection.peer_address();
                    let serve = move || reception.serve(connection, form);
                    if let Err(error) = thread("graphite sender").spawn_scoped(threads, serve) {
                        reception.troubles.no_thread(sender, &error);
                    }
                }
                Ok(None) if is_last && connections.refused() == refused => return Ok(()),
                Ok(None) => {}
                Err(error) => {
                    reception.troubles.cannot_accept(address, &error);
                    if end.wait(PAUSE) {
                        return Ok(());
                    }
                }
            }
            if connections.refused() > refused {
                refused = connections.refused();
                reception.troubles.refused(address, refused, self.max_connections);
            }
        }
    }
}

fn thread(name: &str) -> Builder {
    Builder::new().name(name.to_owned())
}

/// Tells when the kernel has dropped more packets than these; how many it has.
fn tell_lost(packets: Option<&Packets>, told: u64, reception: &Reception<'_>) -> u64 {
    let Some(packets) = packets else { return told };
    let lost = packets.lost().unwrap_or(told);
    if lost > told {
        reception.troubles.lost_packets(packets.local_address(), lost);
    }
    lost.max(told)
}
