use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use scalyr_monitor::testing::{Harness, Running, Taken};

use super::GraphiteMonitor;

/// A machine under load may take long for what takes a moment.
const PATIENCE: Duration = Duration::from_secs(50);

/// All three ways, on ports that are free.
fn graphite(more: &str) -> Harness<GraphiteMonitor> {
    let ports = "plaintext_port: 0, pickle_port: 0, accept_udp: true, udp_port: 0";
    let graphite = Harness::<GraphiteMonitor>::from_config(format_args!("{{ {ports}, {more} }}"));
    graphite.allow_dynamic().with_patience(PATIENCE)
}

/// Where it listens: `lines` or `pickles`, `TCP` or `UDP`.
fn address(graphite: &Running, what: &str, protocol: &str) -> SocketAddr {
    let mut found = None;
    graphite.wait_until(|taken| {
        found = taken.diagnostics().iter().find_map(|diagnostic| {
            let address = diagnostic.message.strip_prefix(&format!("Listening for Graphite {what} on "))?;
            address.strip_suffix(&format!(" ({protocol})"))?.parse().ok()
        });
        found.is_some()
    });
    found.unwrap()
}

fn connect(graphite: &Running, what: &str) -> TcpStream {
    TcpStream::connect(address(graphite, what, "TCP")).unwrap()
}

/// A request of the pickle protocol.
fn framed(pickle: &[u8]) -> Vec<u8> {
    [&u32::try_from(pickle.len()).unwrap().to_be_bytes(), pickle].concat()
}

/// What was told beside where it listens.
fn told(taken: &Taken) -> Vec<String> {
    let all = taken.diagnostics().iter().map(ToString::to_string);
    all.filter(|text| !text.starts_with("INFO Listening")).collect()
}

/// Waits until so much was told; what that is.
fn wait_told(graphite: &Running, count: usize) -> Vec<String> {
    told(&graphite.wait_until(|taken| told(taken).len() >= count))
}

