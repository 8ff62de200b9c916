//! Copies of what another path sends, made by `copytruncate` or a backup: not to be sent again.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use super::super::followed::FileKey;
use super::super::follower::{self, read_at};
use super::super::rotated_name;
use super::super::unseen;
use super::{Surroundings, Watched};

/// A copy may be empty for so long after it was created.
const COPY_BEGINS_WITHIN: Duration = Duration::from_secs(10);
/// So many bytes at the beginning and at the end of a copy are compared.
const COMPARED: usize = 1024;

/// What was found to be a copy, and how much it held then: when that changes, it is looked into again.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CopyOf {
    key: FileKey,
    size: u64,
}

impl Watched {
    /// Whether what stands at the path was found to be a copy, and has not changed since.
    pub(super) fn is_known_copy(&self, key: &FileKey, metadata: &Metadata) -> bool {
        // One that is empty may be about to be filled, or is no copy.
        self.copy.as_ref().is_some_and(|copy| copy.key == *key && copy.size == metadata.len() && copy.size > 0)
    }

    /// Whether the file bears a name that a rotation gives to generations of another followed path, and holds what that
    /// one holds or held before it was truncated. A copy that is written to is looked into again.
    pub(super) fn is_copy(&mut self, file: &File, metadata: &Metadata, around: &Surroundings<'_>) -> bool {
        let key = (self.worker.clone(), metadata.dev(), metadata.ino());
        let bases = rotated_name::bases(&self.path);
        let Some(base) = bases.iter().find(|base| self.is_copy_of(base, file, metadata, around)) else {
            self.copy = None;
            return false;
        };
        if self.copy.as_ref().is_none_or(|copy| copy.key != key) {
            let packed = rotated_name::is_compressed(&self.path);
            let what = if packed { "a compressed generation" } else { "a copy" };
            around.logger.info(format_args!(
                "{}: {what} of {}, which is copied itself; it is not sent again",
                self.path.display(),
                base.display()
            ));
        }
        self.copy = Some(CopyOf { key, size: metadata.len() });
        self.trouble = None;
        true
    }

    fn is_copy_of(&self, base: &Path, file: &File, metadata: &Metadata, around: &Surroundings<'_>) -> bool {
        let has_head =
            |head: &crate::ledger::Identity| head.head_length > 0 && head.stands(file, metadata).unwrap_or(false);
        let before = around.followed.truncated(&self.worker, base);
        if before.iter().any(|(identity, size)| metadata.len() >= *size && has_head(identity)) {
            return true;
        }
        if !around.followed.has_path(&self.worker, base) {
            return false;
        }
        if rotated_name::is_compressed(&self.path) {
            return true;
        }
        if metadata.len() == 0 {
            let changed = unseen::changed(metadata).map_or(0, |time| time.as_nanos());
            let age = u64::try_from(around.wall.as_nanos().saturating_sub(changed)).unwrap_or(0);
            return Duration::from_nanos(age) < COPY_BEGINS_WITHIN;
        }
        holds_the_same(file, metadata, base)
    }
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
