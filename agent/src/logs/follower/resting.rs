//! A generation that rests: everything of it is settled and it was quiet for long, so its descriptor is closed. What it
//! is recognised by, its position and its account stay.

use std::fs::{File, Metadata};
use std::time::{Duration, Instant};

use super::source::{Seen, stands_before};
use super::{Follower, Source};
use crate::ledger::{Identity, Offset};

/// What a generation held, as far as it was read: what copies of it are recognised by.
#[derive(Clone, Debug)]
pub struct Shape {
    /// What the generation itself is recognised by.
    pub identity: Identity,
    /// How large it was when it was seen last.
    pub size: u64,
    read_to: Offset,
    /// The bytes before there, as many as are known.
    before: Vec<u8>,
}

impl Shape {
    /// Whether `file` holds what was read of it, at least as far as it was read, or where nothing was, as far as it was
    /// seen.
    pub fn is_held_by(&self, file: &File, metadata: &Metadata) -> bool {
        let least = if self.before.is_empty() { self.size } else { self.read_to.0 };
        self.identity.head_length > 0
            && metadata.len() >= least.max(self.identity.head_length)
            && self.identity.stands(file, metadata).unwrap_or(false)
            && stands_before(file, &self.before, self.read_to)
    }
}

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

    /// What copies of it are recognised by.
    pub fn shape(&self) -> Shape {
        let identity = self.account.identity();
        Shape { identity, size: self.size, read_to: self.position, before: self.anchor.before(self.position).to_vec() }
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
