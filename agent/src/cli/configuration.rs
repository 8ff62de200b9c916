//! From a configuration file to a plan, as every command needs it.

use std::path::Path;
use std::sync::Arc;

use scalyr_monitor::registry::{Environment, Registry};

use super::problems::{self, Form, Wording};
use crate::config::plan::Plan;
use crate::config::{self, Report, Request, Surroundings};

/// Reads the configuration whose main file is `file`, against the monitors that are linked into this binary.
///
/// # Errors
/// All problems, as a text for standard error, when one of them is fatal.
pub fn read(file: &Path, environment: &Arc<Environment>) -> Result<(Plan, Report), String> {
    let registry = Registry::linked().map_err(|problems| problems.join("\n"))?;
    let loaded = config::load(&Request { file, named_by: "-c", extra_directory: None, environment });
    let host_name = super::surroundings::host_name();
    let surroundings = Surroundings { registry: &registry, environment, host_name: &host_name };
    config::build(&loaded, &surroundings).map_err(|report| problems::text(&report, Wording::Daemon, Form::of_stderr()))
}
