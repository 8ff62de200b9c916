//! Files are replaced as a whole: each new text lies complete on the disk beside its file before the first one takes its
//! place, with the mode, the owner, the group, the access list and the label of the old one.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fremovexattr, fsetxattr};
use rustix::io::Errno;
use tempfile::NamedTempFile;

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
    /// The file; a link is followed.
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
    done.into_iter().try_for_each(Done::finish)
}

/// A change whose new text is on the disk.
struct Staged {
    /// Where the file really is.
    path: PathBuf,
    text: Option<NamedTempFile>,
    is_there: bool,
}

/// A change that was made, and can be taken back.
struct Done {
    path: PathBuf,
    /// The old file under another name.
    before: Option<PathBuf>,
}

impl Staged {
    fn new(change: Change, like: &Path) -> Result<Self, String> {
        let path = fs::canonicalize(&change.path).unwrap_or_else(|_| change.path.clone());
        let shown = path.display().to_string();
        let failed =
            |what: &str, error: io::Error| format!("{shown}: {what}: {error}{}; nothing was changed", cure(&error));
        let old = match fs::read(&path) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed("cannot be read", error)),
        };
        if old != change.before {
            return Err(format!("{shown}: was changed by somebody else meanwhile; nothing was changed, do it again"));
        }
        let Some(text) = change.text else { return Ok(Self { path, text: None, is_there: old.is_some() }) };
        let folder = path.parent().unwrap_or(Path::new("/"));
        let mut file = tempfile::Builder::new()
            .prefix(".agent-config-")
            .tempfile_in(folder)
            .map_err(|error| failed("no new file can be made in its folder", error))?;
        file.write_all(&text).map_err(|error| failed("the new text cannot be written", error))?;
        let old_file = if old.is_some() {
            Some(File::open(&path).map_err(|error| failed("cannot be opened", error))?)
        } else {
            None
        };
        match &old_file {
            Some(old) => dress_like(file.as_file(), old).map_err(|(what, error)| failed(what, error))?,
            None => dress_new(file.as_file(), like).map_err(|(what, error)| failed(what, error))?,
        }
        file.as_file().sync_all().map_err(|error| failed("the new text cannot be written", error))?;
        Ok(Self { path, text: Some(file), is_there: old.is_some() })
    }

    fn commit(self) -> Result<Done, String> {
        let Self { path, text, is_there } = self;
        let failed = |what: &str, error: &io::Error| format!("{}: {what}: {error}{}", path.display(), cure(error));
        let before = if is_there {
            Some(second_name(&path).map_err(|error| failed("cannot be kept meanwhile", &error))?)
        } else {
            None
        };
        let committed = match text {
            Some(file) => file.persist(&path).map(drop).map_err(|error| error.error),
            None if is_there => fs::remove_file(&path),
            None => Ok(()),
        };
        match committed {
            Ok(()) => Ok(Done { path, before }),
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
            Some(before) => fs::rename(before, &self.path),
            None => fs::remove_file(&self.path),
        };
        undone.map_err(|error| match self.before {
            Some(before) => {
                format!("{} cannot be put back ({error}); it is {} now", self.path.display(), before.display())
            }
            None => format!("{} cannot be removed again ({error})", self.path.display()),
        })
    }

    /// Lets go of the old file, and sees that the new name is on the disk.
    fn finish(self) -> Result<(), String> {
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let removed = self.before.map_or(Ok(()), fs::remove_file);
        removed.and_then(|()| File::open(folder)?.sync_all()).map_err(|error| {
            format!("{} was changed, but its folder cannot be tidied up: {error}", self.path.display())
        })
    }
}

/// A second name for a file, beside it: a link, or a copy where there are no links.
fn second_name(path: &Path) -> io::Result<PathBuf> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let name = tempfile::Builder::new().prefix(".agent-config-old-").tempfile_in(folder)?.into_temp_path();
    let second = name.to_path_buf();
    drop(name);
    if fs::hard_link(path, &second).is_err() {
        // Readable for nobody else from the first byte on.
        let mut copy = fs::OpenOptions::new();
        let mut copy =
            std::os::unix::fs::OpenOptionsExt::mode(copy.write(true).create_new(true), 0o600).open(&second)?;
        let mut old = File::open(path)?;
        let copied = io::copy(&mut old, &mut copy).and_then(|_| dress_like(&copy, &old).map_err(|(_, error)| error));
        if let Err(error) = copied {
            _ = fs::remove_file(&second);
            return Err(error);
        }
    }
    Ok(second)
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
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return fs::OpenOptions::new()
            .write(true)
            .open(path)
            .and_then(|mut file| file.write_all(bytes))
            .map_err(failed);
    }
    let path = std::path::absolute(path).map_err(failed)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut file = tempfile::Builder::new().prefix(".agent-config-").tempfile_in(folder).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist(&path).map(drop).map_err(|error| failed(error.error))
}
