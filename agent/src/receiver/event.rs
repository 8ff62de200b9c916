//! One event of a request: its fields, and its place in its sequence (`wire-protocol.md` sections 3.3 and 3.5).

use std::borrow::Cow;

use super::body::{Attribute, Event, Ids, Problems, read_attributes, shorten};
use super::scan::{Cursor, Result};

const ATTRS_BARE: [&str; 2] = ["message", "sample_rate"];
/// The fields of an event; all may be bare.
const FIELDS: [&str; 7] = ["thread", "log", "attrs", "ts", "si", "sn", "sd"];

/// An event as it was read.
#[derive(Default)]
pub(super) struct EventFields<'a> {
    thread: Option<Cow<'a, str>>,
    log: Option<Cow<'a, str>>,
    attrs: Option<Vec<Attribute<'a>>>,
    message: Option<Cow<'a, [u8]>>,
    ts: Option<Cow<'a, str>>,
    si: Option<Cow<'a, str>>,
    sn: Option<i64>,
    sd: Option<i64>,
}

/// The event before, as far as sequence numbers go.
pub(super) enum Before<'a> {
    /// There is none in this request.
    Nothing,
    /// Its number is not known, which was told already.
    Broken,
    /// It stands here.
    At(Cow<'a, str>, u64),
}

/// Reads the event with this number, counted from 1.
pub(super) fn read_event<'a>(
    cursor: &mut Cursor<'a>,
    number: usize,
    problems: &mut Problems,
) -> Result<EventFields<'a>> {
    let mut event = EventFields::default();
    cursor.object(&FIELDS, |cursor, name| {
        let mut twice = false;
        match &*name {
            "thread" => twice = event.thread.replace(cursor.string()?).is_some(),
            "log" => twice = event.log.replace(cursor.string()?).is_some(),
            "attrs" => {
                let (attrs, message) = read_event_attributes(cursor, number, problems)?;
                twice = event.attrs.replace(attrs).is_some();
                event.message = message;
            }
            "ts" => twice = event.ts.replace(cursor.string()?).is_some(),
            "si" => twice = event.si.replace(cursor.string()?).is_some(),
            "sn" => twice = event.sn.replace(cursor.integer()?).is_some(),
            "sd" => twice = event.sd.replace(cursor.integer()?).is_some(),
            _ => {
                cursor.raw()?;
                problems.unknown(&place(number), &name, &FIELDS);
            }
        }
        if twice {
            problems.add(|| format!("{}: `{name}` is given twice", place(number)));
        }
        Ok(())
    })?;
    Ok(event)
}

type AttributesAndMessage<'a> = (Vec<Attribute<'a>>, Option<Cow<'a, [u8]>>);

/// Reads the attributes of an event, and takes the message out of them. A parsed record may bring a `message` of its
/// own, as a JSON value beside the length-prefixed one: it is an attribute like any other. Without a length-prefixed
/// one a JSON string is the message, as in the public description of the interface.
fn read_event_attributes<'a>(
    cursor: &mut Cursor<'a>,
    number: usize,
    problems: &mut Problems,
) -> Result<AttributesAndMessage<'a>> {
    let mut message: Option<Cow<'a, [u8]>> = None;
    let mut attrs = read_attributes(
        cursor,
        &ATTRS_BARE,
        problems,
        || place(number),
        |cursor, name, problems| {
            if cursor.peek() != Some(b'`') {
                return Ok(false);
            }
            if name != "message" {
                return cursor.unexpected("a JSON value (a length-prefixed string is for `message` only)");
            }
            if message.replace(Cow::Borrowed(cursor.prefixed()?)).is_some() {
                problems.add(|| format!("{}: two length-prefixed messages", place(number)));
            }
            Ok(true)
        },
    )?;
    if message.is_none()
        && let Some(index) = attrs.iter().position(|attr| attr.name == "message")
    {
        match attrs.remove(index).value.as_str() {
            Some(Cow::Borrowed(text)) => message = Some(Cow::Borrowed(text.as_bytes())),
            Some(Cow::Owned(text)) => message = Some(Cow::Owned(text.into_bytes())),
            None => {
                problems.add(|| format!("{}: `message` is not a string", place(number)));
                message = Some(Cow::Borrowed(b""));
            }
        }
    }
    Ok((attrs, message))
}

