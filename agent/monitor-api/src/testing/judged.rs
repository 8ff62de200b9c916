//! What a monitor says about log files and the host, judged as far as that needs no agent.

use serde_json::{Map, Value};

use super::problem::Problem;
use crate::context::{Context, LogConfig};
use crate::registry::Severity;

/// The keys of an entry of `logs` that have a field of their own in [`LogConfig`].
const FIELDS: [&str; 4] = ["path", "parser", "attributes", "copy_from_start"];

/// What is wrong with what `initialize` left in the context; an attribute of the host is only left out.
pub(super) fn context(context: &Context) -> Vec<Problem> {
    let mut problems = log(&context.log_config);
    for (path, message) in not_scalar("server_attributes", &context.server_attributes) {
        problems.push(Problem { path, message: message + "; it is left out", severity: Severity::Warning });
    }
    problems
}

/// For what the agent would refuse this file.
pub(super) fn log(log: &LogConfig) -> Vec<Problem> {
    let twice = FIELDS
        .iter()
        .filter(|key| log.options.contains_key(**key))
        .map(|key| (format!("log_config.{key}"), format!("has a field of its own: set `{key}`, not `options`")));
    let faults = twice.chain(not_scalar("log_config.attributes", &log.attributes));
    faults.map(|(path, message)| Problem { path, ..Problem::refused(message) }).collect()
}

/// The attributes that cannot be sent, each with its path.
fn not_scalar<'m>(path: &'m str, attributes: &'m Map<String, Value>) -> impl Iterator<Item = (String, String)> + 'm {
    attributes.iter().filter_map(move |(name, value)| {
        let kind = match value {
            Value::Null => "null",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
            Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
        };
        Some((format!("{path}.{name}"), format!("must be a text, a number, true or false, but is {kind}")))
    })
}
