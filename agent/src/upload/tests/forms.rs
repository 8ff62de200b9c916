//! The forms of a body that repeat the attributes of a log, byte for byte against the recorded request of the Python
//! agent, and read by the receiver, which shares no code with them.

use scalyr_monitor::Timestamp;
use serde_json::{Value, json};

use super::fixture::File;
use crate::config::plan::{ApiKey, BodyForm};
use crate::ledger::Ledger;
use crate::logs::batch::Batch;
use crate::receiver::{Attribute, Request};
use crate::upload::wire::{Body, Head};

fn head(form: BodyForm) -> Head {
    let Value::Object(attributes) = json!({"serverHost": "web-1", "tier": "frontend"}) else {
        unreachable!("an object")
    };
    Head::new(&ApiKey::new("fake-key"), "MOtAP70TC5z9z_GH6ZZBCnALwVg=", &attributes).with(form, None)
}

/// Adds attributes to an event, the inside of an object.
fn give(batch: &mut Batch, event: usize, attributes: &str) {
    let begin = u32::try_from(batch.arena.len()).unwrap();
    batch.arena.extend_from_slice(attributes.as_bytes());
    batch.events[event].attributes = begin..u32::try_from(batch.arena.len()).unwrap();
}

fn body_of(form: BodyForm, batches: &[&Batch]) -> Vec<u8> {
    let mut body = Body::default();
    body.begin(&head(form));
    for batch in batches {
        for event in &batch.events {
            assert!(body.put(batch, event, true, usize::MAX));
        }
    }
    let most = body.size();
    body.close(Timestamp::from_millis(1_795_355_310_999));
    assert!(body.bytes().len() <= most, "the size that was promised holds");
    body.bytes().to_vec()
}

