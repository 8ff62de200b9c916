//! The `.deb`: an `ar` of the format's version, a tar of what dpkg reads and a tar of what it installs.
//!
//! Both tars are compressed with xz, which each dpkg since 1.17.6 reads (Debian 8, Ubuntu 14.04); zstd is read only by
//! that of Debian 12 and newer. Of the program it makes three quarters of what gzip makes.

mod control;

use std::io::{self, Write};

use liblzma::write::XzEncoder;

use crate::archive::Archive;
use crate::package::Package;
use crate::scripts::DebScripts;
use crate::soundness;

/// The level of xz: it unpacks with 9 MB of memory, and a higher one makes this little smaller.
const LEVEL: u32 = 6;

/// Writes the package; the same bytes for the same package.
///
/// # Errors
/// When something in it cannot be said in a `.deb`.
pub(crate) fn write(package: &Package, scripts: &DebScripts) -> io::Result<Vec<u8>> {
    write_at(LEVEL, package, scripts)
}

/// The same at another level of xz, for those who install what they wrote at once.
pub(crate) fn write_at(level: u32, package: &Package, scripts: &DebScripts) -> io::Result<Vec<u8>> {
    soundness::check(package)?;
    let members = [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar.xz", control_tar(level, package, scripts)?),
        ("data.tar.xz", data_tar(level, package)?),
    ];
    let mut outer = ar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = ar::Header::new(name.into(), content.len() as u64);
        header.set_mode(0o100_644);
        header.set_mtime(u64::from(package.source_date));
        outer.append(&header, content.as_slice())?;
    }
    outer.into_inner()
}

/// What dpkg reads: in the order in which dpkg-deb writes it.
fn control_tar(level: u32, package: &Package, scripts: &DebScripts) -> io::Result<Vec<u8>> {
    let files = [
        ("conffiles", 0o644, control::conffiles(&package.tree)),
        ("control", 0o644, control::fields(package)?),
        ("md5sums", 0o644, control::md5sums(&package.tree)),
        ("postinst", 0o755, scripts.postinst.clone()),
        ("postrm", 0o755, scripts.postrm.clone()),
        ("preinst", 0o755, scripts.preinst.clone()),
        ("prerm", 0o755, scripts.prerm.clone()),
    ];
    let mut archive = Archive::new(XzEncoder::new(Vec::new(), level), package.source_date);
    archive.folder(".", 0o755)?;
    for (name, mode, content) in files {
        if !content.is_empty() {
            archive.file(&format!("./{name}"), mode, content.as_bytes())?;
        }
    }
    finished(archive)
}

/// What is installed, with each folder on the way.
fn data_tar(level: u32, package: &Package) -> io::Result<Vec<u8>> {
    let mut archive = Archive::new(XzEncoder::new(Vec::new(), level), package.source_date);
    archive.folder(".", 0o755)?;
    for (path, entry) in soundness::with_parents(&package.tree) {
        archive.add(&format!("./{path}"), entry)?;
    }
    finished(archive)
}

fn finished(archive: Archive<XzEncoder<Vec<u8>>>) -> io::Result<Vec<u8>> {
    let mut compressor = archive.finish()?;
    compressor.flush()?;
    compressor.finish()
}
