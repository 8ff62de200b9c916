//! Generations of a path that came and went between two looks: created and renamed away, and perhaps compressed, before
//! anybody opened them.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use scalyr_monitor::Timestamp;

use super::follower;
use super::rotated_name::{self, is_packed_rotation_of, is_rotation_of};

/// While names come and go in a directory, a listing may miss one that is renamed: it is listed again, so often at most.
const MOST_LISTINGS: usize = 5;

/// A file that came since a path was last seen, and bears a name of one of its generations.
#[derive(Debug)]
pub struct Rotated {
    /// Where it was found.
    pub path: PathBuf,
    /// Its metadata.
    pub metadata: Metadata,
    /// What a rotation has made of the generation.
    pub form: Form,
}

/// What a rotation has made of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// Compressed by gzip.
    Packed,
    /// Compressed otherwise.
    Unreadable,
    /// Nothing: it is as it was.
    Plain,
}

/// The regular files beside `path` that bear its name with a rotation's suffix and were created at or after `since`
/// (on a file system that does not tell: changed since then), oldest first; before them those that were compressed and
/// whose content was changed since then.
///
/// A rotation's suffix is one that renames whole files: `<name>.<digits>`, `<name>-<date>`, `<stem>.<digits><ext>`,
/// `<stem>-<date><ext>`, and behind these one of a compression.
///
/// # Errors
/// When the directory cannot be read.
pub fn rotated_since(path: &Path, since: Timestamp) -> io::Result<Vec<Rotated>> {
    // A rotation happens where the file lies, which a symbolic link only points to.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let path = target.as_path();
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Ok(Vec::new());
    };
    let mut found = HashMap::new();
    for _ in 0..MOST_LISTINGS {
        let before = directory_changed(directory);
        let mut is_still = true;
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let Some(form) = entry.file_name().to_str().and_then(|other| form_of(other, name)) else { continue };
            // One that is renamed right now is found under its next name.
            let Ok(metadata) = entry.metadata() else {
                is_still = false;
                continue;
            };
            let rotated = Rotated { path: entry.path(), metadata, form };
            let Some(time) = rotated.time(since).filter(|time| *time >= not_before(since)) else { continue };
            // Under the name that it was seen by last.
            found.insert((rotated.metadata.dev(), rotated.metadata.ino()), (time, rotated));
        }
        if is_still && before == directory_changed(directory) {
            break;
        }
    }
    let mut found: Vec<_> = found.into_values().collect();
    // Those that are compressed are the older ones; their times may be in whole seconds.
    found.sort_by_cached_key(|(time, rotated)| {
        let is_plain = rotated.form == Form::Plain;
        (is_plain, *time, if is_plain { 0 } else { rotated_name::order(&rotated.path) }, rotated.metadata.ino())
    });
    Ok(found.into_iter().map(|(_, rotated)| rotated).collect())
}

fn form_of(other: &str, name: &str) -> Option<Form> {
    if is_rotation_of(other, name) {
        Some(Form::Plain)
    } else if is_packed_rotation_of(other, name) {
        Some(Form::Packed)
    } else {
        rotated_name::is_compressed_rotation_of(other, name).then_some(Form::Unreadable)
    }
}

impl Rotated {
    /// When it came, or, of a compressed one, when its content was changed last: looked into only if it may be after
    /// `since`.
    fn time(&self, since: Timestamp) -> Option<Timestamp> {
        if !self.metadata.is_file() {
            return None;
        }
        let changed = changed(&self.metadata);
        match self.form {
            Form::Plain => created(&self.metadata).or(changed),
            Form::Packed if changed >= Some(not_before(since)) => match follower::open(&self.path) {
                Ok((file, metadata)) => follower::content_changed(&file, &metadata),
                Err(_) => changed,
            },
            Form::Packed | Form::Unreadable => changed,
        }
    }
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
