use std::net::UdpSocket;
use std::time::Duration;

use scalyr_monitor::testing::{Harness, Running, Taken};

use super::Gauges;

/// A program that sends lines to the gauges; they have told the agent log where they listen.
struct Sender(UdpSocket);

impl Sender {
    fn to(gauges: &Running) -> Self {
        let told = gauges.wait_for_diagnostic("Listening for gauges on 127.0.0.1:");
        let address = told.split(' ').nth(4).unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(address).unwrap();
        Self(socket)
    }

    fn send(&self, packet: &str) {
        self.0.send(packet.as_bytes()).unwrap();
    }
}

/// Lets sample intervals pass until what was sent was emitted.
fn sampled(gauges: &Running, mut is_there: impl FnMut(&Taken) -> bool) -> Taken {
    gauges.wait_until(|taken| {
        gauges.clock().advance(Duration::from_secs(30));
        is_there(taken)
    })
}

/// The last count of lines with this outcome.
fn lines(taken: &Taken, outcome: &str) -> u64 {
    let mut counts = taken.emitted().iter().filter(|emitted| emitted.name() == "gauges.lines");
    counts.rfind(|count| *count.field("outcome") == outcome).map_or(0, |count| count.value().as_u64())
}

#[test]
fn the_latest_value_of_each_name_becomes_a_metric() {
    let mut gauges = Harness::<Gauges>::from_config("{ port: 0 }").allow_dynamic();
    gauges.running(|gauges| {
        let sender = Sender::to(gauges);
        sender.send("depth 1\ndepth 17\nload 0.25\n");
        let taken = sampled(gauges, |taken| taken.has("depth"));
        assert_eq!(taken.value("depth"), 17);
        assert_eq!(taken.value("load"), 0.25);
        assert_eq!(lines(&taken, "taken"), 3);
        sender.send("depth 18");
        let later = sampled(gauges, |taken| taken.values("depth").len() == 2);
        assert_eq!(later.values("depth"), [17, 18]);
        assert_eq!(later.values("load"), [0.25], "what is not sent is not emitted");
    });
    gauges.expect_all_emitted();
}

#[test]
fn what_is_no_gauge_is_counted_and_told_of_once_in_five_minutes() {
    let mut gauges = Harness::<Gauges>::from_config("{ port: 0 }").allow_dynamic();
    gauges.running(|gauges| {
        let sender = Sender::to(gauges);
        sender.send("depth\nstate: up\n\u{1b}[31m 1\ndepth 3\n");
        let taken = gauges.wait_until(|taken| taken.diagnostics().len() >= 2);
        let told = taken.diagnostics()[1].to_string();
        assert!(told.starts_with("WARNING A line from 127.0.0.1:"), "{told}");
        assert!(told.ends_with(r#"is not taken: "depth" is not a name and a value with a blank between"#), "{told}");
        let taken = sampled(gauges, |taken| taken.has("depth"));
        assert_eq!((lines(&taken, "malformed"), lines(&taken, "taken")), (3, 1));
        assert_eq!(taken.diagnostics().len(), 2, "{taken}");
        gauges.clock().advance(Duration::from_secs(300));
        sender.send("\u{1b}[31m 1");
        let taken = gauges.wait_until(|taken| taken.diagnostics().len() == 3);
        let told = taken.diagnostics()[2].to_string();
        assert!(told.contains(r#""\u{1b}[31m 1" has no valid name"#) && told.contains("2 more like this"), "{told}");
    });
}

#[test]
fn what_was_taken_is_emitted_when_the_monitor_is_asked_to_stop() {
    let mut gauges = Harness::<Gauges>::from_config("{ port: 0 }").allow_dynamic();
    gauges.running(|gauges| {
        let sender = Sender::to(gauges);
        gauges.wait_for("gauges.lines");
        sender.send("depth 17\nno gauge");
        // The second line is told of, so the first one was taken.
        gauges.wait_for_diagnostic("is not taken");
        assert!(!gauges.taken().has("depth"), "no sample is due");
        gauges.stop().stop();
        assert_eq!(gauges.wait_for("depth").value("depth"), 17);
    });
}

#[test]
fn packets_that_the_kernel_drops_are_counted() {
    let mut gauges = Harness::<Gauges>::from_config("{ port: 0 }").allow_dynamic();
    gauges.running(|gauges| {
        let _sender = Sender::to(gauges);
        let taken = gauges.wait_for("gauges.lines");
        // A flood would be needed for more; the socket's own tests have one.
        assert!(!cfg!(target_os = "linux") || *taken.value("gauges.lost_packets") == 0, "{taken}");
    });
}

#[test]
fn names_beyond_the_limit_are_counted_and_told_of() {
    let mut gauges = Harness::<Gauges>::from_config("{ port: 0, max_names: 2 }").allow_dynamic();
    gauges.running(|gauges| {
        let sender = Sender::to(gauges);
        sender.send("a 1\nb 1\nc 1\nd 1\na 2\n");
        let taken = sampled(gauges, |taken| taken.has("b"));
        assert_eq!(taken.value("a"), 2);
        assert!(!taken.has("c") && !taken.has("d"), "{taken}");
        assert_eq!((lines(&taken, "taken"), lines(&taken, "over_limit")), (3, 2));
        let told = taken.diagnostics()[1].message.clone();
        assert!(told.starts_with("There are more than 2 names in one sample interval; c is not taken."), "{told}");
        // The next sample interval has room again.
        sender.send("c 1");
        sampled(gauges, |taken| taken.has("c"));
    });
}

#[test]
fn a_port_that_is_taken_ends_the_run_and_says_what_to_do() {
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let mut gauges = Harness::<Gauges>::from_config(format_args!("{{ port: {port} }}"));
    let error = gauges.run_to_end().err().unwrap().to_string();
    assert!(error.starts_with(&format!("cannot listen on 127.0.0.1:{port} (UDP): ")), "{error}");
    assert!(error.ends_with("Stop that, or choose another port"), "{error}");
}

#[test]
fn the_options_have_their_bounds() {
    let gauges = Harness::<Gauges>::from_config("{ port: 65536, max_names: 0, accept_remote_connections: 7 }");
    assert_eq!(gauges.problems().len(), 3, "{:?}", gauges.problems());
}
