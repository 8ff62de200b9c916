//! Taking up a path again: from the positions of an earlier run, and after rotations that nobody saw.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use scalyr_monitor::{Level, Timestamp};

use super::super::follower::{self, Follower, Source};
use super::super::position::Position;
use super::super::search::Found;
use super::super::unseen::{self, Form, Rotated};
use super::{Begin, Older, Surroundings, Watched};
use crate::ledger::{Identity, Offset};

/// While files are renamed or compressed in a directory, it is listed again, so often at most.
const MOST_LISTINGS: usize = 5;
/// How long the position of a file that is not to be found is kept: its file system may not be mounted yet.
const MISSING_KEPT: Duration = Duration::from_secs(7 * 86_400);

impl Watched {
    /// Takes up again what the positions of an earlier run say about this path: the file that stands there now, and
    /// generations that were renamed within its directory meanwhile.
    pub fn resume(&mut self, positions: Vec<Position>, around: &Surroundings<'_>) {
        // A path that was followed: whatever else stands there now is a new generation, read from its first byte.
        self.begin = Begin::Start;
        // What was empty when it was last seen cannot be recognised in a copy, or in what gzip has made of it.
        let was_empty = positions.iter().any(|position| position.identity.head_length == 0);
        for position in positions {
            let found = around.followed.listings.find_renamed(&position, around.moment());
            let remains =
                || around.followed.listings.find_remains(&position, around.checkpoint.unseen_since(), around.moment());
            let trouble = match found.map(|found| found.or_else(remains)) {
                Ok(Some(found)) if found.path == self.path && self.stays_behind(&found, around) => continue,
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
        if (self.current.is_none() || was_empty)
            && let Some(seen) = around.checkpoint.unseen_since()
        {
            self.follow_unseen(seen, None, around);
        }
    }

    /// After a rotation: takes up the generations that came and went since the path was last seen at `seen`, so that two
    /// rotations between two looks lose nothing; but not the file `but`, which is opened already.
    pub(super) fn follow_unseen(&mut self, seen: Timestamp, but: Option<(u64, u64)>, around: &Surroundings<'_>) {
        for _ in 0..MOST_LISTINGS {
            let found = unseen::rotated_since(&self.path, seen).unwrap_or_else(|error| {
                around.logger.warn(format_args!("{}: cannot look for rotated files: {error}", self.path.display()));
                Vec::new()
            });
            if self.follow_rotated(&found, seen, but, around) {
                break;
            }
        }
        self.told_unreadable = true;
    }

    /// False when one of them went away meanwhile: it has another name now, or was compressed.
    fn follow_rotated(
        &mut self,
        found: &[Rotated],
        seen: Timestamp,
        but: Option<(u64, u64)>,
        around: &Surroundings<'_>,
    ) -> bool {
        let before = self.older.len();
        // What is not compressed comes first: what gzip is just making of it is not taken for another generation then.
        let (plain, packed): (Vec<_>, Vec<_>) = found.iter().partition(|rotated| rotated.form == Form::Plain);
        let mut are_there = self.follow_each(plain, seen, but, around);
        let middle = self.older.len();
        are_there &= self.follow_each(packed, seen, but, around);
        // It is read first all the same.
        if let Some(new) = self.older.make_contiguous().get_mut(before..)
            && let Some(plain) = middle.checked_sub(before).filter(|plain| *plain <= new.len())
        {
            new.rotate_left(plain);
        }
        are_there
    }

    fn follow_each(
        &mut self,
        rotated: Vec<&Rotated>,
        seen: Timestamp,
        but: Option<(u64, u64)>,
        around: &Surroundings<'_>,
    ) -> bool {
        let mut are_there = true;
        for Rotated { path, metadata, form } in rotated {
            let key = (self.worker.clone(), metadata.dev(), metadata.ino());
            if around.followed.is_open(&key) || but == Some((key.1, key.2)) || !around.followed.has_room() {
                continue;
            }
            let taken = match form {
                Form::Plain => self.follow_plain(path, around),
                Form::Packed => self.follow_packed(path, around),
                Form::Unreadable => {
                    self.tell_unreadable(path, seen, around);
                    Ok(())
                }
            };
            match taken {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => are_there = false,
                Err(error) => around.logger.warn(format_args!("{}: cannot be copied: {error}", path.display())),
            }
        }
        are_there
    }

    fn follow_plain(&mut self, path: &Path, around: &Surroundings<'_>) -> io::Result<()> {
        let (file, metadata, identity) = follower::open_identified(path)?;
        // A copy of what is followed already, or was, not a generation of its own.
        if self.has_head(&identity) || around.followed.is_past(&self.worker, &self.path, &file, &metadata) {
            return Ok(());
        }
        // It was seen, and closed to make room: only what has come since then is new.
        if let Some(position) = self.position_of(&file, &metadata, around) {
            if position.settled.0 < metadata.len() {
                self.resume_file(file.into(), &metadata, position, Some(path), around);
            }
            return Ok(());
        }
        around.logger.info(format_args!(
            "{}: also copying {}, which was rotated away before it was seen",
            self.path.display(),
            path.display()
        ));
        let follower = self.follow(file, &metadata, identity, Offset(0), around);
        self.older.push_back(Older { follower, quiet_since: around.now });
        Ok(())
    }

    /// Whether what was found is stale: its position stays where it is.
    fn stays_behind(&mut self, found: &Found, around: &Surroundings<'_>) -> bool {
        let stale = self.stale_in(&found.metadata, around).is_some_and(|left| left.is_zero());
        if stale {
            self.stale = Some((self.worker.clone(), found.metadata.dev(), found.metadata.ino()));
        }
        stale
    }

    fn resume_found(&mut self, found: Option<Found>, position: Position, around: &Surroundings<'_>) {
        match found {
            Some(Found { source, metadata, path: found }) => {
                let moved_to = (found != self.path).then_some(found);
                self.resume_file(source, &metadata, position, moved_to.as_deref(), around);
            }
            None => {
                // Of one that was let go everything had been read; one that was empty is looked for as one that was not seen.
                let was_let_go = around.checkpoint.was_let_go(&position) || position.identity.head_length == 0;
                around.logger.at(
                    if was_let_go { Level::Info } else { Level::Warning },
                    format_args!(
                        "{}: the file that was followed up to byte {} is not there any more (inode {}): it was removed, \
                         moved elsewhere or compressed otherwise than by gzip while no agent ran; what was written to it \
                         after that byte is not copied. Should it come back within {} days, it goes on from there",
                        self.path.display(),
                        position.settled,
                        position.identity.inode,
                        MISSING_KEPT.as_secs() / 86_400
                    ),
                );
                around.checkpoint.keep(position, MISSING_KEPT);
            }
        }
    }

    pub(super) fn resume_file(
        &mut self,
        source: Source,
        metadata: &Metadata,
        position: Position,
        moved_to: Option<&Path>,
        around: &Surroundings<'_>,
    ) {
        // Two positions for one file, after a truncation that a crash cut short: the later one counts.
        let same = |follower: &mut Follower| follower.is(metadata);
        let mut settled = position.settled;
        while let Some(index) = self.older.iter_mut().position(|older| same(&mut older.follower)) {
            if let Some(older) = self.older.remove(index) {
                // A file and its copy: what was pending of the one is read from the other.
                if older.follower.account.sequence == position.sequence {
                    settled = settled.min(older.follower.account.settled());
                }
                self.close(older.follower, None, around);
            }
        }
        if let Some(current) = self.current.take_if(same) {
            self.close(current, None, around);
        }
        let (worker, path) = (self.worker.clone(), self.path.clone());
        let (identity, sequence, size) = match &source {
            // The device may have another number by now, and a copy another inode.
            Source::Plain(file) => (Identity::of(file, metadata).ok(), position.sequence.clone(), metadata.len()),
            // The inode of what was compressed may belong to another file by now.
            Source::Packed(packed) => (Some(position.identity.at(metadata)), position.sequence.clone(), packed.size()),
        };
        let identity = identity.unwrap_or_else(|| position.identity.clone());
        let settled = Offset(settled.0.min(size));
        let account = around.ledger.open(worker, path, identity, sequence, settled);
        around.checkpoint.forget(&position);
        let mut follower = self.take_up(account, source, metadata, around);
        follower.note_resumed();
        if let Some(moved_to) = moved_to {
            let unread = size.saturating_sub(settled.0);
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
