//! The kinds of package, and who writes each: the one place where a new kind is added.

use crate::arguments::Arguments;
use crate::package::Package;
use crate::{deb, rpm, scripts, tarball};

/// A kind of package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Deb,
    Rpm,
    Tarball,
}

impl Format {
    /// Those that are asked for.
    pub(crate) fn asked(arguments: &Arguments) -> Vec<Self> {
        let all = [(Self::Deb, arguments.deb), (Self::Rpm, arguments.rpm), (Self::Tarball, arguments.tarball)];
        all.into_iter().filter(|(_, is_asked)| *is_asked).map(|(format, _)| format).collect()
    }

    /// What the file is called, as each package manager expects it.
    pub(crate) fn file_name(self, package: &Package) -> String {
        let Package { name, version, architecture, .. } = package;
        match self {
            Self::Deb => format!("{name}_{version}_{}.deb", architecture.of_debian()),
            Self::Rpm => format!("{name}-{version}.{}.rpm", architecture.of_rpm()),
            Self::Tarball => format!("{name}-{version}.linux-{}.tar.gz", architecture.of_rpm()),
        }
    }

    /// The package's bytes.
    ///
    /// # Errors
    /// Something in it cannot be said in this kind.
    pub(crate) fn write(self, package: &Package) -> Result<Vec<u8>, String> {
        match self {
            Self::Deb => deb::write(package, &scripts::for_deb(package)).map_err(|error| error.to_string()),
            Self::Rpm => rpm::write(package, &scripts::for_rpm(package)).map_err(|error| error.to_string()),
            Self::Tarball => tarball::write(package).map_err(|error| error.to_string()),
        }
    }
}
