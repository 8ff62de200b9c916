//! `sampling_rules`: which share of the lines is uploaded (`configuration.md` section 7.1).

use serde_json::Value;

use super::super::keys;
use super::super::report::Report;
use super::expressions::Expressions;
use super::rule;

/// Whether each rule of the entry at `at` can be used.
pub(super) fn check(rules: &[Value], at: &str, expressions: &mut Expressions, report: &mut Report) -> bool {
    let mut is_fine = true;
    for (index, rule) in rules.iter().enumerate() {
        let at = format!("{at}.sampling_rules[{index}]");
        let read = rule::read(rule, keys::SAMPLING_RULE, &["match_expression"], &at, expressions, report);
        is_fine &= read.is_some();
    }
    is_fine
}
