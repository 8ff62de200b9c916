//! The body of an `addEvents` request, read and checked (`wire-protocol.md` section 3).
//!
//! Written from the protocol's description and the recorded requests alone: it shares nothing with the agent's own
//! encoder, so that the two cannot share a mistake. It is as strict as the protocol: what a lenient server might let
//! pass is reported.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;

use super::event::{Before, EventFields, read_event};
use super::scan::{Cursor, Raw, Result, SyntaxError};

/// How long an id (session, sequence, thread, log) may be.
const MAX_ID: usize = 256;
/// How many attributes an object may have.
const MAX_ATTRIBUTES: usize = 1000;
/// How many problems are told at once.
const MAX_PROBLEMS: usize = 10;

const TOP_LEVEL_BARE: [&str; 4] = ["events", "logs", "threads", "client_time"];

/// The api key; never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token<'a>(Cow<'a, str>);

impl Token<'_> {
    /// The key itself. It belongs in no log and no error.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

/// A name with a JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// The name.
    pub name: Cow<'a, str>,
    /// The value, as it was written.
    pub value: Raw<'a>,
}

/// One entry of `logs`: what all events of a log file have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log<'a> {
    /// The id that events name it by.
    pub id: Cow<'a, str>,
    /// Attributes, in the order of the request.
    pub attrs: Vec<Attribute<'a>>,
}

/// One entry of `threads`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread<'a> {
    /// The id that events name it by.
    pub id: Cow<'a, str>,
    /// What it is called, `Lines for file <path>`.
    pub name: Cow<'a, str>,
}

/// One event, with its place in its sequence resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Index into the request's threads.
    pub thread: usize,
    /// Index into the request's logs; none when the request has no `logs` at all.
    pub log: Option<usize>,
    /// Its own attributes, in the order of the request, without the message.
    pub attrs: Vec<Attribute<'a>>,
    /// The line, with its line end.
    pub message: Cow<'a, [u8]>,
    /// Its time, in nanoseconds since the epoch.
    pub ts: i64,
    /// The sequence that it belongs to: its own `si`, or that of the event before.
    pub si: Cow<'a, str>,
    /// Its number in that sequence: its own `sn`, or that of the event before plus `sd`.
    pub sn: u64,
    /// The difference to the event before, when it was sent so.
    pub sd: Option<u64>,
}

/// One `addEvents` request. Borrows from the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The api key.
    pub token: Token<'a>,
    /// The id of the client's session.
    pub session: Cow<'a, str>,
    /// Server attributes; absent in the start-up probe.
    pub session_info: Option<Vec<Attribute<'a>>>,
    /// The events, in order.
    pub events: Vec<Event<'a>>,
    /// The log files; none with `disable_logfile_addevents_format`.
    pub logs: Option<Vec<Log<'a>>>,
    /// The threads.
    pub threads: Vec<Thread<'a>>,
    /// When the client sent it by its own clock, in seconds since the epoch.
    pub client_time: i64,
}

impl<'a> Request<'a> {
    /// Reads and checks a decompressed body.
    ///
    /// # Errors
    /// When the body is not of the dialect, or contradicts the protocol; then with every problem found (at most ten are
    /// spelt out). The text never holds a value, for one of them is the api key.
    pub fn parse(body: &'a [u8]) -> std::result::Result<Self, BodyError> {
        let mut problems = Problems::default();
        let fields = Fields::read(body, &mut problems)?;
        let request = fields.check(&mut problems);
        match request {
            Some(request) if problems.is_empty() => Ok(request),
            _ => Err(BodyError::Problems(problems)),
        }
    }

    /// The server's name from `sessionInfo`.
    pub fn server_host(&self) -> Option<Raw<'a>> {
        value_of(self.session_info.as_deref().unwrap_or(&[]), "serverHost")
    }

    /// The attributes of the event's log, without those that the event overrides.
    pub fn inherited<'s>(&'s self, event: &'s Event<'a>) -> impl Iterator<Item = &'s Attribute<'a>> {
        let own = &event.attrs;
        self.log_attrs(event).iter().filter(move |attr| own.iter().all(|other| other.name != attr.name))
    }

    /// The file that an event comes from: its attribute `logfile` (or `filename`), that of its log, or the name of its
    /// thread.
    pub fn logfile(&self, event: &Event<'a>) -> Cow<'_, str> {
        let attribute = |name| value_of(&event.attrs, name).or_else(|| value_of(self.log_attrs(event), name));
        let value = attribute("logfile").or_else(|| attribute("filename")).and_then(Raw::as_str);
        value.unwrap_or_else(|| {
            let name = self.threads.get(event.thread).map_or("", |thread| &thread.name);
            Cow::Borrowed(name.strip_prefix("Lines for file ").unwrap_or(name))
        })
    }

    fn log_attrs(&self, event: &Event<'a>) -> &[Attribute<'a>] {
        let log = self.logs.as_ref().zip(event.log).and_then(|(logs, index)| logs.get(index));
        log.map_or(&[], |log| &log.attrs)
    }
}

