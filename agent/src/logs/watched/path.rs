//! What stands at the path, compared with what is followed there.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::super::begin::Begin;
use super::super::followed::FileKey;
use super::super::follower::{self, Follower, Source};
use super::super::position::Position;
use super::older::Older;
use super::{KEPT, Surroundings, Watched};
use crate::ledger::{Account, Identity, Offset, Sequence};

impl Watched {
    /// Compares what stands at the path with what is open.
    pub(super) fn check_path(&mut self, around: &Surroundings<'_>) {
        match fs::metadata(&self.path) {
            Ok(metadata) if self.current.as_ref().is_some_and(|current| current.is(&metadata)) => {
                self.gone_since = None;
                self.seen_before = self.seen.replace(around.seen());
                self.wake_if_changed(&metadata, around);
                self.let_stale_go(&metadata, around);
            }
            Ok(metadata) if metadata.is_file() => {
                let key = (self.worker.clone(), metadata.dev(), metadata.ino());
                // An alias holds as long as its owner follows the file, and a copy is one until it changes.
                let is_alias = self.alias.as_ref() == Some(&key) && around.followed.is_open(&key);
                if !is_alias && !self.is_known_copy(&key, &metadata) && !self.stays_stale(&key, &metadata, around) {
                    self.set_alias(None, around);
                    self.open_new(key, around);
                }
            }
            Ok(_) => self.note_trouble("is not a regular file".to_owned(), around),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.trouble = None;
                self.set_alias(None, around);
                (self.copy, self.stale) = (None, None);
                // Whatever appears here from now on is new, also what is renamed before anybody looks at it.
                self.begin = Begin::Start;
                if self.current.is_none() {
                    self.seen.get_or_insert(around.seen());
                }
                if self.current.is_some() && self.gone_since.is_none() {
                    self.gone_since = Some(around.now);
                    self.wake_renamed(around);
                }
                self.let_deleted_go(around);
            }
            Err(error) => self.note_trouble(error.to_string(), around),
        }
    }

    pub(super) fn open_new(&mut self, key: FileKey, around: &Surroundings<'_>) {
        if self.is_withdrawn() && self.current.is_some() {
            return;
        }
        if let Some(owner) = around.followed.other_owner(&key, &self.path) {
            let still_there = fs::metadata(&owner).is_ok_and(|found| (found.dev(), found.ino()) == (key.1, key.2));
            if !still_there {
                self.retire_current(around);
                return self.set_alias(Some(key), around);
            }
            around.logger.warn(format_args!(
                "{} and {} are the same file; its lines are sent once for each name",
                owner.display(),
                self.path.display()
            ));
        }
        self.retire_current(around);
        if !around.followed.has_room() {
            let limit = around.followed.limit();
            return self
                .note_trouble(format!("{limit} files are open already (raise the limit of open files)"), around);
        }
        let (file, metadata, identity) = match follower::open_identified(&self.path) {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.note_trouble(error.to_string(), around),
        };
        self.trouble = None;
        self.gone_since = None;
        // Not earlier: should the file be opened at a later attempt only, nothing that came meanwhile is forgotten.
        if let Some(seen) = self.seen.replace(around.seen()) {
            self.follow_unseen(seen.by_clock_of(around), Some((metadata.dev(), metadata.ino())), around);
        }
        if let Some(position) = self.position_of(&file, &metadata, around) {
            if self.leave_stale(&metadata, &identity, around) {
                return;
            }
            // It was followed before, here or under another name, and goes on where it was.
            self.resume_file(file.into(), &metadata, position, None, around);
            return;
        }
        if self.is_copy(&file, &metadata, around) || self.leave_stale(&metadata, &identity, around) {
            return;
        }
        let begin = match self.begin {
            Begin::Start => Offset(0),
            Begin::End => Offset(metadata.len()),
            Begin::At(offset) => Offset(offset.0.min(metadata.len())),
        };
        self.begin = Begin::Start;
        self.current = Some(self.follow(file, &metadata, identity, begin, around));
    }

    /// The position that is left for this very file.
    pub(super) fn position_of(&self, file: &File, metadata: &Metadata, around: &Surroundings<'_>) -> Option<Position> {
        let left = around.checkpoint.earlier_of_inode(&self.worker, metadata.dev(), metadata.ino());
        left.into_iter().rev().find(|position| position.identity.is(file, metadata).unwrap_or(false))
    }

    /// Makes the current generation an older one.
    pub(super) fn retire_current(&mut self, around: &Surroundings<'_>) {
        self.wake_renamed(around);
        let current = self.current.take();
        if let Some(current) = &current {
            around.followed.note_past(&self.worker, &self.path, current.shape(), around.now);
        }
        self.older.extend(current.map(|follower| Older { follower, quiet_since: around.now }));
    }

    pub(super) fn set_alias(&mut self, alias: Option<FileKey>, around: &Surroundings<'_>) {
        if let Some(before) = self.alias.take() {
            around.followed.alias(&before, false, around.now);
        }
        if let Some(key) = &alias {
            self.trouble = None;
            self.begin = Begin::Start;
            around.followed.alias(key, true, around.now);
        }
        self.alias = alias;
    }

    pub(super) fn follow(
        &self,
        file: File,
        metadata: &Metadata,
        identity: Identity,
        begin: Offset,
        around: &Surroundings<'_>,
    ) -> Follower {
        let sequence = Sequence { id: Uuid::new_v4().to_string(), begin };
        let account = around.ledger.open(self.worker.clone(), self.path.clone(), identity, sequence, begin);
        self.take_up(account, file.into(), metadata, around)
    }

    pub(super) fn take_up(
        &self,
        account: Arc<Account>,
        source: Source,
        metadata: &Metadata,
        around: &Surroundings<'_>,
    ) -> Follower {
        account.note_session(self.seat.1);
        around.followed.add((self.worker.clone(), metadata.dev(), metadata.ino()), &self.path, &account);
        Follower::new(account, &self.copying, source, metadata)
    }

    /// Closes a generation; its totals go on in `heir`. While it has a name, its position is kept for a time.
    pub(super) fn close(&self, follower: Follower, heir: Option<&Account>, around: &Surroundings<'_>) {
        self.close_keeping(follower, heir, KEPT, around);
    }

    /// Closes a generation, whose position is kept so long while it has a name.
    pub(super) fn close_keeping(
        &self,
        follower: Follower,
        heir: Option<&Account>,
        kept: Duration,
        around: &Surroundings<'_>,
    ) {
        if !follower.has_ended() && (follower.is_resting() || follower.has_name()) {
            around.checkpoint.keep(Position::of(&follower.account), kept);
        }
        if follower.is_resting() {
            // It is counted as closed already.
            around.followed.rest(false);
        }
        around.followed.remove(&self.key_of(&follower), &follower.account);
        around.ledger.close(follower.account.id, heir);
    }

    pub(super) fn key_of(&self, follower: &Follower) -> FileKey {
        let (device, inode) = follower.inode();
        (self.worker.clone(), device, inode)
    }

    /// Whether a generation of this path has the same long head, so that a file which bears it is a copy.
    pub(super) fn has_head(&self, identity: &Identity) -> bool {
        !identity.is_young()
            && self.followers().map(|follower| follower.account.identity()).any(|own| own.has_head_of(identity))
    }
}
