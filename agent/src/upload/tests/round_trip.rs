//! What is encoded comes out the same: over a real connection into the receiver, which shares no code with the encoder,
//! for every compression, every form and any bytes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use scalyr_monitor::{Clock, Timestamp};
use serde_json::{Map, Value};

use super::fixture::File;
use crate::config::compression::{Bz2Level, DeflateLevel, Lz4Level, ZstandardLevel};
use crate::config::plan::{ApiKey, BodyForm, Compression};
use crate::ledger::Ledger;
use crate::receiver::{Arrival, Attribute, Observer, Options, Receiver};
use crate::threads::Threads;
use crate::upload::compress::{SharedCompressor, content_encoding};
use crate::upload::request::{Ending, Pushed, Request, Unpacked};
use crate::upload::wire::Head;

/// Every way to compress, with its least and its greatest level.
const COMPRESSIONS: [Compression; 9] = [
    Compression::None,
    Compression::Deflate(DeflateLevel::LEAST),
    Compression::Deflate(DeflateLevel::MOST),
    Compression::Bz2(Bz2Level::LEAST),
    Compression::Bz2(Bz2Level::MOST),
    Compression::Lz4(Lz4Level::LEAST),
    Compression::Lz4(Lz4Level::MOST),
    Compression::Zstandard(ZstandardLevel::LEAST),
    Compression::Zstandard(ZstandardLevel::MOST),
];
const FORMS: [BodyForm; 3] = [BodyForm::Lean, BodyForm::Repeated, BodyForm::WithoutLogs];

/// An event, as it must come out.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    logfile: String,
    message: Vec<u8>,
    /// Those of the log and its own.
    attributes: Map<String, Value>,
    ts: i64,
    place: (String, u64),
}

struct Wire {
    receiver: Receiver,
    came: Arc<Mutex<Vec<Seen>>>,
    stream: TcpStream,
}

fn object(attrs: &[Attribute<'_>]) -> Map<String, Value> {
    attrs.iter().map(|attr| (attr.name.to_string(), attr.value.value().unwrap())).collect()
}

impl Wire {
    fn new() -> Self {
        let came = Arc::<Mutex<Vec<Seen>>>::default();
        let into = Arc::clone(&came);
        let observer: Observer = Arc::new(move |arrival: &Arrival<'_, '_>| {
            let request = arrival.request;
            into.lock().unwrap().extend(request.events.iter().map(|event| {
                let mut attributes = match (&request.logs, event.log) {
                    (Some(logs), Some(log)) => object(&logs[log].attrs),
                    _ => Map::new(),
                };
                attributes.extend(object(&event.attrs));
                Seen {
                    logfile: request.threads[event.thread].name.to_string(),
                    message: event.message.to_vec(),
                    attributes,
                    ts: event.ts,
                    place: (event.si.to_string(), event.sn),
                }
            }));
        });
        let options = Options { observer: Some(observer), ..Options::default() };
        let receiver = Receiver::start(options, &Threads::new(), &Clock::system()).unwrap();
        let stream = TcpStream::connect(receiver.address()).unwrap();
        Self { receiver, came, stream }
    }

    /// Sends a body; the receiver must take it.
    fn post(&mut self, payload: &[u8], compression: Compression) -> Result<(), TestCaseError> {
        let encoding = content_encoding(compression).map(|name| format!("Content-Encoding: {name}\r\n"));
        let (encoding, length) = (encoding.unwrap_or_default(), payload.len());
        let head = format!("POST /addEvents HTTP/1.1\r\nHost: h\r\n{encoding}Content-Length: {length}\r\n\r\n");
        self.stream.write_all(&[head.as_bytes(), payload].concat()).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            let mut some = [0; 4096];
            let count = self.stream.read(&mut some).unwrap();
            prop_assert!(count > 0, "the receiver closed the connection: {}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&some[..count]);
        }
        let answer = String::from_utf8_lossy(&answer);
        prop_assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"success\""), "{answer}");
        Ok(())
    }
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => prop::collection::vec(any::<u8>(), 1..80),
        1 => prop::collection::vec(any::<u8>(), 500..3000),
        1 => Just(b"`s\x00\x00\x00\x05],\"} THREADS TIMESTAMP, logs: [".to_vec()),
        1 => Just(b"the same line again and again\n".to_vec()),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e300..1e300).prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(Value::from("TIMESTAMP `s\0\u{1}\u{7f}\u{2028}😀")),
        Just(Value::Null),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((".{0,5}", inner), 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z]{1,3}",
        1 => any::<String>(),
        2 => prop::sample::select(vec!["message", "logfile", "sample_rate", "parser", "ts", "THREADS", "log", "", "é\"\\"])
            .prop_map(str::to_owned),
    ]
}

