//! The address of the server: `scheme://host:port`, https unless http is allowed (`configuration.md` section 6).

use std::net::Ipv6Addr;

use super::value;

/// What an address may look like, behind what is wrong with one.
pub(super) const EXAMPLE: &str = "write it as in https://agent.scalyr.com";

/// A server's address, and what was changed about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Server {
    /// `scheme://host` or `scheme://host:port`, without a path.
    pub(super) address: String,
    /// What the user should know.
    pub(super) note: Option<&'static str>,
}

/// Reads the address of a server.
///
/// # Errors
/// What is wrong with it; of the address itself only what stands in the place of the port, for it may hold a password.
pub(super) fn read(text: &str, allow_http: bool) -> Result<Server, String> {
    let text = text.trim();
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
        None => ("https".to_owned(), text),
    };
    let (scheme, note) = match scheme.as_str() {
        "https" => ("https", None),
        "http" if allow_http => ("http", None),
        "http" => ("https", Some("http:// is changed to https://; `allow_http: true` would keep it")),
        _ => return Err("must begin with https://".to_owned()),
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains('@') {
        return Err("must not hold a user name or password".to_owned());
    }
    if authority.contains(['/', '?', '#']) {
        return Err("must be a host with an optional port, without a path".to_owned());
    }
    let (host, port) = split_port(authority)?;
    check_host(host)?;
    let address = match port {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    };
    Ok(Server { address, note })
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`; the brackets stay.
///
/// # Errors
/// What is wrong with it.
pub(super) fn split_port(authority: &str) -> Result<(&str, Option<u16>), String> {
    let (host, port) = match authority.rfind(']') {
        Some(end) => (&authority[..=end], &authority[end + 1..]),
        None if authority.starts_with('[') => return Err("has a `[` without its `]`".to_owned()),
        None if authority.matches(':').count() > 1 => {
            return Err("holds several `:`; an IPv6 address stands in brackets, as in [::1]:443".to_owned());
        }
        None => authority.find(':').map_or((authority, ""), |colon| authority.split_at(colon)),
    };
    if port.is_empty() {
        return Ok((host, None));
    }
    let Some(digits) = port.strip_prefix(':') else {
        return Err("has something else than a `:` and a port behind the `]`".to_owned());
    };
    let number = Some(digits).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
    match number.and_then(|digits| digits.parse().ok()) {
        Some(port) if port > 0 => Ok((host, Some(port))),
        _ if digits.is_empty() => Err("has no port behind the last `:` (1 to 65535)".to_owned()),
        // What is this long was perhaps a password.
        _ if digits.chars().count() > 8 => Err("has no port (1 to 65535) behind the last `:`".to_owned()),
        _ => Err(format!("{} is no port (1 to 65535)", value::shown(&digits.into()))),
    }
}

/// Whether a host is a name or a bracketed IPv6 address.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check_host(host: &str) -> Result<(), String> {
    if let Some(inside) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return match inside.parse::<Ipv6Addr>() {
            Ok(_) => Ok(()),
            Err(_) => Err("has no valid IPv6 address in its brackets".to_owned()),
        };
    }
    if host.is_empty() {
        return Err("names no host".to_owned());
    }
    match host.chars().find(|c| !c.is_ascii_alphanumeric() && !".-_".contains(*c)) {
        Some(c) => Err(format!("has a {c:?} in its host name; letters, digits, `.`, `-` and `_` are allowed")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    // configuration.md, sharp edge 8
    #[test]
    fn https_is_forced_unless_http_is_allowed() {
        let texts = [
            "https://agent.scalyr.com",
            " agent.scalyr.com ",
            "http://a",
            "HTTP://a:80/",
            "localhost:8080",
            "a:443",
            "HTTPS://A",
            "[::1]:443",
            "https://[fe80::1]",
            "ftp://a",
            "",
            "https://",
            "https://a/path",
            "https://a?x",
            "https://user:secret@a",
            "a:",
            "a:0",
            "a:99999",
            "::1",
            "[::1",
            "[x]:1",
            "[::1]x",
            "a b",
            "https://a:+5",
            "https://a:a-long-secret",
            "https://bücher.de",
        ];
        let lines: String = texts
            .iter()
            .map(|text| match read(text, false) {
                Ok(Server { address, note: None }) => format!("{text:?} -> {address}\n"),
                Ok(Server { address, note: Some(note) }) => format!("{text:?} -> {address} ({note})\n"),
                Err(message) => format!("{text:?} -> error: {message}\n"),
            })
            .collect();
        expect![[r#"
            "https://agent.scalyr.com" -> https://agent.scalyr.com
            " agent.scalyr.com " -> https://agent.scalyr.com
            "http://a" -> https://a (http:// is changed to https://; `allow_http: true` would keep it)
            "HTTP://a:80/" -> https://a:80 (http:// is changed to https://; `allow_http: true` would keep it)
            "localhost:8080" -> https://localhost:8080
            "a:443" -> https://a:443
            "HTTPS://A" -> https://A
            "[::1]:443" -> https://[::1]:443
            "https://[fe80::1]" -> https://[fe80::1]
            "ftp://a" -> error: must begin with https://
            "" -> error: names no host
            "https://" -> error: names no host
            "https://a/path" -> error: must be a host with an optional port, without a path
            "https://a?x" -> error: must be a host with an optional port, without a path
            "https://user:secret@a" -> error: must not hold a user name or password
            "a:" -> error: has no port behind the last `:` (1 to 65535)
            "a:0" -> error: "0" is no port (1 to 65535)
            "a:99999" -> error: "99999" is no port (1 to 65535)
            "::1" -> error: holds several `:`; an IPv6 address stands in brackets, as in [::1]:443
            "[::1" -> error: has a `[` without its `]`
            "[x]:1" -> error: has no valid IPv6 address in its brackets
            "[::1]x" -> error: has something else than a `:` and a port behind the `]`
            "a b" -> error: has a ' ' in its host name; letters, digits, `.`, `-` and `_` are allowed
            "https://a:+5" -> error: "+5" is no port (1 to 65535)
            "https://a:a-long-secret" -> error: has no port (1 to 65535) behind the last `:`
            "https://bücher.de" -> error: has a 'ü' in its host name; letters, digits, `.`, `-` and `_` are allowed
        "#]]
        .assert_eq(&lines);
        assert_eq!(read("HTTP://127.0.0.1:8080/", true).unwrap().address, "http://127.0.0.1:8080");
        assert_eq!(read("localhost:8080", true).unwrap().address, "https://localhost:8080");
    }
}
