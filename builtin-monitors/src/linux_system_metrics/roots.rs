//! Where the kernel's trees lie: our own machine's, or those of a host that were mounted into a container.

use std::path::{Path, PathBuf};

/// The roots of the trees that are read.
#[derive(Debug, Default)]
pub(super) struct Roots {
    proc: PathBuf,
    sys: PathBuf,
    files: PathBuf,
    foreign: bool,
}

impl Roots {
    /// `files` is where the mount points are found; when it is not given and `proc` is not our own `/proc`, that is
    /// `<proc>/1/root`, the file tree as the host's first process sees it.
    pub(super) fn new(proc: &Path, sys: &Path, files: Option<&Path>) -> Self {
        let foreign = proc != Path::new("/proc");
        let files = match files {
            Some(files) => files.to_owned(),
            None if foreign => proc.join("1/root"),
            None => PathBuf::from("/"),
        };
        Self { proc: proc.to_owned(), sys: sys.to_owned(), files, foreign }
    }

    /// A file of the whole machine, below `/proc`.
    pub(super) fn proc(&self, name: &str) -> [PathBuf; 1] {
        [self.proc.join(name)]
    }

    /// A file that each process sees in its own way (mounts, network), below `/proc/PID`.
    ///
    /// A host's tree is asked for its first process: `self` and `net` would show our own container again.
    pub(super) fn process(&self, name: &str) -> Vec<PathBuf> {
        let processes: &[&str] = if self.foreign { &["1", "self"] } else { &["self"] };
        processes.iter().map(|process| self.proc.join(process).join(name)).collect()
    }

    /// A file below `/sys`.
    pub(super) fn sys(&self, name: &str) -> PathBuf {
        self.sys.join(name)
    }

    /// A mount point as we reach it.
    pub(super) fn mount_point(&self, point: &Path) -> PathBuf {
        self.files.join(point.strip_prefix("/").unwrap_or(point))
    }

    /// Where the mount points are looked for.
    pub(super) fn files(&self) -> &Path {
        &self.files
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_trees_are_read_as_they_are() {
        let roots = Roots::new(Path::new("/proc"), Path::new("/sys"), None);
        assert_eq!(roots.proc("stat"), [Path::new("/proc/stat")]);
        assert_eq!(roots.process("mountinfo"), [Path::new("/proc/self/mountinfo")]);
        assert_eq!(roots.mount_point(Path::new("/home")), Path::new("/home"));
        assert_eq!(roots.mount_point(Path::new("/")), Path::new("/"));
    }

    #[test]
    fn a_hosts_tree_is_asked_for_its_first_process() {
        let roots = Roots::new(Path::new("/host/proc"), Path::new("/host/sys"), None);
        let expected = ["/host/proc/1/mountinfo", "/host/proc/self/mountinfo"].map(PathBuf::from);
        assert_eq!(roots.process("mountinfo"), expected);
        assert_eq!(roots.mount_point(Path::new("/home")), Path::new("/host/proc/1/root/home"));
        assert_eq!(roots.sys("class/block"), Path::new("/host/sys/class/block"));
        let roots = Roots::new(Path::new("/host/proc"), Path::new("/host/sys"), Some(Path::new("/host/root")));
        assert_eq!(roots.mount_point(Path::new("/home")), Path::new("/host/root/home"));
    }
}
