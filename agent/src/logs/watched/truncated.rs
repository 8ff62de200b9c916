//! The same file, smaller than it was, or with other bytes: what was not read is looked for in a copy.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use super::super::follower::{self, Follower, Source};
use super::super::rotated_name::is_rotation_of;
use super::older::Older;
use super::{Surroundings, Watched};
use crate::ledger::SkipReason;
use crate::order;

/// A copy that was changed longer ago was not made by this rotation.
const FRESH_SECONDS: i64 = 300;

impl Watched {
    /// What stands at the path is a new generation from its first byte. What was not read before is read from the copy
    /// that `copytruncate` makes, if there is one, and lost otherwise.
    pub(super) fn replace_truncated(&mut self, around: &Surroundings<'_>) {
        let Some(mut follower) = self.current.take() else { return };
        let (read_to, size) = follower.progress();
        let copy = self.copy_of(&follower, around);
        let (key, shape) = (self.key_of(&follower), follower.shape());
        let (lost, copy) = match self.go_on_in_copy(&mut follower, copy, around) {
            Some((lost, copy)) => (lost, Some(copy)),
            None => (follower.end(SkipReason::Truncated), None),
        };
        let path = self.path.display();
        let place = copy.map(|copy| format!(", its copy is {}", copy.display())).unwrap_or_default();
        if lost > 0 {
            around.logger.warn(format_args!(
                "{path}: was truncated or rewritten when {read_to} of its {size} bytes had been read{place}; {lost} bytes \
                 are lost, going on at its beginning"
            ));
        } else {
            around.logger.info(format_args!(
                "{path}: was truncated or rewritten after {read_to} of the {size} bytes that were seen of it had been \
                 read{place}; going on at its beginning"
            ));
        }
        around.followed.note_past(&self.worker, &self.path, shape, around.now);
        self.older.push_back(Older { follower, quiet_since: around.now });
        // The file at the path is still the same one: no file was renamed, but copies may have been made of what it held
        // between two truncations of which only the last one was noticed.
        self.seen = None;
        if let Some(seen) = self.seen_before.take() {
            self.follow_unseen(seen.by_clock_of(around), None, around);
        }
        self.open_new(key, around);
        if let Some(current) = &mut self.current {
            current.expect_hole();
        }
    }

    /// Has a generation go on in its copy. Returns how many bytes are not there, and where the copy is.
    fn go_on_in_copy(
        &self,
        follower: &mut Follower,
        copy: Option<(Source, Metadata, PathBuf)>,
        around: &Surroundings<'_>,
    ) -> Option<(u64, PathBuf)> {
        let Some((Source::Plain(file), metadata, path)) = copy else { return None };
        let before = self.key_of(follower);
        let lost = follower.go_on_in_copy(file, &metadata).ok()?;
        around.followed.remove(&before, &follower.account);
        around.followed.add(self.key_of(follower), &self.path, &follower.account);
        Some((lost, path))
    }

    /// The newest fresh file beside this one that bears a rotated name and holds what was read of the original, at least
    /// as far as that was read.
    fn copy_of(&self, follower: &Follower, around: &Surroundings<'_>) -> Option<(Source, Metadata, PathBuf)> {
        let found = self.fresh_rotated().unwrap_or_else(|error| {
            around.logger.warn(format_args!("{}: cannot look for a copy: {error}", self.path.display()));
            Vec::new()
        });
        found.into_iter().find_map(|(_, path)| {
            let (file, metadata) = follower::open(&path).ok()?;
            let key = (self.worker.clone(), metadata.dev(), metadata.ino());
            if around.followed.is_open(&key) {
                return None;
            }
            let source = Source::Plain(file);
            follower.is_held_by(&source, &metadata).then_some((source, metadata, path))
        })
    }

    /// Files beside this one with a rotated name that were changed a short time ago, the newest first.
    fn fresh_rotated(&self) -> io::Result<Vec<(i64, PathBuf)>> {
        let target = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let (Some(directory), Some(name)) = (target.parent(), target.file_name().and_then(|name| name.to_str())) else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        let own = fs::metadata(&target).map_or(i64::MAX, |metadata| metadata.ctime());
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if !entry.file_name().to_str().is_some_and(|other| is_rotation_of(other, name)) {
                continue;
            }
            let Ok(metadata) = entry.metadata() else { continue };
            // Compared with the file that was truncated, by the same clock.
            let fresh = own.saturating_sub(metadata.ctime()) < FRESH_SECONDS;
            if metadata.is_file() && fresh {
                found.push((metadata.ctime(), entry.path()));
            }
        }
        order::by(&mut found, |a, b| b.cmp(a));
        Ok(found)
    }
}
