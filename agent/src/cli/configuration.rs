//! From a configuration file to a plan, as every command needs it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scalyr_monitor::registry::{Environment, Registry};

use super::problems::{self, Form, Wording};
use crate::config::plan::Plan;
use crate::config::{self, Draft, Loaded, Report, Request, Surroundings};

/// Where a configuration is read from, once or again and again, and what it is read against: none of that changes while
/// the process runs.
pub struct Source {
    file: PathBuf,
    extra_directory: Option<PathBuf>,
    environment: Arc<Environment>,
    registry: Registry,
    host_name: String,
}

impl Source {
    /// The main file `file` and the folder of `--extra-config-dir`, against the monitors that are linked into this
    /// binary.
    ///
    /// # Errors
    /// When two of these monitors have one name.
    pub fn new(file: &Path, extra_directory: Option<&Path>, environment: &Arc<Environment>) -> Result<Self, String> {
        let registry = Registry::linked().map_err(|problems| problems.join("\n"))?;
        Ok(Self {
            file: std::path::absolute(file).unwrap_or_else(|_| file.to_owned()),
            extra_directory: extra_directory.map(Path::to_owned),
            environment: Arc::clone(environment),
            registry,
            host_name: super::surroundings::host_name(),
        })
    }

    /// The main file, absolute.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Reads the files as they are now.
    pub fn load(&self) -> Loaded {
        config::load(&Request {
            file: &self.file,
            named_by: "-c",
            extra_directory: self.extra_directory.as_deref(),
            environment: &self.environment,
        })
    }

    /// What they mean.
    pub fn draft(&self, loaded: &Loaded) -> Draft {
        let Self { registry, environment, host_name, .. } = self;
        config::draft(loaded, &Surroundings { registry, environment, host_name })
    }

    /// The names of the monitors that they ask for; see [`config::configured_monitors`].
    pub fn configured_monitors(&self, loaded: &Loaded) -> BTreeSet<String> {
        config::configured_monitors(loaded, &self.registry)
    }
}

/// Reads the configuration whose main file is `file`, against the monitors that are linked into this binary.
///
/// # Errors
/// All problems, as a text for standard error, when one of them is fatal.
pub fn read(file: &Path, environment: &Arc<Environment>) -> Result<(Plan, Report), String> {
    let source = Source::new(file, None, environment)?;
    source.draft(&source.load()).runnable().map_err(|report| text(&report))
}

/// The problems of a configuration that cannot be used, as a text for standard error.
pub fn text(report: &Report) -> String {
    problems::text(report, Wording::Daemon, Form::of_stderr())
}
