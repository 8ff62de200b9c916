//! The endpoint over real sockets: what is accepted, what is refused, and with which words.

use std::thread;
use std::time::Duration;

use scalyr_agent::receiver::{Options, Receiver};
use scalyr_agent::threads::Threads;
use scalyr_monitor::Clock;

use crate::body::{event, with_events};
use crate::client::{Client, PATIENCE, deflate, good_body, start};

#[test]
fn one_connection_serves_many_requests() {
    let receiver = start(Options::default());
    let mut client = Client::connect(receiver.address());
    for turn in 1..=3 {
        let answer = client.upload(turn);
        let charged = format!("{{\"status\":\"success\",\"bytesCharged\":{}}}", good_body(turn).len());
        assert_eq!((answer.code, answer.body.as_str()), (200, charged.as_str()));
        assert!(answer.head.contains("Content-Type: application/json\r\n"), "{}", answer.head);
    }
    let summary = receiver.summary();
    assert_eq!((summary.connections, summary.requests, summary.accepted, summary.events), (1, 3, 3, 3));
    assert_eq!((summary.message_bytes, summary.repeated_events), (18, 0));
    assert_eq!(summary.files["/a"].events, 3);
    assert_eq!(summary.last_error, None);
}

#[test]
fn requests_that_are_sent_ahead_are_answered_in_order() {
    let receiver = start(Options::default());
    let mut client = Client::connect(receiver.address());
    client.post("/addEvents", "", &good_body(1));
    client.post("/addEvents", "", b"{}");
    client.post("/addEvents", "", &good_body(2));
    assert_eq!([client.answer().code, client.answer().code, client.answer().code], [200, 400, 200]);
}

#[test]
fn deflated_bodies_are_taken_and_their_sizes_counted() {
    let receiver = start(Options::default());
    let mut client = Client::connect(receiver.address());
    let (body, packed) = (good_body(1), deflate(&good_body(1)));
    client.post("/addEvents", "Content-Encoding: deflate\r\n", &packed);
    assert_eq!(client.answer().body, format!("{{\"status\":\"success\",\"bytesCharged\":{}}}", body.len()));
    let summary = receiver.summary();
    assert_eq!((summary.wire_bytes, summary.body_bytes), (packed.len() as u64, body.len() as u64));
}

#[test]
fn an_unknown_or_wrong_encoding_is_refused_and_the_connection_kept() {
    let receiver = start(Options::default());
    let mut client = Client::connect(receiver.address());
    client.post("/addEvents", "Content-Encoding: gzip\r\n", b"whatever");
    let answer = client.answer();
    assert_eq!(answer.code, 415);
    assert!(answer.body.contains("`gzip`") && answer.body.contains("`zstandard`"), "{}", answer.body);
    client.post("/addEvents", "Content-Encoding: deflate\r\n", &good_body(1));
    let answer = client.answer();
    assert_eq!(answer.code, 400);
    assert!(answer.body.contains("not a whole zlib stream"), "{}", answer.body);
    client.post("/addEvents", "", &deflate(&good_body(1)));
    assert_eq!(client.answer().code, 400);
    assert_eq!(client.upload(1).code, 200);
    let summary = receiver.summary();
    assert_eq!((summary.requests, summary.accepted, summary.refused), (4, 1, 3));
    assert!(summary.last_error.unwrap().starts_with("connection 1: "));
}

#[test]
fn a_body_that_inflates_beyond_the_bound_is_refused() {
    let receiver = start(Options { max_decompressed: 100_000, ..Options::default() });
    let mut client = Client::connect(receiver.address());
    client.post("/addEvents", "Content-Encoding: deflate\r\n", &deflate(&vec![b' '; 100_001]));
    let answer = client.answer();
    assert_eq!(answer.code, 413);
    assert!(answer.body.contains("error/client/requestTooLarge"), "{}", answer.body);
    assert_eq!(client.upload(1).code, 200);
}

#[test]
fn a_huge_content_length_is_refused_at_once() {
    let receiver = start(Options { max_body: 1000, ..Options::default() });
    for length in ["1001", "18446744073709551615"] {
        let mut client = Client::connect(receiver.address());
        client.send(format!("POST /addEvents HTTP/1.1\r\nContent-Length: {length}\r\n\r\nsome").as_bytes());
        let answer = client.answer();
        assert_eq!(answer.code, 413);
        assert!(answer.head.contains("Connection: close"), "{}", answer.head);
        assert!(answer.body.contains(&format!("the body has {length} bytes; at most 1000 are taken")));
        client.half_close();
        assert_eq!(client.rest(), "");
    }
}

