use std::io::Write as _;
use std::time::Duration;

use super::raw_server::{RawServer, take_request};
use super::*;
use crate::upload::client::ANSWER_BYTES;
use crate::upload::http_date::RetryAfter;

/// What the client makes of these bytes.
fn makes_of(bytes: impl Into<Vec<u8>>) -> Result<Reply, Failure> {
    asked(&RawServer::answering(bytes).url(), "request_deadline: 20")
}

#[test]
fn ugly_bytes_are_told_and_never_a_success() {
    let head = "HTTP/1.1 200 OK\r\n";
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
    let answers: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("noise", vec![0xff; 300]),
        ("zeros", vec![0; 300]),
        ("another protocol", b"220 mail.example.com ESMTP\r\n".to_vec()),
        ("an old version", b"HTTP/0.9 200 OK\r\n\r\n".to_vec()),
        ("a status that is no number", b"HTTP/1.1 2x0 OK\r\n\r\n".to_vec()),
        ("a head that ends within", b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()),
        ("a header without a colon", format!("{head}garbage\r\n\r\n").into()),
        ("a length that is no number", format!("{head}Content-Length: many\r\n\r\n").into()),
        ("a negative length", format!("{head}Content-Length: -5\r\n\r\n").into()),
        ("two lengths", format!("{head}Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345").into()),
        ("a length that is never reached", format!("{head}Content-Length: 50\r\n\r\n12345").into()),
        ("a chunk without a size", format!("{chunked}zz\r\nabc\r\n").into()),
        ("a chunk of the largest size", format!("{chunked}ffffffffffffffff\r\nabc\r\n").into()),
        ("a chunk that ends within", format!("{chunked}5\r\nab").into()),
        ("a chunk without its end", format!("{chunked}2\r\nabXX0\r\n\r\n").into()),
        ("a status with control characters", b"HTTP/1.1 200 O\x01K\r\n\r\n".to_vec()),
    ];
    for (name, bytes) in answers {
        match makes_of(bytes) {
            Ok(reply) => {
                let said = String::from_utf8_lossy(&reply.body).into_owned();
                assert!(!said.contains("success"), "{name}: {said}");
            }
            Err(failure) => {
                assert!(failure.text.contains("the server 127.0.0.1:"), "{name}: {failure}");
                assert!(!failure.kind.contains(char::is_numeric), "{name}: {}", failure.kind);
            }
        }
    }
}

#[test]
fn a_large_answer_is_cut_at_64_kib_and_said_to_be() {
    let body = "x".repeat(ANSWER_BYTES + 1);
    for head in ["Connection: close".to_owned(), format!("Content-Length: {}", body.len())] {
        let reply = makes_of(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}")).unwrap();
        assert_eq!((reply.body.len(), reply.cut), (ANSWER_BYTES, true), "{head}");
    }
}

/// A server that sends the begin, and then this again and again for as long as anybody listens.
fn flooding(begin: &'static str, again: &'static str) -> RawServer {
    RawServer::start(move |_, mut stream| {
        take_request(&mut stream);
        let mut bytes = begin.as_bytes().to_vec();
        while stream.write_all(&bytes).is_ok() {
            bytes = again.as_bytes().repeat(1000);
        }
    })
}

#[test]
fn floods_end_after_a_bounded_number_of_bytes() {
    // A deadline that only a bound can be earlier than.
    let keys = "request_deadline: 3600";
    let said = |begin, again| told(&flooding(begin, again).url(), keys);
    let failure = said("HTTP/1.1 200 OK\r\n", "X-Header: and another one\r\n");
    assert_eq!(failure.kind, "answer not understood", "{failure}");
    let failure = said("", "HTTP/1.1 100 Continue\r\n\r\n");
    assert!(["endless answer", "answer not understood"].contains(&failure.kind), "{failure}");
    let failure = said("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    assert!(["endless answer", "answer not understood"].contains(&failure.kind), "{failure}");
    let failure = said("HTTP/1.1 200 OK\r\nX: ", "endless ");
    assert_eq!(failure.kind, "answer not understood", "{failure}");
    let failure = said("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "extension=of-a-chunk;");
    assert!(["endless answer", "answer not understood"].contains(&failure.kind), "{failure}");
    let endless = asked(&flooding("HTTP/1.1 200 OK\r\n\r\n", "{\"status\":\"success\"}").url(), keys).unwrap();
    assert!(endless.cut, "{endless:?}");
    let server = flooding("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n");
    let chunks = asked(&server.url(), keys);
    assert!(chunks.is_err_and(|failure| failure.kind == "endless answer"));
}

#[test]
fn interim_answers_before_the_real_one_are_passed_over() {
    let last = "HTTP/1.1 503 Busy\r\nContent-Length: 2\r\nRetry-After: 7\r\n\r\nno";
    let reply = makes_of(format!("HTTP/1.1 100 Continue\r\n\r\n{last}")).unwrap();
    assert_eq!((reply.status, reply.retry_after), (503, Some(RetryAfter::For(Duration::from_secs(7)))));
}
