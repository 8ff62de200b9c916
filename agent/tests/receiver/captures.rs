//! The recorded requests of the reference agent are understood, field by field.

use std::fs;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use scalyr_agent::receiver::{Attribute, BodyError, Request};
use serde_json::{Value, json};

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/captured-requests")
}

/// Every recorded request, with the file it comes from.
fn recorded() -> Vec<(String, Value)> {
    let mut requests = Vec::new();
    for entry in fs::read_dir(directory()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let parsed: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let captures = if let Value::Array(captures) = parsed { captures } else { vec![parsed] };
        for capture in captures {
            for request in capture["requests"].as_array().into_iter().flatten() {
                requests.push((name.clone(), request.clone()));
            }
        }
    }
    requests
}

/// Bytes of a string of a recorded body: `{"$b64": …}` stands for what is not UTF-8.
fn bytes_of(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.clone().into_bytes(),
        other => STANDARD.decode(other["$b64"].as_str().unwrap()).unwrap(),
    }
}

/// Brings a recorded body back into the dialect, as `wire-protocol.md` section 3.1 lays it out.
pub(crate) fn to_dialect(body: &Value) -> Vec<u8> {
    let mut wire = format!("{{\"token\": {}, \"session\": {}, \"threads\": []", body["token"], body["session"]);
    if let Some(info) = body.get("sessionInfo") {
        wire += &format!(", \"sessionInfo\": {info}");
    }
    wire += ", events: [";
    let mut wire = wire.into_bytes();
    for (index, event) in body["events"].as_array().unwrap().iter().enumerate() {
        wire.extend_from_slice(if index == 0 { b"{" } else { b",{" });
        for (index, (key, value)) in event.as_object().unwrap().iter().enumerate() {
            wire.extend_from_slice(if index == 0 { b"" } else { b"," });
            wire.extend_from_slice(format!("{key}:").as_bytes());
            if key == "attrs" {
                put_event_attrs(&mut wire, value);
            } else {
                wire.extend_from_slice(value.to_string().as_bytes());
            }
        }
        wire.push(b'}');
    }
    let (logs, threads, time) = (&body["logs"], &body["threads"], &body["client_time"]);
    wire.extend_from_slice(format!("], logs: {logs}, threads: {threads}, client_time: {time} }}").as_bytes());
    wire
}

fn put_event_attrs(wire: &mut Vec<u8>, attrs: &Value) {
    wire.push(b'{');
    for (index, (key, value)) in attrs.as_object().unwrap().iter().enumerate() {
        wire.extend_from_slice(if index == 0 { b"" } else { b"," });
        match key.as_str() {
            "message" => {
                let message = bytes_of(value);
                wire.extend_from_slice(b"message:`s");
                wire.extend_from_slice(&i32::try_from(message.len()).unwrap().to_be_bytes());
                wire.extend_from_slice(&message);
            }
            "sample_rate" => wire.extend_from_slice(format!("sample_rate:{value}").as_bytes()),
            _ => wire.extend_from_slice(format!("{}: {value}", json!(key)).as_bytes()),
        }
    }
    wire.push(b'}');
}

