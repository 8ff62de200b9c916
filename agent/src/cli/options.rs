//! Options that several commands have.

use std::path::PathBuf;
use std::sync::Arc;

use scalyr_monitor::registry::Environment;

use super::configuration::Source;
use crate::config::load::DEFAULT_FILE;

/// Which configuration is meant.
#[derive(Clone, Debug, clap::Args)]
pub struct ConfigurationArgs {
    /// The configuration
    #[arg(short = 'c', long = "config-file", value_name = "FILE", default_value = DEFAULT_FILE)]
    pub config_file: PathBuf,

    /// A second folder of fragments, relative to the folder of FILE
    #[arg(long, value_name = "DIR")]
    pub extra_config_dir: Option<PathBuf>,
}

impl ConfigurationArgs {
    /// Where it is read from.
    ///
    /// # Errors
    /// See [`Source::new`].
    pub(super) fn source(&self, environment: &Arc<Environment>) -> Result<Source, String> {
        Source::new(&self.config_file, self.extra_config_dir.as_deref(), environment)
    }
}
