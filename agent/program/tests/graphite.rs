//! Programs that send metrics as to a Graphite server: Python with its own pickles and sockets, a shell, many at a time,
//! some of them broken.
#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod story;

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use story::{AgentProcess, Process, ReceiverProcess, Scratch, agent_command, end_well, wait_until, write_config};

const PATIENCE: Duration = Duration::from_secs(90);

/// Sends points in each protocol of pickles that Python knows, and what a sender of numpy values or a villain may send.
const PICKLES: &str = r#"
import os, pickle, socket, struct, sys

class Villain:
    def __reduce__(self):
        return (os.system, ("touch " + sys.argv[2],))

sender = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def send(points, protocol):
    body = pickle.dumps(points, protocol=protocol)
    sender.sendall(struct.pack("!L", len(body)) + body)

for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    send([("villain", (1, Villain()))], protocol)
    send([(f"pickle.{protocol}.n{n}", (1700000000 + n, n / 8)) for n in range(500)], protocol)
    send((["pickle.text.p%d" % protocol, ["1700000000.5", "2e3"]], (f"pickle.odd.p{protocol}", (-5, True))), protocol)
    send([("pickle.large.p%d" % protocol, (2**40, -2**70)), ("pickle.none", (5, None))], protocol)
sender.shutdown(socket.SHUT_WR)
# Nothing is answered; the end is when the other side closes, too.
assert sender.recv(1) == b""
"#;

/// Lines as programs send them: in one piece, in many, without the last line's end, each over a connection of its own.
const LINES: &str = r#"
import socket, sys, threading
port = int(sys.argv[1])
def send(pieces):
    with socket.create_connection(("127.0.0.1", port)) as sender:
        for piece in pieces:
            sender.sendall(piece)
        sender.shutdown(socket.SHUT_WR)
        assert sender.recv(1) == b""

