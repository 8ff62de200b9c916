//! The proxies of uploads: `http_proxy` and `https_proxy` (`configuration.md` section 8.2).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::report::{Kind, Report};
use super::server;
use super::settings::Settings;

/// What a proxy may look like.
const EXAMPLE: &str = "write it as in http://proxy.example.com:3128 or http://user:password@proxy.example.com:3128";

/// The port of a proxy that names none.
const DEFAULT_PORT: u16 = 80;

/// A proxy that is spoken to over plain http. Its user and password are shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyPlan {
    /// A name or an IP address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// User and password.
    credentials: Option<(String, String)>,
}

/// Without user and password.
impl fmt::Display for ProxyPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, .. } = self;
        if host.contains(':') { write!(f, "http://[{host}]:{port}") } else { write!(f, "http://{host}:{port}") }
    }
}

/// Nothing of it: a password that stands in the wrong place is taken for a host.
impl fmt::Debug for ProxyPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyPlan").finish_non_exhaustive()
    }
}

impl ProxyPlan {
    /// `Proxy-Authorization` of requests: for the wire only.
    pub fn authorization(&self) -> Option<String> {
        let (user, password) = self.credentials.as_ref()?;
        Some(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
    }

    /// The password, and what is sent of it.
    pub(super) fn secrets(&self) -> Vec<String> {
        let sent = self.authorization().map(|sent| sent.trim_start_matches("Basic ").to_owned());
        let password = self.credentials.as_ref().map(|(_, password)| password.clone());
        // A user without a password is no secret, in whatever form.
        if password.as_ref().is_none_or(String::is_empty) {
            return Vec::new();
        }
        password.into_iter().chain(sent).collect()
    }
}

/// The proxy that a key names; what cannot be one is reported, and then there is none.
pub(super) fn read(settings: &Settings<'_>, key: &'static str, report: &mut Report) -> Option<ProxyPlan> {
    match parse(settings.text(key)?) {
        Ok(proxy) => proxy,
        Err(message) => {
            let message = format!("{message}; uploads go without a proxy");
            report.refuse(key, message).kind(Kind::Choice).hint(EXAMPLE);
            None
        }
    }
}

/// `None` of an empty text.
///
/// # Errors
/// What is wrong with it, in words that show nothing of it but the port: it may hold a password.
fn parse(text: &str) -> Result<Option<ProxyPlan>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let rest = match text.split_once("://") {
        None => text,
        Some((scheme, rest)) => match scheme.to_ascii_lowercase().as_str() {
            "http" => rest,
            "https" => {
                const MESSAGE: &str = "is an https proxy; only http proxies are spoken to (encrypted uploads go through \
                                       one all the same)";
                return Err(MESSAGE.to_owned());
            }
            "socks" | "socks4" | "socks4a" | "socks5" | "socks5h" => {
                return Err("is a SOCKS proxy; only http proxies are spoken to".to_owned());
            }
            _ => return Err("must begin with http://, or with the host".to_owned()),
        },
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (credentials, authority) = match rest.rsplit_once('@') {
        None => (None, rest),
        Some((credentials, authority)) => {
            let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
            (Some((decode(user), decode(password))), authority)
        }
    };
    if authority.contains(['/', '?', '#']) {
        return Err("must be a host with a port, without a path".to_owned());
    }
    let (host, port) = server::split_port(authority)?;
    server::check_host(host)?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Ok(Some(ProxyPlan { host, port: port.unwrap_or(DEFAULT_PORT), credentials }))
}

/// `%40` is a `@`; what is no such code stays.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let code = (*byte == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match code.filter(|code| code.bytes().all(|digit| digit.is_ascii_hexdigit())) {
            Some(code) => {
                decoded.push(u8::from_str_radix(code, 16).unwrap_or(*byte));
                at += 3;
            }
            None => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_proxy_is_an_http_one_and_shows_no_password() {
        let texts = [
            "",
            "http://proxy:3128",
            "proxy:3128",
            "HTTP://proxy",
            " http://me:S3CRET@proxy:3128/ ",
            "me:S3C/R@ET@proxy:1",
            "me@proxy:1",
            "[::1]:3128",
            "https://me:S3CRET@proxy:443",
            "socks5h://me:S3CRET@proxy:1080",
            "ftp://S3CRET@proxy",
            "http://proxy:3128/path",
            "http://me:S3CRET@",
            "http://me:S3CRET@proxy:0",
            "S3CRET S3CRET",
        ];
        let lines: String = texts
            .iter()
            .map(|text| match parse(text) {
                Ok(Some(proxy)) if proxy.credentials.is_some() => format!("{proxy} with a user and a password\n"),
                Ok(Some(proxy)) => format!("{proxy}\n"),
                Ok(None) => "none\n".to_owned(),
                Err(message) => format!("error: {message}\n"),
            })
            .collect();
        assert!(!lines.contains("S3C"), "{lines}");
        expect![[r#"
            none
            http://proxy:3128
            http://proxy:3128
            http://proxy:80
            http://proxy:3128 with a user and a password
            http://proxy:1 with a user and a password
            http://proxy:1 with a user and a password
            http://[::1]:3128
            error: is an https proxy; only http proxies are spoken to (encrypted uploads go through one all the same)
            error: is a SOCKS proxy; only http proxies are spoken to
            error: must begin with http://, or with the host
            error: must be a host with a port, without a path
            error: names no host
            error: "0" is no port (1 to 65535)
            error: has a ' ' in its host name; letters, digits, `.`, `-` and `_` are allowed
        "#]]
        .assert_eq(&lines);
    }

    #[test]
    fn credentials_are_decoded_and_sent_as_basic() {
        let sent = |text: &str| parse(text).unwrap().unwrap().authorization();
        assert_eq!(
            sent("http://me:p%40ss%3aw%25rd%zz@proxy"),
            Some(format!("Basic {}", STANDARD.encode("me:p@ss:w%rd%zz")))
        );
        assert_eq!(sent("http://me@proxy"), Some(format!("Basic {}", STANDARD.encode("me:"))));
        assert_eq!(sent("http://proxy"), None);
        let proxy = parse("http://me:hunter2@proxy").unwrap().unwrap();
        let echo = format!("you are {} with hunter2", proxy.authorization().unwrap());
        let hidden = super::super::hidden::Hidden::default();
        hidden.hide_proxy(&proxy);
        assert_eq!(
            hidden.masked(&echo),
            "you are Basic ********** MASKED ********** with ********** MASKED **********"
        );
    }
}
