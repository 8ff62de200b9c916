//! `ignore_stale_files`: files that were not changed for long are not copied until they are changed again.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use uuid::Uuid;

use super::super::begin::Begin;
use super::super::followed::FileKey;
use super::super::position::Position;
use super::super::unseen;
use super::{Surroundings, Watched};
use crate::ledger::{Identity, Offset, Sequence};

/// How long the position of a stale file is kept.
const STALE_KEPT: Duration = Duration::from_secs(400 * 86_400);

impl Watched {
    /// In how long the file will be stale; `None` for one that never is. Zero when it is already.
    pub(super) fn stale_in(&self, metadata: &Metadata, around: &Surroundings<'_>) -> Option<Duration> {
        let after = i128::try_from(self.copying.stale_after?.as_nanos()).unwrap_or(i128::MAX);
        let changed = i128::from(unseen::changed(metadata)?.as_nanos());
        let left = changed.saturating_add(after).saturating_sub(i128::from(around.wall.as_nanos()));
        Some(Duration::from_nanos(u64::try_from(left.max(0)).unwrap_or(u64::MAX)))
    }

    fn is_stale(&self, metadata: &Metadata, around: &Surroundings<'_>) -> bool {
        self.stale_in(metadata, around).is_some_and(|left| left.is_zero())
    }

    /// Closes the current generation once it has become stale and everything is settled; should it be changed again, it
    /// goes on at its position.
    pub(super) fn let_stale_go(&mut self, metadata: &Metadata, around: &Surroundings<'_>) {
        if !self.is_stale(metadata, around) {
            return;
        }
        let Some(current) = self.current.take_if(|current| current.is_settled()) else { return };
        around.logger.info(format_args!("{}: not changed for long; let go until it is", self.path.display()));
        self.stale = Some(self.key_of(&current));
        self.close_keeping(current, None, STALE_KEPT, around);
    }

    /// Whether what stands at the path is stale still.
    pub(super) fn stays_stale(&self, key: &FileKey, metadata: &Metadata, around: &Surroundings<'_>) -> bool {
        self.stale.as_ref() == Some(key) && self.is_stale(metadata, around)
    }

    /// Whether the file is stale; then it is not taken, and where it would begin is kept.
    pub(super) fn leave_stale(&mut self, metadata: &Metadata, identity: &Identity, around: &Surroundings<'_>) -> bool {
        if !self.is_stale(metadata, around) {
            self.stale = None;
            return false;
        }
        let (device, inode) = (metadata.dev(), metadata.ino());
        self.stale = Some((self.worker.clone(), device, inode));
        if around.checkpoint.earlier_of_inode(&self.worker, device, inode).is_empty() {
            let begin = match self.begin {
                Begin::Start => Offset(0),
                Begin::End => Offset(metadata.len()),
                Begin::At(offset) => Offset(offset.0.min(metadata.len())),
            };
            let position = Position {
                worker: self.worker.clone(),
                path: self.path.clone(),
                identity: identity.clone(),
                settled: begin,
                sequence: Sequence { id: Uuid::new_v4().to_string(), begin },
            };
            around.checkpoint.keep(position, STALE_KEPT);
            around.logger.info(format_args!(
                "{}: not copied, because it was not changed for long (ignore_stale_files); once it is, it is copied from \
                 byte {begin} on",
                self.path.display()
            ));
        }
        true
    }
}
