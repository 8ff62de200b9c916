//! Opening a connection: name, TCP, proxy, TLS; all of it within one `request_deadline`.

use std::fmt::Write as _;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rustls::ClientConnection;

use super::failure::{Failure, found_in};
use super::lookup::Lookups;
use super::route::Route;
use super::socket::{Patience, Socket};
use super::tls::{self, Trust};
use super::tunnel;
use super::watch::Watch;

/// What connections are opened with.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) route: Route,
    pub(super) watch: Arc<Watch>,
    pub(super) trust: Trust,
    pub(super) lookups: Mutex<Lookups>,
}

impl Opening {
    /// A connection with the server, over the proxy when there is one.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn open(&self) -> Result<(Socket, Option<Box<ClientConnection>>), Failure> {
        let Self { route, watch, trust, .. } = self;
        let until = watch.one_deadline_on();
        let server = route.name_of_server();
        // What is wrong on this host is told before anything of another one.
        let config = if route.tls { Some(trust.config(watch, &server)?) } else { None };
        let mut socket = self.connect(until)?;
        let deadline = watch.deadline_text();
        if route.tls && route.proxy.is_some() {
            let (name, server) = (route.name_of_first(), &route.server);
            let text = format!("{name} did not connect with {server} within {deadline}");
            socket.patience = Patience::Until(until, Failure::new("no proxy in time", text));
            tunnel::open(&mut socket, route)?;
        }
        let Some(config) = config else { return Ok((socket, None)) };
        let text = format!(
            "{server} did not finish the TLS handshake within {deadline}; perhaps it speaks no TLS on this port"
        );
        socket.patience = Patience::Until(until, Failure::new("no TLS in time", text));
        let session = tls::shake_hands(&mut socket, config, &route.server.host, &server)?;
        Ok((socket, Some(Box::new(session))))
    }

    /// Tries one address after the other; half of the time that is left for each but the last one.
    fn connect(&self, until: Instant) -> Result<Socket, Failure> {
        let Self { route, watch, .. } = self;
        let (peer, name) = (route.first(), route.name_of_first());
        let addresses = {
            let mut lookups = self.lookups.lock().unwrap_or_else(PoisonError::into_inner);
            lookups.find(&peer, &name, watch, until)?
        };
        let mut failures = Vec::new();
        for (index, address) in addresses.iter().enumerate() {
            let now = watch.clock.monotonic();
            let left = until.saturating_duration_since(now);
            let share = if index + 1 == addresses.len() { left } else { left / 2 };
            // What is told in the end says it for all of them.
            let late = Patience::Until(now + share, Failure::new(LATE, "no answer"));
            match Socket::connect(*address, watch, late) {
                Ok(socket) => {
                    watch.forget_failure();
                    return Ok(socket);
                }
                Err(error) => match found_in(&error) {
                    Some(failure) if failure.kind != LATE => return Err(failure.clone()),
                    _ => failures.push((*address, error)),
                },
            }
            watch.forget_failure();
        }
        Err(describe(&name, &failures, &watch.deadline_text()))
    }
}

/// The kind of a connection that takes too long.
const LATE: &str = "no connection in time";

/// Why none of the addresses could be connected with.
fn describe(name: &str, failures: &[(SocketAddr, io::Error)], deadline: &str) -> Failure {
    let Some((_, last)) = failures.last() else {
        return Failure::new("name not found", format!("the name of {name} has no address"));
    };
    let (kind, hint) = match last.kind() {
        _ if found_in(last).is_some() => (LATE, "perhaps a firewall is in the way"),
        ErrorKind::TimedOut => (LATE, "perhaps a firewall is in the way"),
        ErrorKind::ConnectionRefused => {
            ("connection refused", "it does not run, does not listen on this port, or a firewall refuses")
        }
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            ("unreachable", "check this host's network, and its way there")
        }
        ErrorKind::AddrNotAvailable => ("unreachable", "this host has no address of that kind"),
        ErrorKind::PermissionDenied => ("connection forbidden", "a rule of this host forbids it"),
        _ => ("no connection", ""),
    };
    let mut text = format!("cannot connect with {name}: ");
    for (index, (address, error)) in failures.iter().enumerate() {
        let why = match error.kind() {
            _ if found_in(error).is_some() => format!("no answer within {deadline}"),
            ErrorKind::ConnectionRefused => "the connection is refused".to_owned(),
            ErrorKind::HostUnreachable => "the host is unreachable".to_owned(),
            ErrorKind::NetworkUnreachable => "the network is unreachable".to_owned(),
            _ => error.to_string(),
        };
        let separator = if index == 0 { "" } else { ", " };
        // An address that stands in the name need not be said again.
        match name.ends_with(&address.to_string()) {
            true => _ = write!(text, "{separator}{why}"),
            false => _ = write!(text, "{separator}{why} ({})", address.ip()),
        }
    }
    if !hint.is_empty() {
        _ = write!(text, "; {hint}");
    }
    Failure::new(kind, text)
}
