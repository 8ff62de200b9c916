//! `sampling_rules`: which share of the lines is uploaded (`configuration.md` section 7.1).

use serde_json::Value;

use super::super::keys;
use super::super::line_plan::SamplingPlan;
use super::super::report::Report;
use super::expressions::Expressions;
use super::rule;

/// The rules of the entry at `at`; `None` when one of them cannot be used.
pub(super) fn read(
    rules: &[Value],
    at: &str,
    expressions: &mut Expressions,
    report: &mut Report,
) -> Option<Vec<SamplingPlan>> {
    rule::read_all(rules, &format!("{at}.sampling_rules"), |rule, at| {
        let mut rule = rule::read(rule, keys::SAMPLING_RULE, &["match_expression"], at, expressions, report)?;
        let rate = rule.settings.float("sampling_rate")?;
        Some(SamplingPlan { expression: rule.take("match_expression")?, rate })
    })
}
