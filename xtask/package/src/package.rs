//! What a package is, before it is written in one format or another.

use crate::tree::Tree;

/// What the package of this project is called. Others may have the same content and another name.
pub(crate) const NAME: &str = "scalyr-agent-2-rs";
/// What the Python agent's packages are called, whose place this one takes.
pub(crate) const REPLACED: [&str; 2] = ["scalyr-agent-2", "scalyr-agent-2-aio"];
/// Who answers for the packages, as both formats name it.
pub(crate) const MAINTAINER: &str = "Scalyr agent maintainers <maintainers@users.noreply.github.com>";

/// A package of the agent.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    /// [`NAME`], or what the user called it.
    pub(crate) name: String,
    pub(crate) version: Version,
    pub(crate) architecture: Architecture,
    /// The monitors in the agent, sorted by name.
    pub(crate) monitors: Vec<Monitor>,
    /// What the host must have.
    pub(crate) needs: Needs,
    /// Seconds since 1970: the time of everything in it.
    pub(crate) source_date: u32,
    /// What is installed.
    pub(crate) tree: Tree,
    /// The entries of CHANGELOG.md, newest first.
    pub(crate) changes: Vec<Change>,
}

/// A monitor that is linked in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Monitor {
    /// As the configuration names it: `rain_gauge`.
    pub(crate) name: String,
    /// The crate it comes from.
    pub(crate) krate: String,
    /// The version of that crate.
    pub(crate) version: String,
    /// Whether it comes from local-monitors/ or from outside of the checkout.
    pub(crate) is_local: bool,
    /// Whether it is local, and one of the examples that this repository has.
    pub(crate) is_example: bool,
    /// Its first sentence.
    pub(crate) summary: String,
}

impl Monitor {
    /// Whether it is none of this repository, not even an example of it.
    pub(crate) fn is_of_user(&self) -> bool {
        self.is_local && !self.is_example
    }
}

/// `VERSION-RELEASE`, the same text in each format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    /// That of the workspace; `~` before what comes earlier than the version itself: `0.2.0~rc.1`.
    pub(crate) upstream: String,
    /// `1`, or with a suffix for local monitors `1.local1`: it is newer than that of the same version without.
    pub(crate) release: String,
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.upstream, self.release)
    }
}

/// For which processors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Architecture {
    X86_64,
    Aarch64,
}

impl Architecture {
    /// What dpkg calls it.
    pub(crate) fn of_debian(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::Aarch64 => "arm64",
        }
    }

    /// What rpm and the kernel call it.
    pub(crate) fn of_rpm(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        }
    }
}

/// What the program needs, read from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// The newest glibc whose symbols it uses, as `(2, 34)`; none for a static program.
    pub(crate) glibc: Option<(u16, u16)>,
    /// Each library with the versions of symbols that are used of it: `libc.so.6`, `["GLIBC_2.2.5", …, "GLIBC_2.34"]`.
    pub(crate) libraries: Vec<(String, Vec<String>)>,
}

/// An entry of the list of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// `0.1.0`.
    pub(crate) version: String,
    /// Seconds since 1970.
    pub(crate) time: u32,
    /// What changed, a sentence each.
    pub(crate) lines: Vec<String>,
}
