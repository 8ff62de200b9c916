//! How full the mounted file systems are: `df.*`.

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use scalyr_monitor::prelude::*;

use super::kernel_file::KernelFile;
use super::mounts::{Chosen, MOUNTINFO, Mount, choose, parse};
use super::roots::Roots;
use super::space::{Answer, Asker, Space, Usage};
use super::turn::Turn;
use super::warnings::{Trouble, Warnings};

/// Extra fields of `df.*`.
#[derive(Clone, Copy, Fields)]
struct MountPoint<'a> {
    /// The file system's type, for example `ext4`.
    fstype: &'a str,
    /// Where it is mounted.
    mount: &'a str,
}

/// Which file systems are told, and what asks them.
#[derive(Default)]
pub(super) struct FileSystems {
    local_only: bool,
    ignored: GlobSet,
    asker: Asker,
}

impl FileSystems {
    /// By `local_disks_only` and `ignore_mounts`. A pattern that is none matches only its own text; those are
    /// returned beside, for a warning.
    pub(super) fn new(local_only: bool, ignore_mounts: &[String]) -> (Self, Vec<String>) {
        let mut refused = Vec::new();
        let mut globs = GlobSetBuilder::new();
        for pattern in ignore_mounts {
            // As the shell's `case`: `*` also matches `/`, braces mean themselves.
            let shell = pattern.replace('{', "[{]").replace('}', "[}]");
            let glob = GlobBuilder::new(&shell).literal_separator(false).backslash_escape(true).build();
            let glob = glob.or_else(|error| {
                refused.push(format!("`{pattern}` ({})", error.kind()));
                GlobBuilder::new(&globset::escape(pattern)).literal_separator(false).build()
            });
            if let Ok(glob) = glob {
                globs.add(glob);
            }
        }
        let ignored = globs.build().unwrap_or_else(|error| {
            refused.push(format!("all of them ({error})"));
            GlobSet::empty()
        });
        (Self { local_only, ignored, asker: Asker::default() }, refused)
    }
}

/// Metrics of the mounted file systems.
#[derive(MetricSet)]
#[metrics(category = "Disk Resources")]
pub(super) struct FileSystemMetrics {
    /// Size of a file system in blocks of 1024 bytes.
    #[metric(name = "df.1kblocks.total", unit = "bytes:1024")]
    blocks_total: Metric<u64, MountPoint<'static>>,
    /// What is used of a file system, in blocks of 1024 bytes.
    #[metric(name = "df.1kblocks.used", unit = "bytes:1024")]
    blocks_used: Metric<u64, MountPoint<'static>>,
    /// What users can still have of a file system, in blocks of 1024 bytes.
    #[metric(name = "df.1kblocks.free", unit = "bytes:1024")]
    blocks_free: Metric<u64, MountPoint<'static>>,
    /// Inodes of a file system.
    #[metric(name = "df.inodes.total")]
    inodes_total: Metric<u64, MountPoint<'static>>,
    /// Inodes of a file system that are used.
    #[metric(name = "df.inodes.used")]
    inodes_used: Metric<u64, MountPoint<'static>>,
    /// Inodes of a file system that are free.
    #[metric(name = "df.inodes.free")]
    inodes_free: Metric<u64, MountPoint<'static>>,
}

impl FileSystemMetrics {
    pub(super) fn emit(&self, file_systems: &mut FileSystems, turn: &mut Turn<'_>) {
        let roots = turn.roots;
        let Some((file, out, warnings)) = turn.read_of_process(&MOUNTINFO) else { return };
        self.emit_mounts(file_systems, &file, roots, out, warnings);
    }

    fn emit_mounts(
        &self,
        file_systems: &mut FileSystems,
        file: &KernelFile<'_>,
        roots: &Roots,
        out: &mut Sample,
        warnings: &mut Warnings,
    ) {
        let FileSystems { local_only, ignored, asker } = file_systems;
        let mounts = parse(file, warnings);
        let chosen = choose(&mounts, *local_only, |point| ignored.is_match(point));
        for (mount, space) in sizes(chosen, roots, asker, out.clock(), warnings) {
            self.emit_one(&mount, space, out);
        }
    }

