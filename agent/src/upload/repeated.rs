//! The attributes of a log inside its events, for the forms of a body that repeat them (`wire-protocol.md` section 3.3).

use std::collections::{HashMap, HashSet};

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::logs::batch::LogDescription;

/// What stands in the attributes of an event behind the message, bare, as the Python agent writes it.
const RATE: &[u8] = b",sample_rate:";

/// The attributes of one log, ready to be written into an event.
#[derive(Default)]
pub(super) struct Repeated {
    /// All of them: the inside of an object.
    whole: Vec<u8>,
    /// Their names, and each as it stands in an object.
    members: Vec<(String, Vec<u8>)>,
}

/// The attributes of an event, taken apart.
pub(super) struct Own<'a> {
    /// What a sampling rule, or a record, says of the rate.
    rate: Option<&'a [u8]>,
    /// The others, the inside of an object.
    rest: &'a [u8],
}

impl<'a> Own<'a> {
    /// Of the attributes of an event, the inside of an object.
    pub(super) fn of(attributes: &'a [u8]) -> Self {
        let Some(behind) = attributes.strip_prefix(b"\"sample_rate\":") else {
            return Self { rate: None, rest: attributes };
        };
        let end = memchr::memchr(b',', behind).unwrap_or(behind.len());
        let (value, rest) = behind.split_at(end);
        // Anything but a number was not put there by a rule.
        if serde_json::from_slice::<serde_json::Number>(value).is_ok() {
            Self { rate: Some(value), rest: rest.strip_prefix(b",").unwrap_or_default() }
        } else {
            Self { rate: None, rest: attributes }
        }
    }

    /// Writes what stands behind the message.
    pub(super) fn append_rate(&self, bytes: &mut Vec<u8>) {
        if let Some(rate) = self.rate {
            bytes.extend_from_slice(RATE);
            bytes.extend_from_slice(rate);
        }
    }

    fn names(&self) -> HashSet<String> {
        if self.rest.is_empty() {
            return HashSet::new();
        }
        let object = [b"{", self.rest, b"}"].concat();
        let names = serde_json::from_slice::<HashMap<String, IgnoredAny>>(&object);
        debug_assert!(names.is_ok(), "the attributes of an event are the inside of an object");
        names.unwrap_or_default().into_keys().collect()
    }
}

impl Repeated {
    /// Takes the attributes of another log.
    pub(super) fn set(&mut self, log: &LogDescription) {
        self.clear();
        let object = serde_json::from_str::<Map<String, Value>>(&log.attributes);
        debug_assert!(object.is_ok(), "the attributes of a log are an object");
        for (name, value) in object.unwrap_or_default() {
            let member = format!("{}:{value}", Value::from(name.as_str())).into_bytes();
            if !self.whole.is_empty() {
                self.whole.push(b',');
            }
            self.whole.extend_from_slice(&member);
            self.members.push((name, member));
        }
    }

    /// Forgets them.
    pub(super) fn clear(&mut self) {
        self.whole.clear();
        self.members.clear();
    }

    /// The most bytes that they add to an event.
    pub(super) fn len(&self) -> usize {
        self.whole.len()
    }

    /// Writes what stands before the message in the attributes of an event, with a comma behind it unless it is nothing.
    /// An event with attributes of its own gets those of the log only with `always`, and as far as it has none of the
    /// same name.
    pub(super) fn append(&self, bytes: &mut Vec<u8>, own: &Own<'_>, always: bool) {
        if own.rest.is_empty() && own.rate.is_none() {
            if !self.whole.is_empty() {
                bytes.extend_from_slice(&self.whole);
                bytes.push(b',');
            }
            return;
        }
        if own.rest.is_empty() || always {
            let names = own.names();
            let is_own = |name: &str| names.contains(name) || (name == "sample_rate" && own.rate.is_some());
            for (_, member) in self.members.iter().filter(|(name, _)| !is_own(name)) {
                bytes.extend_from_slice(member);
                bytes.push(b',');
            }
        }
        if !own.rest.is_empty() {
            bytes.extend_from_slice(own.rest);
            bytes.push(b',');
        }
    }
}