/// Attributes as a JSON object.
pub(crate) fn object(attrs: &[Attribute<'_>]) -> Value {
    Value::Object(attrs.iter().map(|attr| (attr.name.to_string(), attr.value.value().unwrap())).collect())
}

fn assert_same(request: &Request<'_>, body: &Value) {
    assert_eq!(request.token.reveal(), body["token"]);
    assert_eq!(request.session, body["session"].as_str().unwrap());
    assert_eq!(request.session_info.as_deref().map(object).as_ref(), body.get("sessionInfo"));
    assert_eq!(request.client_time, body["client_time"].as_i64().unwrap());
    let threads: Vec<_> =
        request.threads.iter().map(|thread| json!({ "id": thread.id, "name": thread.name })).collect();
    assert_eq!(json!(threads), body["threads"]);
    let logs = request.logs.as_ref().unwrap().iter();
    let logs: Vec<_> = logs.map(|log| json!({ "id": log.id, "attrs": object(&log.attrs) })).collect();
    assert_eq!(json!(logs), body["logs"]);

    let recorded = body["events"].as_array().unwrap();
    assert_eq!(request.events.len(), recorded.len());
    let (mut si, mut sn) = (String::new(), 0);
    for (event, recorded) in request.events.iter().zip(recorded) {
        assert_eq!(request.threads[event.thread].id, recorded["thread"].as_str().unwrap());
        assert_eq!(request.logs.as_ref().unwrap()[event.log.unwrap()].id, recorded["log"].as_str().unwrap());
        assert_eq!(event.ts.to_string(), recorded["ts"]);
        assert_eq!(*event.message, bytes_of(&recorded["attrs"]["message"]));
        let mut attrs = recorded["attrs"].clone();
        attrs.as_object_mut().unwrap().shift_remove("message");
        assert_eq!(object(&event.attrs), attrs);
        assert_eq!(event.sd, recorded["sd"].as_u64());
        match recorded["si"].as_str() {
            Some(id) => (si, sn) = (id.to_owned(), recorded["sn"].as_u64().unwrap()),
            None => sn += recorded["sd"].as_u64().unwrap(),
        }
        assert_eq!((&*event.si, event.sn), (si.as_str(), sn));
    }
}

#[test]
fn every_recorded_body_is_read_field_by_field() {
    let requests = recorded();
    assert!(requests.len() >= 16, "only {} requests", requests.len());
    for (name, request) in requests {
        let wire = to_dialect(&request["body"]);
        let parsed = Request::parse(&wire).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_same(&parsed, &request["body"]);
    }
}

#[test]
fn the_recorded_bytes_are_read_field_by_field() {
    let wire = fs::read(directory().join("02-first-lines.wire.bin")).unwrap();
    let file: Value = serde_json::from_slice(&fs::read(directory().join("02-first-lines.json")).unwrap()).unwrap();
    let request = Request::parse(&wire).unwrap();
    assert_same(&request, &file["requests"][0]["body"]);
    assert_eq!(&*request.events[2].message, b"bad utf8 \xff\xfe here\n");
    assert_eq!(request.events.iter().map(|event| event.sn).collect::<Vec<_>>(), [38, 76, 93]);
    // The test's own way back into the dialect gives the same request.
    assert_eq!(Request::parse(&to_dialect(&file["requests"][0]["body"])).unwrap(), request);
}

#[test]
fn the_beginning_of_every_recorded_body_is_read_up_to_its_last_byte() {
    for (name, request) in recorded() {
        let start = unescape(request["wire_start"].as_str().unwrap());
        match Request::parse(&start) {
            Ok(parsed) => assert_same(&parsed, &request["body"]),
            Err(BodyError::Syntax(error)) => {
                assert_eq!(error.at, start.len(), "{name}: {error}");
                assert!(error.to_string().contains("ends too early"), "{name}: {error}");
            }
            Err(BodyError::Problems(problems)) => panic!("{name}: {problems}"),
        }
    }
}

/// The bytes of a `wire_start`, in which `\xNN` stands for what cannot be printed.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\x") {
        bytes.extend_from_slice(before.as_bytes());
        bytes.push(u8::from_str_radix(&after[..2], 16).unwrap());
        rest = &after[2..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Request::parse(&bytes).is_err());
    }

    #[test]
    fn damaged_recordings_are_read_or_refused_without_a_panic(
        which in any::<prop::sample::Index>(),
        damages in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..6),
    ) {
        let bodies = recorded();
        let mut wire = to_dialect(&which.get(&bodies).1["body"]);
        for (place, byte, kind) in damages {
            if wire.is_empty() {
                break;
            }
            let at = place.index(wire.len());
            match kind {
                0 => wire[at] = byte,
                1 => wire.insert(at, byte),
                2 => drop(wire.remove(at)),
                _ => wire.truncate(at),
            }
        }
        if let Err(error) = Request::parse(&wire) {
            prop_assert!(!error.to_string().contains("fake-key"), "{}", error);
        }
    }

    #[test]
    fn a_body_that_is_cut_anywhere_ends_too_early(cut in any::<prop::sample::Index>()) {
        let wire = fs::read(directory().join("02-first-lines.wire.bin")).unwrap();
        let cut = cut.index(wire.len());
        let error = Request::parse(&wire[..cut]).unwrap_err().to_string();
        prop_assert!(error.contains("ends too early"), "{}: {}", cut, error);
    }
}
