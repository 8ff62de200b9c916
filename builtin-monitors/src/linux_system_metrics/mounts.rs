//! The table of mounted file systems, `/proc/PID/mountinfo`, and which of its rows `df` would show.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::kernel_file::{KernelFile, Source, text};
use super::warnings::Warnings;

pub(super) const MOUNTINFO: Source = Source { name: "mountinfo", metrics: "df.*", limit: 4 << 20 };
const FORM: &str = "ID PARENT DEVICE ROOT MOUNT_POINT OPTIONS... - TYPE SOURCE";

/// Types that `df -l` leaves out, and those of its younger siblings: the data lie on another machine.
const REMOTE_TYPES: [&str; 24] = [
    "acfs",
    "afs",
    "auristorfs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "fhgfs",
    "fuse.ceph",
    "fuse.gcsfuse",
    "fuse.glusterfs",
    "fuse.s3fs",
    "fuse.sshfs",
    "glusterfs",
    "gpfs",
    "ibrix",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "smb3",
    "smbfs",
    "vxfs",
];

/// Types that never have a size; many of them only root may look into. Looking at an autofs mount point would mount
/// what it stands for.
const SIZELESS_TYPES: [&str; 18] = [
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "fuse.portal",
    "fusectl",
    "mqueue",
    "nsfs",
    "proc",
    "pstore",
    "rpc_pipefs",
    "securityfs",
    "sysfs",
    "tracefs",
];

/// A row of the table. Names are bytes: a mount point need not be UTF-8.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mount {
    /// `major:minor` of the file system.
    device: Vec<u8>,
    /// The directory of the file system that is mounted; not `/` for a bind mount of a part of it.
    root: Vec<u8>,
    /// Where it is mounted.
    point: Vec<u8>,
    /// Its type, for example `ext4`.
    fstype: String,
    /// What was mounted: a device file, `server:/path`.
    source: Vec<u8>,
}

impl Mount {
    /// Where it is mounted.
    pub(super) fn point(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.point))
    }

    /// Its type, for example `ext4`.
    pub(super) fn fstype(&self) -> &str {
        &self.fstype
    }

    /// Whether the data lie on another machine, by the rules of `df -l`.
    fn is_remote(&self) -> bool {
        self.source.contains(&b':')
            || (self.source.starts_with(b"//") && matches!(self.fstype.as_str(), "smbfs" | "smb3" | "cifs"))
            || self.source == b"-hosts"
            || REMOTE_TYPES.contains(&self.fstype.as_str())
    }

    /// Whether asking for its size waits for something that may be dead: a server, or a process of a user.
    fn may_hang(&self) -> bool {
        self.is_remote() || self.fstype.starts_with("fuse") || matches!(self.fstype.as_str(), "9p" | "virtiofs")
    }

    /// What tells one file system from another. Subvolumes of btrfs share a device and are told one by one.
    fn identity(&self) -> (&[u8], &[u8]) {
        (&self.device, if self.fstype == "btrfs" { &self.root } else { b"" })
    }

    /// Whether this row shows more of their common file system than the other one, as `df` chooses: the mount point
    /// nearer to `/`, unless only a part of the file system is mounted there.
    fn beats(&self, other: &Self) -> bool {
        self.point.len() < other.point.len() && self.root.len() <= other.root.len()
    }

    fn is_at_or_below(&self, other: &Self) -> bool {
        self.point().starts_with(other.point())
    }
}

/// A mounted file system whose size is to be told.
#[derive(Debug, PartialEq)]
pub(super) struct Chosen {
    pub(super) mount: Mount,
    /// Whether asking for its size may wait for ever: it, or one above its mount point, may hang.
    pub(super) may_hang: bool,
}

/// Reads all rows that have the form.
pub(super) fn parse(file: &KernelFile<'_>, warnings: &mut Warnings) -> Vec<Mount> {
    let mut mounts = Vec::new();
    for line in file.lines() {
        match parse_line(line) {
            Some(mount) => mounts.push(mount),
            None => file.odd_line(line, FORM, warnings),
        }
    }
    if mounts.is_empty() {
        file.nothing_found("mounted file system", warnings);
    }
    mounts
}

