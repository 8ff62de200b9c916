//! The file to run when this program starts itself anew.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// What the system writes behind the path of a program whose file was removed, or replaced by an upgrade.
const DELETED: &[u8] = b" (deleted)";
/// This program, whether its file has a name or not.
const ITSELF: &str = "/proc/self/exe";

/// The executable of this process; when an upgrade has replaced it meanwhile, the new one; when it is gone, this one all the
/// same.
///
/// # Errors
/// When the system does not tell.
pub fn own() -> io::Result<PathBuf> {
    std::env::current_exe().map(there)
}

fn there(told: PathBuf) -> PathBuf {
    if told.exists() {
        return told;
    }
    let before = told.as_os_str().as_bytes().strip_suffix(DELETED).map(|path| Path::new(OsStr::from_bytes(path)));
    before.filter(|path| path.is_file()).unwrap_or(Path::new(ITSELF)).to_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_program_that_was_replaced_starts_the_new_file_and_one_that_is_gone_itself() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("agent");
        let deleted = PathBuf::from(format!("{} (deleted)", program.display()));
        assert_eq!(there(deleted.clone()), Path::new(ITSELF));
        fs::write(&program, "").unwrap();
        assert_eq!(there(program.clone()), program);
        assert_eq!(there(deleted.clone()), program);
        fs::write(&deleted, "").unwrap();
        assert_eq!(there(deleted.clone()), deleted, "that is its name");
    }
}
