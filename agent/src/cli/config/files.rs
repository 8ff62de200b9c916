//! Files are replaced as a whole: each new text lies complete on the disk beside its file before the first one takes its
//! place, with the mode, the owner, the group, the access list and the label of the old one.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, Mode, OFlags, XattrFlags, fgetxattr, flistxattr, fremovexattr, fsetxattr};
use rustix::io::Errno;
use scalyr_monitor::Stop;
use tempfile::NamedTempFile;

use super::spot::Spot;

/// What the name of a text begins with that is to take its place, and what that of an old one does. A change that is killed
/// leaves them behind.
const NEW: &str = ".agent-config-";
const OLD: &str = ".agent-config-old-";
/// How often, and after what time each, a lock is tried that somebody else holds.
const TRIES: u32 = 100;
const AGAIN: Duration = Duration::from_millis(50);
/// No file of a configuration is larger, in bytes.
const MOST_BYTES: u64 = 80 << 20;

/// The mode of a fragment that is made.
const FRAGMENT_MODE: u32 = 0o640;
/// An access list, as the kernel calls it.
const ACCESS_LIST: &str = "system.posix_acl_access";
/// What is kept of a file beside its text, mode and owner. Not hashes of its text.
const KEPT: [&str; 2] = [ACCESS_LIST, "security.selinux"];
/// The longest such value that the kernel has.
const MOST: usize = 64 * 1024;

/// A change of one file.
pub(super) struct Change {
    /// The file; a link is followed, unless it is to go.
    pub(super) path: PathBuf,
    /// What it was read with, to see that nobody changed it meanwhile; `None` when there was no file.
    pub(super) before: Option<Vec<u8>>,
    /// What it is to hold; `None` when it is to go.
    pub(super) text: Option<Vec<u8>>,
}

/// Makes all changes or none. A new file gets mode 0640 and the owner and group of `like`, the main file.
///
/// # Errors
/// Which file, and why; every file is then as it was. Where even that could not be had, the text says so.
pub(super) fn replace(changes: Vec<Change>, like: &Path) -> Result<(), String> {
    // From here on nobody else changes it: what is compared below is what is replaced.
    let folder = like.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("/"));
    let turn = File::open(folder).map_err(|error| format!("{}: {error}; nothing was changed", folder.display()))?;
    let is_alone = takes_turn(&turn);
    let mut staged = Vec::with_capacity(changes.len());
    for change in changes {
        staged.push(Staged::new(change, like)?);
    }
    let mut done: Vec<Done> = Vec::new();
    for change in staged {
        match change.commit() {
            Ok(change) => done.push(change),
            Err(reason) => {
                let lost: Vec<String> = done.into_iter().rev().filter_map(|change| change.undo().err()).collect();
                let rest = if lost.is_empty() { "nothing was changed".to_owned() } else { lost.join("\n") };
                return Err(format!("{reason}; {rest}"));
            }
        }
    }
    let folders: Vec<PathBuf> = done.iter().map(|change| change.spot.shown.with_file_name("")).collect();
    // Each of them, also behind one that fails: the old texts have keys in them.
    let untidy: Vec<String> = done.into_iter().filter_map(|change| change.finish().err()).collect();
    if is_alone {
        tidy_up(&folders);
    }
    if untidy.is_empty() { Ok(()) } else { Err(untidy.join("\n")) }
}

/// Waits for its turn among those who change this configuration. Anybody may hold the lock of a folder that they can open, so
/// the work is done in the end without.
fn takes_turn(folder: &File) -> bool {
    let waiting = Stop::new();
    (0..TRIES).any(|_| {
        let taken = rustix::fs::flock(folder, FlockOperation::NonBlockingLockExclusive).is_ok();
        taken || waiting.wait(AGAIN)
    })
}

/// A change whose new text is on the disk.
struct Staged {
    spot: Spot,
    text: Option<NamedTempFile>,
    is_there: bool,
}

/// A change that was made, and can be taken back.
struct Done {
    spot: Spot,
    /// The old file under another name.
    before: Option<PathBuf>,
}

