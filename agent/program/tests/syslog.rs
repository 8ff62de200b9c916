//! `syslog_monitor`, with senders that others wrote: "Did each message arrive, whatever happened on its way?"

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod story;

use std::fs;
use std::io::{ErrorKind, Write};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use story::{
    AgentProcess, Process, ReceiverProcess, Scratch, SmallDisk, assert_each_once, end_well, wait_for_lines, wait_until,
    write_config,
};

const PATIENCE: Duration = Duration::from_secs(90);

/// An agent with one syslog monitor, and the server that it sends to.
struct Host {
    scratch: Scratch,
    receiver: ReceiverProcess,
    config: PathBuf,
    agent: AgentProcess,
}

impl Host {
    /// With these keys of the monitor's entry, and these of the configuration.
    fn start(scratch: Scratch, mut monitor: Value, logs: Value) -> Self {
        let receiver = ReceiverProcess::start(&scratch, "receiver");
        monitor["module"] = "scalyr_agent.builtin_monitors.syslog_monitor".into();
        let extra = json!({ "monitors": [monitor], "request_deadline": 5, "max_request_spacing_interval": 1 });
        let config = write_config(&scratch, &receiver.url(), logs, extra);
        let agent = AgentProcess::start(&scratch, &config);
        Self { scratch, receiver, config, agent }
    }

    fn agent_log(&self) -> String {
        fs::read_to_string(self.scratch.path("log/agent.log")).unwrap_or_default()
    }

    /// Where it listens by this protocol, as it said last.
    fn address(&self, protocol: &str) -> String {
        let mut address = None;
        let told = format!("Listening on {protocol} ");
        wait_until("the monitor listens", PATIENCE, || {
            let log = self.agent_log();
            address = log.rsplit_once(&told).and_then(|(_, behind)| Some(behind.split_once(';')?.0.to_owned()));
            address.is_some()
        });
        address.unwrap()
    }

    fn port(&self, protocol: &str) -> String {
        self.address(protocol).rsplit_once(':').unwrap().1.to_owned()
    }

    fn message_log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.scratch.path("log/agent_syslog.log")).unwrap_or_default()).into_owned()
    }

    /// Waits until an event holds this text.
    #[track_caller]
    fn arrives(&mut self, part: &str) {
        wait_until(&format!("`{part}` has arrived"), PATIENCE, || {
            self.receiver.events().iter().any(|event| event.text().contains(part))
        });
    }

    fn monitor_status(&self) -> Value {
        let mut status = Value::Null;
        wait_until("the agent answers", PATIENCE, || {
            status = self.agent.status().unwrap_or_default();
            !status.is_null()
        });
        status["monitors"][0].clone()
    }
}

fn tcp(more: Value) -> Value {
    let mut monitor = json!({ "protocols": "tcp:0" });
    monitor.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    monitor
}

/// The numbered lines of the stories, as messages.
fn lines(numbers: std::ops::Range<u64>) -> String {
    numbers.map(|number| format!("line {number:09} {}.\n", "x".repeat(60))).collect()
}

