//! Options that several commands have.

use std::path::PathBuf;

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
