//! What arrives, in which form and order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::fixture::wait_until;
use super::super::server::{Server, Step};
use super::{KEY, LONG, Story, plan};
use crate::config::plan::{Compression, SessionPlan};
use crate::upload::{Finished, HostAttributes};

#[test]
fn lines_of_two_files_arrive_once_in_order_and_are_saved_before_the_next_request() {
    let server = Server::start([]);
    let seen = server.clone();
    let ahead = Arc::new(AtomicBool::new(false));
    let ran_ahead = Arc::clone(&ahead);
    let story = Story::with(plan(&server.url()), move |saves| {
        // Requests are strictly one at a time: at the n-th save no request after the n-th has left.
        ran_ahead.fetch_or(seen.count() > saves, Ordering::SeqCst);
    });
    let (mut a, mut b) = (story.file("/a"), story.file("/b"));
    let mut expected = (Vec::new(), Vec::new());
    for n in 0..200 {
        let texts = (format!("a{n}\n"), format!("b{n}\n"));
        story.append(&mut a, &[&texts.0]);
        story.append(&mut b, &[&texts.1, "second\n"]);
        expected.0.push(texts.0);
        expected.1.extend([texts.1, "second\n".to_owned()]);
    }
    assert_eq!(story.session.finish(LONG), Finished { drained: true });
    assert_eq!(server.messages("log_1"), expected.0);
    assert_eq!(server.messages("log_2"), expected.1);
    assert_eq!((a.totals().accepted.lines, b.totals().accepted.lines), (200, 400));
    assert_eq!((a.totals().pending, b.totals().pending), (0, 0));
    assert!(!ahead.load(Ordering::SeqCst), "a request left before the one before was saved");
    assert_eq!(story.saves.count.load(Ordering::SeqCst), server.count());
    assert_eq!(story.lines.all(), [""; 0], "successful uploads log nothing");
    let snapshot = story.session.snapshot();
    assert_eq!((snapshot.events_accepted, snapshot.requests_failed), (600, 0));
    assert_eq!(snapshot.requests_succeeded as usize, server.count());
    assert_eq!(snapshot.connections_opened, 1, "the connection is kept");
    wait_until("the threads have ended", || story.threads.running() == 0);
}

#[test]
fn a_limit_of_the_rate_keeps_requests_back_says_so_and_holds_up_no_stop() {
    let server = Server::start([]);
    let mut plan = plan(&server.url());
    // Four seconds' worth is what may leave at once: one line. The other one is to wait for hours.
    plan.pacing.max_rate = Some("the first\n".len() as f64 / 4.0);
    let story = Story::new(plan);
    let mut file = story.file("/a");
    assert_eq!(story.session.snapshot().rate_pause_seconds, None);
    story.append(&mut file, &["the first\n"]);
    story.settles(&file);
    assert_eq!(story.session.snapshot().rate_pause_seconds, None, "nothing waits");
    let second = "and the second has to wait\n".repeat(1000);
    story.append(&mut file, &[&second]);
    wait_until("it says why it waits", || story.session.snapshot().rate_pause_seconds > Some(3600.0));
    assert_eq!((server.count(), file.totals().accepted.lines), (1, 1));
    let kept_back = story.session.snapshot().rate_limit_seconds;
    wait_until("the wait is counted", || story.session.snapshot().rate_limit_seconds > kept_back);
    assert_eq!(story.session.finish(LONG), Finished { drained: false }, "the limit holds to the end");
    assert_eq!((server.count(), file.totals().accepted.lines), (1, 1));
    assert_eq!(file.totals().pending, second.len() as u64, "it is read again after the next start");
    assert_eq!(story.lines.all(), [""; 0]);
}

#[test]
fn a_session_that_ends_sends_what_the_limit_of_the_rate_allows_at_once() {
    let server = Server::start([]);
    let mut plan = plan(&server.url());
    plan.pacing.max_rate = Some(1e6);
    // Without the end, lines behind the first one would wait for hours.
    plan.pacing.min_spacing = 120 * LONG;
    plan.pacing.max_spacing = plan.pacing.min_spacing;
    let story = Story::new(plan);
    let mut file = story.file("/a");
    story.append(&mut file, &["one\n"]);
    story.settles(&file);
    story.append(&mut file, &["two\n"]);
    assert_eq!(story.session.finish(LONG), Finished { drained: true });
    assert_eq!(server.messages("log_1"), ["one\n", "two\n"]);
}

