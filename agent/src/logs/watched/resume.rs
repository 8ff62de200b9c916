//! Taking up a path again: from the positions of an earlier run, and after rotations that nobody saw.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use scalyr_monitor::{Level, Timestamp};

use super::super::follower::{self, Follower};
use super::super::position::Position;
use super::super::unseen;
use super::{Begin, Older, Surroundings, Watched};
use crate::ledger::Offset;

/// How long the position of a file that is not to be found is kept: its file system may not be mounted yet.
const MISSING_KEPT: Duration = Duration::from_secs(7 * 86_400);

impl Watched {
    /// Takes up again what the positions of an earlier run say about this path: the file that stands there now, and
    /// generations that were renamed within its directory meanwhile.
    pub fn resume(&mut self, positions: Vec<Position>, around: &Surroundings<'_>) {
        // A path that was followed: whatever else stands there now is a new generation, read from its first byte.
        self.begin = Begin::Start;
        for position in positions {
            let trouble = match position.find() {
                Ok(_) if !around.followed.has_room() => format!("{} files are open already", around.followed.limit()),
                Ok(found) => {
                    self.resume_found(found, position, around);
                    continue;
                }
                Err(error) => {
                    format!("the file that was followed up to byte {} cannot be looked for: {error}", position.settled)
                }
            };
            self.note_trouble(trouble, around);
            self.unresolved.push(position);
        }
        if self.current.is_none()
            && let Some(seen) = around.checkpoint.unseen_since()
        {
            self.follow_unseen(seen, around);
        }
    }

    /// After a rotation: takes up the generations that came and went since the path was last seen at `seen`, so that two
    /// rotations between two looks lose nothing.
    pub(super) fn follow_unseen(&mut self, seen: Timestamp, around: &Surroundings<'_>) {
        let found = unseen::rotated_since(&self.path, seen).unwrap_or_else(|error| {
            around.logger.warn(format_args!("{}: cannot look for rotated files: {error}", self.path.display()));
            Vec::new()
        });
        for (path, metadata) in found {
            let key = (self.worker.clone(), metadata.dev(), metadata.ino());
            if around.followed.is_open(&key) || !around.followed.has_room() {
                continue;
            }
            match follower::open_identified(&path) {
                // A copy of what is followed already, not a generation of its own.
                Ok((.., identity)) if self.has_head(&identity) => {}
                Ok((file, metadata, identity)) => {
                    around.logger.info(format_args!(
                        "{}: also copying {}, which was rotated away before it was seen",
                        self.path.display(),
                        path.display()
                    ));
                    let follower = self.follow(file, &metadata, identity, Offset(0), around);
                    self.older.push_back(Older { follower, quiet_since: around.now });
                }
                Err(error) => around.logger.warn(format_args!("{}: cannot be copied: {error}", path.display())),
            }
        }
    }

    fn resume_found(
        &mut self,
        found: Option<(File, Metadata, PathBuf)>,
        position: Position,
        around: &Surroundings<'_>,
    ) {
        match found {
            Some((file, metadata, found)) => {
                let moved_to = (found != self.path).then_some(found);
                self.resume_file(file, &metadata, position, moved_to.as_deref(), around);
            }
            None => {
                around.logger.info(format_args!(
                    "{}: the file that was followed up to byte {} is not there (inode {}); should it come back within \
                     {} days, it goes on from there",
                    self.path.display(),
                    position.settled,
                    position.identity.inode,
                    MISSING_KEPT.as_secs() / 86_400
                ));
                around.checkpoint.keep(position, MISSING_KEPT);
            }
        }
    }

    pub(super) fn resume_file(
        &mut self,
        file: File,
        metadata: &Metadata,
        position: Position,
        moved_to: Option<&Path>,
        around: &Surroundings<'_>,
    ) {
        // Two positions for one file, after a truncation that a crash cut short: the later one counts.
        let same = |follower: &mut Follower| follower.is(metadata);
        while let Some(index) = self.older.iter_mut().position(|older| same(&mut older.follower)) {
            if let Some(older) = self.older.remove(index) {
                self.close(older.follower, None, around);
            }
        }
        if let Some(current) = self.current.take_if(same) {
            self.close(current, None, around);
        }
        let settled = Offset(position.settled.0.min(metadata.len()));
        let (worker, path) = (self.worker.clone(), self.path.clone());
        let (identity, sequence) = (position.identity.clone(), position.sequence.clone());
        let account = around.ledger.open(worker, path, identity, sequence, settled);
        around.checkpoint.forget(&position);
        let mut follower = self.take_up(account, file, metadata, around);
        self.skip_excess(&mut follower, around.plan.max_existing_log_offset_size, around);
        if let Some(moved_to) = moved_to {
            let unread = metadata.len().saturating_sub(settled.0);
            let level = if unread > 0 { Level::Info } else { Level::Debug1 };
            around.logger.at(
                level,
                format_args!(
                    "{}: is {} now; {unread} bytes are still to be read there",
                    self.path.display(),
                    moved_to.display()
                ),
            );
            self.older.push_back(Older { follower, quiet_since: around.now });
        } else {
            self.current = Some(follower);
        }
    }
}
