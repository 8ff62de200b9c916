//! What can be wrong with a monitor before rustc has a look.

use std::collections::HashSet;
use std::fmt::{self, Display};

use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Expr, ExprLit, ExprUnary, Lit, LitStr, UnOp};

use crate::errors::Errors;
use crate::expand::{arguments_of, numbers_for};
use crate::model::{Config, Env, ExtraFields, Field, Monitor, Role};

/// The keys of a monitor entry that the agent itself reads; the same list as in `scalyr_monitor::config`.
const FRAMEWORK_KEYS: [&str; 13] = [
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

/// Checks a monitor.
pub(crate) fn monitor(monitor: &Monitor, errors: &mut Errors) {
    if monitor.doc.is_empty() {
        errors.at(&monitor.ident, missing_doc("monitor", &monitor.ident));
    }
    if let Some(name) = &monitor.name {
        check_monitor_name(name, errors);
    }
    if let Some(module) = &monitor.module {
        check_module(module, errors);
    }
    for field in &monitor.fields {
        match &field.role {
            Role::Config(config) => check_option(field, config, errors),
            Role::Metric(name) => check_metric(field, name.as_ref(), errors),
            Role::State(_) => check_state(field, errors),
            Role::Broken => {}
        }
    }
    check_keys(monitor, errors);
}

fn missing_doc(what: &str, ident: &impl Display) -> String {
    format!("the {what} `{ident}` needs a doc comment (`/// …`): it becomes its text in the reference")
}

fn check_monitor_name(name: &LitStr, errors: &mut Errors) {
    let text = name.value();
    let starts_well = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if !starts_well || !text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
        errors.at(
            name,
            format!(
                "`{text}` cannot name a monitor: a letter or `_`, then letters, digits, `_` and `-`; a dotted name goes \
                 into `module = \"…\"`"
            ),
        );
    }
}

fn check_module(module: &LitStr, errors: &mut Errors) {
    let text = module.value();
    let good = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if !text.split('.').all(good) {
        errors.at(
            module,
            format!("`{text}` is no module name: parts of letters, digits, `_` and `-` with a dot between"),
        );
    }
}

fn check_option(field: &Field, config: &Config, errors: &mut Errors) {
    if field.doc.is_empty() {
        errors.at(&field.ident, missing_doc("option", &field.ident));
    }
    check_presence(field, config, errors);
    check_literals(config, errors);
    check_times(field, config, errors);
    let key = field.key();
    if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')) {
        errors.at(
            field.key_tokens(),
            format!("`{key}` cannot name an option: ASCII letters, digits, `_`, `-` and `.` can"),
        );
    }
    if let Some(Env::Named(name)) = &config.env {
        let text = name.value();
        if text.is_empty() || !text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            errors.at(name, format!("`{text}` cannot name an environment variable: letters, digits and `_` can"));
        }
    }
}

/// Exactly one of: a default, `required`, an `Option`.
fn check_presence(field: &Field, config: &Config, errors: &mut Errors) {
    let optional = arguments_of(&field.ty, "Option").is_some();
    match (&config.default, &config.required) {
        (Some(_), Some(required)) => errors.at(
            required,
            "`required` and `default` contradict each other: what must be given never falls back to a default",
        ),
        (Some(default), None) if optional => errors.at(
            &default.ident,
            "`default` and `Option<_>` contradict each other: with a default there is always a value; drop the `Option`",
        ),
        (None, Some(required)) if optional => errors.at(
            required,
            "`required` and `Option<_>` contradict each other: what must be given is never `None`; drop the `Option`",
        ),
        (None, None) if !optional && !config.is_flawed => {
            let ty = field.ty.to_token_stream();
            errors.at(
                &field.ty,
                format!(
                    "what is `{}` when it is not given? Say `default = …`, or `required`, or make it an `Option<{ty}>`",
                    field.ident
                ),
            );
        }
        _ => {}
    }
}

/// Default and bounds against each other, as far as they are plain numbers; the rest is checked when they are used.
fn check_literals(config: &Config, errors: &mut Errors) {
    let [min, max] = [&config.min, &config.max].map(|bound| bound.as_ref().and_then(Number::of));
    if let (Some(min), Some(max), Some(token)) = (min, max, &config.max)
        && max < min
    {
        errors.at(token, format!("the max {max} is below the min {min}"));
        return;
    }
    let default = config.default.as_ref().and_then(|default| default.value.as_ref());
    let Some((token, default)) = default.and_then(|token| Some((token, Number::of(token)?))) else { return };
    if min.is_some_and(|min| default < min) || max.is_some_and(|max| default > max) {
        let text = |bound: Option<Number>| bound.map_or_else(String::new, |bound| bound.to_string());
        errors.at(token, format!("the default {default} lies outside {}..={}", text(min), text(max)));
    }
}

