//! Takes a request body apart again; strict, and without the encoder's code.

use serde_json::Value;

#[derive(Debug, PartialEq)]
pub(super) struct Event {
    pub(super) file: String,
    pub(super) attributes: String,
    pub(super) message: Vec<u8>,
    pub(super) ts: String,
    /// `si` and `sn`.
    pub(super) place: Option<(String, u64)>,
    pub(super) sd: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) head: Value,
    pub(super) events: Vec<Event>,
    pub(super) logs: Value,
    pub(super) threads: Value,
    pub(super) client_time: i64,
}

impl Decoded {
    /// The messages of one file, as text.
    pub(super) fn messages(&self, file: &str) -> Vec<String> {
        let events = self.events.iter().filter(|event| event.file == file);
        events.map(|event| String::from_utf8_lossy(&event.message).into_owned()).collect()
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn skip(&mut self, text: &str) {
        let rest = self.0.strip_prefix(text.as_bytes());
        self.0 = rest.unwrap_or_else(|| panic!("expected {text:?} at {:?}", String::from_utf8_lossy(self.0)));
    }

    fn sees(&self, text: &str) -> bool {
        self.0.starts_with(text.as_bytes())
    }

    fn until(&mut self, text: &str) -> &'a str {
        let at = self.0.windows(text.len()).position(|window| window == text.as_bytes()).unwrap();
        let before = std::str::from_utf8(&self.0[..at]).unwrap();
        self.0 = &self.0[at + text.len()..];
        before
    }

    fn bytes(&mut self, length: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes
    }

    fn number(&mut self) -> u64 {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        std::str::from_utf8(self.bytes(digits)).unwrap().parse().unwrap()
    }

    fn json(&mut self) -> Value {
        let mut values = serde_json::Deserializer::from_slice(self.0).into_iter();
        let value = values.next().unwrap().unwrap();
        let length = values.byte_offset();
        self.bytes(length);
        value
    }
}

pub(super) fn decode(body: &[u8]) -> Decoded {
    let mut reader = Reader(body);
    let head = reader.until(", events: [");
    let head: Value = serde_json::from_str(&format!("{head}}}")).unwrap();
    let mut events = Vec::new();
    while !reader.sees("]") {
        if !events.is_empty() {
            reader.skip(",");
        }
        events.push(event(&mut reader));
    }
    reader.skip("], logs: ");
    let logs = reader.json();
    reader.skip(", threads: ");
    let threads = reader.json();
    reader.skip(", client_time: ");
    let client_time = i64::try_from(reader.number()).unwrap();
    reader.skip(" }");
    assert!(reader.0.is_empty());
    Decoded { head, events, logs, threads, client_time }
}

fn event(reader: &mut Reader<'_>) -> Event {
    reader.skip("{thread:\"");
    let file = reader.until("\", log:\"").to_owned();
    assert_eq!(reader.until("\", attrs:{"), file);
    let attributes = reader.until("message:`s").to_owned();
    let length = i32::from_be_bytes(reader.bytes(4).try_into().unwrap());
    let message = reader.bytes(usize::try_from(length).unwrap()).to_vec();
    reader.skip("},");
    let sd = reader.sees("sd:").then(|| {
        reader.skip("sd:");
        let number = reader.number();
        reader.skip(",");
        number
    });
    reader.skip("ts:\"");
    let ts = reader.until("\"").to_owned();
    let place = reader.sees(",").then(|| {
        reader.skip(",si:");
        let Value::String(si) = reader.json() else { panic!("si is a string") };
        reader.skip(",sn:");
        (si, reader.number())
    });
    reader.skip("}");
    assert_ne!(sd.is_some(), place.is_some(), "either sd or si and sn");
    Event { file, attributes, message, ts, place, sd }
}
