//! Each failure row of `wire-protocol.md` section 6: what comes again, after how long, what status and log say. Rows of
//! the table that are told elsewhere: `discardBuffer`, `requestTooLarge` and a refused key also with what follows from
//! them in `trouble` and `refused`; log files that cannot be read in `program/tests/sharp_edges.rs`.

use std::net::TcpListener;
use std::time::Duration;

use scalyr_monitor::Stop;

use super::super::exchange::tls_front::{Authority, Identity, TlsFront};
use super::super::fixture::wait_until;
use super::super::server::{SUCCESS, Server, Step};
use super::{LONG, Story, plan};
use crate::config::plan::{Roots, SessionPlan};
use crate::ledger::DropReason;
use crate::upload::{Finished, SessionSnapshot, SessionState};

/// A failure, and what is to be seen of it.
struct Row {
    step: Step,
    /// Status has it as the last answer's status.
    status: &'static str,
    /// Status and log have it, to the letter: `SERVER` stands for the address, `...` for what changes from time to time.
    says: &'static str,
    /// The least time in milliseconds before it comes again.
    pause: u64,
}

/// The first pause, a fifth less by chance; long enough to be seen.
const FIRST_PAUSE: Duration = Duration::from_millis(300);

fn row(step: Step, status: &'static str, says: &'static str) -> Row {
    Row { step, status, says, pause: 240 }
}

/// HTTP 200 with something that is no answer of the service.
fn unreadable(body: &str, says: &'static str) -> Row {
    row(Step::ok(body), "HTTP 200", says)
}

/// HTTP 200 with another status.
fn other(code: &'static str, says: &'static str) -> Row {
    row(Step::ok(&format!("{{\"status\":\"{code}\"}}")), code, says)
}

/// Another code.
fn http(line: &'static str, headers: &'static str, body: &str, status: &'static str, says: &'static str) -> Row {
    row(Step::Answer(line, headers, body.to_owned()), status, says)
}

const HTML: &str = "<html>Bad Gateway</html>";

