//! An element of a list of rules: an object with keys of its own, some of them regular expressions.

use serde_json::Value;

use super::super::keys::Key;
use super::super::report::{Kind, Report};
use super::super::settings::{Scope, Settings};
use super::super::value;
use super::expressions::Expressions;

/// Reads a rule, which stands at `at`, and compiles the members of it that are expressions. `None` when it cannot be
/// used; the report says why.
pub(super) fn read<'a>(
    rule: &'a Value,
    keys: &'static [Key],
    are_expressions: &[&'static str],
    at: &str,
    expressions: &mut Expressions,
    report: &mut Report,
) -> Option<Settings<'a>> {
    let Value::Object(values) = rule else {
        report.refuse(at, format!("must be an object, {{ ... }}, but is {}", value::kind(rule))).kind(Kind::Type);
        return None;
    };
    let settings = Settings::read(values, keys, at, Scope::Entry, report);
    let mut is_fine = !settings.is_refused();
    for key in keys.iter().filter(|key| key.required && !settings.is_bad(key.name)) {
        if !settings.is_given(key.name) {
            report.refuse(format!("{at}.{}", key.name), "is missing").kind(Kind::Missing);
            is_fine = false;
        } else if are_expressions.contains(&key.name) && settings.text(key.name) == Some("") {
            let problem = report.refuse(format!("{at}.{}", key.name), "is empty").kind(Kind::Missing);
            problem.hint("write \".*\" for all lines");
            is_fine = false;
        }
    }
    for name in are_expressions {
        if let Some(expression) = settings.text(name) {
            is_fine &= expressions.check(expression, &format!("{at}.{name}"), report);
        }
    }
    is_fine.then_some(settings)
}
