//! The head of a request: bounded, read strictly, and only for this host.

use std::net::IpAddr;

use super::answer::Answer;

/// How large the head of a request may be. A browser's has about 1 KiB.
pub(super) const MAX_HEAD: usize = 8 * 1024;
/// How many header fields a request may have.
const MAX_FIELDS: usize = 64;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// Whether the body of the answer is wanted: GET, and not HEAD.
    pub(super) wants_body: bool,
    /// Begins with `/`; without what stands behind a `?`.
    pub(super) path: String,
}

/// Reads the head of a request from the bytes that have come so far; none while some are missing.
///
/// Only requests that are meant for this host are taken: by its address, as `localhost` or by `host_name`. A page of the
/// web whose name somebody lets point here (DNS rebinding) would otherwise read the status in its visitor's name.
///
/// # Errors
/// The answer to a request that is refused.
pub(super) fn read(bytes: &[u8], host_name: &str) -> Result<Option<Request>, Answer> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(&bytes[..bytes.len().min(MAX_HEAD)]) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) if bytes.len() >= MAX_HEAD => {
            return Err(Answer::refusal(431, format_args!("the head of the request is longer than {MAX_HEAD} bytes")));
        }
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Answer::refusal(431, format_args!("more than {MAX_FIELDS} header fields")));
        }
        Err(error) => return Err(Answer::refusal(400, format_args!("this is not HTTP/1.1: {error}"))),
    }
    let hosts = request.headers.iter().filter(|field| field.name.eq_ignore_ascii_case("host"));
    let hosts: Vec<_> = hosts.map(|field| field.value).collect();
    match hosts[..] {
        // Of HTTP/1.0, and of no browser.
        [] if request.version == Some(0) => {}
        [host] if str::from_utf8(host).is_ok_and(|host| is_ours(host, host_name)) => {}
        [_] => {
            let text = "the Host of the request is not this one; use its address, its name or localhost";
            return Err(Answer::refusal(403, text));
        }
        _ => return Err(Answer::refusal(400, "there must be one Host field")),
    }
    let wants_body = match request.method {
        Some("GET") => true,
        Some("HEAD") => false,
        _ => return Err(Answer::refusal(405, "only GET and HEAD are answered")),
    };
    let target = request.path.unwrap_or_default();
    let path = target.split(['?', '#']).next().unwrap_or_default();
    if !path.starts_with('/') {
        return Err(Answer::refusal(400, "the target of the request must begin with /"));
    }
    Ok(Some(Request { wants_body, path: path.to_owned() }))
}

/// Whether a `Host` field names this host; a port behind it does not matter.
fn is_ours(host: &str, host_name: &str) -> bool {
    let host = host.trim();
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if address.parse::<std::net::Ipv6Addr>().is_ok() => (address, port),
            _ => return false,
        },
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_port =
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|c| c.is_ascii_digit()));
    let name = name.strip_suffix('.').unwrap_or(name);
    let short = host_name.split('.').next().unwrap_or_default();
    let is_named = |own: &str| !own.is_empty() && name.eq_ignore_ascii_case(own);
    is_port && (name.parse::<IpAddr>().is_ok() || is_named("localhost") || is_named(host_name) || is_named(short))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(text: &str) -> Result<Option<(bool, String)>, u16> {
        let read = read(text.as_bytes(), "web-1.example.org");
        read.map(|request| request.map(|request| (request.wants_body, request.path))).map_err(|answer| answer.code)
    }

    #[test]
    fn a_head_is_read_when_its_last_byte_has_come() {
        let text = "GET /metrics?x=1 HTTP/1.1\r\nHost: 127.0.0.1:8126\r\nUser-Agent: curl\r\n\r\n";
        for end in 0..text.len() {
            assert_eq!(code(&text[..end]), Ok(None));
        }
        assert_eq!(code(text), Ok(Some((true, "/metrics".to_owned()))));
        // What stands behind it, a body or another request, is of no interest: one answer per connection.
        assert_eq!(code(&text.repeat(3)), Ok(Some((true, "/metrics".to_owned()))));
        assert_eq!(code("HEAD / HTTP/1.0\r\n\r\n"), Ok(Some((false, "/".to_owned()))));
    }

    #[test]
    fn only_requests_for_this_host_are_taken() {
        let with =
            |host: &str| code(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).map(|request| request.is_some());
        for ours in
            ["127.0.0.1", "10.0.0.7:80", "[::1]:80", "[fe80::1]", "LOCALHOST:1", "web-1", "web-1.example.org.:8"]
        {
            assert_eq!(with(ours), Ok(true), "{ours}");
        }
        for foreign in
            ["evil.example", "127.0.0.1.evil.example", "web-1.evil.example", "", "[evil]", "localhost:x", "[::1]x"]
        {
            assert_eq!(with(foreign), Err(403), "{foreign}");
        }
        assert_eq!(code("GET / HTTP/1.1\r\n\r\n"), Err(400));
        assert_eq!(code("GET / HTTP/1.1\r\nHost: localhost\r\nhost: localhost\r\n\r\n"), Err(400));
        assert_eq!(code("GET / HTTP/1.1\r\nHost: evil.example\r\nhost: localhost\r\n\r\n"), Err(400));
        assert!(!is_ours("", "") && !is_ours(".", ""), "a host without a name has none that fits");
    }

    #[test]
    fn everything_else_is_refused_with_the_status_that_says_why() {
        let with = |line: &str| code(&format!("{line} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        assert_eq!(with("POST /"), Err(405));
        assert_eq!(with("OPTIONS *"), Err(405));
        assert_eq!(with("GET http://localhost/"), Err(400));
        assert_eq!(code("SSH-2.0-OpenSSH_9.2\r\n"), Err(400));
        assert_eq!(code("\x16\x03\x01\x02\0\x01"), Err(400), "TLS");
        let field = "A: b\r\n";
        assert_eq!(code(&format!("GET / HTTP/1.1\r\n{}\r\n", field.repeat(MAX_FIELDS + 1))), Err(431));
        assert_eq!(code(&format!("GET /{}", "a".repeat(MAX_HEAD))), Err(431));
        assert_eq!(code(&format!("GET /{}", "a".repeat(MAX_HEAD - 6))), Ok(None));
    }

    fn check(bytes: &[u8]) {
        match read(bytes, "host") {
            Ok(Some(request)) => {
                assert!(request.path.starts_with('/') && request.path.len() < MAX_HEAD);
                // Nothing that comes behind a head changes it.
                let longer = [bytes, b"\r\n\r\nGET /other HTTP/1.1\r\n\r\n"].concat();
                assert_eq!(read(&longer, "host").ok().flatten(), Some(request));
            }
            Ok(None) => assert!(bytes.len() < MAX_HEAD),
            Err(answer) => assert!([400, 403, 405, 431].contains(&answer.code)),
        }
    }

    #[test]
    fn fuzz_status_request() {
        bolero::check!(name = "status_request").for_each(|bytes: &[u8]| {
            check(bytes);
            check(&[b"GET / HTTP/1.1\r\nHost: localhost\r\n", bytes].concat());
        });
    }

    proptest! {
        #[test]
        fn any_head_is_read_or_refused(
            method in "[A-Z]{1,7}|\\PC{0,3}",
            target in "/[ -~]{0,20}|\\PC{0,9}",
            host in "localhost|127\\.0\\.0\\.1(:[0-9]{0,5})?|\\PC{0,9}",
            more in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let mut bytes = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n").into_bytes();
            bytes.extend(more);
            check(&bytes);
            bytes.extend(b"\r\n\r\n");
            check(&bytes);
        }
    }
}
