//! The texts of a `.deb` that dpkg reads.

use std::fmt::Write as _;
use std::io;

use md5::{Digest, Md5};

use crate::description::{self, HOMEPAGE};
use crate::package::{MAINTAINER, Needs, Package};
use crate::relations::{self, Taken};
use crate::soundness::with_parents;
use crate::tree::{Kind, Role, Tree};

/// Libraries that come with glibc, by the begin of their names.
const OF_GLIBC: [&str; 8] =
    ["libc.so.", "libm.so.", "libpthread.so.", "libdl.so.", "librt.so.", "libutil.so.", "libresolv.so.", "ld-linux"];

/// The file `control` (deb-control(5)).
///
/// # Errors
/// When the program needs a library of which it is not known which package has it.
pub(super) fn fields(package: &Package) -> io::Result<String> {
    let taken = relations::of(package);
    let provided = taken.iter().map(|Taken { name, version, .. }| match version {
        Some(version) => format!("{name} (= {version})"),
        None => (*name).to_owned(),
    });
    let provided = provided.collect::<Vec<_>>().join(", ");
    let conflicting = taken.iter().map(|Taken { name, before, .. }| match before {
        Some(before) => format!("{name} (<< {before})"),
        None => (*name).to_owned(),
    });
    let conflicting = conflicting.collect::<Vec<_>>().join(", ");
    let replaced = taken.iter().map(|taken| taken.name).collect::<Vec<_>>().join(", ");
    let mut text = String::new();
    let mut field = |name: &str, value: &str| {
        if !value.is_empty() {
            text += &format!("{name}: {value}\n");
        }
    };
    field("Package", &package.name);
    field("Version", &package.version.to_string());
    field("Architecture", package.architecture.of_debian());
    field("Maintainer", MAINTAINER);
    field("Installed-Size", &installed_size(&package.tree).to_string());
    // Not `Depends`: `dpkg -i` would take the agent away that runs before it finds that the new program cannot.
    field("Pre-Depends", &depends(&package.needs)?);
    field("Conflicts", &conflicting);
    field("Replaces", &replaced);
    field("Provides", &provided);
    field("Section", "admin");
    field("Priority", "optional");
    field("Homepage", HOMEPAGE);
    field("Description", &description(package));
    Ok(text)
}

/// The first line, and the others behind a space; an empty one is a dot.
fn description(package: &Package) -> String {
    let mut text = description::summary(package);
    for line in description::lines(package) {
        let line = if line.is_empty() { "." } else { &line };
        text += &format!("\n {line}");
    }
    text
}

/// Which packages have the libraries. What the scripts need is in each system (sh, sed, grep, chmod): nothing for that.
fn depends(needs: &Needs) -> io::Result<String> {
    let mut packages = Vec::new();
    if let Some((major, minor)) = needs.glibc {
        packages.push(format!("libc6 (>= {major}.{minor})"));
    }
    for (library, _) in &needs.libraries {
        if library.starts_with("libgcc_s.so.") {
            // It was called libgcc1 before Debian 11 and Ubuntu 20.04.
            packages.push("libgcc-s1 | libgcc1".to_owned());
        } else if !OF_GLIBC.iter().any(|begin| library.starts_with(begin)) {
            let text = format!(
                "the program needs {library}, and it is not known which package of Debian has it: link it statically, or \
                 name it in xtask/package/src/deb/control.rs",
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
    }
    Ok(packages.join(", "))
}

/// In KiB, as dpkg-gencontrol counts: each file rounded up, each folder and link as one.
fn installed_size(tree: &Tree) -> u64 {
    let sizes = with_parents(tree).into_values().map(|entry| match &entry.kind {
        Kind::File(content) => (content.len() as u64).div_ceil(1024),
        Kind::Folder | Kind::Link(_) => 1,
    });
    sizes.sum()
}

/// The file `conffiles`: what the user may edit.
pub(super) fn conffiles(tree: &Tree) -> String {
    let paths = tree.entries().filter(|(_, entry)| entry.role == Role::Config);
    paths.map(|(path, _)| format!("/{path}\n")).collect()
}

/// The file `md5sums`, of all files that the user may not edit: those have theirs in dpkg's list.
pub(super) fn md5sums(tree: &Tree) -> String {
    let mut text = String::new();
    for (path, entry) in tree.entries() {
        if let Kind::File(content) = &entry.kind
            && entry.role != Role::Config
        {
            for byte in Md5::digest(content) {
                // Writing to a String does not fail.
                let _ = write!(text, "{byte:02x}");
            }
            text += &format!("  {path}\n");
        }
    }
    text
}
