//! What is installed: the file table, and every text in it.
//!
//! The texts that the agent can tell about itself are told by it: help pages, completions, schema and reference always
//! say what the packaged program does. The same sources give the same bytes: nothing here has a time or an order of its
//! own.

mod changelog;
mod completions;
mod configuration;
mod copyright;
mod documents;
mod gz;
mod manual;
mod program;
mod told;

use std::path::{Path, PathBuf};
use std::{fmt, io};

use crate::package::{Change, Monitor, Version};
use crate::tree::{Role, Tree};
use told::Teller;

/// What the table is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sources<'a> {
    /// The checkout, for its documents.
    pub(crate) root: &'a Path,
    /// The agent as it is installed. It may be for another processor.
    pub(crate) program: &'a [u8],
    /// An agent with the same monitors that runs on this machine: it is asked for its texts. Often the file that
    /// `program` was read from.
    pub(crate) agent: &'a Path,
    /// What the package is called.
    pub(crate) name: &'a str,
    pub(crate) version: &'a Version,
    /// The monitors that the agent must have.
    pub(crate) monitors: &'a [Monitor],
    /// The notices and licences of the libraries in the program.
    pub(crate) notices: &'a str,
    /// The script for `/etc/init.d/scalyr-agent-2`.
    pub(crate) init: &'a str,
    /// The time of changes that have none of their own in CHANGELOG.md; seconds since 1970.
    pub(crate) source_date: u32,
}

/// Makes the table of all that is installed, and reads the list of changes, newest first.
///
/// # Errors
/// When a document of the checkout is missing or unreadable, CHANGELOG.md says nothing about this version, or the agent
/// does not tell its texts.
pub(crate) fn collect(sources: &Sources<'_>) -> Result<(Tree, Vec<Change>), ContentsError> {
    let teller = Teller::new(sources.agent);
    teller.check(sources.version, sources.monitors)?;
    let changes = changelog::read(&document(sources.root, changelog::FILE)?, sources.version, sources.source_date)?;

    let mut tree = Tree::default();
    program::install(&mut tree, sources)?;
    configuration::install(&mut tree);
    manual::install(&mut tree, &teller)?;
    completions::install(&mut tree, &teller)?;
    tree.file("usr/share/scalyr-agent-2/agent.schema.json", 0o644, Role::Plain, teller.says(&["schema"])?);
    documents::install(&mut tree, sources, &teller)?;
    changelog::install(&mut tree, sources, &changes)?;
    copyright::install(&mut tree, sources)?;
    Ok((tree, changes))
}

/// A text of the checkout.
fn document(root: &Path, path: &str) -> Result<String, ContentsError> {
    let path = root.join(path);
    std::fs::read_to_string(&path).map_err(|error| ContentsError::Unreadable { path, error })
}

/// Why there is no table.
#[derive(Debug)]
pub(crate) enum ContentsError {
    /// A file or folder of the checkout cannot be read.
    Unreadable { path: PathBuf, error: io::Error },
    /// The agent could not be started at all.
    NotStarted { agent: PathBuf, error: io::Error },
    /// The agent ended with a failure; what it said.
    Refused { agent: PathBuf, arguments: String, said: String },
    /// The agent that tells the texts is not the one that is packaged.
    OtherAgent { agent: PathBuf, difference: String },
    /// A line of CHANGELOG.md, or what it lacks.
    Changelog { line: Option<usize>, problem: String },
}

impl fmt::Display for ContentsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, error } => write!(f, "cannot read {}: {error}", path.display()),
            Self::NotStarted { agent, error } => write!(
                f,
                "cannot run {}: {error}. The manual, the completions and the reference of a package are what the agent \
                 prints, so an agent that runs on this machine is needed; for a package for other processors, one \
                 with the same monitors that is built for this machine",
                agent.display()
            ),
            Self::Refused { agent, arguments, said } => {
                write!(f, "`{} {arguments}` failed:\n{}", agent.display(), said.trim_end())
            }
            Self::OtherAgent { agent, difference } => write!(
                f,
                "{} is not the agent that is packaged: {difference}. The texts of a package are what it prints, so build \
                 it from the same checkout",
                agent.display()
            ),
            Self::Changelog { line: Some(line), problem } => write!(f, "{}:{line}: {problem}", changelog::FILE),
            Self::Changelog { line: None, problem } => write!(f, "{}: {problem}", changelog::FILE),
        }
    }
}

impl std::error::Error for ContentsError {}

#[cfg(test)]
pub(crate) mod tests;
