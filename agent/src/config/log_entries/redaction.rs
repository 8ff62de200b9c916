//! `redaction_rules`: what is replaced in each line (`configuration.md` section 7.1).

use serde_json::Value;

use super::super::keys;
use super::super::line_plan::RedactionPlan;
use super::super::report::{Kind, Report};
use super::expressions::Expressions;
use super::replacement;
use super::rule::{self, Unusable};

/// The rules of the entry at `at`, whose files are those of `path`; `None` when one of them cannot be used.
pub(super) fn read(
    rules: &[Value],
    at: &str,
    path: &str,
    expressions: &mut Expressions,
    report: &mut Report,
) -> Option<Vec<RedactionPlan>> {
    let mut number = 0;
    let rules = rule::read_all(rules, &format!("{at}.redaction_rules"), |rule, at| {
        let place = format!("redaction_rules[{number}] of {path}");
        number += 1;
        let mut rule = rule::read(rule, keys::REDACTION_RULE, &["match_expression"], at, expressions, report)?;
        let expression = rule.take("match_expression").ok_or(Unusable::Shape)?;
        let [text, salt] = ["replacement", "hash_salt"].map(|name| rule.settings.text(name).unwrap_or_default());
        let key = format!("{at}.replacement");
        match replacement::of_redaction(text, salt, &expression) {
            Ok(replacement::Parsed { replacement, oddities }) => {
                for oddity in oddities {
                    report.warn(&key, oddity.message).kind(Kind::Reference).hint(oddity.hint);
                }
                if !salt.is_empty() && !text.contains(r"\H") {
                    let message = r"has no effect: there is no `\H1` in `replacement`";
                    report.warn(format!("{at}.hash_salt"), message).kind(Kind::Conflict);
                }
                Ok(RedactionPlan { expression, replacement, place })
            }
            Err(fault) => {
                report.refuse(key, fault.message).kind(Kind::Reference).hint(fault.hint);
                Err(Unusable::Expression)
            }
        }
    });
    // Its lines must not leave the host without any of them.
    rules.ok()
}
