//! Whole sessions against a scripted server.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use scalyr_monitor::{Clock, Stop};

use super::fixture::{File, Lines, wait_until};
use super::server::{SUCCESS, Server, Step};
use crate::config::plan::{ApiKey, Compression, Pacing, SessionPlan};
use crate::ledger::{DropReason, Ledger, Verdict, WorkerId};
use crate::threads::Threads;
use crate::upload::{
    CHANNEL_BATCHES, Finished, HostAttributes, Save, ServerAttributes, Session, SessionParts, UserAgent,
};

const KEY: &str = "api-key-that-must-not-be-seen";
const LONG: Duration = Duration::from_secs(30);

fn plan(server: &str) -> SessionPlan {
    let mut server_attributes = serde_json::Map::new();
    server_attributes.insert("serverHost".to_owned(), "web-1".into());
    SessionPlan {
        worker: WorkerId("default".to_owned()),
        api_key: ApiKey::new(KEY),
        server: server.to_owned(),
        server_attributes,
        verify_server_certificate: true,
        ca_cert_path: None,
        request_deadline: Duration::from_secs(20),
        compression: Compression::Deflate(6),
        pacing: Pacing {
            max_request_size: 5_900_000,
            max_rate: None,
            min_spacing: Duration::ZERO,
            max_spacing: Duration::from_millis(5),
            max_error_spacing: Duration::from_millis(20),
            low_water: (20_480, 1.5),
            high_water: (102_400, 0.6),
            failure_adjustment: 1.5,
        },
    }
}

/// Counts, and calls back.
struct Saves {
    count: AtomicUsize,
    then: Box<dyn Fn(usize) + Send + Sync>,
}

impl Save for Saves {
    fn save(&self) {
        let count = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        (self.then)(count);
    }
}

struct Story {
    session: Session,
    lines: Lines,
    saves: Arc<Saves>,
    ledger: Ledger,
    threads: Threads,
    server_attributes: ServerAttributes,
    user_agent: UserAgent,
}

impl Story {
    fn new(plan: SessionPlan) -> Self {
        Self::with(plan, |_| {})
    }

    fn with(plan: SessionPlan, then: impl Fn(usize) + Send + Sync + 'static) -> Self {
        let lines = Lines::default();
        let saves = Arc::new(Saves { count: AtomicUsize::new(0), then: Box::new(then) });
        let threads = Threads::new();
        let (server_attributes, user_agent) = (ServerAttributes::new(lines.logger()), UserAgent::new(lines.logger()));
        let parts = SessionParts {
            threads: threads.clone(),
            clock: Clock::system(),
            logger: lines.logger(),
            checkpoint: saves.clone(),
            server_attributes: server_attributes.clone(),
            user_agent: user_agent.clone(),
        };
        let session = Session::start(plan, parts).unwrap();
        Self { session, lines, saves, ledger: Ledger::new(), threads, server_attributes, user_agent }
    }

    fn file(&self, path: &str) -> File {
        File::new(&self.ledger, path, "{\"parser\":\"p\"}")
    }

    /// Appends lines to a file and hands them to the session.
    fn append(&self, file: &mut File, lines: &[&str]) {
        let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        self.session.batches().send(file.batch(&lines)).unwrap();
    }

