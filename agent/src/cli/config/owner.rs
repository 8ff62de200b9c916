//! `--set-user`: the agent runs as the owner of its configuration (`cli-and-service.md` section 6), so what it reads and
//! writes is given to that user. Groups stay.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::User;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Uid, chownat, fstat, openat};

use super::{Host, running};
use crate::config::load::Proposed;

/// Folders of the system: whoever names one of them for the agent's own files did not mean all that is in it.
pub(super) const OF_SYSTEM: [&str; 24] = [
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib64",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/local",
    "/var",
    "/var/lib",
    "/var/log",
    "/var/tmp",
];
/// How deep folders are followed.
const MOST_DEPTH: usize = 64;

/// Gives the main file, the folder of fragments and those of the agent's logs and data to a user.
///
/// # Errors
/// Why nothing, or what in it, could not be given. The main file comes last: as long as it has its old owner, the agent
/// runs as that one.
pub(super) fn give(user: &str, host: &Host, said: &mut String) -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        return Err(format!("--set-user {user}: only root may give files to another user; do this as root (sudo)"));
    }
    let uid = uid_of(user)?;
    let loaded = host.readable()?;
    let draft = host.draft(&loaded);
    let plan = draft.plan();
    let folders: BTreeSet<PathBuf> = [&loaded.folder, &plan.log_path, &plan.data_path]
        .into_iter()
        .filter_map(|path| fs::canonicalize(path).ok())
        .collect();
    if let Some(folder) =
        folders.iter().find(|folder| OF_SYSTEM.iter().any(|known| folder.as_path() == Path::new(known)))
    {
        return Err(format!(
            "--set-user {user}: {} is a folder of the system, and would be given to {user} with all that is in it; name a folder \
             of the agent's own (agent_log_path, agent_data_path, config_directory). Nothing was done",
            folder.display()
        ));
    }
    let main = fs::canonicalize(&loaded.file).unwrap_or_else(|_| loaded.file.clone());
    let old = fs::metadata(&main).map_err(|error| format!("{}: {error}", main.display()))?.uid();
    let mut giving = Giving { uid, old, device: 0, given: 0, left: Vec::new() };
    for folder in &folders {
        giving.folder(folder).map_err(|error| format!("--set-user {user}: {}: {error}", folder.display()))?;
    }
    giving.main(&main).map_err(|error| format!("--set-user {user}: {}: {error}", main.display()))?;
    let folders: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    *said +=
        &format!("{} and {} things in {} belong to {user} now.\n", main.display(), giving.given, folders.join(", "));
    for left in &giving.left {
        *said += &format!("{left}.\n");
    }
    let key_file = loaded.values.get("api_key_file").and_then(|path| path.as_str());
    if let Some(path) = key_file.map(|path| main.parent().unwrap_or(Path::new("/")).join(path)) {
        *said += &format!("{} keeps its owner: see that {user} may read it.\n", path.display());
    }
    if let Some(pid) = running::process(host.draft(&host.load(&Proposed::default())).plan()) {
        *said += &format!(
            "The agent that runs (process {pid}) goes on as the user that it was started as: `agent restart`.\n"
        );
    }
    Ok(())
}

fn uid_of(user: &str) -> Result<Uid, String> {
    match User::from_name(user) {
        Ok(Some(user)) => Ok(Uid::from_raw(user.uid.as_raw())),
        Ok(None) => {
            Err(format!("--set-user {user}: there is no such user on this host; make one (useradd --system {user})"))
        }
        Err(error) => Err(format!("--set-user {user}: the user cannot be looked up: {error}")),
    }
}

/// Gives one thing after the other, on one file system. Links are given and not followed; everything is held open on the way,
/// so that nobody who may write in a folder leads it elsewhere.
struct Giving {
    uid: Uid,
    /// Whose the configuration was.
    old: u32,
    /// The file system of the folder.
    device: u64,
    given: u64,
    left: Vec<String>,
}

impl Giving {
    fn folder(&mut self, path: &Path) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = openat(CWD, path, flags, Mode::empty())?;
        let about = fstat(&folder)?;
        // Whoever owns the configuration names the folders: they must be theirs already, or root's who runs the agent.
        if self.old != 0 && about.st_uid != self.old && about.st_uid != self.uid.as_raw() {
            return Err(io::Error::other(
                "it does not belong to the owner of the configuration, who could have named any folder; if it is the agent's own, \
                 chown it by hand and do this again. Nothing in it was given",
            ));
        }
        self.device = about.st_dev;
        self.inside(folder, path, 0)
    }

    /// The main file, unless it is another one by now.
    fn main(&self, path: &Path) -> io::Result<()> {
        let file = openat(CWD, path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        let about = fstat(&file)?;
        if about.st_uid != self.old || FileType::from_raw_mode(about.st_mode) != FileType::RegularFile {
            return Err(io::Error::other("it was replaced by somebody else meanwhile; do it again"));
        }
        Ok(chownat(&file, c"", Some(self.uid), None, AtFlags::EMPTY_PATH)?)
    }

    fn inside(&mut self, folder: OwnedFd, path: &Path, depth: usize) -> io::Result<()> {
        if depth > MOST_DEPTH {
            return Err(io::Error::other(format!("{} lies more than {MOST_DEPTH} folders deep", path.display())));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        for entry in Dir::read_from(folder.as_fd())? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let path = path.join(name.to_string_lossy().as_ref());
            // Held, so that what is given is what was looked at.
            let thing = match openat(&folder, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()) {
                // It was a file of the agent that runs, and is gone.
                Err(rustix::io::Errno::NOENT) => continue,
                thing => thing?,
            };
            let stat = fstat(&thing)?;
            if stat.st_dev != self.device {
                self.left.push(format!("{} was left as it is: it is another file system", path.display()));
                continue;
            }
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => {
                    let inner = openat(&folder, name, flags, Mode::empty())?;
                    self.inside(inner, &path, depth + 1)?;
                }
                // A second name may lead to a file of anybody.
                FileType::RegularFile if stat.st_nlink > 1 && (self.old == 0 || stat.st_uid != self.old) => {
                    let path = path.display();
                    self.left.push(format!("{path} was left as it is: it has other names elsewhere"));
                }
                _ => {
                    chownat(&thing, c"", Some(self.uid), None, AtFlags::EMPTY_PATH)?;
                    self.given += 1;
                }
            }
        }
        std::os::unix::fs::fchown(File::from(folder), Some(self.uid.as_raw()), None)?;
        self.given += 1;
        Ok(())
    }
}
