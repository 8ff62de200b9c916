//! `protocols`: where the monitor listens.

use std::fmt;
use std::path::PathBuf;

use scalyr_monitor::prelude::*;

/// A place where the monitor listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Tcp(u16),
    Udp(u16),
    Tls(u16),
    UnixDatagram(PathBuf),
    UnixStream(PathBuf),
}

impl Endpoint {
    /// What `$PROTO` stands for.
    pub(super) fn protocol(&self) -> &'static str {
        match self {
            Self::Tcp(_) => "tcp",
            Self::Udp(_) => "udp",
            Self::Tls(_) => "tls",
            Self::UnixDatagram(_) | Self::UnixStream(_) => "unix",
        }
    }
}

/// As a user writes it.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(port) => write!(f, "tcp:{port}"),
            Self::Udp(port) => write!(f, "udp:{port}"),
            Self::Tls(port) => write!(f, "tls:{port}"),
            Self::UnixDatagram(path) => write!(f, "unix:{}", path.display()),
            Self::UnixStream(path) => write!(f, "unix_stream:{}", path.display()),
        }
    }
}

/// For the option.
pub(super) fn check(text: &str) -> Result<()> {
    endpoints(text).map(drop)
}

/// The places that the text names, each once.
///
/// # Errors
/// With what is wrong with the first that is wrong.
pub(super) fn endpoints(text: &str) -> Result<Vec<Endpoint>> {
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let endpoint = endpoint(part)?;
        if !endpoints.contains(&endpoint) {
            endpoints.push(endpoint);
        }
    }
    if endpoints.is_empty() {
        return Err(Error::new("names nothing to listen on; write `tcp:PORT` or `udp:PORT`, for example"));
    }
    Ok(endpoints)
}

fn endpoint(part: &str) -> Result<Endpoint> {
    let (protocol, place) =
        part.split_once(':').map_or((part, None), |(protocol, place)| (protocol, Some(place.trim())));
    let port = |default: u16| match place {
        None => Ok(default),
        Some(port) => port.parse().map_err(|_| {
            let found = if port.is_empty() { "nothing" } else { port };
            Error::new(format!(
                "{part:?} has {found} behind the colon, which is no port: that is a number from 0 to 65535{}",
                comma(part)
            ))
        }),
    };
    let path = || match place {
        Some(path) if path.starts_with('/') => Ok(PathBuf::from(path)),
        _ => Err(Error::new(format!("{part:?} needs an absolute path behind a colon"))),
    };
    match protocol.trim().to_ascii_lowercase().as_str() {
        "tcp" => Ok(Endpoint::Tcp(port(601)?)),
        "udp" => Ok(Endpoint::Udp(port(514)?)),
        "tls" => Ok(Endpoint::Tls(port(6514)?)),
        "unix" => Ok(Endpoint::UnixDatagram(path()?)),
        "unix_stream" => Ok(Endpoint::UnixStream(path()?)),
        _ => Err(Error::new(format!(
            "{part:?} is not `tcp`, `udp` or `tls`, each with or without `:PORT`, `unix:PATH` or `unix_stream:PATH`{}",
            comma(part)
        ))),
    }
}

/// What is missing between two places, if it looks like two.
fn comma(part: &str) -> &'static str {
    let has_blank = |text: &str| text.trim().contains(char::is_whitespace);
    match part.split(':').any(has_blank) {
        true => "; several are separated by commas",
        false => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let shown: Vec<String> = endpoints(text).unwrap().iter().map(ToString::to_string).collect();
        shown.join(" ")
    }

    #[test]
    fn what_is_named_twice_counts_once_and_ports_have_defaults() {
        assert_eq!(shown("tcp"), "tcp:601");
        assert_eq!(shown("TCP:601, udp ,tcp"), "tcp:601 udp:514");
        assert_eq!(
            shown("tls,unix:/dev/log,unix_stream:/run/s.sock"),
            "tls:6514 unix:/dev/log unix_stream:/run/s.sock"
        );
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, told) in [
            (" , ", "names nothing"),
            ("tcp:65536", "has 65536 behind the colon, which is no port: that is a number from 0 to 65535"),
            ("udp:", "has nothing behind the colon"),
            ("tcp:601 udp", "; several are separated by commas"),
            ("tcp udp:514", "; several are separated by commas"),
            ("sctp:1", "is not `tcp`"),
            ("unix:log", "an absolute path"),
        ] {
            let error = endpoints(text).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