/// The value of an attribute; of the last one, should a name occur twice.
fn value_of<'a>(attrs: &[Attribute<'a>], name: &str) -> Option<Raw<'a>> {
    attrs.iter().rev().find(|attr| attr.name == name).map(|attr| attr.value)
}

/// Why a body was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is not of the dialect.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// It can be read, and contradicts the protocol.
    #[error("{0}")]
    Problems(Problems),
}

/// What contradicts the protocol in a request: the first ten in words, the rest counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    texts: Vec<String>,
    further: usize,
}

impl Problems {
    /// Notes a problem.
    pub(super) fn add(&mut self, text: impl FnOnce() -> String) {
        if self.texts.len() < MAX_PROBLEMS {
            self.texts.push(text());
        } else {
            self.further += 1;
        }
    }

    /// Notes an unknown field, with the known ones.
    pub(super) fn unknown(&mut self, place: &str, name: &str, known: &[&str]) {
        self.add(|| format!("{place}: unknown field `{}`; known are {}", shorten(name), known.join(", ")));
    }

    /// Puts a field's value into its slot; a second one is a problem.
    pub(super) fn once<T>(&mut self, slot: &mut Option<T>, value: T, place: &str, name: &str) {
        if slot.replace(value).is_some() {
            self.add(|| format!("{place}: `{name}` is given twice"));
        }
    }

    /// Notes ids that are empty or too long.
    pub(super) fn check_id(&mut self, id: &str, place: &str, name: &str) {
        if id.is_empty() || id.len() > MAX_ID {
            self.add(|| format!("{place}: `{name}` must have 1 to {MAX_ID} bytes, not {}", id.len()));
        }
    }

    fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.texts.join("; "))?;
        if self.further > 0 {
            write!(f, "; and {} further problems", self.further)?;
        }
        Ok(())
    }
}

/// A name of the request, cut for an error.
pub(super) fn shorten(name: &str) -> String {
    name.chars().take(60).collect()
}

/// Reads an object of attributes; `special` may take an entry for itself and then returns true.
pub(super) fn read_attributes<'a>(
    cursor: &mut Cursor<'a>,
    bare: &[&'static str],
    problems: &mut Problems,
    place: impl Fn() -> String,
    mut special: impl FnMut(&mut Cursor<'a>, &str, &mut Problems) -> Result<bool>,
) -> Result<Vec<Attribute<'a>>> {
    let mut attrs: Vec<Attribute<'a>> = Vec::new();
    cursor.object(bare, |cursor, name| {
        if !special(cursor, &name, problems)? {
            attrs.push(Attribute { name, value: cursor.raw()? });
        }
        Ok(())
    })?;
    if attrs.len() > MAX_ATTRIBUTES {
        problems.add(|| format!("{}: {} attributes; at most {MAX_ATTRIBUTES} are allowed", place(), attrs.len()));
    } else if let Some(name) = repeated_name(&attrs) {
        problems.add(|| format!("{}: the attribute `{}` is given twice", place(), shorten(name)));
    }
    Ok(attrs)
}

/// A name that occurs twice. `sample_rate` may: once from a parsed record, once from the sampling rule.
fn repeated_name<'v>(attrs: &'v [Attribute<'_>]) -> Option<&'v str> {
    let repeated = if attrs.len() <= 16 {
        let earlier = |index: usize| attrs[..index].iter().any(|other| other.name == attrs[index].name);
        (1..attrs.len()).find(|index| attrs[*index].name != "sample_rate" && earlier(*index))
    } else {
        let mut seen = HashSet::with_capacity(attrs.len());
        attrs.iter().position(|attr| !seen.insert(&attr.name) && attr.name != "sample_rate")
    };
    repeated.map(|index| &*attrs[index].name)
}

/// The top level as it was read, before ids are resolved.
#[derive(Default)]
struct Fields<'a> {
    token: Option<Cow<'a, str>>,
    session: Option<Cow<'a, str>>,
    session_info: Option<Vec<Attribute<'a>>>,
    events: Option<Vec<EventFields<'a>>>,
    logs: Option<Vec<Log<'a>>>,
    threads: Option<Vec<Thread<'a>>>,
    client_time: Option<i64>,
}

impl<'a> Fields<'a> {
    fn read(body: &'a [u8], problems: &mut Problems) -> Result<Self> {
        let mut fields = Self::default();
        let mut cursor = Cursor::new(body);
        cursor.object(&TOP_LEVEL_BARE, |cursor, name| fields.read_field(cursor, &name, problems))?;
        cursor.end()?;
        Ok(fields)
    }