    fn emit_one(&self, mount: &Mount, space: Space, out: &mut Sample) {
        let point = mount.point().display().to_string();
        let fields = MountPoint { fstype: mount.fstype(), mount: &point };
        let kilobytes = space.kilobytes().filter(|_| shows_kilobytes(mount));
        let of_blocks = [self.blocks_total, self.blocks_used, self.blocks_free];
        let of_inodes = [self.inodes_total, self.inodes_used, self.inodes_free];
        for (usage, metrics) in [(kilobytes, of_blocks), (space.inodes(), of_inodes)] {
            let Some(Usage { total, used, free }) = usage else { continue };
            for (metric, value) in metrics.into_iter().zip([total, used, free]) {
                out.emit_with(metric, value, fields);
            }
        }
    }
}

/// The size of each file system that tells it.
fn sizes(
    chosen: Vec<Chosen>,
    roots: &Roots,
    asker: &mut Asker,
    clock: &Clock,
    warnings: &mut Warnings,
) -> Vec<(Mount, Space)> {
    let reached = |row: &Chosen| roots.mount_point(row.mount.point());
    let wary: Vec<PathBuf> = chosen.iter().filter(|row| row.may_hang).map(reached).collect();
    let mut wary_answers = asker.ask_warily(&wary, clock).into_iter();
    let mut told = Vec::new();
    for row in chosen {
        let point = reached(&row);
        let answer = if row.may_hang { wary_answers.next() } else { Some(asker.ask(&point)) };
        match answer {
            Some(Answer::Told(space)) => told.push((row.mount, space)),
            Some(trouble) => note(&trouble, &point, roots, warnings),
            None => {}
        }
    }
    told
}

fn note(trouble: &Answer, point: &Path, roots: &Roots, warnings: &mut Warnings) {
    let point = point.to_string_lossy();
    let point = point.escape_debug();
    match trouble {
        Answer::Told(_) => {}
        Answer::Refused(error) => warnings.once(MOUNTINFO.name, Trouble::Refused, || {
            let files = roots.files().display();
            let advice = match files.to_string().as_str() {
                "/" => String::new(),
                files => format!(
                    " Mount points are looked for below {files}; name another place with the option `root` if the \
                     host's files are mounted elsewhere."
                ),
            };
            format!(
                "Cannot tell the size of the file system at {point}: {error}; it is left out of df.*, as \
                 are others like it.{advice}"
            )
        }),
        Answer::Silent => warnings.once(MOUNTINFO.name, Trouble::Silent, || {
            format!(
                "The file system at {point} does not answer; it is left out of df.* until it does, as \
                 are others like it."
            )
        }),
        Answer::NotAsked => warnings.once(MOUNTINFO.name, Trouble::TooManySilent, || {
            format!("Too many file systems do not answer; {point} is left out of df.* without being asked.")
        }),
    }
}

/// What the sizes always left out, and the inodes never did.
fn shows_kilobytes(mount: &Mount) -> bool {
    let point = mount.point();
    let below = |directory: &str| point.starts_with(directory) && point != Path::new(directory);
    let shown = !matches!(mount.fstype(), "debugfs" | "devtmpfs") && point != Path::new("/dev");
    shown && !below("/lib") && !below("/dev")
}

#[cfg(test)]
mod tests {
    use super::super::tests::Kept;
    use super::*;

    fn ignores(patterns: &[&str], point: &str) -> bool {
        let patterns: Vec<_> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        FileSystems::new(true, &patterns).0.ignored.is_match(point)
    }

    #[test]
    fn ignored_mounts_are_shell_patterns_whose_star_crosses_directories() {
        let default = ["/sys/*", "/dev*", "/run*", "/var/lib/docker/*", "/snap/*"];
        for point in ["/sys/fs/cgroup/cpu", "/dev", "/dev/shm", "/devel", "/run/user/1000", "/var/lib/docker/a/b"] {
            assert!(ignores(&default, point), "{point}");
        }
        for point in ["/", "/sys", "/snap", "/home/dev"] {
            assert!(!ignores(&default, point), "{point}");
        }
        assert!(ignores(&["/disk[0-9]"], "/disk7") && !ignores(&["/disk[!0-9]"], "/disk7"));
        assert!(ignores(&["/a{b,c}"], "/a{b,c}") && !ignores(&["/a{b,c}"], "/ab"));
    }

    #[test]
    fn a_pattern_that_is_none_matches_its_own_text_and_is_named() {
        let (file_systems, refused) = FileSystems::new(true, &["/odd[".to_owned(), "/fine*".to_owned()]);
        assert!(file_systems.ignored.is_match("/odd[") && file_systems.ignored.is_match("/fine/too"));
        assert_eq!(refused.len(), 1);
        assert!(refused[0].starts_with("`/odd[` ("), "{refused:?}");
    }

