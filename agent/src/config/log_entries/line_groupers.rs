//! `lineGroupers`: which lines together make one event (`configuration.md` section 7.1).

use serde_json::Value;

use super::super::keys;
use super::super::report::{Kind, Report};
use super::expressions::Expressions;
use super::rule;

/// What ends an event: a grouper says exactly one of these.
const ENDS: [&str; 4] = ["continueThrough", "continuePast", "haltBefore", "haltWith"];

/// Whether each grouper of the entry at `at` can be used.
pub(super) fn check(groupers: &[Value], at: &str, expressions: &mut Expressions, report: &mut Report) -> bool {
    const EXPRESSIONS: [&str; 5] = ["start", ENDS[0], ENDS[1], ENDS[2], ENDS[3]];
    let mut is_fine = true;
    for (index, grouper) in groupers.iter().enumerate() {
        let at = format!("{at}.lineGroupers[{index}]");
        is_fine &= check_ends(grouper, &at, report);
        is_fine &= rule::read(grouper, keys::LINE_GROUPER, &EXPRESSIONS, &at, expressions, report).is_some();
    }
    is_fine
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
