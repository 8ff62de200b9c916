//! The C library, which a static program holds.

use std::fs;
use std::path::Path;

use super::texts::{Text, tidy};
use super::{Build, output};

/// glibc, linked in.
#[derive(Clone, Debug)]
pub(crate) struct CLibrary {
    /// Of this host, whose `libc.a` is linked in; none if it does not tell it.
    pub(crate) version: Option<String>,
    /// The notices that this host's package of it brings; none if there are none.
    pub(crate) texts: Vec<Text>,
}

/// The SPDX expression of what is linked in.
pub(crate) const LICENCE: &str = "LGPL-2.1-or-later";
/// Where its source code is.
pub(crate) const ADDRESS: &str = "https://www.gnu.org/software/libc/";
/// Where the packages of Debian and of Fedora have its notices.
const PLACES: [(&str, &str); 2] =
    [("/usr/share/doc/libc6/copyright", "libc6/copyright"), ("/usr/share/licenses/glibc/LICENSES", "glibc/LICENSES")];

/// The C library of this host.
pub(super) fn of_host(build: &Build<'_>) -> CLibrary {
    let told = output(build.root, "getconf", &["GNU_LIBC_VERSION"]).ok();
    let version = told.as_deref().and_then(|told| told.trim().strip_prefix("glibc ")).map(str::to_owned);
    let texts = PLACES.iter().filter_map(|(path, name)| {
        let content = fs::read_to_string(Path::new(path)).ok()?;
        Some(Text { path: (*name).to_owned(), content: tidy(&content) })
    });
    CLibrary { version, texts: texts.take(1).collect() }
}