fn object(attrs: &[Attribute<'_>]) -> Value {
    Value::Object(attrs.iter().map(|attr| (attr.name.to_string(), attr.value.value().unwrap())).collect())
}

#[test]
fn repeated_attributes_give_the_recorded_bytes_but_for_spaces() {
    let recorded =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/captured-requests/02-first-lines.wire.bin"));
    let escaped = |bytes: &[u8]| String::from_utf8(bytes.escape_ascii().collect()).unwrap();
    let ledger = Ledger::new();
    let attributes = r#"{"service":"shop","parser":"accessLog","logfile":"/var/log/app/access.log"}"#;
    let mut batch = File::new(&ledger, "/var/log/app/access.log", attributes).batch(&[
        b"10.0.0.1 - - \"GET / HTTP/1.1\" 200 512\n",
        "10.0.0.2 - - \"GET /é HTTP/1.1\" 404 0\n".as_bytes(),
        b"bad utf8 \xff\xfe here\n",
    ]);
    for (event, nanos) in batch.events.iter_mut().zip([507_682_560, 507_808_000, 507_845_888]) {
        event.time = Some(Timestamp::from_nanos(1_795_355_310_000_000_000 + nanos));
    }
    let ours = escaped(&body_of(BodyForm::Repeated, &[&batch]))
        .replace("si-of-/var/log/app/access.log", "4e6e3f3c-65c8-4401-a64c-4c0f1bbbed50");
    // Between the keys and values of objects the Python agent, without its faster library, writes spaces.
    let tight = |text: &str| text.replace(", \\\"", ",\\\"").replace("\\\": ", "\\\":");
    assert_eq!(tight(&ours), tight(&escaped(&recorded.unwrap())));
}

#[test]
fn a_line_with_attributes_of_its_own_repeats_none_and_a_sampled_one_all() {
    let ledger = Ledger::new();
    let mut batch = File::new(&ledger, "/a", r#"{"logfile":"/a","n":1}"#).batch(&[
        b"own\n",
        b"sampled\n",
        b"both\n",
        b"plain\n",
        b"rate of the record\n",
    ]);
    give(&mut batch, 0, r#""stream":"stdout""#);
    give(&mut batch, 1, r#""sample_rate":0.5"#);
    give(&mut batch, 2, r#""sample_rate":0.25,"logfile":"/mine""#);
    give(&mut batch, 4, r#""sample_rate":"often","x":1"#);
    let body = body_of(BodyForm::Repeated, &[&batch]);
    let request = Request::parse(&body).unwrap();
    let all: Vec<Value> = request.events.iter().map(|event| object(&event.attrs)).collect();
    assert_eq!(
        all,
        [
            json!({"stream": "stdout"}),
            json!({"logfile": "/a", "n": 1, "sample_rate": 0.5}),
            json!({"logfile": "/mine", "sample_rate": 0.25}),
            json!({"logfile": "/a", "n": 1}),
            json!({"sample_rate": "often", "x": 1}),
        ]
    );
    let text = String::from_utf8_lossy(&body);
    // As in capture 08: the rate bare behind the message.
    assert!(text.contains("sampled\n,sample_rate:0.5},sd:8,ts:\"1795355310507682560\"}"), "{text}");
    assert!(text.contains("plain\n},sd:6,ts:\"1795355310507682560\"}"), "{text}");
    assert_eq!(request.logs.as_ref().map(|logs| object(&logs[0].attrs)), Some(json!({"logfile": "/a", "n": 1})));
}

#[test]
fn without_logs_each_event_has_all_attributes_and_its_own_win() {
    let ledger = Ledger::new();
    let mut one =
        File::new(&ledger, "/a \"b\"", r#"{"logfile":"/a \"b\"","n":1,"message":"of the log","sample_rate":1}"#)
            .batch(&[b"plain\n", b"own\n", b"sampled\n"]);
    give(&mut one, 1, r#""n":{"deep":[1,"message"]},"\u006dessage":"of the line","e\u0301":1.50"#);
    give(&mut one, 2, r#""sample_rate":0.5"#);
    let other = File::new(&ledger, "/none", "{}").batch(&[b"bare\n"]);
    let body = body_of(BodyForm::WithoutLogs, &[&one, &other, &one]);
    let text = String::from_utf8_lossy(&body);
    assert!(!text.contains("logs:") && !text.contains("log:"), "{text}");
    assert!(
        text.contains(
            "], threads: [{\"id\": \"log_1\", \"name\": \"Lines for file /a \\\"b\\\"\"}, {\"id\": \"log_2\""
        )
    );
    let request = Request::parse(&body).unwrap();
    assert!(request.logs.is_none() && request.events.iter().all(|event| event.log.is_none()));
    let names: Vec<_> = request.threads.iter().map(|thread| thread.name.to_string()).collect();
    assert_eq!(names, ["Lines for file /a \"b\"", "Lines for file /none"]);
    let expected = [
        json!({"logfile": "/a \"b\"", "n": 1, "message": "of the log", "sample_rate": 1}),
        json!({"logfile": "/a \"b\"", "sample_rate": 1, "n": {"deep": [1, "message"]}, "message": "of the line", "e\u{301}": 1.5}),
        json!({"logfile": "/a \"b\"", "n": 1, "message": "of the log", "sample_rate": 0.5}),
        json!({}),
    ];
    for (index, event) in request.events.iter().enumerate() {
        assert_eq!(object(&event.attrs), expected[if index < 4 { index } else { index - 4 }], "event {index}");
    }
}

#[test]
fn an_event_that_does_not_fit_leaves_no_trace_in_any_form() {
    for form in [BodyForm::Lean, BodyForm::Repeated, BodyForm::WithoutLogs] {
        let ledger = Ledger::new();
        let small = File::new(&ledger, "/small", r#"{"logfile":"/small"}"#).batch(&[b"one\n", b"two\n"]);
        let attributes = json!({"logfile": "x".repeat(500)}).to_string();
        let large = File::new(&ledger, "/large", &attributes).batch(&[b"three\n"]);
        let mut body = Body::default();
        body.begin(&head(form));
        assert!(body.put(&small, &small.events[0], true, 800));
        assert!(!body.put(&large, &large.events[0], true, 800), "{form:?}");
        assert!(body.put(&small, &small.events[1], true, 800));
        body.close(Timestamp::from_millis(0));
        assert!(body.bytes().len() <= 800);
        let request = Request::parse(body.bytes()).unwrap();
        assert_eq!((request.events.len(), request.threads.len()), (2, 1), "{form:?}");
        assert!(request.events.iter().all(|event| request.logfile(event) == "/small"));
    }
}
