//! `redaction_rules`: what is replaced in each line (`configuration.md` section 7.1). Their entry is refused for now, as
//! the table of keys says; what is wrong with them is told all the same.

use serde_json::Value;

use super::super::keys;
use super::super::report::Report;
use super::expressions::Expressions;
use super::rule;

/// Whether each rule of the entry at `at` could be used.
pub(super) fn check(rules: &[Value], at: &str, expressions: &mut Expressions, report: &mut Report) -> bool {
    let mut is_fine = true;
    for (index, rule) in rules.iter().enumerate() {
        let at = format!("{at}.redaction_rules[{index}]");
        let read = rule::read(rule, keys::REDACTION_RULE, &["match_expression"], &at, expressions, report);
        is_fine &= read.is_some();
    }
    is_fine
}
