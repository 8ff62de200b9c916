//! A monitor asks a server over HTTP: what arrives, what is refused, and what is said about it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod server;
mod tls;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use scalyr_monitor::config::Reader;
use scalyr_monitor::http::{HttpClient, HttpOptions, Trouble};
use scalyr_monitor::registry::Environment;
use scalyr_monitor::testing::json;
use scalyr_monitor::{OptionGroup, Stop};

use server::Server;

/// The options that an entry gives.
fn options(entry: &serde_json::Value) -> HttpOptions {
    let environment = Environment::default();
    HttpOptions::read(&mut Reader::new(entry.as_object().unwrap(), &environment)).unwrap()
}

fn client() -> HttpClient {
    HttpClient::new(&HttpOptions::default()).unwrap()
}

/// What is said of a server that cannot be asked.
fn said(client: &HttpClient, url: &str) -> String {
    client.get(url).send().unwrap_err().to_string()
}

#[test]
fn a_page_is_read_with_its_status_and_headers() {
    let server = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Load: 7\r\n\r\n41\n");
    let page = client().get(&server.url("/length")).header("X-Asked-By", "queue").send().unwrap();
    assert_eq!((page.status(), page.header("x-load"), page.text().trim()), (200, Some("7"), "41"));
    assert!(!page.is_cut());
    let asked = server.asked();
    assert!(asked.starts_with("GET /length HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("x-asked-by: queue\r\n"), "{asked}");
    assert!(asked.contains("user-agent: scalyr-agent-2/"), "{asked}");
}

#[test]
fn a_body_and_the_configured_headers_are_sent() {
    let server = Server::answering("HTTP/1.1 204 No Content\r\n\r\n");
    let options = options(&json!({ "headers": { "X-Tenant": "blue", "Accept": "text/plain" } }));
    let client = HttpClient::new(&options).unwrap();
    let answer = client.request("post", &server.url("/")).header("accept", "*/*").body("a=1").send().unwrap();
    assert_eq!(answer.status(), 204);
    // The answer may come before the body is read.
    let asked = server.wait_until_asked(|asked| asked.ends_with("\r\n\r\na=1"));
    assert!(asked.starts_with("POST / HTTP/1.1\r\n") && asked.ends_with("\r\n\r\na=1"), "{asked}");
    assert!(asked.contains("x-tenant: blue\r\n") && asked.contains("accept: */*\r\n"), "{asked}");
    assert!(!asked.contains("text/plain"), "{asked}");
}

#[test]
fn a_request_that_wants_a_body_and_has_none_says_that_it_is_empty() {
    for (method, is_said) in [("POST", true), ("PUT", true), ("PATCH", true), ("GET", false), ("DELETE", false)] {
        let server = Server::answering("HTTP/1.1 204 No Content\r\n\r\n");
        client().request(method, &server.url("/")).send().unwrap();
        let asked = server.wait_until_asked(|asked| asked.contains("\r\n\r\n"));
        assert_eq!(asked.contains("content-length: 0\r\n"), is_said, "{asked}");
        assert!(!asked.contains("transfer-encoding") && asked.ends_with("\r\n\r\n"), "{asked}");
    }
}

#[test]
fn a_port_that_is_none_is_refused_and_no_other_is_asked() {
    for url in ["http://127.0.0.1:65536/", "http://me:s3cret@[::1]:99999/x"] {
        let text = said(&client(), url);
        assert!(text.contains("its port is no number up to 65535") && !text.contains("s3cret"), "{text}");
    }
}

#[test]
fn a_body_without_end_is_cut_at_its_bound() {
    let server =
        Server::answering(&format!("HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n{}", "x".repeat(50_000)));
    let client = HttpClient::new(&options(&json!({ "max_body_bytes": 1000 }))).unwrap();
    let page = client.get(&server.url("/")).send().unwrap();
    assert_eq!((page.bytes().len(), page.is_cut()), (1000, true));
}

#[test]
fn a_server_that_never_answers_costs_the_timeout_and_no_more() {
    let server = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    let client = HttpClient::new(&options(&json!({ "timeout": 0.3 }))).unwrap();
    let text = said(&client, &server.url("/slow?key=s3cret"));
    assert!(
        text.ends_with("/slow?…: no whole answer within 0.3 s; is the server overloaded, or `timeout` too short?"),
        "{text}"
    );
    assert!(!text.contains("s3cret"), "{text}");
}

/// A server that never comes to an end keeps nobody beyond the timeout, and fills no memory.
#[test]
fn an_answer_that_goes_on_for_ever_ends_in_time_wherever_it_does_so() {
    const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const PLAIN: &str = "HTTP/1.1 200 OK\r\n\r\n";
    let drop_by_drop = Duration::from_millis(20);
    let (too_slow, at_once) = ("no whole answer within 0.3 s", Duration::ZERO);
    for (begins, goes_on, pause, expected) in [
        ("HTTP/1.1 200 OK\r\nX: ", "x", drop_by_drop, too_slow),
        ("HTTP/1.1 200 OK\r\nX: ", "xxxxxxxxxxxxxxxx", at_once, "header is too big"),
        ("HTTP/1.1 200 OK\r\n", "X: xxxxxxxxxxxx\r\n", at_once, "too many headers"),
        ("", "HTTP/1.1 100 Continue\r\n\r\n", at_once, "header is too big"),
        (PLAIN, "x", drop_by_drop, too_slow),
        (CHUNKED, "1\r\nx\r\n", drop_by_drop, too_slow),
        (CHUNKED, "1;xxxxxxxxxxxxxxx", at_once, "stalled"),
        (CHUNKED, "0000000000000000", at_once, "stalled"),
    ] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        std::thread::scope(|threads| {
            threads.spawn(|| {
                let (mut connection, _) = listener.accept().unwrap();
                _ = connection.write_all(begins.as_bytes());
                while connection.write_all(goes_on.as_bytes()).is_ok() {
                    std::thread::sleep(pause);
                }
            });
            let client = HttpClient::new(&options(&json!({ "timeout": 0.3 }))).unwrap();
            let text = said(&client, &url);
            // A machine that is busy may take the whole time for what comes at once.
            assert!(text.contains(expected) || text.contains(too_slow), "{begins:?} {goes_on:?}: {text}");
        });
    }
}

#[test]
fn each_trouble_says_what_to_do() {
    let closed = { std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap() };
    assert_eq!(
        said(&client(), &format!("http://me:s3cret@{closed}/x")),
        format!(
            "GET http://me:***@{closed}/x: the connection is refused; does the server run, and does it listen on this address \
             and port?"
        )
    );
    let text = said(&client(), "http://no-such-host.invalid/");
    assert!(text.contains("the name of the server has no address"), "{text}");
    let silent = Server::answering("");
    silent.close_at_once();
    let text = said(&client(), &silent.url("/"));
    assert!(text.contains("without a whole answer") || text.contains("reset"), "{text}");
    for no_url in
        ["", "127.0.0.1/x", "http://", "http://a b/", "ftp://127.0.0.1/", "me:s3cret@host", "http://me:s3cret"]
    {
        let text = said(&client(), no_url);
        assert!(text.starts_with("GET ") && !text.contains("s3cret"), "{no_url:?}: {text}");
    }
    let text = client().request("GE T", "http://127.0.0.1/").send().unwrap_err().to_string();
    assert!(text.ends_with("is no HTTP method"), "{text}");
    let text = client().get("http://127.0.0.1/").header("X-A", "a\nb").send().unwrap_err().to_string();
    assert_eq!(text, "GET http://127.0.0.1/: the value of the header X-A holds characters that cannot be sent");
}

#[test]
fn a_request_that_can_never_be_sent_is_told_before() {
    let checked = |method: &str, url: &str, header: &str| {
        client().request(method, url).header("x-a", header).check().map_err(|error| error.to_string())
    };
    assert_eq!(checked("purge", "http://me:s3cret@127.0.0.1:1/x", "a"), Ok(()));
    let text = checked("GET", "ftp://me:s3cret@host/", "a").unwrap_err();
    assert!(text.starts_with("ftp://me:***@host/: only http and https are spoken"), "{text}");
    assert!(checked("GE T", "http://host/", "a").unwrap_err().ends_with("is no HTTP method"));
    assert!(checked("GET", "http://host/", "a\nb").unwrap_err().contains("the header x-a"));
}

#[test]
fn a_monitor_can_tell_the_sorts_of_trouble_apart() {
    let trouble = |client: &HttpClient, url: &str| client.get(url).attempt().unwrap_err().trouble();
    let closed = { std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap() };
    assert_eq!(trouble(&client(), &format!("http://{closed}/")), Trouble::Unreachable);
    assert_eq!(trouble(&client(), "http://no-such-host.invalid/"), Trouble::Unreachable);
    assert_eq!(trouble(&client(), "ftp://host/"), Trouble::Request);
    let plain = Server::answering("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(trouble(&client(), &plain.url("/").replace("http:", "https:")), Trouble::Unreachable);
    let slow = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    let impatient = HttpClient::new(&options(&json!({ "timeout": 0.3 }))).unwrap();
    assert_eq!(trouble(&impatient, &slow.url("/")), Trouble::Timeout);
    let no_http = Server::answering("SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n");
    let error = client().get(&no_http.url("/")).attempt().unwrap_err();
    assert_eq!(error.trouble(), Trouble::Other, "{error}");
    assert!(error.cause().starts_with("what comes is no answer of HTTP ("), "{error}");
    let around = Server::answering("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n");
    let following = HttpClient::new(&options(&json!({ "max_redirects": 1 }))).unwrap();
    let error = following.get(&around.url("/")).attempt().unwrap_err();
    assert_eq!(
        (error.trouble(), error.cause()),
        (Trouble::Redirect, "the server redirects more often than `max_redirects` allows")
    );
}

#[test]
fn an_answer_that_is_no_success_says_what_to_do() {
    let server = Server::answering("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    let error = client().get(&server.url("/status")).send().unwrap().expect_success().unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "GET {}: the server answers with status 403; let the server's configuration allow this page to this host",
            server.url("/status")
        )
    );
}

#[test]
fn redirects_are_followed_as_often_as_is_allowed() {
    let server = Server::answering("HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n");
    let page = client().get(&server.url("/")).send().unwrap();
    assert_eq!((page.status(), page.header("location")), (302, Some("/again")));
    let client = HttpClient::new(&options(&json!({ "max_redirects": 2 }))).unwrap();
    let text = said(&client, &server.url("/"));
    assert!(text.ends_with("the server redirects more often than `max_redirects` allows"), "{text}");
}

#[test]
fn headers_go_to_the_server_that_was_asked_and_to_no_other() {
    let page = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let redirect = |to: &str| format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
    let entry = json!({ "max_redirects": 1, "headers": { "X-Api-Key": "s3cret", "Authorization": "Bearer t0ken" } });
    let client = HttpClient::new(&options(&entry)).unwrap();
    let other = Server::answering(page);
    let server = Server::answering(&redirect(&other.url("/there")));
    let answer = client.request("post", &server.url("/")).header("Cookie", "c00kie").body("a=1").send().unwrap();
    assert_eq!(answer.status(), 200);
    let asked = other.asked();
    assert!(asked.starts_with("GET /there HTTP/1.1\r\n") && asked.ends_with("\r\n\r\n"), "{asked}");
    for secret in ["s3cret", "t0ken", "c00kie", "a=1"] {
        assert!(!asked.contains(secret), "{asked}");
        assert!(server.asked().contains(secret), "{}", server.asked());
    }
    let same = Server::answering(&redirect("/there"));
    assert!(said(&client, &same.url("/")).contains("more often than"));
    assert_eq!(same.asked().matches("x-api-key: s3cret").count(), 2, "{}", same.asked());
}

#[test]
fn a_redirect_to_nowhere_is_refused_without_showing_it() {
    let client = HttpClient::new(&options(&json!({ "max_redirects": 1 }))).unwrap();
    for location in ["ftp://me:s3cret@host/", "http://\u{fc} s3cret/", "http://"] {
        let server =
            Server::answering(&format!("HTTP/1.1 307 Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"));
        let text = said(&client, &server.url("/"));
        assert!(text.ends_with("the server redirects to what is no URL"), "{text}");
    }
    // One that leads nowhere at all, and one that would have the body sent again, are answers.
    let nowhere = Server::answering("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client.get(&nowhere.url("/")).send().unwrap().status(), 302);
    let again = Server::answering("HTTP/1.1 307 Moved\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client.request("post", &again.url("/")).body("a").send().unwrap().status(), 307);
}

#[test]
fn the_widest_bounds_that_an_author_can_set_are_usable() {
    let server = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let options = HttpOptions { max_body_bytes: u64::MAX, timeout: Duration::MAX, ..HttpOptions::default() };
    assert_eq!(HttpClient::new(&options).unwrap().get(&server.url("/")).send().unwrap().text(), "ok");
}

#[test]
fn who_asks_is_said_and_shown_nowhere() {
    let server = Server::answering("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    let password = scalyr_monitor::config::Secret::new("s3cret");
    let answer = client().get(&server.url("/")).basic_auth("me", &password).send().unwrap();
    assert!(!format!("{answer:?}").contains("s3cret"));
    assert!(server.asked().contains("authorization: Basic bWU6czNjcmV0\r\n"));
    let text = answer.expect_success().unwrap_err().to_string();
    assert!(text.ends_with("status 401; the server wants to know who asks: give the name and the password"), "{text}");
    let options = options(&json!({ "headers": { "Authorization": "Bearer s3cret" } }));
    let shown = format!("{options:?} {:?}", HttpClient::new(&options).unwrap());
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn a_user_in_the_url_is_sent_as_it_is_unless_a_header_says_who_asks() {
    let server = Server::answering("HTTP/1.1 204 No Content\r\n\r\n");
    let url = server.url("/").replace("http://", "http://me:p%40ss@");
    client().get(&url).send().unwrap();
    let asked = server.asked();
    assert!(asked.contains("authorization: Basic bWU6cEBzcw==\r\n"), "{asked}");
    let server = Server::answering("HTTP/1.1 204 No Content\r\n\r\n");
    let url = server.url("/").replace("http://", "http://me:pass@");
    client().get(&url).bearer(&scalyr_monitor::config::Secret::new("t")).send().unwrap();
    let asked = server.asked();
    assert!(asked.contains("authorization: Bearer t\r\n") && !asked.contains("Basic"), "{asked}");
}

#[test]
fn a_user_in_the_url_is_sent_again_where_the_same_server_redirects_to_and_to_no_other() {
    let other = Server::answering("HTTP/1.1 204 No Content\r\n\r\n");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let pages = [format!("http://{address}/two"), other.url("/three")];
    let client = HttpClient::new(&options(&json!({ "max_redirects": 2 }))).unwrap();
    let asked = std::thread::scope(|threads| {
        let server = threads.spawn(|| {
            pages.map(|location| {
                let (connection, _) = listener.accept().unwrap();
                let lines = BufReader::new(&connection).lines().map_while(Result::ok);
                let asked: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                let head = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nConnection: close\r\n");
                (&connection).write_all(format!("{head}Content-Length: 0\r\n\r\n").as_bytes()).unwrap();
                asked.join("\n")
            })
        });
        assert_eq!(client.get(&format!("http://me:pass@{address}/one")).send().unwrap().status(), 204);
        server.join().unwrap()
    });
    for (asked, path) in asked.iter().zip(["/one", "/two"]) {
        assert!(asked.starts_with(&format!("GET {path} ")) && asked.contains("authorization: Basic bWU6cGFzcw=="));
    }
    assert!(other.asked().starts_with("GET /three ") && !other.asked().contains("authorization"), "{}", other.asked());
}

#[test]
fn a_request_ends_when_the_monitor_is_asked_to_stop() {
    let server = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    let (client, stop) = (client(), Stop::new());
    client.end_with(&stop);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| said(&client, &server.url("/")));
        server.wait_until_asked(|asked| !asked.is_empty());
        stop.stop();
        // Long before the ten seconds of its time-out, or the test hangs that long.
        assert!(!asking.join().unwrap().contains("no whole answer"));
    });
}

#[test]
fn the_defaults_are_those_of_the_reader() {
    assert_eq!(format!("{:?}", HttpOptions::default()), format!("{:?}", options(&json!({}))));
    assert_eq!(HttpOptions::default().timeout, Duration::from_secs(10));
}
