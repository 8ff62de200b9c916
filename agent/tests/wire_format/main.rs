//! Requests of ours in the situations of the recorded ones of the Python agent: the same lines in real files, through a
//! whole agent to the receiver. Every difference is known by name, and `docs/wire-format.md` quotes what is compared here.
#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod body;
mod comparison;
mod headers;
mod names;
mod page;
mod recorded;
mod scene;

use serde_json::{Value, json};

use comparison::{BETWEEN_PARTS, COMMON, DIFFERENCE_LAST, OWN_SEQUENCE, SAMPLES, compare, same_but_for};
use scene::{Scene, Sent};

/// What was sent in each situation, one for each recorded request.
fn sent(entries: Value, extra: Value, tell: impl Fn(&mut Scene) -> Vec<Sent>) -> Vec<Sent> {
    // A busy machine can make two requests of what belongs in one: that is told anew.
    for _ in 0..10 {
        let mut scene = Scene::new(entries.clone(), extra.clone());
        let sent = tell(&mut scene);
        if sent.iter().all(|sent| sent.is_one) {
            return sent;
        }
    }
    panic!("ten times what was there at once did not leave in one request");
}

fn first_lines(extra: Value) -> Vec<Sent> {
    let entries = json!([{
        "path": "/var/log/app/access.log", "parser": "accessLog", "attributes": { "service": "shop" },
    }]);
    sent(entries, extra, |scene| {
        let lines: &[&[u8]] = &[
            b"10.0.0.1 - - \"GET / HTTP/1.1\" 200 512\n",
            "10.0.0.2 - - \"GET /é HTTP/1.1\" 404 0\n".as_bytes(),
            b"bad utf8 \xff\xfe here\n",
        ];
        vec![scene.request(&[("/var/log/app/access.log", &lines.concat())])]
    })
}

#[test]
fn capture_02_first_lines() {
    let sent = first_lines(json!({}));
    compare("02-first-lines.json", 0, &sent, &COMMON);
    page::quotes("02", &sent);
}

#[test]
fn capture_02_with_the_attributes_repeated_has_the_recorded_fields_only() {
    let sent = first_lines(json!({ "repeat_log_attributes": true }));
    compare("02-first-lines.json", 0, &sent, &same_but_for(&[]));
    page::quotes("02 repeated", &sent);
}

#[test]
fn capture_02_without_logs_is_what_the_switch_asks_for() {
    let sent = first_lines(json!({ "disable_logfile_addevents_format": true }));
    compare("02-first-lines.json", 0, &sent, &same_but_for(&["there is no `logs`, and no `log` in events"]));
    page::quotes("02 without logs", &sent);
}

#[test]
fn capture_03_two_files() {
    let sent = sent(json!([{ "path": "/var/log/app/*.log" }]), json!({}), |scene| {
        let (a, b) = ("/var/log/app/a.log", "/var/log/app/b.log");
        vec![scene.request(&[(a, b"a1\na2\na3\n"), (b, b"b1\nb2\n")]), scene.request(&[(a, b"a4\na5\n"), (b, b"b3\n")])]
    });
    compare("03-two-files-sequence-fields.json", 0, &sent, &COMMON);
    page::quotes("03", &sent);
}

#[test]
fn capture_05_rotation_then_restart() {
    let sent = sent(json!([{ "path": "/var/log/app/a.log" }]), json!({}), |scene| {
        let log = "/var/log/app/a.log";
        let first = scene.request(&[(log, b"before 1\n")]);
        let second = scene.request_of(|scene| {
            scene.append(log, b"before 2\n");
            scene.rename(log, "/var/log/app/a.log.1");
            scene.append(log, b"after 1\n");
        });
        scene.stop();
        scene.append(log, b"while down\n");
        let third = scene.start_and_take();
        vec![first, second, third]
    });
    let mut known = COMMON.to_vec();
    known.extend(OWN_SEQUENCE);
    compare("05-rotation-then-restart.json", 0, &sent, &known);
    assert_ne!(sent[0].session, sent[2].session, "a start has a session id of its own");
    page::quotes("05", &sent);
}

