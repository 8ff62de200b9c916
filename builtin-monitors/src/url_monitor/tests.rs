use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use scalyr_monitor::testing::{Harness, json};

use super::*;

/// A server that gives each connection the same bytes and closes it.
struct Server {
    url: String,
    asked: Arc<Mutex<String>>,
}

impl Server {
    fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&asked);
        #[expect(
            clippy::disallowed_methods,
            reason = "a server of the test, which the agent's threads know nothing of"
        )]
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                heard.lock().unwrap().push_str(&request(&mut connection));
                _ = connection.write_all(&answer);
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> String {
        self.asked.lock().unwrap().clone()
    }
}

/// Reads a request with its body.
fn request(connection: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let length = connection.read(&mut chunk).unwrap_or(0);
        bytes.extend_from_slice(&chunk[..length]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            if length == 0 {
                return text;
            }
            continue;
        };
        let of_body = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if length == 0 || body.len() >= of_body.unwrap_or(0) {
            return text;
        }
    }
}

fn page(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn harness(entry: serde_json::Value) -> Harness<UrlMonitor> {
    Harness::from_config(entry).allow_dynamic()
}

/// The first line that a sample leads to, with `URL` for the server.
#[track_caller]
fn line(server: &Server, path: &str) -> String {
    let taken = harness(json!({ "url": format!("{}{path}", server.url) })).sample();
    taken.lines()[0].replace(&server.url, "URL")
}

#[test]
fn the_captured_lines_of_the_python_agent_come_again() {
    let ok = Server::answering(page("200 OK", "", b"line one\nline two\n"));
    assert_eq!(line(&ok, "/ok"), r#"response "line one" length=18 request_method="GET" status=200 url="URL/ok""#);
    let missing = Server::answering(page("404 Not Found", "", b"nope here\n"));
    assert_eq!(
        line(&missing, "/404"),
        r#"response "nope here" length=10 request_method="GET" status=404 url="URL/404""#
    );
    let moved = Server::answering(page("302 Found", "Location: /ok\r\n", b"moved\n"));
    assert_eq!(line(&moved, "/redir"), r#"response "moved" length=6 request_method="GET" status=302 url="URL/redir""#);
    let short = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nabc");
    assert_eq!(
        line(&short, "/short"),
        "response \"failed\" incomplete_read=\"the server closed the connection without a whole answer\" length=0 status=0 \
         url=\"URL/short\""
    );
    let refused = harness(json!({ "url": "http://127.0.0.1:1/" })).sample();
    assert_eq!(
        refused.lines(),
        [
            "response \"failed\" length=0 status=0 url=\"http://127.0.0.1:1/\" url_error=\"the connection is refused; does the \
             server run, and does it listen on this address and port?\""
        ]
    );
}

#[test]
fn what_is_sent_is_what_the_python_agent_sent() {
    let server = Server::answering(page("200 OK", "", b""));
    let mut monitor = harness(json!({
        "url": server.url,
        "request_method": "POST",
        "request_data": "a=1",
        "request_headers": [{ "header": "X-Tenant", "value": "blue" }, { "header": "Retries", "value": 3 }],
    }));
    monitor.sample();
    let asked = server.asked().to_lowercase();
    for part in [
        "post / http/1.1\r\n",
        concat!("user-agent: scalyr-agent-", env!("CARGO_PKG_VERSION"), ";monitor=url_monitor\r\n"),
        "accept-encoding: identity\r\n",
        "connection: close\r\n",
        "content-type: application/x-www-form-urlencoded\r\n",
        "x-tenant: blue\r\n",
        "retries: 3\r\n",
    ] {
        assert!(asked.contains(part), "{part}: {asked}");
    }
}

#[test]
fn a_header_of_the_user_takes_the_place_of_ours() {
    let server = Server::answering(page("200 OK", "", b""));
    harness(json!({
        "url": server.url,
        "request_data": "{}",
        "request_headers": [{ "header": "Content-Type", "value": "application/json" }],
        "headers": { "User-Agent": "mine" },
    }))
    .sample();
    let asked = server.asked().to_lowercase();
    assert!(asked.contains("content-type: application/json\r\n") && asked.contains("user-agent: mine\r\n"), "{asked}");
    assert!(!asked.contains("urlencoded") && !asked.contains("url_monitor"), "{asked}");
}

#[test]
fn the_time_of_an_answer_is_emitted_and_all_that_is_declared() {
    let server = Server::answering(page("200 OK", "", b"state: up\n"));
    let mut monitor = harness(json!({ "url": server.url, "extract": r"state: (\w+)" }));
    let taken = monitor.sample();
    assert_eq!(taken.value("response"), "up");
    assert_eq!(taken.metric("duration_ms").field("status"), 200);
    monitor.expect_all_emitted();
}

#[test]
fn a_packed_body_is_unpacked_up_to_the_bound() {
    let packed = |text: &str| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        page("200 OK", "Content-Encoding: gzip\r\n", &encoder.finish().unwrap())
    };
    let server = Server::answering(packed("hello\n"));
    assert_eq!(harness(json!({ "url": server.url })).sample().value("response"), "hello");

    let mut deflated = ZlibEncoder::new(Vec::new(), Compression::default());
    deflated.write_all(b"deflated").unwrap();
    let server = Server::answering(page("200 OK", "Content-Encoding: deflate\r\n", &deflated.finish().unwrap()));
    assert_eq!(harness(json!({ "url": server.url })).sample().value("response"), "deflated");

    let bomb = Server::answering(packed(&"x".repeat(10_000_000)));
    let taken = harness(json!({ "url": bomb.url, "max_body_bytes": 20_000 })).sample();
    assert_eq!(taken.metric("response").field("length"), 20_000);
    assert!(taken.diagnostics()[0].to_string().contains("when unpacked"), "{taken}");

    let empty = Server::answering(page("200 OK", "Content-Encoding: gzip\r\n", b""));
    for method in ["HEAD", "GET"] {
        let taken = harness(json!({ "url": empty.url, "request_method": method })).sample();
        assert!(taken.value("response") == "" && taken.diagnostics().is_empty(), "{taken}");
    }

    let broken = Server::answering(page("200 OK", "Content-Encoding: gzip\r\n", b"plain"));
    let taken = harness(json!({ "url": broken.url })).sample();
    assert_eq!(taken.value("response"), "plain");
    assert!(taken.diagnostics()[0].to_string().contains("cannot be unpacked"), "{taken}");
}

#[test]
fn a_body_without_measure_is_cut_and_told_of() {
    let server = Server::answering(page("200 OK", "", &[b'x'; 5000]));
    let taken = harness(json!({ "url": server.url, "max_body_bytes": 1000 })).sample();
    assert_eq!(taken.metric("response").field("length"), 1000);
    assert!(taken.diagnostics()[0].to_string().contains("longer than `max_body_bytes`, 1000"), "{taken}");
}

#[test]
fn a_server_that_never_answers_is_a_short_error_within_the_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let taken = harness(json!({ "url": url, "timeout": 0.3 })).sample();
    let failed = taken.metric("response");
    assert_eq!((failed.value().as_text(), failed.field("status").as_i64()), ("failed".into(), 0));
    assert_eq!(
        *failed.field("unknown_error"),
        "timeout: no whole answer within 0.3 s; is the server overloaded, or `timeout` too short?"
    );
}

#[test]
fn a_trouble_is_told_once_in_five_minutes_and_shows_no_password() {
    let mut monitor = harness(json!({ "url": "http://me:s3cret@127.0.0.1:1/?token=t0ken" }));
    let first = monitor.sample();
    assert!(
        first.lines()[0].contains(r#"url="http://127.0.0.1:1/?token=t0ken""#),
        "as the Python agent had it: {first}"
    );
    assert!(!format!("{first}").contains("s3cret"), "{first}");
    let told = first.diagnostics()[0].to_string();
    assert!(told.contains("GET http://me:***@127.0.0.1:1/?…: the connection is refused"), "{told}");
    assert!(monitor.sample().diagnostics().is_empty());
    monitor.clock().advance(TOLD_EVERY);
    assert_eq!(monitor.sample().diagnostics().len(), 1);
}

#[test]
fn a_stop_ends_the_request_and_emits_no_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let mut monitor = harness(json!({ "url": url, "timeout": 600 }));
    let taken = monitor.running(|running| {
        let (mut connection, _) = listener.accept().unwrap();
        assert!(connection.read(&mut [0; 100]).unwrap() > 0);
        running.stop().stop();
        running.taken()
    });
    assert!(!taken.has("response"));
}

#[test]
fn plain_http_becomes_https_where_the_agent_says_so() {
    let monitor = Harness::<UrlMonitor>::from_config(json!({ "url": "http://127.0.0.1:1/" })).forbid_http();
    assert!(monitor.problems()[0].to_string().contains("http:// is changed to https://"));
    let mut monitor = monitor.allow_dynamic();
    assert_eq!(*monitor.sample().metric("response").field("url"), "https://127.0.0.1:1/");
}

#[test]
fn what_can_never_be_asked_is_refused_with_what_to_do() {
    let problem = |entry: serde_json::Value| {
        let monitor = harness(entry);
        monitor.problems().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let url = "http://127.0.0.1/";
    for (entry, told) in [
        (json!({}), "url: required, but not given"),
        (json!({ "url": "file:///etc/passwd" }), "file:///etc/passwd: this is no URL: "),
        (
            json!({ "url": "ftp://host/" }),
            "only http and https are spoken, and it begins with neither http:// nor https://",
        ),
        (json!({ "url": "localhost/health" }), "this is no URL"),
        (json!({ "url": url, "request_method": "GE T" }), "`GE T` is no HTTP method"),
        (json!({ "url": url, "extract": "x" }), "extract: has no group"),
        (json!({ "url": url, "request_headers": "a" }), "request_headers: the text is no list"),
        (
            json!({ "url": url, "request_headers": ["a"] }),
            "request_headers[0]: the value, which is secret, is not an object",
        ),
        (json!({ "url": url, "request_headers": [{ "header": "A" }] }), "request_headers[0]: `value` is missing"),
        (json!({ "url": url, "request_headers": [{ "value": "A" }] }), "request_headers[0]: `header` is missing"),
        (
            json!({ "url": url, "request_headers": [{ "header": "a", "value": "b", "c": "d" }] }),
            "request_headers[0]: the member `c` is not known; a header is { header: \"NAME\", value: \"TEXT\" }",
        ),
        (json!({ "url": url, "request_headers": [{ "header": "a b", "value": "c" }] }), "cannot name a header"),
        (json!({ "url": url, "ca_file": "/nowhere" }), "`ca_file` /nowhere"),
    ] {
        let problem = problem(entry.clone());
        assert!(problem.contains(told), "{entry}: {problem}");
    }
}

#[test]
fn the_user_in_front_of_the_host_is_left_out() {
    for (url, shown) in [
        ("http://me:pw@host:80/a@b?c@d", "http://host:80/a@b?c@d"),
        ("https://t0ken@host", "https://host"),
        ("http://host/", "http://host/"),
        ("http://a@b@host?x", "http://host?x"),
    ] {
        assert_eq!(without_user(url), shown);
    }
}

/// What a server sends as packed is survived, and never more of it is kept than the bound.
#[test]
fn fuzz_a_packed_body() {
    bolero::check!(name = "packed_body").for_each(|bytes: &[u8]| {
        for is_cut in [false, true] {
            let unpacked = [
                body::unpack(flate2::read::MultiGzDecoder::new(bytes), 1000, is_cut),
                body::unpack(flate2::read::ZlibDecoder::new(bytes), 1000, is_cut),
            ];
            for (bytes, _) in unpacked.into_iter().flatten() {
                assert!(bytes.len() <= 1000);
            }
        }
    });
}

#[test]
fn any_method_is_sent_with_and_without_a_body() {
    for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PURGE", "PROPFIND"] {
        for data in [None, Some("a=1")] {
            let server = Server::answering("HTTP/1.1 204 No Content\r\n\r\n");
            let entry = json!({ "url": server.url, "request_method": method, "request_data": data });
            let taken = harness(entry).sample();
            assert_eq!(*taken.metric("response").field("status"), 204, "{method} {data:?}: {taken}");
            let asked = server.asked();
            assert!(asked.starts_with(&format!("{method} / HTTP/1.1\r\n")), "{asked}");
            assert!(asked.ends_with(data.unwrap_or("\r\n\r\n")), "{asked}");
        }
    }
}