impl Staged {
    fn new(change: Change, like: &Path) -> Result<Self, String> {
        let spot = Spot::of(&change, like)?;
        let shown = spot.shown.display().to_string();
        let failed =
            |what: &str, error: io::Error| format!("{shown}: {what}: {error}{}; nothing was changed", cure(&error));
        let old = read(&spot.path).map_err(|error| failed("cannot be read", error))?;
        if old != change.before {
            return Err(format!("{shown}: was changed by somebody else meanwhile; nothing was changed, do it again"));
        }
        let Some(text) = change.text else { return Ok(Self { spot, text: None, is_there: old.is_some() }) };
        let mut file = tempfile::Builder::new()
            .prefix(NEW)
            .tempfile_in(spot.folder())
            .map_err(|error| failed("no new file can be made in its folder", error))?;
        file.write_all(&text).map_err(|error| failed("the new text cannot be written", error))?;
        let old_file = match old {
            Some(_) => Some(open(&spot.path).map_err(|error| failed("cannot be opened", error))?),
            None => None,
        };
        match &old_file {
            Some(old) => dress_like(file.as_file(), old).map_err(|(what, error)| failed(what, error))?,
            None => dress_new(file.as_file(), like).map_err(|(what, error)| failed(what, error))?,
        }
        file.as_file().sync_all().map_err(|error| failed("the new text cannot be written", error))?;
        Ok(Self { spot, text: Some(file), is_there: old.is_some() })
    }

    fn commit(self) -> Result<Done, String> {
        let Self { spot, text, is_there } = self;
        let failed =
            |what: &str, error: &io::Error| format!("{}: {what}: {error}{}", spot.shown.display(), cure(error));
        let before = if is_there {
            Some(second_name(&spot).map_err(|error| failed("cannot be kept meanwhile", &error))?)
        } else {
            None
        };
        let committed = match text {
            Some(file) => file.persist(&spot.path).map(drop).map_err(|error| error.error),
            None if is_there => fs::remove_file(&spot.path),
            None => Ok(()),
        };
        match committed {
            Ok(()) => Ok(Done { spot, before }),
            Err(error) => {
                before.iter().for_each(|before| _ = fs::remove_file(before));
                Err(failed("cannot be replaced", &error))
            }
        }
    }
}

impl Done {
    fn undo(self) -> Result<(), String> {
        let undone = match &self.before {
            Some(before) => fs::rename(before, &self.spot.path),
            None => fs::remove_file(&self.spot.path),
        };
        undone.map_err(|error| match self.before.as_deref().and_then(Path::file_name) {
            Some(before) => {
                let before = self.spot.shown.with_file_name(before);
                format!("{} cannot be put back ({error}); it is {} now", self.spot.shown.display(), before.display())
            }
            None => format!("{} cannot be removed again ({error})", self.spot.shown.display()),
        })
    }

    /// Lets go of the old file, and sees that the new name is on the disk.
    fn finish(self) -> Result<(), String> {
        let removed = self.before.map_or(Ok(()), fs::remove_file);
        removed.and_then(|()| File::open(self.spot.folder())?.sync_all()).map_err(|error| {
            format!("{} was changed, but its folder cannot be tidied up: {error}", self.spot.shown.display())
        })
    }
}

/// A second name for a file, beside it: a link, or a copy where there are no links.
fn second_name(spot: &Spot) -> io::Result<PathBuf> {
    let path = &spot.path;
    let name = tempfile::Builder::new().prefix(OLD).tempfile_in(spot.folder())?.into_temp_path();
    let second = name.to_path_buf();
    drop(name);
    if fs::hard_link(path, &second).is_ok() {
        return Ok(second);
    }
    if let Ok(target) = fs::read_link(path) {
        std::os::unix::fs::symlink(target, &second)?;
        return Ok(second);
    }
    // Readable for nobody else from the first byte on.
    let mut copy = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&second)?;
    let mut old = open(path)?;
    let copied = io::copy(&mut old, &mut copy).and_then(|_| dress_like(&copy, &old).map_err(|(_, error)| error));
    if let Err(error) = copied {
        _ = fs::remove_file(&second);
        return Err(error);
    }
    Ok(second)
}

/// Removes what a call left behind that was killed: new texts that never took their place, and old ones, with keys in them.
fn tidy_up(folders: &[PathBuf]) {
    for folder in folders {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_name().as_bytes().starts_with(NEW.as_bytes()) {
                // Whoever may not remove it has done what was asked all the same.
                _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Reads a file of a configuration; none when there is none. Nothing but a regular file is opened for long: a pipe would be
/// waited for, and a device may have no end.
///
/// # Errors
/// It cannot be read, is no regular file, or is larger than any of a configuration.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(io::Error::other(format!("it is larger than {} MiB", MOST_BYTES >> 20)));
    }
    Ok(Some(bytes))
}

fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    Ok(file)
}

