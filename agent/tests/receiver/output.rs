//! The output file holds what was accepted, exactly; the observer sees the same.

use std::fs;
use std::sync::{Arc, Mutex};

use scalyr_agent::receiver::{Options, show_events};
use serde_json::{Value, json};

use crate::body::{event, with_events};
use crate::client::{Client, good_body, start};

const CAPTURED: &[u8] = include_bytes!("../fixtures/captured-requests/02-first-lines.wire.bin");

#[test]
fn an_accepted_event_is_one_line_with_all_there_is_to_know() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.jsonl");
    let receiver = start(Options { output: Some(path.clone()), ..Options::default() });
    Client::connect(receiver.address()).upload(1);
    let mut client = Client::connect(receiver.address());
    client.post("/addEvents", "", CAPTURED);
    assert_eq!(client.answer().code, 200);
    let text = fs::read_to_string(&path).unwrap();
    let mut lines = text.lines();
    assert_eq!(
        lines.next().unwrap(),
        r#"{"session":"s","client":1,"serverHost":"web-1","thread":"log_1","log":"log_1","logfile":"/a","message":"hello\n","ts":"1795355310507682560","si":"q","sn":1,"attrs":{"logfile":"/a","parser":"p"}}"#
    );
    let second: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    assert_eq!(
        second,
        json!({
            "session": "MOtAP70TC5z9z_GH6ZZBCnALwVg=", "client": 2, "serverHost": "web-1", "thread": "log_1",
            "log": "log_1", "logfile": "/var/log/app/access.log",
            "message": "10.0.0.1 - - \"GET / HTTP/1.1\" 200 512\n", "ts": "1795355310507682560",
            "si": "4e6e3f3c-65c8-4401-a64c-4c0f1bbbed50", "sn": 38,
            "attrs": { "service": "shop", "parser": "accessLog", "logfile": "/var/log/app/access.log" }
        })
    );
    let fourth: Value = serde_json::from_str(lines.nth(1).unwrap()).unwrap();
    assert_eq!((&fourth["message"], &fourth["sn"]), (&json!({ "$b64": "YmFkIHV0Zjgg//4gaGVyZQo=" }), &json!(93)));
    assert_eq!(lines.next(), None);
    assert!(!text.contains("fake-key") && !text.contains("secret-key"));
}

#[test]
fn attributes_of_the_event_override_those_of_its_log_and_every_event_stays_on_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.jsonl");
    let receiver = start(Options { output: Some(path.clone()), ..Options::default() });
    let attrs = "\"logfile\":\"/other\",\"n\":1e2,\"sample_rate\":\"x\",\"deep\":{\"a\":\n[1,\r\n2]},message:`s\0\0\0\x03a\nb,sample_rate:0.5";
    let one = format!("{{thread:\"log_1\", log:\"log_1\", attrs:{{{attrs}}},ts:\"-5\",si:\"q\",sn:3}}");
    let mut client = Client::connect(receiver.address());
    client.post("/addEvents", "", with_events(&one).as_bytes());
    assert_eq!(client.answer().code, 200);
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "{\"session\":\"s\",\"client\":1,\"serverHost\":\"web-1\",\"thread\":\"log_1\",\"log\":\"log_1\",\
         \"logfile\":\"/other\",\"message\":\"a\\nb\",\"ts\":\"-5\",\"si\":\"q\",\"sn\":3,\"attrs\":{\"parser\":\"p\",\
         \"logfile\":\"/other\",\"n\":1e2,\"deep\":{\"a\": [1,  2]},\"sample_rate\":0.5}}\n"
    );
    assert_eq!(receiver.summary().files["/other"].events, 1);
}

#[test]
fn only_accepted_requests_are_in_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.jsonl");
    let faults = "1*status:error/server,1*http:500:success,1*cut,1*cut:accepted".parse().unwrap();
    let receiver = start(Options { output: Some(path.clone()), faults, ..Options::default() });
    for sn in 1..=5 {
        let mut client = Client::connect(receiver.address());
        client.post("/addEvents", "", &good_body(sn));
        client.half_close();
        client.rest();
    }
    let mut client = Client::connect(receiver.address());
    let half_bad = with_events(&[event("a", r#"ts:"1",si:"q",sn:9"#), event("b", r#"ts:"1""#)].join(","));
    client.post("/addEvents", "", half_bad.as_bytes());
    assert_eq!(client.answer().code, 400);
    let text = fs::read_to_string(&path).unwrap();
    let numbers: Vec<_> =
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["sn"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [4, 5]);
}

#[test]
fn a_file_of_an_earlier_run_is_continued_on_a_line_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.jsonl");
    fs::write(&path, "{\"whole\":1}\n{\"killed in th").unwrap();
    let receiver = start(Options { output: Some(path.clone()), ..Options::default() });
    Client::connect(receiver.address()).upload(1);
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!((lines.len(), lines[1]), (3, "{\"killed in th"));
    assert!(serde_json::from_str::<Value>(lines[2]).is_ok());
}

#[test]
fn events_that_cannot_be_stored_are_not_accepted() {
    let receiver = start(Options { output: Some("/dev/full".into()), ..Options::default() });
    let mut client = Client::connect(receiver.address());
    let answer = client.upload(1);
    assert_eq!(answer.code, 500);
    assert!(answer.body.contains("could not be stored: /dev/full: "), "{}", answer.body);
    let summary = receiver.summary();
    assert_eq!((summary.events, summary.accepted, summary.refused), (0, 0, 1));
}

#[test]
fn the_observer_sees_every_accepted_event_before_the_answer() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let observer: scalyr_agent::receiver::Observer = Arc::new(move |arrival| {
        let mut text = String::new();
        show_events(arrival.request, &mut text);
        sink.lock().unwrap().push((arrival.connection, text));
    });
    let receiver = start(Options { observer: Some(observer), ..Options::default() });
    let mut client = Client::connect(receiver.address());
    client.post("/addEvents", "", CAPTURED);
    client.answer();
    let expected = "2026-11-22 13:48:30.507Z /var/log/app/access.log 10.0.0.1 - - \"GET / HTTP/1.1\" 200 512\n\
                    2026-11-22 13:48:30.507Z /var/log/app/access.log 10.0.0.2 - - \"GET /é HTTP/1.1\" 404 0\n\
                    2026-11-22 13:48:30.507Z /var/log/app/access.log bad utf8 \\xff\\xfe here\n";
    assert_eq!(*seen.lock().unwrap(), [(1, expected.to_owned())]);
}
