//! The report as a file, for those who ask the Python agent's way: they write the format into `status_format` in the data
//! directory, send USR1, and wait for `last_status` (`cli-and-service.md` section 7).
//!
//! Whoever asks may write in the data directory, and so might others: no link that was planted there is followed.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, open, openat, renameat, unlinkat};

use super::{Format, Snapshot};

/// What names the wanted format.
pub const FORMAT_NAME: &str = "status_format";
/// The report.
pub const NAME: &str = "last_status";
/// The report while it is written.
const UNFINISHED: &str = "last_status.tmp";
/// A longer text is no name of a format.
const MOST_FORMAT: u64 = 64;

/// Writes the report into `last_status` in `data_path`, in the format that `status_format` there names; as text when it
/// names none. Only the owner can read it. Who reads sees nothing of it, or all.
///
/// # Errors
/// When it cannot be written. Nothing else happens then.
pub fn write(data_path: &Path, snapshot: &Snapshot) -> io::Result<()> {
    let folder = open(data_path, OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let report = wanted(&folder).render(snapshot);
    // One that was left behind, or planted; a link is removed and not what it leads to.
    remove(&folder, NAME)?;
    remove(&folder, UNFINISHED)?;
    let new = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(openat(&folder, UNFINISHED, new, Mode::RUSR | Mode::WUSR)?);
    file.write_all(report.as_bytes())?;
    drop(file);
    renameat(&folder, UNFINISHED, &folder, NAME)?;
    Ok(())
}

/// The format that is wanted. Whatever is wrong with the file, a report is better than none.
fn wanted(folder: &OwnedFd) -> Format {
    match read_format(folder).as_deref().map(str::trim) {
        Ok("json") => Format::Json,
        _ => Format::Text,
    }
}

fn read_format(folder: &OwnedFd) -> io::Result<String> {
    // Not blocking, so that nobody can stop the agent with a pipe.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(folder, FORMAT_NAME, flags, Mode::empty())?;
    if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut text = String::new();
    File::from(file).take(MOST_FORMAT).read_to_string(&mut text)?;
    Ok(text)
}

fn remove(folder: &OwnedFd, name: &str) -> io::Result<()> {
    match unlinkat(folder, name, AtFlags::empty()) {
        Err(error) if error != rustix::io::Errno::NOENT => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
