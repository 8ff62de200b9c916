//! The first part of a session's bodies, made anew when the attributes of this host change.

use serde_json::{Map, Value};

use crate::config::plan::{ApiKey, BodyForm};

use super::event_times::EventTimes;
use super::server_attributes::ServerAttributes;
use super::wire::Head;

/// The head of a session's next body.
pub(super) struct Heads {
    api_key: ApiKey,
    session: String,
    configured: Map<String, Value>,
    attributes: ServerAttributes,
    /// How many bytes monitors may add.
    room: usize,
    version: u64,
    form: BodyForm,
    times: Option<EventTimes>,
    head: Head,
}

impl Heads {
    /// For the session with this id, whose own attributes are `configured` and whose requests have at most `limit` bytes.
    pub(super) fn new(
        api_key: ApiKey,
        session: String,
        configured: Map<String, Value>,
        attributes: ServerAttributes,
        limit: usize,
    ) -> Self {
        let room = limit / 4;
        // Read before the attributes: a change in between is seen by the next look.
        let version = attributes.version();
        let head = Head::new(&api_key, &session, &attributes.beside(&configured, room));
        Self { api_key, session, configured, attributes, room, version, form: BodyForm::Lean, times: None, head }
    }

    /// The bodies are laid out so, and the times of their events are made by `times` if given.
    pub(super) fn with(mut self, form: BodyForm, times: Option<EventTimes>) -> Self {
        self.head = self.head.with(form, times.clone());
        (self.form, self.times) = (form, times);
        self
    }

    /// The head as it was at the last look.
    pub(super) fn head(&self) -> &Head {
        &self.head
    }

    /// Looks whether the attributes have changed; true when the head is another one now.
    pub(super) fn renew(&mut self) -> bool {
        let version = self.attributes.version();
        if version == self.version {
            return false;
        }
        self.version = version;
        let head = Head::new(&self.api_key, &self.session, &self.attributes.beside(&self.configured, self.room));
        self.head = head.with(self.form, self.times.clone());
        true
    }
}
