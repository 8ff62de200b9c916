//! An element of a list of rules: an object with keys of its own, some of them regular expressions.

use std::collections::BTreeMap;

use scalyr_monitor::config::Pattern;
use serde_json::Value;

use super::super::keys::Key;
use super::super::report::{Kind, Report};
use super::super::settings::{Scope, Settings};
use super::super::value;
use super::expressions::Expressions;

/// A rule that can be used.
pub(super) struct Rule<'a> {
    /// What it says.
    pub(super) settings: Settings<'a>,
    /// Its members that are expressions, compiled, where they are given.
    pub(super) patterns: BTreeMap<&'static str, Pattern>,
}

impl Rule<'_> {
    /// The expression of a member, which is given.
    pub(super) fn take(&mut self, name: &str) -> Option<Pattern> {
        self.patterns.remove(name)
    }
}

/// Reads a rule, which stands at `at`, and compiles the members of it that are expressions. `None` when it cannot be
/// used; the report says why.
pub(super) fn read<'a>(
    rule: &'a Value,
    keys: &'static [Key],
    are_expressions: &[&'static str],
    at: &str,
    expressions: &mut Expressions,
    report: &mut Report,
) -> Option<Rule<'a>> {
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
    let mut patterns = BTreeMap::new();
    for name in are_expressions.iter().copied() {
        if let Some(expression) = settings.text(name) {
            match expressions.pattern(expression, &format!("{at}.{name}"), report) {
                Some(pattern) => _ = patterns.insert(name, pattern),
                None => is_fine = false,
            }
        }
    }
    is_fine.then_some(Rule { settings, patterns })
}

/// Reads all rules of a list, which stands at `at`. `None` when one of them cannot be used: without it the others would
/// do something else than the user meant.
pub(super) fn read_all<T>(
    rules: &[Value],
    at: &str,
    mut read: impl FnMut(&Value, &str) -> Option<T>,
) -> Option<Vec<T>> {
    let read: Vec<_> = rules.iter().enumerate().map(|(index, rule)| read(rule, &format!("{at}[{index}]"))).collect();
    read.into_iter().collect()
}