impl<'a> EventFields<'a> {
    /// Checks the fields against the rest of the request; `None` when a problem was noted.
    pub(super) fn resolve(
        self,
        number: usize,
        threads: &Ids<'_>,
        logs: Option<&Ids<'_>>,
        before: &mut Before<'a>,
        problems: &mut Problems,
    ) -> Option<Event<'a>> {
        let mut problem = |text: &str| problems.add(|| format!("{}: {text}", place(number)));
        if self.attrs.is_none() {
            problem("`attrs` is missing");
        } else if self.message.is_none() {
            problem("`message` is missing in `attrs`");
        }
        let thread = match &self.thread {
            None => {
                problem("`thread` is missing");
                None
            }
            Some(id) => threads.find(id).or_else(|| {
                problem(&format!("`thread` is `{}`, which `threads` does not have", shorten(id)));
                None
            }),
        };
        let log = match (&self.log, logs) {
            (None, None) => Some(None),
            (Some(id), Some(logs)) => logs.find(id).map(Some).or_else(|| {
                problem(&format!("`log` is `{}`, which `logs` does not have", shorten(id)));
                None
            }),
            (None, Some(_)) => {
                problem("`log` is missing, although the request has `logs`");
                None
            }
            (Some(_), None) => {
                problem("`log` is given, although the request has no `logs`");
                None
            }
        };
        let ts = match self.ts.as_deref().map(decimal) {
            None => {
                problem("`ts` is missing");
                None
            }
            Some(None) => {
                problem("`ts` is not a decimal number of nanoseconds");
                None
            }
            Some(ts) => ts,
        };
        let place_in_sequence = match next_place(before, self.si, self.sn, self.sd) {
            Ok(place) => place,
            Err(text) => {
                problem(&text);
                None
            }
        };
        *before = place_in_sequence.clone().map_or(Before::Broken, |(si, sn)| Before::At(si, sn));
        let ((si, sn), sd) = (place_in_sequence?, self.sd.and_then(|sd| u64::try_from(sd).ok()));
        Some(Event { thread: thread?, log: log?, attrs: self.attrs?, message: self.message?, ts: ts?, si, sn, sd })
    }
}

/// Where an event stands: `Ok(None)` when that cannot be told because of a problem in an event before.
fn next_place<'a>(
    before: &Before<'a>,
    si: Option<Cow<'a, str>>,
    sn: Option<i64>,
    sd: Option<i64>,
) -> std::result::Result<Option<(Cow<'a, str>, u64)>, String> {
    if si.as_ref().is_some_and(|si| si.is_empty() || si.len() > 256) {
        return Err("`si` must have 1 to 256 bytes".to_owned());
    }
    let negative = |name: &str, value: i64| format!("`{name}` is {value}; it must not be negative");
    let number = |name: &str, value: i64| u64::try_from(value).map_err(|_| negative(name, value));
    match (si, sn, sd) {
        (_, Some(_), Some(_)) => Err("`sn` and `sd` are both given; `sd` is for events without `sn`".to_owned()),
        (Some(_), None, _) => Err("`si` without `sn`".to_owned()),
        (Some(si), Some(sn), None) => Ok(Some((si, number("sn", sn)?))),
        (None, None, None) => Err("neither `sn` nor `sd` is given".to_owned()),
        (None, sn, sd) => match before {
            Before::Broken => Ok(None),
            Before::Nothing => Err("the first event of a request needs `si` and `sn`".to_owned()),
            Before::At(si, last) => {
                let next = match (sn, sd) {
                    (Some(sn), _) => number("sn", sn)?,
                    (None, sd) => last.saturating_add(number("sd", sd.unwrap_or(0))?),
                };
                Ok(Some((si.clone(), next)))
            }
        },
    }
}

/// A decimal number of nanoseconds: digits, with a minus sign before 1970.
fn decimal(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

fn place(number: usize) -> String {
    format!("event {number}")
}
