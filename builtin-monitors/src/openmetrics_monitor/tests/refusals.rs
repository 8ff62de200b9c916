//! What is no exposition, and what is only a part of one: the person who reads the error can mend it.

use std::time::Duration;

use expect_test::{Expect, expect};

use scalyr_monitor::testing::{Harness, json};

use super::{Exporter, OpenmetricsMonitor, monitor, told, without_address};

#[track_caller]
fn fails(exporter: &Exporter, expected: Expect) {
    let taken = monitor(exporter, json!({})).sample();
    let said = told(&taken);
    let all = [without_address(taken.error().unwrap_or("no error")), said].join("\n");
    expected.assert_eq(all.trim_end());
}

#[test]
fn a_status_says_what_to_do() {
    let mut all = Vec::new();
    for (status, body) in [
        ("204 No Content", ""),
        ("401 Unauthorized", ""),
        ("403 Forbidden", "no metrics\tfor you\nmore"),
        ("404 Not Found", "<html><p>404"),
        ("406 Not Acceptable", ""),
        ("500 Internal Server Error", "cannot collect"),
        ("503 Service Unavailable", ""),
    ] {
        let length = body.len();
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
        let taken = monitor(&Exporter::raw(answer), json!({})).sample();
        all.extend([without_address(taken.error().unwrap()), told(&taken)]);
    }
    all.retain(|line| !line.is_empty());
    expect![[r#"
        GET http://SERVER/metrics: status 204; metrics come with status 200
        GET http://SERVER/metrics: status 401; the server wants to know who asks: give `headers` an Authorization, such as { "Authorization": "Bearer …" }
        GET http://SERVER/metrics: status 403; the server refuses to show this page to this agent: allow it there, or give `headers` what it wants
        WARNING GET http://SERVER/metrics: status 403; the server says: no metrics for you
        GET http://SERVER/metrics: status 404; is the path right? Most exporters show their metrics under /metrics
        GET http://SERVER/metrics: status 406; the server has no text format; see what it offers, and ask for that by an Accept in `headers`
        GET http://SERVER/metrics: the server answers with status 500; look into the server's own log
        WARNING GET http://SERVER/metrics: status 500; the server says: cannot collect
        GET http://SERVER/metrics: the server answers with status 503; look into the server's own log"#]].assert_eq(&all.join("\n"));
}

#[test]
fn a_page_that_is_no_exposition_is_named_for_what_it_is() {
    let html = |exporter: &Exporter| {
        fails(
            exporter,
            expect![
                "GET http://SERVER/metrics: the server answers with a page for people (HTML or XML), not with metrics; is the path right? Most exporters show their metrics under /metrics"
            ],
        );
    };
    html(&Exporter::answering("text/html; charset=utf-8", "<html>"));
    html(&Exporter::showing("\n<!DOCTYPE html><p>metrics"));
    fails(
        &Exporter::answering("application/json", "{}"),
        expect![
            "GET http://SERVER/metrics: the server answers with JSON, not with metrics in the format of Prometheus or OpenMetrics; is the path right? Some programs want a parameter in it, such as ?format=prometheus"
        ],
    );
    let protobuf = "application/openmetrics-protobuf; version=1.0.0";
    fails(
        &Exporter::answering(protobuf, "\n\u{1}"),
        expect![
            "GET http://SERVER/metrics: the server answers in a binary format (protobuf), which is not read; it must offer text: take Accept out of `headers`, if it is there"
        ],
    );
    let packed = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\nConnection: close\r\n\r\n\u{1f}.";
    fails(
        &Exporter::raw(packed),
        expect![
            "GET http://SERVER/metrics: the server compresses its answer though it is not asked to; switch that off there, or take Accept-Encoding out of `headers`"
        ],
    );
}

#[test]
fn an_exporter_that_misnames_what_it_shows_is_read_all_the_same() {
    for content_type in ["text/html; charset=utf-8", "application/json", "application/octet-stream", "?"] {
        let taken = monitor(&Exporter::answering(content_type, "up 1 5\n"), json!({})).sample();
        assert_eq!((taken.lines(), taken.error()), (vec!["up 1 timestamp=5"], None), "{content_type}");
    }
}

#[test]
fn a_text_that_is_no_exposition_is_told_with_its_first_line() {
    fails(
        &Exporter::showing("It works!\nReally."),
        expect![[r#"
        GET http://SERVER/metrics: none of its lines is a metric as Prometheus or OpenMetrics write it; is the path right? Most exporters show their metrics under /metrics
        WARNING GET http://SERVER/metrics: line 1 is left out, because the value is no number: "It works!"; so are 1 more of this answer, for this or another reason. It must be as Prometheus or OpenMetrics has it"#]],
    );
}

#[test]
fn what_a_server_says_for_its_refusals_is_told_once_in_five_minutes() {
    let exporter = Exporter::showing("");
    let mut monitor = monitor(&exporter, json!({}));
    let mut all = Vec::new();
    for request in 0..3 {
        let body = format!("request {request} failed");
        let length = body.len();
        exporter.answer_raw(format!("HTTP/1.1 500 Oh\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"));
        let taken = monitor.sample();
        all.push((taken.error().map(without_address), told(&taken)));
        monitor.clock().advance(Duration::from_secs(60));
    }
    assert!(all[0].1.ends_with("the server says: request 0 failed"), "{all:?}");
    assert!(all[1..].iter().all(|(error, told)| *error == all[0].0 && told.is_empty()), "{all:?}");
}

#[test]
fn a_name_and_a_password_in_the_url_are_sent_and_never_shown() {
    let exporter = Exporter::raw("HTTP/1.1 401 Who\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let url = exporter.url().replace("http://", "http://me:s3cret@");
    let taken = Harness::<OpenmetricsMonitor>::from_config(json!({ "url": url })).sample();
    assert!(exporter.asked().contains("authorization: basic"), "{}", exporter.asked());
    assert!(!taken.to_string().contains("s3cret") && taken.error().unwrap().contains("http://me:***@127"), "{taken}");
}

#[test]
fn a_server_that_is_not_there_is_told() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/metrics", closed.local_addr().unwrap());
    drop(closed);
    let taken = Harness::<OpenmetricsMonitor>::from_config(json!({ "url": url })).sample();
    expect!["GET http://SERVER/metrics: the connection is refused; does the server run, and does it listen on this address and port?"]
    .assert_eq(&without_address(taken.error().unwrap()));
}

#[test]
fn what_came_of_a_part_is_written_and_the_sample_has_failed() {
    let exporter = Exporter::answering("application/openmetrics-text; version=1.0.0", "a 1\nb 2\n");
    let taken = monitor(&exporter, json!({})).sample();
    assert_eq!(taken.lines(), ["a 1", "b 2"]);
    expect![
        "GET http://SERVER/metrics: the answer does not end with # EOF, as OpenMetrics must: a part of it is missing"
    ]
    .assert_eq(&without_address(taken.error().unwrap()));

    let exporter = Exporter::showing("a 1\nb 2\nc 123\n");
    let taken = monitor(&exporter, json!({ "max_body_bytes": 12 })).sample();
    assert_eq!(taken.lines(), ["a 1", "b 2"], "c may have had more digits");
    expect!["GET http://SERVER/metrics: the answer is longer than `max_body_bytes` (12), and its rest is left out; raise it, or let the exporter show less"]
    .assert_eq(&without_address(taken.error().unwrap()));

    // Neither a length nor an end mark: where the connection ended, the answer may have been cut.
    let exporter = Exporter::raw("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\na 1\nb 2");
    let taken = monitor(&exporter, json!({})).sample();
    assert_eq!(taken.lines(), ["a 1"]);
    expect![
        "GET http://SERVER/metrics: the answer ends in the middle of a line, which is left out: a part of it is missing"
    ]
    .assert_eq(&without_address(taken.error().unwrap()));
}

#[test]
fn an_answer_that_does_not_say_its_format_is_known_by_its_end() {
    for (content_type, body, time) in [
        ("text/plain", "a 1 5.5\n# EOF", 5500),
        ("text/plain", "a 1 5500\n", 5500),
        ("application/openmetrics-text", "a 1 5\n# EOF\n", 5000),
        ("text/plain; version=0.0.4", "a 1 5\n# EOF\n", 5),
    ] {
        let taken = monitor(&Exporter::answering(content_type, body), json!({})).sample();
        assert_eq!(taken.lines(), [format!("a 1 timestamp={time}")], "{content_type} {body}");
        assert_eq!((taken.error(), told(&taken).as_str()), (None, ""));
    }
}

#[test]
fn a_redirect_is_followed_as_the_old_agent_did() {
    let exporter = Exporter::showing("a 1\n");
    let location = exporter.url();
    let first = Exporter::raw(format!(
        "HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    ));
    assert_eq!(monitor(&first, json!({})).sample().lines(), ["a 1"]);
    let taken = monitor(&first, json!({ "max_redirects": 0 })).sample();
    expect!["GET http://SERVER/metrics: the server answers with status 302; it points elsewhere: ask there, or set `max_redirects`"]
    .assert_eq(&without_address(taken.error().unwrap()));
}

#[test]
fn what_is_wrong_with_the_options_is_told_before_the_first_request() {
    let problems = |entry: serde_json::Value| {
        let harness = Harness::<OpenmetricsMonitor>::from_config(entry);
        harness.problems().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    expect!["url: required, but not given"].assert_eq(&problems(json!({})));
    expect!["url: localhost:9100/metrics begins with neither http:// nor https://; write the whole of it, such as http://localhost:9100/metrics"]
    .assert_eq(&problems(json!({ "url": "localhost:9100/metrics" })));
    expect!["extra_fields.a is a list, an object or null; the value of a field is text, a number, true or false"]
        .assert_eq(&problems(json!({ "url": "http://h/", "extra_fields": { "a": [1] } })));
    expect!["metric_component_value_include_list.n: a list is not an object, each member a list, each element a pattern with * and ?"].assert_eq(&problems(json!({ "url": "http://h/", "metric_component_value_include_list":
        { "m": { "code": "200" }, "n": ["x"] } })));
    expect!["cannot read the certificates of `ca_file` /nowhere/ca.pem: No such file or directory (os error 2)"]
        .assert_eq(&problems(json!({ "url": "http://h/", "ca_file": "/nowhere/ca.pem" })));
    expect![[r#""a b" cannot name a header: ASCII letters, digits and `-` can"#]]
        .assert_eq(&problems(json!({ "url": "http://h/", "headers": { "a b": "c" } })));
    let http = Harness::<OpenmetricsMonitor>::from_config(json!({ "url": "http://h/" })).forbid_http();
    expect!["warning: url: http:// is changed to https://, because `allow_http_monitors` of the agent is false"]
        .assert_eq(&http.problems()[0].to_string());
}

#[test]
fn what_is_unwise_is_told_at_the_start() {
    let odd = json!({ "url": "https://h/", "verify_https": false, "metric_name_include_list": [] });
    let harness = Harness::<OpenmetricsMonitor>::from_config(odd);
    assert!(harness.problems().is_empty());
    let told: Vec<String> = harness.diagnostics().iter().map(ToString::to_string).collect();
    expect![[r#"
        WARNING `metric_name_include_list` and `metric_component_value_include_list` are both empty: no metric is wanted
        WARNING `verify_https` is false: anybody on the way to the server can read and change what is sent; give `ca_file` instead"#]].assert_eq(&told.join("\n"));
}
