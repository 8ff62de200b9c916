//! The encoder of bodies by itself, for `benches/lines.rs`: a session takes batches through its channel only, and what one
//! sees there is the sum of all its threads.

use serde_json::Map;

use crate::config::plan::ApiKey;
use crate::logs::batch::Batch;

use super::wire::{Body, Head};

/// Makes bodies of batches as a session does, without a session.
pub struct Encoder {
    head: Head,
    body: Body,
}

impl Encoder {
    /// With an empty body, for a key that is none.
    pub fn new() -> Self {
        let head = Head::new(&ApiKey::new("none"), "session", &Map::new());
        let mut body = Body::default();
        body.begin(&head);
        Self { head, body }
    }

    /// Appends the events of the batch; a body that has come to `limit` bytes makes room for a new one first. Returns
    /// the size of the body.
    pub fn encode(&mut self, batch: &Batch, limit: usize) -> usize {
        for event in &batch.events {
            if !self.body.put(batch, event, true, limit) {
                self.body.begin(&self.head);
                self.body.put(batch, event, true, limit);
            }
        }
        self.body.size()
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}
