use std::io;
use std::net::{SocketAddr, TcpListener};

use super::raw_server::{RawServer, SUCCESS, answer, reset, take_head, take_request};
use super::*;

fn asking(server: &str, keys: &str, found: fn(u16) -> io::Result<Vec<SocketAddr>>) -> Client {
    let ask = Arc::new(move |_: &str, port| found(port));
    Client::asking(&plan(server, keys), &Clock::system(), &Threads::new(), ask).unwrap()
}

#[test]
fn a_refused_connection_is_told_with_the_address() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let failure = told(&format!("http://{closed}"), "");
    assert_eq!(failure.kind, "connection refused");
    let text = format!("cannot connect with the server {closed}: the connection is refused; it does not run");
    assert!(failure.text.starts_with(&text), "{failure}");
}

#[test]
fn each_address_of_a_name_is_tried_and_told() {
    let server = RawServer::start(|_, mut stream| {
        take_request(&mut stream);
        answer(&mut stream, SUCCESS);
    });
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let found = |port| Ok(vec![SocketAddr::from(([127, 0, 0, 3], port)), SocketAddr::from(([127, 0, 0, 1], port))]);
    let reached = asking(&format!("http://logs.example:{}", server.address.port()), "", found);
    assert_eq!(reached.post(BODY, "test").unwrap().status, 200, "the second one is the server's");
    let failure = asking(&format!("http://logs.example:{}", closed.port()), "", found).post(BODY, "test").unwrap_err();
    let begin = format!(
        "cannot connect with the server logs.example:{}: the connection is refused (127.0.0.3), the connection is \
         refused (127.0.0.1); ",
        closed.port()
    );
    assert!(failure.text.starts_with(&begin), "{failure}");
}

#[test]
fn a_name_without_an_address_is_told_with_the_systems_words() {
    let failure = told("http://no-such-host.invalid", "request_deadline: 3600");
    assert_eq!(failure.kind, "name not found");
    assert!(failure.text.starts_with("the name of the server no-such-host.invalid:80 has no address"), "{failure}");
    let failure = asking("http://logs.example", "", |_| Ok(Vec::new())).post(BODY, "test").unwrap_err();
    assert_eq!(failure.text, "the name of the server logs.example:80 has no address");
}

#[test]
fn a_lookup_that_hangs_costs_one_deadline_and_one_thread() {
    let (hold, held) = crossbeam_channel::bounded::<()>(0);
    let threads = Threads::new();
    let ask: Arc<dyn Fn(&str, u16) -> _ + Send + Sync> = Arc::new(move |_: &str, _| {
        _ = held.recv();
        Ok(Vec::new())
    });
    let plan = plan("http://logs.example", "request_deadline: 0.2");
    let client = Client::asking(&plan, &Clock::system(), &threads, ask).unwrap();
    for _ in 0..3 {
        let failure = client.post(BODY, "test").unwrap_err();
        assert_eq!(failure.kind, "no name lookup in time");
        assert!(failure.text.contains("the name of the server logs.example:80 took longer than"), "{failure}");
        assert_eq!(threads.running(), 1);
    }
    drop(hold);
    assert_eq!(client.post(BODY, "test").unwrap_err().kind, "name not found");
}

#[test]
fn a_network_that_is_not_there_is_told() {
    // No address of this host can speak with that one.
    let found = |port| Ok(vec![SocketAddr::from(([0xff0e, 0, 0, 0, 0, 0, 0, 1], port))]);
    let failure = asking("http://logs.example", "request_deadline: 1", found).post(BODY, "test").unwrap_err();
    assert!(["unreachable", "no connection", "connection forbidden", "no connection in time"].contains(&failure.kind));
    assert!(failure.text.starts_with("cannot connect with the server logs.example:80: "), "{failure}");
}

#[test]
fn a_connection_that_takes_too_long_is_told() {
    let full = super::interruptions::Full::new();
    let failure = told(&format!("http://{}", full.address), "request_deadline: 0.3");
    assert_eq!(failure.kind, "no connection in time");
    let text = format!(
        "cannot connect with the server {}: no answer within request_deadline (0.3 s); perhaps a firewall is in the way",
        full.address
    );
    assert_eq!(failure.text, text);
}

#[test]
fn a_reset_says_in_the_middle_of_what_it_came() {
    let server = RawServer::start(|_, mut stream| {
        take_request(&mut stream);
        reset(stream);
    });
    let failure = told(&server.url(), "");
    assert_eq!(failure.kind, "connection reset");
    assert_eq!(failure.text, format!("the server {} reset the connection without an answer", server.address));
    let server = RawServer::start(|_, mut stream| {
        take_request(&mut stream);
        answer(&mut stream, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{");
        _ = stream.peek(&mut [0]);
    });
    assert!(told(&server.url(), "request_deadline: 1").text.contains("did not finish its answer"));
    let server = RawServer::start(|_, mut stream| {
        take_head(&mut stream);
        reset(stream);
    });
    let failure = client(&server.url(), "").post(&vec![b' '; 64 << 20], "test").unwrap_err();
    assert!(["connection reset", "connection closed"].contains(&failure.kind), "{failure}");
}
