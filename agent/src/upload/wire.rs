//! The body of a request, byte for byte (`wire-protocol.md` section 3): JSON with bare keys and with messages as
//! length-prefixed raw bytes, so that a line is copied once, as it is, from its batch into the body.
//!
//! The attributes of a log are said once per request, in `logs`; an event carries only those of its own. The other
//! forms, which repeat them, are in `repeated.rs`.

use std::collections::HashMap;
use std::sync::Arc;

use scalyr_monitor::Timestamp;
use serde_json::{Map, Value};

use crate::config::plan::{ApiKey, BodyForm};
use crate::ledger::FileId;
use crate::logs::batch::{Batch, Event, LogDescription};

use super::event_times::EventTimes;
use super::marks::Mark;
use super::repeated::{Own, Repeated};

/// What stands between the last event and the end of the body, without the entries and the time.
pub(super) const CLOSING: [&[u8]; 4] = [b"], logs: [", b"], threads: [", b"], client_time: ", b" }"];

/// In the place of its first two parts.
pub(super) const CLOSING_WITHOUT_LOGS: &[u8] = b"], threads: [";

/// Room for the entries' frame and the longest time.
const CLOSING_BYTES: usize = CLOSING[0].len() + CLOSING[1].len() + CLOSING[2].len() + CLOSING[3].len() + TIME_DIGITS;
const TIME_DIGITS: usize = "-9223372036854775808".len();

/// About what an event has beside its message and attributes.
const FRAME_BYTES: usize = 128;

/// So much room for entries of `logs` or `threads` is kept from body to body.
const KEPT_LIST: usize = 64 * 1024;

/// No body is larger, whatever the configuration allows: places in it have 31 bits.
const MOST_BYTES: usize = i32::MAX as usize;

/// The first part of every body of a session: token, session, server attributes. Holds the api key: never print it.
pub(super) struct Head {
    bytes: Vec<u8>,
    form: BodyForm,
    times: Option<EventTimes>,
}

impl Head {
    /// The head of the session with this id.
    pub(super) fn new(api_key: &ApiKey, session: &str, server_attributes: &Map<String, Value>) -> Self {
        let mut head = b"{\"token\": ".to_vec();
        append_json(&mut head, api_key.reveal());
        head.extend_from_slice(b", \"session\": ");
        append_json(&mut head, session);
        head.extend_from_slice(b", \"threads\": [], \"sessionInfo\": ");
        append_json(&mut head, server_attributes);
        head.extend_from_slice(b", events: [");
        Self { bytes: head, form: BodyForm::Lean, times: None }
    }

    /// The bodies behind it are laid out so, and the times of their events are made by `times` if given.
    pub(super) fn with(self, form: BodyForm, times: Option<EventTimes>) -> Self {
        Self { form, times, ..self }
    }
}

/// A body that is being filled, or is closed and on its way. Cleared and used again, its buffers keep their size.
#[derive(Default)]
pub(super) struct Body {
    bytes: Vec<u8>,
    /// Entries of `logs` and of `threads`, appended when the body is closed.
    logs: Vec<u8>,
    threads: Vec<u8>,
    known: HashMap<FileId, Arc<LogDescription>>,
    /// The file of the last event with its sequence number.
    last: Option<(FileId, u64)>,
    /// The description that came with the last event; events come in long runs of one file.
    described: Option<Arc<LogDescription>>,
    /// What every event of the last file begins with.
    opening: Opening,
    time: TimeText,
    /// Bytes of the events' messages.
    message_bytes: u64,
    /// One per event.
    marks: Vec<Mark>,
    /// Where what stands behind the events begins, once the body is closed.
    closing_at: usize,
    /// Where the number of `client_time` begins, once the body is closed.
    time_at: usize,
    stamped: i64,
    form: BodyForm,
    times: Option<EventTimes>,
    /// The attributes of the last file, unless the form is the lean one.
    repeated: Repeated,
}

impl Body {
    /// Empties the body and begins a new one.
    pub(super) fn begin(&mut self, head: &Head) {
        self.bytes.clear();
        self.bytes.extend_from_slice(&head.bytes);
        self.form = head.form;
        self.times.clone_from(&head.times);
        self.repeated.clear();
        self.logs.clear();
        self.threads.clear();
        self.known.clear();
        self.last = None;
        self.described = None;
        self.opening.clear();
        self.message_bytes = 0;
        self.marks.clear();
        self.closing_at = 0;
        self.time_at = 0;
        self.stamped = 0;
    }

