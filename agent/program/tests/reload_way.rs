//! "I changed how the lines get to you, again and again, and never restarted it." Compression, its level, the proxy, the
//! number of sessions, the key and the server, each under load: each line arrives once.

mod story;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use scalyr_agent::threads::Threads;
use serde_json::{Value, json};
use story::{
    AgentProcess, Event, Lines, ReceiverProcess, Scratch, assert_each_once, end_well, wait_until, write_config,
};

const PATIENCE: Duration = Duration::from_secs(180);
const FILES: usize = 8;

/// A proxy that passes on what is asked of it by URL, and counts.
struct Proxy {
    address: SocketAddr,
    passed: Arc<AtomicU64>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let passed = Arc::<AtomicU64>::default();
        let count = Arc::clone(&passed);
        let threads = Threads::new();
        let connections = threads.clone();
        let accept = move || {
            for client in listener.incoming().flatten() {
                let count = Arc::clone(&count);
                connections.spawn("proxy connection", move || _ = pass_on(client, &count)).expect("a thread");
            }
        };
        threads.spawn("proxy", accept).expect("a thread");
        Self { address, passed }
    }

    fn passed(&self) -> u64 {
        self.passed.load(Ordering::SeqCst)
    }
}

/// Requests of one connection, until either side ends.
fn pass_on(mut client: TcpStream, count: &AtomicU64) -> Option<()> {
    let mut server: Option<TcpStream> = None;
    loop {
        let (head, body) = message(&mut client)?;
        let authority = head.split_once("http://")?.1.split('/').next()?.to_owned();
        let server = match &mut server {
            Some(server) => server,
            none => none.insert(TcpStream::connect(&authority).ok()?),
        };
        server.write_all(head.replacen(&format!("http://{authority}"), "", 1).as_bytes()).ok()?;
        server.write_all(&body).ok()?;
        let (head, body) = message(server)?;
        client.write_all(head.as_bytes()).ok()?;
        client.write_all(&body).ok()?;
        count.fetch_add(1, Ordering::SeqCst);
    }
}

/// A head and what follows it.
fn message(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some((head, body))
}

/// An agent that is under load, and two places to which its lines can go.
struct Host {
    receivers: [ReceiverProcess; 2],
    proxy: Proxy,
    agent: AgentProcess,
    files: BTreeMap<String, Lines>,
    /// What differs from the usual configuration now.
    extra: serde_json::Map<String, Value>,
    server: usize,
    reloads: usize,
    /// Behind all that it names.
    scratch: Scratch,
}

impl Host {
    fn start() -> Self {
        let scratch = Scratch::new();
        // Slow, so that requests are on their way whenever something is changed.
        let slow = ["--fault", "delay:100ms"];
        let receivers = ["first", "second"].map(|name| ReceiverProcess::start_with(&scratch, name, &slow));
        let paths: Vec<PathBuf> = (0..FILES).map(|number| scratch.path(&format!("{number}.log"))).collect();
        let mut extra = serde_json::Map::new();
        // Only SIGHUP: a look in the middle of a write would find a half of it.
        extra.insert("config_change_check_interval".to_owned(), json!(3600));
        let config = write(&scratch, &receivers[0], &extra);
        let agent = AgentProcess::start(&scratch, &config);
        wait_until("the agent runs", PATIENCE, || agent.status().is_some());
        let file = |path: PathBuf| (path.display().to_string(), Lines::new(&path, 200));
        let files = paths.into_iter().map(file).collect();
        Self { receivers, proxy: Proxy::start(), agent, files, extra, server: 0, reloads: 0, scratch }
    }

    fn load(&mut self) {
        for lines in self.files.values_mut() {
            lines.append(50);
        }
    }

    /// Changes some keys while lines come all the time, and waits until `acts` is so in status.
    #[track_caller]
    fn change(&mut self, keys: Value, acts: impl Fn(&Value) -> bool) {
        for (key, value) in keys.as_object().expect("an object") {
            match value.is_null() {
                true => self.extra.remove(key),
                false => self.extra.insert(key.clone(), value.clone()),
            };
        }
        self.load();
        write(&self.scratch, &self.receivers[self.server], &self.extra);
        self.agent.process().signal(Signal::HUP);
        self.reloads += 1;
        wait_until(&format!("{keys} is in use"), PATIENCE, || {
            self.load();
            let log = std::fs::read_to_string(self.scratch.path("log/agent.log")).unwrap_or_default();
            log.matches("Configuration reloaded").count() == self.reloads
                && self.agent.status().is_some_and(|status| acts(&status))
        });
        self.load();
    }

