//! Which file systems tell of every change that is made to them.

use std::path::Path;

/// Whose notices are enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileSystems {
    /// Those of local file systems. On network, overlay and unknown ones another machine, or another layer, may write
    /// without a notice: files there are polled, too.
    #[default]
    Local,
    /// Nobody's: every file is polled, and notices only make that faster.
    NoneTrusted,
    /// There are no notices at all, as where the system refuses an inotify instance.
    Silent,
}

/// Local file systems of which the kernel sees every write, by the magic numbers of statfs(2).
const LOCAL: [u32; 18] = [
    0x0000_EF53, // ext2, ext3, ext4
    0x5846_5342, // xfs
    0x9123_683E, // btrfs
    0x0102_1994, // tmpfs
    0x8584_58F6, // ramfs
    0x2FC1_2FC1, // zfs
    0xF2F5_2010, // f2fs
    0xCA45_1A4E, // bcachefs
    0x3153_464A, // jfs
    0x5265_4973, // reiserfs
    0x0000_3434, // nilfs
    0x0000_4D44, // vfat
    0x2011_BAB0, // exfat
    0x5346_544E, // ntfs
    0x7366_746E, // ntfs3
    0x0000_482B, // hfs+
    0x5A4F_4653, // zonefs
    0x2405_1905, // ubifs
];

impl FileSystems {
    /// Whether every change to what lies in `directory` is told.
    pub fn trusts(self, directory: &Path) -> bool {
        self == Self::Local && rustix::fs::statfs(directory).is_ok_and(|found| is_local(found.f_type as u64))
    }
}

fn is_local(kind: u64) -> bool {
    // The field is signed and 32 bits wide on some machines.
    LOCAL.contains(&((kind & 0xFFFF_FFFF) as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_and_overlay_file_systems_are_polled_and_local_ones_trusted() {
        let (ext4, xfs, btrfs, tmpfs) = (0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994);
        for local in [ext4, xfs, btrfs, tmpfs, 0xFFFF_FFFF_9123_683E] {
            assert!(is_local(local), "{local:#x}");
        }
        let (nfs, cifs, smb2, fuse) = (0x6969, 0xFF53_4D42, 0xFE53_4D42, 0x6573_5546);
        let (overlay, nine_p, ceph, gfs2, unknown) = (0x794C_7630, 0x0102_1997, 0x00C3_6400, 0x0116_1970, 0x1234);
        for other in [nfs, cifs, smb2, fuse, overlay, nine_p, ceph, gfs2, unknown] {
            assert!(!is_local(other), "{other:#x}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_trusted() {
        assert!(!FileSystems::Local.trusts(Path::new("/nonexistent")));
        assert!(!FileSystems::NoneTrusted.trusts(Path::new("/")));
    }
}