fn parse_line(line: &[u8]) -> Option<Mount> {
    // Not by runs of blanks: a source may be empty.
    let mut fields = line.split(|&byte| byte == b' ').skip(2);
    let (device, root, point) = (fields.next()?, fields.next()?, fields.next()?);
    let mut fields = fields.skip_while(|field| *field != b"-").skip(1);
    let (fstype, source) = (fields.next()?, fields.next()?);
    if !point.starts_with(b"/") || fstype.is_empty() {
        return None;
    }
    Some(Mount {
        device: device.to_vec(),
        root: unescape(root),
        point: unescape(point),
        fstype: text(&unescape(fstype)),
        source: unescape(source),
    })
}

/// Undoes the octal escapes of blanks, line ends and backslashes: `a\040b` is `a b`.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, behind)) = rest.split_first() {
        match *rest {
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => {
                plain.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = &rest[4..];
            }
            _ => {
                plain.push(first);
                rest = behind;
            }
        }
    }
    plain
}

/// The rows that `df` shows, in the table's order: one for each mount point and each file system.
pub(super) fn choose(mounts: &[Mount], local_only: bool, ignored: impl Fn(&Path) -> bool) -> Vec<Chosen> {
    let visible = topmost(mounts);
    let hanging: Vec<_> = mounts.iter().filter(|mount| mount.may_hang()).collect();
    let mut chosen: Vec<&Mount> = Vec::new();
    let mut seen: HashMap<(&[u8], &[u8]), usize> = HashMap::new();
    for mount in visible {
        let sizeless = SIZELESS_TYPES.contains(&mount.fstype.as_str());
        if sizeless || (local_only && mount.is_remote()) || ignored(mount.point()) {
            continue;
        }
        match seen.get(&mount.identity()) {
            Some(&at) if mount.is_remote() && mount.source != chosen[at].source => chosen.push(mount),
            Some(&at) if mount.beats(chosen[at]) => chosen[at] = mount,
            Some(_) => {}
            None => {
                seen.insert(mount.identity(), chosen.len());
                chosen.push(mount);
            }
        }
    }
    let may_hang = |mount: &Mount| hanging.iter().any(|other| mount.is_at_or_below(other));
    chosen.into_iter().map(|mount| Chosen { mount: mount.clone(), may_hang: may_hang(mount) }).collect()
}

/// One row for each mount point, in the order of the first ones: the last that was mounted there hides the others.
fn topmost(mounts: &[Mount]) -> Vec<&Mount> {
    let mut rows: Vec<&Mount> = Vec::new();
    let mut seen: HashMap<&[u8], usize> = HashMap::new();
    for mount in mounts {
        match seen.get(mount.point.as_slice()) {
            Some(&at) => rows[at] = mount,
            None => {
                seen.insert(&mount.point, rows.len());
                rows.push(mount);
            }
        }
    }
    rows
}

