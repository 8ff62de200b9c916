//! Opens a file of the agent in a folder where others may write, too: the folder may belong to another user than the one
//! who looks, as when root asks for the status of an agent that runs as its owner.
//!
//! What was planted there must not harm whoever opens it: a link leads to a file that is not the agent's (or to a device
//! that acts when it is opened), a pipe keeps its reader waiting for ever, a second name makes it somebody else's file.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;

/// Opens what is there, to read it.
///
/// # Errors
/// When it is not there, or no plain file.
pub fn open(path: &Path) -> io::Result<File> {
    checked(OpenOptions::new().read(true), path)
}

/// Opens it to read and write, or makes it with mode 0644; what is in it stays.
///
/// # Errors
/// When it can be neither, or is no plain file, or has several names: what is written would be in all of them.
pub fn open_or_make(path: &Path) -> io::Result<File> {
    let file = checked(OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o644), path)?;
    match file.metadata()?.nlink() {
        0 | 1 => Ok(file),
        names => {
            Err(io::Error::other(format!("it has {names} names (hard links) and may be somebody else's: remove it")))
        }
    }
}

fn checked(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = options.custom_flags(flags.bits().cast_signed()).open(path).map_err(|error| {
        match error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) {
            true => io::Error::other("it is a link, and none is followed here: remove it"),
            false => error,
        }
    })?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(io::Error::other("it is not a plain file: remove it"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;

    #[test]
    fn what_was_planted_is_neither_followed_nor_waited_for_nor_written() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("precious"), "precious").unwrap();
        symlink(at("precious"), at("link")).unwrap();
        fs::hard_link(at("precious"), at("second")).unwrap();
        assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        fs::create_dir(at("folder")).unwrap();
        for (name, why) in [("link", "it is a link"), ("pipe", "not a plain file"), ("folder", "")] {
            for refused in [open(&at(name)), open_or_make(&at(name))] {
                let error = refused.unwrap_err().to_string();
                assert!(error.contains(why), "{name}: {error}");
            }
        }
        assert!(open_or_make(&at("second")).unwrap_err().to_string().contains("2 names"));
        assert_eq!(fs::read(at("precious")).unwrap(), b"precious");
        assert_eq!(open(&at("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
        drop(open_or_make(&at("new")).unwrap());
        drop(open(&at("new")).unwrap());
    }
}
