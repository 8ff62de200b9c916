//! What a receiver wrote down.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// One event, as `agent receive --output FILE` writes it: one JSON object per line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// The bytes of the line, its end among them.
    pub(crate) message: Vec<u8>,
    /// The log it belongs to; empty when the agent named none.
    pub(crate) logfile: String,
    /// The sequence it belongs to.
    pub(crate) si: Option<String>,
    /// Its number in the sequence, with the differences on the wire added up.
    pub(crate) sn: Option<u64>,
    /// The connection over which it came.
    pub(crate) client: u64,
}

impl Event {
    fn parse(line: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        let message = match &value["message"] {
            Value::String(text) => text.as_bytes().to_vec(),
            other => {
                let coded = other["$b64"].as_str().ok_or("`message` is neither a string nor {\"$b64\": ...}")?;
                STANDARD.decode(coded).map_err(|error| format!("`message`: {error}"))?
            }
        };
        Ok(Self {
            message,
            logfile: value["logfile"].as_str().unwrap_or_default().to_owned(),
            si: value["si"].as_str().map(str::to_owned),
            sn: value["sn"].as_u64(),
            client: value["client"].as_u64().unwrap_or_default(),
        })
    }

    /// The message as text, without the end of the line.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.message.strip_suffix(b"\n").unwrap_or(&self.message))
    }
}

/// Reads the events of a file that still grows, each once.
pub(crate) struct EventReader {
    path: PathBuf,
    file: Option<BufReader<File>>,
    /// The begin of a line whose end is not there yet.
    unfinished: Vec<u8>,
}

impl EventReader {
    /// Begins at the start of the file, which need not be there yet.
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), file: None, unfinished: Vec::new() }
    }

    /// Appends to `events` what came since the last time.
    pub(crate) fn read(&mut self, events: &mut Vec<Event>) {
        if self.file.is_none() {
            match File::open(&self.path) {
                Ok(file) => self.file = Some(BufReader::with_capacity(1 << 20, file)),
                Err(error) if error.kind() == ErrorKind::NotFound => return,
                Err(error) => panic!("{}: {error}", self.path.display()),
            }
        }
        let Some(file) = &mut self.file else { return };
        while file.read_until(b'\n', &mut self.unfinished).unwrap() > 0 && self.unfinished.ends_with(b"\n") {
            let event = Event::parse(&self.unfinished).unwrap_or_else(|error| {
                panic!("{}: {error} in {}", self.path.display(), String::from_utf8_lossy(&self.unfinished))
            });
            events.push(event);
            self.unfinished.clear();
        }
    }
}

/// All events that are in the file now; the begin of a line is not one yet.
pub(crate) fn read_events(path: &Path) -> Vec<Event> {
    let mut events = Vec::new();
    EventReader::new(path).read(&mut events);
    events
}
