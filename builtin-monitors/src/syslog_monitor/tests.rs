//! The monitor with real sockets, and a log in memory.

use std::io::Write as _;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::Duration;

use scalyr_monitor::testing::{Harness, Running, json};

use super::SyslogMonitor;

const LOG: &str = "agent_syslog.log";

fn monitor(config: serde_json::Value) -> Harness<SyslogMonitor> {
    Harness::from_config(config).with_patience(Duration::from_secs(60))
}

/// Where it listens by this protocol.
fn address(running: &Running, protocol: &str) -> String {
    let told = running.wait_for_diagnostic(&format!("Listening on {protocol} "));
    let (_, behind) = told.split_once(&format!("Listening on {protocol} ")).unwrap();
    behind.split(';').next().unwrap().to_owned()
}

fn send(address: &str, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}

/// What stands in the log when a connection has sent these bytes and was closed, and the monitor was stopped.
fn written(config: serde_json::Value, bytes: &[u8]) -> String {
    let mut config = config;
    config["protocols"] = "tcp:0".into();
    let mut monitor = monitor(config);
    monitor.running(|running| drop(send(&address(running, "tcp"), bytes)));
    monitor.log_text(LOG)
}

#[test]
fn the_captured_sample_is_written_as_the_python_agent_did() {
    let sent = b"<13>a\n26 <13>Jan 1 framed message!!  x  \r\n";
    assert_eq!(written(json!({}), sent), "<13>a\n<13>Jan 1 framed message!!\nx\n");
}

#[test]
fn what_was_sent_before_the_stop_is_written_and_so_is_a_last_message_without_its_end() {
    let lines: String = (0..100_000).map(|number| format!("<13>line {number}\n")).collect();
    let sent = format!("{lines}the last one");
    assert_eq!(written(json!({}), sent.as_bytes()), format!("{sent}\n"));
}

/// The server asserts that none has more than one turn at a time; with the many, nobody else would have any.
#[test]
fn a_flood_has_its_turns_like_everybody_else() {
    let lines = "<13>line of a flood, and of some length, so that there is always more of it\n".repeat(500_000);
    assert!(written(json!({}), lines.as_bytes()) == lines);
}

#[test]
fn raw_bytes_stay_as_they_are_and_batches_end_with_their_delimiter() {
    let sent = b"  12 a \r\n\n\xff b";
    assert_eq!(written(json!({ "tcp_request_parser": "raw" }), sent), "  12 a \r\n\n\u{fffd} b\n");
    let batch = json!({ "tcp_request_parser": "batch", "tcp_message_delimiter": "\\000\\n" });
    assert_eq!(written(batch, b" a \0\n4 b\0\nc\nd\r\n\0\ne"), " a \nb\0\nc\n\nd\ne\n");
}

#[test]
fn a_message_beyond_the_buffer_is_written_in_parts_with_a_warning() {
    let mut monitor = monitor(json!({ "protocols": "tcp:0", "tcp_buffer_size": 10 }));
    monitor.running(|running| {
        let address = address(running, "tcp");
        let _one = send(&address, b"0123456789abcdefghij9 klm\nnext\n16 <4567890123456789after\n");
        running.wait_for_log_text(LOG, |text| text.ends_with("after\n"));
        let warned = running.wait_for_diagnostic("longer than 10 bytes");
        assert!(warned.contains("raise `tcp_buffer_size`"), "{warned}");
    });
    assert_eq!(monitor.log_text(LOG), "0123456789\nabcdefghij\n9 klm\nnext\n<456789012\n345678\n9after\n");
}

#[test]
fn a_message_that_is_not_complete_is_written_when_its_time_is_over_without_further_data() {
    let config = json!({ "protocols": "tcp:0", "tcp_request_parser": "batch", "tcp_incomplete_frame_timeout": 5 });
    let mut monitor = monitor(config);
    monitor.running(|running| {
        let mut one = send(&address(running, "tcp"), b"whole\nhalf a mess");
        running.wait_for_log_text(LOG, |text| text == "whole\n");
        running.clock().advance(Duration::from_secs(7));
        running.wait_for_log_text(LOG, |text| text == "whole\nhalf a mess\n");
        one.write_all(b"age\nnext\n").unwrap();
        running.wait_for_log_text(LOG, |text| text == "whole\nhalf a mess\nage\nnext\n");
    });
}