#[test]
fn what_monitors_say_of_the_host_and_the_agent_is_in_the_next_request_over_the_same_connection() {
    let server = Server::start([]);
    let story = Story::new(plan(&server.url()));
    let mut file = story.file("/a");
    let host = |zone: &str| HostAttributes {
        id: 1,
        monitor: "coin()".to_owned(),
        module: "coin".to_owned(),
        attributes: serde_json::Map::from_iter([("zone".to_owned(), zone.into()), ("serverHost".to_owned(), 1.into())]),
    };
    for (zone, fragment) in [("", ""), ("b", "k8s:1.2"), ("c", "k8s:1.3"), ("", "")] {
        if zone.is_empty() {
            story.server_attributes.take_back(1)
        } else {
            story.server_attributes.say(host(zone))
        }
        story.user_agent.set(1, fragment);
        story.append(&mut file, &["line\n"]);
        story.settles(&file);
    }
    let own = crate::upload::user_agent().to_lowercase();
    server.look(|received| {
        let of = |index: usize| {
            let request = &received[index];
            let agent = request.head.split("\r\nuser-agent: ").nth(1).unwrap().split("\r\n").next().unwrap();
            assert_eq!(request.head.matches("user-agent").count(), 1);
            let info = &request.body.head["sessionInfo"];
            (request.connection, agent.replace(&own, ""), info["zone"].clone(), info["serverHost"].clone())
        };
        let host = serde_json::Value::from("web-1");
        assert_eq!(of(0), (1, String::new(), serde_json::Value::Null, host.clone()));
        assert_eq!(of(1), (1, ";k8s:1.2".to_owned(), "b".into(), host.clone()));
        assert_eq!(of(2), (1, ";k8s:1.3".to_owned(), "c".into(), host.clone()));
        assert_eq!(of(3), (1, String::new(), serde_json::Value::Null, host));
    });
}

#[test]
fn the_request_has_the_headers_of_the_protocol() {
    let server = Server::start([]);
    let story = Story::new(plan(&server.url()));
    let mut file = story.file("/a");
    story.append(&mut file, &["line\n"]);
    story.settles(&file);
    server.look(|received| {
        let head = &received[0].head;
        assert!(head.starts_with("post /addevents http/1.1\r\n"), "{head}");
        for header in [
            format!("\r\nhost: {}\r\n", server.address),
            "\r\naccept: application/json\r\n".to_owned(),
            "\r\naccept-encoding: identity\r\n".to_owned(),
            "\r\ncontent-encoding: deflate\r\n".to_owned(),
            format!("\r\nuser-agent: {}\r\n", crate::upload::user_agent().to_lowercase()),
        ] {
            assert!(head.contains(&header), "{header:?} in {head}");
        }
        assert!(!head.contains("transfer-encoding") && !head.contains(KEY) && !head.contains("expect:"), "{head}");
        let body = &received[0].body;
        assert_eq!((&body.head["token"], &body.head["sessionInfo"]["serverHost"]), (&KEY.into(), &"web-1".into()));
        assert_eq!(body.head["session"].as_str().unwrap().len(), 28);
        assert!(body.client_time > 1_600_000_000);
    });
}

#[test]
fn the_server_may_be_named_and_the_name_is_looked_up_on_the_send_thread() {
    let server = Server::start([Step::Cut]);
    let story = Story::new(plan(&format!("http://localhost:{}", server.address.port())));
    let mut file = story.file("/a");
    for line in ["one\n", "two\n"] {
        story.append(&mut file, &[line]);
        story.settles(&file);
    }
    assert_eq!(server.messages("log_1"), ["one\n", "one\n", "two\n"]);
    server.look(|received| assert!(received[0].head.contains("\r\nhost: localhost:"), "{}", received[0].head));
}

#[test]
fn without_compression_the_body_is_sent_as_it_is() {
    let server = Server::start([]);
    let story = Story::new(SessionPlan { compression: Compression::None, ..plan(&server.url()) });
    let mut file = story.file("/a");
    story.append(&mut file, &["line\n"]);
    story.settles(&file);
    server.look(|received| assert!(!received[0].head.contains("content-encoding"), "{}", received[0].head));
    let snapshot = story.session.snapshot();
    assert_eq!(snapshot.bytes_raw, snapshot.bytes_compressed);
}
