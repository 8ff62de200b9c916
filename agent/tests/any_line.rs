//! Whatever bytes a log consists of: nothing panics, every byte is taken once, and what goes out can be read again. The
//! targets run with `cargo test` over their corpora in `tests/__fuzz__/` and some chance; CONTRIBUTING.md says how to run
//! them for longer.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use scalyr_agent::config::line_plan::{LineFormat, LinePlan};
use scalyr_agent::config::plan::TailPlan;
use scalyr_agent::ledger::Offset;
use scalyr_agent::logs::{Lines, Window};
use scalyr_monitor::Timestamp;
use serde_json::{Map, Value};

/// A file that is read as the tailer does it.
struct Reader {
    lines: Lines,
    tail: TailPlan,
    position: usize,
    number: u64,
    /// Message, attributes and time of each event.
    events: Vec<(Vec<u8>, Vec<u8>, Option<i64>)>,
    unparsed: u64,
}

impl Reader {
    fn new(format: LineFormat, tail: TailPlan) -> Self {
        let lines = Lines::new(Arc::new(LinePlan { format, ..LinePlan::default() }), "sequence");
        Self { lines, tail, position: 0, number: 0, events: Vec::new(), unparsed: 0 }
    }

    fn read(&mut self, file: &[u8], flush: bool) -> usize {
        let rest = &file[self.position..];
        let mut arena = rest[..rest.len().min(self.lines.window_bytes(&self.tail))].to_vec();
        let window = Window { at: Offset(self.position as u64), flush, now: Timestamp::from_nanos(0) };
        let taken = self.lines.take(&mut arena, window, &self.tail);
        self.position += taken.bytes;
        assert_eq!(
            taken.segments.last().map_or(0, |segment| segment.end.0),
            if taken.bytes > 0 { self.position as u64 } else { 0 }
        );
        for event in &taken.events {
            assert!(event.number.0 > self.number && event.number <= event.end && event.end.0 <= self.position as u64);
            self.number = event.number.0;
            let piece = |range: &std::ops::Range<u32>| arena[range.start as usize..range.end as usize].to_vec();
            let attributes = piece(&event.attributes);
            let object = [b"{", &attributes[..], b"}"].concat();
            serde_json::from_slice::<Map<String, Value>>(&object).expect("the attributes are the inside of an object");
            self.events.push((piece(&event.message), attributes, event.time.map(Timestamp::as_nanos)));
        }
        self.unparsed += taken.told.unparsed;
        taken.bytes
    }

    fn read_complete(&mut self, file: &[u8]) {
        while self.read(file, false) > 0 {}
    }

    fn read_all(&mut self, file: &[u8]) {
        self.read_complete(file);
        while self.position < file.len() {
            assert!(self.read(file, true) > 0, "what has waited long enough is taken");
            self.read_complete(file);
        }
    }
}

/// The first byte says how the rest, a log, is read.
fn check(format: &LineFormat, bytes: &[u8]) -> Option<Reader> {
    let (how, file) = bytes.split_first()?;
    let mut tail = TailPlan { merges_json: how & 1 != 0, raw_timestamp: how & 2 == 0, ..TailPlan::default() };
    if how & 4 != 0 {
        (tail.max_line_size, tail.max_record_size) = (40, 80);
    }
    let mut whole = Reader::new(format.clone(), tail);
    whole.read_all(file);
    assert_eq!(whole.position, file.len());
    let mut growing = Reader::new(format.clone(), tail);
    for end in [file.len() / 3, file.len() / 2] {
        growing.read_complete(&file[..end]);
    }
    growing.read_all(file);
    assert_eq!((&growing.events, growing.unparsed), (&whole.events, whole.unparsed));
    Some(whole)
}

fn json() -> LineFormat {
    LineFormat::Json { message_field: "log".to_owned(), timestamp_field: "time".to_owned() }
}

#[test]
fn fuzz_json() {
    bolero::check!(name = "json").for_each(|bytes: &[u8]| {
        check(&json(), bytes);
    });
}

#[test]
fn fuzz_cri() {
    bolero::check!(name = "cri").for_each(|bytes: &[u8]| {
        check(&LineFormat::Cri, bytes);
    });
}

/// The seeds reach what they are there for.
#[test]
fn the_corpora_hold_lines_that_parse_and_lines_that_do_not() {
    for (name, format) in [("json", json()), ("cri", LineFormat::Cri)] {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/__fuzz__").join(name).join("corpus");
        let (mut parsed, mut unparsed) = (0, 0);
        for seed in fs::read_dir(corpus).unwrap() {
            let bytes = fs::read(seed.unwrap().path()).unwrap();
            let Some(reader) = check(&format, &bytes) else { continue };
            unparsed += reader.unparsed;
            parsed += reader.events.iter().filter(|(_, _, time)| time.is_some()).count();
        }
        assert!(parsed >= 10 && unparsed >= 10, "{name}: {parsed} parsed, {unparsed} not");
    }
}
