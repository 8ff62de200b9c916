//! Servers that refuse, stall, cut or swallow.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use scalyr_monitor::Stop;

use super::super::fixture::wait_until;
use super::super::server::{SUCCESS, Server, Step};
use super::{KEY, Story, plan};
use crate::config::plan::SessionPlan;
use crate::ledger::DropReason;
use crate::upload::CHANNEL_BATCHES;

#[test]
fn a_server_that_refuses_for_a_while_gets_everything_once_and_the_log_says_it_twice() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let story = Story::new(plan(&format!("http://{address}")));
    let mut file = story.file("/a");
    story.append(&mut file, &["one\n", "two\n"]);
    wait_until("several attempts have failed", || story.session.snapshot().requests_failed > 4);
    story.append(&mut file, &["three\n"]);
    let snapshot = story.session.snapshot();
    assert!(snapshot.in_flight && snapshot.failing_since_ms.is_some() && snapshot.last_success_ms.is_none());
    assert_eq!(file.totals().accepted.lines, 0);
    let server = Server::listen(TcpListener::bind(address).unwrap(), []);
    story.settles(&file);
    assert_eq!(server.messages("log_1"), ["one\n", "two\n", "three\n"]);
    assert_eq!(file.totals().accepted.lines, 3);
    assert_eq!(story.session.snapshot().failing_since_ms, None);
    let logged = story.lines.all();
    assert_eq!(logged.len(), 2, "{logged:?}");
    assert!(logged[0].starts_with("WARNING Cannot upload to http://127.0.0.1"), "{logged:?}");
    assert!(logged[0].contains("refused"), "{logged:?}");
    assert!(logged[1].starts_with("INFO Uploads to http://127.0.0.1"), "{logged:?}");
}

