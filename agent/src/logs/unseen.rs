//! Generations of a path that came and went between two looks: created and renamed away before anybody opened them.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use scalyr_monitor::Timestamp;

use super::rotated_name::is_rotation_of;

/// While names come and go in a directory, a listing may miss one that is renamed: it is listed again, so often at most.
const MOST_LISTINGS: usize = 5;

/// The regular files beside `path` that bear its name with a rotation's suffix and were created at or after `since`
/// (on a file system that does not tell: changed since then), oldest first.
///
/// A rotation's suffix is one that renames whole files: `<name>.<digits>`, `<name>-<date>`, `<stem>.<digits><ext>`,
/// `<stem>-<date><ext>`; compressed copies are left out.
///
/// # Errors
/// When the directory cannot be read.
pub fn rotated_since(path: &Path, since: Timestamp) -> io::Result<Vec<(PathBuf, Metadata)>> {
    // A rotation happens where the file lies, which a symbolic link only points to.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let path = target.as_path();
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Ok(Vec::new());
    };
    let mut found = BTreeMap::new();
    for _ in 0..MOST_LISTINGS {
        let before = directory_changed(directory);
        let mut is_still = true;
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if !entry.file_name().to_str().is_some_and(|other| is_rotation_of(other, name)) {
                continue;
            }
            // One that is renamed right now is found under its next name.
            let Ok(metadata) = entry.metadata() else {
                is_still = false;
                continue;
            };
            let Some(created) = created(&metadata).or_else(|| changed(&metadata)) else { continue };
            if metadata.is_file() && created >= not_before(since) {
                // Under the name that it was seen by last.
                found.insert((created, metadata.dev(), metadata.ino()), (entry.path(), metadata));
            }
        }
        if is_still && before == directory_changed(directory) {
            break;
        }
    }
    Ok(found.into_values().collect())
}

/// When names last came or went in a directory.
fn directory_changed(directory: &Path) -> Option<Timestamp> {
    fs::metadata(directory).ok().and_then(|metadata| changed(&metadata))
}

/// When a file was created, where the file system tells.
pub fn created(metadata: &Metadata) -> Option<Timestamp> {
    let since_epoch = |time: SystemTime| time.duration_since(UNIX_EPOCH).ok();
    let nanos = metadata.created().ok().and_then(since_epoch)?.as_nanos();
    i64::try_from(nanos).ok().map(Timestamp::from_nanos)
}

/// When a file was last written to.
pub fn changed(metadata: &Metadata) -> Option<Timestamp> {
    let seconds = metadata.mtime().checked_mul(1_000_000_000)?;
    seconds.checked_add(metadata.mtime_nsec()).map(Timestamp::from_nanos)
}

/// File systems take the time from a clock that ticks every few milliseconds.
pub fn not_before(time: Timestamp) -> Timestamp {
    Timestamp::from_nanos(time.as_nanos().saturating_sub(20_000_000))
}
