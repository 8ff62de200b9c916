//! What can be wrong with a monitor before rustc has a look.

use crate::errors::Errors;
use crate::model::{ExtraFields, Monitor};

/// Checks a monitor.
pub(crate) fn monitor(_monitor: &Monitor, _errors: &mut Errors) {}

/// Checks a struct of extra fields.
pub(crate) fn fields(_fields: &ExtraFields, _errors: &mut Errors) {}

/// The name as it is written: a reserved name gets an underscore behind it (`logging.md` section 5).
pub(crate) fn written_name(name: &str) -> String {
    match name {
        "logfile" | "monitor" | "metric" | "value" | "instance" | "severity" => format!("{name}_"),
        name => name.to_owned(),
    }
}