    #[track_caller]
    fn settles(&self, file: &File) {
        wait_until("everything is settled", || file.totals().pending == 0);
    }
}

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
    // Each request is to be paid for with hours.
    plan.pacing.max_rate = Some(0.01);
    let story = Story::new(plan);
    let mut file = story.file("/a");
    assert_eq!(story.session.snapshot().rate_pause_seconds, None);
    story.append(&mut file, &["the first leaves at once\n"]);
    story.settles(&file);
    wait_until("it says why it waits", || story.session.snapshot().rate_pause_seconds > Some(3600.0));
    story.append(&mut file, &["the second has to wait\n"]);
    wait_until("it is packed", || story.session.snapshot().waiting_batches == 0);
    assert_eq!((server.count(), file.totals().accepted.lines), (1, 1));
    assert_eq!(story.session.finish(LONG), Finished { drained: true });
    assert_eq!((server.count(), file.totals().accepted.lines), (2, 2));
    assert_eq!(story.lines.all(), [""; 0]);
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
        Step::ok(r#"{"status":"error/client/badParam"}"#),
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
        Step::ok(r#"{"status":"error/client/badParam"}"#),
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

#[test]
fn bytes_that_are_not_sent_are_settled_without_a_request_and_in_order() {
    let server = Server::start([]);
    let story = Story::new(plan(&server.url()));
    let mut file = story.file("/a");
    let sampled_out = file.batch_of(&[(b"sampled out\n", Verdict::SampledOut)]);
    story.session.batches().send(sampled_out).unwrap();
    story.settles(&file);
    assert_eq!((server.count(), file.totals().sampled_out.lines), (0, 1));
    assert!(story.saves.count.load(Ordering::SeqCst) >= 1);
    story.append(&mut file, &["line\n"]);
    let sampled_out = file.batch_of(&[(b"sampled out\n", Verdict::SampledOut)]);
    story.session.batches().send(sampled_out).unwrap();
    story.settles(&file);
    assert_eq!((server.count(), file.totals().sampled_out.lines, file.totals().accepted.lines), (1, 2, 1));
}

#[test]
fn an_event_too_large_for_every_request_is_dropped_and_the_others_arrive() {
    let server = Server::start([]);
    let mut small = plan(&server.url());
    small.pacing.max_request_size = 2000;
    let story = Story::new(small);
    let mut file = story.file("/a");
    let huge = "x".repeat(5000) + "\n";
    story.append(&mut file, &["one\n", &huge, "two\n"]);
    story.settles(&file);
    assert_eq!(server.messages("log_1"), ["one\n", "two\n"]);
    let totals = file.totals();
    let dropped = totals.dropped[&DropReason::TooLarge];
    assert_eq!((dropped.lines, dropped.bytes, totals.accepted.lines), (1, 5001, 2));
    wait_until("the loss is told", || !story.lines.of("WARNING").is_empty());
    assert_eq!(story.session.snapshot().events_too_large, 1);
    let warnings = story.lines.of("WARNING");
    assert!(warnings.len() == 1 && warnings[0].contains("max_allowed_request_size"), "{warnings:?}");
    assert!(warnings[0].contains("/a"), "{warnings:?}");
}

#[test]
fn finishing_ends_a_pause_and_tries_once_more() {
    let server = Server::start([Step::Answer("503 Service Unavailable", "Retry-After: 3600\r\n", String::new())]);
    let story = Story::new(plan(&server.url()));
    let mut file = story.file("/a");
    story.append(&mut file, &["one\n"]);
    wait_until("the first attempt has failed", || story.session.snapshot().requests_failed == 1);
    story.append(&mut file, &["two\n"]);
    assert_eq!(story.session.finish(LONG), Finished { drained: true });
    assert_eq!(server.messages("log_1"), ["one\n", "one\n", "two\n"]);
    assert_eq!(file.totals().accepted.lines, 2);
}

#[test]
fn finishing_gives_up_when_the_last_attempt_fails_and_leaves_the_bytes_pending() {
    let story = Story::new(plan("http://127.0.0.1:1"));
    let mut file = story.file("/a");
    story.append(&mut file, &["one\n", "two\n"]);
    wait_until("an attempt has failed", || story.session.snapshot().requests_failed > 0);
    assert_eq!(story.session.finish(LONG), Finished { drained: false });
    assert_eq!((file.totals().pending, file.totals().accepted.lines), (8, 0));
    wait_until("the threads have ended", || story.threads.running() == 0);
}

#[test]
fn finishing_does_not_wait_longer_than_its_budget_for_a_server_that_hangs() {
    let never = Stop::new();
    let server = Server::start([Step::Hold(never.clone()), Step::Hold(never.clone())]);
    let story = Story::new(plan(&server.url()));
    let mut file = story.file("/a");
    story.append(&mut file, &["one\n"]);
    wait_until("the server has it", || server.count() == 1);
    assert_eq!(story.session.finish(Duration::from_millis(50)), Finished { drained: false });
    wait_until("the threads have ended although the server is silent", || story.threads.running() == 0);
    assert_eq!(file.totals().pending, 4, "nobody knows whether it was accepted, so it stays pending");
    never.stop();
}

#[test]
fn a_missing_certificate_file_is_named_and_waited_for() {
    let missing = "/nonexistent/ca.pem";
    let mut broken = plan("https://127.0.0.1:1");
    broken.ca_cert_path = Some(missing.into());
    let story = Story::new(broken);
    let mut file = story.file("/a");
    story.append(&mut file, &["one\n"]);
    wait_until("it was tried again", || story.session.snapshot().requests_failed > 1);
    let warnings = story.lines.of("WARNING");
    assert!(warnings.len() == 1 && warnings[0].contains(missing), "{warnings:?}");
    assert_eq!(file.totals().pending, 4);
}

#[test]
fn a_panic_in_a_thread_of_the_session_is_logged_and_settles_nothing_more() {
    let server = Server::start([]);
    let story = Story::with(plan(&server.url()), |saves| assert!(saves < 2, "a mistake in the checkpoint"));
    let mut file = story.file("/a");
    story.append(&mut file, &["one\n"]);
    story.settles(&file);
    story.append(&mut file, &["two\n"]);
    wait_until("the session has ended", || story.session.snapshot().broken.is_some());
    wait_until("the channel is closed", || story.session.batches().send(file.batch(&[b"three\n"])).is_err());
    assert!(story.lines.of("CRITICAL")[0].contains("a mistake in the checkpoint"), "{:?}", story.lines.all());
    assert_eq!(story.session.finish(LONG), Finished { drained: false });
    assert!(file.totals().pending > 0);
}

#[test]
fn arenas_come_back_empty() {
    let server = Server::start([]);
    let story = Story::new(plan(&server.url()));
    let mut file = story.file("/a");
    story.append(&mut file, &["one\n"]);
    let arena = story.session.recycled().recv_timeout(LONG).unwrap();
    assert!(arena.is_empty() && arena.capacity() >= 4);
}
