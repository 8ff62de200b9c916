//! Each failure row of `wire-protocol.md` section 6: what comes again, after how long, what status and log say.

use std::time::Duration;

use super::super::fixture::wait_until;
use super::super::server::{SUCCESS, Server, Step};
use super::{Story, plan};
use crate::upload::SessionState;

/// A failure, and what is to be seen of it.
struct Row {
    step: Step,
    /// Status has it as the last answer's status.
    status: &'static str,
    /// The log has it.
    says: &'static str,
    /// The least time in milliseconds before it comes again.
    pause: u64,
}

/// The first pause, a fifth less by chance; long enough to be seen.
const FIRST_PAUSE: Duration = Duration::from_millis(300);

fn row(step: Step, status: &'static str, says: &'static str) -> Row {
    Row { step, status, says, pause: 240 }
}

fn rows() -> Vec<Row> {
    let answer = |status, headers, body: &str| Step::Answer(status, headers, body.to_owned());
    let html = "<html>Bad Gateway</html>";
    vec![
        row(Step::ok(html), "HTTP 200", "HTTP 200 without a status that can be read: <html>"),
        row(Step::ok(r#"{"status":"succ"#), "HTTP 200", "without a status that can be read"),
        row(Step::ok(r#"{"status":"parseResponseFailed"}"#), "parseResponseFailed", "status parseResponseFailed"),
        row(Step::ok(r#"{"status":"error/server/backoff"}"#), "error/server/backoff", "status error/server/backoff"),
        row(Step::ok(r#"{"status":"error/server"}"#), "error/server", "status error/server"),
        row(Step::ok(""), "HTTP 200", "HTTP 200 with an empty body"),
        row(Step::ok("{}"), "HTTP 200", "without a status that can be read"),
        row(Step::ok("[]"), "HTTP 200", "without a status that can be read"),
        row(Step::ok("null"), "HTTP 200", "without a status that can be read"),
        row(Step::ok(r#"{"status":7}"#), "HTTP 200", "without a status that can be read"),
        row(answer("500 Internal Server Error", "", SUCCESS), "HTTP 500: success", "HTTP 500 with status success"),
        row(answer("502 Bad Gateway", "", html), "HTTP 502", "HTTP 502 without a status"),
        row(
            answer("302 Found", "Location: /addEvents\r\n", SUCCESS),
            "HTTP 302: success",
            "HTTP 302 with status success",
        ),
        row(answer("404 Not Found", "", html), "HTTP 404", "HTTP 404 without a status"),
        row(answer("408 Request Timeout", "", ""), "HTTP 408", "HTTP 408 with an empty body"),
        row(answer("429 Too Many Requests", "", SUCCESS), "HTTP 429: success", "HTTP 429 with status success"),
        Row { pause: 1000, ..row(answer("429 Too Many Requests", "Retry-After: 1\r\n", ""), "HTTP 429", "HTTP 429") },
        Row {
            pause: 2000,
            ..row(
                answer(
                    "503 Service Unavailable",
                    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:49:39 GMT\r\n",
                    html,
                ),
                "HTTP 503",
                "HTTP 503 without a status",
            )
        },
        row(
            answer("503 Service Unavailable", "Retry-After: Sun, 06 Nov 1994 08:49:39 GMT\r\n", html),
            "HTTP 503",
            "HTTP 503 without a status",
        ),
        row(
            answer(
                "400 Bad Request",
                "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
                r#"{"status":"error/client/badClientClockSkew"}"#,
            ),
            "HTTP 400: error/client/badClientClockSkew",
            "the clock of this host is wrong, set it (for example with NTP): it says 20",
        ),
        row(
            Step::ok(&format!("{{\"status\":\"success\",\"padding\":\"{}\"}}", "x".repeat(100_000))),
            "HTTP 200",
            "with more than 65536 bytes",
        ),
        row(Step::Cut, "connection closed", "without an answer"),
        row(Step::CutAnswer, "connection closed", "in the middle"),
    ]
}

#[test]
fn after_each_failure_the_same_comes_again_after_a_pause_and_status_and_log_say_why() {
    for Row { step, status, says, pause } in rows() {
        let server = Server::start([step]);
        let mut patient = plan(&server.url());
        patient.pacing.max_error_spacing = FIRST_PAUSE;
        let story = Story::new(patient);
        let mut file = story.file("/a");
        story.append(&mut file, &["one\n", "two\n"]);
        let mut failing = None;
        wait_until("it is accepted", || {
            let snapshot = story.session.snapshot();
            // Between the two attempts.
            if snapshot.state == SessionState::Failing && snapshot.back_off_seconds.is_some() {
                failing = Some(snapshot);
            }
            file.totals().pending == 0
        });
        let failing = failing.unwrap_or_else(|| panic!("{says}: status never said that uploads fail"));
        assert_eq!(failing.last_status.as_deref(), Some(status), "{says}");
        assert!(failing.last_answer.is_some_and(|answer| answer.contains(says)), "{says}");
        assert!(failing.back_off_seconds.is_none_or(|seconds| seconds * 1000.0 >= pause as f64), "{says}");
        server.look(|received| {
            let [first, second] = received else { panic!("{says}: {} requests", received.len()) };
            assert_eq!(first.body.events, second.body.events, "{says}");
            assert!(second.at - first.at >= Duration::from_millis(pause), "{says}: {:?}", second.at - first.at);
        });
        wait_until("the end is told", || story.lines.of("INFO").len() == 1);
        let warnings = story.lines.of("WARNING");
        assert!(warnings.len() == 1 && warnings[0].contains(says), "{says}: {:?}", story.lines.all());
        let snapshot = story.session.snapshot();
        assert_eq!(
            (snapshot.requests_failed, snapshot.requests_succeeded, snapshot.events_accepted),
            (1, 1, 2),
            "{says}"
        );
        assert_eq!((snapshot.state, snapshot.failing_since_ms), (SessionState::Ok, None), "{says}");
    }
}
