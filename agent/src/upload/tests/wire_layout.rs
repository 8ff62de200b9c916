//! The encoder against a recorded request of the Python agent.

use scalyr_monitor::Timestamp;
use serde_json::json;

use super::decoded::decode;
use super::fixture::File;
use crate::config::plan::ApiKey;
use crate::ledger::{Ledger, Offset};
use crate::logs::batch::Batch;
use crate::upload::wire::{Body, Head};

const ATTRIBUTES: &str = r#"{"service": "shop", "parser": "accessLog", "logfile": "/var/log/app/access.log"}"#;

fn head() -> Head {
    let serde_json::Value::Object(attributes) = json!({"serverHost": "web-1", "tier": "frontend"}) else {
        unreachable!("an object")
    };
    Head::new(&ApiKey::new("fake-key"), "MOtAP70TC5z9z_GH6ZZBCnALwVg=", &attributes)
}

fn put_all(body: &mut Body, batch: &Batch) {
    for event in &batch.events {
        assert!(body.put(batch, event, true, usize::MAX));
    }
}

/// The same bytes as the Python agent's, but for attributes of the log, which it repeats in every event, and spaces in
/// `sessionInfo`.
#[test]
fn the_layout_is_that_of_the_recorded_request() {
    let recorded =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/captured-requests/02-first-lines.wire.bin"));
    let repeated = format!("attrs:{{{},message:", ATTRIBUTES.trim_matches(['{', '}']));
    let expected = String::from_utf8(recorded.unwrap().escape_ascii().collect()).unwrap();
    let repeated = String::from_utf8(repeated.as_bytes().escape_ascii().collect()).unwrap();
    assert_eq!(expected.matches(&repeated).count(), 3);
    let expected = expected.replace(&repeated, "attrs:{message:").replace(
        r#"{\"serverHost\": \"web-1\", \"tier\": \"frontend\"}"#,
        r#"{\"serverHost\":\"web-1\",\"tier\":\"frontend\"}"#,
    );

    let ledger = Ledger::new();
    let mut file = File::new(&ledger, "/var/log/app/access.log", ATTRIBUTES);
    let mut batch = file.batch(&[
        b"10.0.0.1 - - \"GET / HTTP/1.1\" 200 512\n",
        "10.0.0.2 - - \"GET /é HTTP/1.1\" 404 0\n".as_bytes(),
        b"bad utf8 \xff\xfe here\n",
    ]);
    // The sequence of the recording; each line had a time of its own.
    let sequence = "4e6e3f3c-65c8-4401-a64c-4c0f1bbbed50";
    for (event, nanos) in batch.events.iter_mut().zip([507_682_560, 507_808_000, 507_845_888]) {
        event.time = Some(Timestamp::from_nanos(1_795_355_310_000_000_000 + nanos));
    }
    let mut body = Body::default();
    body.begin(&head());
    put_all(&mut body, &batch);
    body.close(Timestamp::from_millis(1_795_355_310_999));
    let ours = String::from_utf8(body.bytes().escape_ascii().collect()).unwrap();
    assert_eq!(ours.replace("si-of-/var/log/app/access.log", sequence), expected);
}

#[test]
fn a_sequence_is_named_on_the_first_event_and_on_every_switch() {
    let ledger = Ledger::new();
    let (mut a, mut b) = (File::new(&ledger, "/a", "{}"), File::new(&ledger, "/b", "{}"));
    let batches = [a.batch(&[b"a1\n", b"a22\n"]), b.batch(&[b"b1\n"]), a.batch(&[b"a333\n", b"a4\n"])];
    let mut body = Body::default();
    body.begin(&head());
    for batch in &batches {
        put_all(&mut body, batch);
    }
    body.close(Timestamp::from_millis(0));
    let decoded = decode(body.bytes());
    let numbers: Vec<_> = decoded.events.iter().map(|event| (event.place.clone(), event.sd)).collect();
    let at = |si: &str, sn: u64| (Some((si.to_owned(), sn)), None);
    let expected = [at("si-of-/a", 3), (None, Some(4)), at("si-of-/b", 3), at("si-of-/a", 12), (None, Some(3))];
    assert_eq!(numbers, expected);
    assert_eq!(decoded.logs, json!([{"id": "log_1", "attrs": {}}, {"id": "log_2", "attrs": {}}]));
    let threads = json!([{"id": "log_1", "name": "Lines for file /a"}, {"id": "log_2", "name": "Lines for file /b"}]);
    assert_eq!(decoded.threads, threads);
    // The next request begins anew.
    body.begin(&head());
    put_all(&mut body, &a.batch(&[b"a5\n"]));
    body.close(Timestamp::from_millis(0));
    assert_eq!(decode(body.bytes()).events[0].place, Some(("si-of-/a".to_owned(), 18)));
}