    /// How many bytes of bodies have come compressed, and plain.
    fn sizes(&self) -> (u64, u64) {
        let summaries = self.receivers.iter().map(ReceiverProcess::summary);
        summaries.fold((0, 0), |(wire, body), summary| {
            let of = |name: &str| summary[name].as_u64().expect("a number");
            (wire + of("wire_bytes"), body + of("body_bytes"))
        })
    }

    /// Waits until requests have come whose bodies are compressed, or not, as wished.
    #[track_caller]
    fn come(&mut self, what: &str, wish: impl Fn(u64, u64) -> bool) {
        wait_until(what, PATIENCE, || {
            let before = self.sizes();
            self.load();
            thread::sleep(Duration::from_millis(300));
            let after = self.sizes();
            after.1 > before.1 && wish(after.0 - before.0, after.1 - before.1)
        });
    }
}

fn write(scratch: &Scratch, server: &ReceiverProcess, extra: &serde_json::Map<String, Value>) -> PathBuf {
    write_config(scratch, &server.url(), json!([{ "path": scratch.path("*.log") }]), Value::Object(extra.clone()))
}

/// How many sessions there are, those that are on their way out too.
fn sessions(status: &Value) -> usize {
    status["sessions"].as_array().map_or(0, Vec::len)
}

#[test]
fn whatever_is_changed_on_the_way_to_the_server_under_load_each_line_arrives_once() {
    let mut host = Host::start();
    host.load();
    for kind in ["none", "zstandard", "bz2", "lz4", "deflate"] {
        host.change(json!({ "compression_type": kind }), |_| true);
        let is_plain = kind == "none";
        host.come(kind, |wire, body| (wire == body) == is_plain);
    }
    for level in [9, 1, 6] {
        host.change(json!({ "compression_level": level }), |_| true);
    }
    for count in [3, 1, 4, 2] {
        host.change(json!({ "default_sessions_per_worker": count }), |status| sessions(status) == count);
    }
    host.change(json!({ "http_proxy": format!("http://{}", host.proxy.address) }), |_| true);
    let before = host.proxy.passed();
    host.come("requests by way of the proxy", |_, _| true);
    wait_until("it is used", PATIENCE, || host.proxy.passed() > before);
    host.change(json!({ "http_proxy": null }), |_| true);
    host.change(json!({ "api_key": "another-key-of-the-story" }), |_| true);
    for server in [1, 0, 1] {
        host.server = server;
        let url = host.receivers[server].url();
        host.change(json!({}), |status| {
            let sessions = status["sessions"].as_array().expect("a list");
            sessions.iter().all(|session| session["server"] == url.as_str())
        });
    }
    // All at once.
    host.server = 0;
    let all = json!({
        "api_key": "a-third-key-of-the-story",
        "compression_type": "zstandard",
        "compression_level": 3,
        "default_sessions_per_worker": 3,
        "http_proxy": format!("http://{}", host.proxy.address),
    });
    host.change(all, |status| sessions(status) == 3);

    let written: u64 = host.files.values().map(Lines::written).sum();
    let arrived = |host: &mut Host| host.receivers.iter_mut().map(|it| it.events().len() as u64).sum::<u64>();
    wait_until("all lines have arrived", PATIENCE, || arrived(&mut host) >= written);
    let status = end_well(&mut host.agent, PATIENCE);
    assert_eq!(status["totals"]["accepted"]["lines"], written);
    assert_eq!((&status["totals"]["dropped"], &status["totals"]["skipped"]), (&json!({}), &json!({})));
    let events: Vec<Vec<Event>> = host.receivers.iter_mut().map(|receiver| receiver.events().to_vec()).collect();
    for (path, lines) in &host.files {
        // The servers took turns; the numbers tell the order.
        let mut of: Vec<Event> = events.iter().flatten().filter(|event| event.logfile == *path).cloned().collect();
        of.sort_by_key(|event| event.sn);
        assert_each_once(&of, lines.written());
    }
    for receiver in &host.receivers {
        assert_eq!((&receiver.summary()["repeated_events"], &receiver.summary()["refused"]), (&json!(0), &json!(0)));
    }
}