    /// How many events it holds.
    pub(super) fn events(&self) -> usize {
        self.marks.len()
    }

    /// Where its events lie.
    pub(super) fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// Up to where the events of a closed body reach.
    pub(super) fn closing_at(&self) -> usize {
        self.closing_at
    }

    /// How it is laid out.
    pub(super) fn form(&self) -> BodyForm {
        self.form
    }

    /// How a file that it has events of is described.
    pub(super) fn known(&self, file: FileId) -> Option<&LogDescription> {
        self.known.get(&file).map(Arc::as_ref)
    }

    /// How many bytes their messages have: what a limit of the rate counts.
    pub(super) fn message_bytes(&self) -> u64 {
        self.message_bytes
    }

    /// How many bytes the body will have at most when it is closed.
    pub(super) fn size(&self) -> usize {
        self.bytes.len() + self.logs.len() + self.threads.len() + CLOSING_BYTES
    }

    /// Appends an event, unless the closed body would then be larger than `limit` bytes or the request knows the file
    /// by another description; false (and nothing changed) when it belongs in another request. `ends` when the source
    /// bytes up to the event's end may be settled once it is dealt with, because no later event ends there too.
    pub(super) fn put(&mut self, batch: &Batch, event: &Event, ends: bool, limit: usize) -> bool {
        let limit = limit.min(MOST_BYTES);
        let message = piece(&batch.arena, &event.message);
        let attributes = piece(&batch.arena, &event.attributes);
        let Ok(length) = i32::try_from(message.len()) else { return false };
        // Looked at first, so that the buffer never grows for an event that cannot stay.
        if self.size() + message.len() + attributes.len() + self.repeated.len() > limit {
            return false;
        }
        let own = message.len() + attributes.len() + self.repeated.len() + self.opening.len() + FRAME_BYTES;
        make_room(&mut self.bytes, own, limit);
        let file = batch.account.id;
        let before = (self.bytes.len(), self.logs.len(), self.threads.len());
        let is_as_before = self.last.is_some_and(|(last, _)| last == file)
            && self.described.as_ref().is_some_and(|described| Arc::ptr_eq(described, &batch.log));
        let newly_known = !is_as_before
            && match self.known.get(&file) {
                Some(known) if !Arc::ptr_eq(known, &batch.log) && **known != *batch.log => return false,
                Some(_) => false,
                None => {
                    self.append_log(file, &batch.log);
                    true
                }
            };
        let switched = self.last.is_none_or(|(last, _)| last != file);
        if switched {
            self.set_opening(file, &batch.log);
        }
        let mark = self.append_event(batch, event, message, attributes, length);
        if self.size() > limit {
            self.bytes.truncate(before.0);
            self.logs.truncate(before.1);
            self.threads.truncate(before.2);
            if newly_known {
                self.known.remove(&file);
            }
            if let (true, Some((last, _))) = (switched, self.last)
                && let Some(log) = self.known.get(&last).cloned()
            {
                self.set_opening(last, &log);
            }
            return false;
        }
        if newly_known {
            self.known.insert(file, Arc::clone(&batch.log));
        }
        if !is_as_before {
            self.described = Some(Arc::clone(&batch.log));
        }
        self.message_bytes += message.len() as u64;
        let sequence = &batch.account.sequence;
        let number = sequence.number(event.number);
        self.last = Some((file, number));
        // Later the end is found again by the number, which a marker of skipped bytes has from another place.
        self.marks.push(mark.ending(ends && sequence.offset(number) == event.end));
        true
    }

