//! Below the HTTP client: name resolution on the thread that asks, and a look at what happens on the connection.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport};

/// How many addresses of a name are tried.
const MOST_ADDRESSES: usize = 16;

/// What happened on the connections of one client.
#[derive(Debug, Default)]
pub(super) struct Observed {
    /// How often a connection was asked for.
    opened: AtomicU64,
    /// How many of these there were.
    established: AtomicU64,
    /// Whether a byte of the answer to the current request has arrived.
    answered: AtomicBool,
    /// Whether the last exchange left a connection that can be used again.
    kept: AtomicBool,
}

impl Observed {
    /// How often a new connection was asked for so far.
    pub(super) fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    /// Connections established so far.
    pub(super) fn established(&self) -> u64 {
        self.established.load(Ordering::Relaxed)
    }

    /// A request begins.
    pub(super) fn begin(&self) {
        self.answered.store(false, Ordering::Relaxed);
    }

    /// A request ended; `kept` when its connection can be used again.
    pub(super) fn end(&self, kept: bool) {
        self.kept.store(kept, Ordering::Relaxed);
    }

    /// Whether a byte of the answer has arrived since the request began.
    pub(super) fn answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }
}

/// Resolves names on the calling thread. ureq's own resolver starts a thread for each lookup that has a deadline, and
/// looks the name up for every request, even when an open connection is used; this one remembers the last addresses
/// for as long as a connection is kept. A lookup is bounded by the system's resolver (`resolv.conf`), not by
/// `request_deadline`.
pub(super) struct OnThisThread {
    observed: Arc<Observed>,
    last: Mutex<Vec<SocketAddr>>,
}

impl OnThisThread {
    pub(super) fn new(observed: Arc<Observed>) -> Self {
        Self { observed, last: Mutex::default() }
    }
}

impl fmt::Debug for OnThisThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnThisThread")
    }
}

impl Resolver for OnThisThread {
    fn resolve(&self, uri: &Uri, config: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        // One client has one server, so the addresses are that server's.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_empty() || !self.observed.kept.load(Ordering::Relaxed) {
            let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
                return Err(Error::HostNotFound);
            };
            let name = DefaultResolver::host_and_port(scheme, authority).ok_or(Error::HostNotFound)?;
            last.clear();
            last.extend(config.ip_family().keep_wanted(name.to_socket_addrs()?).take(MOST_ADDRESSES));
        }
        let mut addresses = self.empty();
        for address in last.iter() {
            addresses.push(*address);
        }
        if last.is_empty() { Err(Error::HostNotFound) } else { Ok(addresses) }
    }
}

/// Opens connections as ureq does (TCP, then rustls), and watches them.
pub(super) struct Watched {
    inner: DefaultConnector,
    observed: Arc<Observed>,
}

impl Watched {
    pub(super) fn new(observed: Arc<Observed>) -> Self {
        Self { inner: DefaultConnector::new(), observed }
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

impl Connector for Watched {
    type Out = WatchedConnection;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<()>) -> Result<Option<Self::Out>, Error> {
        self.observed.opened.fetch_add(1, Ordering::Relaxed);
        let inner = self.inner.connect(details, chained)?;
        self.observed.established.fetch_add(1, Ordering::Relaxed);
        let observed = Arc::clone(&self.observed);
        Ok(inner.map(|inner| WatchedConnection { inner, observed, head: Vec::new(), is_head_next: true }))
    }
}

/// An open connection that notes when bytes arrive, and that sends a request's head together with the begin of its body:
/// one packet, and one TLS record, where a small request would be two.
pub(super) struct WatchedConnection {
    inner: Box<dyn Transport>,
    observed: Arc<Observed>,
    /// The head, kept until its body comes.
    head: Vec<u8>,
    /// Nothing was sent since the last answer.
    is_head_next: bool,
}

impl WatchedConnection {
    /// Sends a head that no body followed.
    fn flush(&mut self, timeout: NextTimeout) -> Result<(), Error> {
        if self.head.is_empty() {
            return Ok(());
        }
        let length = self.head.len();
        self.inner.buffers().output()[..length].copy_from_slice(&self.head);
        self.head.clear();
        self.inner.transmit_output(length, timeout)
    }

    /// Sends the head before what lies in the buffer, which has no room for both.
    fn flush_before(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let body = self.inner.buffers().output()[..amount].to_vec();
        self.flush(timeout)?;
        self.inner.buffers().output()[..amount].copy_from_slice(&body);
        Ok(())
    }
}

impl fmt::Debug for WatchedConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WatchedConnection")
    }
}

impl Transport for WatchedConnection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let output = self.inner.buffers().output();
        // What is sent first after an answer is a head, which ends with an empty line.
        if self.head.is_empty() && self.is_head_next && output[..amount].ends_with(b"\r\n\r\n") {
            self.head.extend_from_slice(&output[..amount]);
            self.is_head_next = false;
            return Ok(());
        }
        let length = self.head.len();
        if length + amount > output.len() {
            self.flush_before(amount, timeout)?;
            return self.inner.transmit_output(amount, timeout);
        }
        output.copy_within(..amount, length);
        output[..length].copy_from_slice(&self.head);
        self.head.clear();
        self.inner.transmit_output(length + amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.flush(timeout)?;
        self.is_head_next = true;
        let progress = self.inner.await_input(timeout)?;
        if progress {
            self.observed.answered.store(true, Ordering::Relaxed);
        }
        Ok(progress)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}