/// Defaults and bounds of a time, as far as they are plain numbers: only what can be a time is given to the agent.
fn check_times(field: &Field, config: &Config, errors: &mut Errors) {
    let default = config.default.as_ref().and_then(|default| default.value.as_ref());
    for token in [default, config.min.as_ref(), config.max.as_ref()].into_iter().flatten() {
        for seconds in numbers_for(token, &field.ty, "Duration") {
            match Number::of(seconds).map(Number::as_f64) {
                Some(number) if number < 0.0 => {
                    errors.at(seconds, "a time in seconds is 0 or more");
                }
                // 2^64 seconds: more than a `Duration` holds.
                Some(number) if number >= 18_446_744_073_709_551_616.0 => {
                    errors.at(seconds, "no time is that long: it is given in seconds");
                }
                _ => {}
            }
        }
    }
}

/// A number as it is written.
#[derive(Clone, Copy)]
enum Number {
    Integer(i128),
    Float(f64),
}

impl Number {
    fn of(expression: &Expr) -> Option<Self> {
        match expression {
            Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok().map(Self::Integer),
            Expr::Lit(ExprLit { lit: Lit::Float(number), .. }) => number.base10_parse().ok().map(Self::Float),
            Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => Some(match Self::of(expr)? {
                Self::Integer(number) => Self::Integer(-number),
                Self::Float(number) => Self::Float(-number),
            }),
            _ => None,
        }
    }

    fn as_f64(self) -> f64 {
        match self {
            Self::Integer(number) => number as f64,
            Self::Float(number) => number,
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other).is_some_and(std::cmp::Ordering::is_eq)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.partial_cmp(b),
            (a, b) => a.as_f64().partial_cmp(&b.as_f64()),
        }
    }
}

impl Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number}"),
        }
    }
}

fn check_metric(field: &Field, name: Option<&LitStr>, errors: &mut Errors) {
    if field.doc.is_empty() {
        errors.at(&field.ident, missing_doc("metric", &field.ident));
    }
    if arguments_of(&field.ty, "Metric").is_none() {
        let ty = field.ty.to_token_stream();
        errors.at(
            &field.ty,
            format!("the type of a metric must be `Metric<_>`, a handle to emit through: `Metric<{ty}>` emits `{ty}`"),
        );
    }
    match name {
        Some(name) => check_logged_name("metric", &name.value(), name, errors),
        None => check_logged_name("metric", &field.ident.unraw().to_string(), &field.ident, errors),
    }
}

/// What stands in the metric log (`logging.md` section 5). A reserved name is no mistake: it gets an underscore.
fn check_logged_name(what: &str, name: &str, token: &impl ToTokens, errors: &mut Errors) {
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if !starts_well || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')) {
        errors.at(
            token,
            format!("`{name}` cannot name a {what}: an ASCII letter or `_`, then letters, digits, `_`, `.` and `-`"),
        );
    }
}

fn check_state(field: &Field, errors: &mut Errors) {
    if arguments_of(&field.ty, "Metric").is_some() {
        errors.at(&field.ident, format!("`{}` is a metric handle; mark it #[metric]", field.ident));
    }
}

fn check_keys(monitor: &Monitor, errors: &mut Errors) {
    let mut seen = HashSet::new();
    for field in monitor.fields.iter().filter(|field| matches!(field.role, Role::Config(_))) {
        let key = field.key();
        if FRAMEWORK_KEYS.contains(&key.as_str()) {
            errors.at(field.key_tokens(), format!("the key `{key}` is reserved: the agent itself reads it"));
        } else if !seen.insert(key.clone()) {
            errors.at(field.key_tokens(), format!("the option `{key}` is declared twice"));
        }
    }
}

/// Checks a struct of extra fields.
pub(crate) fn fields(fields: &ExtraFields, errors: &mut Errors) {
    let mut seen = HashSet::new();
    for field in &fields.fields {
        let name = field.name();
        check_logged_name("field", &name, &field.name_tokens(), errors);
        let written = written_name(&name);
        if seen.contains(&written) {
            errors.at(field.name_tokens(), format!("two fields are written as `{written}`"));
        }
        seen.insert(written);
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