    fn append_event(&mut self, batch: &Batch, event: &Event, message: &[u8], attributes: &[u8], length: i32) -> Mark {
        // Between two events stands a comma, which the opening begins with.
        let comma = usize::from(self.marks.is_empty());
        let begin = self.bytes.len() + 1 - comma;
        let bytes = &mut self.bytes;
        self.opening.set_length(length);
        let own = (self.form != BodyForm::Lean).then(|| Own::of(attributes));
        if own.is_none() && attributes.is_empty() {
            bytes.extend_from_slice(self.opening.from(comma));
        } else {
            bytes.extend_from_slice(self.opening.before_attributes(comma));
            match &own {
                Some(own) => self.repeated.append(bytes, own, self.form == BodyForm::WithoutLogs),
                None => {
                    bytes.extend_from_slice(attributes);
                    bytes.push(b',');
                }
            }
            bytes.extend_from_slice(self.opening.behind_attributes());
        }
        bytes.extend_from_slice(message);
        if let Some(own) = &own {
            own.append_rate(bytes);
        }
        let tail = bytes.len();

        let number = batch.account.sequence.number(event.number);
        let difference = match self.last {
            Some((file, last)) if file == batch.account.id => number.checked_sub(last),
            _ => None,
        };
        let time = event.time.unwrap_or(batch.time);
        let time = self.times.as_ref().map_or(time, |times| times.next(time));
        let time = self.time.of(time);
        match difference {
            Some(difference) => {
                bytes.extend_from_slice(Difference::new(difference).text());
                bytes.extend_from_slice(time);
            }
            None => {
                bytes.push(b'}');
                bytes.extend_from_slice(time.strip_suffix(b"}").unwrap_or(time));
                bytes.extend_from_slice(b",si:");
                append_json(bytes, &batch.account.sequence.id);
                bytes.extend_from_slice(b",sn:");
                append_number(bytes, number);
                bytes.push(b'}');
            }
        }
        Mark::new(begin, tail)
    }

    fn append_log(&mut self, file: FileId, log: &LogDescription) {
        let logs = (self.form != BodyForm::WithoutLogs).then_some(&mut self.logs);
        for entries in logs.into_iter().chain([&mut self.threads]) {
            if !entries.is_empty() {
                entries.extend_from_slice(SEPARATOR);
            }
        }
        if self.form != BodyForm::WithoutLogs {
            append_log_entry(&mut self.logs, file, log);
        }
        append_thread_entry(&mut self.threads, file, log);
    }

    fn set_opening(&mut self, file: FileId, log: &LogDescription) {
        if self.form != BodyForm::Lean {
            self.repeated.set(log);
        }
        self.opening.set(file, self.form);
    }

    /// Appends what stands behind the events.
    pub(super) fn close(&mut self, now: Timestamp) {
        self.closing_at = self.bytes.len();
        if self.form == BodyForm::WithoutLogs {
            self.bytes.extend_from_slice(CLOSING_WITHOUT_LOGS);
        } else {
            self.bytes.extend_from_slice(CLOSING[0]);
            self.bytes.extend_from_slice(&self.logs);
            self.bytes.extend_from_slice(CLOSING[1]);
            give_back(&mut self.logs);
        }
        self.bytes.extend_from_slice(&self.threads);
        give_back(&mut self.threads);
        self.bytes.extend_from_slice(CLOSING[2]);
        self.time_at = self.bytes.len();
        self.stamp(now);
    }

    /// Replaces `client_time` of a closed body, for a retry; everything else stays as it is.
    pub(super) fn stamp(&mut self, now: Timestamp) {
        self.bytes.truncate(self.time_at);
        self.stamped = now.as_secs();
        append_number(&mut self.bytes, self.stamped);
        self.bytes.extend_from_slice(CLOSING[3]);
    }

    /// `client_time` of a closed body: seconds since the epoch.
    pub(super) fn stamped(&self) -> i64 {
        self.stamped
    }

    /// The closed body.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}

/// Empties a list that stands in the body now, and keeps the memory of a usual one.
fn give_back(list: &mut Vec<u8>) {
    list.clear();
    list.shrink_to(KEPT_LIST);
}

/// Makes room for `more` bytes: twice as much as there was, though no more than a body of `limit` bytes needs.
fn make_room(bytes: &mut Vec<u8>, more: usize, limit: usize) {
    let needed = bytes.len() + more;
    if needed > bytes.capacity() {
        let wanted = bytes.capacity().saturating_mul(2).clamp(needed, limit.max(needed));
        bytes.reserve_exact(wanted - bytes.len());
    }
}

/// What an event begins with, up to its message. It is written once for all events of a file that follow one another, and
/// an event takes it in one piece: this crate is built for its size, and each piece costs a call.
#[derive(Default)]
struct Opening {
    /// A comma, the file, the object of the attributes, and the message's name and length.
    text: Vec<u8>,
    /// Where the message's name begins.
    name_at: usize,
}

impl Opening {
    /// Of the events of a file, in a body that is laid out so.
    fn set(&mut self, file: FileId, form: BodyForm) {
        self.text.clear();
        self.text.extend_from_slice(b",{thread:\"log_");
        append_number(&mut self.text, file.0);
        if form != BodyForm::WithoutLogs {
            self.text.extend_from_slice(b"\", log:\"log_");
            append_number(&mut self.text, file.0);
        }
        self.text.extend_from_slice(b"\", attrs:{");
        self.name_at = self.text.len();
        self.text.extend_from_slice(b"message:`s\0\0\0\0");
    }

