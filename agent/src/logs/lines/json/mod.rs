//! `parse_format: json`: each line is a JSON object (`log-copying.md` section 6).
//!
//! What is not the message or the time goes on as an attribute of the event exactly as it is written, so that no number
//! loses digits. A field named `message` besides `json_message_field` is passed on like any other: on the wire it stands
//! before the event's own `message`, which the server takes by its form (`wire-protocol.md` section 3.3).

mod scan;

use std::ops::Range;

use scalyr_monitor::Timestamp;

use self::scan::{Field, Kind, scan, unescape};
use super::made::Made;
use super::time::read_time;
use super::units::Units;
use super::{GoesOn, Window};
use crate::config::plan::TailPlan;

/// What is kept of its lists from one window to the next.
const KEPT_FIELDS: usize = 64;
const KEPT_KEYS: usize = 1024;

/// What it needs of the plan, and memory that is used again for each line.
#[derive(Debug)]
pub(super) struct Json {
    message_field: String,
    timestamp_field: String,
    fields: Vec<Field>,
    /// Keys that had escapes, without them; the fields point here.
    keys: Vec<u8>,
    /// Numbers of the fields, by their keys.
    order: Vec<u32>,
}

/// A record of which other fields were written already.
struct Parsed {
    /// Where the text of the message stands in the line, in its quotes.
    message: Range<usize>,
    escaped: bool,
    attributes: Range<usize>,
    time: Option<Timestamp>,
}

/// Merged records, of which the message does not end in a newline yet.
struct Pending {
    begin: usize,
    end: usize,
    message: usize,
    attributes: Range<usize>,
    time: Option<Timestamp>,
}

impl Json {
    /// With these names of fields.
    pub(super) fn new(message_field: &str, timestamp_field: &str) -> Self {
        let (message_field, timestamp_field) = (message_field.to_owned(), timestamp_field.to_owned());
        Self { message_field, timestamp_field, fields: Vec::new(), keys: Vec::new(), order: Vec::new() }
    }

    /// Makes records of all lines that are complete. Returns how many bytes they take.
    pub(super) fn take(
        &mut self,
        units: &mut Units<'_>,
        window: Window,
        tail: &TailPlan,
        made: &mut Made,
        goes_on: &GoesOn<'_>,
    ) -> usize {
        let bytes = if tail.merges_json {
            self.take_merged(units, window, tail, made, goes_on)
        } else {
            self.take_each(units, window, tail, made, goes_on)
        };
        self.fields.shrink_to(KEPT_FIELDS);
        self.order.shrink_to(KEPT_FIELDS);
        self.keys.shrink_to(KEPT_KEYS);
        bytes
    }

    fn take_each(
        &mut self,
        units: &mut Units<'_>,
        window: Window,
        tail: &TailPlan,
        made: &mut Made,
        goes_on: &GoesOn<'_>,
    ) -> usize {
        let source = units.source.bytes;
        while let Some(line) = units.next(made) {
            match self.parse(&source[line.clone()], tail, true, made) {
                Some(Parsed { message, escaped, attributes, time }) => {
                    let message = line.start + message.start..line.start + message.end;
                    let message = if escaped { made.write(|bytes| unescape(&source[message], bytes)) } else { message };
                    made.push(window, line.end, message, attributes, time);
                }
                None => push_unparsed(window, line, made),
            }
            if !goes_on(made) {
                break;
            }
        }
        units.at
    }

    /// The same, with the messages joined up to the one that ends in a newline. Merged records are at most as long as
    /// one may be.
    fn take_merged(
        &mut self,
        units: &mut Units<'_>,
        window: Window,
        tail: &TailPlan,
        made: &mut Made,
        goes_on: &GoesOn<'_>,
    ) -> usize {
        let source = units.source.bytes;
        let mut pending: Option<Pending> = None;
        let mut mark = made.mark();
        loop {
            if pending.is_none() && units.at > 0 && !goes_on(made) {
                break;
            }
            let mut before = made.mark();
            let Some(line) = units.next(made) else { break };
            if let Some(full) = pending.take_if(|pending| line.end - pending.begin > units.source.limit) {
                full.push(window, made);
                before = made.mark_with_counts_of(before);
            }
            let Some(parsed) = self.parse(&source[line.clone()], tail, pending.is_none(), made) else {
                if let Some(pending) = pending.take() {
                    pending.push(window, made);
                }
                push_unparsed(window, line, made);
                continue;
            };
            let Parsed { message, attributes, time, .. } = parsed;
            let joined = pending.get_or_insert_with(|| {
                mark = before;
                Pending { begin: line.start, end: line.start, message: made.place(), attributes, time }
            });
            made.write(|bytes| unescape(&source[line.start + message.start..line.start + message.end], bytes));
            joined.end = line.end;
            if made.place() > joined.message && made.bytes.ends_with(b"\n") {
                pending.take().into_iter().for_each(|complete| complete.push(window, made));
            }
        }
        match pending {
            None => units.at,
            Some(pending) if pending.begin == 0 && units.are_final() => {
                pending.push(window, made);
                units.at
            }
            Some(pending) => {
                made.go_back(mark);
                pending.begin
            }
        }
    }

