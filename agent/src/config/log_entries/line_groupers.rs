//! `lineGroupers`: which lines together make one event (`configuration.md` section 7.1).

use scalyr_monitor::config::Pattern;
use serde_json::Value;

use super::super::keys;
use super::super::line_plan::{GroupEnd, GrouperPlan};
use super::super::report::{Kind, Report};
use super::expressions::Expressions;
use super::rule::{self, Rule, Unusable};

/// What ends an event: a grouper says exactly one of these.
const ENDS: [&str; 4] = ["continueThrough", "continuePast", "haltBefore", "haltWith"];

/// The groupers of the entry at `at`; `None` when one of them cannot be used.
pub(super) fn read(
    groupers: &[Value],
    at: &str,
    expressions: &mut Expressions,
    report: &mut Report,
) -> Option<Vec<GrouperPlan>> {
    const EXPRESSIONS: [&str; 5] = ["start", ENDS[0], ENDS[1], ENDS[2], ENDS[3]];
    let at = format!("{at}.lineGroupers");
    let without = "each line of this entry is an event, and none of its groupers acts";
    rule::read_dispensable(groupers, &at, without, report, |grouper, at, report| {
        let has_one_end = check_ends(grouper, at, report);
        let rule = rule::read(grouper, keys::LINE_GROUPER, &EXPRESSIONS, at, expressions, report);
        if !has_one_end {
            return Err(Unusable::Shape);
        }
        plan(rule?).ok_or(Unusable::Shape)
    })
}

fn plan(mut rule: Rule<'_>) -> Option<GrouperPlan> {
    let start = rule.take("start")?;
    let (name, pattern) = rule.patterns.pop_first()?;
    Some(GrouperPlan { start, end: end(name, pattern)? })
}

fn end(name: &str, pattern: Pattern) -> Option<GroupEnd> {
    match name {
        "continueThrough" => Some(GroupEnd::ContinueThrough(pattern)),
        "continuePast" => Some(GroupEnd::ContinuePast(pattern)),
        "haltBefore" => Some(GroupEnd::HaltBefore(pattern)),
        "haltWith" => Some(GroupEnd::HaltWith(pattern)),
        _ => None,
    }
}

fn check_ends(grouper: &Value, at: &str, report: &mut Report) -> bool {
    let Value::Object(members) = grouper else { return true };
    let given: Vec<&str> =
        ENDS.into_iter().filter(|end| members.get(*end).is_some_and(|value| !value.is_null())).collect();
    if given.is_empty() {
        let message = format!("has none of {}, and needs exactly one of them", ENDS.join(", "));
        report.refuse(at, message).kind(Kind::Missing).hint("add the one that says where an event ends");
    } else if given.len() > 1 {
        let message = format!("has several of {}: {}", ENDS.join(", "), given.join(", "));
        report.refuse(at, message).kind(Kind::Conflict).hint("leave exactly one of them");
    }
    given.len() == 1
}