#[test]
fn packets_and_unix_sockets_are_messages_too() {
    let folder = tempfile::tempdir().unwrap();
    let (log, stream) = (folder.path().join("log"), folder.path().join("stream"));
    let protocols = format!("udp:0,unix:{},unix_stream:{}", log.display(), stream.display());
    let mut monitor = monitor(json!({ "protocols": protocols }));
    monitor.running(|running| {
        let to = address(running, "udp");
        running.wait_for_diagnostic("unix_stream:");
        UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b" <13>by udp\xff\n", to).unwrap();
        running.wait_for_log_text(LOG, |text| text == "<13>by udp\n");
        UnixDatagram::unbound().unwrap().send_to(b"<13>by /dev/log", &log).unwrap();
        running.wait_for_log_text(LOG, |text| text.ends_with("<13>by /dev/log\n"));
        UnixStream::connect(&stream).unwrap().write_all(b"5 12345").unwrap();
        running.wait_for_log_text(LOG, |text| text.ends_with("12345\n"));
    });
    assert!(!log.exists() && !stream.exists());
}

#[test]
fn idle_connections_keep_nobody_out_and_are_closed_after_their_time() {
    let mut monitor = monitor(json!({ "protocols": "tcp:0", "idle_timeout": 60, "max_connections": 17 }));
    monitor.running(|running| {
        let address = address(running, "tcp");
        let mut idle: Vec<TcpStream> = (0..16).map(|_| TcpStream::connect(&address).unwrap()).collect();
        let busy = send(&address, b"served\n");
        running.wait_for_log_text(LOG, |text| text == "served\n");
        let _refused = TcpStream::connect(&address).unwrap();
        running.wait_for_diagnostic("there are 17; raise `max_connections`");
        running.clock().advance(Duration::from_secs(70));
        for stream in &mut idle {
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            assert_eq!(std::io::Read::read(stream, &mut [0]).unwrap(), 0);
        }
        drop(busy);
        let _again = send(&address, b"again\n");
        running.wait_for_log_text(LOG, |text| text == "served\nagain\n");
    });
}

#[test]
fn a_full_disk_loses_nothing_that_came_by_tcp() {
    let mut monitor = monitor(json!({ "protocols": "tcp:0" }));
    let lines: String = (0..200_000).map(|number| format!("<13>line {number}\n")).collect();
    monitor.running(|running| {
        running.fill_disk(true);
        let address = address(running, "tcp");
        let sent = lines.clone();
        std::thread::scope(|threads| {
            threads.spawn(move || drop(send(&address, sent.as_bytes())));
            let told = running.wait_for_diagnostic("Cannot write to agent_syslog.log");
            assert!(told.contains("make room on its disk") && told.contains("again each second"), "{told}");
            running.fill_disk(false);
            running.wait_for_log_text(LOG, |text| text.len() == lines.len());
        });
        running.wait_for_diagnostic("agent_syslog.log is written again");
    });
    assert_eq!(monitor.log_text(LOG), lines);
}

/// More of them than are looked at in one round.
#[test]
fn connections_are_not_idle_whose_messages_waited_for_a_full_disk() {
    let mut monitor = monitor(json!({ "protocols": "tcp:0", "idle_timeout": 60 }));
    monitor.running(|running| {
        let address = address(running, "tcp");
        let mut senders: Vec<TcpStream> = (0..400).map(|_| send(&address, b"first\n")).collect();
        running.wait_for_log_text(LOG, |text| text.lines().count() == 400);
        running.fill_disk(true);
        senders[0].write_all(b"second\n").unwrap();
        running.wait_for_diagnostic("Cannot write to agent_syslog.log");
        senders[1..].iter_mut().for_each(|sender| sender.write_all(b"second\n").unwrap());
        running.clock().advance(Duration::from_secs(70));
        running.fill_disk(false);
        running.wait_for_log_text(LOG, |text| text.matches("second").count() == 400);
    });
}

