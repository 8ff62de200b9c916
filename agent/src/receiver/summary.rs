//! What the receiver has seen so far, in numbers.

use std::collections::BTreeMap;

use serde::Serialize;

/// How many log files are counted by name; the rest are summed up under [`OTHER_FILES`].
pub(super) const MAX_FILES: usize = 10_000;
/// How many bytes the name of a file that is counted by name may have.
const MAX_NAME: usize = 4096;
/// The name under which further log files are counted.
pub const OTHER_FILES: &str = "(other files)";

/// Events and bytes of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FileCount {
    /// Accepted events.
    pub events: u64,
    /// Bytes of their messages.
    pub bytes: u64,
}

/// What the receiver has seen so far. `requests = accepted + refused + withheld` once all are answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Connections taken, also those that are closed.
    pub connections: u64,
    /// Connections that are open now.
    pub open_connections: u64,
    /// Connections that were sent away because too many were open.
    pub refused_connections: u64,
    /// `addEvents` requests that began to arrive.
    pub requests: u64,
    /// Those whose events were accepted.
    pub accepted: u64,
    /// Those that were refused because something was wrong with them.
    pub refused: u64,
    /// Those that a fault kept from being accepted.
    pub withheld: u64,
    /// Those that are done with: an answer was sent, or the connection is closed.
    pub finished: u64,
    /// Accepted events.
    pub events: u64,
    /// Accepted events whose sequence number was not above one of the same sequence that was accepted before.
    pub repeated_events: u64,
    /// Bytes of the messages of accepted events.
    pub message_bytes: u64,
    /// Bytes of accepted bodies after decompression.
    pub body_bytes: u64,
    /// Bytes of accepted bodies as they were sent.
    pub wire_bytes: u64,
    /// Accepted events by log file.
    pub files: BTreeMap<String, FileCount>,
    /// What went wrong last, other than by a fault that was asked for.
    pub last_error: Option<String>,
}

impl Summary {
    /// Adds accepted events of a log file.
    pub(super) fn add_file(&mut self, name: &str, count: FileCount) {
        self.events += count.events;
        self.message_bytes += count.bytes;
        let room = self.files.len() < MAX_FILES && name.len() <= MAX_NAME;
        let name = if room || self.files.contains_key(name) { name } else { OTHER_FILES };
        if !self.files.contains_key(name) {
            self.files.insert(name.to_owned(), FileCount::default());
        }
        if let Some(file) = self.files.get_mut(name) {
            file.events += count.events;
            file.bytes += count.bytes;
        }
    }
}
