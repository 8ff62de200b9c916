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

/// Why a rule cannot be used; the report says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unusable {
    /// One of its expressions, or its replacement, is none. The Python agent may have known what it means, or have found
    /// out at the first line only, and copied the entry until then.
    Expression,
    /// It is no such rule. The Python agent did not start with it.
    Shape,
}

/// Reads a rule, which stands at `at`, and compiles the members of it that are expressions.
pub(super) fn read<'a>(
    rule: &'a Value,
    keys: &'static [Key],
    are_expressions: &[&'static str],
    at: &str,
    expressions: &mut Expressions,
    report: &mut Report,
) -> Result<Rule<'a>, Unusable> {
    let Value::Object(values) = rule else {
        report.refuse(at, format!("must be an object, {{ ... }}, but is {}", value::kind(rule))).kind(Kind::Type);
        return Err(Unusable::Shape);
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
    if !is_fine {
        // The expressions are told of all the same.
        compile(&settings, are_expressions, at, expressions, report);
        return Err(Unusable::Shape);
    }
    let (patterns, is_fine) = compile(&settings, are_expressions, at, expressions, report);
    if is_fine { Ok(Rule { settings, patterns }) } else { Err(Unusable::Expression) }
}

/// The members that are expressions, and whether all of them can be compiled.
fn compile(
    settings: &Settings<'_>,
    are_expressions: &[&'static str],
    at: &str,
    expressions: &mut Expressions,
    report: &mut Report,
) -> (BTreeMap<&'static str, Pattern>, bool) {
    let (mut patterns, mut is_fine) = (BTreeMap::new(), true);
    for name in are_expressions.iter().copied() {
        if let Some(expression) = settings.text(name) {
            match expressions.pattern(expression, &format!("{at}.{name}"), report) {
                Some(pattern) => _ = patterns.insert(name, pattern),
                None => is_fine = false,
            }
        }
    }
    (patterns, is_fine)
}

/// Reads all rules of a list, which stands at `at`; none of them when one cannot be used: without it the others would
/// do something else than the user meant.
pub(super) fn read_all<T>(
    rules: &[Value],
    at: &str,
    mut read: impl FnMut(&Value, &str) -> Result<T, Unusable>,
) -> Result<Vec<T>, Unusable> {
    let read: Vec<_> = rules.iter().enumerate().map(|(index, rule)| read(rule, &format!("{at}[{index}]"))).collect();
    // The worst of them counts.
    let worst = read.iter().filter_map(|rule| rule.as_ref().err()).max().copied();
    worst.map_or_else(|| Ok(read.into_iter().flatten().collect()), Err)
}

/// The same for rules that an entry can do without: those that only their expressions make unusable are left out, all of
/// them, and the lines are copied without, as the report says.
pub(super) fn read_dispensable<T>(
    rules: &[Value],
    at: &str,
    without: &str,
    report: &mut Report,
    mut read: impl FnMut(&Value, &str, &mut Report) -> Result<T, Unusable>,
) -> Option<Vec<T>> {
    let known = report.problems().len();
    match read_all(rules, at, |rule, at| read(rule, at, report)) {
        Ok(rules) => Some(rules),
        Err(Unusable::Shape) => None,
        Err(Unusable::Expression) => {
            report.conclude(known, without);
            Some(Vec::new())
        }
    }
}
