//! Binding the address, and telling of it.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use scalyr_monitor::Logger;

use super::Shared;
use crate::config::plan::ListenPlan;

/// How long after a failure the address is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// The socket, as far as there is one, and what is wanted of it.
#[derive(Default)]
pub(super) struct Bound {
    pub(super) listener: Option<TcpListener>,
    pub(super) plan: Option<ListenPlan>,
    changes: u64,
    /// When the address is tried again.
    again: Option<Instant>,
    told: Option<String>,
}

impl Bound {
    /// When something is to be done without being woken.
    pub(super) fn due(&self) -> Option<Instant> {
        self.again.filter(|_| self.listener.is_none())
    }

    /// The name that requests may be meant for.
    pub(super) fn host_name(&self) -> String {
        self.plan.as_ref().map(|plan| plan.host_name.clone()).unwrap_or_default()
    }

    /// Brings the socket to what is wanted now, and tells what changes.
    pub(super) fn look(&mut self, shared: &Shared, logger: &Logger, now: Instant) {
        let mut state = shared.lock();
        if state.changes != self.changes {
            let before = self.plan.as_ref().filter(|_| self.listener.is_some()).map(|plan| plan.address);
            if let Some(before) = before.filter(|_| state.wanted.is_none()) {
                logger.info(format_args!("The status is served over HTTP on {before} no more"));
            }
            // The address first: where the old one is a part of the new one it must be free.
            self.listener = None;
            *self = Self { changes: state.changes, plan: state.wanted.clone(), ..Self::default() };
        }
        let Some(plan) = &self.plan else { return };
        if self.listener.is_some() || self.again.is_some_and(|again| now < again) {
            return;
        }
        match bind(plan.address) {
            Ok((listener, address)) => {
                logger.info(format_args!("The status is served over HTTP: {}", url(address)));
                self.listener = Some(listener);
                (self.again, self.told) = (None, None);
                (state.address, state.error) = (Some(address.to_string()), None);
            }
            Err(error) => {
                self.again = Some(now + AGAIN);
                let text = format!("cannot listen on {} (status_listen): {error}", plan.address);
                if self.told.as_ref() != Some(&text) {
                    logger.error(format_args!("{text}; it is tried again every {} s", AGAIN.as_secs()));
                }
                self.told = Some(text);
                (state.address, state.error) = (None, Some(error.to_string()));
            }
        }
    }
}

fn bind(address: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Where a browser on this host finds the page.
fn url(address: SocketAddr) -> String {
    let ip = match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other.ip(),
    };
    let of_all = if address.ip().is_unspecified() { " (and every other address of this host)" } else { "" };
    format!("http://{}/{of_all}", SocketAddr::new(ip, address.port()))
}