#[test]
fn whatever_goes_wrong_the_same_events_come_again_until_they_are_accepted() {
    let html = "<html>503 Service Unavailable</html>".to_owned();
    let troubles = [
        Step::ok(r#"{"status":"error/server/backoff","message":"back off"}"#),
        Step::Answer("503 Service Unavailable", "Retry-After: 0\r\n", html),
        Step::Answer("500 Internal Server Error", "", SUCCESS.to_owned()),
        Step::Answer("302 Found", "Location: http://127.0.0.1:1/addEvents\r\n", SUCCESS.to_owned()),
        Step::ok(r#"{"status":"error/client/badClientClockSkew"}"#),
        Step::ok(""),
        Step::ok("null"),
        Step::ok(&format!("{{\"status\":\"success\",\"padding\":\"{}\"}}", "x".repeat(100_000))),
        Step::Cut,
        Step::CutAnswer,
    ];
    let count = troubles.len();
    let server = Server::start(troubles);
    let story = Story::new(plan(&server.url()));
    let mut file = story.file("/a");
    story.append(&mut file, &["one\n", "two\n"]);
    story.settles(&file);
    assert_eq!(file.totals().accepted.lines, 2);
    assert!(server.count() > count, "{}", server.count());
    server.look(|received| {
        for request in received {
            assert_eq!(request.body.events, received[0].body.events, "same messages, times and numbers");
            assert_eq!(request.body.head, received[0].body.head);
        }
    });
    // The connection that was cut after it had been used was taken for a stale one, and the request sent again at once.
    let snapshot = story.session.snapshot();
    assert!(snapshot.requests_failed as usize >= count - 1 && snapshot.requests_succeeded == 1, "{snapshot:?}");
    // Many causes in a short time are one warning.
    assert_eq!(story.lines.of("WARNING").len(), 1, "{:?}", story.lines.all());
}

#[test]
fn only_client_time_is_new_when_a_request_is_sent_again() {
    let server = Server::start([Step::Answer("503 Service Unavailable", "Retry-After: 3\r\n", String::new())]);
    let story = Story::new(plan(&server.url()));
    let mut file = story.file("/a");
    story.append(&mut file, &["one\n"]);
    story.settles(&file);
    server.look(|received| {
        let [first, second] = received else { panic!("{} requests", received.len()) };
        assert!(second.body.client_time >= first.body.client_time + 3, "Retry-After is honoured");
        let (old, new) = (first.body.client_time.to_string(), second.body.client_time.to_string());
        let expected =
            String::from_utf8_lossy(&first.raw).replace(&format!("client_time: {old}"), &format!("client_time: {new}"));
        assert_eq!(String::from_utf8_lossy(&second.raw), expected);
    });
}

#[test]
fn a_stale_connection_is_opened_anew_at_once_and_is_no_failure() {
    let server = Server::start([Step::ok(SUCCESS), Step::Cut, Step::CloseAfter, Step::ok(SUCCESS)]);
    let mut slow_retry = plan(&server.url());
    slow_retry.pacing.max_error_spacing = Duration::from_secs(3600);
    let story = Story::new(slow_retry);
    let mut file = story.file("/a");
    for line in ["one\n", "two\n", "three\n", "four\n"] {
        story.append(&mut file, &[line]);
        story.settles(&file);
    }
    assert_eq!(server.messages("log_1"), ["one\n", "two\n", "two\n", "three\n", "four\n"]);
    let snapshot = story.session.snapshot();
    assert_eq!((snapshot.requests_sent, snapshot.requests_failed, snapshot.events_accepted), (4, 0, 4));
    assert_eq!(story.lines.all(), [""; 0]);
    server.look(|received| assert_ne!(received[1].connection, received[2].connection));
}

#[test]
fn a_server_that_never_answers_costs_one_deadline_and_memory_stays_bounded() {
    let released = Stop::new();
    let server = Server::start([Step::Hold(released.clone()), Step::Hold(released.clone())]);
    let deadline = Duration::from_millis(300);
    let story = Story::new(SessionPlan { request_deadline: deadline, ..plan(&server.url()) });
    let mut file = story.file("/a");
    story.append(&mut file, &["first\n"]);
    wait_until("the deadline has passed twice", || story.session.snapshot().requests_failed >= 2);
    assert!(story.session.snapshot().last_answer.unwrap().contains("request_deadline"));
    released.stop();
    story.settles(&file);
    assert_eq!(file.totals().accepted.lines, 1, "settled once, although the server got it several times");
}

#[test]
fn while_the_server_stalls_batches_wait_in_the_channel_and_then_all_arrive() {
    let released = Stop::new();
    let server = Server::start([Step::Hold(released.clone())]);
    let mut small = plan(&server.url());
    small.pacing.max_request_size = 2000;
    let story = Story::new(small);
    let mut file = story.file("/a");
    let line = "x".repeat(999) + "\n";
    let mut handed_over = 0;
    let mut waiting: Option<crate::logs::batch::Batch> = None;
    // One line fits a request: one is on its way, one is packed behind it, one waits for its request.
    while handed_over < CHANNEL_BATCHES + 3 {
        let batch = waiting.take().unwrap_or_else(|| file.batch(&[line.as_bytes()]));
        match story.session.batches().try_send(batch) {
            Ok(()) => handed_over += 1,
            Err(full) => waiting = Some(full.into_inner()),
        }
    }
    wait_until("the channel is full", || story.session.snapshot().waiting_batches == CHANNEL_BATCHES);
    let next = file.batch(&[line.as_bytes()]);
    let next = story.session.batches().try_send(next).expect_err("there is no room for more").into_inner();
    wait_until("the first request has arrived", || server.count() == 1);
    released.stop();
    story.session.batches().send(next).unwrap();
    story.settles(&file);
    assert_eq!(server.messages("log_1").len(), CHANNEL_BATCHES + 4);
    assert_eq!(file.totals().accepted.lines as usize, CHANNEL_BATCHES + 4);
}

#[test]
fn a_discarded_request_is_dropped_counted_and_told_of() {
    let server = Server::start([Step::ok(r#"{"status":"error/server/discardBuffer"}"#)]);
    let story = Story::new(plan(&server.url()));
    let mut file = story.file("/a");
    story.append(&mut file, &["one\n", "two\n"]);
    story.settles(&file);
    story.append(&mut file, &["three\n"]);
    story.settles(&file);
    let totals = file.totals();
    assert_eq!((totals.dropped[&DropReason::ServerDiscarded].lines, totals.accepted.lines), (2, 1));
    assert_eq!(server.messages("log_1"), ["one\n", "two\n", "three\n"]);
    assert_eq!(story.session.snapshot().events_discarded, 2);
    let warnings = story.lines.of("WARNING");
    assert!(warnings.len() == 1 && warnings[0].contains("discard 2 events"), "{warnings:?}");
}

#[test]
fn the_api_key_appears_in_no_log_and_no_status() {
    let echo = format!(r#"{{"status":"error/client/{KEY}","message":"no such key: {KEY}"}}"#);
    let server = Server::start([
        Step::ok(&echo),
        // The answer to the probe.
        Step::ok(&format!(r#"{{"status":"error/client/badParam","message":"no such key: {KEY}"}}"#)),
        Step::Answer("403 Forbidden", "", format!("{{\"token\": \"{KEY}\"")),
    ]);
    let story = Story::new(plan(&server.url()));
    let mut file = story.file("/a");
    let (told, snapshots) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    story.append(&mut file, &["one\n"]);
    wait_until("it is accepted", || {
        let shown =
            format!("{:?}{}", story.session.snapshot(), serde_json::to_string(&story.session.snapshot()).unwrap());
        told.fetch_or(shown.contains(KEY), Ordering::SeqCst);
        snapshots.fetch_add(1, Ordering::SeqCst);
        file.totals().pending == 0
    });
    assert!(!told.load(Ordering::SeqCst) && snapshots.load(Ordering::SeqCst) > 0);
    let logged = story.lines.all().join("\n");
    assert!(!logged.contains(KEY) && logged.contains("MASKED"), "{logged}");
    assert!(!format!("{:?}", plan(&server.url())).contains(KEY));
}