    /// Takes a line apart and writes its attributes, when they are asked for. `None` when it is not an object with a
    /// message, and nothing was written.
    fn parse(&mut self, line: &[u8], tail: &TailPlan, with_attributes: bool, made: &mut Made) -> Option<Parsed> {
        let text = std::str::from_utf8(line).ok()?;
        scan(text, &mut self.fields)?;
        self.sort(line);
        let message = self.find(&self.message_field, line)?;
        let Field { value, kind, .. } = &self.fields[message];
        let (value, escaped) = (value.start + 1..value.end - 1, *kind == Kind::Escaped);
        if *kind == Kind::Other {
            return None;
        }
        let stamp = self.find(&self.timestamp_field, line).filter(|stamp| *stamp != message);
        let time = stamp.and_then(|stamp| self.time(&self.fields[stamp], line));
        let attributes = if with_attributes {
            let has_raw = self.find("raw_timestamp", line).is_some_and(|raw| Some(raw) != stamp && raw != message);
            let stamped = if tail.raw_timestamp && !has_raw { Stamped::Renamed } else { Stamped::Left(time.is_none()) };
            made.write(|bytes| self.write(line, message, stamp, &stamped, bytes))
        } else {
            0..0
        };
        Some(Parsed { message: value, escaped, attributes, time })
    }

    /// Sorts the fields by their keys, and among equal keys by place.
    fn sort(&mut self, line: &[u8]) {
        let Self { fields, keys, order, .. } = self;
        keys.clear();
        for field in fields.iter_mut().filter(|field| field.escaped) {
            let begin = keys.len();
            unescape(&line[field.key.clone()], keys);
            field.name = begin..keys.len();
        }
        order.clear();
        order.extend((0_u32..).take(fields.len()));
        let key = |at: &u32| key_of(&fields[*at as usize], keys, line);
        order.sort_unstable_by(|a, b| key(a).cmp(key(b)).then(a.cmp(b)));
        for pair in order.windows(2) {
            let &[at, next] = pair else { continue };
            fields[at as usize].superseded =
                key_of(&fields[at as usize], keys, line) == key_of(&fields[next as usize], keys, line);
        }
    }

    /// The field with this key; of several the last, as in Python.
    fn find(&self, key: &str, line: &[u8]) -> Option<usize> {
        let behind = self.order.partition_point(|at| self.key(*at, line) <= key.as_bytes());
        let last = *self.order.get(behind.checked_sub(1)?)?;
        (self.key(last, line) == key.as_bytes()).then_some(last as usize)
    }

    fn key<'a>(&'a self, at: u32, line: &'a [u8]) -> &'a [u8] {
        key_of(&self.fields[at as usize], &self.keys, line)
    }

    /// The time in a field, when it can be read.
    fn time(&self, field: &Field, line: &[u8]) -> Option<Timestamp> {
        let inside = line.get(field.value.start + 1..field.value.end - 1)?;
        match field.kind {
            Kind::Plain => read_time(inside),
            Kind::Escaped => {
                let mut text = Vec::with_capacity(inside.len());
                unescape(inside, &mut text);
                read_time(&text)
            }
            Kind::Other => None,
        }
    }

    /// Writes the fields besides message and time, the last of each key.
    fn write(&self, line: &[u8], message: usize, stamp: Option<usize>, stamped: &Stamped, bytes: &mut Vec<u8>) {
        let begin = bytes.len();
        for (at, field) in self.fields.iter().enumerate().filter(|(_, field)| !field.superseded) {
            let renamed = match (Some(at) == stamp, stamped) {
                _ if at == message => continue,
                (true, Stamped::Left(false)) => continue,
                (true, Stamped::Renamed) => true,
                _ => false,
            };
            if bytes.len() > begin {
                bytes.push(b',');
            }
            if renamed {
                bytes.extend_from_slice(b"\"raw_timestamp\"");
            } else {
                bytes.push(b'"');
                bytes.extend_from_slice(&line[field.key.clone()]);
                bytes.push(b'"');
            }
            bytes.push(b':');
            bytes.extend_from_slice(&line[field.value.clone()]);
        }
    }
}

/// What becomes of the time field.
enum Stamped {
    /// It is `raw_timestamp` now.
    Renamed,
    /// It is left out, unless (true) it could not be read: then it stays, for nothing else tells what it says.
    Left(bool),
}

/// The inside of an object without the fields of this name, the others as they are written; `None` when it has none.
pub(super) fn without_field(inside: &[u8], name: &str) -> Option<Vec<u8>> {
    let object = format!("{{{}}}", std::str::from_utf8(inside).ok()?);
    let mut fields = Vec::new();
    scan(&object, &mut fields)?;
    let is_named = |field: &Field| {
        let mut key = Vec::new();
        unescape(object[field.key.clone()].as_bytes(), &mut key);
        key == name.as_bytes()
    };
    if !fields.iter().any(is_named) {
        return None;
    }
    let kept: Vec<&str> = fields
        .iter()
        .filter(|field| !is_named(field))
        .map(|field| &object[field.key.start - 1..field.value.end])
        .collect();
    Some(kept.join(",").into_bytes())
}

fn key_of<'a>(field: &Field, keys: &'a [u8], line: &'a [u8]) -> &'a [u8] {
    let text = if field.escaped { keys } else { line };
    text.get(field.name.clone()).unwrap_or_default()
}

impl Pending {
    /// Its message is the last that was made.
    fn push(self, window: Window, made: &mut Made) {
        made.push(window, self.end, self.message..made.place(), self.attributes, self.time);
    }
}

/// The line as it is.
fn push_unparsed(window: Window, line: Range<usize>, made: &mut Made) {
    made.told.unparsed += 1;
    made.push(window, line.end, line, 0..0, None);
}