#[test]
fn an_event_carries_its_own_attributes_and_time_only() {
    let ledger = Ledger::new();
    let mut file = File::new(&ledger, "/json \"log\"\n", r#"{"parser":"json"}"#);
    let mut batch = file.batch(&[b"one\n", b"two\n"]);
    batch.arena.extend_from_slice(br#""stream":"stdout""#);
    batch.events[1].attributes = 8..25;
    batch.events[1].time = Some(Timestamp::from_nanos(7));
    let mut body = Body::default();
    body.begin(&head());
    put_all(&mut body, &batch);
    body.close(Timestamp::from_millis(61_999));
    let decoded = decode(body.bytes());
    assert_eq!(
        (decoded.events[0].attributes.as_str(), decoded.events[1].attributes.as_str()),
        ("", r#""stream":"stdout","#)
    );
    assert_eq!(
        (decoded.events[0].ts.as_str(), decoded.events[1].ts.as_str()),
        ("1795355310507682560", "7"),
        "one time per read, unless the line has its own"
    );
    assert_eq!(decoded.threads[0]["name"], "Lines for file /json \"log\"\n");
    assert_eq!(decoded.head["token"], "fake-key");
    assert_eq!(decoded.client_time, 61);
}

#[test]
fn a_new_client_time_changes_nothing_else() {
    let ledger = Ledger::new();
    let batch = File::new(&ledger, "/a", "{}").batch(&[b"line\n"]);
    let mut body = Body::default();
    body.begin(&head());
    put_all(&mut body, &batch);
    body.close(Timestamp::from_millis(999_000));
    let before = String::from_utf8_lossy(body.bytes()).into_owned();
    body.stamp(Timestamp::from_millis(1_000_000));
    let after = String::from_utf8_lossy(body.bytes()).into_owned();
    assert_eq!(before.replace("client_time: 999 }", "client_time: 1000 }"), after);
    assert_ne!(before, after);
}

#[test]
fn a_sequence_number_that_goes_back_is_written_out() {
    let ledger = Ledger::new();
    let mut batch = File::new(&ledger, "/a", "{}").batch(&[b"first\n", b"second\n"]);
    batch.events[1].number = Offset(1002);
    let mut body = Body::default();
    body.begin(&head());
    put_all(&mut body, &batch);
    body.close(Timestamp::from_millis(0));
    assert_eq!(decode(body.bytes()).events[1].place, Some(("si-of-/a".to_owned(), 2)));
}

#[test]
fn two_descriptions_of_one_file_do_not_meet_in_a_request() {
    let ledger = Ledger::new();
    let mut file = File::new(&ledger, "/a", r#"{"logfile":"/a"}"#);
    let before = file.batch(&[b"before\n"]);
    let same = Batch {
        log: std::sync::Arc::new(crate::logs::batch::LogDescription {
            attributes: r#"{"logfile":"/a"}"#.to_owned(),
            path: "/a".to_owned(),
        }),
        ..file.batch(&[b"same\n"])
    };
    file.log = std::sync::Arc::new(crate::logs::batch::LogDescription {
        attributes: r#"{"logfile":"/a.1"}"#.to_owned(),
        path: "/a".to_owned(),
    });
    let after = file.batch(&[b"after\n"]);
    let mut body = Body::default();
    body.begin(&head());
    put_all(&mut body, &before);
    put_all(&mut body, &same);
    assert!(!body.put(&after, &after.events[0], true, usize::MAX));
    body.begin(&head());
    put_all(&mut body, &after);
}

#[test]
fn packing_a_thousand_events_again_needs_no_more_memory() {
    let ledger = Ledger::new();
    let mut file = File::new(&ledger, "/a", "{}");
    let lines: Vec<&[u8]> = vec![b"a line of the usual length, or nearly so\n"; 1000];
    let mut body = Body::default();
    body.begin(&head());
    put_all(&mut body, &file.batch(&lines));
    body.close(Timestamp::from_millis(0));
    let capacity = body.capacity();
    for _ in 0..10 {
        body.begin(&head());
        put_all(&mut body, &file.batch(&lines));
        body.close(Timestamp::from_millis(0));
    }
    assert_eq!(body.capacity(), capacity);
}