send([b"line.first 1 5\r\nline.tagged;host=web;dc=eu 2 5\n\nline.nan nan 5\nline.last 3 5"])
send([bytes([byte]) for byte in b"line.slow 4 5\n"])
threads = [threading.Thread(target=send, args=([f"many.s{s}.n{n} {n} 5\n".encode() for n in range(50)],)) for s in range(60)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"#;

/// A folder, and an agent in it that runs the monitor with these options.
struct Story {
    scratch: Scratch,
    receiver: ReceiverProcess,
    agent: AgentProcess,
}

impl Story {
    fn begin(options: serde_json::Value) -> Self {
        let scratch = Scratch::new();
        let receiver = ReceiverProcess::start(&scratch, "receiver");
        let mut entry = json!({ "module": "scalyr_agent.builtin_monitors.graphite_monitor", "plaintext_port": 0,
            "pickle_port": 0, "accept_udp": true, "udp_port": 0 });
        entry.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        let config = write_config(&scratch, &receiver.url(), json!([]), json!({ "monitors": [entry] }));
        let agent = AgentProcess::start(&scratch, &config);
        Self { scratch, receiver, agent }
    }

    fn agent_log(&self) -> String {
        fs::read_to_string(self.scratch.path("log/agent.log")).unwrap_or_default()
    }

    /// Where it listens: for `lines` or `pickles`, by `TCP` or `UDP`.
    fn address(&self, what: &str, protocol: &str) -> SocketAddr {
        let mut address = None;
        wait_until("the monitor listens", PATIENCE, || {
            address = listening(&self.agent_log(), what, protocol);
            address.is_some()
        });
        address.unwrap()
    }

    /// Lets Python, which must be there, send.
    #[track_caller]
    fn python(&self, script: &str, arguments: &[&str]) {
        let output = Command::new("python3").args(["-c", script]).args(arguments).output();
        let output =
            output.unwrap_or_else(|error| panic!("this test needs python3 (apt-get install python3): {error}"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// What has arrived, from the metric's name on.
    fn arrived(&mut self) -> Vec<String> {
        let of_line = |text: &str| Some(text.split_once("[graphite_monitor()] ")?.1.to_owned());
        self.receiver.events().iter().filter_map(|event| of_line(&event.text())).collect()
    }

    #[track_caller]
    fn wait_for(&mut self, what: &str, holds: impl Fn(&[String]) -> bool) -> Vec<String> {
        let mut arrived = Vec::new();
        wait_until(what, PATIENCE, || {
            arrived = self.arrived();
            holds(&arrived)
        });
        arrived
    }
}

/// Where it says that it listens.
fn listening(log: &str, what: &str, protocol: &str) -> Option<SocketAddr> {
    let of_line = |line: &str| {
        let address = line.split_once(&format!("Listening for Graphite {what} on "))?.1;
        address.strip_suffix(&format!(" ({protocol})"))?.parse().ok()
    };
    log.lines().find_map(of_line)
}

#[track_caller]
fn assert_has(arrived: &[String], line: &str) {
    let count = arrived.iter().filter(|other| *other == line).count();
    assert_eq!(count, 1, "{line}");
}

#[test]
fn pickles_of_all_protocols_arrive_and_execute_nothing() {
    let mut story = Story::begin(json!({}));
    let port = story.address("pickles", "TCP").port().to_string();
    let touched = story.scratch.path("touched");
    story.python(PICKLES, &[&port, touched.to_str().unwrap()]);
    let arrived = story.wait_for("all points have arrived", |arrived| arrived.len() >= 6 * 503);
    for protocol in 0..6 {
        for n in 0..500 {
            let (value, time) = (f64::from(n) / 8.0, f64::from(1_700_000_000 + n));
            assert_has(&arrived, &format!("pickle.{protocol}.n{n} {value:?} orig_time={time:?}"));
        }
        assert_has(&arrived, &format!("pickle.text.p{protocol} 2000.0 orig_time=1700000000.5"));
        assert_has(&arrived, &format!("pickle.odd.p{protocol} 1.0 orig_time=-5.0"));
        assert_has(&arrived, &format!("pickle.large.p{protocol} -1.1805916207174113e21 orig_time=1099511627776.0"));
    }
    assert_eq!(arrived.len(), 6 * 503);
    assert!(!touched.exists(), "nothing of a pickle is executed");
    let log = story.agent_log();
    assert_eq!(log.matches("[error=\"graphite_monitor/badUnpickle\"]").count(), 1, "{log}");
    assert!(log.contains("GLOBAL at byte ") && log.contains("asks for \"posix.system\""), "{log}");
    assert_eq!(log.matches("[error=\"graphite_monitor/badPickleLine\"]").count(), 1, "{log}");
    end_well(&mut story.agent, PATIENCE);
}

#[test]
fn lines_of_many_senders_arrive_each_once() {
    let mut story = Story::begin(json!({}));
    let port = story.address("lines", "TCP").port().to_string();
    story.python(LINES, &[&port]);
    // As `echo "shell.line 7 5" | nc 127.0.0.1 2003` does it.
    let shell = format!("exec 3<>/dev/tcp/127.0.0.1/{port} && echo 'shell.line 7 5' >&3");
    assert!(Command::new("bash").args(["-c", &shell]).status().unwrap().success());
    let packets = UdpSocket::bind("127.0.0.1:0").unwrap();
    packets.send_to(b"packet.a 8 5\npacket.b 9 5\n", story.address("lines", "UDP")).unwrap();
    let arrived = story.wait_for("all lines have arrived", |arrived| arrived.len() >= 5 + 3000 + 3);
    for line in [
        "line.first 1.0 orig_time=5.0",
        "line.tagged 2.0 dc=\"eu\" host=\"web\" orig_time=5.0",
        "line.nan null orig_time=5.0",
        "line.last 3.0 orig_time=5.0",
        "line.slow 4.0 orig_time=5.0",
        "shell.line 7.0 orig_time=5.0",
        "packet.a 8.0 orig_time=5.0",
        "packet.b 9.0 orig_time=5.0",
    ] {
        assert_has(&arrived, line);
    }
    let different: BTreeSet<&String> = arrived.iter().filter(|line| line.starts_with("many.")).collect();
    assert_eq!((different.len(), arrived.len()), (3000, 3008), "each line once");
    end_well(&mut story.agent, PATIENCE);
}

/// All of the following on one agent with small bounds: it must go on taking what is good.
#[test]
fn garbage_floods_and_half_open_connections_disturb_nobody_else() {
    let mut story = Story::begin(json!({ "max_connections": 20, "max_connection_idle_time": 1 }));
    let (lines, pickles) = (story.address("lines", "TCP"), story.address("pickles", "TCP"));
    let mut noise = Vec::new();
    fs::File::open("/dev/urandom").unwrap().take(1 << 20).read_to_end(&mut noise).unwrap();
    for port in [lines, pickles] {
        // They may be closed in the middle.
        _ = TcpStream::connect(port).unwrap().write_all(&noise);
        _ = TcpStream::connect(port).unwrap().write_all(&vec![b'x'; 1 << 20]);
        _ = TcpStream::connect(port).unwrap().write_all(&b"no point\n".repeat(100_000));
        _ = TcpStream::connect(port).unwrap().write_all(&[0; 1 << 20]);
    }
    // More than there may be, which say nothing, and are closed one after the other.
    let half_open: Vec<TcpStream> = (0..60).map(|at| TcpStream::connect([lines, pickles][at % 2]).unwrap()).collect();
    let after = Duration::from_millis(200);
    wait_until("a good sender has got through", PATIENCE, || {
        _ = TcpStream::connect(lines).unwrap().write_all(b"good.line 1 5\n");
        std::thread::sleep(after);
        story.arrived().iter().any(|line| line == "good.line 1.0 orig_time=5.0")
    });
    drop(half_open);
    let log = story.agent_log();
    for told in
        ["is closed: a line is too long", "was sent is no pickle", "badPlainTextLine", "as many as `max_connections`"]
    {
        // Each cause is told at most once in five minutes, at each port.
        let count = log.matches(told).count();
        assert!((1..=2).contains(&count), "{told}: {count} times in {log}");
    }
    assert!(log.len() < 100_000, "{} bytes in the agent log", log.len());
    let peak = story.agent.process().peak_rss_kib();
    assert!(peak < 200 * 1024, "{peak} KiB");
    end_well(&mut story.agent, PATIENCE);
}

/// The metric log has no limit of the agent's own: 100,000 characters at once would be one.
#[test]
fn nothing_is_thrown_away_by_a_limit_of_the_metric_log_unless_the_user_sets_one() {
    const LINES: usize = 5000;
    let flood: String = (0..LINES).map(|n| format!("flood.of.metrics.n{n} {n} 5\n")).collect();
    for (options, is_whole) in [(json!({}), true), (json!({ "monitor_log_write_rate": 1000 }), false)] {
        let mut story = Story::begin(options);
        TcpStream::connect(story.address("lines", "TCP")).unwrap().write_all(flood.as_bytes()).unwrap();
        if is_whole {
            let arrived = story.wait_for("all lines have arrived", |arrived| arrived.len() >= LINES);
            assert_eq!(arrived.len(), LINES);
        } else {
            // What was dropped is told in the metric log itself, at the latest when the monitor stops.
            wait_until("something has arrived", PATIENCE, || !story.arrived().is_empty());
        }
        end_well(&mut story.agent, PATIENCE);
        let log = fs::read_to_string(story.scratch.path("log/graphite_monitor.log")).unwrap();
        let written = log.lines().filter(|line| line.contains(" flood.of.metrics.n")).count();
        let skipped = log.lines().filter_map(|line| line.split_once("skipped writing ")?.1.split(' ').next());
        let skipped: usize = skipped.map(|count| count.parse::<usize>().unwrap()).sum();
        assert_eq!((written + skipped, skipped == 0), (LINES, is_whole), "{skipped} skipped");
    }
}

#[test]
fn what_was_sent_before_the_agent_stops_is_in_the_metric_log() {
    let mut story = Story::begin(json!({}));
    let (lines, pickles) = (story.address("lines", "TCP"), story.address("pickles", "TCP"));
    let mut sender = TcpStream::connect(lines).unwrap();
    sender.write_all(b"stop.first 1 5\n").unwrap();
    story.wait_for("the first line has arrived", |arrived| !arrived.is_empty());
    let rest: String = (0..1000).map(|n| format!("stop.line.n{n} {n} 5\n")).collect();
    sender.write_all(rest.as_bytes()).unwrap();
    let mut other = TcpStream::connect(pickles).unwrap();
    let pickle = b"](U\x0bstop.pickleK\x05K\x01\x86\x86e.";
    other.write_all(&[&u32::try_from(pickle.len()).unwrap().to_be_bytes(), &pickle[..]].concat()).unwrap();
    assert_eq!(story.agent.stop(PATIENCE), Some(0));
    let log = fs::read_to_string(story.scratch.path("log/graphite_monitor.log")).unwrap();
    assert_eq!(log.lines().filter(|line| line.contains(" stop.line.n")).count(), 1000);
    assert!(log.contains("stop.pickle 1.0 orig_time=5.0"));
}

#[test]
fn run_monitor_ends_after_so_many_batches_or_intervals() {
    let scratch = Scratch::new();
    let run = |name: &str, more: &[&str]| {
        let mut command = agent_command();
        command.args(["--run-monitor", "graphite_monitor", "-c", "{ plaintext_port: 0, pickle_port: 0 }"]).args(more);
        Process::start(&scratch, name, command)
    };
    let mut silent = run("silent", &["-s", "0.1", "--samples", "2"]);
    assert_eq!(silent.wait(PATIENCE), Some(0));
    assert!(silent.stdout().lines().all(|line| line.contains(" Listening for Graphite ")), "{}", silent.stdout());

    let mut busy = run("busy", &["-s", "3600", "--samples", "2"]);
    let mut address = None;
    wait_until("the monitor listens", PATIENCE, || {
        address = listening(&busy.stdout(), "lines", "TCP");
        address.is_some()
    });
    let mut sender = TcpStream::connect(address.unwrap()).unwrap();
    sender.write_all(b"first 1 5\n").unwrap();
    wait_until("the first line is there", PATIENCE, || busy.stdout().contains("first 1.0 orig_time=5.0"));
    assert!(busy.ended().is_none());
    sender.write_all(b"second 2 5\nthird 3 5\n").unwrap();
    assert_eq!(busy.wait(PATIENCE), Some(0));
    assert!(busy.stdout().ends_with("third 3.0 orig_time=5.0\n"), "{}", busy.stdout());
}
