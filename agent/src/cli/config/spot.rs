//! Where a file of a configuration lies: its folder, held open, so that nobody leads the way elsewhere meanwhile.
//!
//! Whoever owns a configuration names its other files: the fragments, which may be links, and `api_key_file`. Root changes them
//! for their owner, and must not do for them what they could not do themselves: write into a folder of the system.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::files::Change;
use super::owner::OF_SYSTEM;

/// A place in an open folder.
pub(super) struct Spot {
    folder: File,
    /// The file, through the open folder.
    pub(super) path: PathBuf,
    /// The same, for people.
    pub(super) shown: PathBuf,
}

impl Spot {
    /// The place of a file that is to be changed; the main file is `main`.
    ///
    /// # Errors
    /// When its folder cannot be opened, or root must not change it for the owner of the main file.
    pub(super) fn of(change: &Change, main: &Path) -> Result<Self, String> {
        let real = match change.text {
            Some(_) => fs::canonicalize(&change.path).ok(),
            None => None,
        };
        let real = real.or_else(|| {
            let folder = fs::canonicalize(change.path.parent()?).ok()?;
            Some(folder.join(change.path.file_name()?))
        });
        let shown = real.unwrap_or_else(|| change.path.clone());
        let failed = |error: std::io::Error| format!("{}: {error}; nothing was changed", shown.display());
        let name: OsString = shown.file_name().unwrap_or_default().to_owned();
        let folder = File::open(shown.parent().unwrap_or(Path::new("/"))).map_err(failed)?;
        let path = through(&folder).join(name);
        let spot = Self { folder, path, shown };
        spot.refuse_reach(main)?;
        Ok(spot)
    }

    /// The folder, as it was opened.
    pub(super) fn folder(&self) -> PathBuf {
        through(&self.folder)
    }

    fn refuse_reach(&self, main: &Path) -> Result<(), String> {
        let Ok(owner) = fs::metadata(main).map(|about| about.uid()) else { return Ok(()) };
        if !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        let link = fs::symlink_metadata(main).ok().filter(fs::Metadata::is_symlink).map(|link| link.uid());
        let real_main = fs::canonicalize(main).unwrap_or_else(|_| main.to_owned());
        if self.shown == real_main {
            return match link.filter(|link| *link != 0 && *link != owner) {
                Some(_) => Err(format!(
                    "{} is a link of one user to a file of another one; name that file with -c if it is meant. Nothing was changed",
                    main.display()
                )),
                None => Ok(()),
            };
        }
        if owner == 0 {
            return Ok(());
        }
        let home = real_main.parent().unwrap_or(Path::new("/"));
        // Where the open folder is by now, whatever its name led to before.
        let folder = fs::read_link(through(&self.folder)).unwrap_or_default();
        if folder.starts_with(home) && !OF_SYSTEM.iter().any(|known| home == Path::new(known)) {
            return Ok(());
        }
        let holder = match fs::symlink_metadata(&self.path) {
            Ok(file) => file.uid(),
            Err(_) => self.folder.metadata().map(|folder| folder.uid()).unwrap_or_default(),
        };
        if holder == owner {
            return Ok(());
        }
        Err(format!(
            "{} is not in the folder of the configuration, and belongs to another user than {}: whoever owns that must not change \
             it through root. Change it by hand, or put it beside the configuration. Nothing was changed",
            self.shown.display(),
            main.display()
        ))
    }
}

fn through(folder: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()))
}