fn attributes() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec((name(), value()), 0..5).prop_map(|members| members.into_iter().collect())
}

/// A line, with attributes of its own, and with its own time.
type Line = (Vec<u8>, Map<String, Value>, Option<i64>);

fn line() -> impl Strategy<Value = Line> {
    let own = prop_oneof![2 => Just(Map::new()), 1 => attributes()];
    (message(), own, prop::option::weighted(0.2, any::<i64>()))
}

/// Lines of several batches, each of one of three files.
type Written = Vec<(usize, Vec<Line>)>;

fn story() -> impl Strategy<Value = Written> {
    prop::collection::vec((0..3_usize, prop::collection::vec(line(), 0..8)), 1..8)
}

fn inside(object: &Map<String, Value>) -> String {
    let text = Value::Object(object.clone()).to_string();
    text[1..text.len() - 1].to_owned()
}

/// Packs the story into requests of at most `limit` bytes, all by one encoder and one compressor, and sends them.
fn tell(
    wire: &mut Wire,
    (logs, story): &([Map<String, Value>; 3], Written),
    (form, compression): (BodyForm, Compression),
    limit: usize,
) -> Result<(), TestCaseError> {
    let ledger = Ledger::new();
    let paths = ["/a", "/b \"THREADS\"\n`s", "/\u{e9}\u{1}"];
    let mut files: Vec<File> = paths
        .iter()
        .zip(logs)
        .map(|(path, log)| File::new(&ledger, path, &Value::Object(log.clone()).to_string()))
        .collect();
    let head = Head::new(&ApiKey::new("a \"key\""), "session", &logs[0]).with(form, None);
    let (mut request, compressor) = (Request::default(), SharedCompressor::new(compression));
    let mut expected = Vec::new();
    let finish = |request: &mut Request, wire: &mut Wire| {
        request.body_mut().close(Timestamp::from_millis(1_795_355_310_000));
        request.compress(&compressor);
        if request.has_events() {
            wire.post(request.payload(), compression)?;
        }
        prop_assert_eq!(request.too_large, 0);
        request.settle(Ending::Accepted);
        request.begin(&head);
        Ok(())
    };
    request.begin(&head);
    for (file, lines) in story {
        let number_of = |file: &File| file.end.0 - 1000;
        let mut end = number_of(&files[*file]);
        let messages: Vec<&[u8]> = lines.iter().map(|(message, ..)| message.as_slice()).collect();
        let mut batch = files[*file].batch(&messages);
        for (event, (message, own, time)) in batch.events.iter_mut().zip(lines) {
            let begin = u32::try_from(batch.arena.len()).unwrap();
            batch.arena.extend_from_slice(inside(own).as_bytes());
            event.attributes = begin..u32::try_from(batch.arena.len()).unwrap();
            event.time = time.map(Timestamp::from_nanos);
            end += message.len() as u64;
            let mut attributes = logs[*file].clone();
            attributes.extend(own.clone());
            expected.push(Seen {
                logfile: format!("Lines for file {}", paths[*file]),
                message: message.clone(),
                attributes,
                ts: time.unwrap_or(batch.time.as_nanos()),
                place: (format!("si-of-{}", paths[*file]), end),
            });
        }
        let mut unpacked = Unpacked::new(batch);
        while request.push(&mut unpacked, limit) == Pushed::Full {
            finish(&mut request, wire)?;
        }
    }
    finish(&mut request, wire)?;
    let came = std::mem::take(&mut *wire.came.lock().unwrap());
    prop_assert_eq!(came.len(), expected.len());
    for (came, expected) in came.into_iter().zip(expected) {
        prop_assert_eq!(came, expected);
    }
    prop_assert_eq!(wire.receiver.summary().refused, 0);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_is_encoded_decodes_to_the_same_events_for_every_compression_and_form(
        logs in [attributes(), attributes(), attributes()],
        story in story(),
        limit in 20_000..80_000_usize,
    ) {
        let mut wire = Wire::new();
        let told = (logs, story);
        for compression in COMPRESSIONS {
            for form in FORMS {
                tell(&mut wire, &told, (form, compression), limit)?;
            }
        }
    }
}
