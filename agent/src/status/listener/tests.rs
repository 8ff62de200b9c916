//! Clients that do what they like, over real sockets.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use scalyr_monitor::Level;
use scalyr_monitor::log::{LogSink, Record};

use super::*;
use crate::status::sample::hostile;

const PATIENCE: Duration = Duration::from_secs(60);

struct Silent;

impl LogSink for Silent {
    fn enabled(&self, _: Level) -> bool {
        false
    }

    fn log(&self, _: &Record<'_>) {}
}

/// A listener without an agent behind it: it answers 503 to every good question, and refuses the others as ever; or with
/// one that follows so many files.
struct Story {
    listener: Listener,
    files: usize,
    lifeless: Arc<Mutex<Option<String>>>,
    threads: Threads,
    stop: Stop,
    clock: Clock,
}

impl Story {
    fn begin() -> Self {
        let clock = Clock::system();
        Self {
            listener: Listener::new().unwrap(),
            files: 0,
            lifeless: Arc::default(),
            threads: Threads::new(),
            stop: Stop::new(),
            clock,
        }
    }

    fn follow(&self, address: Option<&str>) {
        let plan = address.map(|text| ListenPlan { address: text.parse().unwrap(), host_name: "host".to_owned() });
        let files = self.files;
        let lifeless = Arc::clone(&self.lifeless);
        let parts = || ListenerParts {
            threads: self.threads.clone(),
            clock: self.clock.clone(),
            logger: Logger::new(Arc::new(Silent), "core"),
            stop: self.stop.clone(),
            snapshot: Arc::new(move |_| (files > 0).then(|| hostile::snapshot(files, 0))),
            lifeless: Arc::new(move || lifeless.lock().unwrap().clone()),
            history: Arc::default(),
        };
        self.listener.follow(plan.as_ref(), parts).unwrap();
    }

    fn wait_until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let begin = self.clock.monotonic();
        while !holds() {
            assert!(self.clock.monotonic() - begin < PATIENCE, "waited in vain until {what}");
            self.stop.wait(Duration::from_millis(5));
        }
    }

    fn address(&self) -> SocketAddr {
        let told = || self.listener.snapshot().and_then(|snapshot| snapshot.address);
        self.wait_until("it listens", || told().is_some());
        told().unwrap().parse().unwrap()
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn ask(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = connect(address);
    stream.write_all(request).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_probe_is_answered_while_every_place_is_taken_by_clients_that_send_nothing_or_half_a_head() {
    let story = Story::begin();
    story.follow(Some("127.0.0.1:0"));
    let address = story.address();
    let mut slow: Vec<TcpStream> = (0..64).map(|_| connect(address)).collect();
    for (index, stream) in slow.iter_mut().enumerate() {
        // Those that were cut meanwhile cannot be written to.
        _ = stream.write_all(&b"GET / HTTP/1.1\r\nHost: x"[..index % 24]);
    }
    for _ in 0..20 {
        let answer = ask(address, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    }
    assert!(story.listener.snapshot().unwrap().connections_cut > 0);
}

#[test]
fn one_request_is_answered_per_connection_whatever_follows_it() {
    let story = Story::begin();
    story.follow(Some("127.0.0.1:0"));
    let address = story.address();
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (bytes, code) in [
        (request.repeat(50), "503"),
        (b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), "404"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc".to_vec(), "405"),
        (b"GET / HTTP/1.1\r\nHost: rebound.example\r\n\r\n".to_vec(), "403"),
        (b"\0\x01\x02\r\n\r\n".to_vec(), "400"),
        ([b"GET / HTTP/1.1\r\nA: ".to_vec(), vec![b'a'; 100_000]].concat(), "431"),
    ] {
        let answer = ask(address, &bytes);
        assert!(answer.starts_with(&format!("HTTP/1.1 {code} ")), "{answer}");
        assert_eq!(answer.matches("Content-Length: ").count(), 1, "{answer}");
    }
    let head = ask(address, b"HEAD /x HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 404 ") && head.ends_with("\r\n\r\n"), "{head}");
}

#[test]
fn an_agent_that_delivers_nothing_lives_and_one_that_is_stuck_does_not() {
    let mut story = Story::begin();
    story.files = 1;
    story.follow(Some("127.0.0.1:0"));
    let address = story.address();
    let get = |path: &str| ask(address, format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes());
    assert!(get("/healthz").contains("\r\n\r\nfailing\n"));
    let alive = get("/livez");
    assert!(alive.starts_with("HTTP/1.1 200 ") && alive.ends_with("\r\n\r\nalive\n"), "{alive}");
    *story.lifeless.lock().unwrap() = Some("a disk\ndoes not answer".to_owned());
    let stuck = get("/livez");
    assert!(
        stuck.starts_with("HTTP/1.1 503 ") && stuck.ends_with("\r\n\r\nstuck\na disk\\ndoes not answer\n"),
        "{stuck}"
    );
}

#[test]
fn a_head_that_does_not_end_is_given_up() {
    let story = Story::begin();
    story.follow(Some("127.0.0.1:0"));
    let answer = ask(story.address(), b"GET / HTTP/1.1\r\n");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[test]
fn it_moves_and_ends_as_the_plan_says_and_the_thread_ends_with_the_agent() {
    let story = Story::begin();
    assert_eq!(story.listener.snapshot(), None);
    story.follow(None);
    assert_eq!(story.threads.running(), 0, "without an address there is no thread");
    story.follow(Some("127.0.0.1:0"));
    let first = story.address();
    // From one address to all, with the same port: the old socket is closed before.
    story.follow(Some(&format!("0.0.0.0:{}", first.port())));
    story.wait_until("it has moved", || {
        story.listener.snapshot().unwrap().address.is_some_and(|at| at.starts_with("0.0.0.0:"))
    });
    assert!(ask(first, b"GET / HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 503 "));
    story.follow(None);
    story.wait_until("nothing listens", || TcpStream::connect(first).is_err());
    assert_eq!(story.listener.snapshot(), None);
    story.follow(Some("127.0.0.1:0"));
    story.address();
    story.stop.stop();
    story.wait_until("its thread has ended", || story.threads.running() == 0);
}

#[test]
fn a_client_that_reads_slowly_keeps_its_place_in_a_flood_and_probes_are_answered_beside_it() {
    let mut story = Story::begin();
    story.files = 20_000;
    story.follow(Some("127.0.0.1:0"));
    let address = story.address();
    let mut honest = connect(address);
    // More than the system holds for a client that does not read.
    honest.write_all(b"GET /status.json HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut first = [0; 15];
    honest.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    let flood: Vec<TcpStream> = (0..100).map(|_| connect(address)).collect();
    story.wait_until("the flood loses places", || story.listener.snapshot().unwrap().connections_cut > 80);
    let probe = ask(address, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(probe.contains("\r\n\r\nfailing\n"), "{probe}");
    let mut answer = String::new();
    honest.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())) && body.len() > 10_000_000, "{head}");
    drop(flood);
}
