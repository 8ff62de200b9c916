//! Whatever a client waits for, an interruption ends it: the deadline here is an hour.

use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SocketType, bind, listen, socket};

use super::super::fixture::wait_until;
use super::raw_server::{RawServer, answer, take_request, wait_for_end};
use super::*;

/// A port at which a connection is neither taken nor refused.
pub(super) struct Full {
    pub(super) address: SocketAddr,
    _listener: OwnedFd,
    _waiting: Vec<OwnedFd>,
}

impl Full {
    pub(super) fn new() -> Self {
        let listener = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&listener, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        listen(&listener, 0).unwrap();
        let address = SocketAddr::try_from(rustix::net::getsockname(&listener).unwrap()).unwrap();
        let mut waiting = Vec::new();
        for _ in 0..4 {
            let client = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
            rustix::io::ioctl_fionbio(&client, true).unwrap();
            _ = rustix::net::connect(&client, &address);
            waiting.push(client);
        }
        Self { address, _listener: listener, _waiting: waiting }
    }
}

/// Interrupts an upload of this body once `begun` says so, and sees it end.
fn interrupt(client: Client, body: Vec<u8>, begun: impl FnMut() -> bool) {
    let (client, threads) = (Arc::new(client), Threads::new());
    let (tell, told) = crossbeam_channel::bounded(1);
    let uploading = Arc::clone(&client);
    threads.spawn("upload", move || tell.send(uploading.post(&body, "test")).unwrap()).unwrap();
    wait_until("the upload has begun", begun);
    (client.interrupter())();
    let result = told.recv_timeout(std::time::Duration::from_secs(30)).expect("an interrupted upload ends");
    assert_eq!(result.unwrap_err().kind, "interrupted");
    assert_eq!(client.post(BODY, "test").unwrap_err().kind, "interrupted", "no other one begins");
}

const KEYS: &str = "request_deadline: 3600";

/// A server that does nothing but count its connections.
fn silent() -> RawServer {
    RawServer::start(|_, mut stream| wait_for_end(&mut stream))
}

#[test]
fn looking_a_name_up() {
    let (tell, told) = crossbeam_channel::bounded(1);
    let (hold, held) = crossbeam_channel::bounded::<()>(0);
    let ask: Arc<dyn Fn(&str, u16) -> _ + Send + Sync> = Arc::new(move |_: &str, _| {
        _ = tell.try_send(());
        _ = held.recv();
        Ok(Vec::new())
    });
    let plan = plan("http://logs.example", KEYS);
    let client = Client::asking(&plan, &Clock::system(), &Threads::new(), ask).unwrap();
    interrupt(client, BODY.to_vec(), move || told.try_recv().is_ok());
    drop(hold);
}

#[test]
fn connecting() {
    let full = Full::new();
    let client = client(&format!("http://{}", full.address), KEYS);
    // Whether it has come to the connect by then does not matter.
    interrupt(client, BODY.to_vec(), || true);
}

#[test]
fn shaking_hands() {
    let server = silent();
    let client = client(&format!("https://{}", server.address), KEYS);
    interrupt(client, BODY.to_vec(), || server.connections() == 1);
}

#[test]
fn asking_a_proxy() {
    let proxy = silent();
    let client = client("https://logs.example", &format!("{KEYS}, https_proxy: '{}'", proxy.address));
    interrupt(client, BODY.to_vec(), || proxy.connections() == 1);
}

#[test]
fn sending() {
    let server = RawServer::start(|_, stream: TcpStream| {
        use rustix::event::{PollFd, PollFlags, poll};
        let mut fds = [PollFd::new(&stream, PollFlags::HUP | PollFlags::RDHUP)];
        _ = poll(&mut fds, None);
    });
    let client = client(&server.url(), KEYS);
    interrupt(client, vec![b' '; 64 << 20], || server.connections() == 1);
}

#[test]
fn waiting_for_the_answer() {
    let server = silent();
    let client = client(&server.url(), KEYS);
    interrupt(client, BODY.to_vec(), || server.connections() == 1);
}

#[test]
fn reading_the_answer() {
    let server = RawServer::start(|_, mut stream| {
        take_request(&mut stream);
        answer(&mut stream, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{");
        wait_for_end(&mut stream);
    });
    let client = client(&server.url(), KEYS);
    interrupt(client, BODY.to_vec(), || server.connections() == 1);
}
