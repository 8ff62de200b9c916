//! Code of others that lies in crates, mostly libraries in C: who made it, and under which terms it is used.
//!
//! Their texts are among those of the crate. A test finds the crates with sources in C that are not named here.

use std::fs;
use std::path::Path;

use super::{CratesError, file_error};

/// A library in a crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bundled {
    pub(crate) name: &'static str,
    /// None for parts that are taken without their version.
    pub(crate) version: Option<String>,
    /// The SPDX expression of what is compiled.
    pub(crate) licence: &'static str,
    pub(crate) address: &'static str,
}

/// What is known of one crate.
struct Known {
    krate: &'static str,
    library: &'static str,
    version: Version,
    licence: &'static str,
    address: &'static str,
    /// Texts that are not about what is compiled, with the reason.
    left_out: &'static [(&'static str, &'static str)],
}

/// Where the version of a library stands.
enum Version {
    /// Nowhere.
    Unknown,
    /// Behind this within the part after the `+` of the crate's version: `2.1.3+zstd.1.5.7`.
    Crate(&'static str),
    /// In quotation marks behind this text in this file.
    File(&'static str, &'static str),
}

const KNOWN: &[Known] = &[
    Known {
        krate: "libdeflate-sys",
        library: "libdeflate",
        version: Version::File("libdeflate/libdeflate.h", "#define LIBDEFLATE_VERSION_STRING"),
        licence: "MIT",
        address: "https://github.com/ebiggers/libdeflate",
        left_out: &[],
    },
    Known {
        krate: "lz4-sys",
        library: "lz4",
        version: Version::Crate("lz4-"),
        licence: "BSD-2-Clause",
        address: "https://github.com/lz4/lz4",
        left_out: &[],
    },
    Known {
        krate: "ring",
        library: "BoringSSL",
        version: Version::Unknown,
        licence: "Apache-2.0 AND ISC",
        address: "https://boringssl.googlesource.com/boringssl",
        left_out: &[],
    },
    Known {
        krate: "ring",
        library: "fiat-crypto",
        version: Version::Unknown,
        licence: "Apache-2.0",
        address: "https://github.com/mit-plv/fiat-crypto",
        left_out: &[],
    },
    Known {
        krate: "zstd-sys",
        library: "zstd",
        version: Version::Crate("zstd."),
        licence: "BSD-3-Clause",
        address: "https://github.com/facebook/zstd",
        left_out: &[(
            "zstd/COPYING",
            "the GPL 2, which zstd offers as the other choice; it is used under the BSD licence",
        )],
    },
];

type Of = (Vec<(&'static str, &'static str)>, Vec<Bundled>);

/// The texts that are left out, and the libraries, of this crate.
pub(super) fn of(krate: &str, version: &str, folder: &Path) -> Result<Of, CratesError> {
    let (mut left_out, mut libraries) = (Vec::new(), Vec::new());
    for known in KNOWN.iter().filter(|known| known.krate == krate) {
        left_out.extend_from_slice(known.left_out);
        let version = match known.version {
            Version::Unknown => None,
            Version::Crate(before) => version
                .split_once('+')
                .and_then(|(_, behind)| behind.split_once(before))
                .map(|(_, version)| version.to_owned()),
            Version::File(path, before) => {
                let path = folder.join(path);
                let text = fs::read_to_string(&path).map_err(|error| file_error(&path, error))?;
                text.split_once(before).and_then(|(_, behind)| behind.split('"').nth(1)).map(str::to_owned)
            }
        };
        libraries.push(Bundled { name: known.library, version, licence: known.licence, address: known.address });
    }
    Ok((left_out, libraries))
}

#[cfg(test)]
pub(super) fn is_known(krate: &str) -> bool {
    KNOWN.iter().any(|known| known.krate == krate)
}
