//! Asking a proxy to connect with the server (`CONNECT`, RFC 9110 section 9.3.6).

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Read as _, Write as _};

use super::failure::{Failure, found_in};
use super::route::Route;
use super::socket::Socket;

/// The longest head of a proxy's answer, in bytes.
const MOST_BYTES: usize = 16 * 1024;

/// Has the proxy connect with the server; from then on the socket is the server's. It has the patience for it.
///
/// # Errors
/// When the proxy does not do it; the text names the proxy.
pub(super) fn open(socket: &mut Socket, route: &Route) -> Result<(), Failure> {
    let Some(proxy) = &route.proxy else { return Ok(()) };
    let (server, name) = (&route.server, route.name_of_first());
    let mut head = format!("CONNECT {server} HTTP/1.1\r\nHost: {server}\r\nProxy-Connection: Keep-Alive\r\n");
    if let Some(authorization) = proxy.authorization() {
        _ = write!(head, "Proxy-Authorization: {authorization}\r\n");
    }
    head.push_str("\r\n");
    socket.write_all(head.as_bytes()).map_err(|error| lost(&error, &name))?;
    let mut answer = Vec::new();
    let mut buffer = [0; 2048];
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => return Err(lost(&ErrorKind::UnexpectedEof.into(), &name)),
            Ok(bytes) => answer.extend_from_slice(&buffer[..bytes]),
            Err(error) => return Err(lost(&error, &name)),
        }
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut headers);
        match response.parse(&answer) {
            Ok(httparse::Status::Complete(length)) => {
                let (code, reason) = (response.code.unwrap_or(0), response.reason.unwrap_or_default());
                // The server is silent until it is spoken to.
                return match code {
                    200..=299 if length == answer.len() => Ok(()),
                    200..=299 => Err(no_http(&name, "something follows before the server was spoken to")),
                    _ => Err(refused(route, code, reason)),
                };
            }
            Ok(httparse::Status::Partial) if answer.len() < MOST_BYTES => {}
            Ok(httparse::Status::Partial) => return Err(no_http(&name, "its head does not end")),
            Err(error) => return Err(no_http(&name, &error.to_string())),
        }
    }
}

/// What a proxy's refusal means; `reason` is its own word for it.
fn refused(route: &Route, code: u16, reason: &str) -> Failure {
    if code == 407 {
        return unauthorized(route);
    }
    if let 502..=504 = code {
        return unreached_by_proxy(route, code, reason);
    }
    let meaning = match code {
        403 | 405 => "it does not allow that; ask whoever runs it",
        _ => "it does not do that",
    };
    told("proxy refuses", route, code, reason, meaning)
}

/// The proxy does not reach the server.
pub(in crate::upload) fn unreached_by_proxy(route: &Route, code: u16, reason: &str) -> Failure {
    told("proxy reaches no server", route, code, reason, "it does not reach the server")
}

fn told(kind: &'static str, route: &Route, code: u16, reason: &str, meaning: &str) -> Failure {
    let (name, server) = (route.name_of_first(), &route.server);
    // Before it is cut, so that no part of a secret remains at the cut.
    let reason: String = route.hidden.masked(reason).chars().filter(|c| !c.is_control()).take(60).collect();
    let reason = if reason.is_empty() { reason } else { format!(" ({reason})") };
    Failure::new(kind, format!("{name} answers HTTP {code}{reason} when asked to connect with {server}: {meaning}"))
}

/// The proxy wants to know who asks (407).
pub(in crate::upload) fn unauthorized(route: &Route) -> Failure {
    let (name, key) = (route.name_of_first(), route.proxy_key());
    let text = match route.proxy.as_ref().and_then(|proxy| proxy.authorization()) {
        Some(_) => format!("{name} does not accept the user and the password of {key} (HTTP 407)"),
        None => {
            format!("{name} wants a user and a password (HTTP 407); write {key}: \"http://user:password@host:port\"")
        }
    };
    Failure::new("proxy wants a password", text)
}

fn no_http(name: &str, why: &str) -> Failure {
    Failure::new("proxy speaks no HTTP", format!("{name} gives an answer that is no HTTP: {why}"))
}

fn lost(error: &io::Error, name: &str) -> Failure {
    if let Some(failure) = found_in(error) {
        return failure.clone();
    }
    let what = match error.kind() {
        ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe => "closed the connection".to_owned(),
        ErrorKind::ConnectionReset => "reset the connection".to_owned(),
        _ => format!("cannot be reached any more ({error})"),
    };
    Failure::new("proxy closed", format!("{name} {what} when asked to connect with the server"))
}
