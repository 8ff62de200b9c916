//! `sampling_rules`: which share of the lines is uploaded (`configuration.md` section 7.1).

use serde_json::Value;

use super::super::keys;
use super::super::line_plan::SamplingPlan;
use super::super::report::Report;
use super::expressions::Expressions;
use super::rule::{self, Unusable};

/// The rules of the entry at `at`; `None` when one of them cannot be used.
pub(super) fn read(
    rules: &[Value],
    at: &str,
    expressions: &mut Expressions,
    report: &mut Report,
) -> Option<Vec<SamplingPlan>> {
    let at = format!("{at}.sampling_rules");
    let without = "all lines of this entry are sent, and none of its sampling rules acts";
    rule::read_dispensable(rules, &at, without, report, |rule, at, report| {
        let mut rule = rule::read(rule, keys::SAMPLING_RULE, &["match_expression"], at, expressions, report)?;
        let expression = rule.take("match_expression").ok_or(Unusable::Shape)?;
        let rate = rule.settings.float("sampling_rate").ok_or(Unusable::Shape)?;
        Ok(SamplingPlan { expression, rate })
    })
}
