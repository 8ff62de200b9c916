//! Looking names up, on a thread that can be given up: the system's resolver may hang for longer than anybody waits.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, TryRecvError, bounded, select};

use crate::threads::Threads;

use super::failure::Failure;
use super::route::Peer;
use super::watch::Watch;

/// How many addresses of a name are tried.
const MOST_ADDRESSES: usize = 16;

/// How often the clock is looked at.
const LOOK: Duration = Duration::from_millis(500);

type Found = io::Result<Vec<SocketAddr>>;

/// Asks the system's resolver.
pub(in crate::upload) type Ask = Arc<dyn Fn(&str, u16) -> Found + Send + Sync>;

/// Looks names up, one at a time: a thread that hangs is waited for again before another one is born.
pub(super) struct Lookups {
    threads: Threads,
    ask: Ask,
    /// A lookup that was given up.
    pending: Option<Receiver<Found>>,
}

impl fmt::Debug for Lookups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lookups")
    }
}

/// As the system does it.
pub(in crate::upload) fn ask_system() -> Ask {
    Arc::new(|host, port| Ok((host, port).to_socket_addrs()?.take(MOST_ADDRESSES).collect()))
}

impl Lookups {
    pub(super) fn new(threads: Threads, ask: Ask) -> Self {
        Self { threads, ask, pending: None }
    }

    /// The addresses of a host, at least one.
    ///
    /// # Errors
    /// When there is none, or none is found until that moment.
    pub(super) fn find(
        &mut self,
        peer: &Peer,
        name: &str,
        watch: &Watch,
        until: Instant,
    ) -> Result<Vec<SocketAddr>, Failure> {
        if let Ok(address) = peer.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, peer.port)]);
        }
        let found = self.begin(peer).map_err(|error| {
            Failure::new("name lookup failed", format!("the system gives no thread to look up {name}: {error}"))
        })?;
        loop {
            let left = until.saturating_duration_since(watch.clock.monotonic());
            select! {
                recv(found) -> answer => {
                    let answer = answer.unwrap_or_else(|_| Err(io::Error::other("the lookup has panicked")));
                    return addresses(answer, name);
                }
                recv(watch.interrupt.disconnected()) -> _ => {
                    self.pending = Some(found);
                    return Err(Failure::new("interrupted", "the upload was interrupted"));
                }
                default(left.min(LOOK)) => {
                    if left.is_zero() {
                        self.pending = Some(found);
                        let deadline = watch.deadline_text();
                        let text = format!("looking up the name of {name} took longer than {deadline}");
                        return Err(Failure::new("no name lookup in time", text));
                    }
                }
            }
        }
    }

    fn begin(&mut self, peer: &Peer) -> io::Result<Receiver<Found>> {
        // What was found long ago is not used any more; what is still looked for is.
        if let Some(found) = self.pending.take()
            && matches!(found.try_recv(), Err(TryRecvError::Empty))
        {
            return Ok(found);
        }
        let (tell, found) = bounded(1);
        let (ask, host, port) = (Arc::clone(&self.ask), peer.host.clone(), peer.port);
        self.threads.spawn("upload-lookup", move || _ = tell.send(ask(&host, port)))?;
        Ok(found)
    }
}

fn addresses(answer: Found, name: &str) -> Result<Vec<SocketAddr>, Failure> {
    match answer {
        Ok(addresses) if addresses.is_empty() => {
            Err(Failure::new("name not found", format!("the name of {name} has no address")))
        }
        Ok(addresses) => Ok(addresses),
        // The system's own words: whether the name is unknown, or nobody could be asked.
        Err(error) => Err(Failure::new("name not found", format!("the name of {name} has no address: {error}"))),
    }
}