#[test]
fn capture_06_grouped_long_and_partial_lines() {
    let entries = json!([
        {
            "path": "/var/log/app/java.log",
            "lineGroupers": [{ "start": "^java", "continueThrough": "^\\s+at" }],
        },
        { "path": "/var/log/app/long.log" },
    ]);
    let sent = sent(entries, json!({ "line_completion_wait_time": 1 }), |scene| {
        let (java, long) = ("/var/log/app/java.log", "/var/log/app/long.log");
        let trace = b"java.lang.Exception: x\n   at A.a(A.java:1)\n   at B.b(B.java:2)\nnext message\n";
        let lines = [&[b'L'; 50_000][..], b"\nshort\n"].concat();
        vec![
            scene.request(&[(java, trace), (long, &lines)]),
            scene.request(&[(java, b"last message\n"), (long, b"no newline at the end")]),
        ]
    });
    compare("06-grouped-long-and-partial-lines.json", 0, &sent, &COMMON);
    page::quotes("06", &sent);
}

#[test]
fn capture_07_json_lines() {
    let entries = json!([{ "path": "/var/log/docker/c1-json.log", "parse_format": "json", "attributes": { "parser": "docker" } }]);
    let sent = sent(entries, json!({}), |scene| {
        let lines = "{\"log\":\"hello from container\\n\",\"stream\":\"stdout\",\"time\":\"2024-05-06T07:08:09.123456789Z\"}\n\
            {\"log\":\"with extras\\n\",\"stream\":\"stderr\",\"attrs\":{\"a\":\"b\"},\"n\":5,\"time\":\"2024-05-06T07:08:10Z\"}\n\
            not json\n";
        vec![scene.request(&[("/var/log/docker/c1-json.log", lines.as_bytes())])]
    });
    compare("07-json-and-cri-parsed-lines.json", 0, &sent, &COMMON);
    page::quotes("07 json", &sent);
}

#[test]
fn capture_07_cri_lines() {
    let entries =
        json!([{ "path": "/var/log/containers/pod.log", "parse_format": "cri", "attributes": { "parser": "k8s" } }]);
    let sent = sent(entries, json!({}), |scene| {
        let lines = "2024-05-06T07:08:09.123456789Z stdout F full line\n\
            2024-05-06T07:08:10.1Z stdout P first half \n\
            2024-05-06T07:08:10.2Z stderr F error line\n\
            2024-05-06T07:08:10.3Z stdout F second half\n";
        vec![scene.request(&[("/var/log/containers/pod.log", lines.as_bytes())])]
    });
    compare("07-json-and-cri-parsed-lines.json", 1, &sent, &[BETWEEN_PARTS]);
    page::quotes("07 cri", &sent);
}

fn redacted_and_sampled(extra: Value) -> Vec<Sent> {
    let entries = json!([{
        "path": "/var/log/app/a.log",
        "redaction_rules": [
            { "match_expression": "password=\\S+", "replacement": "password=***" },
            { "match_expression": "user=(\\w+)", "replacement": "user=\\H1", "hash_salt": "salt!" },
        ],
        "sampling_rules": [
            { "match_expression": "^DEBUG", "sampling_rate": 0 },
            { "match_expression": "^INFO", "sampling_rate": 0.5 },
        ],
    }]);
    sent(entries, extra, |scene| {
        let mut lines = "WARN login user=bob password=hunter2\nDEBUG chatter\n".to_owned();
        (0..60).for_each(|number| lines += &format!("INFO sampled {number}\n"));
        let mut sent = scene.request(&[("/var/log/app/a.log", lines.as_bytes())]);
        // As many as were recorded.
        sent.shorten(6);
        vec![sent]
    })
}

#[test]
fn capture_08_redaction_and_sampling() {
    let sent = redacted_and_sampled(json!({}));
    let mut known = COMMON.to_vec();
    known.extend([SAMPLES, DIFFERENCE_LAST]);
    compare("08-redaction-and-sampling.json", 0, &sent, &known);
}

#[test]
fn capture_08_with_the_attributes_repeated_differs_in_chance_and_in_the_order_of_two_fields() {
    let sent = redacted_and_sampled(json!({ "repeat_log_attributes": true }));
    compare("08-redaction-and-sampling.json", 0, &sent, &same_but_for(&[SAMPLES, DIFFERENCE_LAST]));
}
