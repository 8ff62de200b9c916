//! A disk of one megabyte, to fill.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A file system in memory, mounted on a folder; unmounted when dropped.
pub(crate) struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts one of a megabyte on the folder, which is made. `None`, and loudly so, where mounting is not allowed: it
    /// needs root, and in a container the right to mount.
    pub(crate) fn mount(folder: &Path) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=1m,mode=0755", "tmpfs"]).arg(folder).stdin(Stdio::null());
        match mount.output() {
            Ok(output) if output.status.success() => Some(Self { folder: folder.to_owned() }),
            Ok(output) => {
                let why = String::from_utf8_lossy(&output.stderr);
                eprintln!("NOT TOLD, A STORY IS MISSING HERE: no disk to fill can be mounted: {}", why.trim());
                None
            }
            Err(why) => {
                eprintln!("NOT TOLD, A STORY IS MISSING HERE: `mount` cannot be run: {why}");
                None
            }
        }
    }

    /// Writes until not a byte more fits.
    pub(crate) fn fill(&self) {
        let mut filling = OpenOptions::new().append(true).create(true).open(self.filling()).unwrap();
        let mut piece = 64 * 1024;
        while piece > 0 {
            match filling.write(&vec![b'.'; piece]) {
                Ok(written) if written > 0 => {}
                _ => piece /= 2,
            }
        }
    }

    /// Makes room again.
    pub(crate) fn free(&self) {
        fs::remove_file(self.filling()).unwrap();
    }

    fn filling(&self) -> PathBuf {
        self.folder.join("filling")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, since an agent of a failed story may still be there. What cannot be unmounted is a megabyte.
        let mut unmount = Command::new("umount");
        _ = unmount.arg("-l").arg(&self.folder).stdin(Stdio::null()).status();
    }
}