#[test]
fn a_port_that_is_taken_is_told_and_taken_when_it_is_free() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut monitor = monitor(json!({ "protocols": format!("tcp:{port},udp:0") }));
    monitor.running(|running| {
        address(running, "udp");
        running.wait_for_diagnostic("another program, or another monitor of this agent, has the port");
        drop(taken);
        running.clock().advance(Duration::from_secs(6));
        let _one = send(&address(running, "tcp"), b"x\n");
        running.wait_for_log_text(LOG, |text| text == "x\n");
    });
}

#[test]
fn each_source_has_its_file_with_the_attributes_of_its_way() {
    let template = "slog-$PROTO-$SRCIP-$HOSTNAME-$APPNAME.log";
    let config = json!({ "protocols": "tcp:0", "message_log_template": template, "attributes": { "site": "a" },
        "max_log_files": 2 });
    let mut monitor = monitor(config);
    monitor.running(|running| {
        let _one = send(
            &address(running, "tcp"),
            b"<34>Oct 11 22:14:15 mymachine su: one\n<13>1 - ../../etc x - - - two\nthree\n<34>Oct 11 22:14:15 m su: 4\n",
        );
        running.wait_for_diagnostic("as `max_log_files` says");
    });
    assert_eq!(monitor.log_text("slog-tcp-127.0.0.1-mymachine-su.log"), "<34>Oct 11 22:14:15 mymachine su: one\n");
    assert_eq!(monitor.log_text("slog-tcp-127.0.0.1-.._.._etc-x.log"), "<13>1 - ../../etc x - - - two\n");
    assert_eq!(monitor.log_text(LOG), "three\n<34>Oct 11 22:14:15 m su: 4\n");
    let logs = monitor.registered_logs();
    let of_su = logs.iter().find(|log| log.path.ends_with("slog-tcp-127.0.0.1-mymachine-su.log")).unwrap();
    assert_eq!(
        serde_json::Value::from(of_su.attributes.clone()),
        json!({ "site": "a", "monitor": "agentSyslog", "proto": "tcp", "srcip": "127.0.0.1",
            "destport": of_su.attributes["destport"], "hostname": "mymachine", "appname": "su" })
    );
    assert_eq!(of_su.parser, "agentSyslog");
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    let problems = |config: serde_json::Value| {
        monitor(config).problems().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let docker = problems(json!({ "mode": "docker", "docker_regex": "x" }));
    assert!(docker.contains("mode: \"docker\" is not there yet in this agent"), "{docker}");
    assert!(docker.contains("warning: docker_regex: is not used"), "{docker}");
    let syslog = problems(json!({ "mode": "syslog", "docker_regex": "x", "docker_expire_log": 300 }));
    assert!(!syslog.contains("mode: ") && syslog.contains("warning: docker_regex: is not used"), "{syslog}");
    assert!(syslog.contains("warning: docker_expire_log: is not used"), "{syslog}");
    let tls = problems(json!({ "protocols": "tls" }));
    assert!(tls.contains("tls_certificate is not given"), "{tls}");
    assert!(problems(json!({ "protocols": "sctp" })).contains("protocols: \"sctp\" is not `tcp`"));
    assert!(problems(json!({ "message_log_template": "$HOST" })).contains("knows no $HOST"));
    assert_eq!(problems(json!({ "protocols": "TCP:1601, udp" })), "");
}

#[test]
fn nothing_goes_into_a_metric_log_of_its_own() {
    let monitor = monitor(json!({}));
    let log = &monitor.context().log_config;
    assert_eq!((log.path.to_str(), log.parser.as_str()), (Some(LOG), "agentSyslog"));
    assert_eq!(log.attributes["monitor"], "agentSyslog");
}
