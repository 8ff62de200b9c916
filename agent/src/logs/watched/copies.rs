//! Copies of what another path sends, made by `copytruncate` or a backup: not to be sent again.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::super::followed::FileKey;
use super::super::follower::{self, read_at};
use super::super::position::Position;
use super::super::rotated_name;
use super::super::unseen;
use super::{Surroundings, Watched};
use crate::ledger::{Account, Identity, Offset, Sequence};

/// A copy may be empty for so long after it was created.
const COPY_BEGINS_WITHIN: Duration = Duration::from_secs(10);
/// The position behind a copy is kept for so long, and longer while it is there.
const COPY_KEPT: Duration = Duration::from_secs(7 * 86_400);
/// So many bytes at the beginning and at the end of a copy are compared.
const COMPARED: usize = 1024;

/// What was found to be a copy, and how much it held then: when that changes, it is looked into again.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CopyOf {
    key: FileKey,
    size: u64,
    /// Otherwise it may become one, or turn out to be none: it is looked into again.
    is_sure: bool,
    /// The agent log says that it is one.
    is_told: bool,
}

/// Whether a file is a copy.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Copied {
    No,
    /// It is empty and may be about to be filled, or what it may be a copy of was not looked at yet.
    Perhaps,
    /// As long as it does not grow on its own.
    Still,
    /// For good: what was copied is truncated or renamed.
    Yes,
}

impl Watched {
    /// Whether what stands at the path was found to be a copy, and has not changed since.
    pub(super) fn is_known_copy(&self, key: &FileKey, metadata: &Metadata) -> bool {
        self.copy.as_ref().is_some_and(|copy| copy.is_sure && copy.key == *key && copy.size == metadata.len())
    }

    /// Whether the file bears a name that a rotation gives to generations of another followed path, and holds what that
    /// one holds or held before it was truncated. A copy that is written to is looked into again.
    pub(super) fn is_copy(&mut self, file: &File, metadata: &Metadata, around: &Surroundings<'_>) -> bool {
        let key = (self.worker.clone(), metadata.dev(), metadata.ino());
        let bases = rotated_name::bases(&self.path);
        let judged = bases.iter().map(|base| (base, self.is_copy_of(base, file, metadata, around)));
        let Some((base, copied)) = judged.max_by_key(|(_, copied)| *copied).filter(|(_, copied)| *copied > Copied::No)
        else {
            self.copy = None;
            return false;
        };
        let is_sure = copied == Copied::Yes;
        if copied > Copied::Perhaps && self.copy.as_ref().is_none_or(|copy| copy.key != key || !copy.is_told) {
            let packed = rotated_name::is_compressed(&self.path);
            let what = if packed { "a compressed generation" } else { "a copy" };
            around.logger.info(format_args!(
                "{}: {what} of {}, which is copied itself; it is not sent again",
                self.path.display(),
                base.display()
            ));
        }
        if is_sure && !rotated_name::is_compressed(&self.path) && !around.followed.is_open(&key) {
            // So that it is known under its next names, however much later it is given them.
            self.end_of(file, metadata).into_iter().for_each(|end| around.checkpoint.keep(end, COPY_KEPT));
        }
        let is_told = copied > Copied::Perhaps;
        self.copy = Some(CopyOf { key, size: metadata.len(), is_sure, is_told });
        self.trouble = None;
        true
    }

    /// The position behind all that is in a file now.
    pub(super) fn end_of(&self, file: &File, metadata: &Metadata) -> Option<Position> {
        let settled = Offset(metadata.len());
        let sequence = Sequence { id: Uuid::new_v4().to_string(), begin: settled };
        let (worker, path) = (self.worker.clone(), self.path.clone());
        Some(Position { worker, path, identity: Identity::of(file, metadata).ok()?, settled, sequence })
    }

    fn is_copy_of(&self, base: &Path, file: &File, metadata: &Metadata, around: &Surroundings<'_>) -> Copied {
        if around.followed.is_past(&self.worker, base, file, metadata) {
            return Copied::Yes;
        }
        let accounts = around.followed.accounts(&self.worker, base);
        if accounts.is_empty() {
            return Copied::No;
        }
        if rotated_name::is_compressed(&self.path) {
            return Copied::Yes;
        }
        if metadata.len() == 0 {
            let changed = unseen::changed(metadata).map_or(0, |time| time.as_nanos());
            let age = u64::try_from(around.wall.as_nanos().saturating_sub(changed)).unwrap_or(0);
            return if Duration::from_nanos(age) < COPY_BEGINS_WITHIN { Copied::Perhaps } else { Copied::No };
        }
        if holds_the_same(file, metadata, base) {
            return Copied::Still;
        }
        // The one that was copied was truncated or renamed, and its own path has not looked yet.
        let is_changing = |account: &Arc<Account>| {
            let identity = account.identity();
            let has_head = identity.head_length > 0 && identity.stands(file, metadata).unwrap_or(false);
            has_head && !around.followed.has_past(&self.worker, base, &identity) && !is_still_at(base, account)
        };
        if accounts.iter().any(is_changing) { Copied::Perhaps } else { Copied::No }
    }
}

/// Whether the file of this account stands at the path, and holds what was read of it.
fn is_still_at(path: &Path, account: &Account) -> bool {
    let Ok((file, metadata)) = follower::open(path) else { return false };
    metadata.len() >= account.read().0 && account.identity().is(&file, &metadata).unwrap_or(true)
}

/// Whether everything in the file, as far as it is compared, stands at the same place in the one at `base`.
fn holds_the_same(file: &File, metadata: &Metadata, base: &Path) -> bool {
    let Ok((base, base_metadata)) = follower::open(base) else { return false };
    if metadata.len() > base_metadata.len() {
        return false;
    }
    let end = metadata.len().saturating_sub(COMPARED as u64);
    [0, end].into_iter().all(|at| {
        let (mut own, mut other) = ([0; COMPARED], [0; COMPARED]);
        let wanted = usize::try_from(metadata.len() - at).map_or(COMPARED, |left| left.min(COMPARED));
        let own = read_at(file, &mut own[..wanted], at).map(|read| own[..read].to_vec());
        let other = read_at(&base, &mut other[..wanted], at).map(|read| other[..read].to_vec());
        matches!((own, other), (Ok(own), Ok(other)) if own == other)
    })
}
