//! What may be a name: of monitors, options, variables, metrics, fields and words.

use std::fmt::Display;

use quote::ToTokens;
use syn::LitStr;

use crate::errors::Errors;

/// The keys of a monitor entry that the agent itself reads; the same list as in `scalyr_monitor::config`.
pub(super) const FRAMEWORK_KEYS: [&str; 13] = [
    "module",
    "id",
    "sample_interval",
    "disabled",
    "stop_agent_on_failure",
    "log_path",
    "monitor_log_write_rate",
    "monitor_log_max_write_burst",
    "monitor_log_flush_delay",
    "metric_name_blacklist",
    "calculate_rate_metric_names",
    "log_rotation_backup_count",
    "log_rotation_max_bytes",
];

/// Metric and field names that the server uses itself; the same list as in `scalyr_monitor::metric`.
const RESERVED_NAMES: [&str; 6] = ["logfile", "monitor", "metric", "value", "instance", "severity"];

/// `` `a b` cannot name a metric: … ``
fn cannot_name(name: &str, what: &str, rule: &str) -> impl Display {
    match name {
        "" => format!("an empty text cannot name {what}: {rule}"),
        name => format!("`{name}` cannot name {what}: {rule}"),
    }
}

pub(super) fn of_monitor(name: &LitStr, errors: &mut Errors) {
    let text = name.value();
    let starts_well = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if !starts_well || !text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
        let rule = "a letter or `_`, then letters, digits, `_` and `-`; a dotted name goes into `module = \"…\"`";
        errors.at(name, cannot_name(&text, "a monitor", rule));
    }
}

pub(super) fn of_module(module: &LitStr, errors: &mut Errors) {
    let text = module.value();
    let good = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if !text.split('.').all(good) {
        errors.at(
            module,
            format!("`{text}` is no module name: parts of letters, digits, `_` and `-` with a dot between"),
        );
    }
}

/// The key, or an older name, of an option; whether it can be one.
pub(super) fn of_option(key: &str, token: impl ToTokens, errors: &mut Errors) -> bool {
    if FRAMEWORK_KEYS.iter().any(|reserved| reserved.eq_ignore_ascii_case(key)) {
        errors.at(token, format!("the key `{key}` is reserved: the agent itself reads it"));
        false
    } else if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')) {
        errors.at(token, cannot_name(key, "an option", "ASCII letters, digits, `_`, `-` and `.` can"));
        false
    } else {
        true
    }
}

/// Whether it can be the name of an environment variable.
pub(super) fn is_variable(name: &str) -> bool {
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    starts_well && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

pub(super) fn of_variable(name: &LitStr, errors: &mut Errors) {
    let text = name.value();
    if !is_variable(&text) {
        let rule = "an ASCII letter or `_`, then letters, digits and `_`";
        errors.at(name, cannot_name(&text, "an environment variable", rule));
    }
}

/// What stands in the metric log (`logging.md` section 5). A reserved name is no mistake: it gets an underscore.
pub(super) fn of_logged(what: &str, name: &str, token: impl ToTokens, errors: &mut Errors) {
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if !starts_well || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')) {
        let rule = "an ASCII letter or `_`, then letters, digits, `_`, `.` and `-`";
        errors.at(token, cannot_name(name, &format!("a {what}"), rule));
    }
}

/// A word of an option. Words may stand in a list that is written as text, so nothing that separates or quotes.
pub(super) fn of_word(word: &str, token: impl ToTokens, errors: &mut Errors) {
    let separates = |c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | '"' | '\'' | '[' | ']');
    if word.is_empty() || word.contains(separates) {
        let rule = "no blanks, commas, quotes and brackets";
        errors.at(token, cannot_name(word, "a value", rule));
    }
}

/// The name as it is written: a reserved name gets an underscore behind it (`logging.md` section 5).
pub(crate) fn written_name(name: &str) -> String {
    if RESERVED_NAMES.contains(&name) { format!("{name}_") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A macro crate cannot use the crate that uses it, so the lists stand twice.
    #[test]
    fn the_lists_of_names_are_those_of_the_agent() {
        assert_eq!(FRAMEWORK_KEYS, scalyr_monitor::config::FRAMEWORK_KEYS);
        assert_eq!(RESERVED_NAMES, scalyr_monitor::metric::RESERVED_NAMES);
    }
}