    /// Sets the length of the message.
    fn set_length(&mut self, length: i32) {
        if let Some(place) = self.text.last_chunk_mut() {
            *place = length.to_be_bytes();
        }
    }

    fn clear(&mut self) {
        self.text.clear();
        self.name_at = 0;
    }

    fn len(&self) -> usize {
        self.text.len()
    }

    /// All of it from there.
    fn from(&self, at: usize) -> &[u8] {
        self.text.get(at..).unwrap_or_default()
    }

    /// From there up to the attributes.
    fn before_attributes(&self, at: usize) -> &[u8] {
        self.text.get(at..self.name_at).unwrap_or_default()
    }

    fn behind_attributes(&self) -> &[u8] {
        self.from(self.name_at)
    }
}

/// What stands between the message of an event and its time: the end of the attributes and `sd`, in one piece.
struct Difference {
    bytes: [u8; Self::BEFORE.len() + Self::DIGITS],
    at: usize,
}

impl Difference {
    const BEFORE: [u8; 5] = *b"},sd:";
    const DIGITS: usize = "18446744073709551615".len();

    fn new(mut number: u64) -> Self {
        let mut bytes = [0; Self::BEFORE.len() + Self::DIGITS];
        let mut at = bytes.len();
        loop {
            at -= 1;
            bytes[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        at -= Self::BEFORE.len();
        bytes[at..at + Self::BEFORE.len()].copy_from_slice(&Self::BEFORE);
        Self { bytes, at }
    }

    fn text(&self) -> &[u8] {
        &self.bytes[self.at..]
    }
}

/// `ts` of an event, with the comma before it and the end of the event behind it. All lines of a batch that bring no time
/// of their own have the same one: it is written once.
#[derive(Default)]
struct TimeText {
    time: Option<Timestamp>,
    text: Vec<u8>,
}

impl TimeText {
    fn of(&mut self, time: Timestamp) -> &[u8] {
        if self.time != Some(time) {
            self.time = Some(time);
            self.text.clear();
            self.text.extend_from_slice(b",ts:\"");
            append_number(&mut self.text, time.as_nanos());
            self.text.extend_from_slice(b"\"}");
        }
        &self.text
    }
}

fn piece<'a>(arena: &'a [u8], range: &std::ops::Range<u32>) -> &'a [u8] {
    let piece = arena.get(range.start as usize..range.end as usize);
    debug_assert!(piece.is_some(), "an event points outside of its batch");
    piece.unwrap_or_default()
}

/// Between two entries of `logs` or `threads`.
pub(super) const SEPARATOR: &[u8] = b", ";

/// What `logs` says of a file.
pub(super) fn append_log_entry(bytes: &mut Vec<u8>, file: FileId, log: &LogDescription) {
    append_id(bytes, file);
    bytes.extend_from_slice(b"\", \"attrs\": ");
    bytes.extend_from_slice(log.attributes.as_bytes());
    bytes.push(b'}');
}

/// What `threads` says of a file.
pub(super) fn append_thread_entry(bytes: &mut Vec<u8>, file: FileId, log: &LogDescription) {
    append_id(bytes, file);
    bytes.extend_from_slice(b"\", \"name\": ");
    append_json(bytes, &format_args!("Lines for file {}", log.path));
    bytes.push(b'}');
}

fn append_id(bytes: &mut Vec<u8>, file: FileId) {
    bytes.extend_from_slice(b"{\"id\": \"log_");
    append_number(bytes, file.0);
}

pub(super) fn append_number(bytes: &mut Vec<u8>, number: impl itoa::Integer) {
    bytes.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn append_json(bytes: &mut Vec<u8>, value: &(impl serde::Serialize + ?Sized)) {
    let written = serde_json::to_writer(&mut *bytes, value);
    debug_assert!(written.is_ok(), "texts and JSON maps can always be written into memory");
}
