use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use rustix::net::sockopt;
use scalyr_monitor::Timestamp;

use super::raw_server::{RawServer, SUCCESS, answer, take_head, take_request, wait_for_end};
use super::*;

#[test]
fn a_server_that_never_answers_costs_one_deadline() {
    let server = RawServer::start(|_, mut stream| wait_for_end(&mut stream));
    let (clock, client) = (Clock::system(), client(&server.url(), "request_deadline: 1"));
    let begin = clock.monotonic();
    let failure = client.post(BODY, "test").unwrap_err();
    assert!(clock.monotonic() - begin >= Duration::from_secs(1));
    assert_eq!(failure.kind, "no answer in time");
    assert_eq!(failure.text, format!("the server {} gave no answer within request_deadline (1 s)", server.address));
    assert!(!failure.slow);
    assert_eq!(server.connections(), 1, "a request that is late is not resent at once");
}

#[test]
fn a_large_request_without_an_answer_is_slow_for_the_system_may_still_be_sending_it() {
    let server = RawServer::start(|_, mut stream| wait_for_end(&mut stream));
    let client = client(&server.url(), "request_deadline: 1");
    for (size, slow) in [(300 * 1024, true), (200 * 1024, false)] {
        let failure = client.post(&vec![b' '; size], "test").unwrap_err();
        assert_eq!((failure.kind, failure.slow), ("no answer in time", slow), "{size} bytes");
    }
}

#[test]
fn a_kept_connection_whose_server_falls_silent_is_no_stale_one() {
    let server = RawServer::start(|_, mut stream| {
        take_request(&mut stream);
        answer(&mut stream, SUCCESS);
        wait_for_end(&mut stream);
    });
    let client = client(&server.url(), "request_deadline: 1");
    assert_eq!(client.post(BODY, "test").unwrap().status, 200);
    assert_eq!(client.post(BODY, "test").unwrap_err().kind, "no answer in time");
    assert_eq!((server.connections(), client.resent()), (1, 0));
}

#[test]
fn an_answer_that_drips_is_cut_when_the_deadline_is_over() {
    let server = RawServer::start(|_, mut stream| {
        take_request(&mut stream);
        answer(&mut stream, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        while stream.write_all(b" ").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let failure = told(&server.url(), "request_deadline: 1");
    assert_eq!(failure.kind, "no answer in time");
    assert!(failure.text.contains("did not finish its answer within request_deadline (1 s)"), "{}", failure.text);
}

#[test]
fn a_server_that_takes_nothing_is_left_after_one_deadline() {
    let server = RawServer::start(|_, mut stream| {
        take_head(&mut stream);
        // Until the client has gone.
        while stream.peek(&mut [0]).is_ok() && sockopt::socket_error(&stream) == Ok(Ok(())) {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let failure = client(&server.url(), "request_deadline: 1").post(&vec![b' '; 64 << 20], "test").unwrap_err();
    assert_eq!(failure.kind, "upload stalled");
    assert!(
        failure.text.contains("took nothing more of the request within request_deadline (1 s)"),
        "{}",
        failure.text
    );
}

const STEP: usize = 8 << 20;

/// A server that lets nine tenths of a deadline of 100 s pass with every 8 MiB that it reads: more than lies between it
/// and the client, so that the client has sent some of it after the step before.
fn crawling(clock: &Clock) -> RawServer {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    sockopt::set_socket_recv_buffer_size(&listener, 64 * 1024).unwrap();
    let clock = clock.clone();
    RawServer::on(listener, move |_, mut stream: TcpStream| {
        let head = take_head(&mut stream).unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let length: usize = length.parse().unwrap();
        let (mut read, mut buffer) = (0, vec![0; 256 * 1024]);
        while read < length {
            let Ok(bytes @ 1..) = stream.read(&mut buffer) else { return };
            if (read + bytes) / STEP > read / STEP {
                clock.advance(Duration::from_secs(90));
            }
            read += bytes;
        }
        answer(&mut stream, SUCCESS);
    })
}

#[test]
fn an_upload_that_goes_on_is_finished_however_slow_and_tells_when_it_was() {
    for (steps, slow) in [(4, false), (8, true)] {
        let clock = Clock::manual(Timestamp::from_millis(0));
        let server = crawling(&clock);
        let client = Client::new(&plan(&server.url(), "request_deadline: 100"), &clock, &Threads::new()).unwrap();
        let reply = client.post(&vec![0; steps * STEP], "test").unwrap();
        assert_eq!((reply.status, reply.slow), (200, slow), "{steps} steps");
        assert_eq!(server.connections(), 1);
    }
}

#[test]
fn an_upload_is_cut_past_twenty_deadlines_so_that_nothing_wedges() {
    let clock = Clock::manual(Timestamp::from_millis(0));
    let server = crawling(&clock);
    let client = Client::new(&plan(&server.url(), "request_deadline: 100"), &clock, &Threads::new()).unwrap();
    let failure = client.post(&vec![0; 30 * STEP], "test").unwrap_err();
    assert_eq!((failure.kind, failure.slow), ("upload too slow", true));
    assert!(failure.text.contains("within 20 × request_deadline (100 s)"), "{}", failure.text);
}
