//! `agent status`.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::config::load::DEFAULT_FILE;

/// What `agent status` can be told.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration of the agent that is asked
    #[arg(short = 'c', long = "config-file", value_name = "FILE", default_value = DEFAULT_FILE)]
    pub config_file: PathBuf,

    /// Ask the running agent for everything it knows: files, monitors, uploads
    #[arg(short = 'v', long)]
    pub verbose: bool,

    /// How the report of -v is printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// How a status report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}