/// Reads any bytes.
#[cfg(test)]
pub(super) fn survive(content: &[u8]) {
    let mounts = parse(&KernelFile::holding(&MOUNTINFO, content), &mut Warnings::default());
    for local_only in [false, true] {
        assert!(choose(&mounts, local_only, |_| false).len() <= mounts.len());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(content: &[u8]) -> (Vec<Mount>, Vec<String>) {
        let mut warnings = Warnings::default();
        let mounts = parse(&KernelFile::holding(&MOUNTINFO, content), &mut warnings);
        (mounts, warnings.take_fresh())
    }

    /// `point type` of each chosen row, with a `?` behind those that may hang.
    fn chosen(content: &str, local_only: bool) -> Vec<String> {
        let rows = choose(&parsed(content.as_bytes()).0, local_only, |_| false);
        let shown = |row: Chosen| {
            format!("{} {}{}", row.mount.point().display(), row.mount.fstype, if row.may_hang { "?" } else { "" })
        };
        rows.into_iter().map(shown).collect()
    }

    #[test]
    fn escapes_are_undone_and_strange_bytes_kept() {
        let (mounts, warned) =
            parsed(b"1 0 8:1 / /with\\040blank\\134and\\011tab\xff rw shared:1 master:2 - fuse.x\\0401  rw\n");
        assert_eq!(mounts[0].point, b"/with blank\\and\ttab\xff");
        assert_eq!((mounts[0].fstype.as_str(), mounts[0].source.as_slice()), ("fuse.x 1", b"".as_slice()));
        assert_eq!(warned, Vec::<String>::new());
        assert_eq!(unescape(b"\\04 \\999 \\"), b"\\04 \\999 \\");
    }

    #[test]
    fn a_row_that_was_cut_off_is_left_out() {
        let (mounts, warned) =
            parsed(b"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / /home rw -\n3 1 8:3 / x rw - ext4 a rw\n");
        assert_eq!(mounts.len(), 1);
        assert_eq!(warned.len(), 1);
        assert!(warned[0].contains("`2 1 8:2 / /home rw -`"), "{}", warned[0]);
    }

    #[test]
    fn the_last_that_was_mounted_hides_what_lay_there() {
        let content = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:5 / /mnt rw - autofs systemd-1 rw\n\
            3 1 8:2 / /srv rw - xfs /dev/sdb1 rw\n4 2 0:6 / /mnt rw - nfs4 server:/data rw\n";
        assert_eq!(chosen(content, true), ["/ ext4", "/srv xfs"]);
        assert_eq!(chosen(content, false), ["/ ext4", "/mnt nfs4?", "/srv xfs"]);
    }

    #[test]
    fn a_file_system_that_is_mounted_often_is_told_once() {
        let content = "1 0 8:1 /etc/hosts /etc/hosts rw - ext4 /dev/sda1 rw\n2 1 8:1 / /host rw - ext4 /dev/sda1 rw\n\
            3 1 8:1 /var /v rw - ext4 /dev/sda1 rw\n4 1 0:9 /@ / rw - btrfs /dev/sdb rw\n\
            5 1 0:9 /@home /home rw - btrfs /dev/sdb rw\n6 1 0:9 /@home /mnt/home rw - btrfs /dev/sdb rw\n";
        assert_eq!(chosen(content, true), ["/host ext4", "/ btrfs", "/home btrfs"]);
    }

    #[test]
    fn exports_of_one_server_are_told_one_by_one() {
        let content = "1 0 0:7 / /a rw - nfs4 server:/a rw\n2 0 0:7 / /b rw - nfs4 server:/b rw\n";
        assert_eq!(chosen(content, false), ["/a nfs4?", "/b nfs4?"]);
    }

    #[test]
    fn what_lies_below_a_remote_mount_may_hang_with_it() {
        let content = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:6 / /net rw - nfs server:/data rw\n\
            3 2 8:2 / /net/scratch rw - xfs /dev/sdb1 rw\n4 1 8:3 / /network rw - xfs /dev/sdc1 rw\n\
            5 1 0:8 / /usb rw - fuseblk /dev/sdd1 rw\n";
        assert_eq!(chosen(content, true), ["/ ext4", "/net/scratch xfs?", "/network xfs", "/usb fuseblk?"]);
    }

    #[test]
    fn remote_file_systems_are_known_by_type_and_source() {
        for (row, remote) in [
            ("ext4 /dev/sda1", false),
            ("tmpfs tmpfs", false),
            ("nfs4 server:/data", true),
            ("fuse.sshfs me@server:/data", true),
            ("cifs //server/share", true),
            ("ceph admin@1.0", true),
            ("fuse.portal portal", false),
            ("overlay overlay", false),
        ] {
            let (mounts, _) = parsed(format!("1 0 8:1 / /x rw - {row} rw").as_bytes());
            assert_eq!(mounts[0].is_remote(), remote, "{row}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(content in proptest::collection::vec(any::<u8>(), 0..300)) {
            parsed(&content);
            let row = [b"1 0 8:1 ".as_slice(), &content, b" /a rw - ext4 ", &content, b"\n"].concat();
            choose(&parsed(&row).0, true, |_| false);
        }
    }
}
