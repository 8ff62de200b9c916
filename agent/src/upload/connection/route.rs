//! Where a client's connections go.

use std::fmt;

use crate::config::plan::{Hidden, ProxyPlan, SessionPlan};

/// A host and a port to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::upload) struct Peer {
    /// A name or an IP address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

/// As it stands in a URL: `host:port`, `[::1]:port`.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// The server, and the proxy on the way to it.
#[derive(Clone, Debug)]
pub(in crate::upload) struct Route {
    /// The server.
    pub(super) server: Peer,
    /// Whether the server is spoken to over TLS.
    pub(super) tls: bool,
    /// The proxy that is asked to connect.
    pub(super) proxy: Option<ProxyPlan>,
    /// What is hidden in texts of others.
    pub(super) hidden: Hidden,
}

impl Route {
    /// From the session's server, whose address the configuration has checked.
    pub(in crate::upload) fn of(plan: &SessionPlan) -> Self {
        let (scheme, authority) = plan.server.split_once("://").unwrap_or(("https", &plan.server));
        let tls = scheme != "http";
        let default = if tls { 443 } else { 80 };
        let behind = authority.rfind(']').map_or(0, |end| end + 1);
        let (host, port) = match authority[behind..].rfind(':') {
            Some(colon) => (&authority[..behind + colon], authority[behind + colon + 1..].parse().unwrap_or(default)),
            None => (authority, default),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Self { server: Peer { host, port }, tls, proxy: plan.proxy.clone(), hidden: plan.hidden.clone() }
    }

    /// Whom the socket is connected with.
    pub(super) fn first(&self) -> Peer {
        match &self.proxy {
            Some(proxy) => Peer { host: proxy.host.clone(), port: proxy.port },
            None => self.server.clone(),
        }
    }

    /// The same, for messages: `the server agent.scalyr.com:443`, `the proxy http://proxy:3128`.
    pub(super) fn name_of_first(&self) -> String {
        match &self.proxy {
            Some(proxy) => format!("the proxy {proxy}"),
            None => self.name_of_server(),
        }
    }

    /// The server, for messages.
    pub(in crate::upload) fn name_of_server(&self) -> String {
        format!("the server {}", self.server)
    }

    /// The key of the configuration that names the proxy.
    pub(super) fn proxy_key(&self) -> &'static str {
        if self.tls { "https_proxy" } else { "http_proxy" }
    }

    /// Who is at the other end of what HTTP is spoken over: the server, or the proxy that is asked for it.
    pub(in crate::upload) fn name_of_peer(&self) -> String {
        if self.asks_proxy() { self.name_of_first() } else { self.name_of_server() }
    }

    /// `Proxy-Authorization` of a request that goes to the proxy itself.
    pub(in crate::upload) fn authorization(&self) -> Option<String> {
        self.proxy.as_ref().filter(|_| self.asks_proxy())?.authorization()
    }

    /// Whether requests go to the proxy as they are, with the whole URL in their first line: so http is asked for, and
    /// many proxies tunnel to port 443 only.
    pub(in crate::upload) fn asks_proxy(&self) -> bool {
        self.proxy.is_some() && !self.tls
    }
}