/// Runs a program to its end; one that is not installed is named with its package.
#[track_caller]
fn runs(program: &str, package: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("`{program}` of the package {package} cannot be run: {error}"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn messages_of_logger_arrive_by_tcp_and_udp_framed_or_not() {
    let mut host = Host::start(Scratch::new(), json!({ "protocols": "tcp:0,udp:0" }), json!([]));
    let (tcp, udp) = (host.port("tcp"), host.port("udp"));
    let logger = |arguments: &[&str]| runs("logger", "bsdutils", &[&["--server", "127.0.0.1"], arguments].concat());
    logger(&["--tcp", "--port", &tcp, "--tag", "story", "lines by tcp"]);
    logger(&["--tcp", "--octet-count", "--port", &tcp, "--rfc5424", "counted by tcp"]);
    logger(&["--udp", "--port", &udp, "--rfc3164", "old by udp"]);
    for text in ["lines by tcp", "counted by tcp", "old by udp"] {
        host.arrives(text);
    }
    let file = host.scratch.path("log/agent_syslog.log").display().to_string();
    let counted = host.receiver.events().iter().find(|event| event.text().contains("counted by tcp")).unwrap().clone();
    assert!(counted.text().starts_with("<13>1 "), "{}", counted.text());
    assert_eq!(counted.logfile, file);
    let attributes = fs::read_to_string(host.scratch.path("receiver-1.jsonl")).unwrap();
    assert!(attributes.contains("\"monitor\":\"agentSyslog\"") && attributes.contains("\"parser\":\"agentSyslog\""));
    let status = host.monitor_status();
    assert_eq!((&status["lines_emitted"], &status["lines_dropped"]), (&json!(3), &json!(0)), "{status}");
    assert!(!host.scratch.path("log/syslog_monitor.log").exists(), "there is no metric log of it");
    end_well(&mut host.agent, PATIENCE);
}

/// rsyslog counts the octets, takes its messages from a socket, and connects again by itself.
#[test]
fn rsyslog_forwards_to_it() {
    let mut host = Host::start(Scratch::new(), tcp(json!({})), json!([]));
    let (socket, conf) = (host.scratch.path("rsyslog.sock"), host.scratch.path("rsyslog.conf"));
    let text = format!(
        "global(workDirectory=\"{}\")\nmodule(load=\"imuxsock\" SysSock.Use=\"off\")\n\
         input(type=\"imuxsock\" Socket=\"{}\" RateLimit.Interval=\"0\")\n\
         action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{}\" protocol=\"tcp\" TCP_Framing=\"octet-counted\" \
         template=\"RSYSLOG_SyslogProtocol23Format\")\n",
        host.scratch.folder().display(),
        socket.display(),
        host.port("tcp")
    );
    fs::write(&conf, text).unwrap();
    let mut command = Command::new("/usr/sbin/rsyslogd");
    assert!(Path::new("/usr/sbin/rsyslogd").exists(), "this story needs the package rsyslog");
    command.arg("-n").arg("-f").arg(&conf).arg("-i").arg(host.scratch.path("rsyslog.pid"));
    let mut rsyslog = Process::start(&host.scratch, "rsyslog", command);
    wait_until("rsyslog listens", PATIENCE, || socket.exists());
    for number in 0..50 {
        let message = format!("forwarded {number} with a\nline end in it");
        runs("logger", "bsdutils", &["--socket", socket.to_str().unwrap(), "--tag", "story", &message]);
    }
    for number in 0..50 {
        host.arrives(&format!("forwarded {number} with a"));
    }
    assert_eq!(host.monitor_status()["lines_emitted"], 50);
    rsyslog.kill();
    end_well(&mut host.agent, PATIENCE);
}

/// What was in the file when the agent was killed is not forgotten by anybody.
#[test]
fn what_was_written_survives_a_kill_and_arrives_once() {
    let mut host = Host::start(Scratch::new(), tcp(json!({})), json!([]));
    let mut sender = TcpStream::connect(host.address("tcp")).unwrap();
    sender.write_all(lines(0..5_000).as_bytes()).unwrap();
    wait_for_lines(&mut host.receiver, 5_000, PATIENCE);
    host.receiver.freeze();
    sender.write_all(lines(5_000..10_000).as_bytes()).unwrap();
    wait_until("all is on disk", PATIENCE, || host.message_log().lines().count() == 10_000);
    host.agent.kill();
    host.receiver.thaw();
    host.agent = AgentProcess::start(&host.scratch, &host.config);
    wait_for_lines(&mut host.receiver, 10_000, PATIENCE);
    end_well(&mut host.agent, PATIENCE);
    // The request that was under way may have come twice, as the same events.
    let mut seen = std::collections::HashSet::new();
    let events: Vec<_> =
        host.receiver.events().iter().filter(|event| seen.insert((event.si.clone(), event.sn))).cloned().collect();
    assert_each_once(&events, 10_000);
}

#[test]
fn sixteen_idle_and_five_hundred_busy_connections_are_served_together() {
    let mut host = Host::start(Scratch::new(), tcp(json!({})), json!([]));
    let address = host.address("tcp");
    let idle: Vec<TcpStream> = (0..16).map(|_| TcpStream::connect(&address).unwrap()).collect();
    let mut busy: Vec<TcpStream> = (0..500).map(|_| TcpStream::connect(&address).unwrap()).collect();
    for round in 0..20 {
        for (number, sender) in (0..).zip(&mut busy) {
            sender.write_all(lines(round * 500 + number..round * 500 + number + 1).as_bytes()).unwrap();
        }
    }
    // Without a word of farewell: what was sent is what counts.
    assert_eq!(host.agent.stop(PATIENCE), Some(0));
    assert_eq!(host.message_log().lines().count(), 10_000);
    drop((idle, busy));
    host.agent = AgentProcess::start(&host.scratch, &host.config);
    wait_for_lines(&mut host.receiver, 10_000, PATIENCE);
    end_well(&mut host.agent, PATIENCE);
}

/// As the Python agent has it: two entries, and neither names a file.
#[test]
fn two_monitors_may_write_one_file_and_each_goes_on_when_the_other_is_gone() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let monitor = |id: &str| {
        json!({ "module": "syslog_monitor", "id": id, "protocols": "tcp:0",
            "message_log_template": "both-$APPNAME.log", "attributes": { "of": id } })
    };
    let url = receiver.url();
    let configure = |monitors: Value| {
        let logs = json!([{ "path": scratch.path("log/both-*.log") }]);
        let extra = json!({ "monitors": monitors, "config_change_check_interval": 0.2 });
        write_config(&scratch, &url, logs, extra)
    };
    let config = configure(json!([monitor("a"), monitor("b")]));
    let mut agent = AgentProcess::start(&scratch, &config);
    let told = || fs::read_to_string(scratch.path("log/agent.log")).unwrap_or_default();
    wait_until("both listen", PATIENCE, || told().matches("Listening on tcp ").count() == 2);
    let log = told();
    let mut addresses: Vec<(bool, &str)> = log
        .lines()
        .filter_map(|line| {
            let (head, behind) = line.split_once("Listening on tcp ")?;
            Some((head.contains("syslog_monitor(b)"), behind.split_once(';')?.0))
        })
        .collect();
    addresses.sort_unstable();
    let mut senders: Vec<TcpStream> = addresses.iter().map(|(_, to)| TcpStream::connect(to).unwrap()).collect();
    let mut say = |number: usize, word: &str| {
        let text = format!("{word} of {number}\n<34>Oct 11 22:14:15 web su: {word} by {number}\n");
        senders[number].write_all(text.as_bytes()).unwrap();
    };
    let mut arrive = |texts: &[&str]| {
        wait_until(&format!("{texts:?} have arrived"), PATIENCE, || {
            let events = receiver.events();
            texts.iter().all(|text| events.iter().any(|event| event.text().contains(text)))
        });
    };
    say(0, "first");
    say(1, "second");
    arrive(&["first of 0", "first by 0", "second of 1", "second by 1"]);
    assert!(told().contains("is written by several monitors and copied as the first of them"), "{}", told());
    configure(json!([monitor("b")]));
    wait_until("the first is gone", PATIENCE, || TcpStream::connect(addresses[0].1).is_err());
    wait_until("the file is copied as the one says that is left", PATIENCE, || {
        say(1, "third");
        let all = fs::read_to_string(scratch.path("receiver-1.jsonl")).unwrap();
        let mut events = all.lines().filter(|line| line.contains("third of 1")).map(serde_json::from_str::<Value>);
        events.any(|event| event.is_ok_and(|event| event["attrs"]["of"] == "b"))
    });
    arrive(&["third of 1", "third by 1"]);
    assert_eq!(receiver.events().iter().filter(|event| event.text().contains("second of 1")).count(), 1);
    end_well(&mut agent, PATIENCE);
}

#[test]
fn senders_wait_for_a_stalled_server_and_nothing_is_rotated_away() {
    let monitor = tcp(json!({ "max_log_size": 50_000, "max_log_rotations": 1 }));
    let mut host = Host::start(Scratch::new(), monitor, json!([]));
    let mut sender = TcpStream::connect(host.address("tcp")).unwrap();
    sender.write_all(lines(0..100).as_bytes()).unwrap();
    wait_for_lines(&mut host.receiver, 100, PATIENCE);
    host.receiver.freeze();
    // Far more than file, and socket, can hold.
    thread::scope(|threads| {
        let sending = threads.spawn(|| sender.write_all(lines(100..300_000).as_bytes()).unwrap());
        wait_until("the monitor says that it waits", PATIENCE, || host.agent_log().contains("is full, and"));
        let size = |name: &str| fs::metadata(host.scratch.path(name)).map_or(0, |file| file.len());
        assert!(size("log/agent_syslog.log") <= 50_000 && size("log/agent_syslog.log.1") <= 50_000);
        assert!(!sending.is_finished());
        host.receiver.thaw();
        wait_for_lines(&mut host.receiver, 300_000, 2 * PATIENCE);
    });
    end_well(&mut host.agent, PATIENCE);
}

#[test]
fn a_full_disk_keeps_senders_waiting_and_loses_nothing() {
    let scratch = Scratch::new();
    let Some(disk) = SmallDisk::mount(&scratch.path("small")) else { return };
    let message_log = scratch.path("small/messages.log");
    let monitor = tcp(json!({ "message_log": message_log, "max_log_size": 100_000, "max_log_rotations": 1 }));
    let mut host = Host::start(scratch, monitor, json!([]));
    let mut sender = TcpStream::connect(host.address("tcp")).unwrap();
    sender.write_all(lines(0..100).as_bytes()).unwrap();
    wait_for_lines(&mut host.receiver, 100, PATIENCE);
    disk.fill();
    sender.write_all(lines(100..2_000).as_bytes()).unwrap();
    wait_until("it is told", PATIENCE, || {
        host.agent_log().contains("make room on its disk. It is tried again each second")
    });
    disk.free();
    sender.write_all(lines(2_000..6_000).as_bytes()).unwrap();
    // A line that the full disk cut in two may have been sent in two, after `line_completion_wait_time`.
    let all = lines(0..6_000);
    let arrived = |receiver: &mut ReceiverProcess| -> Vec<u8> {
        receiver.events().iter().flat_map(|event| event.message.clone()).collect()
    };
    wait_until("all has arrived", PATIENCE, || arrived(&mut host.receiver).len() >= all.len());
    assert!(arrived(&mut host.receiver) == all.as_bytes(), "each byte arrived once");
    assert_eq!(host.monitor_status()["lines_dropped"], 0);
    end_well(&mut host.agent, PATIENCE);
}

#[test]
fn garbage_and_half_open_connections_disturb_nobody_and_fill_no_memory() {
    use rand::RngExt;
    let mut host =
        Host::start(Scratch::new(), tcp(json!({ "max_connections": 20, "max_log_size": 500_000 })), json!([]));
    let address = host.address("tcp");
    let mut good = TcpStream::connect(&address).unwrap();
    good.write_all(lines(0..100).as_bytes()).unwrap();
    wait_for_lines(&mut host.receiver, 100, PATIENCE);
    let mut chance = story::seeded_rng();
    let mut half_open = Vec::new();
    for round in 0..60 {
        let Ok(mut stream) = TcpStream::connect(&address) else { continue };
        let bytes: Vec<u8> = (0..20_000).map(|_| chance.random()).collect();
        let sent = match round % 4 {
            0 => stream.write_all(b"999999999 <13>"),
            1 => stream.write_all(&bytes),
            2 => stream.write_all(&[b'9'; 9]),
            _ => stream.shutdown(Shutdown::Write),
        };
        // Beyond 20 they are closed at once.
        assert!(sent.is_ok() || sent.is_err_and(|error| error.kind() != ErrorKind::InvalidInput));
        half_open.push(stream);
    }
    good.write_all(lines(100..1_000).as_bytes()).unwrap();
    wait_for_lines(&mut host.receiver, 1_000, PATIENCE);
    assert!(host.agent_log().contains("raise `max_connections`"));
    drop(half_open);
    let mut flood = TcpStream::connect(&address).unwrap();
    let endless = vec![b'x'; 1 << 20];
    for _ in 0..20 {
        flood.write_all(&endless).unwrap();
    }
    good.write_all(lines(1_000..1_100).as_bytes()).unwrap();
    wait_for_lines(&mut host.receiver, 1_100, PATIENCE);
    let rss = host.agent.rss_kib();
    assert!(rss < 100 * 1024, "{rss} KiB");
    assert_eq!(host.monitor_status()["restarts"], 0);
}

/// Certificates of an authority, in the files `ca.pem`, and `NAME.pem` and `NAME.key` for each name.
fn make_certificates(scratch: &Scratch, names: &[&str]) {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
    let mut of_authority = CertificateParams::new(Vec::new()).unwrap();
    // Or else it would have the name of those that it signs.
    of_authority.distinguished_name.push(DnType::CommonName, "an authority of a story");
    of_authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    fs::write(scratch.path("ca.pem"), of_authority.self_signed(&key).unwrap().pem()).unwrap();
    let authority = Issuer::new(of_authority, key);
    for name in names {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![(*name).to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        fs::write(scratch.path(&format!("{name}.pem")), certificate.pem()).unwrap();
        fs::write(scratch.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}

#[test]
fn messages_arrive_by_tls_from_those_who_have_a_certificate_and_from_nobody_else() {
    let scratch = Scratch::new();
    make_certificates(&scratch, &["localhost", "sender"]);
    let of = |name: &str| scratch.path(name).display().to_string();
    let (ca, certificate, key) = (of("ca.pem"), of("sender.pem"), of("sender.key"));
    let monitor = json!({ "protocols": "tls:0", "tls_certificate": of("localhost.pem"), "tls_key": of("localhost.key"),
        "tls_client_ca": ca });
    let mut host = Host::start(scratch, monitor, json!([]));
    let address = host.address("tls");
    let send = |more: &[&str], text: &[u8]| {
        let mut command = Command::new("openssl");
        command.args([
            "s_client",
            "-connect",
            &address,
            "-CAfile",
            &ca,
            "-verify_return_error",
            "-quiet",
            "-no_ign_eof",
        ]);
        command.args(["-servername", "localhost"]).args(more);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut sender = command.spawn().unwrap_or_else(|error| panic!("`openssl` of the package openssl: {error}"));
        // One that is refused may have ended.
        _ = sender.stdin.take().unwrap().write_all(text);
        sender.wait_with_output().unwrap()
    };
    let none = send(&[], b"<13>from nobody\n");
    let known = ["-cert", &certificate, "-key", &key];
    send(&known, b"<13>by tls\n15 <13>and counted");
    host.arrives("<13>by tls");
    host.arrives("<13>and counted");
    let old = ["-cert", certificate.as_str(), "-key", &key, "-tls1_2"];
    send(&old, lines(0..20_000).as_bytes());
    wait_for_lines(&mut host.receiver, 20_000, PATIENCE);
    wait_until("the one without is told of", PATIENCE, || host.agent_log().contains("No TLS with 127.0.0.1"));
    assert!(!host.message_log().contains("nobody"), "{}", String::from_utf8_lossy(&none.stderr));
    end_well(&mut host.agent, PATIENCE);
}

#[test]
fn each_source_has_a_file_where_an_entry_of_the_configuration_matches() {
    let scratch = Scratch::new();
    let logs = json!([{ "path": scratch.path("log/slog-*-web-*.log"), "attributes": { "parser": "webParser", "tier": "front" },
        "redaction_rules": [{ "match_expression": "secret", "replacement": "hidden" }] }]);
    let monitor =
        tcp(json!({ "message_log_template": "slog-$PROTO-$HOSTNAME-$APPNAME.log", "attributes": { "site": "a" } }));
    let mut host = Host::start(scratch, monitor, logs);
    let mut sender = TcpStream::connect(host.address("tcp")).unwrap();
    sender.write_all(b"<34>Oct 11 22:14:15 web su[1]: a secret\n<34>Oct 11 22:14:15 db su: another secret\n").unwrap();
    host.arrives("web su[1]: a hidden");
    host.arrives("db su: another secret");
    let all = fs::read_to_string(host.scratch.path("receiver-1.jsonl")).unwrap();
    let event =
        |part: &str| -> Value { serde_json::from_str(all.lines().find(|line| line.contains(part)).unwrap()).unwrap() };
    let web = event("a hidden");
    let file = host.scratch.path("log/slog-tcp-web-su.log");
    assert_eq!(web["logfile"], json!(file));
    for (name, value) in [
        ("site", "a"),
        ("monitor", "agentSyslog"),
        ("parser", "webParser"),
        ("tier", "front"),
        ("proto", "tcp"),
        ("srcip", "127.0.0.1"),
        ("hostname", "web"),
        ("appname", "su"),
    ] {
        assert_eq!(web["attrs"][name], value, "{name} of {web}");
    }
    assert_eq!(event("another secret")["logfile"], json!(host.scratch.path("log/agent_syslog.log")));
    assert!(host.agent_log().contains("no entry of `logs` in the configuration matches it"));
    // The next start finds the file by the entry, and goes on with the monitor's attributes once it writes there.
    assert_eq!(host.agent.stop(PATIENCE), Some(0));
    host.agent = AgentProcess::start(&host.scratch, &host.config);
    wait_until("it listens again", PATIENCE, || host.agent_log().matches("Listening on tcp").count() == 2);
    let mut sender = TcpStream::connect(host.address("tcp")).unwrap();
    sender.write_all(b"<34>Oct 11 22:14:15 web su[1]: after the start\n").unwrap();
    host.arrives("after the start");
    let all = fs::read_to_string(host.scratch.path("receiver-1.jsonl")).unwrap();
    let again: Value =
        serde_json::from_str(all.lines().find(|line| line.contains("after the start")).unwrap()).unwrap();
    assert_eq!(again["attrs"]["hostname"], "web");
    end_well(&mut host.agent, PATIENCE);
}