/// Gives a new file what the old one has beside its text.
fn dress_like(new: &File, old: &File) -> Result<(), (&'static str, io::Error)> {
    let metadata = old.metadata().map_err(|error| ("cannot be looked at", error))?;
    own_like(new, &metadata)?;
    let mode = Permissions::from_mode(metadata.mode() & 0o7777);
    // Another list may come from the folder.
    _ = fremovexattr(new, ACCESS_LIST);
    new.set_permissions(mode).map_err(|error| ("its mode cannot be kept", error))?;
    for name in kept(old).map_err(|error| ("its attributes cannot be read", error))? {
        let mut value = vec![0; MOST];
        let copied = fgetxattr(old, &*name, &mut value[..])
            .and_then(|length| fsetxattr(new, &*name, &value[..length], XattrFlags::empty()));
        copied.map_err(|error| ("its access list or label cannot be kept", error.into()))?;
    }
    Ok(())
}

/// Those of a file's attributes that are kept; none where the file system has none.
fn kept(file: &File) -> io::Result<Vec<String>> {
    let mut names = vec![0; MOST];
    let length = match flistxattr(file, &mut names[..]) {
        Ok(length) => length,
        Err(Errno::NOTSUP | Errno::NOSYS) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let names = names[..length].split(|byte| *byte == 0).filter_map(|name| std::str::from_utf8(name).ok());
    let is_kept = |name: &&str| KEPT.contains(name) || name.starts_with("user.");
    Ok(names.filter(is_kept).map(str::to_owned).collect())
}

/// A file that was not there before.
fn dress_new(new: &File, like: &Path) -> Result<(), (&'static str, io::Error)> {
    if let Ok(metadata) = fs::metadata(like) {
        own_like(new, &metadata)?;
    }
    _ = fremovexattr(new, ACCESS_LIST);
    new.set_permissions(Permissions::from_mode(FRAGMENT_MODE)).map_err(|error| ("its mode cannot be set", error))
}

fn own_like(new: &File, like: &Metadata) -> Result<(), (&'static str, io::Error)> {
    let own = new.metadata().map_err(|error| ("cannot be looked at", error))?;
    let uid = (own.uid() != like.uid()).then_some(like.uid());
    let gid = (own.gid() != like.gid()).then_some(like.gid());
    if uid.is_none() && gid.is_none() {
        return Ok(());
    }
    std::os::unix::fs::fchown(new, uid, gid).map_err(|error| ("its owner and group cannot be kept", error))
}

/// What to do about an error.
fn cure(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            " (do this as the owner of the configuration, or as root)"
        }
        io::ErrorKind::ResourceBusy => {
            " (is it mounted there by itself, as in a container? then change it where it comes from)"
        }
        io::ErrorKind::StorageFull => " (make room on its file system)",
        _ => "",
    }
}

/// Writes a file of its own that only its owner may read, as a whole; one that is no regular file is written into.
///
/// # Errors
/// Which file, and why.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let failed = |error: io::Error| format!("{}: cannot be written: {error}", path.display());
    if let Some(metadata) = fs::metadata(path).ok().filter(|metadata| !metadata.is_file()) {
        let is_ours = |metadata: &Metadata| [0, rustix::process::geteuid().as_raw()].contains(&metadata.uid());
        let foreign = || io::Error::other("it is a pipe or a device of another user, who would get to know the key");
        if !is_ours(&metadata) {
            return Err(failed(foreign()));
        }
        let file = fs::OpenOptions::new().write(true).open(path);
        // It may be another one by now.
        let file = file.and_then(|file| if is_ours(&file.metadata()?) { Ok(file) } else { Err(foreign()) });
        return file.and_then(|mut file| file.write_all(bytes)).map_err(failed);
    }
    let path = std::path::absolute(path).map_err(failed)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut file = tempfile::Builder::new().prefix(".agent-config-").tempfile_in(folder).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist(&path).map(drop).map_err(|error| failed(error.error))
}