/// Answers with HTTP 200.
fn rows_with_200() -> Vec<Row> {
    vec![
        unreadable(HTML, "the server answers HTTP 200 without a status that can be read: <html>Bad Gateway</html>"),
        unreadable(
            r#"{"status":"succ"#,
            "the server answers HTTP 200 without a status that can be read: {\"status\":\"succ",
        ),
        unreadable("", "the server answers HTTP 200 with an empty body"),
        unreadable("{}", "the server answers HTTP 200 without a status that can be read: {}"),
        unreadable("[]", "the server answers HTTP 200 without a status that can be read: []"),
        unreadable("null", "the server answers HTTP 200 without a status that can be read: null"),
        unreadable("17", "the server answers HTTP 200 without a status that can be read: 17"),
        unreadable(r#""success""#, "the server answers HTTP 200 without a status that can be read: \"success\""),
        unreadable(r#"{"status":7}"#, "the server answers HTTP 200 without a status that can be read: {\"status\":7}"),
        unreadable(
            r#"{"status":["success"]}"#,
            "the server answers HTTP 200 without a status that can be read: {\"status\":[\"success\"]}",
        ),
        unreadable(
            &format!("{{\"status\":\"success\",\"padding\":\"{}\"}}", "x".repeat(100_000)),
            "the server answers HTTP 200 with more than 65536 bytes: {\"status\":\"success\",\"padding\":\"xxx...",
        ),
        other("parseResponseFailed", "the server answers status parseResponseFailed"),
        other("error/server/backoff", "the server answers status error/server/backoff"),
        other("error/server", "the server answers status error/server"),
        // The Python agent dropped the request for this one, and halved it for the next.
        other("discardBufferNot", "the server answers status discardBufferNot"),
        other("requestTooLarge/no", "the server answers status requestTooLarge/no"),
        row(
            Step::ok(r#"{"status":"error/client/badClientClockSkew"}"#),
            "error/client/badClientClockSkew",
            "the server answers status error/client/badClientClockSkew; it finds that the clock of this host is wrong, set \
             it (for example with NTP)",
        ),
    ]
}

/// Answers with other codes: whatever the body says.
fn rows_with_other_codes() -> Vec<Row> {
    vec![
        http(
            "500 Internal Server Error",
            "",
            SUCCESS,
            "HTTP 500: success",
            "the server answers HTTP 500 with status success: {\"status\":\"success\",\"bytesCharged\":1}",
        ),
        http(
            "502 Bad Gateway",
            "",
            HTML,
            "HTTP 502",
            "the server answers HTTP 502 without a status that can be read: <html>Bad Gateway</html>",
        ),
        http(
            "302 Found",
            "Location: /addEvents\r\n",
            SUCCESS,
            "HTTP 302: success",
            "the server answers HTTP 302 with status success: {\"status\":\"success\",\"bytesCharged\":1}",
        ),
        http(
            "307 Temporary Redirect",
            "Location: /\r\n",
            "",
            "HTTP 307",
            "the server answers HTTP 307 with an empty body",
        ),
        http(
            "404 Not Found",
            "",
            HTML,
            "HTTP 404",
            "the server answers HTTP 404 without a status that can be read: <html>Bad Gateway</html>",
        ),
        http("408 Request Timeout", "", "", "HTTP 408", "the server answers HTTP 408 with an empty body"),
        http(
            "429 Too Many Requests",
            "",
            SUCCESS,
            "HTTP 429: success",
            "the server answers HTTP 429 with status success: {\"status\":\"success\",\"bytesCharged\":1}",
        ),
        http(
            "429 Too Many Requests",
            "",
            r#"{"status":"discardBuffer"}"#,
            "HTTP 429: discardBuffer",
            "the server answers HTTP 429 with status discardBuffer",
        ),
        http(
            "400 Bad Request",
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
            r#"{"status":"error/client/badClientClockSkew"}"#,
            "HTTP 400: error/client/badClientClockSkew",
            "the server answers HTTP 400 with status error/client/badClientClockSkew; it finds that the clock of this host \
             is wrong, set it (for example with NTP): it says 20...",
        ),
    ]
}

/// `Retry-After`, in both forms and without the server's own time.
fn rows_with_retry_after() -> Vec<Row> {
    let seconds = http(
        "429 Too Many Requests",
        "Retry-After: 1\r\n",
        "",
        "HTTP 429",
        "the server answers HTTP 429 with an empty body",
    );
    let date = http(
        "503 Service Unavailable",
        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:49:39 GMT\r\n",
        "",
        "HTTP 503",
        "the server answers HTTP 503 with an empty body",
    );
    let past = http(
        "503 Service Unavailable",
        "Retry-After: Sun, 06 Nov 1994 08:49:39 GMT\r\n",
        "",
        "HTTP 503",
        "the server answers HTTP 503 with an empty body",
    );
    vec![Row { pause: 1000, ..seconds }, Row { pause: 2000, ..date }, past]
}

/// Connections that end.
fn rows_without_answer() -> Vec<Row> {
    vec![
        row(Step::Cut, "connection closed", "the server SERVER closed the connection without an answer"),
        row(
            Step::CutAnswer,
            "connection closed",
            "the server SERVER closed the connection in the middle of its answer",
        ),
        row(Step::Reset, "connection reset", "the server SERVER reset the connection without an answer"),
    ]
}

/// Whether a text is what a row says.
fn is_so(text: &str, says: &str, server: &str) -> bool {
    let says = says.replace("SERVER", server);
    match says.strip_suffix("...") {
        Some(begin) => text.starts_with(begin),
        None => text == says,
    }
}

/// The trouble in the one warning that there is.
fn told(story: &Story, server: &str) -> String {
    let warnings = story.lines.of("WARNING");
    let [warning] = warnings.as_slice() else { panic!("{:?}", story.lines.all()) };
    let begin = format!("WARNING Cannot upload to {server} (session default-0): ");
    let trouble = warning.strip_prefix(&begin).unwrap_or_else(|| panic!("{warning}"));
    let end = ". It is tried again until it works; nothing is lost meanwhile";
    trouble.strip_suffix(end).unwrap_or_else(|| panic!("{warning}")).to_owned()
}

/// What status says while uploads fail, seen before all of the file was settled.
fn while_failing(story: &Story, done: impl Fn() -> bool) -> Option<SessionSnapshot> {
    let mut failing = None;
    wait_until("it is over", || {
        let snapshot = story.session.snapshot();
        // Between two attempts.
        if snapshot.state == SessionState::Failing && snapshot.back_off_seconds.is_some() {
            failing.get_or_insert(snapshot);
        }
        done()
    });
    failing
}

#[test]
fn after_each_failure_the_same_comes_again_after_a_pause_and_status_and_log_say_why() {
    let rows = [rows_with_200(), rows_with_other_codes(), rows_with_retry_after(), rows_without_answer()];
    for Row { step, status, says, pause } in rows.into_iter().flatten() {
        let server = Server::start([step]);
        let address = server.address.to_string();
        let mut patient = plan(&server.url());
        patient.pacing.max_error_spacing = FIRST_PAUSE;
        let story = Story::new(patient);
        let mut file = story.file("/a");
        story.append(&mut file, &["one\n", "two\n"]);
        let failing = while_failing(&story, || file.totals().pending == 0);
        let failing = failing.unwrap_or_else(|| panic!("{says}: status never said that uploads fail"));
        assert_eq!(failing.last_status.as_deref(), Some(status), "{says}");
        assert!(failing.last_answer.as_deref().is_some_and(|text| is_so(text, says, &address)), "{failing:?}");
        assert!(failing.failing_since_ms.is_some() && failing.state_since_ms.is_some() && failing.in_flight, "{says}");
        assert_eq!((failing.requests_sent, failing.requests_failed), (1, 1), "{says}");
        assert!(failing.back_off_seconds.is_some_and(|seconds| seconds * 1000.0 >= pause as f64), "{failing:?}");
        server.look(|received| {
            let [first, second] = received else { panic!("{says}: {} requests", received.len()) };
            assert_eq!((&first.body.events, &first.body.head), (&second.body.events, &second.body.head), "{says}");
            assert!(second.at - first.at >= Duration::from_millis(pause), "{says}: {:?}", second.at - first.at);
        });
        wait_until("the end is told", || story.lines.of("INFO").len() == 1);
        assert!(is_so(&told(&story, &server.url()), says, &address), "{says}: {:?}", story.lines.all());
        let end = &story.lines.all()[1];
        let seconds = end.strip_prefix(&format!("INFO Uploads to {} work again, after ", server.url()));
        let seconds = seconds.and_then(|text| text.strip_suffix(" s of failures")).map(str::parse::<u64>);
        assert!(seconds.is_some_and(|seconds| seconds.is_ok_and(|seconds| seconds >= pause / 1000)), "{end}");
        let snapshot = story.session.snapshot();
        assert_eq!(
            (snapshot.requests_failed, snapshot.requests_succeeded, snapshot.requests_sent, snapshot.events_accepted),
            (1, 1, 2, 2),
            "{says}"
        );
        assert_eq!(
            (snapshot.state, snapshot.failing_since_ms, snapshot.back_off_seconds),
            (SessionState::Ok, None, None)
        );
        assert_eq!((snapshot.last_status.as_deref(), snapshot.last_answer), (Some("success"), None), "{says}");
    }
}

/// The rows that settle something.
#[test]
fn a_success_says_nothing_and_what_is_to_be_discarded_is_counted_and_told_of() {
    let server = Server::start([
        Step::ok(SUCCESS),
        Step::ok(r#"{"status":"discardBuffer"}"#),
        Step::ok(r#"{"status":"error/server/discardBuffer"}"#),
    ]);
    let story = Story::new(plan(&server.url()));
    let mut file = story.file("/a");
    story.append(&mut file, &["one\n"]);
    story.settles(&file);
    let snapshot = story.session.snapshot();
    assert_eq!((snapshot.state, snapshot.last_status.as_deref()), (SessionState::Ok, Some("success")));
    assert_eq!((snapshot.requests_succeeded, snapshot.events_accepted, story.lines.all().len()), (1, 1, 0));
    story.append(&mut file, &["two\n", "three\n"]);
    story.settles(&file);
    let told = format!("WARNING {} asked to discard 2 events; they are not sent again", server.url());
    assert_eq!(story.lines.all(), [told.as_str()]);
    // At most one such line a minute; what came in between is told at the end.
    story.append(&mut file, &["four\n"]);
    story.settles(&file);
    assert_eq!(story.session.finish(LONG), Finished { drained: true });
    assert_eq!(
        story.lines.all()[1..],
        [format!("WARNING {} asked to discard 1 event; it is not sent again", server.url())]
    );
    let (snapshot, totals) = (story.session.snapshot(), file.totals());
    assert_eq!((snapshot.requests_failed, snapshot.events_discarded, server.count()), (0, 3, 3));
    assert_eq!((totals.dropped[&DropReason::ServerDiscarded].lines, totals.accepted.lines), (3, 1));
}

/// `requestTooLarge`, in each of its forms: the halves leave at once.
#[test]
fn what_is_too_large_comes_in_halves_without_a_pause() {
    for (step, text) in [
        (Step::ok(r#"{"status":"requestTooLarge"}"#), "the server answers status requestTooLarge)"),
        (
            Step::ok(r#"{"status":"error/client/requestTooLarge"}"#),
            "the server answers status error/client/requestTooLarge)",
        ),
        (
            Step::Answer("413 Payload Too Large", "", HTML.to_owned()),
            "the server answers HTTP 413 without a status that can be read: <html>",
        ),
    ] {
        let server = Server::start([step]);
        let mut patient = plan(&server.url());
        // Were there a pause, the story would not end in time.
        patient.pacing.max_error_spacing = Duration::from_secs(3600);
        let story = Story::new(patient);
        let mut file = story.file("/a");
        story.append(&mut file, &["one\n", "two\n"]);
        story.settles(&file);
        server.look(|received| {
            let of: Vec<Vec<String>> = received.iter().map(|request| request.body.messages("log_1")).collect();
            assert_eq!(of, [vec!["one\n", "two\n"], vec!["one\n"], vec!["two\n"]], "{text}");
        });
        let snapshot = story.session.snapshot();
        assert_eq!((snapshot.requests_failed, snapshot.requests_split, snapshot.events_accepted), (1, 1, 2), "{text}");
        assert_eq!(snapshot.request_limit, 102_400, "half of it, at least min_allowed_request_size");
        let told = story.lines.all();
        let begin = format!("INFO 1 request too large for {} ({text}", server.url());
        let end = "It is sent in parts, and the next ones have at most 102400 bytes before compression \
                   (max_allowed_request_size is 5900000)";
        assert!(told.len() == 1 && told[0].starts_with(&begin) && told[0].ends_with(end), "{told:?}");
    }
}

/// A plan for a server that is never reached, and what is told of it.
struct Unreached {
    plan: SessionPlan,
    status: &'static str,
    says: String,
}

fn trusting(authority: &Authority, server: &str) -> SessionPlan {
    let file = tempfile::Builder::new().prefix("authority").suffix(".pem").tempfile().unwrap().keep().unwrap().1;
    std::fs::write(&file, authority.pem()).unwrap();
    SessionPlan { roots: Roots::File(file), ..plan(server) }
}

/// "connect failed" and "no answer in time".
#[test]
fn a_server_that_is_not_reached_is_tried_again_and_status_and_log_name_the_cause() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let authority = Authority::new();
    // Nobody speaks with the server behind them.
    let front = |identity: &Identity| TlsFront::before(closed, identity);
    let (self_signed, elsewhere) = (
        front(&Identity::self_signed(&["localhost"], |_| {})),
        front(&authority.issue(&["elsewhere.example"], |_| {})),
    );
    let stranger = front(&authority.issue(&["localhost"], |_| {}));
    let url = |front: &TlsFront| format!("https://localhost:{}", front.address.port());
    let released = Stop::new();
    let silent = Server::start(vec![Step::Hold(released.clone()); 10]);
    let rows = [
        Unreached {
            plan: plan(&format!("http://{closed}")),
            status: "connection refused",
            says: format!("cannot connect with the server {closed}: the connection is refused; it does not run"),
        },
        Unreached {
            plan: plan("http://no-such-host.invalid"),
            status: "name not found",
            says: "the name of the server no-such-host.invalid:80 has no address".to_owned(),
        },
        Unreached {
            plan: plan(&url(&self_signed)),
            status: "self-signed certificate",
            says: format!("the certificate of the server localhost:{}", self_signed.address.port()),
        },
        Unreached {
            plan: plan(&url(&stranger)),
            status: "unknown authority",
            says: format!(
                "the certificate of the server localhost:{} is signed by an authority that is not trusted",
                stranger.address.port()
            ),
        },
        Unreached {
            plan: trusting(&authority, &url(&elsewhere)),
            status: "certificate of another name",
            says: format!("the certificate of the server localhost:{} is for elsewhere", elsewhere.address.port()),
        },
        Unreached {
            plan: SessionPlan { request_deadline: Duration::from_millis(300), ..plan(&silent.url()) },
            status: "no answer in time",
            says: format!("the server {}", silent.address),
        },
    ];
    for Unreached { plan, status, says } in rows {
        let server = plan.server.clone();
        let story = Story::new(plan);
        let mut file = story.file("/a");
        story.append(&mut file, &["one\n", "two\n"]);
        let failing = while_failing(&story, || story.session.snapshot().requests_failed >= 3);
        let failing = failing.unwrap_or_else(|| panic!("{says}: status never said that uploads fail"));
        assert_eq!((failing.last_status.as_deref(), failing.last_success_ms), (Some(status), None), "{failing:?}");
        assert!(failing.last_answer.as_deref().is_some_and(|text| text.starts_with(&says)), "{failing:?}");
        assert!(failing.failing_since_ms.is_some(), "{failing:?}");
        let told = told(&story, &server);
        assert!(told.starts_with(&says), "{told}");
        // Still there, and nothing was settled.
        assert_eq!((file.totals().pending, file.totals().accepted.lines), (8, 0), "{says}");
        story.session.hasten();
        assert_eq!(story.session.finish(LONG), Finished { drained: false }, "{says}");
        assert_eq!(file.totals().pending, 8, "{says}");
    }
    released.stop();
}
