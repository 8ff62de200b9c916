//! How a package stands to others: one table for both formats.
//!
//! Each package of the agent takes the place of the Python agent, and one of another name that of [`NAME`] as well: all
//! those provide that name and conflict with it, so no two can be installed together; neither format lets a package
//! conflict with what it provides itself. `scalyr-agent-2` is provided without a version, because ours say nothing about
//! those of the Python agent: what depends on it stays installed.
//!
//! The conflict of a `.deb` with the Python agent has a version. Its packages provide their own name, without one, and
//! dpkg counts an installed one twice for a conflict with any version: as the package and as what provides it. What is in
//! the way twice it does not remove.
//!
//! A `.rpm` obsoletes by the name of a package only, and whatever knows the package (a repository that holds it, too) then
//! takes it for the successor of that one. So the Python agent is obsolete below the version that ours will never claim to
//! follow: its way back is to remove ours first, which nothing hinders.

use crate::package::{NAME, Package, REPLACED};

/// A name whose place a package takes: provides it, conflicts with it, replaces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) name: &'static str,
    /// The version in which the name is provided; none says nothing about versions.
    pub(crate) version: Option<String>,
    /// What is earlier gives way (`.deb`: conflicts; `.rpm`: is obsolete); none for all versions.
    pub(crate) before: Option<&'static str>,
}

/// The names whose place `package` takes.
pub(crate) fn of(package: &Package) -> Vec<Taken> {
    let python = REPLACED.map(|name| Taken { name, version: None, before: Some("3") });
    let mut taken = Vec::from(python);
    if package.name != NAME {
        let version = Some(package.version.to_string());
        taken.push(Taken { name: NAME, version, before: None });
    }
    taken
}