#[test]
fn what_is_not_an_upload_is_refused_with_what_there_is() {
    let receiver = start(Options::default());
    let code = |text: &str| {
        let mut client = Client::connect(receiver.address());
        client.send(text.as_bytes());
        client.half_close();
        let answer = client.answer();
        assert!(answer.head.contains("Connection: close"));
        answer.code
    };
    assert_eq!(code("GET /addEvents HTTP/1.1\r\n\r\n"), 405);
    assert_eq!(code("GET / HTTP/1.1\r\n\r\n"), 404);
    assert_eq!(code("POST /addEvents HTTP/1.1\r\n\r\n"), 411);
    assert_eq!(code("POST /addEvents HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 411);
    assert_eq!(code("POST /addEvents HTTP/1.1\r\nContent-Length: x\r\n\r\n"), 400);
    assert_eq!(code(&format!("POST /addEvents HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(20_000))), 431);
    assert_eq!(code(&format!("POST /addEvents HTTP/1.1\r\n{}\r\n", "X: x\r\n".repeat(65))), 431);
    assert_eq!(code("\u{16}\u{3}\u{1} TLS?\r\n\r\n"), 400);
}

#[test]
fn a_client_that_asks_first_is_told_to_go_on() {
    let receiver = start(Options::default());
    let mut client = Client::connect(receiver.address());
    let body = good_body(1);
    let head = format!("POST /addEvents HTTP/1.1\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n", body.len());
    client.send(head.as_bytes());
    let mut word = [0; 25];
    std::io::Read::read_exact(&mut client.0, &mut word).unwrap();
    assert_eq!(&word, b"HTTP/1.1 100 Continue\r\n\r\n");
    client.send(&body);
    assert_eq!(client.answer().code, 200);
}

#[test]
fn a_client_that_is_too_slow_is_told_so() {
    let receiver = start(Options { request_timeout: Duration::from_millis(200), ..Options::default() });
    let mut client = Client::connect(receiver.address());
    client.send(b"POST /addEvents HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc");
    let answer = client.answer();
    assert_eq!(answer.code, 408);
    assert!(answer.body.contains("a body, 3 of 10 bytes of it"), "{}", answer.body);
    let mut client = Client::connect(receiver.address());
    client.send(b"POST /addEv");
    assert_eq!(client.answer().code, 408);
    assert!(receiver.wait_until(PATIENCE, |summary| summary.refused == 1));
}

#[test]
fn dripping_bytes_do_not_extend_the_time_a_request_may_take() {
    let receiver = start(Options { request_timeout: Duration::from_millis(300), ..Options::default() });
    let mut client = Client::connect(receiver.address());
    client.send(b"POST /addEvents HTTP/1.1\r\nContent-Length: 100000\r\n\r\n");
    let mut dripper = Client(client.0.try_clone().unwrap());
    let drips = std::thread::scope(|scope| {
        let drips = scope.spawn(move || {
            (0..100_000)
                .take_while(|_| {
                    std::thread::sleep(Duration::from_millis(20));
                    std::io::Write::write_all(&mut dripper.0, b"x").is_ok()
                })
                .count()
        });
        assert_eq!(client.answer().code, 408);
        drips.join().unwrap()
    });
    assert!(drips < 100_000);
}

#[test]
fn an_idle_connection_is_closed_in_the_end() {
    let receiver = start(Options { idle_timeout: Duration::from_millis(100), ..Options::default() });
    let mut client = Client::connect(receiver.address());
    assert_eq!(client.rest(), "");
    assert!(receiver.wait_until(PATIENCE, |summary| summary.open_connections == 0));
    assert_eq!(receiver.summary().last_error, None);
}

#[test]
fn a_client_that_goes_away_in_a_body_is_noted() {
    let receiver = start(Options::default());
    let mut client = Client::connect(receiver.address());
    client.send(b"POST /addEvents HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc");
    drop(client);
    assert!(receiver.wait_until(PATIENCE, |summary| summary.finished == 1 && summary.open_connections == 0));
    let summary = receiver.summary();
    assert_eq!((summary.requests, summary.refused), (1, 1));
    assert!(summary.last_error.unwrap().contains("after 3 of 10 bytes of a body"));
}

#[test]
fn connections_beyond_the_cap_are_sent_away() {
    let receiver = start(Options { max_connections: 2, ..Options::default() });
    let mut first = Client::connect(receiver.address());
    let mut second = Client::connect(receiver.address());
    assert_eq!((first.upload(1).code, second.upload(2).code), (200, 200));
    let mut third = Client::connect(receiver.address());
    let answer = third.answer();
    assert_eq!(answer.code, 503);
    assert!(answer.body.contains("2 connections are open already"), "{}", answer.body);
    assert_eq!(receiver.summary().refused_connections, 1);
    drop(first);
    assert!(receiver.wait_until(PATIENCE, |summary| summary.open_connections == 1));
    // The count is lowered a moment before the place is free.
    let deadline = Clock::system().monotonic() + PATIENCE;
    while !Client::connect(receiver.address()).try_upload(3) {
        assert!(Clock::system().monotonic() < deadline);
    }
}

#[test]
fn events_that_come_again_are_counted() {
    let receiver = start(Options::default());
    let mut client = Client::connect(receiver.address());
    for sn in [10, 20, 20, 15, 30] {
        assert_eq!(client.upload(sn).code, 200);
    }
    let two = with_events(
        &[event("a\n", r#"ts:"1",si:"r",sn:2"#), event("b\n", r#"ts:"1",sd:0"#), event("c\n", r#"ts:"1",sd:1"#)]
            .join(","),
    );
    client.post("/addEvents", "", two.as_bytes());
    assert_eq!(client.answer().code, 200);
    let summary = receiver.summary();
    assert_eq!((summary.events, summary.repeated_events), (8, 3));
}

#[test]
fn the_counts_are_served_as_json() {
    let receiver = start(Options::default());
    let mut client = Client::connect(receiver.address());
    client.upload(1);
    client.send(b"GET /control/summary HTTP/1.1\r\n\r\n");
    let answer = client.answer();
    assert_eq!(answer.code, 200);
    let summary: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(summary["events"], 1);
    assert_eq!(summary["files"]["/a"]["bytes"], 6);
    assert_eq!(summary["last_error"], serde_json::Value::Null);
}

#[test]
fn a_stop_ends_idle_busy_and_stalled_connections() {
    // An address that no other test uses: none can take the port between the two listeners.
    let listen = "127.0.0.83:0".parse().unwrap();
    let receiver = start(Options { listen, faults: "1*ok,stall".parse().unwrap(), ..Options::default() });
    let mut idle = Client::connect(receiver.address());
    idle.upload(1);
    let mut reading = Client::connect(receiver.address());
    reading.send(b"POST /addEvents HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc");
    let mut stalled = Client::connect(receiver.address());
    stalled.post("/addEvents", "", &good_body(2));
    assert!(receiver.wait_until(PATIENCE, |summary| summary.requests == 3));
    assert!(receiver.stop());
    assert!(receiver.stop(), "a second stop does nothing");
    assert_eq!([idle.rest(), reading.rest(), stalled.rest()], ["", "", ""]);
    let summary = receiver.summary();
    assert_eq!((summary.open_connections, summary.finished, summary.events), (0, 3, 1));
    assert_eq!(summary.last_error, None);
    // The port is free again; only a test that listens on all addresses may have it for a moment.
    let listen = || Options { listen: receiver.address(), ..Options::default() };
    let again = (0..100).find_map(|attempt| {
        thread::sleep(Duration::from_millis(50) * attempt.min(1));
        Receiver::start(listen(), &Threads::new(), &Clock::system()).ok()
    });
    let again = again.unwrap();
    assert_eq!(Client::connect(again.address()).upload(1).code, 200);
}

#[test]
fn an_address_that_others_can_reach_is_refused_unless_allowed() {
    let listen = "0.0.0.0:0".parse().unwrap();
    let refused = Receiver::start(Options { listen, ..Options::default() }, &Threads::new(), &Clock::system());
    let error = refused.err().unwrap().to_string();
    assert!(error.contains("0.0.0.0:0 is not a loopback address") && error.contains("--allow-remote"), "{error}");
    let receiver = start(Options { listen, allow_remote: true, ..Options::default() });
    assert!(receiver.stop());
}