    fn read_field(&mut self, cursor: &mut Cursor<'a>, name: &str, problems: &mut Problems) -> Result<()> {
        let place = "request";
        match name {
            "token" => problems.once(&mut self.token, cursor.string()?, place, name),
            "session" => problems.once(&mut self.session, cursor.string()?, place, name),
            "sessionInfo" => {
                let info = read_attributes(cursor, &[], problems, || name.to_owned(), |_, _, _| Ok(false))?;
                problems.once(&mut self.session_info, info, place, name);
            }
            "events" => {
                let mut events = Vec::new();
                cursor.array(|cursor| {
                    events.push(read_event(cursor, events.len() + 1, problems)?);
                    Ok(())
                })?;
                problems.once(&mut self.events, events, place, name);
            }
            "logs" => {
                let logs = read_logs(cursor, problems)?;
                problems.once(&mut self.logs, logs, place, name);
            }
            "threads" => {
                // The one field that the protocol has twice: first as an empty array.
                let threads = read_threads(cursor, problems)?;
                self.threads = self.threads.take().filter(|first| !first.is_empty());
                problems.once(&mut self.threads, threads, place, name);
            }
            "client_time" => problems.once(&mut self.client_time, cursor.integer()?, place, name),
            _ => {
                cursor.raw()?;
                let known = ["token", "session", "sessionInfo", "events", "logs", "threads", "client_time"];
                problems.unknown(place, name, &known);
            }
        }
        Ok(())
    }

    fn check(self, problems: &mut Problems) -> Option<Request<'a>> {
        for (name, missing) in [
            ("token", self.token.is_none()),
            ("session", self.session.is_none()),
            ("events", self.events.is_none()),
            ("threads", self.threads.is_none()),
            ("client_time", self.client_time.is_none()),
        ] {
            if missing {
                problems.add(|| format!("request: `{name}` is missing"));
            }
        }
        problems.check_id(self.token.as_deref().unwrap_or("-"), "request", "token");
        problems.check_id(self.session.as_deref().unwrap_or("-"), "request", "session");
        let threads = self.threads.unwrap_or_default();
        let thread_ids = Ids::new(threads.iter().map(|thread| &*thread.id), "threads", problems);
        let log_ids = self.logs.as_ref().map(|logs| Ids::new(logs.iter().map(|log| &*log.id), "logs", problems));
        let mut before = Before::Nothing;
        let mut events = Vec::with_capacity(self.events.as_ref().map_or(0, Vec::len));
        for (index, fields) in self.events?.into_iter().enumerate() {
            events.extend(fields.resolve(index + 1, &thread_ids, log_ids.as_ref(), &mut before, problems));
        }
        let (token, session, client_time) = (Token(self.token?), self.session?, self.client_time?);
        Some(Request { token, session, session_info: self.session_info, events, logs: self.logs, threads, client_time })
    }
}

/// The ids of `logs` or `threads`, to be looked up.
pub(super) struct Ids<'i>(HashMap<&'i str, usize>);

impl<'i> Ids<'i> {
    fn new(ids: impl Iterator<Item = &'i str>, place: &str, problems: &mut Problems) -> Self {
        let mut known = HashMap::new();
        for (index, id) in ids.enumerate() {
            problems.check_id(id, place, "id");
            if known.insert(id, index).is_some() {
                problems.add(|| format!("{place}: the id `{}` is given twice", shorten(id)));
            }
        }
        Self(known)
    }

    /// The index of an id.
    pub(super) fn find(&self, id: &str) -> Option<usize> {
        self.0.get(id).copied()
    }
}

fn read_logs<'a>(cursor: &mut Cursor<'a>, problems: &mut Problems) -> Result<Vec<Log<'a>>> {
    let mut logs = Vec::new();
    cursor.array(|cursor| {
        let (mut id, mut attrs) = (None, None);
        let place = format!("logs, entry {}", logs.len() + 1);
        cursor.object(&[], |cursor, name| {
            match &*name {
                "id" => problems.once(&mut id, cursor.string()?, &place, &name),
                "attrs" => {
                    let read = read_attributes(cursor, &[], problems, || place.clone(), |_, _, _| Ok(false))?;
                    problems.once(&mut attrs, read, &place, &name);
                }
                _ => {
                    cursor.raw()?;
                    problems.unknown(&place, &name, &["id", "attrs"]);
                }
            }
            Ok(())
        })?;
        match (id, attrs) {
            (Some(id), Some(attrs)) => logs.push(Log { id, attrs }),
            _ => problems.add(|| format!("{place}: `id` and `attrs` must both be given")),
        }
        Ok(())
    })?;
    Ok(logs)
}

fn read_threads<'a>(cursor: &mut Cursor<'a>, problems: &mut Problems) -> Result<Vec<Thread<'a>>> {
    let mut threads = Vec::new();
    cursor.array(|cursor| {
        let (mut id, mut thread_name) = (None, None);
        let place = format!("threads, entry {}", threads.len() + 1);
        cursor.object(&[], |cursor, name| {
            match &*name {
                "id" => problems.once(&mut id, cursor.string()?, &place, &name),
                "name" => problems.once(&mut thread_name, cursor.string()?, &place, &name),
                _ => {
                    cursor.raw()?;
                    problems.unknown(&place, &name, &["id", "name"]);
                }
            }
            Ok(())
        })?;
        match (id, thread_name) {
            (Some(id), Some(name)) => threads.push(Thread { id, name }),
            _ => problems.add(|| format!("{place}: `id` and `name` must both be given")),
        }
        Ok(())
    })?;
    Ok(threads)
}