    /// A machine with a server that is out of reach, as the lines of one sample and what was warned about.
    #[test]
    fn df_tells_kilobytes_and_inodes_of_each_file_system() {
        let table = b"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / /my\\040data rw - vfat /dev/sdb1 rw\n\
            3 1 0:5 / /dev rw - devtmpfs devtmpfs rw\n4 1 0:6 / /proc rw - proc proc rw\n\
            5 1 0:7 / /dev/shm rw - tmpfs tmpfs rw\n6 1 0:8 / /lib/init rw - tmpfs tmpfs rw\n\
            7 1 0:9 / /secret rw - fuse.gvfsd-fuse gvfsd-fuse rw\n8 1 0:10 / /mnt rw - nfs4 server:/a rw\n\
            9 1 8:1 /a /skip/me rw - xfs /dev/sdc1 rw\n";
        let asker = Asker::with(|point| {
            let space = Space {
                block_size: 4096,
                blocks: 1000,
                blocks_free: 400,
                blocks_available: 300,
                inodes: 50,
                inodes_free: 20,
            };
            match point.to_str() {
                Some("/host/proc") => Ok(Space { blocks: 0, ..space }),
                Some("/host/my data") => Ok(Space { inodes: 0, ..space }),
                Some("/host/secret") => Err(std::io::ErrorKind::PermissionDenied.into()),
                _ => Ok(space),
            }
        });
        let roots = Roots::new(Path::new("/host/proc"), Path::new("/sys"), Some(Path::new("/host")));
        let mut file_systems = FileSystems { asker, ..FileSystems::new(false, &["/skip/*".to_owned()]).0 };
        let (kept, mut warnings) = (Kept::default(), Warnings::default());
        let clock = Clock::manual(Timestamp::from_millis(0));
        let mut sample = Sample::new("df", "", clock, Logger::none(), Box::new(kept.clone()));
        let file = KernelFile::holding(&MOUNTINFO, table);
        FileSystemMetrics::declared().emit_mounts(&mut file_systems, &file, &roots, &mut sample, &mut warnings);
        sample.flush();
        expect_test::expect![[r#"
            df.1kblocks.total 4000 fstype="ext4" mount="/"
            df.1kblocks.used 2400 fstype="ext4" mount="/"
            df.1kblocks.free 1200 fstype="ext4" mount="/"
            df.inodes.total 50 fstype="ext4" mount="/"
            df.inodes.used 30 fstype="ext4" mount="/"
            df.inodes.free 20 fstype="ext4" mount="/"
            df.1kblocks.total 4000 fstype="vfat" mount="/my data"
            df.1kblocks.used 2400 fstype="vfat" mount="/my data"
            df.1kblocks.free 1200 fstype="vfat" mount="/my data"
            df.inodes.total 50 fstype="devtmpfs" mount="/dev"
            df.inodes.used 30 fstype="devtmpfs" mount="/dev"
            df.inodes.free 20 fstype="devtmpfs" mount="/dev"
            df.inodes.total 50 fstype="tmpfs" mount="/dev/shm"
            df.inodes.used 30 fstype="tmpfs" mount="/dev/shm"
            df.inodes.free 20 fstype="tmpfs" mount="/dev/shm"
            df.inodes.total 50 fstype="tmpfs" mount="/lib/init"
            df.inodes.used 30 fstype="tmpfs" mount="/lib/init"
            df.inodes.free 20 fstype="tmpfs" mount="/lib/init"
            df.1kblocks.total 4000 fstype="nfs4" mount="/mnt"
            df.1kblocks.used 2400 fstype="nfs4" mount="/mnt"
            df.1kblocks.free 1200 fstype="nfs4" mount="/mnt"
            df.inodes.total 50 fstype="nfs4" mount="/mnt"
            df.inodes.used 30 fstype="nfs4" mount="/mnt"
            df.inodes.free 20 fstype="nfs4" mount="/mnt"
        "#]]
        .assert_eq(&kept.take().replace("1970-01-01 00:00:00.000Z [df()] ", ""));
        expect_test::expect!["Cannot tell the size of the file system at /host/secret: permission denied; it is left out of df.*, as are others like it. Mount points are looked for below /host; name another place with the option `root` if the host's files are mounted elsewhere."].assert_eq(&warnings.take_fresh().join("\n"));
    }
}
