//! Closing the descriptors of files that are quiet, and opening them again.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use super::super::follower::{self, Source};
use super::super::position::Position;
use super::super::search::Found;
use super::older::Older;
use super::{Surroundings, Watched};
use crate::ledger::SkipReason;

/// When there is no room for more descriptors, a file makes some that was quiet for so long.
const QUIET_WHEN_SHORT: Duration = Duration::from_secs(2);

impl Watched {
    /// Closes the descriptor of the current generation if everything of it is settled; what it is recognised by, its
    /// position and its account stay, and it is opened again when it has changed. True when it was closed now.
    pub fn rest(&mut self, around: &Surroundings<'_>) -> bool {
        if self.gone_since.is_some() {
            return false;
        }
        match &mut self.current {
            Some(current) if !current.is_resting() && current.is_settled() && !current.has_ended() => {
                current.rest();
                around.followed.rest(true);
                true
            }
            _ => false,
        }
    }

    /// Closes it when it was quiet for long, or for a moment while others wait for a descriptor.
    pub(super) fn rest_when_quiet(&mut self, readable: bool, around: &Surroundings<'_>) {
        let quiet = self.waits.quiet_for(readable, around.now);
        let short = !around.followed.has_room() && quiet >= QUIET_WHEN_SHORT;
        if short || quiet >= around.plan.close_quiet_after {
            self.rest(around);
        }
    }

    /// Opens the current generation again, whose path shows `metadata`, if it rests and has changed.
    pub(super) fn wake_if_changed(&mut self, metadata: &Metadata, around: &Surroundings<'_>) {
        if !self.current.as_ref().is_some_and(|current| current.is_resting() && current.has_changed(metadata)) {
            return;
        }
        if !around.followed.has_room() {
            let limit = around.followed.limit();
            return self
                .note_trouble(format!("{limit} files are open already (raise the limit of open files)"), around);
        }
        let opened = match follower::open(&self.path) {
            Ok(opened) => opened,
            // The next look finds out.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => return self.note_trouble(error.to_string(), around),
        };
        let Some(current) = &mut self.current else { return };
        let (file, metadata) = opened;
        self.trouble = None;
        if !current.is(&metadata) {
            return;
        }
        if current.account.identity().is(&file, &metadata).unwrap_or(true) || metadata.len() < current.progress().1 {
            current.wake(file);
            around.followed.rest(false);
            return;
        }
        // Rewritten, or another file that was given the same inode number: what was there before was read.
        let key = (self.worker.clone(), metadata.dev(), metadata.ino());
        self.end_resting(around);
        self.open_new(key, around);
    }

    /// Finds a resting generation that does not stand at its path any more.
    pub(super) fn wake_renamed(&mut self, around: &Surroundings<'_>) {
        let Some(current) = self.current.as_mut().filter(|current| current.is_resting()) else { return };
        match around.followed.listings.find_renamed(&Position::of(&current.account), around.moment()) {
            Ok(Some(Found { source: Source::Plain(file), .. })) => {
                current.wake(file);
                around.followed.rest(false);
            }
            found => {
                let why = found.err().map(|error| format!(" ({error})")).unwrap_or_default();
                around.logger.warn(format_args!(
                    "{}: was renamed or deleted while it was quiet and closed, and is not found{why}; what was written to \
                     it after byte {} is not copied",
                    self.path.display(),
                    current.account.settled()
                ));
                self.end_resting(around);
            }
        }
    }

    fn end_resting(&mut self, around: &Surroundings<'_>) {
        let Some(mut follower) = self.current.take() else { return };
        follower.end(SkipReason::Deleted);
        self.gone_since = None;
        self.older.push_back(Older { follower, quiet_since: around.now });
    }
}