/// Waits until the monitor has closed the connection.
fn is_closed(mut connection: &TcpStream) -> bool {
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    match connection.read(&mut [0]) {
        Ok(length) => length == 0,
        // With bytes that were not read, a connection is not closed but reset.
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[test]
fn lines_become_metrics_with_the_time_that_the_sender_gave() {
    graphite("").running(|graphite| {
        let mut sender = connect(graphite, "lines");
        sender.write_all(b"requests.500.host1 1.03 123456789\r\n\nfoo.bar 5 1700000000\nnow.a 1 -1\n").unwrap();
        let taken = graphite.wait_for("now.a");
        assert_eq!(
            taken.lines(),
            [
                "requests.500.host1 1.03 orig_time=123456789.0",
                "foo.bar 5.0 orig_time=1700000000.0",
                "now.a 1.0 orig_time=1767225600.0",
            ]
        );
        assert_eq!(told(&taken), Vec::<String>::new());
    });
}

#[test]
fn pickles_become_metrics() {
    graphite("").running(|graphite| {
        let mut sender = connect(graphite, "pickles");
        let pickle = framed(b"](U\x06p2.twoJ\x01\xf1SeK\x07\x86\x86U\x05p2.twU\x015U\x031.5\x86\x86e.");
        // In pieces, and two in one piece.
        sender.write_all(&pickle[..3]).unwrap();
        sender.write_all(&pickle[3..10]).unwrap();
        sender.write_all(&pickle[10..]).unwrap();
        sender.write_all(&[framed(b"]."), framed(b"](U\x04lastK\x01K\x02\x86\x86e.")].concat()).unwrap();
        let taken = graphite.wait_for("last");
        assert_eq!(
            taken.lines(),
            ["p2.two 7.0 orig_time=1700000001.0", "p2.tw 1.5 orig_time=5.0", "last 2.0 orig_time=1.0"]
        );
        assert_eq!(told(&taken), Vec::<String>::new());
    });
}

#[test]
fn packets_of_lines_become_metrics() {
    graphite("").running(|graphite| {
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.connect(address(graphite, "lines", "UDP")).unwrap();
        sender.send(b"").unwrap();
        sender.send(b"a 1 5\nb 2 5").unwrap();
        sender.send(b"no point").unwrap();
        let taken = graphite.wait_until(|taken| !told(taken).is_empty());
        assert_eq!(taken.lines(), ["a 1.0 orig_time=5.0", "b 2.0 orig_time=5.0"]);
        assert!(told(&taken)[0].contains("is not taken: \"no point\" is not a path"), "{taken}");
    });
}

#[test]
fn tags_become_extra_fields_and_names_are_repaired() {
    graphite("").running(|graphite| {
        let mut sender = connect(graphite, "lines");
        sender.write_all(b"disk.used;mount=/;host=web;orig_time=x;metric=y 1 5\n9leading 2 5\nmetric 3 5\n").unwrap();
        sender.write_all("odd;tag 4 5\nz\u{fc}rich 5 5\nlast 6 5\n".as_bytes()).unwrap();
        let taken = graphite.wait_for("last");
        assert_eq!(
            taken.lines(),
            [
                r#"disk.used 1.0 host="web" metric_="y" mount="/" orig_time=5.0 orig_time_="x""#,
                "sa_9leading 2.0 orig_time=5.0",
                "metric_ 3.0 orig_time=5.0",
                "odd_tag 4.0 orig_time=5.0",
                "z_rich 5.0 orig_time=5.0",
                "last 6.0 orig_time=5.0",
            ]
        );
        assert!(told(&taken).iter().all(|text| text.contains("name ") && text.contains(" is written as ")), "{taken}");
    });
}

#[test]
fn a_bad_line_is_told_of_once_in_five_minutes_and_the_next_one_taken() {
    graphite("").running(|graphite| {
        let mut sender = connect(graphite, "lines");
        sender.write_all(b"a 1\nb x 5\nc 1 2 3\n\x1b[31m 1 5\nfine 1 5\n").unwrap();
        let taken = graphite.wait_for("fine");
        let from = sender.local_addr().unwrap();
        let first = format!(
            "WARNING [error=\"graphite_monitor/badPlainTextLine\"] A line from {from} is not taken: \"a 1\" is not a path, a value \
             and a time with blanks between"
        );
        assert_eq!((taken.lines().len(), told(&taken)), (1, vec![first]));
        graphite.clock().advance(Duration::from_secs(300));
        sender.write_all(b"\x80\x02]q\x00 1 5\nlast 1 5\n").unwrap();
        graphite.wait_for("last");
        let told = wait_told(graphite, 2);
        assert!(told[1].contains("is not UTF-8. Pickles belong on the port `pickle_port` (3 more like this"), "{told:?}");
    });
}

#[test]
fn a_bad_pickle_is_told_of_and_the_next_one_taken() {
    graphite("").running(|graphite| {
        let mut sender = connect(graphite, "pickles");
        sender.write_all(&framed(b"cposix\nsystem\n(S'true'\ntR.")).unwrap();
        sender.write_all(&framed(b"](K\x01U\x01aNK\x01\x86\x86U\x04fineK\x05K\x01\x86\x86e.")).unwrap();
        let taken = graphite.wait_for("fine");
        assert_eq!(taken.lines(), ["fine 1.0 orig_time=5.0"]);
        let told = told(&taken);
        assert_eq!(told.len(), 2, "{taken}");
        assert!(
            told[0].starts_with("WARNING [error=\"graphite_monitor/badUnpickle\"] A request from 127.0.0.1:"),
            "{taken}"
        );
        assert!(told[0].contains("GLOBAL at byte 0 asks for \"posix.system\""), "{taken}");
        assert!(
            told[1].starts_with("WARNING [error=\"graphite_monitor/badPickleLine\"] A point of a pickle from "),
            "{taken}"
        );
        assert!(told[1].ends_with("the point 0 is a number, not (path, (time, value))"), "{taken}");
        sender.write_all(&framed(b"N.")).unwrap();
        graphite.clock().advance(Duration::from_secs(300));
        sender.write_all(&framed(b"N.")).unwrap();
        let told = wait_told(graphite, 3);
        assert!(told[2].contains("its pickle is None, not a list of (path, (time, value))"), "{told:?}");
    });
}

#[test]
fn a_request_that_is_too_long_ends_its_connection_and_no_other() {
    graphite("max_request_size: 1000").running(|graphite| {
        let (mut lines, mut other) = (connect(graphite, "lines"), connect(graphite, "lines"));
        lines.write_all(b"before 1 5\n").unwrap();
        graphite.wait_for("before");
        lines.write_all(&[b'x'; 1001]).unwrap();
        assert!(is_closed(&lines));
        let mut pickles = connect(graphite, "pickles");
        pickles.write_all(b"stats.web 1 5\n").unwrap();
        assert!(is_closed(&pickles));
        let mut long = connect(graphite, "pickles");
        long.write_all(&[0, 0, 4, 0, b'\x80']).unwrap();
        assert!(is_closed(&long));
        other.write_all(&[vec![b'y'; 994], b" 1 5\nlast 1 5\n".to_vec()].concat()).unwrap();
        graphite.wait_for("last");
        let told = wait_told(graphite, 3);
        let [line, text, pickle] = &told[..] else { panic!("{told:?}") };
        assert!(
            line.contains("is closed: a line is too long; `max_request_size` allows 1000 bytes. It begins"),
            "{line}"
        );
        assert!(line.ends_with("Raise that, and `buffer_size`, or send shorter lines"), "{line}");
        assert!(text.contains("what was sent is no pickle, its length is 1937006964; `max_request_size`"), "{text}");
        assert!(text.ends_with("\"stats.web 1 5\\n\". Lines of text belong on the port `plaintext_port`"), "{text}");
        assert!(pickle.contains("a pickle is too long, its length is 1024; `max_request_size`"), "{pickle}");
    });
}

#[test]
fn the_last_line_needs_no_end_when_its_sender_closes_and_half_a_pickle_is_told_of() {
    graphite("").running(|graphite| {
        let mut sender = connect(graphite, "lines");
        sender.write_all(b"first 1 5\nlast 2 5").unwrap();
        drop(sender);
        graphite.wait_for("last");
        let mut sender = connect(graphite, "pickles");
        sender.write_all(&framed(b"](U\x04lastK\x01K\x02\x86\x86e.")[..10]).unwrap();
        sender.shutdown(Shutdown::Write).unwrap();
        let told = wait_told(graphite, 1);
        assert!(told[0].ends_with("closed its connection in the middle of a request, of which 10 bytes are not taken"));
    });
}

#[test]
fn a_connection_without_a_whole_request_is_closed_in_the_end() {
    graphite("max_connection_idle_time: 1").running(|graphite| {
        // One says nothing.
        let silent = connect(graphite, "pickles");
        assert!(is_closed(&silent));
        let told = wait_told(graphite, 1);
        assert!(told[0].ends_with("no whole request came for 1 s (`max_connection_idle_time`)"), "{told:?}");
    });
    graphite("").running(|graphite| {
        // One says a little now and then.
        let mut slow = connect(graphite, "lines");
        slow.write_all(b"seen 1 5\nslo").unwrap();
        graphite.wait_for("seen");
        graphite.clock().advance(Duration::from_secs(299));
        slow.write_all(b"w 1 5\nagai").unwrap();
        graphite.wait_for("slow");
        // It may not have noted yet when the last request came, so the time may have to pass once more.
        slow.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let told = (0..500).find_map(|_| {
            graphite.clock().advance(Duration::from_secs(301));
            _ = slow.write_all(b"n");
            let is_closed = slow.read(&mut [0]).is_ok_and(|length| length == 0);
            is_closed.then(|| wait_told(graphite, 1))
        });
        let told = told.expect("it is closed");
        assert!(told[0].contains("no whole request came for 300 s"), "{told:?}");
        assert!(told[0].ends_with(" bytes of one are not taken"), "{told:?}");
    });
}

#[test]
fn one_connection_too_many_is_closed_and_told_of() {
    graphite("max_connections: 2").running(|graphite| {
        let mut senders = [connect(graphite, "lines"), connect(graphite, "lines")];
        for (at, sender) in senders.iter_mut().enumerate() {
            sender.write_all(format!("taken{at} 1 5\n").as_bytes()).unwrap();
            graphite.wait_for(&format!("taken{at}"));
        }
        assert!(is_closed(&connect(graphite, "lines")));
        let told = wait_told(graphite, 1);
        assert!(told[0].starts_with("ERROR There are 2 connections on 127.0.0.1:"), "{told:?}");
        assert!(told[0].contains("as many as `max_connections` allows; 1 more were closed at once"), "{told:?}");
        // The other port has as many of its own.
        let mut pickles = connect(graphite, "pickles");
        pickles.write_all(&framed(b"](U\x01pK\x05K\x01\x86\x86e.")).unwrap();
        graphite.wait_for("p");
    });
}

#[test]
fn what_was_sent_before_the_stop_is_taken() {
    let mut graphite = graphite("");
    for _ in 0..5 {
        graphite.running(|graphite| {
            let mut lines = connect(graphite, "lines");
            lines.write_all(b"first 1 5\n").unwrap();
            graphite.wait_for("first");
            let packets = UdpSocket::bind("127.0.0.1:0").unwrap();
            // None of this may have been read when the stop comes, nor the second connection have been taken.
            lines.write_all(b"second 1 5\nthird 1").unwrap();
            packets.send_to(b"packet 1 5", address(graphite, "lines", "UDP")).unwrap();
            let mut pickles = connect(graphite, "pickles");
            pickles.write_all(&framed(b"](U\x06pickleK\x05K\x01\x86\x86e.")).unwrap();
            graphite.stop().stop();
            graphite.wait_until(|taken| {
                ["second", "packet", "pickle"].iter().all(|metric| taken.has(metric)) && told(taken).len() == 1
            });
            let told = told(&graphite.taken());
            assert!(
                told[0].contains("was in the middle of a request when the monitor stopped; 7 bytes of it"),
                "{told:?}"
            );
            graphite.clock().advance(Duration::from_secs(300));
        });
    }
}

#[test]
fn a_flood_at_the_stop_does_not_keep_the_monitor() {
    graphite("").running(|graphite| {
        let (lines, packets) = (connect(graphite, "lines"), UdpSocket::bind("127.0.0.1:0").unwrap());
        let to = address(graphite, "lines", "UDP");
        // Nothing is emitted of it: a test takes so many lines only.
        let flood = [vec![b'x'; 10_000], vec![b'\n']].concat();
        std::thread::scope(|threads| {
            threads.spawn(|| {
                let mut lines = &lines;
                while lines.write_all(&flood).is_ok() {
                    _ = packets.send_to(&flood, to);
                }
            });
            wait_told(graphite, 1);
            graphite.stop().stop();
        });
    });
}

#[test]
fn many_senders_at_a_time_lose_nothing() {
    const SENDERS: usize = 50;
    const LINES: usize = 40;
    graphite("").running(|graphite| {
        let to = address(graphite, "lines", "TCP");
        std::thread::scope(|threads| {
            for sender in 0..SENDERS {
                threads.spawn(move || {
                    let mut connection = TcpStream::connect(to).unwrap();
                    for line in 0..LINES {
                        writeln!(connection, "s{sender}.l{line} {line} 5").unwrap();
                    }
                });
            }
        });
        let taken = graphite.wait_until(|taken| taken.emitted().len() >= SENDERS * LINES);
        let mut names: Vec<&str> = taken.emitted().iter().map(|emitted| emitted.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!((names.len(), taken.emitted().len()), (SENDERS * LINES, SENDERS * LINES));
        assert_eq!(told(&taken), Vec::<String>::new());
    });
}

#[test]
fn garbage_disturbs_nobody_else() {
    graphite("max_request_size: 1000").running(|graphite| {
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        for what in ["lines", "pickles"].repeat(10) {
            let mut sender = connect(graphite, what);
            let bytes: Vec<u8> = (0..20_000).map(|_| noise()).collect();
            // It may be closed in the middle.
            _ = sender.write_all(&bytes);
        }
        let mut sender = connect(graphite, "lines");
        sender.write_all(b"fine 1 5\n").unwrap();
        let taken = graphite.wait_for("fine");
        assert!(told(&taken).len() < 10, "each cause is told once: {taken}");
    });
}

#[test]
fn other_hosts_can_send_when_the_user_says_so() {
    graphite("only_accept_local: false").running(|graphite| {
        for (what, protocol) in [("lines", "TCP"), ("pickles", "TCP"), ("lines", "UDP")] {
            assert!(address(graphite, what, protocol).ip().is_unspecified());
        }
        // By IPv4, on a host with IPv6 as well.
        let port = address(graphite, "lines", "TCP").port();
        let mut sender = TcpStream::connect(("127.0.0.1", port)).unwrap();
        sender.write_all(b"no point\nfine 1 5\n").unwrap();
        let taken = graphite.wait_for("fine");
        assert!(told(&taken)[0].contains("A line from 127.0.0.1:"), "{taken}");
    });
    graphite("").running(|graphite| assert!(address(graphite, "lines", "TCP").ip().is_loopback()));
}

#[test]
fn options_that_cannot_work_are_refused() {
    let refused = |config: &str| -> Vec<String> {
        let graphite = Harness::<GraphiteMonitor>::from_config(config);
        graphite.problems().iter().map(ToString::to_string).collect()
    };
    for (config, problem) in [
        (
            "{ accept_plaintext: false, accept_pickle: false }",
            "accept_plaintext, accept_pickle and accept_udp are all false, so nothing would be taken; set one of them to \
             true, or remove the entry",
        ),
        (
            "{ max_request_size: 200000 }",
            "max_request_size, 200000, is greater than buffer_size, 102400; a request must fit into the buffer. Raise \
             buffer_size, or lower max_request_size",
        ),
        ("{ pickle_port: 2003 }", "plaintext_port and pickle_port are both 2003; each needs one of its own"),
        ("{ max_request_size: 999 }", "max_request_size: 999 is below the minimum 1000"),
        ("{ buffer_size: 10239 }", "buffer_size: 10239 is below the minimum 10240"),
        ("{ max_connection_idle_time: 0.5 }", "max_connection_idle_time: 0.5 is below the minimum 1"),
        ("{ max_connections: 0 }", "max_connections: 0 is below the minimum 1"),
    ] {
        assert_eq!(refused(config), [problem], "{config}");
    }
    for config in ["{}", "{ accept_plaintext: false, accept_pickle: false, accept_udp: true }", "{ accept_udp: true }"]
    {
        assert_eq!(refused(config), Vec::<String>::new());
    }
    assert!(Harness::<GraphiteMonitor>::from_config("{}").context().unlimited_log);
}

#[test]
fn a_port_that_is_taken_is_told_once_and_listened_on_when_it_is_free() {
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let config = format!("{{ plaintext_port: 0, pickle_port: {port} }}");
    let mut graphite = Harness::<GraphiteMonitor>::from_config(config).allow_dynamic().with_patience(PATIENCE);
    graphite.running(|graphite| {
        let error = &wait_told(graphite, 1)[0];
        assert!(error.starts_with(&format!("ERROR cannot listen on 127.0.0.1:{port} (TCP): ")), "{error}");
        assert!(error.ends_with("choose another port. It is tried again every five seconds"), "{error}");
        let noted = graphite.wait_until(|taken| taken.error().is_some());
        assert!(noted.error().unwrap().starts_with("cannot listen on "), "{noted}");
        // The others are heard meanwhile, and further tries in vain are not told.
        connect(graphite, "lines").write_all(b"fine 1 5\n").unwrap();
        graphite.wait_for("fine");
        graphite.clock().advance(Duration::from_secs(5));
        drop(other);
        while !graphite.taken().diagnostics().iter().any(|diagnostic| diagnostic.message.contains("pickles on")) {
            graphite.clock().advance(Duration::from_secs(5));
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(told(&graphite.taken()).len(), 1, "{}", graphite.taken());
        drop(connect(graphite, "pickles"));
    });
}
