//! Options that are addresses of the network.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use serde_json::Value;

use super::kind::Kind;
use super::value::{ConfigValue, Found};
use crate::problem::ProblemKind;

/// The name or address of a host, and a port: `localhost:6379`, `[::1]:6379`. Nothing is looked up.
///
/// A default is written as `default = ("localhost", 6379)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPort {
    /// The name, or the address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// `localhost:6379`; an IPv6 address in brackets.
impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// Why a text is no [`HostPort`]; its text says what is wrong, and quotes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoHostPort(&'static str);

impl fmt::Display for NoHostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for NoHostPort {}

impl FromStr for HostPort {
    type Err = NoHostPort;

    fn from_str(text: &str) -> Result<Self, NoHostPort> {
        let (host, port) = text.trim().rsplit_once(':').ok_or(NoHostPort("it has no port"))?;
        // A number's own parser would take `+80`.
        let digits = Some(port).filter(|port| port.bytes().all(|c| c.is_ascii_digit()));
        let port = digits.and_then(|port| port.parse().ok());
        let port = port.ok_or(NoHostPort("the port behind the last `:` is no number from 0 to 65535"))?;
        let host = match host.strip_prefix('[') {
            Some(inner) => {
                let address = inner.strip_suffix(']').filter(|address| address.parse::<Ipv6Addr>().is_ok());
                address.ok_or(NoHostPort("between `[` and `]` stands no IPv6 address"))?
            }
            // Letters of all languages: the system's resolver may know such names.
            None if host.contains(|c: char| !c.is_alphanumeric() && !"-_.:".contains(c)) => {
                return Err(NoHostPort("the host is no plain name or address; leave out the scheme and the path"));
            }
            None if host.contains(':') => return Err(NoHostPort("an IPv6 address needs brackets, like [::1]:80")),
            None => host,
        };
        if host.is_empty() {
            return Err(NoHostPort("it has no host"));
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

impl ConfigValue for HostPort {
    const KIND: Kind = Kind::Form("a host and a port, like localhost:80");

    type Literal = (&'static str, u16);

    fn from_literal((host, port): (&'static str, u16)) -> Self {
        Self { host: host.to_owned(), port }
    }

    fn read(found: &mut Found<'_>) -> Option<Self> {
        let Some(text) = found.value().as_str() else { return found.refuse_kind(Self::KIND) };
        match text.parse() {
            Ok(address) => Some(address),
            Err(why) => {
                let given = found.shown();
                found.refuse_openly(ProblemKind::Value, format_args!("{given} is not {}: {why}", Self::KIND))
            }
        }
    }

    fn to_value(&self) -> Value {
        self.to_string().into()
    }
}

macro_rules! parsed_from_text {
    ($($type:ty: $form:literal)*) => {$(
        impl ConfigValue for $type {
            const KIND: Kind = Kind::Form($form);

            type Literal = Self;

            fn from_literal(literal: Self) -> Self {
                literal
            }

            fn read(found: &mut Found<'_>) -> Option<Self> {
                match found.value().as_str().and_then(|text| text.trim().parse().ok()) {
                    Some(value) => Some(value),
                    None => found.refuse_kind(Self::KIND),
                }
            }

            fn to_value(&self) -> Value {
                self.to_string().into()
            }
        }
    )*};
}
parsed_from_text! {
    IpAddr: "an IP address"
    Ipv4Addr: "an IPv4 address"
    Ipv6Addr: "an IPv6 address"
    SocketAddr: "an IP address with a port, like 127.0.0.1:80"
}
