//! The crates that are compiled into the agent, with the texts of their licences: what the third-party notices and the
//! SBOM both are written from.

mod bundled;
mod graph;
pub(crate) mod libc;
mod metadata;
pub(crate) mod rust;
mod texts;

#[cfg(test)]
pub(crate) mod tests;

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

pub(crate) use bundled::Bundled;
pub(crate) use libc::CLibrary;
pub(crate) use rust::{OfStd, Rust};
pub(crate) use texts::Text;

/// Which build of the agent is asked about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Build<'a> {
    /// The checkout.
    pub(crate) root: &'a Path,
    /// Of the workspace whose package `agent` is built: that of the checkout, or `linked/Cargo.toml` in it, when monitors
    /// from outside are linked.
    pub(crate) manifest: &'a Path,
    /// `x86_64-unknown-linux-gnu`, also with the glibc behind it that cargo-zigbuild takes: `….2.17`.
    pub(crate) target: &'a str,
    /// Whether the C library is part of the program.
    pub(crate) is_static: bool,
}

/// All that is part of the program.
#[derive(Clone, Debug)]
pub(crate) struct Crates {
    /// Sorted by name and version.
    pub(crate) list: Vec<Crate>,
    /// The standard library.
    pub(crate) rust: Rust,
    /// The C library, if it is part of the program.
    pub(crate) c_library: Option<CLibrary>,
}

/// A crate of which code is in the program.
#[derive(Clone, Debug)]
pub(crate) struct Crate {
    pub(crate) name: String,
    pub(crate) version: String,
    /// One sentence on it.
    pub(crate) description: Option<String>,
    /// The SPDX expression of its manifest.
    pub(crate) licence: Option<String>,
    /// `Jane Doe <jane@example.com>`; newer crates name none.
    pub(crate) authors: Vec<String>,
    /// Where it is developed.
    pub(crate) repository: Option<String>,
    pub(crate) origin: Origin,
    /// A procedural macro: it runs in the compiler, and its templates become part of the program. What it depends on
    /// itself does not, and is not in the list.
    pub(crate) is_macro: bool,
    /// SHA-256 of its archive, as Cargo.lock has it.
    pub(crate) checksum: Option<String>,
    /// Its texts of licences, by their paths in the crate.
    pub(crate) texts: Vec<Text>,
    /// Texts that lie in it and are not taken, with the reason.
    pub(crate) left_out: Vec<(&'static str, &'static str)>,
    /// Code of others within it.
    pub(crate) bundled: Vec<Bundled>,
    /// What it depends on: places in [`Crates::list`], sorted.
    pub(crate) needs: Vec<usize>,
}

/// Where a crate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This repository.
    Project,
    /// A monitor of whoever builds the package, or a crate of theirs that it uses.
    User,
    /// crates.io.
    CratesIo,
    /// Another registry or a repository, as cargo names it.
    Elsewhere(String),
}

impl Origin {
    /// Whether others wrote it, whose terms must be kept.
    pub(crate) fn is_of_others(&self) -> bool {
        matches!(self, Self::CratesIo | Self::Elsewhere(_))
    }
}

/// Why the crates cannot be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CratesError {
    #[error("cannot run `{program}`: {error}")]
    Start { program: &'static str, error: io::Error },
    #[error("`{call}` failed:\n{told}")]
    Failed { call: String, told: String },
    #[error("`{call}` printed what is not understood: {why}")]
    Strange { call: String, why: String },
    #[error("{path}: {why}")]
    File { path: String, why: String },
}

impl Crates {
    /// Reads them by `cargo metadata` and `cargo tree` (both `--locked`), from Cargo.lock and the sources that cargo keeps.
    pub(crate) fn read(build: &Build<'_>) -> Result<Self, CratesError> {
        let metadata = metadata::read(build)?;
        let graph = graph::read(build, &metadata)?;
        let mut list = graph.nodes.iter().map(|node| metadata.describe(node)).collect::<Result<Vec<_>, _>>()?;
        for (place, needs) in graph.needs.into_iter().enumerate() {
            if let Some(krate) = list.get_mut(place) {
                krate.needs = needs;
            }
        }
        Ok(Self { list, rust: rust::read(build)?, c_library: build.is_static.then(|| libc::of_host(build)) })
    }

    /// Those that others wrote.
    pub(crate) fn of_others(&self) -> impl Iterator<Item = &Crate> {
        self.list.iter().filter(|krate| krate.origin.is_of_others())
    }
}

/// What a program prints.
fn output(root: &Path, program: &'static str, arguments: &[&str]) -> Result<String, CratesError> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root).stdin(Stdio::null());
    let output = command.output().map_err(|error| CratesError::Start { program, error })?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
        return Err(CratesError::Failed { call: format!("{program} {}", arguments.join(" ")), told });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What fails at a file.
fn file_error(path: &Path, error: impl std::fmt::Display) -> CratesError {
    CratesError::File { path: path.display().to_string(), why: error.to_string() }
}
