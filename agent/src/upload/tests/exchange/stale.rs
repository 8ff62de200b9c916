use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;

use super::raw_server::{RawServer, SUCCESS, answer, reset, take_head, take_request, wait_for_end};
use super::tls_front::{Authority, TlsFront};
use super::*;

/// A server that answers one request of its first connection, and then does this with it; it serves the others.
fn then(last: impl Fn(TcpStream) + Send + Sync + 'static) -> RawServer {
    RawServer::start(move |number, mut stream| {
        if number > 0 {
            while take_request(&mut stream).is_some() {
                answer(&mut stream, SUCCESS);
            }
        } else if take_request(&mut stream).is_some() {
            answer(&mut stream, SUCCESS);
            last(stream);
        }
    })
}

#[test]
fn a_kept_connection_that_dies_before_the_answer_costs_a_new_one_and_nothing_else() {
    type Last = (&'static str, fn(TcpStream));
    let ways: [Last; 5] = [
        ("an end after the request", |mut stream| _ = take_request(&mut stream)),
        ("a reset after the request", |mut stream| {
            take_request(&mut stream);
            reset(stream);
        }),
        ("an end after the head", |mut stream| _ = take_head(&mut stream)),
        ("a reset in the middle of the request", |mut stream| {
            take_head(&mut stream);
            _ = stream.read(&mut [0; 100]);
            reset(stream);
        }),
        ("an end of reading alone", |mut stream| {
            take_head(&mut stream);
            _ = stream.shutdown(std::net::Shutdown::Write);
            wait_for_end(&mut stream);
        }),
    ];
    for (name, last) in ways {
        for body in [BODY.to_vec(), vec![b' '; 32 << 20]] {
            let server = then(last);
            let client = client(&server.url(), "");
            assert_eq!(client.post(BODY, "test").unwrap().status, 200);
            let reply = client.post(&body, "test").unwrap_or_else(|failure| panic!("{name}: {failure}"));
            assert_eq!(reply.status, 200, "{name}");
            assert_eq!((server.connections(), client.resent()), (2, 1), "{name}");
            assert_eq!(client.post(BODY, "test").unwrap().status, 200, "{name}");
            assert_eq!(server.connections(), 2, "{name}: the new one is kept");
        }
    }
}

#[test]
fn a_connection_that_is_seen_to_be_closed_is_not_used() {
    let (tell, told) = crossbeam_channel::bounded(1);
    let server = then(move |stream| {
        drop(stream);
        tell.send(()).unwrap();
    });
    let client = client(&server.url(), "");
    assert_eq!(client.post(BODY, "test").unwrap().status, 200);
    told.recv().unwrap();
    assert_eq!(client.post(BODY, "test").unwrap().status, 200);
    assert_eq!((server.connections(), client.resent()), (2, 0));
}

#[test]
fn a_tls_connection_that_is_closed_while_idle_or_with_the_request_is_opened_anew() {
    let (authority, backend) = (Authority::new(), then(|mut stream| _ = take_request(&mut stream)));
    let front = TlsFront::before(backend.address, &authority.issue(&["localhost"], |_| {}));
    let file = written("authority.pem", &authority.pem());
    let keys = format!("ca_cert_path: '{}'", file.display());
    let client = client(&format!("https://localhost:{}", front.address.port()), &keys);
    for _ in 0..3 {
        assert_eq!(client.post(BODY, "test").unwrap().status, 200);
    }
    assert_eq!((backend.connections(), client.resent(), front.handshakes()), (2, 1, 2));
}

#[test]
fn a_new_connection_that_dies_is_a_failure_and_the_request_is_not_resent() {
    let server = RawServer::start(|_, mut stream| _ = take_request(&mut stream));
    let client = client(&server.url(), "");
    for attempts in 1..=2 {
        let failure = client.post(BODY, "test").unwrap_err();
        assert_eq!(failure.kind, "connection closed");
        assert_eq!(failure.text, format!("the server {} closed the connection without an answer", server.address));
        assert_eq!((server.connections(), client.resent()), (attempts, 0));
    }
}

#[test]
fn a_request_is_resent_once_and_then_it_has_failed() {
    let server = RawServer::start(|number, mut stream| {
        if take_request(&mut stream).is_some() && number == 0 {
            answer(&mut stream, SUCCESS);
            take_request(&mut stream);
        }
    });
    let client = client(&server.url(), "");
    assert_eq!(client.post(BODY, "test").unwrap().status, 200);
    assert_eq!(client.post(BODY, "test").unwrap_err().kind, "connection closed");
    assert_eq!((server.connections(), client.resent()), (2, 1));
}

#[test]
fn a_connection_that_dies_within_its_answer_is_not_stale() {
    let server = then(|mut stream| {
        take_request(&mut stream);
        answer(&mut stream, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"status\":");
    });
    let client = client(&server.url(), "");
    assert_eq!(client.post(BODY, "test").unwrap().status, 200);
    let failure = client.post(BODY, "test").unwrap_err();
    assert!(failure.text.ends_with("closed the connection in the middle of its answer"), "{failure}");
    assert_eq!((server.connections(), client.resent()), (1, 0));
}

#[test]
fn connection_close_is_honoured() {
    let streams = Mutex::new(Vec::new());
    let server = RawServer::start(move |_, mut stream| {
        take_request(&mut stream);
        answer(&mut stream, &SUCCESS.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
        // It says so, and does not do it.
        streams.lock().unwrap().push(stream);
    });
    let client = client(&server.url(), "");
    for connections in 1..=3 {
        assert_eq!(client.post(BODY, "test").unwrap().status, 200);
        assert_eq!((server.connections(), client.resent()), (connections, 0));
    }
}

#[test]
fn an_answer_that_comes_before_the_whole_request_counts_unless_it_is_a_success() {
    let early = |bytes: &'static str| {
        RawServer::start(move |_, mut stream| {
            take_head(&mut stream);
            _ = stream.write_all(bytes.as_bytes());
            wait_a_while_for_end(&stream);
        })
    };
    let large = vec![b' '; 64 << 20];
    let server = early("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
    let reply = client(&server.url(), "").post(&large, "test").unwrap();
    assert_eq!((reply.status, reply.body.as_slice()), (413, &b"big"[..]));
    let escaped = "HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n{\"status\":\"s\\u0075ccess\"}";
    for success in [SUCCESS, escaped] {
        let server = early(success);
        let failure = client(&server.url(), "").post(&large, "test").unwrap_err();
        assert_eq!(failure.kind, "answered too early", "{success}");
    }
}

/// Reads nothing until the client has gone.
fn wait_a_while_for_end(stream: &TcpStream) {
    use rustix::event::{PollFd, PollFlags, poll};
    let mut fds = [PollFd::new(stream, PollFlags::HUP | PollFlags::RDHUP)];
    _ = poll(&mut fds, None);
}
