//! A generation that rests: everything of it is settled and it was quiet for long, so its descriptor is closed. What it
//! is recognised by, its position and its account stay.

use std::fs::{File, Metadata};
use std::time::{Duration, Instant};

use super::source::Seen;
use super::{Follower, Source};

impl Follower {
    /// Whether its descriptor is closed.
    pub fn is_resting(&self) -> bool {
        self.source.is_none()
    }

    /// Closes the descriptor. Only of one that is settled.
    pub fn rest(&mut self) {
        self.source = None;
    }

    /// Opens it again.
    pub fn wake(&mut self, file: File) {
        self.source = Some(Source::Plain(file));
    }

    /// Whether the file, which stands at its path, has changed since the descriptor was closed.
    pub fn has_changed(&self, metadata: &Metadata) -> bool {
        Seen::of(metadata) != Seen { size: self.size, modified: self.modified }
    }

    /// Whether `copy` holds what was read of this file, at least as far as it was read.
    pub fn is_held_by(&self, copy: &Source, metadata: &Metadata) -> bool {
        let identity = self.account.identity();
        identity.head_length > 0
            && metadata.len() >= self.position.0.max(identity.head_length)
            && copy.has_head(&identity)
            && copy.stands_before(self.anchor.before(self.position), self.position)
    }

    /// When the unfinished line at the position is taken as it stands, if it does not grow, `wait` being how long its
    /// end is waited for.
    pub fn line_due(&self, wait: Duration) -> Option<Instant> {
        let unfinished = self.unfinished.as_ref()?;
        (self.ended.is_none() && unfinished.at == self.position).then(|| unfinished.since + wait)
    }
}
