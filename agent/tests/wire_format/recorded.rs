//! The recorded requests of the Python agent.

use std::fs;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The bodies of a recording; `capture` chooses where a file holds several.
pub(super) fn bodies(name: &str, capture: usize) -> Vec<Value> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/captured-requests");
    let file: Value = serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap();
    let capture = if let Value::Array(captures) = &file { &captures[capture] } else { &file };
    capture["requests"].as_array().unwrap().iter().map(|request| request["body"].clone()).collect()
}

/// The bytes of a recorded text; long ones were shortened by hand, and say so.
pub(super) fn bytes(value: &Value) -> Vec<u8> {
    let Some(text) = value.as_str() else { return STANDARD.decode(value["$b64"].as_str().unwrap()).unwrap() };
    match text.split_once("...(") {
        Some((begin, rest)) => {
            let length: usize = rest.split(' ').next().unwrap().parse().unwrap();
            begin.as_bytes()[..1].repeat(length)
        }
        None => text.as_bytes().to_vec(),
    }
}
